/* generator: hands in messages by SMTP as fast as the other side takes them, or at a steady rate, and writes
 * down what was acknowledged.
 * Owns: the ids, PREFIX-NUMBER, and LOG: a line for each 250, "ID MICROSECONDS"; "?ID MICROSECONDS" is one
 * whose reply was lost with the connection. The last line of its output sums up.
 * With --tls it speaks to a sink straight away: with messages, what generator and sink can do without a
 * gateway between them; with --handshakes, what TLS alone costs.
 * A refusal ends it, unless with --persist: then it goes on over refusals and broken connections until SIGTERM.
 * Must never count a message as accepted without a 250 to its final dot. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "common.h"
#include "wire.h"

#define TICK_US 1000
#define PAUSE_US 50000 /* before a connection that broke or was refused is opened again */
#define LOG_FLUSH_US 100000

enum state { GREETING, EHLO, STARTTLS, SECURE_EHLO, IDLE, MAIL, RCPT, DATA, DOT, QUIT };

struct client {
    struct generator *generator;
    struct wire *wire;
    struct event *pause;
    enum state state;
    uint64_t number, on_connection;
    bool working; /* it has a message that is not yet answered */
};

struct generator {
    struct event_base *base;
    struct event *ticker;
    struct wire_tls tls_settings;
    gnutls_datum_t session;
    struct sockaddr_in where;
    FILE *log;
    const char *prefix, *recipient;
    struct buffer body;
    uint64_t wanted, connections, size, destinations, rate, per_connection, seconds;
    bool tls, handshakes, resume, persist, stopping;
    struct client *clients;
    uint64_t started, accepted, refused, uncertain, broken, shaken, resumed;
    uint64_t began_us, ended_us, flushed_us;
    char first_refusal[256];
};

static void open_connection(struct client *client);

static void end_when_done(struct generator *g)
{
    uint64_t done = g->handshakes ? g->shaken : g->accepted + g->refused + g->uncertain;
    if (g->stopping ? done >= g->started : done >= g->wanted) {
        event_base_loopbreak(g->base);
    }
}

/* How many messages may have been begun by now. */
static uint64_t due(const struct generator *g)
{
    if (g->stopping) {
        return 0;
    }
    uint64_t count = g->rate == 0 ? g->wanted : (now_us() - g->began_us) * g->rate / 1000000 + 1;
    return count < g->wanted ? count : g->wanted;
}

static void note(struct client *client, const char *mark)
{
    struct generator *g = client->generator;
    g->ended_us = now_us();
    fprintf(g->log, "%s%s-%llu %llu\n", mark, g->prefix, (unsigned long long)client->number,
            (unsigned long long)g->ended_us);
    if (g->ended_us - g->flushed_us > LOG_FLUSH_US) {
        g->flushed_us = g->ended_us;
        fflush(g->log);
    }
    client->working = false;
}

/* The recipient of a message: '#' in the pattern is the number of its destination. */
static void send_envelope(struct client *client)
{
    struct generator *g = client->generator;
    char text[1024];
    const char *mark = strchr(g->recipient, '#');
    unsigned long long destination = client->number % g->destinations + 1;
    int before = mark == NULL ? (int)strlen(g->recipient) : (int)(mark - g->recipient);
    char number[24] = "";
    if (mark != NULL) {
        snprintf(number, sizeof number, "%llu", destination);
    }
    snprintf(text, sizeof text, "MAIL FROM:<sender@corp.example>\r\nRCPT TO:<%.*s%s%s>\r\nDATA\r\n",
             before, g->recipient, number, mark == NULL ? "" : mark + 1);
    wire_send_text(client->wire, text);
}

static void send_text(struct client *client)
{
    struct generator *g = client->generator;
    char head[512];
    snprintf(head, sizeof head,
             "From: <sender@corp.example>\r\nTo: <load@load.example>\r\nSubject: load\r\n"
             "X-Lab-Id: %s-%llu\r\nMessage-ID: <%s-%llu@corp.example>\r\n"
             "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\n",
             g->prefix, (unsigned long long)client->number, g->prefix,
             (unsigned long long)client->number);
    wire_send_text(client->wire, head);
    wire_send(client->wire, g->body.ptr, g->body.len);
    wire_send_text(client->wire, ".\r\n");
}

