/* table_text: the text of a Postfix lookup table as logical lines, words and keys.
 * Owns: the buffer of a reader in which continued lines are put together.
 * postmap(1): comments and blank lines are skipped, also inside a continued line;
 * a line that begins with white space continues the one before it.
 * Must never know what a row means. */
#ifndef DANEWAY_POLICY_TABLE_TEXT_H
#define DANEWAY_POLICY_TABLE_TEXT_H

#include <stdbool.h>

#include "base/slice.h"

struct table_reader {
    struct slice rest;
    unsigned number; /* of the physical line read last */
    char *joined;    /* a continued line; borrowed by the line until the next one */
};

struct table_line {
    unsigned number; /* of its first physical line */
    struct slice key, value;
};

/* 1: *line_r is the next logical line; 0: no more; -1: line reader->number continues nothing. */
int table_next_line(struct table_reader *reader, struct table_line *line_r);
void table_line_release(struct table_reader *reader);

/* Lower case without a trailing dot, also before "]"; an address in brackets as RFC 5952 writes it, without "ipv6:".
 * Into text_r[TABLE_KEY_MAX]. 0 or -1 if it is too long. */
enum { TABLE_KEY_MAX = 300 };
int table_key_normalize(struct slice key, char *text_r, struct slice *key_r);

/* Takes the next word off: separated by white space and commas. Empty at the end. */
struct slice table_word(struct slice *rest);

/* Takes the next attribute off: NAME=VALUE, or NAME="VALUE" with white space and commas in it; without "=" value_r->ptr is
 * NULL. 1; 0 at the end; -1 if a quotation mark is not closed, or something is stuck to it. */
int table_attribute(struct slice *rest, struct slice *name_r, struct slice *value_r);

/* "example.com", ".example.com", "example.com:25", "[host]", "[host]:25", "[192.0.2.1]", "[ipv6:2001:db8::1]:25", "[2001:db8::1]";
 * lower case is expected. */
bool table_key_is_valid(struct slice key);

/* For messages: printable ASCII, shortened, into text_r[TABLE_SHOWN]; returns text_r. */
enum { TABLE_SHOWN = 64 };
const char *table_shown(struct slice text, char *text_r);

#endif
