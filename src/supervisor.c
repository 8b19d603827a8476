/* supervisor: the privileged parent: binds listeners, keeps the roles running, forwards signals, tells the service manager.
 * Owns: the listeners and both ends of the channels, which outlive every role. All signals are
 * blocked and read from one descriptor; there is no handler and no event loop. A role that says at
 * its first start that the configuration is wrong (EX_CONFIG) ends the daemon: the operator is
 * there to see it. Later it is restarted like any other. The roles' processes are crew.c's, SIGUSR2 is handover.c's.
 * Must never read anything from the network. */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "listen.h"
#include "log/log.h"
#include "notify.h"
#include "reins.h"
#include "role.h"
#include "supervisor_inside.h"

enum { NEVER = 3600 /* seconds */ };
enum { OTHER_FILES = 100 }; /* of a worker, beside its sessions: spool, resolver, loop, listeners */
enum { FOR_EVERYBODY = 0666, FOR_THE_GROUP = 0660 };

int64_t supervisor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The control role goes last: it takes the counts that the workers hand over at their end. */
static void end_control_last(struct supervisor *supervisor)
{
    struct role *control = control_role(supervisor);
    if (supervisor->draining && !crew_workers_run(supervisor) && control->pid > 0)
        kill(control->pid, SIGTERM);
}

static void drain(struct supervisor *supervisor)
{
    supervisor->draining = true;
    supervisor->drain_until = supervisor_seconds() + DRAIN_LIMIT;
    notify("STOPPING=1\nSTATUS=ending what runs");
    crew_signal_workers(supervisor, SIGTERM);
    end_control_last(supervisor);
}

