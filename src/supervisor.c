/* supervisor: the privileged parent: binds listeners, forks the roles, restarts a role that dies,
 * forwards signals.
 * Owns: the listeners and both ends of the channels, which outlive every role. All signals are
 * blocked and waited for in one place; there is no handler and no event loop. A role that says at
 * its first start that the configuration is wrong (EX_CONFIG) ends the daemon: the operator is
 * there to see it. Later it is restarted like any other.
 * Must never read anything from the network. */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "control/control.h"
#include "control/guard.h"
#include "listen.h"
#include "log/log.h"
#include "restart.h"
#include "role.h"
#include "worker.h"

enum { DRAIN_LIMIT = WORKER_DRAIN_LIMIT + 5, NEVER = 3600 /* seconds */ };
enum { OTHER_FILES = 100 }; /* of a worker, beside its sessions: spool, resolver, loop, listeners */

struct role {
    char name[24];
    bool is_control;
    unsigned number;
    pid_t pid;                   /* 0: it does not run */
    int64_t started, restart_at; /* monotonic seconds */
    unsigned delay;
    bool restarted;
};

struct supervisor {
    const struct settings *settings;
    const struct trust *trust;
    struct crowd *crowd;
    pid_t pid;
    int *listeners, *policy_listeners;
    int *status_listeners; /* one, or none */
    size_t listener_count, policy_listener_count;
    int (*channels)[2]; /* by worker: its end, the control role's end */
    unsigned worker_count;
    struct role *roles; /* the workers, then the control role */
    bool draining;
    int64_t drain_until;
    int exit_status;
};

static int64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static struct role *control_role(struct supervisor *supervisor)
{
    return &supervisor->roles[supervisor->worker_count];
}

/* --- children --------------------------------------------------------------------------------- */

/* Keeps only this role's ends. */
static void close_foreign(struct supervisor *supervisor, const struct role *role)
{
    for (unsigned i = 0; i < supervisor->worker_count; i++) {
        if (role->is_control || i != role->number)
            close(supervisor->channels[i][0]);
        if (!role->is_control)
            close(supervisor->channels[i][1]);
    }
    for (size_t i = 0; role->is_control && i < supervisor->listener_count; i++)
        close(supervisor->listeners[i]);
    for (size_t i = 0; role->is_control && i < supervisor->policy_listener_count; i++)
        close(supervisor->policy_listeners[i]);
    if (!role->is_control && supervisor->settings->status_listen != NULL)
        close(supervisor->status_listeners[0]);
}

/* The token is read while root still may, and by this role alone. */
static int run_control(struct supervisor *supervisor)
{
    const struct settings *settings = supervisor->settings;
    int *fds = x_calloc(supervisor->worker_count, sizeof *fds);
    char *token = NULL;
    struct err err;
    for (unsigned i = 0; i < supervisor->worker_count; i++)
        fds[i] = supervisor->channels[i][1];
    struct control_place place = {
        .fds = fds, .workers = supervisor->worker_count, .status_listener = -1};
    int status = EX_NOPERM;
    if (settings->status_listen != NULL &&
        guard_read_token(settings->status_token_file, &token, &err) != 0)
        status = EX_CONFIG;
    else if (role_begin(settings->user, supervisor->pid, &err) == 0)
        status = EXIT_SUCCESS;
    if (status != EXIT_SUCCESS) {
        log_event(LOG_LEVEL_ERROR, "control", "%s", err.text);
    } else {
        if (settings->status_listen != NULL)
            place.status_listener = supervisor->status_listeners[0];
        place.token = token;
        status = control_run(settings, &place);
    }
    free(token);
    free(fds);
    return status;
}

static int run_role(struct supervisor *supervisor, const struct role *role)
{
    const struct settings *settings = supervisor->settings;
    log_setup(settings->log_level, settings->log_json, role->name);
    prctl(PR_SET_NAME, role->name);
    close_foreign(supervisor, role);
    if (role->is_control)
        return run_control(supervisor);
    struct worker_place place = {
        .number = role->number,
        .count = supervisor->worker_count,
        .channel = supervisor->channels[role->number][0],
        .listeners = supervisor->listeners,
        .listener_count = supervisor->listener_count,
        .policy_listeners = supervisor->policy_listeners,
        .policy_listener_count = supervisor->policy_listener_count,
        .supervisor = supervisor->pid,
        .trust = supervisor->trust,
        .crowd = supervisor->crowd,
    };
    return worker_run(settings, &place);
}

static void plan_restart(struct role *role)
{
    int64_t now = seconds();
    role->pid = 0;
    role->delay = restart_delay(role->delay, now - role->started);
    role->restart_at = now + role->delay;
    role->restarted = true;
}

