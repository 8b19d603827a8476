/* The status socket as clients meet it: the stream of decisions, limits, and the way in over TCP. Clients are sockets of the same
 * process; the loop runs while they wait. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/agent.h"
#include "control/door.h"
#include "control/events.h"
#include "control/status_socket.h"
#include "fakes.h"

#define TOKEN "0123456789abcdef0123"
enum { ANSWER = 2 * 1024 * 1024 };

static struct loop *loop;
static struct agent *agent;
static struct panel *panel;
static struct status_socket *status;
static int ends[2], tcp_port;
static char path[] = "/tmp/daneway-test-XXXXXX/status.sock";
static char answer[ANSWER];

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(int ms)
{
    struct loop_timer *timer = loop_timer_create(loop, stop, loop);
    loop_timer_set(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

static int listen_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&address, sizeof address), 0));
    cr_assert(eq(int, listen(fd, 16), 0));
    cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&address, &length), 0));
    tcp_port = ntohs(address.sin_port);
    return fd;
}

static void setup(void)
{
    static struct settings settings;
    signal(SIGPIPE, SIG_IGN); /* as the supervisor does */
    loop = loop_create();
    fakes_use_loop(loop);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0));
    agent = agent_create(loop, ends[0], 0);
    agent_use_stations(agent, &(struct agent_stations){0});
    panel = panel_create(loop, &ends[1], 1, NULL);
    path[24] = '\0';
    cr_assert(mkdtemp(path) != NULL);
    path[24] = '/';
    settings = (struct settings){.status_socket = path, .hostname = "gw.example", .path = "x"};
    const struct status_sources sources = {.panel = panel, .settings = &settings};
    status = status_socket_open(loop, listener_at(path), &sources);
    status_socket_listen(status, listen_tcp(), TOKEN);
}

static void finish(void)
{
    status_socket_close(&status);
    panel_free(&panel);
    agent_free(&agent);
    loop_free(&loop);
    close(ends[0]);
    close(ends[1]);
    unlink(path);
    path[24] = '\0';
    rmdir(path);
}

TestSuite(status, .init = setup, .fini = finish);

/* --- clients ---------------------------------------------------------------------------------- */

static int connect_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&address, sizeof address), 0));
    return fd;
}

static int connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)tcp_port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&address, sizeof address), 0));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert(eq(i64, write(fd, text, strlen(text)), (int64_t)strlen(text)));
}

/* What has come so far, after `ms`. */
static const char *hear(int fd, int ms)
{
    size_t used = 0;
    for (int waited = 0; waited <= ms; waited += 20) {
        ssize_t got;
        run_for(20);
        while (used < sizeof answer - 1 &&
               (got = read(fd, answer + used, sizeof answer - 1 - used)) > 0)
            used += (size_t)got;
    }
    answer[used] = '\0';
    return answer;
}

static const char *ask_tcp(const char *request)
{
    int fd = connect_tcp();
    say(fd, request);
    hear(fd, 100);
    close(fd);
    return answer;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* --- the stream ------------------------------------------------------------------------------- */

static const struct decision decision = {.queue_id = "A1",
                                         .next_hop = "example.org",
                                         .host = "mx.example.org[192.0.2.1]:25",
                                         .level = "auto",
                                         .verdict = "deferred",
                                         .tls = "encrypted",
                                         .reason = "tlsa-mismatch",
                                         .dsn = "4.7.5"};

static int join(const char *fields)
{
    char request[256];
    int fd = connect_unix();
    snprintf(request, sizeof request, "GET /events HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    say(fd, request);
    return fd;
}

Test(status, a_decision_reaches_those_who_look_on)
{
    agent_decision(agent, &decision); /* nobody does yet */
    int lines = join(""), stream = join("Accept: text/event-stream\r\n");
    run_for(50);
    agent_decision(agent, &decision);
    agent_decision(agent, &(struct decision){.queue_id = "B2",
                                             .next_hop = "example.net",
                                             .verdict = "delivered",
                                             .dsn = "2.0.0"});
    hear(lines, 400);
    cr_expect(eq(sz, count_of(answer, "\"queue_id\""), 2), "%s", answer);
    cr_expect(strstr(answer, "\"queue_id\":\"A1\",\"next_hop\":\"example.org\",\"host\":\"mx."
                             "example.org[192.0.2.1]:25\",\"level\":\"auto\",\"verdict\":"
                             "\"deferred\",\"tls\":\"encrypted\",\"reason\":\"tlsa-mismatch\","
                             "\"dsn\":\"4.7.5\"}\n") != NULL,
              "%s", answer);
    cr_expect(strstr(answer, "application/x-ndjson") != NULL);
    hear(stream, 20);
    cr_expect(strstr(answer, "text/event-stream") != NULL, "%s", answer);
    cr_expect(eq(sz, count_of(answer, "data: {\"time\""), 2), "%s", answer);
    close(lines);
    close(stream);
    run_for(50);
}

/* Lines and what was told to be lost make up all of it, and no more is kept than the limit. */
Test(status, a_slow_reader_is_told_what_it_lost)
{
    enum { ROUNDS = 20, EACH = 400 };
    size_t lost = 0;
    int fd = join("");
    run_for(50);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < EACH; i++)
            agent_decision(agent, &decision);
        run_for(260);
    }
    hear(fd, 300); /* it has read; the next one tells */
    size_t seen = count_of(answer, "\"queue_id\"");
    cr_expect(lt(sz, strlen(answer), (size_t)3 * EVENTS_UNSENT));
    cr_expect(lt(sz, seen, (size_t)ROUNDS * EACH));
    agent_decision(agent, &decision);
    hear(fd, 400);
    const char *told = strstr(answer, "{\"lost\":");
    cr_assert(told != NULL, "%s", answer);
    lost = strtoul(told + strlen("{\"lost\":"), NULL, 10);
    seen += count_of(answer, "\"queue_id\"");
    cr_expect(eq(sz, seen + lost, (size_t)ROUNDS * EACH + 1));
    close(fd);
    run_for(50);
}