static void end_at_once(struct supervisor *supervisor)
{
    crew_signal_workers(supervisor, SIGKILL);
    if (control_role(supervisor)->pid > 0)
        kill(control_role(supervisor)->pid, SIGKILL);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void reload(struct supervisor *supervisor)
{
    log_event(LOG_LEVEL_INFO, "supervisor", "SIGHUP: workers read their tables and keys again");
    notify_reloading("reading tables and keys");
    supervisor->announced = false;
    for (unsigned i = 0; i < supervisor->role_count; i++) {
        struct role *role = &supervisor->roles[i];
        if (role->is_control || role->pid == 0 || role->reins == NO_SOCKET)
            continue;
        if (reins_heard_ready(&role->reins))
            role->ready = true;
        if (role->ready && !role->of_old) /* else it has not read anything yet */
            role->ready = false;
        reins_hand_keys(role->reins, supervisor->settings);
        kill(role->pid, SIGHUP);
    }
}

static void on_signal(struct supervisor *supervisor, int signal_number)
{
    if (signal_number == SIGCHLD) {
        if (crew_reap(supervisor) && !supervisor->draining) {
            supervisor->exit_status = EX_CONFIG;
            drain(supervisor);
        }
        end_control_last(supervisor);
    } else if (signal_number == SIGHUP) {
        reload(supervisor);
    } else if (signal_number == SIGUSR2) {
        supervisor->handover_asked = true;
    } else if (!supervisor->draining) {
        log_event(LOG_LEVEL_INFO, "supervisor", "%s: ending what runs", strsignal(signal_number));
        drain(supervisor);
    } else {
        end_at_once(supervisor);
    }
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo seen;
    while (read(supervisor->signals, &seen, sizeof seen) == (ssize_t)sizeof seen)
        on_signal(supervisor, (int)seen.ssi_signo);
}

/* --- what is due ------------------------------------------------------------------------------ */

static void earlier(int64_t *until, int64_t time)
{
    if (time < *until)
        *until = time;
}

/* Seconds until something is due without anything happening. */
static int64_t patience(const struct supervisor *supervisor)
{
    int64_t now = supervisor_seconds(), until = now + NEVER;
    if (supervisor->draining)
        until = supervisor->drain_until;
    if (supervisor->watchdog_interval > 0)
        earlier(&until, supervisor->watchdog_at);
    if (supervisor->probe > 0)
        earlier(&until, supervisor->probe_until);
    for (unsigned i = 0; !supervisor->draining && i < supervisor->role_count; i++) {
        const struct role *role = &supervisor->roles[i];
        if (role->pid == 0 && i <= supervisor->worker_count)
            earlier(&until, role->restart_at);
        if (role->pid > 0 && role->leave_by != 0)
            earlier(&until, role->leave_by);
    }
    return until > now ? until - now : 0;
}

static void end_overdue(struct supervisor *supervisor)
{
    int64_t now = supervisor_seconds();
    if (supervisor->draining && now >= supervisor->drain_until) {
        end_at_once(supervisor);
        supervisor->drain_until = now + 1; /* one that waits for its disk dies later */
    }
    if (supervisor->probe > 0 && now >= supervisor->probe_until) {
        kill(supervisor->probe, SIGKILL);
        supervisor->probe_until = now + 1;
    }
    for (unsigned i = 0; i < supervisor->role_count; i++) {
        struct role *role = &supervisor->roles[i];
        if (role->pid <= 0 || role->leave_by == 0 || now < role->leave_by)
            continue;
        kill(role->pid, SIGKILL);
        role->leave_by = now + 1;
    }
}

static void feed_watchdog(struct supervisor *supervisor)
{
    int64_t now = supervisor_seconds();
    if (supervisor->watchdog_interval == 0 || now < supervisor->watchdog_at)
        return;
    notify("WATCHDOG=1");
    supervisor->watchdog_at = now + supervisor->watchdog_interval;
}

/* All serve by what was read last: the service manager hears it once. */
static void announce(struct supervisor *supervisor)
{
    bool ready = crew_is_ready(supervisor);
    if (!ready || supervisor->announced || supervisor->draining || supervisor->probe > 0)
        return;
    supervisor->announced = true;
    notify("READY=1\nSTATUS=%u workers serve", supervisor->worker_count);
    log_event(LOG_LEVEL_INFO, "ready", "all roles serve");
}

/* Until a signal, a role's word, or the time has come. */
static void wait_for_something(const struct supervisor *supervisor)
{
    enum { MS = 1000 };
    struct pollfd *polls = x_calloc(supervisor->role_count + 1, sizeof *polls);
    polls[0] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    nfds_t count = 1;
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (supervisor->roles[i].pid > 0 && supervisor->roles[i].reins != NO_SOCKET)
            polls[count++] = (struct pollfd){.fd = supervisor->roles[i].reins, .events = POLLIN};
    poll(polls, count, (int)patience(supervisor) * MS);
    free(polls);
}

static void supervise(struct supervisor *supervisor)
{
    while (!supervisor->draining || crew_workers_run(supervisor) ||
           control_role(supervisor)->pid > 0) {
        crew_start_due(supervisor);
        announce(supervisor);
        handover_advance(supervisor);
        end_overdue(supervisor);
        feed_watchdog(supervisor);
        wait_for_something(supervisor);
        read_signals(supervisor);
    }
}

/* --- start ------------------------------------------------------------------------------------ */

static int make_channels(struct supervisor *supervisor, struct err *err_r)
{
    unsigned count = supervisor->worker_count;
    if (supervisor->channel_count >= count)
        return 0;
    supervisor->channels = x_realloc(supervisor->channels, count * sizeof *supervisor->channels);
    for (; supervisor->channel_count < count; supervisor->channel_count++)
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                       supervisor->channels[supervisor->channel_count]) != 0)
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