static void start(struct supervisor *supervisor, struct role *role)
{
    role->started = seconds();
    pid_t pid = fork();
    if (pid == 0)
        exit(run_role(supervisor, role));
    if (pid < 0) {
        log_event(LOG_LEVEL_ERROR, "supervisor", "%s cannot be forked: %s", role->name,
                  strerror(errno));
        plan_restart(role);
        return;
    }
    role->pid = pid;
}

static void start_due(struct supervisor *supervisor)
{
    for (unsigned i = 0; !supervisor->draining && i <= supervisor->worker_count; i++) {
        struct role *role = &supervisor->roles[i];
        if (role->pid == 0 && role->restart_at <= seconds())
            start(supervisor, role);
    }
}

static void signal_workers(struct supervisor *supervisor, int signal_number)
{
    for (unsigned i = 0; i < supervisor->worker_count; i++)
        if (supervisor->roles[i].pid > 0)
            kill(supervisor->roles[i].pid, signal_number);
}

static bool workers_run(const struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->worker_count; i++)
        if (supervisor->roles[i].pid > 0)
            return true;
    return false;
}

/* The control role goes last: it takes the counts that the workers hand over at their end. */
static void end_control_last(struct supervisor *supervisor)
{
    struct role *control = control_role(supervisor);
    if (supervisor->draining && !workers_run(supervisor) && control->pid > 0)
        kill(control->pid, SIGTERM);
}

static void drain(struct supervisor *supervisor)
{
    supervisor->draining = true;
    supervisor->drain_until = seconds() + DRAIN_LIMIT;
    signal_workers(supervisor, SIGTERM);
    end_control_last(supervisor);
}

static void end_at_once(struct supervisor *supervisor)
{
    signal_workers(supervisor, SIGKILL);
    if (control_role(supervisor)->pid > 0)
        kill(control_role(supervisor)->pid, SIGKILL);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void log_death(const struct role *role, int status)
{
    struct log_line line;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    log_begin(&line, well ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "role-ended");
    log_text(&line, "role", role->name);
    log_number(&line, "pid", role->pid);
    if (WIFSIGNALED(status))
        log_text(&line, "signal", strsignal(WTERMSIG(status)));
    else
        log_number(&line, "status", WEXITSTATUS(status));
    log_end(&line);
}

static void on_death(struct supervisor *supervisor, struct role *role, int status)
{
    log_death(role, status);
    if (!role->is_control)
        crowd_leave(supervisor->crowd, role->number);
    bool misconfigured = WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG;
    if (misconfigured && !role->restarted && !supervisor->draining) {
        role->pid = 0;
        supervisor->exit_status = EX_CONFIG;
        drain(supervisor);
        return;
    }
    plan_restart(role);
    if (!supervisor->draining)
        log_event(LOG_LEVEL_WARNING, "supervisor", "%s is started again in %u s", role->name,
                  role->delay);
}

static void reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i <= supervisor->worker_count; i++)
            if (supervisor->roles[i].pid == pid)
                on_death(supervisor, &supervisor->roles[i], status);
    end_control_last(supervisor);
}

static void on_signal(struct supervisor *supervisor, int signal_number)
{
    if (signal_number == SIGCHLD) {
        reap(supervisor);
    } else if (signal_number == SIGHUP) {
        log_event(LOG_LEVEL_INFO, "supervisor", "SIGHUP: workers read their tables again");
        signal_workers(supervisor, SIGHUP);
    } else if (!supervisor->draining) {
        log_event(LOG_LEVEL_INFO, "supervisor", "%s: ending what runs", strsignal(signal_number));
        drain(supervisor);
    } else {
        end_at_once(supervisor);
    }
}

/* Seconds until something is due without a signal. */
static int64_t patience(const struct supervisor *supervisor)
{
    int64_t now = seconds(), until = now + NEVER;
    if (supervisor->draining)
        until = supervisor->drain_until;
    for (unsigned i = 0; !supervisor->draining && i <= supervisor->worker_count; i++)
        if (supervisor->roles[i].pid == 0 && supervisor->roles[i].restart_at < until)
            until = supervisor->roles[i].restart_at;
    return until > now ? until - now : 0;
}

static void supervise(struct supervisor *supervisor, const sigset_t *signals)
{
    while (!supervisor->draining || workers_run(supervisor) || control_role(supervisor)->pid > 0) {
        start_due(supervisor);
        struct timespec wait = {.tv_sec = patience(supervisor)};
        int signal_number = sigtimedwait(signals, NULL, &wait);
        if (signal_number > 0) {
            on_signal(supervisor, signal_number);
        } else if (supervisor->draining && seconds() >= supervisor->drain_until) {
            end_at_once(supervisor);
            supervisor->drain_until = seconds() + 1; /* one that waits for its disk dies later */
        }
    }
}

