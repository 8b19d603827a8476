/* handover: SIGUSR2: another program takes this one's place, in the same process, and keeps its listeners and roles.
 * Owns: nothing. First a child process tries the program on the configuration (danewayd -t); only if that is good is the
 * supervisor executed anew. What it has goes along as open descriptors, named in DANEWAY_HANDOVER. Then the
 * old roles are replaced: those without a successor first, then the control role, then the workers, half of them at a
 * time. Meanwhile connections wait in the listeners' queues or go to the other workers.
 * Must never drain a worker while those that were replaced before do not serve yet. */
#include "supervisor_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "log/log.h"
#include "notify.h"

static const char variable[] = "DANEWAY_HANDOVER";
enum { PROBE_LIMIT = 60 /* seconds */, STATE_LIMIT = 1 << 20, WORD_SIZE = 64 };

/* --- trying the program ----------------------------------------------------------------------- */

static void try(const struct supervisor *supervisor)
{
    sigset_t none;
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0)
        dup2(null, STDOUT_FILENO); /* what is wrong stands on standard error */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl(supervisor->program, supervisor->program, "-t", "-c", supervisor->settings->path, NULL);
    fprintf(stderr, "danewayd: %s: %s\n", supervisor->program, strerror(errno));
    _exit(EXIT_FAILURE);
}

static void give_up(struct supervisor *supervisor, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "restart", "%s: %s; the running program goes on",
              supervisor->program, why);
    supervisor->announced = false;
}

static void begin(struct supervisor *supervisor)
{
    log_event(LOG_LEVEL_INFO, "restart", "SIGUSR2: trying %s", supervisor->program);
    notify_reloading("restarting");
    pid_t pid = fork();
    if (pid == 0)
        try(supervisor);
    if (pid < 0) {
        give_up(supervisor, strerror(errno));
        return;
    }
    supervisor->probe = pid;
    supervisor->probe_until = supervisor_seconds() + PROBE_LIMIT;
}

/* --- handing over ----------------------------------------------------------------------------- */

struct state {
    struct buffer text;
    bool keep; /* across execve */
};

static void write_word(struct state *state, const char *word, long number)
{
    char text[WORD_SIZE];
    int length = snprintf(text, sizeof text, "%s %ld ", word, number);
    buffer_append(&state->text, text, (size_t)length);
}

static void write_socket(struct state *state, const char *word, int fd)
{
    if (fd == NO_SOCKET)
        return;
    fcntl(fd, F_SETFD, state->keep ? 0 : FD_CLOEXEC);
    write_word(state, word, fd);
}

static void write_listeners(struct state *state, const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        write_socket(state, "listener", listeners->fds[i]);
}

/* Each number has its word; a role's pid closes what was said of it. */
static void write_state(struct state *state, const struct supervisor *supervisor)
{
    write_word(state, "supervisor", supervisor->pid);
    write_listeners(state, &supervisor->intake);
    write_listeners(state, &supervisor->policy);
    write_listeners(state, &supervisor->status);
    write_listeners(state, &supervisor->status_tcp);
    if (supervisor->status_is_systemds)
        write_word(state, "status-is-systemds", 1);
    for (unsigned i = 0; i < supervisor->worker_count; i++) {
        write_socket(state, "channel", supervisor->channels[i][0]);
        write_socket(state, "channel", supervisor->channels[i][1]);
    }
    for (unsigned i = 0; i < supervisor->role_count; i++) {
        const struct role *role = &supervisor->roles[i];
        if (role->pid == 0)
            continue;
        write_socket(state, "reins", role->reins);
        write_word(state, role->is_control ? "control" : "worker", role->number);
        write_word(state, "pid", role->pid);
    }
}

static void execute(struct supervisor *supervisor)
{
    struct state kept = {.keep = true}, closed = {.keep = false};
    buffer_init(&kept.text, STATE_LIMIT);
    buffer_init(&closed.text, STATE_LIMIT);
    write_state(&kept, supervisor);
    CLEANUP(text_free)
    char *text = x_printf("%.*s", SLICE_ARG(buffer_slice(&kept.text)));
    setenv(variable, text, 1);
    execv(supervisor->program, supervisor->arguments);
    give_up(supervisor, strerror(errno));
    unsetenv(variable);
    write_state(&closed, supervisor); /* as they were */
    buffer_release(&kept.text);
    buffer_release(&closed.text);
}

void handover_tried(struct supervisor *supervisor, int status)
{
    char why[80];
    supervisor->probe = 0;
    if (supervisor->draining)
        return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        execute(supervisor);
        return;
    }
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "does not come up (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(why, sizeof why, "does not come up (status %d); what it said stands above",
                 WEXITSTATUS(status));
    give_up(supervisor, why);
}

/* --- taking over ------------------------------------------------------------------------------ */

/* What has been read and belongs to the role that comes. */
struct reading {
    struct supervisor *supervisor;
    unsigned channel_ends, old_workers;
    int reins;
    bool is_control;
    unsigned number;
};

