/* sink: a mail host that takes everything under TLS as fast as it can and keeps only the id of each message.
 * Owns: listeners on port 25 of many addresses, and LOG: a line a message, "ID MICROSECONDS", where the
 * time is that of the final dot. Lines reach the file within 50 ms; COUNT then holds how many there are.
 * Who loses or doubles mail is found by comparing LOG with the generator's.
 * Must never write an id twice for one message, nor answer 250 without counting it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"
#include "wire.h"

#define HEADER_KEPT 8192
#define LINE_LIMIT 4096
#define BACKLOG 1024
#define LOG_INTERVAL_US 50000
#define ID_FIELD "\r\nX-Lab-Id: "
#define END_OF_DATA "\r\n.\r\n"

struct sink {
    struct event_base *base;
    struct wire_tls tls;
    const char *name;
    FILE *log;
    int count_file;
    uint64_t messages, noted;
};

struct peer {
    struct sink *sink;
    struct wire *wire;
    bool in_data;
    size_t header_length;
    char header[HEADER_KEPT];
};

/* What tells the messages apart stands in the first octets of each. */
static struct slice id_of(const struct peer *peer)
{
    const char *at = memmem(peer->header, peer->header_length, ID_FIELD, strlen(ID_FIELD));
    if (at == NULL) {
        return SLICE_LITERAL("without-id");
    }
    struct slice rest = slice_drop((struct slice){peer->header, peer->header_length},
                                   (size_t)(at - peer->header) + strlen(ID_FIELD));
    return slice_split(rest, '\r', &rest);
}

static void take_message(struct peer *peer)
{
    struct slice id = id_of(peer);
    fprintf(peer->sink->log, "%.*s %llu\n", SLICE_ARG(id), (unsigned long long)now_us());
    peer->sink->messages++;
    peer->in_data = false;
    wire_send_text(peer->wire, "250 2.0.0 Taken\r\n");
}

static void keep_header(struct peer *peer, struct slice text)
{
    text = slice_take(text, sizeof peer->header - peer->header_length);
    memcpy(peer->header + peer->header_length, text.ptr, text.len);
    peer->header_length += text.len;
}

/* True while there is something more to do with what has come. */
static bool hear_data(struct peer *peer)
{
    struct slice in = wire_in(peer->wire);
    const char *end = memmem(in.ptr, in.len, END_OF_DATA, strlen(END_OF_DATA));
    if (end != NULL) {
        size_t length = (size_t)(end - in.ptr) + strlen(END_OF_DATA);
        keep_header(peer, slice_take(in, length));
        wire_drop(peer->wire, length);
        take_message(peer);
        return true;
    }
    if (in.len >= strlen(END_OF_DATA)) {
        size_t length = in.len - (strlen(END_OF_DATA) - 1);
        keep_header(peer, slice_take(in, length));
        wire_drop(peer->wire, length);
    }
    return false;
}

static void say_ehlo(struct peer *peer)
{
    char text[512];
    snprintf(text, sizeof text,
             "250-%s\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n%s"
             "250 ENHANCEDSTATUSCODES\r\n",
             peer->sink->name, wire_is_secure(peer->wire) ? "" : "250-STARTTLS\r\n");
    wire_send_text(peer->wire, text);
}

static bool is_verb(struct slice line, const char *verb)
{
    return slice_starts_nocase(line, slice_of(verb));
}

static void obey(struct peer *peer, struct slice line)
{
    if (is_verb(line, "MAIL") || is_verb(line, "RCPT") || is_verb(line, "RSET") ||
        is_verb(line, "NOOP")) {
        wire_send_text(peer->wire, "250 2.0.0 Ok\r\n");
    } else if (is_verb(line, "DATA")) {
        peer->in_data = true;
        memcpy(peer->header, "\r\n", 2);
        peer->header_length = 2;
        wire_send_text(peer->wire, "354 Go on\r\n");
    } else if (is_verb(line, "EHLO")) {
        say_ehlo(peer);
    } else if (is_verb(line, "STARTTLS") && !wire_is_secure(peer->wire)) {
        wire_send_text(peer->wire, "220 2.0.0 Ready\r\n");
        wire_start_tls(peer->wire, &peer->sink->tls, NULL);
    } else if (is_verb(line, "QUIT")) {
        wire_send_text(peer->wire, "221 2.0.0 Bye\r\n");
        wire_close(peer->wire);
    } else {
        wire_send_text(peer->wire, "500 5.5.2 What?\r\n");
    }
}

static bool hear_command(struct peer *peer)
{
    char line[LINE_LIMIT];
    struct slice in = wire_in(peer->wire);
    const char *end = in.len == 0 ? NULL : memchr(in.ptr, '\n', in.len);
    if (end == NULL || (size_t)(end - in.ptr) >= sizeof line) {
        return false;
    }
    size_t length = (size_t)(end - in.ptr) + 1;
    memcpy(line, in.ptr, length);
    wire_drop(peer->wire, length);
    obey(peer, (struct slice){line, length});
    return true;
}

