/* slice: untrusted text as {pointer, length}; never a C string until it has been checked.
 * Owns: nothing; a slice borrows, and lives no longer than what it points into.
 * Also the bounded buffer that grows up to a limit given when it is made.
 * Must never read past its length, and never take a NUL for an end.
 */
#ifndef DANEWAY_BASE_SLICE_H
#define DANEWAY_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})
/* printf("%.*s", SLICE_ARG(s)) */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

struct slice slice_of(const char *text); /* a C string; NULL gives an empty slice */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_starts_nocase(struct slice s, struct slice prefix);
struct slice slice_drop(struct slice s, size_t count); /* without the first count octets */
struct slice slice_take(struct slice s, size_t count); /* the first count octets at most */
struct slice slice_trim(struct slice s);               /* without SP and HTAB at both ends */
/* The part before the first `separator`; *rest_r is what follows it, empty with ptr NULL if there is none. */
struct slice slice_split(struct slice s, char separator, struct slice *rest_r);
/* Decimal digits only, at most `max`: 0, or -1 if it is anything else. */
int slice_to_number(struct slice s, uint64_t max, uint64_t *number_r);
bool slice_is_ascii(struct slice s); /* no octet above 127 */
/* ASCII lower case, independent of the locale. */
char ascii_lower(char c);
void ascii_lower_text(char *text);
/* FNV-1a, its halves mixed: for tables in memory whose keys nobody gains by making collide. */
uint64_t text_hash(const char *text);

/* A buffer that grows up to `limit` octets. append answers -1 and leaves it unchanged when it would pass it. */
struct buffer {
    char *ptr;
    size_t len, size, limit;
};
void buffer_init(struct buffer *buffer, size_t limit);
int buffer_append(struct buffer *buffer, const void *data, size_t length);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_consume(struct buffer *buffer, size_t count); /* drops the first octets */
struct slice buffer_slice(const struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_release(
    struct buffer *buffer); /* gives the memory back; the buffer can be used again */

/* Hexadecimal, lower case; `text` has room for 2 * length + 1. */
void hex_encode(const void *data, size_t length, char *text);
/* Even number of digits, any letter case; data_r has room for s.len / 2. 0 or -1. */
int hex_decode(struct slice s, unsigned char *data_r, size_t *length_r);

#endif