static void keep(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void read_channel(struct reading *reading, int fd)
{
    struct supervisor *supervisor = reading->supervisor;
    unsigned pair = reading->channel_ends / 2;
    if (pair == supervisor->channel_count) {
        supervisor->channels =
            x_realloc(supervisor->channels, (size_t)(pair + 1) * sizeof *supervisor->channels);
        supervisor->channel_count++;
    }
    keep(fd);
    supervisor->channels[pair][reading->channel_ends++ % 2] = fd;
}

static struct role *place_of(const struct reading *reading)
{
    struct supervisor *supervisor = reading->supervisor;
    if (reading->is_control)
        return control_role(supervisor);
    unsigned place =
        reading->number < supervisor->worker_count ? reading->number : reading->number + 1;
    return place < supervisor->role_count ? &supervisor->roles[place] : NULL;
}

static void read_role(struct reading *reading, pid_t pid)
{
    struct role *role = place_of(reading);
    if (role == NULL)
        return;
    role->pid = pid;
    role->reins = reading->reins;
    role->started = supervisor_seconds();
    role->restarted = role->of_old = role->ready = true;
    if (role->reins != NO_SOCKET)
        keep(role->reins);
    reading->reins = NO_SOCKET;
}

/* The channels and the number of workers come before the roles: the places are made at the first of them. */
static void read_word(struct reading *reading, const char *word, int number)
{
    struct supervisor *supervisor = reading->supervisor;
    if (strcmp(word, "listener") == 0)
        handed_add(supervisor->handed, number);
    else if (strcmp(word, "status-is-systemds") == 0)
        supervisor->status_is_systemds = true;
    else if (strcmp(word, "channel") == 0)
        read_channel(reading, number);
    else if (strcmp(word, "reins") == 0)
        reading->reins = number;
    else if (strcmp(word, "control") == 0 || strcmp(word, "worker") == 0) {
        reading->is_control = word[0] == 'c';
        reading->number = (unsigned)number;
    } else if (strcmp(word, "pid") == 0) {
        if (supervisor->roles == NULL)
            crew_prepare(supervisor, supervisor->channel_count > supervisor->worker_count
                                         ? supervisor->channel_count - supervisor->worker_count
                                         : 0);
        read_role(reading, number);
    }
}

int handover_receive(struct supervisor *supervisor, struct err *err_r)
{
    if (getenv(variable) == NULL)
        return 0;
    CLEANUP(text_free) char *text = x_strdup(getenv(variable));
    struct reading reading = {.supervisor = supervisor, .reins = NO_SOCKET};
    struct slice rest = slice_of(text);
    bool first = true;
    unsetenv(variable);
    while (rest.len > 0) {
        char word[WORD_SIZE];
        uint64_t number;
        struct slice name = slice_split(rest, ' ', &rest);
        if (name.len >= sizeof word ||
            slice_to_number(slice_split(rest, ' ', &rest), INT32_MAX, &number) != 0)
            return err_set(err_r, "%s: \"%s\" makes no sense", variable, text);
        snprintf(word, sizeof word, "%.*s", SLICE_ARG(name));
        if (first && (strcmp(word, "supervisor") != 0 || number != (uint64_t)getpid()))
            return 0; /* not meant for this process */
        first = false;
        read_word(&reading, word, (int)number);
    }
    return supervisor->roles != NULL ? 1 : 0;
}

/* --- replacing -------------------------------------------------------------------------------- */

static bool dismiss_surplus(struct supervisor *supervisor)
{
    bool any = false;
    for (unsigned i = supervisor->worker_count + 1; i < supervisor->role_count; i++) {
        struct role *role = &supervisor->roles[i];
        any = any || role->pid > 0;
        if (role->pid > 0 && role->leave_by == 0)
            crew_dismiss(role);
    }
    return any;
}

static bool dismiss_control(struct supervisor *supervisor)
{
    struct role *control = control_role(supervisor);
    if (!control->of_old)
        return false;
    if (control->leave_by == 0)
        crew_dismiss(control);
    return true;
}

static void dismiss_workers(struct supervisor *supervisor)
{
    unsigned missing = 0, at_once = supervisor->worker_count > 1 ? supervisor->worker_count / 2 : 1;
    for (unsigned i = 0; i < supervisor->worker_count; i++) {
        const struct role *role = &supervisor->roles[i];
        missing += role->pid == 0 || role->leave_by != 0 || !role->ready;
    }
    for (unsigned i = 0; i < supervisor->worker_count && missing < at_once; i++) {
        struct role *role = &supervisor->roles[i];
        if (!role->of_old || role->pid == 0 || role->leave_by != 0)
            continue;
        crew_dismiss(role);
        missing++;
    }
}

static bool any_of_old(const struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->role_count; i++)
        if (supervisor->roles[i].of_old)
            return true;
    return false;
}

void handover_advance(struct supervisor *supervisor)
{
    if (supervisor->draining)
        return;
    if (!dismiss_surplus(supervisor) && !dismiss_control(supervisor))
        dismiss_workers(supervisor);
    if (supervisor->handover_asked && supervisor->probe == 0 && !any_of_old(supervisor)) {
        supervisor->handover_asked = false;
        begin(supervisor);
    }
}
