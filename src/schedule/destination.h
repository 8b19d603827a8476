/* destination: one next hop while the schedule has something to do with it, and the table of these.
 * Owns: the deliveries that wait for a slot; those being attempted are only counted.
 * A destination that is neither at work nor known to be down is forgotten: the store knows the rest.
 * Must never hold deliveries beyond what the schedule admits. */
#ifndef DANEWAY_SCHEDULE_DESTINATION_H
#define DANEWAY_SCHEDULE_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daneway/message.h"
#include "schedule/turns.h"

struct destination;
struct silent_host;
TAILQ_HEAD(destination_list, destination);
enum { DESTINATION_SILENT_HOSTS = 4 };
/* Those that are ready for a slot, in turn. */
struct ready_list {
    struct destination *first, *last;
};

struct destination {
    char *next_hop;
    uint64_t hash;
    struct destination *next;           /* in its bucket */
    struct destination *before, *after; /* among those that are ready for a slot */
    struct ready_list *ready;           /* NULL: it is not */
    void *owner;

    struct turns turns; /* what waits, by sender */
    size_t waiting_count;
    uint64_t small_message_size;
    size_t running;
    unsigned allowed; /* attempts at the same time; grows after it has been down, or busy */
    bool careful;     /* it has been busy: one more at a time */
    unsigned credit;  /* successes since the last one more */

    bool down;
    unsigned failures;      /* holds in a row */
    int64_t probe_at;       /* store time */
    struct delivery *probe; /* being attempted to see whether it is up again */
    char *reason, *text;

    struct silent_host *silent[DESTINATION_SILENT_HOSTS]; /* hosts that it waits for */
    size_t silent_count;
    bool tried_silent_host, passed_over; /* by attempts since it was settled last */
    struct silent_host *returns_to;      /* that answers again; NULL */
    TAILQ_ENTRY(destination) returning;  /* among those that wait to be let go */

    bool more;       /* the store may have further due deliveries */
    size_t claiming; /* asked of the store, not come yet */
};

void destination_push(struct destination *destination, struct delivery *delivery);
/* Whose turn it is (turns.h); NULL: nothing waits. */
struct delivery *destination_pop(struct destination *destination);
/* For a newcomer when the window is full: the newest delivery of the sender who has most, if he has more than the newcomer's
 * would have; NULL: the newcomer has his share already. */
struct delivery *destination_make_room(struct destination *destination,
                                       const struct delivery *newcomer);
void destination_say(struct destination *destination, const char *reason, const char *text);

struct destinations;
struct destinations *destinations_create(void);
/* Frees all, with what waits. */
void destinations_free(struct destinations **destinations);
size_t destinations_count(const struct destinations *destinations);
struct destination *destinations_find(const struct destinations *destinations,
                                      const char *next_hop);
struct destination *destinations_take(struct destinations *destinations, const char *next_hop);
/* Nothing may wait or run. */
void destinations_forget(struct destinations *destinations, struct destination **destination);
/* Visits each once; fn may forget the one it is given, but not add any. */
typedef void destination_fn(void *arg, struct destination *destination);
void destinations_visit(const struct destinations *destinations, destination_fn *fn, void *arg);

#endif
