/* read_source: where the octets that are being read come from, for the files of the reader.
 * Owns: nothing; the arena is that of the whole reading.
 * Must never be included outside src/report/. */
#ifndef DANEWAY_REPORT_READ_SOURCE_H
#define DANEWAY_REPORT_READ_SOURCE_H

#include "base/alloc.h"
#include "report/read.h"

/* The years 2000 to 2099: a report of another time was misread. */
#define TIME_EARLIEST 946684800
#define TIME_LATEST 4102444799

/* What stands around a report: names of files, fields of the mail. */
struct report_hints {
    const char *domain, *submitter; /* NULL: not known */
    int64_t begin, end;             /* 0: not known */
};

struct report_source {
    struct arena *arena;
    const struct report_sink *sink;
    const char *where;
    struct report_hints hints;
    unsigned depth; /* containers in containers */
    bool expected;
};

/* What a part of `source` is read as: `name` ("" : none) is added to where, and its hints count. */
struct report_source source_inside(const struct report_source *source, const char *name);
/* A copy in lower case, or NULL if the text is no domain. */
const char *hint_domain(struct arena *arena, struct slice text);
void source_deviates(const struct report_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* COMPLAINT_UNREADABLE, or COMPLAINT_NO_REPORT where none was expected. */
void source_refuse(const struct report_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds out what the octets are. */
void read_octets(const struct report_source *source, struct slice octets);
void read_json(const struct report_source *source, struct slice text);
void read_mail(const struct report_source *source, struct slice message);

#endif
