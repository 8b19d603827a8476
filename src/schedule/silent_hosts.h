/* silent_hosts: mail hosts that do not answer. Many domains may have the same one: it is probed once for all of them, and the
 * operator hears of it once.
 * Owns: what is known of each such host, until it answers again and the destinations that waited for it have been let go.
 * Requirement QUEUE-03. Internal to src/schedule/; attempts ask through schedule.h.
 * Must never keep a destination waiting that another of its hosts serves, nor remember more than HOSTS_KEPT. */
#ifndef DANEWAY_SCHEDULE_SILENT_HOSTS_H
#define DANEWAY_SCHEDULE_SILENT_HOSTS_H

#include "schedule/destination.h"
#include "schedule/schedule.h"

struct silent_hosts;
struct silent_hosts *silent_hosts_create(struct schedule *schedule);
/* Before the destinations. */
void silent_hosts_free(struct silent_hosts **hosts);

/* The destination waits for no host any more. */
void silent_hosts_leave(struct destination *destination);
/* Does it wait for one that is silent now? */
bool silent_hosts_waits(const struct destination *destination);
/* Mail of a destination has gone: so may that of another one, if a host of both has come back. */
void silent_hosts_served(struct destination *destination);
/* An attempt has ended; if it was the probe of a host and nothing was heard, another one may be. */
void silent_hosts_settled(struct silent_hosts *hosts, const struct delivery *delivery);
/* When a destination that is down is to be tried again, given when it would be by itself: not before the next probe of a
 * host that it waits for. */
int64_t silent_hosts_probe_time(const struct silent_hosts *hosts,
                                const struct destination *destination, int64_t own);
/* The operator says that all may be tried now. */
void silent_hosts_try_all(struct silent_hosts *hosts);
/* Each minute: what nobody waits for, or has asked for lately, is forgotten. */
void silent_hosts_sweep(struct silent_hosts *hosts);
/* [{"host","since","probe_at","destinations","reason","text"}] of those that are silent now. */
json_t *silent_hosts_status(const struct silent_hosts *hosts);
struct silent_host_counters {
    uint64_t outages,
        passed_over; /* times that one fell silent; attempts that were spared a connection */
};
struct silent_host_counters silent_hosts_counters(const struct silent_hosts *hosts);

#endif
