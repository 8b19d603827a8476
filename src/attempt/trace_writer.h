/* trace_writer: JSON text, written down as it comes: a trace is made for every message, and a tree of its values would cost
 * more than all the rest of it.
 * Owns: the text while it grows.
 * RFC 8259. Texts become printable ASCII here, whatever a stranger wrote; absent ones (NULL) leave their key out.
 * Must never be asked to close what is not open, nor for its text while something is. */
#ifndef DANEWAY_ATTEMPT_TRACE_WRITER_H
#define DANEWAY_ATTEMPT_TRACE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct writer {
    char *octets; /* NULL: nothing yet */
    size_t length, size;
    uint32_t lists; /* of what is open, one bit each: a list, not an object; the innermost lowest */
    unsigned depth;
    bool first; /* nothing stands in the innermost yet */
};

/* A writer starts as {0}. Everything written stands in what was opened last, under `key`, or in a list with key NULL. */
void open_object(struct writer *writer, const char *key);
void open_list(struct writer *writer, const char *key);
void close_last(struct writer *writer);

void put_text(struct writer *writer, const char *key, const char *text); /* NULL: left out */
void put_number(struct writer *writer, const char *key, int64_t number);
void put_boolean(struct writer *writer, const char *key, bool value);
void put_flag(struct writer *writer, const char *key, bool flag); /* false: left out */
/* What another writer has written; NULL: left out. */
void put_written(struct writer *writer, const char *key, const char *json);

/* Closed by a NUL, and the caller's; the writer is as new. NULL: nothing was written. */
char *writer_take(struct writer *writer);
void writer_free(struct writer *writer);

#endif
