/* mime: walks through the parts of a mail (RFC 2045, 2046, 2183, 2231), as far as a reader of reports needs it.
 * Owns: nothing; parts are slices of the message, short texts live in the caller's arena.
 * Tolerant: what is cut short or wrongly closed is walked as far as it goes, and told.
 * Must never go deeper than MIME_DEPTH_MAX multiparts nor through more than MIME_PARTS_MAX parts. */
#ifndef DANEWAY_REPORT_MIME_H
#define DANEWAY_REPORT_MIME_H

#include "base/alloc.h"
#include "base/slice.h"

enum { MIME_DEPTH_MAX = 10, MIME_PARTS_MAX = 200 };

enum mime_encoding { MIME_PLAIN, MIME_QUOTED_PRINTABLE, MIME_BASE64, MIME_UNKNOWN };

struct mime_part {
    const char *type; /* "application/tlsrpt+gzip": lower case; "text/plain" if nothing is said */
    const char *name; /* of the file; "" : none */
    enum mime_encoding encoding;
    struct slice body; /* as it stands there */
};

struct mime_visitor {
    void *arg;
    void (*part)(void *arg, const struct mime_part *part); /* each that is no multipart */
    void (*trouble)(void *arg, const char *text);          /* what is wrong with the form */
};

void mime_walk(struct arena *arena, struct slice message, const struct mime_visitor *visitor);

/* The header section of a message, with its last line end. */
struct slice mime_header(struct slice message);
/* The value of the first field of that name, unfolded and trimmed, 8 kB at most; NULL: there is none. */
const char *mime_field(struct arena *arena, struct slice header, const char *name);
/* The value of a parameter behind a field's value ("boundary" of multipart/mixed; boundary=x), with
 * the forms of RFC 2231 put together; NULL: there is none. */
const char *mime_parameter(struct arena *arena, const char *value, const char *name);

enum mime_decoded { MIME_DECODED, MIME_DECODED_WITH_FAULTS, MIME_TOO_LARGE };
/* The body without its transfer encoding, appended to `content`. */
enum mime_decoded mime_decode(const struct mime_part *part, struct buffer *content);

#endif
