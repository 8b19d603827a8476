/* A strict reader of a delivery status notification, made from RFC 5322, 2046, 6522 and 3464, and
 * independent of src/result/. Any breach of form fails the test that calls it. */
#ifndef TEST_RESULT_MIME_H
#define TEST_RESULT_MIME_H

#include <stdbool.h>
#include <stddef.h>

enum { MIME_FIELDS = 32, MIME_GROUPS = 64, MIME_PARTS = 8 };
struct fields {
    size_t count;
    struct {
        char *name, *value; /* unfolded */
    } field[MIME_FIELDS];
};
struct part {
    struct fields header;
    char *body; /* with CRLF line ends */
};
struct dsn {
    struct fields header;
    bool global; /* RFC 6533: it may have UTF-8 */
    size_t part_count;
    struct part parts[MIME_PARTS];
    struct fields message; /* per-message fields */
    size_t group_count;
    struct fields groups[MIME_GROUPS]; /* per-recipient fields */
};

/* Everything is allocated in memory that lives until the test ends. */
struct dsn *dsn_parse(const char *text, size_t length);
/* The value of the one field with that name; NULL if there is none; fails if there are several. */
char *field(const struct fields *fields, const char *name);

#endif
