/* read_fields: the fields of a report's JSON, as they should be and as they come.
 * Owns: nothing; texts live in the source's arena.
 * A field is found under its name, under one of the names that drafts and other senders use, or in
 * another spelling (case, "_" for "-"); every deviation is told to the source's sink as "group.name: ...".
 * Must never fail: what cannot be used is as if it were not there. */
#ifndef DANEWAY_REPORT_READ_FIELDS_H
#define DANEWAY_REPORT_READ_FIELDS_H

#include "report/read_source.h"

struct field_object {
    const struct report_source *source;
    json_t *json;      /* borrowed; NULL or no object: no field is there */
    const char *group; /* "summary" */
};

struct field {
    const char *name;
    const char *others; /* names in its place, with blanks between them */
    bool required;
};

/* Borrowed; NULL: it is not there, or null. */
json_t *field_find(const struct field_object *object, const struct field *field);
/* An object; one of no fields if there is none. */
struct field_object field_object(const struct field_object *object, const struct field *field);
const char *field_text(const struct field_object *object, const struct field *field);
/* The same in lower case without a dot at the end: types and domains. */
const char *field_name(const struct field_object *object, const struct field *field);
/* RFC 5952 text; "" if it is no address. */
const char *field_address(const struct field_object *object, const struct field *field);
/* NULL and *count_r 0 if there are none. */
const char **field_texts(const struct field_object *object, const struct field *field,
                         size_t *count_r);
/* false: it is not there, or no number of sessions. */
bool field_count(const struct field_object *object, const struct field *field, uint64_t *count_r);
/* Seconds since 1970 of an RFC 3339 date; 0: not known. */
int64_t field_time(const struct field_object *object, const struct field *field);

/* read_time.c: *deviation_r says what is wrong with the form (NULL: nothing). -1: no date at all. */
int report_time_parse(struct slice text, int64_t *seconds_r, const char **deviation_r);

#endif