/* The next message, if there is one to send and this connection may carry it. */
static void next_message(struct client *client)
{
    struct generator *g = client->generator;
    client->state = IDLE;
    if (g->per_connection != 0 && client->on_connection == g->per_connection) {
        client->state = QUIT;
        wire_send_text(client->wire, "QUIT\r\n");
        return;
    }
    if (g->started >= due(g)) {
        return;
    }
    client->number = g->started++;
    client->on_connection++;
    client->working = true;
    client->state = MAIL;
    send_envelope(client);
}

static void refuse(struct client *client, struct slice reply)
{
    struct generator *g = client->generator;
    if (g->first_refusal[0] == '\0') {
        snprintf(g->first_refusal, sizeof g->first_refusal, "%.*s", SLICE_ARG(slice_trim(reply)));
    }
    if (client->working) {
        g->refused++;
        client->working = false;
    }
    g->stopping = g->stopping || !g->persist;
    wire_close(client->wire);
}

static void send_ehlo(struct client *client, enum state state)
{
    client->state = state;
    wire_send_text(client->wire, "EHLO load.corp.example\r\n");
}

static void greeted(struct client *client)
{
    struct generator *g = client->generator;
    if (g->tls && client->state == EHLO) {
        client->state = STARTTLS;
        wire_send_text(client->wire, "STARTTLS\r\n");
    } else {
        next_message(client);
    }
}

static void keep_session(struct client *client)
{
    struct generator *g = client->generator;
    gnutls_datum_t fresh;
    if (g->resume && wire_session_data(client->wire, &fresh) == 0) {
        gnutls_free(g->session.data);
        g->session = fresh;
    }
}

static void hear_reply(struct client *client, struct slice reply)
{
    struct generator *g = client->generator;
    char expected = client->state == DATA ? '3' : '2';
    if (client->state != QUIT && reply.ptr[0] != expected) {
        refuse(client, reply);
        return;
    }
    switch (client->state) {
    case GREETING:
        send_ehlo(client, EHLO);
        break;
    case EHLO:
    case SECURE_EHLO:
        greeted(client);
        break;
    case STARTTLS:
        wire_start_tls(client->wire, &g->tls_settings, g->resume ? &g->session : NULL);
        break;
    case MAIL:
        client->state = RCPT;
        break;
    case RCPT:
        client->state = DATA;
        break;
    case DATA:
        client->state = DOT;
        send_text(client);
        break;
    case DOT:
        g->accepted++;
        note(client, "");
        next_message(client);
        end_when_done(g);
        break;
    case QUIT:
        keep_session(client);
        wire_close(client->wire);
        break;
    case IDLE:
        break;
    }
}

/* Whole replies; of one of several lines only the last is looked at. */
static void heard(void *owner)
{
    struct client *client = owner;
    for (;;) {
        struct slice in = wire_in(client->wire);
        const char *end = in.len == 0 ? NULL : memchr(in.ptr, '\n', in.len);
        if (end == NULL) {
            return;
        }
        char line[1024];
        size_t length = (size_t)(end - in.ptr) + 1;
        struct slice kept = slice_take(in, length < sizeof line ? length : sizeof line);
        memcpy(line, kept.ptr, kept.len);
        wire_drop(client->wire, length);
        if (kept.len < 5 || line[3] != '-') {
            hear_reply(client, (struct slice){line, kept.len});
        }
    }
}

static void secured(void *owner)
{
    struct client *client = owner;
    struct generator *g = client->generator;
    g->shaken++;
    g->resumed += wire_is_resumed(client->wire) ? 1 : 0;
    g->ended_us = now_us();
    if (g->handshakes) {
        /* The tickets come behind the handshake: the reply to QUIT brings them. */
        client->state = QUIT;
        wire_send_text(client->wire, "QUIT\r\n");
        end_when_done(g);
    } else {
        send_ehlo(client, SECURE_EHLO);
    }
}

static void reopen(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    open_connection(argument);
}

static void ended(void *owner)
{
    struct client *client = owner;
    struct generator *g = client->generator;
    bool as_meant = client->state == QUIT;
    wire_free(&client->wire);
    if (client->working && client->state == DOT) {
        g->uncertain++;
        note(client, "?");
    } else if (client->working) {
        g->refused++;
        client->working = false;
    }
    g->broken += as_meant ? 0 : 1;
    end_when_done(g);
    if (as_meant) {
        open_connection(client);
    } else {
        struct timeval pause = {0, PAUSE_US};
        event_add(client->pause, &pause);
    }
}

