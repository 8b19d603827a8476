/* watch: tells the memory of what destinations have shown (resolve/) what this attempt has seen of one.
 * Owns: nothing.
 * What is less than before was judged by policy/, in the plan; here it is put beside what a session showed.
 * Must never note anything of an attempt that only examines: nobody's mail depended on it. */
#ifndef DANEWAY_ATTEMPT_WATCH_H
#define DANEWAY_ATTEMPT_WATCH_H

#include "attempt/session.h"
#include "daneway/message.h"
#include "resolve/resolve.h"

struct watch {
    struct resolver *resolver;
    const struct delivery *delivery; /* NULL when examining: nothing is noted */
    const struct evidence *evidence;
    const struct plan *plan;
    int64_t now; /* seconds since 1970 */
};
/* A session that is ready, or was refused. */
void watch_session(const struct watch *watch, const struct plan_host *host,
                   const struct session_facts *facts, bool ready);
/* The plan lets nothing be tried. */
void watch_refusal(const struct watch *watch);

#endif
