/* read: TLS reports as others send them, and as we do: octets in, reports and complaints out.
 * Owns: nothing; what it found is lent to the sink for the time of the call.
 * Takes RFC 8460's JSON, plain or in gzip, a whole mail with it, or an mbox of such mails.
 * Tolerant: whatever can be used is used, and what is wrong with it is told.
 * Must never open a file, and never unpack more than READ_OCTETS_MAX octets from one container. */
#ifndef DANEWAY_REPORT_READ_H
#define DANEWAY_REPORT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/slice.h"
#include "daneway/reason.h"

enum { READ_OCTETS_MAX = 100 << 20 };

/* Text that is not known is "", never NULL; all of it is UTF-8. Domains and types are in lower case,
 * addresses as RFC 5952 writes them. */
struct report_failure {
    enum result_type type; /* RESULT_NONE: a type that RFC 8460 does not know */
    const char *type_name;
    const char *sending_ip, *mx, *helo, *receiving_ip, *information, *code;
    uint64_t count;
};

struct report_policy {
    const char *type, *domain;
    const char **strings, **mx;
    size_t string_count, mx_count;
    uint64_t success, failure; /* sessions */
    struct report_failure *failures;
    size_t failure_count;
};

struct tls_report {
    const char *organization, *contact, *id;
    const char *domain; /* whom the report was made for, if the file's name or the mail says it */
    int64_t begin, end; /* seconds since 1970; 0: not known */
    struct report_policy *policies;
    size_t policy_count;
};

enum complaint {
    COMPLAINT_DEVIATES,   /* it was read, but is not as RFC 8460 has it */
    COMPLAINT_NO_REPORT,  /* something else than a TLS report, as other mails in a mailbox */
    COMPLAINT_UNREADABLE, /* should be a report, and could not be read */
};

struct report_sink {
    void *arg;
    void (*report)(void *arg, const char *where, const struct tls_report *report);
    /* where: "message 3, report.json.gz"; "" for the whole. */
    void (*complaint)(void *arg, enum complaint kind, const char *where, const char *text);
};

/* name: the file's, or "": it may name domain and time (RFC 8460 5.1) that the report does not.
 * expected: it should be a report; if not, what is none is COMPLAINT_NO_REPORT. */
void report_read(struct slice octets, const char *name, bool expected,
                 const struct report_sink *sink);

/* The report as RFC 8460 4.4 has it, strictly: what is not known is left out. New reference. */
json_t *report_to_json(const struct tls_report *report);

#endif
