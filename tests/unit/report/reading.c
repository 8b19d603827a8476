/* Reads octets with report_read and keeps what the sink got. */
#include "reading.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_report(void *arg, const char *where, const struct tls_report *report)
{
    struct reading *reading = arg;
    json_t *json = report_to_json(report);
    cr_assert(json != NULL);
    json_t *entry = json_pack("{s:s, s:s, s:I, s:o}", "where", where, "domain", report->domain,
                              "begin", (json_int_t)report->begin, "report", json);
    cr_assert(entry != NULL, "text that is not UTF-8");
    json_array_append_new(reading->reports, entry);
}

static void on_complaint(void *arg, enum complaint kind, const char *where, const char *text)
{
    struct reading *reading = arg;
    static const char letters[] = {'D', 'N', 'U'};
    size_t used = strlen(reading->complaints);
    reading->deviations += kind == COMPLAINT_DEVIATES;
    reading->others += kind == COMPLAINT_NO_REPORT;
    reading->unreadable += kind == COMPLAINT_UNREADABLE;
    snprintf(reading->complaints + used, sizeof(reading->complaints) - used, "%c %s%s%s\n",
             letters[kind], where, *where != '\0' ? ": " : "", text);
}

void reading_octets(struct reading *reading_r, struct slice octets, const char *name, bool expected)
{
    const struct report_sink sink = {reading_r, on_report, on_complaint};
    memset(reading_r, 0, sizeof(*reading_r));
    reading_r->reports = json_array();
    report_read(octets, name, expected, &sink);
}

void reading_text(struct reading *reading_r, const char *text)
{
    reading_octets(reading_r, slice_of(text), "", true);
}

char *sample_octets(const char *name, size_t *length_r)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/tests/unit/report/samples/%s", getenv("TOP_SRCDIR"), name);
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    char *octets = malloc(65536);
    *length_r = fread(octets, 1, 65536, file);
    fclose(file);
    return octets;
}

void reading_sample(struct reading *reading_r, const char *name)
{
    size_t length;
    char *octets = sample_octets(name, &length);
    reading_octets(reading_r, (struct slice){octets, length}, name, true);
    free(octets);
}

void reading_end(struct reading *reading)
{
    json_decref(reading->reports);
    reading->reports = NULL;
}
