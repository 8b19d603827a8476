/* base64: octets as text and back (RFC 4648 4).
 * Owns: nothing.
 * For mail, keys in the DNS, and octets within JSON.
 * Must never take text that is not exactly base64. */
#ifndef DANEWAY_BASE_BASE64_H
#define DANEWAY_BASE_BASE64_H

#include "base/slice.h"

/* Appends it in one line. -1: the buffer's limit would be passed; it may hold a part then. */
int base64_append(struct buffer *out, struct slice octets);
/* The same in lines of 76 characters, each with CRLF (RFC 2045 6.8). */
int base64_append_lines(struct buffer *out, struct slice octets);
/* Appends what the text stands for; white space in it is passed over. 0, or -1: it is not base64, or too long. */
int base64_decode(struct buffer *out, struct slice text);

#endif