/* What was handed on comes first: it may be in the way of what is bound, and then it must be said what is wrong with it. */
static int make_listeners(struct supervisor *supervisor, bool taken_over, struct err *err_r)
{
    const struct settings *settings = supervisor->settings;
    const struct listen_address status_address = {.path = settings->status_socket};
    const struct {
        struct listeners *listeners;
        struct listen_kind kind;
        const struct listen_address *addresses;
        size_t count;
    } all[] = {
        {&supervisor->intake,
         {.option = "intake.listen"},
         settings->intake.listen,
         settings->intake.listen_count},
        {&supervisor->policy,
         {.option = "policy_service.socketmap_listen", .mode = FOR_EVERYBODY},
         settings->policy_service.listen,
         settings->policy_service.listen_count},
        {&supervisor->status,
         {.option = "status_socket", .mode = FOR_THE_GROUP, .owner = settings->user},
         &status_address,
         1},
        {&supervisor->status_tcp,
         {.option = "status_listen"},
         settings->status_listen,
         settings->status_listen != NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        all[i].listeners->fds = listen_adopt(all[i].addresses, all[i].count, supervisor->handed);
        all[i].listeners->count = all[i].count;
    }
    if (!taken_over)
        supervisor->status_is_systemds = supervisor->status.fds[0] >= 0;
    if (handed_check_rest(supervisor->handed, err_r) != 0)
        return -1;
    handed_free(&supervisor->handed);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (listen_bind(&all[i].kind, all[i].addresses, all[i].count, all[i].listeners->fds,
                        err_r) != 0)
            return -1;
    return 0;
}

static int prepare(struct supervisor *supervisor, struct err *err_r)
{
    raise_limits(supervisor->settings);
    umask(022); /* whoever started this had his own */
    if (role_make_directories(supervisor->settings, err_r) != 0)
        return -1;
    umask(027);
    int taken_over = handover_receive(supervisor, err_r);
    if (taken_over < 0 || make_channels(supervisor, err_r) != 0 ||
        make_listeners(supervisor, taken_over, err_r) != 0)
        return -1;
    if (!taken_over)
        crew_prepare(supervisor, 0);
    supervisor->crowd = crowd_create(supervisor->worker_count);
    return 0;
}

/* What was inherited does not count. With SIGCHLD ignored nobody would be told of a role's death;
 * SIGPIPE would end a role when the reader of its log, or a client of the status socket, has gone.
 * Roles begin with everything blocked, and open up once they can serve a signal. */
static int set_signals(struct err *err_r)
{
    static const int awaited[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT, SIGUSR2};
    sigset_t all, some;
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&some);
    for (size_t i = 0; i < sizeof awaited / sizeof awaited[0]; i++)
        sigaddset(&some, awaited[i]);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &some, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd >= 0 ? fd : err_system(err_r, "signalfd");
}

/* Where the program is found again when another has taken its file's place. */
static char *program_path(const char *name)
{
    enum { PATH_SIZE = 4096 };
    char path[PATH_SIZE];
    if (strchr(name, '/') != NULL)
        return x_strdup(name);
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    return length > 0 ? x_printf("%.*s", (int)length, path) : x_strdup(name);
}

static void supervisor_release(struct supervisor *supervisor)
{
    handed_free(&supervisor->handed);
    free(supervisor->program);
    free(supervisor->roles);
    free(supervisor->channels);
    free(supervisor->intake.fds);
    free(supervisor->policy.fds);
    free(supervisor->status.fds);
    free(supervisor->status_tcp.fds);
    crowd_free(&supervisor->crowd);
}

static int run(struct supervisor *supervisor)
{
    log_event(LOG_LEVEL_INFO, "started", "danewayd " PACKAGE_VERSION ", %u workers",
              supervisor->worker_count);
    crew_reap(supervisor); /* whoever died while this program was executed */
    supervise(supervisor);
    if (!supervisor->status_is_systemds)
        unlink(supervisor->settings->status_socket);
    log_event(LOG_LEVEL_INFO, "ended", "danewayd has ended");
    return supervisor->exit_status;
}

int supervisor_run(const struct settings *settings, const struct trust *trust, char **arguments,
                   struct err *err_r)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    CLEANUP(supervisor_release)
    struct supervisor supervisor = {.settings = settings,
                                    .trust = trust,
                                    .arguments = arguments,
                                    .program = program_path(arguments[0]),
                                    .pid = getpid(),
                                    .handed = handed_by_systemd(),
                                    .watchdog_interval = notify_watchdog_interval()};
    supervisor.worker_count = settings->workers > 0 ? settings->workers
                              : cores > 0           ? (unsigned)cores
                                                    : 1;
    log_setup(settings->log_level, settings->log_json, "supervisor");
    log_never_wait();
    supervisor.signals = set_signals(err_r);
    if (supervisor.signals < 0 || prepare(&supervisor, err_r) != 0)
        return -1;
    return run(&supervisor);
}
