/* supervisor_inside: what the files of the supervisor share: supervisor.c (life), crew.c (the roles' processes),
 * handover.c (another program takes over).
 * Owns: nothing.
 * Internal to these three. */
#ifndef DANEWAY_SUPERVISOR_INSIDE_H
#define DANEWAY_SUPERVISOR_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "daneway/settings.h"
#include "handed.h"
#include "loop/crowd.h"
#include "trust.h"
#include "worker.h"

enum { DRAIN_LIMIT = WORKER_DRAIN_LIMIT + 5 /* seconds */, NO_SOCKET = -1 };

struct role {
    char name[24];
    bool is_control;
    unsigned number;
    pid_t pid;                   /* 0: it does not run */
    int64_t started, restart_at; /* monotonic seconds */
    unsigned delay;
    bool restarted;
    int reins;        /* the supervisor's end; NO_SOCKET: it never ran */
    bool ready;       /* it serves, by what was read last */
    bool of_old;      /* of the program that this one took over from */
    int64_t leave_by; /* it was told to go; 0: it was not */
};

struct listeners {
    int *fds;
    size_t count;
};

struct supervisor {
    const struct settings *settings;
    const struct trust *trust;
    struct crowd *crowd; /* of this program's workers */
    char **arguments;    /* of this program */
    char *program;       /* its path, as it was started */
    pid_t pid;
    int signals; /* signalfd */
    struct handed *handed;
    struct listeners intake, policy, status, status_tcp;
    bool status_is_systemds; /* its file is not ours to remove */
    int (*channels)[2];      /* by worker: its end, the control role's end */
    unsigned channel_count;  /* at least worker_count */
    unsigned worker_count;
    struct role *
        roles; /* the workers, then the control role, then workers of the predecessor that have no successor */
    unsigned role_count;
    bool handover_asked; /* by SIGUSR2 */
    pid_t probe;         /* of a new program that is tried; 0: none */
    int64_t probe_until;
    bool announced; /* the service manager has heard that all is ready */
    int64_t watchdog_at;
    unsigned watchdog_interval; /* seconds; 0: none */
    bool draining;
    int64_t drain_until;
    int exit_status;
};

static inline struct role *control_role(const struct supervisor *supervisor)
{
    return &supervisor->roles[supervisor->worker_count];
}

/* supervisor.c */
int64_t supervisor_seconds(void); /* monotonic */

/* crew.c */
/* An empty place for each role of this program, and `surplus` more. */
void crew_prepare(struct supervisor *supervisor, unsigned surplus);
void crew_start_due(struct supervisor *supervisor);
/* Takes note of every child that has died; returns true if the configuration was wrong at a first start. */
bool crew_reap(struct supervisor *supervisor);
/* Which roles have said that they serve? True: all of this program do, and none of another runs. */
bool crew_is_ready(struct supervisor *supervisor);
bool crew_workers_run(const struct supervisor *supervisor);
/* Tells a role to end when what it does is done; by force after DRAIN_LIMIT. */
void crew_dismiss(struct role *role);
void crew_signal_workers(struct supervisor *supervisor, int signal_number);

/* handover.c */
/* The process that tried it has ended with this wait status. */
void handover_tried(struct supervisor *supervisor, int status);
/* At the start: takes over what a predecessor in the same process left. 0: there is none; 1: it is done, and roles are
 * there; -1: it makes no sense. */
int handover_receive(struct supervisor *supervisor, struct err *err_r);
/* Replaces the predecessor's roles, a few at a time. If none is left and a handover is asked for: tries the program in a
 * process of its own; if that finds the configuration good, the program takes this one's place. To be called whenever
 * something has changed. */
void handover_advance(struct supervisor *supervisor);

#endif
