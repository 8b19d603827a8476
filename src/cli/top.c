/* top: `daneway top`: the gateway at work, drawn anew every two seconds.
 * Owns: the terminal's settings while it runs; they are given back however it ends.
 * Keys: q quits, p pauses, a blank asks at once. Where standard output is no terminal, one page is printed.
 * Must never leave the terminal without echo, nor in the other screen. */
#include "cli/top.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/http.h"
#include "conf/conf.h"

enum { INTERVAL = 2, INTERVAL_MAX = 3600, ROWS = 24, COLUMNS = 80 };

#define SCREEN_OTHER "\033[?1049h\033[?25l"
#define SCREEN_BACK "\033[?25h\033[?1049l"

struct top {
    const struct settings *settings;
    int64_t interval_ms;
    struct top_view view;
    int64_t asked_ms;
    bool paused, quit;
    struct err err; /* of the last question; empty: it was answered */
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
    if (number != SIGWINCH)
        told_to_end = 1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static json_t *get(struct top *top, const char *path)
{
    struct http_target target;
    json_t *answer = NULL;
    http_target_begin(&target, path);
    top->err.text[0] = '\0';
    if (http_ask(top->settings->status_socket, "GET", &target, &answer, &top->err) != 0)
        return NULL;
    return answer;
}

/* Takes a new look; the one before is kept for the rates. 0, or -1: the daemon does not answer. */
static int look(struct top *top)
{
    int64_t asked = now_ms();
    json_t *status = get(top, "/status");
    if (status == NULL)
        return -1;
    json_decref(top->view.before);
    json_decref(top->view.history);
    top->view.before = top->view.status;
    top->view.status = status;
    top->view.history = get(top, "/history");
    top->view.elapsed_ms = asked - top->asked_ms;
    top->view.now = time(NULL);
    top->asked_ms = asked;
    return 0;
}

/* --- on a terminal ------------------------------------------------------------------------------ */

static void measure(struct top *top)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 && size.ws_col > 0;
    top->view.rows = known ? size.ws_row : ROWS;
    top->view.columns = known ? size.ws_col : COLUMNS;
}

static void draw(struct top *top)
{
    measure(top);
    top->view.line_end = "\033[K\r\n";
    top->view.keys = top->err.text[0] != '\0' ? top->err.text
                     : top->paused            ? "paused: p goes on, q quits"
                                              : "q quits, p pauses, blank asks now";
    fputs("\033[H", stdout);
    render_top(stdout, &top->view);
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* Until a key, a signal, or the next look. */
static void wait_for_key(struct top *top)
{
    struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t left = top->asked_ms + top->interval_ms - now_ms();
    char c;
    if (poll(&key, 1, top->paused ? -1 : left > 0 ? (int)left : 0) <= 0)
        return;
    if (read(STDIN_FILENO, &c, 1) != 1 || c == 'q' || c == 'Q')
        top->quit = true;
    else if (c == 'p' || c == 'P')
        top->paused = !top->paused;
    else if (c == ' ')
        top->asked_ms -= top->interval_ms;
}

static void watch(struct top *top)
{
    while (!top->quit && !told_to_end) {
        draw(top);
        wait_for_key(top);
        if (!top->paused && !top->quit && now_ms() >= top->asked_ms + top->interval_ms &&
            look(top) != 0)
            top->asked_ms = now_ms(); /* the last line says it; it is asked again in time */
    }
}

/* Without SA_RESTART, so that poll ends. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
}

static int watch_on_terminal(struct top *top)
{
    struct termios before, raw;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return command_failed(STATUS_NO, "standard input is no terminal");
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    catch_signals();
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fputs(SCREEN_OTHER, stdout);
    watch(top);
    fputs(SCREEN_BACK, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return STATUS_YES;
}

/* --- the command -------------------------------------------------------------------------------- */

static int show(struct top *top, bool as_json)
{
    if (look(top) != 0)
        return command_failed(STATUS_SILENT, "%s", top->err.text);
    if (as_json) {
        json_t *both =
            json_pack("{sO sO?}", "status", top->view.status, "history", top->view.history);
        command_print_json(both);
        json_decref(both);
        return STATUS_YES;
    }
    format_use_colours(format_wants_colours(stdout));
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return watch_on_terminal(top);
    top->view.line_end = "\n";
    render_top(stdout, &top->view);
    return STATUS_YES;
}

static int take_interval(struct top *top, const char *text)
{
    uint64_t seconds;
    if (slice_to_number(slice_of(text), INTERVAL_MAX, &seconds) != 0 || seconds == 0)
        return command_failed(-1, "--interval \"%s\": expected seconds, from 1 to 3600", text);
    top->interval_ms = (int64_t)seconds * 1000;
    return 0;
}

int run_top(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"interval", required_argument, NULL, 'i'}, {0}};
    struct top top = {.interval_ms = INTERVAL * 1000};
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            as_json = true;
        else if (option != 'i')
            return command_misused("top", NULL);
        else if (take_interval(&top, optarg) != 0)
            return STATUS_USAGE;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("top", NULL);
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    if (settings == NULL)
        return STATUS_USAGE;
    top.settings = settings;
    int status = show(&top, as_json);
    json_decref(top.view.status);
    json_decref(top.view.before);
    json_decref(top.view.history);
    return status;
}
