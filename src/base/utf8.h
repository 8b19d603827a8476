/* utf8: which octets are well-formed UTF-8 (RFC 3629).
 * Owns: nothing.
 * For what is written out of untrusted text: log, JSON, notices.
 * Must never accept overlong forms, surrogates or anything above U+10FFFF. */
#ifndef DANEWAY_BASE_UTF8_H
#define DANEWAY_BASE_UTF8_H

#include <stdint.h>

#include "base/slice.h"

/* The length (1..4) of the character at the start of `s`, its code point in *code_r; 0 if it is not
 * well-formed. */
unsigned utf8_character(struct slice s, uint32_t *code_r);
/* C0, DEL and C1 controls, line and paragraph separators, and what turns the direction of text. */
bool utf8_is_control(uint32_t code);
/* Appends the text, U+FFFD in the place of each octet that is not well-formed, and of each noncharacter
 * such as U+FFFE, which I-JSON forbids (RFC 7493 2.1). -1: the buffer takes
 * no more; what it has ends with a whole character. */
int utf8_repair(struct slice text, struct buffer *clean);

#endif