static void heard(void *owner)
{
    struct peer *peer = owner;
    while (peer->in_data ? hear_data(peer) : hear_command(peer)) {
    }
}

static void secured(void *owner)
{
    (void)owner;
}

static void ended(void *owner)
{
    struct peer *peer = owner;
    wire_free(&peer->wire);
    free(peer);
}

static void accept_peers(evutil_socket_t listener, short what, void *argument)
{
    struct sink *sink = argument;
    char greeting[256];
    int fd;
    (void)what;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = x_malloc(sizeof *peer);
        *peer = (struct peer){.sink = sink};
        peer->wire = wire_create(sink->base, fd, (struct wire_owner){heard, secured, ended, peer});
        snprintf(greeting, sizeof greeting, "220 %s ESMTP sink\r\n", sink->name);
        wire_send_text(peer->wire, greeting);
        wire_flush(peer->wire);
    }
}

static void listen_at(struct sink *sink, struct sockaddr_in where)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die_errno("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&where, sizeof where) != 0 || listen(fd, BACKLOG) != 0) {
        die_errno(inet_ntoa(where.sin_addr));
    }
    struct event *event = event_new(sink->base, fd, EV_READ | EV_PERSIST, accept_peers, sink);
    if (event == NULL || event_add(event, NULL) != 0) {
        die("no event for a listener");
    }
}

/* `count` addresses from `first` on. */
static void listen_at_all(struct sink *sink, const char *first, uint64_t count)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(25)};
    if (inet_pton(AF_INET, first, &where.sin_addr) != 1) {
        die("--listen %s: expected an IPv4 address", first);
    }
    uint32_t address = ntohl(where.sin_addr.s_addr);
    for (uint64_t i = 0; i < count; i++) {
        where.sin_addr.s_addr = htonl(address + (uint32_t)i);
        listen_at(sink, where);
    }
}

static void note(evutil_socket_t fd, short what, void *argument)
{
    struct sink *sink = argument;
    char text[32];
    (void)fd;
    (void)what;
    if (sink->noted == sink->messages) {
        return;
    }
    if (fflush(sink->log) != 0) {
        die_errno("the log");
    }
    snprintf(text, sizeof text, "%-20llu\n", (unsigned long long)sink->messages);
    if (sink->count_file >= 0 && pwrite(sink->count_file, text, strlen(text), 0) < 0) {
        die_errno("the count");
    }
    sink->noted = sink->messages;
}

static void stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct sink *sink = argument;
    (void)signal_number;
    (void)what;
    event_base_loopbreak(sink->base);
}

static void run(struct sink *sink)
{
    struct event *timer = event_new(sink->base, -1, EV_PERSIST, note, sink);
    struct event *term = evsignal_new(sink->base, SIGTERM, stop, sink);
    struct timeval interval = {0, LOG_INTERVAL_US};
    if (timer == NULL || term == NULL || event_add(timer, &interval) != 0 ||
        event_add(term, NULL) != 0) {
        die("no event for the timer");
    }
    puts("ready");
    fflush(stdout);
    event_base_dispatch(sink->base);
    note(-1, 0, sink);
    event_free(timer);
    event_free(term);
}

static __attribute__((noreturn)) void usage(void)
{
    die("usage: sink --listen ADDRESS [--addresses COUNT] --certificate FILE --log FILE"
        " [--count FILE] [--name NAME] [--no-tickets]");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},      {"addresses", required_argument, NULL, 'a'},
        {"certificate", required_argument, NULL, 'c'}, {"log", required_argument, NULL, 'o'},
        {"count", required_argument, NULL, 'n'},       {"name", required_argument, NULL, 'm'},
        {"no-tickets", no_argument, NULL, 't'},        {NULL, 0, NULL, 0}};
    struct sink sink = {.name = "sink.example", .count_file = -1};
    const char *first = NULL, *certificate = NULL, *log = NULL;
    uint64_t addresses = 1;
    bool tickets = true;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            first = optarg;
            break;
        case 'a':
            addresses = option_number("--addresses", optarg, 65536);
            break;
        case 'c':
            certificate = optarg;
            break;
        case 'o':
            log = optarg;
            break;
        case 'n':
            sink.count_file = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
            break;
        case 'm':
            sink.name = optarg;
            break;
        case 't':
            tickets = false;
            break;
        default:
            usage();
        }
    }
    if (first == NULL || certificate == NULL || log == NULL || optind != argc) {
        usage();
    }
    sink.log = fopen(log, "ae");
    if (sink.log == NULL) {
        die_errno(log);
    }
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    wire_tls_server(&sink.tls, certificate, tickets);
    sink.base = event_base_new();
    if (sink.base == NULL) {
        die("no event loop");
    }
    listen_at_all(&sink, first, addresses);
    run(&sink);
    return fclose(sink.log) == 0 ? 0 : 1;
}