static void open_connection(struct client *client)
{
    struct generator *g = client->generator;
    bool more = g->handshakes ? g->shaken < g->wanted : g->started < g->wanted;
    if (g->stopping || !more) {
        return;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die_errno("socket");
    }
    if (connect(fd, (struct sockaddr *)&g->where, sizeof g->where) != 0 && errno != EINPROGRESS) {
        die_errno("connect");
    }
    client->state = GREETING;
    client->on_connection = 0;
    client->wire = wire_create(g->base, fd, (struct wire_owner){heard, secured, ended, client});
}

/* An idle connection takes up what has become due. */
static void go_on(struct client *client)
{
    if (client->wire != NULL && client->state == IDLE) {
        next_message(client);
        wire_flush(client->wire);
    }
}

static void tick(evutil_socket_t fd, short what, void *argument)
{
    struct generator *g = argument;
    (void)fd;
    (void)what;
    for (uint64_t i = 0; i < g->connections && g->started < due(g); i++) {
        go_on(&g->clients[i]);
    }
    if (!g->persist && g->broken >= g->connections * 10) {
        die("the connections break; first refusal: \"%s\"", g->first_refusal);
    }
}

static void stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct generator *g = argument;
    (void)signal_number;
    (void)what;
    g->stopping = true;
    end_when_done(g);
}

static void make_body(struct generator *g)
{
    static const char line[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
    buffer_init(&g->body, g->size + sizeof line);
    while (g->body.len + 256 < g->size) {
        buffer_append_text(&g->body, line);
    }
}

static void sum_up(const struct generator *g)
{
    double seconds = (double)(g->ended_us - g->began_us) / 1e6;
    uint64_t count = g->handshakes ? g->shaken : g->accepted;
    printf("accepted=%llu refused=%llu uncertain=%llu broken=%llu handshakes=%llu resumed=%llu"
           " began=%llu seconds=%.3f rate=%.1f\n",
           (unsigned long long)g->accepted, (unsigned long long)g->refused,
           (unsigned long long)g->uncertain, (unsigned long long)g->broken,
           (unsigned long long)g->shaken, (unsigned long long)g->resumed,
           (unsigned long long)g->began_us, seconds, seconds > 0 ? (double)count / seconds : 0);
    if (g->first_refusal[0] != '\0') {
        fprintf(stderr, "first refusal: %s\n", g->first_refusal);
    }
}

static void watch_signals(struct generator *g)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        struct event *event = evsignal_new(g->base, numbers[i], stop, g);
        if (event == NULL || event_add(event, NULL) != 0) {
            die("no event for a signal");
        }
    }
    if (g->seconds > 0) {
        struct timeval limit = {(time_t)g->seconds, 0};
        event_base_once(g->base, -1, EV_TIMEOUT, stop, g, &limit);
    }
}

static void run(struct generator *g)
{
    struct timeval interval = {0, TICK_US};
    g->clients = x_calloc(g->connections, sizeof *g->clients);
    g->ticker = event_new(g->base, -1, EV_PERSIST, tick, g);
    if (g->ticker == NULL || event_add(g->ticker, &interval) != 0) {
        die("no event for the timer");
    }
    g->began_us = g->ended_us = now_us();
    for (uint64_t i = 0; i < g->connections; i++) {
        g->clients[i].generator = g;
        g->clients[i].pause = evtimer_new(g->base, reopen, &g->clients[i]);
        open_connection(&g->clients[i]);
    }
    event_base_dispatch(g->base);
    for (uint64_t i = 0; i < g->connections; i++) {
        wire_free(&g->clients[i].wire);
        event_free(g->clients[i].pause);
    }
    free(g->clients);
    event_free(g->ticker);
}

static void parse_address(struct generator *g, const char *text)
{
    struct slice port, address = slice_split(slice_of(text), ':', &port);
    char name[64];
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(address));
    g->where.sin_family = AF_INET;
    if (port.ptr == NULL || inet_pton(AF_INET, name, &g->where.sin_addr) != 1) {
        die("--to %s: expected ADDRESS:PORT", text);
    }
    g->where.sin_port = htons((uint16_t)option_number("--to", port.ptr, 65535));
}

