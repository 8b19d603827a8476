/* Reads octets with report_read and keeps what the sink got, for the tests of the reader. */
#ifndef TEST_REPORT_READING_H
#define TEST_REPORT_READING_H

#include <jansson.h>

#include "report/read.h"

struct reading {
    json_t *reports;        /* array of {"where", "domain", "begin", "report": RFC 8460} */
    char complaints[65536]; /* a line each: "D where: text", "N ...", "U ..." */
    unsigned deviations, others, unreadable;
};

void reading_octets(struct reading *reading_r, struct slice octets, const char *name,
                    bool expected);
/* A C string, expected to be a report. */
void reading_text(struct reading *reading_r, const char *text);
/* tests/unit/report/samples/NAME */
void reading_sample(struct reading *reading_r, const char *name);
void reading_end(struct reading *reading);
/* The whole file; free() it. */
char *sample_octets(const char *name, size_t *length_r);

#endif
