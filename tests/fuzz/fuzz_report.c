/* fuzz_report: any octets as a TLS report, in whatever container. What is read can be written strictly,
 * read again without a fault of form, and then is the same; what is not read is refused with words.
 * Owns: nothing.
 * Must never crash, read past the octets, or hand out text that is not UTF-8. */
#include <stdlib.h>

#include "report/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

struct found {
    unsigned reports, complaints;
    struct report_summary *summary; /* NULL: the second reading */
    json_t *again;                  /* what the second reading gave */
};

static void on_complaint(void *arg, enum complaint kind, const char *where, const char *text)
{
    struct found *found = arg;
    found->complaints++;
    must(kind <= COMPLAINT_UNREADABLE && where != NULL && text != NULL && *text != '\0');
}

static void on_again(void *arg, const char *where, const struct tls_report *report)
{
    struct found *found = arg;
    (void)where;
    must(found->again == NULL);
    found->again = report_to_json(report);
}

static void on_report(void *arg, const char *where, const struct tls_report *report)
{
    struct found *found = arg;
    (void)where;
    found->reports++;
    json_t *json = report_to_json(report);
    char *text = json_dumps(json, JSON_COMPACT);
    must(text != NULL);
    struct found second = {0};
    const struct report_sink sink = {&second, on_again, on_complaint};
    report_read(slice_of(text), "", true, &sink);
    must(second.again != NULL && json_equal(second.again, json));
    json_decref(second.again);
    json_decref(json);
    free(text);
    report_summary_add(found->summary, report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct found found = {.summary = report_summary_create(REPORTED_BY_OTHERS, NULL)};
    const struct report_sink sink = {&found, on_report, on_complaint};
    report_read((struct slice){(const char *)data, size}, "", true, &sink);
    json_t *json = report_summary_to_json(found.summary);
    must(json != NULL);
    must(json_integer_value(json_object_get(json, "reports")) <= found.reports);
    json_decref(json);
    report_summary_free(&found.summary);
    return 0;
}