static __attribute__((noreturn)) void usage(void)
{
    die("usage: generator --to ADDRESS:PORT --messages COUNT [--connections COUNT] [--size OCTETS]"
        " [--recipient PATTERN] [--destinations COUNT] [--rate PER-SECOND] [--seconds COUNT]"
        " [--prefix NAME] [--log FILE] [--tls] [--per-connection COUNT] [--handshakes] [--resume]"
        " [--persist]");
}

static void parse_options(struct generator *g, int argc, char **argv)
{
    enum { TO, MESSAGES, CONNECTIONS, SIZE, RECIPIENT, DESTINATIONS, RATE, SECONDS, PREFIX, LOG };
    enum { TLS = LOG + 1, PER_CONNECTION, HANDSHAKES, RESUME, PERSIST };
    static const struct option options[] = {
        {"to", required_argument, NULL, TO},
        {"messages", required_argument, NULL, MESSAGES},
        {"connections", required_argument, NULL, CONNECTIONS},
        {"size", required_argument, NULL, SIZE},
        {"recipient", required_argument, NULL, RECIPIENT},
        {"destinations", required_argument, NULL, DESTINATIONS},
        {"rate", required_argument, NULL, RATE},
        {"seconds", required_argument, NULL, SECONDS},
        {"prefix", required_argument, NULL, PREFIX},
        {"log", required_argument, NULL, LOG},
        {"tls", no_argument, NULL, TLS},
        {"per-connection", required_argument, NULL, PER_CONNECTION},
        {"handshakes", no_argument, NULL, HANDSHAKES},
        {"resume", no_argument, NULL, RESUME},
        {"persist", no_argument, NULL, PERSIST},
        {NULL, 0, NULL, 0}};
    struct {
        int option;
        uint64_t *number;
        uint64_t max;
    } numbers[] = {{MESSAGES, &g->wanted, 100000000},
                   {CONNECTIONS, &g->connections, 10000},
                   {SIZE, &g->size, 50000000},
                   {DESTINATIONS, &g->destinations, 65536},
                   {RATE, &g->rate, 1000000},
                   {SECONDS, &g->seconds, 86400},
                   {PER_CONNECTION, &g->per_connection, 1000000}};
    struct {
        int option;
        bool *flag;
    } flags[] = {
        {TLS, &g->tls}, {HANDSHAKES, &g->handshakes}, {RESUME, &g->resume}, {PERSIST, &g->persist}};
    const char *log = "/dev/null";
    int option, at = -1;
    while ((option = getopt_long(argc, argv, "", options, &at)) != -1) {
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            if (numbers[i].option == option) {
                *numbers[i].number = option_number(options[at].name, optarg, numbers[i].max);
            }
        }
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
            if (flags[i].option == option) {
                *flags[i].flag = true;
            }
        }
        switch (option) {
        case TO:
            parse_address(g, optarg);
            break;
        case RECIPIENT:
            g->recipient = optarg;
            break;
        case PREFIX:
            g->prefix = optarg;
            break;
        case LOG:
            log = optarg;
            break;
        case '?':
            usage();
        default:
            break;
        }
    }
    if (g->where.sin_port == 0 || g->wanted == 0 || g->connections == 0 || g->destinations == 0 ||
        optind != argc) {
        usage();
    }
    g->tls = g->tls || g->handshakes;
    g->log = fopen(log, "ae");
    if (g->log == NULL) {
        die_errno(log);
    }
}

int main(int argc, char **argv)
{
    struct generator g = {.prefix = "load",
                          .recipient = "load@load.example",
                          .connections = 20,
                          .size = 10240,
                          .destinations = 1};
    parse_options(&g, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    wire_tls_client(&g.tls_settings);
    make_body(&g);
    g.base = event_base_new();
    if (g.base == NULL) {
        die("no event loop");
    }
    watch_signals(&g);
    run(&g);
    sum_up(&g);
    buffer_release(&g.body);
    return fclose(g.log) == 0 && (g.persist || (g.refused == 0 && g.uncertain == 0)) ? 0 : 1;
}
