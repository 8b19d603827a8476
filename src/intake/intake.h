/* intake: takes mail from internal MTAs by SMTP and hands it to the spool.
 * Owns: client sessions, the client table, limits.
 * RFC 5321, 2920, 1870, 6152, 2034, 3207; requirements SMTPS-01..16, 20..23, TLS-01..05, 13, RTLS-01..07.
 * Must never relay for a client that the table does not name, and never answer 250 to data before the commit. */
#ifndef DANEWAY_INTAKE_INTAKE_H
#define DANEWAY_INTAKE_INTAKE_H

#include "base/err.h"
#include "daneway/settings.h"
#include "loop/crowd.h"
#include "loop/loop.h"
#include "spool/spool.h"
#include "tls/stream.h"

struct intake;
/* Bound, listening, non-blocking descriptors, shared with the other workers; all is borrowed. */
struct intake_listeners {
    const int *descriptors;
    size_t count;
    struct crowd *crowd; /* those who share them, joined; NULL: nobody */
};
/* `tls` may be NULL: no STARTTLS. -1: the client table is wrong (file, line, what was expected). */
int intake_create(struct intake **intake_r, struct loop *loop, struct spool *spool,
                  const struct intake_settings *settings, struct tls_server *tls,
                  const struct intake_listeners *listeners, struct err *err_r);
void intake_free(struct intake **intake);
/* Reads the client table again; -1: it is wrong, the old one stays. */
int intake_reload(struct intake *intake, struct err *err_r);
/* No new sessions; 421 4.3.2 to idle ones; idle_fn when the last has ended. */
void intake_drain(struct intake *intake, loop_fn *idle_fn, void *arg);

/* What is known already of a recipient's next hop, without a look-up and without waiting. Each function returns NULL if
 * nothing stands against it, else why mail for it would only come back, in a line that is good until the next call. */
struct intake_preflight {
    const char *(*null_mx)(void *arg, const char *next_hop);
    const char *(*requiretls)(void *arg, const char *next_hop);
    void *arg;
};
/* Without it, nothing is known. Asked where the settings refuse_null_mx and requiretls_preflight say so (SMTPS-12). */
void intake_use_preflight(struct intake *intake, const struct intake_preflight *preflight);

struct intake_counters {
    uint64_t sessions, sessions_now, messages, recipients, octets, refused_clients,
        refused_recipients, errors;
};
struct intake_counters intake_counters(const struct intake *intake);

#endif
