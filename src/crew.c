/* crew: the roles' processes: forks them, notes their deaths, starts them again.
 * Owns: nothing; the supervisor owns places, listeners and channels.
 * A role that is replaced is told to go and started anew when it has gone: a spool has one worker at a time.
 * Must never start a role twice. */
#include "supervisor_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "confine.h"
#include "control/control.h"
#include "control/guard.h"
#include "log/log.h"
#include "reins.h"
#include "restart.h"
#include "role.h"

/* --- birth ------------------------------------------------------------------------------------ */

static void close_all(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->fds[i]);
}

/* Keeps only this role's ends. */
static void close_foreign(struct supervisor *supervisor, const struct role *role)
{
    for (unsigned i = 0; i < supervisor->channel_count; i++) {
        if (role->is_control || i != role->number)
            close(supervisor->channels[i][0]);
        if (!role->is_control || i >= supervisor->worker_count)
            close(supervisor->channels[i][1]);
    }
    if (role->is_control) {
        close_all(&supervisor->intake);
        close_all(&supervisor->policy);
    } else {
        close_all(&supervisor->status);
        close_all(&supervisor->status_tcp);
    }
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (supervisor->roles[i].reins != NO_SOCKET)
            close(supervisor->roles[i].reins);
    close(supervisor->signals);
}

static void say_ready(void *arg)
{
    reins_say_ready(*(const int *)arg);
}

/* The token is read while root still may, and by this role alone. */
static int begin_control(const struct supervisor *supervisor, char **token_r, struct err *err_r)
{
    const struct settings *settings = supervisor->settings;
    if (settings->status_listen != NULL &&
        guard_read_token(settings->status_token_file, token_r, err_r) != 0)
        return -1;
    if (role_begin(settings->user, supervisor->pid, err_r) != 0)
        return -1;
    return confine_role(settings, SANDBOX_CONTROL, err_r);
}

static int run_control(struct supervisor *supervisor, int reins)
{
    struct err err;
    CLEANUP(text_free) char *token = NULL;
    int *fds = x_calloc(supervisor->worker_count, sizeof *fds);
    for (unsigned i = 0; i < supervisor->worker_count; i++)
        fds[i] = supervisor->channels[i][1];
    int status = EX_CONFIG;
    if (begin_control(supervisor, &token, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "control", "%s", err.text);
    else
        status = control_run(supervisor->settings,
                             &(struct control_place){
                                 .channels = fds,
                                 .workers = supervisor->worker_count,
                                 .local_listener = supervisor->status.fds[0],
                                 .status_listener = supervisor->status_tcp.count > 0
                                                        ? supervisor->status_tcp.fds[0]
                                                        : NO_SOCKET,
                                 .token = token,
                                 .serving = say_ready,
                                 .arg = &reins,
                             });
    free(fds);
    return status;
}

static int run_role(struct supervisor *supervisor, const struct role *role, int reins)
{
    const struct settings *settings = supervisor->settings;
    log_setup(settings->log_level, settings->log_json, role->name);
    prctl(PR_SET_NAME, role->name);
    close_foreign(supervisor, role);
    if (role->is_control)
        return run_control(supervisor, reins);
    struct worker_place place = {
        .number = role->number,
        .count = supervisor->worker_count,
        .channel = supervisor->channels[role->number][0],
        .reins = reins,
        .listeners = supervisor->intake.fds,
        .listener_count = supervisor->intake.count,
        .policy_listeners = supervisor->policy.fds,
        .policy_listener_count = supervisor->policy.count,
        .supervisor = supervisor->pid,
        .trust = supervisor->trust,
        .crowd = supervisor->crowd,
    };
    return worker_run(settings, &place);
}

static void plan_restart(struct role *role)
{
    int64_t now = supervisor_seconds();
    role->delay = restart_delay(role->delay, now - role->started);
    role->restart_at = now + role->delay;
    role->restarted = true;
}

static void let_go_of_reins(struct role *role)
{
    if (role->reins != NO_SOCKET)
        close(role->reins);
    role->reins = NO_SOCKET;
}

static pid_t start(struct supervisor *supervisor, struct role *role, struct err *err_r)
{
    int ends[2];
    if (reins_create(ends, err_r) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[REINS_OF_SUPERVISOR]);
        exit(run_role(supervisor, role, ends[REINS_OF_ROLE]));
    }
    int number = errno;
    close(ends[REINS_OF_ROLE]);
    role->reins = ends[REINS_OF_SUPERVISOR];
    errno = number;
    return pid > 0 ? pid : err_system(err_r, "fork");
}

