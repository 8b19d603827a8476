/* tlsrpt: the record by which a domain asks for TLS reports, and the receivers that it names.
 * Owns: nothing; what is read lives in the caller's arena.
 * RFC 8460 3; requirements RPT-02..06, RPT-45. Part of policy/: pure.
 * Must never take the receiver of one record out of several. */
#ifndef DANEWAY_TLSRPT_H
#define DANEWAY_TLSRPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/slice.h"

/* Of one record; what is beyond is counted, and not served (RPT-45). */
enum { TLSRPT_RECEIVERS = 10, TLSRPT_ADDRESSES = 10 };

enum report_method { REPORT_BY_MAIL, REPORT_BY_HTTPS };

struct report_receiver {
    enum report_method method;
    const char *
        uri; /* as it is shown and remembered: scheme and host in lower case, without the header fields of a
                        mailto; printable ASCII */
    const char *const *addresses; /* mailto: addr-specs, percent-decoded (RPT-06) */
    size_t address_count;
    const char *host; /* https: lower case */
    uint16_t port;
};

struct tlsrpt_record {
    struct report_receiver receivers[TLSRPT_RECEIVERS]; /* in the order of the record */
    size_t receiver_count;
    size_t unusable; /* URIs of other schemes, or that are none (RPT-05) */
    size_t surplus;  /* usable ones beyond TLSRPT_RECEIVERS */
};

/* `txts`: the TXT RRset, each with its strings joined. 0: exactly one valid record; it may name no usable receiver.
 * -1: the domain gets no reports, *why_r says why (RPT-02, RPT-03). */
int tlsrpt_record_parse(struct arena *arena, const struct slice *txts, size_t count,
                        struct tlsrpt_record *record_r, const char **why_r);
/* One URI alone, as tlsrpt_record_parse gives it in `uri`. 0, or -1: it cannot be served. */
int report_receiver_parse(struct arena *arena, struct slice uri,
                          struct report_receiver *receiver_r);

#endif