/* --- start and end ---------------------------------------------------------------------------- */

static void prepare_roles(struct supervisor *supervisor)
{
    supervisor->roles = x_calloc(supervisor->worker_count + 1, sizeof *supervisor->roles);
    for (unsigned i = 0; i < supervisor->worker_count; i++) {
        struct role *role = &supervisor->roles[i];
        role->number = i;
        snprintf(role->name, sizeof role->name, "worker-%u", i);
    }
    struct role *control = control_role(supervisor);
    control->is_control = true;
    snprintf(control->name, sizeof control->name, "control");
}

static int make_channels(struct supervisor *supervisor, struct err *err_r)
{
    supervisor->channels = x_calloc(supervisor->worker_count, sizeof *supervisor->channels);
    for (unsigned i = 0; i < supervisor->worker_count; i++)
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, supervisor->channels[i]) != 0)
            return err_system(err_r, "socketpair");
    return 0;
}

/* As many descriptors as the system allows: sessions need them. */
static void raise_limits(const struct settings *settings)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t needed = (rlim_t)settings->intake.connection_limit + settings->delivery.concurrency +
                    settings->delivery.reuse_sessions + OTHER_FILES;
    if (settings->policy_service.listen_count > 0)
        needed += settings->policy_service.connection_limit;
    if (limit.rlim_max < needed)
        log_event(LOG_LEVEL_WARNING, "few-descriptors",
                  "a process may open %llu files; intake.connection_limit and "
                  "delivery.concurrency may need %llu: idle clients could stop deliveries",
                  (unsigned long long)limit.rlim_max, (unsigned long long)needed);
}

static int prepare(struct supervisor *supervisor, struct err *err_r)
{
    const struct settings *settings = supervisor->settings;
    raise_limits(settings);
    if (role_make_directories(settings, err_r) != 0)
        return -1;
    umask(027);
    const struct policy_service_settings *service = &settings->policy_service;
    if (make_channels(supervisor, err_r) != 0 ||
        listen_all("intake.listen", settings->intake.listen, settings->intake.listen_count,
                   &supervisor->listeners, err_r) != 0 ||
        listen_all("policy_service.socketmap_listen", service->listen, service->listen_count,
                   &supervisor->policy_listeners, err_r) != 0 ||
        listen_all("status_listen", settings->status_listen, settings->status_listen != NULL,
                   &supervisor->status_listeners, err_r) != 0)
        return -1;
    supervisor->crowd = crowd_create(supervisor->worker_count);
    supervisor->listener_count = settings->intake.listen_count;
    supervisor->policy_listener_count = service->listen_count;
    prepare_roles(supervisor);
    return 0;
}

/* What was inherited does not count. With SIGCHLD ignored nobody would be told of a role's death;
 * SIGPIPE would end a role when the reader of its log, or a client of the status socket, has gone.
 * Roles begin with everything blocked, and open up once they can serve a signal. */
static void set_signals(sigset_t *awaited_r)
{
    sigset_t all;
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(awaited_r);
    sigaddset(awaited_r, SIGCHLD);
    sigaddset(awaited_r, SIGHUP);
    sigaddset(awaited_r, SIGTERM);
    sigaddset(awaited_r, SIGINT);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

int supervisor_run(const struct settings *settings, const struct trust *trust, struct err *err_r)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct supervisor supervisor = {.settings = settings, .trust = trust, .pid = getpid()};
    supervisor.worker_count = settings->workers > 0 ? settings->workers
                              : cores > 0           ? (unsigned)cores
                                                    : 1;
    log_setup(settings->log_level, settings->log_json, "supervisor");
    log_never_wait();
    sigset_t signals;
    set_signals(&signals);
    int result = prepare(&supervisor, err_r);
    if (result == 0) {
        log_event(LOG_LEVEL_INFO, "started", "danewayd " PACKAGE_VERSION ", %u workers",
                  supervisor.worker_count);
        supervise(&supervisor, &signals);
        log_event(LOG_LEVEL_INFO, "ended", "danewayd has ended");
        result = supervisor.exit_status;
    }
    crowd_free(&supervisor.crowd);
    free(supervisor.roles);
    free(supervisor.channels);
    free(supervisor.listeners);
    free(supervisor.policy_listeners);
    free(supervisor.status_listeners);
    return result;
}