static void start_or_wait(struct supervisor *supervisor, struct role *role)
{
    struct err err;
    let_go_of_reins(role);
    role->started = supervisor_seconds();
    pid_t pid = start(supervisor, role, &err);
    if (pid > 0) {
        role->pid = pid;
        return;
    }
    log_event(LOG_LEVEL_ERROR, "supervisor", "%s cannot be started: %s", role->name, err.text);
    plan_restart(role);
}

void crew_start_due(struct supervisor *supervisor)
{
    for (unsigned i = 0; !supervisor->draining && i <= supervisor->worker_count; i++) {
        struct role *role = &supervisor->roles[i];
        if (role->pid == 0 && role->restart_at <= supervisor_seconds())
            start_or_wait(supervisor, role);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

bool crew_is_ready(struct supervisor *supervisor)
{
    bool all = true;
    for (unsigned i = 0; i < supervisor->role_count; i++) {
        struct role *role = &supervisor->roles[i];
        if (role->reins != NO_SOCKET && reins_heard_ready(&role->reins))
            role->ready = true;
        bool wanted = i <= supervisor->worker_count;
        all = all && (wanted ? role->pid > 0 && role->ready && !role->of_old : role->pid == 0);
    }
    return all;
}

bool crew_workers_run(const struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (!supervisor->roles[i].is_control && supervisor->roles[i].pid > 0)
            return true;
    return false;
}

void crew_dismiss(struct role *role)
{
    kill(role->pid, SIGTERM);
    role->leave_by = supervisor_seconds() + DRAIN_LIMIT;
}

void crew_signal_workers(struct supervisor *supervisor, int signal_number)
{
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (!supervisor->roles[i].is_control && supervisor->roles[i].pid > 0)
            kill(supervisor->roles[i].pid, signal_number);
}

/* --- death ------------------------------------------------------------------------------------ */

static void log_death(const struct role *role, pid_t pid, int status)
{
    struct log_line line;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    log_begin(&line, well ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "role-ended");
    log_text(&line, "role", role->name);
    log_number(&line, "pid", pid);
    if (WIFSIGNALED(status))
        log_text(&line, "signal", strsignal(WTERMSIG(status)));
    else
        log_number(&line, "status", WEXITSTATUS(status));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        log_text(&line, "text",
                 "it made a system call that its sandbox does not allow; the kernel's log names it "
                 "(type=1326), and sandbox = \"log\" lets it through");
    log_end(&line);
}

/* A role that made room for its successor is started anew at once. */
static void on_death(struct supervisor *supervisor, struct role *role, int status)
{
    log_death(role, role->pid, status);
    if (!role->is_control && role->number < supervisor->worker_count)
        crowd_leave(supervisor->crowd, role->number);
    bool dismissed = role->leave_by != 0;
    role->pid = 0;
    role->ready = role->of_old = false;
    role->leave_by = 0;
    if (dismissed) {
        role->restart_at = 0;
        return;
    }
    plan_restart(role);
    if (!supervisor->draining && role <= control_role(supervisor))
        log_event(LOG_LEVEL_WARNING, "supervisor", "%s is started again in %u s", role->name,
                  role->delay);
}

static struct role *role_of(struct supervisor *supervisor, pid_t pid)
{
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (supervisor->roles[i].pid == pid)
            return &supervisor->roles[i];
    return NULL;
}

bool crew_reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    bool misconfigured = false;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct role *role = role_of(supervisor, pid);
        if (pid == supervisor->probe)
            handover_tried(supervisor, status);
        else if (role != NULL) {
            bool wrong = WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG;
            misconfigured = misconfigured || (wrong && !role->restarted && role->leave_by == 0);
            on_death(supervisor, role, status);
        }
    }
    return misconfigured;
}

/* --- places ----------------------------------------------------------------------------------- */

void crew_prepare(struct supervisor *supervisor, unsigned surplus)
{
    supervisor->role_count = supervisor->worker_count + 1 + surplus;
    supervisor->roles = x_calloc(supervisor->role_count, sizeof *supervisor->roles);
    for (unsigned i = 0; i < supervisor->role_count; i++) {
        struct role *role = &supervisor->roles[i];
        role->reins = NO_SOCKET;
        role->number = i < supervisor->worker_count ? i : i - 1;
        snprintf(role->name, sizeof role->name, "worker-%u", role->number);
    }
    struct role *control = control_role(supervisor);
    control->is_control = true;
    snprintf(control->name, sizeof control->name, "control");
}
