/* schedule_private: the schedule's state, for its own files alone.
 * schedule.c: slots, the window, claims; health.c: destinations that are down; silent_hosts.c: hosts that do not answer;
 * overdue.c: deliveries past their lifetime.
 * Must never be included outside src/schedule/. */
#ifndef DANEWAY_SCHEDULE_SCHEDULE_PRIVATE_H
#define DANEWAY_SCHEDULE_SCHEDULE_PRIVATE_H

#include "schedule/destination.h"
#include "schedule/schedule.h"
#include "schedule/silent_hosts.h"

enum {
    WINDOW = 2000,            /* deliveries that wait for a slot, or are asked of the store */
    DESTINATION_WINDOW = 100, /* of one destination */
    DESTINATION_WINDOW_MIN = 4,
    ALWAYS_ONE = 10000, /* destinations that may have one delivery although the window is full */
    DOWN_KEPT = 10000,  /* destinations that are down and not at work; the store knows of all */
};

struct schedule {
    struct loop *loop;
    struct spool *spool;
    struct queue_settings queue;
    unsigned concurrency, destination_concurrency;
    struct schedule_callbacks callbacks;
    struct destinations *destinations;
    struct silent_hosts *silent_hosts;
    struct ready_list idle, busy; /* ready for a slot: with nothing running, and the others */
    bool oldest_next;
    size_t running, waiting, claiming, down;
    bool more; /* the store may have due destinations that are not here */
    bool looking;
    int64_t next_due;    /* store time: when the store has something new */
    int64_t quiet_until; /* loop time: no look before */
    struct loop_timer *look_timer, *overdue_timer;
    struct delivery *returning[SCHEDULE_RETURN_MOST];
    size_t returning_count;
    loop_fn *returned_fn;
    void *returned_arg;
    bool draining;
    loop_fn *idle_fn;
    void *idle_arg;
};

/* --- schedule.c --- */
struct destination *schedule_destination(struct schedule *schedule, const char *next_hop);
void schedule_wait(struct schedule *schedule, struct destination *destination,
                   struct delivery *delivery);
void schedule_give_back(struct schedule *schedule, struct destination *destination);
void schedule_began(struct schedule *schedule, struct destination *destination);
void schedule_pump(struct schedule *schedule);
void schedule_note_due(struct schedule *schedule, int64_t due);
size_t schedule_room(const struct schedule *schedule);
void schedule_forget_idle(struct schedule *schedule, struct destination *destination);

/* --- health.c --- */
/* May it have one more attempt now? */
bool health_allows(const struct schedule *schedule, const struct destination *destination);
/* What an attempt said of its destination. */
void health_learn(struct schedule *schedule, struct destination *destination, bool was_probe,
                  enum destination_state state, const char *reason, const char *text);
/* The store says that it was down when last tried. */
void health_note_down(struct schedule *schedule, struct destination *destination,
                      unsigned failures);
void health_forget(struct schedule *schedule, struct destination *destination);
/* It is up again, as far as is known: slow start. */
void health_lift(struct schedule *schedule, struct destination *destination);
/* Seconds until the next probe after so many failures. */
int64_t health_hold_time(const struct schedule *schedule, unsigned failures);

/* --- returning.c --- */
/* False: the delivery is none of those. Else it is freed. */
bool returning_settled(struct schedule *schedule, struct delivery *delivery);

/* --- overdue.c --- */
void overdue_check(void *schedule);

#endif