/* More than a worker may queue in one moment is dropped there, and told as well. */
Test(status, a_flood_of_decisions_is_dropped_in_the_worker)
{
    int fd = join("");
    run_for(50);
    for (int i = 0; i < 700; i++)
        agent_decision(agent, &decision);
    run_for(260);
    agent_decision(agent, &decision);
    hear(fd, 500);
    cr_expect(strstr(answer, "{\"lost\":200}") != NULL);
    cr_expect(eq(sz, count_of(answer, "\"queue_id\""), 501));
    close(fd);
    run_for(50);
}

Test(status, readers_are_counted)
{
    int fds[EVENTS_READERS], one_more;
    for (int i = 0; i < EVENTS_READERS; i++)
        fds[i] = join("");
    run_for(50);
    one_more = join("");
    cr_expect(strstr(hear(one_more, 40), " 503 ") != NULL, "%s", answer);
    close(one_more);
    close(fds[3]);
    run_for(50);
    fds[3] = join("");
    cr_expect(strstr(hear(fds[3], 40), " 200 ") != NULL, "%s", answer);
    for (int i = 0; i < EVENTS_READERS; i++)
        close(fds[i]);
    run_for(50);
}

/* --- limits ----------------------------------------------------------------------------------- */

Test(status, one_that_goes_away_while_workers_are_asked)
{
    for (int i = 0; i < 20; i++) {
        int fd = connect_unix();
        say(fd, "GET /status HTTP/1.1\r\nHost: x\r\n\r\nGET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i % 2 == 0)
            run_for(1);
        close(fd);
    }
    run_for(200);
    int fd = connect_unix();
    say(fd, "GET /status HTTP/1.0\r\n\r\n");
    cr_expect(strstr(hear(fd, 100), "\"validating\"") != NULL);
    close(fd);
}

Test(status, heads_and_bodies_are_limited)
{
    char *large = calloc(1, 20001);
    memset(large, 'x', 20000);
    int fd = connect_unix();
    say(fd, "GET /status HTTP/1.1\r\nX: ");
    say(fd, large);
    cr_expect(strstr(hear(fd, 60), "HTTP/1.1 200") == NULL);
    close(fd);
    fd = connect_unix();
    say(fd, "POST /flush?all HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n");
    cr_expect(strstr(hear(fd, 60), " 413 ") != NULL, "%s", answer);
    close(fd);
    free(large);
}

static struct door *door;

static void on_request(struct evhttp_request *request, void *arg)
{
    (void)arg;
    door_note(door, request);
    evhttp_send_reply(request, HTTP_OK, NULL, NULL);
}

static bool is_closed(int fd)
{
    char octet;
    ssize_t got = read(fd, &octet, 1);
    return got == 0;
}

/* One octet after the other is no request; the others' places are free again when it has been long enough. */
Test(status, places_are_few_and_not_for_ever)
{
    int slow[2];
    door = door_open(loop, listen_tcp(), 2, 1, on_request, NULL);
    for (int i = 0; i < 2; i++)
        slow[i] = connect_tcp();
    run_for(40);
    int waits = connect_tcp();
    say(waits, "GET / HTTP/1.0\r\n\r\n");
    cr_expect(eq(str, (char *)hear(waits, 200), ""), "there is no place for it yet");
    for (int i = 0; i < 9; i++) {
        run_for(250);
        if (send(slow[0], "G", 1, MSG_NOSIGNAL) != 1)
            break;
    }
    cr_expect(is_closed(slow[1]), "it said nothing");
    cr_expect(strstr(hear(waits, 1500), " 200 ") != NULL);
    cr_expect(send(slow[0], "G", 1, MSG_NOSIGNAL) != 1 || is_closed(slow[0]), "it drips");
    close(slow[0]);
    close(slow[1]);
    close(waits);
    run_for(50);
    door_close(&door);
}

static struct evhttp_request *asked;

static void remember_request(struct evhttp_request *request, void *arg)
{
    (void)arg;
    door_note(door, request);
    asked = request;
}

/* A long action, or the stream of decisions: the client has nothing to say meanwhile. Afterwards it is as silent as any. */
Test(status, an_answer_may_take_longer_than_a_silent_client)
{
    door = door_open(loop, listen_tcp(), 2, 1, remember_request, NULL);
    int fd = connect_tcp();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(eq(str, (char *)hear(fd, 3500), ""));
    cr_assert(not(is_closed(fd)));
    evhttp_send_reply(asked, HTTP_OK, NULL, NULL);
    cr_expect(strstr(hear(fd, 100), " 200 ") != NULL, "%s", answer);
    run_for(2500);
    cr_expect(is_closed(fd), "and now it is the client's turn");
    close(fd);
    door_close(&door);
}

/* --- over TCP --------------------------------------------------------------------------------- */

Test(status, tcp_asks_for_a_token)
{
    cr_expect(strstr(ask_tcp("GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n"), " 401 ") != NULL);
    cr_expect(strstr(answer, "WWW-Authenticate: Bearer") != NULL);
    cr_expect(strstr(answer, "validating") == NULL);
    cr_expect(
        strstr(ask_tcp("GET /status HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
                       "\r\n\r\n"),
               "\"validating\"") != NULL);
    cr_expect(strstr(answer, "Content-Security-Policy: default-src 'none'") != NULL);
    cr_expect(strstr(answer, "Access-Control") == NULL);
    cr_expect(
        strstr(ask_tcp("GET /status HTTP/1.0\r\nHost: a.example\r\nAuthorization: Bearer " TOKEN
                       "\r\n\r\n"),
               " 403 ") != NULL);
    cr_expect(strstr(ask_tcp("POST /flush?all HTTP/1.0\r\nHost: localhost\r\nContent-Length: "
                             "0\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"),
                     " 403 ") != NULL);
    cr_expect(strstr(ask_tcp("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"), "<!doctype html>") !=
              NULL);
    cr_expect(strstr(ask_tcp("GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n"), " 401 ") != NULL);
}

Test(status, tcp_login_gives_a_cookie)
{
    char request[512], session[100] = "";
    ask_tcp("POST /login HTTP/1.0\r\nHost: localhost\r\nContent-Length: 11\r\n\r\ntoken=wrong");
    cr_expect(strstr(answer, "Location: /?login=wrong") != NULL &&
                  strstr(answer, "Set-Cookie") == NULL,
              "%s", answer);
    ask_tcp("POST /login HTTP/1.0\r\nHost: localhost\r\nContent-Length: 26\r\n\r\ntoken=" TOKEN);
    const char *cookie = strstr(answer, "Set-Cookie: daneway-session=");
    cr_assert(cookie != NULL, "%s", answer);
    cr_expect(strstr(cookie, "HttpOnly; SameSite=Strict") != NULL);
    cr_expect(strstr(answer, TOKEN) == NULL, "the cookie does not hold the token");
    sscanf(cookie, "Set-Cookie: %99[^;]", session);
    snprintf(request, sizeof request,
             "GET /status HTTP/1.0\r\nHost: localhost\r\nCookie: %s\r\n\r\n", session);
    cr_expect(strstr(ask_tcp(request), "\"validating\"") != NULL, "%s", answer);
    session[20] ^= 1;
    snprintf(request, sizeof request,
             "GET /status HTTP/1.0\r\nHost: localhost\r\nCookie: %s\r\n\r\n", session);
    cr_expect(strstr(ask_tcp(request), " 401 ") != NULL);
}
