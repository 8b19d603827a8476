/* dns.c and the whole resolver against real name servers (see with-dns-lab), in both trust modes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resolve/dns.h"
#include "resolve/resolve.h"

static uint16_t port_of(const char *variable)
{
    const char *text = getenv(variable);
    cr_assert(text != NULL, "run this by with-dns-lab");
    return (uint16_t)atoi(text);
}

static struct resolver_settings settings_for(enum resolver_mode mode)
{
    struct resolver_settings settings = {.mode = mode,
                                         .timeout = 10,
                                         .cache_ttl_max = 86400,
                                         .cname_limit = 10,
                                         .self_test_secure = ".",
                                         .self_test_bogus = "badsig.sec.lab",
                                         .self_test_interval = 600};
    address_parse("127.0.0.1", &settings.address);
    settings.port = port_of(mode == RESOLVER_LOOPBACK ? "DNS_LAB_VALIDATING" : "DNS_LAB_PLAIN");
    settings.trust_anchor = getenv("DNS_LAB_ANCHOR");
    return settings;
}

static const char *const mode_names[] = {"loopback", "validate"};

struct question {
    struct loop *loop;
    unsigned *open;
    struct dns_answer *answer;
};

static void on_answer(void *arg, struct dns_answer *answer)
{
    struct question *question = arg;
    question->answer = answer;
    if (--*question->open == 0)
        loop_stop(question->loop);
}

static struct dns *dns_for(struct loop *loop, const struct resolver_settings *settings)
{
    struct dns *dns;
    struct err err;
    cr_assert(eq(int, dns_create(&dns, loop, settings, &err), 0), "%s", err.text);
    return dns;
}

static struct dns_answer *ask_one(struct loop *loop, struct dns *dns, const char *name,
                                  enum dns_type type)
{
    unsigned open = 1;
    struct question question = {loop, &open, NULL};
    dns_query(dns, name, type, on_answer, &question);
    cr_assert(question.answer == NULL);
    loop_run(loop);
    cr_assert(question.answer != NULL);
    return question.answer;
}

static const struct {
    const char *name;
    enum dns_type type;
    enum dns_status status;
    enum dns_presence presence;
    size_t count;
    const char *canonical; /* NULL: the name itself */
} cases[] = {
    {"", DNS_SOA, DNS_SECURE, DNS_FOUND, 1, NULL},
    {"mx1.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, NULL},
    {"MX1.Sec.LAB", DNS_AAAA, DNS_SECURE, DNS_FOUND, 2, "mx1.sec.lab"},
    {"good.sec.lab", DNS_MX, DNS_SECURE, DNS_FOUND, 2, NULL},
    {"_25._tcp.mx1.sec.lab", DNS_TLSA, DNS_SECURE, DNS_FOUND, 2, NULL},
    {"good.sec.lab", DNS_A, DNS_SECURE, DNS_NO_DATA, 0, NULL},
    {"nonesuch.sec.lab", DNS_A, DNS_SECURE, DNS_NO_NAME, 0, NULL},
    {"_25._tcp.mx2.sec.lab", DNS_TLSA, DNS_SECURE, DNS_NO_NAME, 0, NULL},
    {"x.wild.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, NULL},
    {"x.wild.sec.lab", DNS_AAAA, DNS_SECURE, DNS_NO_DATA, 0, NULL},
    /* insecure delegation */
    {"mx.insecure.lab", DNS_A, DNS_INSECURE, DNS_FOUND, 1, NULL},
    {"mx.insecure.lab", DNS_AAAA, DNS_INSECURE, DNS_NO_DATA, 0, NULL},
    {"no.insecure.lab", DNS_A, DNS_INSECURE, DNS_NO_NAME, 0, NULL},
    {"_25._tcp.mx.insecure.lab", DNS_TLSA, DNS_INSECURE, DNS_FOUND, 1, NULL},
    /* bogus */
    {"badsig.sec.lab", DNS_A, DNS_BOGUS, DNS_FOUND, 0, NULL},
    {"badmx.sec.lab", DNS_MX, DNS_BOGUS, DNS_FOUND, 0, NULL},
    {"_25._tcp.badtlsa.sec.lab", DNS_TLSA, DNS_BOGUS, DNS_FOUND, 0, NULL},
    {"half.sec.lab", DNS_AAAA, DNS_BOGUS, DNS_FOUND, 0, NULL},
    {"half.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, NULL},
    /* failing */
    {"host.lame.lab", DNS_A, DNS_FAILED, DNS_FOUND, 0, NULL},
    {"_25._tcp.host.lame.lab", DNS_TLSA, DNS_FAILED, DNS_FOUND, 0, NULL},
    /* CNAMEs: all links count */
    {"alias.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, "mx1.sec.lab"},
    {"alias.twice.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, "mx1.sec.lab"},
    {"alias.sec.lab", DNS_CNAME, DNS_SECURE, DNS_FOUND, 1, NULL},
    {"mx1.sec.lab", DNS_CNAME, DNS_SECURE, DNS_NO_DATA, 0, NULL},
    {"toinsecure.sec.lab", DNS_A, DNS_INSECURE, DNS_FOUND, 1, "mx.insecure.lab"},
    {"toinsecure.sec.lab", DNS_CNAME, DNS_SECURE, DNS_FOUND, 1, NULL},
    {"tosecurehost.insecure.lab", DNS_A, DNS_INSECURE, DNS_FOUND, 1, "mx1.sec.lab"},
    {"tonothing.sec.lab", DNS_A, DNS_SECURE, DNS_NO_DATA, 0, "text.sec.lab"},
    {"tonowhere.sec.lab", DNS_A, DNS_SECURE, DNS_NO_NAME, 0, "nonesuch.sec.lab"},
    {"tobogus.sec.lab", DNS_A, DNS_BOGUS, DNS_FOUND, 0, NULL},
    {"tolame.sec.lab", DNS_A, DNS_FAILED, DNS_FOUND, 0, NULL},
    {"mx1.dname.sec.lab", DNS_A, DNS_SECURE, DNS_FOUND, 1, "mx1.sec.lab"},
    {"_mta-sts.good.sec.lab", DNS_TXT, DNS_SECURE, DNS_FOUND, 2, NULL},
    {"_mta-sts.alias.sec.lab", DNS_TXT, DNS_SECURE, DNS_FOUND, 1, "_mta-sts.one.sec.lab"},
    {"_mta-sts.mx1.sec.lab", DNS_TXT, DNS_SECURE, DNS_NO_NAME, 0, NULL},
    {"domain.sec.lab", DNS_MX, DNS_SECURE, DNS_FOUND, 2, "good.sec.lab"},
    {"_25._tcp.mx3.sec.lab", DNS_TLSA, DNS_SECURE, DNS_FOUND, 1, "_dane.sec.lab"},
    {"_25._tcp.mx4.sec.lab", DNS_TLSA, DNS_INSECURE, DNS_FOUND, 1, "_25._tcp.mx.insecure.lab"},
    {"oddmx.sec.lab", DNS_MX, DNS_SECURE, DNS_FOUND, 1, NULL},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void compare(size_t i, const char *mode, const struct dns_answer *answer)
{
    const char *name = cases[i].name;
    cr_expect(eq(int, (int)answer->status, (int)cases[i].status), "%s: %s %u (%s)", mode, name,
              cases[i].type, answer->why != NULL ? answer->why : "");
    if (answer->status != cases[i].status)
        return;
    if (answer->status == DNS_BOGUS || answer->status == DNS_FAILED) {
        cr_expect(answer->why != NULL, "%s: %s", mode, name);
        cr_expect(eq(u32, answer->ttl, DNS_TTL_FAILED), "%s: %s", mode, name);
        return;
    }
    cr_expect(eq(int, (int)answer->presence, (int)cases[i].presence), "%s: %s", mode, name);
    cr_expect(eq(sz, answer->count, cases[i].count), "%s: %s", mode, name);
    const char *canonical = cases[i].canonical != NULL ? cases[i].canonical : name;
    cr_expect(eq(str, (char *)answer->canonical, (char *)canonical), "%s: %s", mode, name);
    cr_expect(le(u32, answer->ttl, answer->presence == DNS_FOUND ? 3600 : 300), "%s: %s", mode,
              name);
}

/* covers: DANE-01 DANE-02 DANE-03 DANE-04 DANE-09 DANE-17 T-01 T-02 */
Test(dns, classification)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        struct dns *dns = dns_for(loop, &settings);
        struct question questions[CASES];
        unsigned open = CASES;
        for (size_t i = 0; i < CASES; i++) {
            questions[i] = (struct question){loop, &open, NULL};
            dns_query(dns, cases[i].name, cases[i].type, on_answer, &questions[i]);
        }
        loop_run(loop);
        for (size_t i = 0; i < CASES; i++) {
            compare(i, mode_names[mode], questions[i].answer);
            dns_answer_free(&questions[i].answer);
        }
        cr_expect(lt(u64, 0, dns_counters(dns).bogus));
        dns_free(&dns);
        loop_free(&loop);
    }
}

/* covers: STS-02 STS-03 T-11 */
Test(dns, texts_are_joined_and_aliases_followed)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        struct dns *dns = dns_for(loop, &settings);
        struct dns_answer *answer = ask_one(loop, dns, "_mta-sts.good.sec.lab", DNS_TXT);
        cr_assert(eq(sz, answer->count, 2));
        size_t sts = slice_starts_nocase(answer->texts[0], SLICE_LITERAL("v=sts")) ? 0 : 1;
        cr_expect(slice_equal(answer->texts[sts], SLICE_LITERAL("v=STSv1; id=20261123;")));
        cr_expect(slice_equal(answer->texts[1 - sts], SLICE_LITERAL("v=spf1 -all")));
        dns_answer_free(&answer);
        answer = ask_one(loop, dns, "_mta-sts.alias.sec.lab", DNS_TXT);
        cr_assert(eq(sz, answer->count, 1));
        cr_expect(slice_equal(answer->texts[0], SLICE_LITERAL("v=STSv1; id=1;")));
        dns_answer_free(&answer);
        dns_free(&dns);
        loop_free(&loop);
    }
}

/* covers: DANE-16 SMTPC-18 */
Test(dns, records)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        struct dns *dns = dns_for(loop, &settings);
        struct dns_answer *answer = ask_one(loop, dns, "good.sec.lab", DNS_MX);
        size_t best = answer->mx[0].preference == 10 ? 0 : 1;
        cr_expect(eq(str, (char *)answer->mx[best].exchange, "mx1.sec.lab"));
        cr_expect(eq(str, (char *)answer->mx[1 - best].exchange, "mx2.sec.lab"));
        cr_expect(eq(uint, answer->mx[1 - best].preference, 20));
        dns_answer_free(&answer);
        answer = ask_one(loop, dns, "nullmx.sec.lab", DNS_MX);
        cr_expect(eq(str, (char *)answer->mx[0].exchange, ""));
        dns_answer_free(&answer);
        answer = ask_one(loop, dns, "oddmx.sec.lab", DNS_MX);
        cr_expect(eq(str, (char *)answer->mx[0].exchange, "a\\046b\\032c.sec.lab"));
        dns_answer_free(&answer);
        answer = ask_one(loop, dns, "_25._tcp.mx3.sec.lab", DNS_TLSA);
        cr_expect(eq(uint, answer->tlsa[0].usage, 3));
        cr_expect(eq(uint, answer->tlsa[0].selector, 1));
        cr_expect(eq(uint, answer->tlsa[0].matching_type, 1));
        cr_expect(eq(sz, answer->tlsa[0].length, 32));
        cr_expect(eq(uint, answer->tlsa[0].data[31], 5));
        dns_answer_free(&answer);
        answer = ask_one(loop, dns, "zero.sec.lab", DNS_A);
        char text[ADDRESS_TEXT];
        cr_expect(eq(str, address_format(&answer->addresses[0], text), "192.0.2.8"));
        cr_expect(eq(u32, answer->ttl, 0));
        dns_answer_free(&answer);
        dns_free(&dns);
        loop_free(&loop);
    }
}

/* covers: DANE-09 DANE-10 */
Test(dns, limits_of_chain_and_ttl)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        settings.cname_limit = 5;
        settings.cache_ttl_max = 77;
        struct dns *dns = dns_for(loop, &settings);
        struct dns_answer *answer = ask_one(loop, dns, "long1.sec.lab", DNS_A);
        cr_expect(eq(int, (int)answer->status, (int)DNS_SECURE), "%s", answer->why);
        cr_expect(eq(u32, answer->ttl, 77));
        dns_answer_free(&answer);
        dns_free(&dns);
        settings.cname_limit = 4;
        dns = dns_for(loop, &settings);
        answer = ask_one(loop, dns, "long1.sec.lab", DNS_A);
        cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
        cr_expect(strstr(answer->why, "CNAME") != NULL);
        dns_answer_free(&answer);
        dns_free(&dns);
        loop_free(&loop);
    }
}

/* A resolver that does not validate cannot make anything secure; and the word "bogus" tells why a
 * look-up fails. */
/* covers: DANE-02 DANE-03 */
Test(dns, explanations)
{
    struct loop *loop = loop_create();
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    struct dns *dns = dns_for(loop, &settings);
    struct dns_answer *answer = ask_one(loop, dns, "badsig.sec.lab", DNS_A);
    cr_expect(strstr(answer->why, "which answers with checking disabled") != NULL, "%s",
              answer->why);
    dns_answer_free(&answer);
    answer = ask_one(loop, dns, "host.lame.lab", DNS_A);
    cr_expect(eq(str, (char *)answer->why, "SERVFAIL from 127.0.0.1"));
    dns_answer_free(&answer);
    dns_free(&dns);
    settings.port = port_of("DNS_LAB_PLAIN");
    dns = dns_for(loop, &settings);
    answer = ask_one(loop, dns, "mx1.sec.lab", DNS_A);
    cr_expect(eq(int, (int)answer->status, (int)DNS_INSECURE));
    dns_answer_free(&answer);
    dns_free(&dns);
    loop_free(&loop);
}

static int listener(uint16_t *port_r)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&address, sizeof(address)), 0));
    cr_assert(eq(int, listen(fd, 10), 0));
    cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&address, &length), 0));
    *port_r = ntohs(address.sin_port);
    return fd;
}

/* covers: DANE-01 T-01 */
Test(dns, silent_resolver_is_a_time_out)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        int fd = listener(&settings.port);
        settings.timeout = 1;
        struct dns *dns = dns_for(loop, &settings);
        struct dns_answer *answer = ask_one(loop, dns, "_25._tcp.mx1.sec.lab", DNS_TLSA);
        cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
        cr_expect(strstr(answer->why, "time-out") != NULL, "%s", answer->why);
        cr_expect(eq(u64, dns_counters(dns).time_outs, 2));
        dns_answer_free(&answer);
        dns_free(&dns);
        close(fd);
        loop_free(&loop);
    }
}

/* covers: DANE-01 T-01 */
Test(dns, no_resolver_at_all)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        close(listener(&settings.port));
        settings.timeout = 1; /* a UDP query to nobody ends so */
        struct dns *dns = dns_for(loop, &settings);
        struct dns_answer *answer = ask_one(loop, dns, "mx1.sec.lab", DNS_A);
        cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
        cr_expect(strstr(answer->why, mode == RESOLVER_LOOPBACK ? "no connection" : "time-out") !=
                      NULL,
                  "%s", answer->why);
        dns_answer_free(&answer);
        dns_free(&dns);
        loop_free(&loop);
    }
}

/* The name server of silent.lab: hears, and never answers. */
static int silent_name_server(void)
{
    struct sockaddr_in silent = {.sin_family = AF_INET,
                                 .sin_port = htons(port_of("DNS_LAB_SILENT_PORT")),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1; /* two tests may want it at a time */
    cr_assert(eq(int, setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)), 0));
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&silent, sizeof(silent)), 0));
    return fd;
}

/* A zone whose servers are silent costs its own askers a time-out, and nobody else anything. */
Test(dns, silent_zone_harms_nobody_else)
{
    int fd = silent_name_server();
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        settings.timeout = 1;
        struct dns *dns = dns_for(loop, &settings);
        unsigned never = 100;
        struct question lost[4];
        for (int round = 0; round < 60; round++) {
            if (round % 20 == 0) {
                lost[round / 20] = (struct question){loop, &never, NULL};
                dns_query(dns, round == 0 ? "host.silent.lab" : "other.silent.lab", DNS_A,
                          on_answer, &lost[round / 20]);
            }
            char name[64];
            snprintf(name, sizeof(name), "m%d.wild.sec.lab", round);
            struct dns_answer *answer = ask_one(loop, dns, name, DNS_A);
            cr_expect(eq(int, (int)answer->status, (int)DNS_SECURE), "%s: round %d: %s",
                      mode_names[mode], round, answer->why);
            dns_answer_free(&answer);
            usleep(50000);
        }
        cr_expect(lt(uint, never, 100));
        for (int round = 0; round < 2;
             round++) { /* and when there is nothing else on the connection */
            struct dns_answer *answer = ask_one(loop, dns, "alone.silent.lab", DNS_A);
            cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
            cr_expect(strstr(answer->why, "time-out") != NULL ||
                          strstr(answer->why, "SERVFAIL") != NULL,
                      "%s: %s", mode_names[mode], answer->why);
            dns_answer_free(&answer);
            answer = ask_one(loop, dns, "mx1.sec.lab", DNS_A);
            cr_expect(eq(int, (int)answer->status, (int)DNS_SECURE), "%s: %s", mode_names[mode],
                      answer->why);
            dns_answer_free(&answer);
        }
        dns_free(&dns);
        for (int i = 0; i < 3; i++) {
            cr_expect(lost[i].answer == NULL || lost[i].answer->status == DNS_FAILED);
            dns_answer_free(&lost[i].answer);
        }
        loop_free(&loop);
    }
    close(fd);
}

static pid_t start_spare(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("unbound", "unbound", "-d", "-c", getenv("DNS_LAB_SPARE"), (char *)NULL);
        _exit(127);
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port_of("DNS_LAB_SPARE_PORT")),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int turn = 0; turn < 100; turn++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (rc == 0)
            return pid;
        usleep(50000);
    }
    cr_assert(false, "the spare resolver does not start");
    return -1;
}

static void stop_spare(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

/* The resolver is restarted: at most the look-ups made meanwhile are lost. */
static void restart_resolver(void)
{
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    settings.port = port_of("DNS_LAB_SPARE_PORT");
    struct loop *loop = loop_create();
    struct dns *dns = dns_for(loop, &settings);
    for (int round = 0; round < 3; round++) {
        pid_t pid = start_spare();
        for (int i = 0; i < 3; i++) {
            struct dns_answer *answer = ask_one(loop, dns, "mx1.sec.lab", DNS_A);
            cr_expect(eq(int, (int)answer->status, (int)DNS_SECURE), "round %d, query %d: %s",
                      round, i, answer->why);
            dns_answer_free(&answer);
        }
        stop_spare(pid);
        for (int i = 0; i < 5 * round; i++) {
            struct dns_answer *answer = ask_one(loop, dns, "mx2.sec.lab", DNS_A);
            cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
            dns_answer_free(&answer);
        }
    }
    dns_free(&dns);
    loop_free(&loop);
}

/* A resolver that took connections without ever answering, and is then replaced by a good one. */
static void replace_silent_resolver(void)
{
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port_of("DNS_LAB_SPARE_PORT")),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    settings.port = port_of("DNS_LAB_SPARE_PORT");
    settings.timeout = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&address, sizeof(address)), 0));
    cr_assert(eq(int, listen(fd, 10), 0));
    struct loop *loop = loop_create();
    struct dns *dns = dns_for(loop, &settings);
    for (int i = 0; i < 4; i++) {
        struct dns_answer *answer = ask_one(loop, dns, "mx2.sec.lab", DNS_A);
        cr_expect(eq(int, (int)answer->status, (int)DNS_FAILED));
        dns_answer_free(&answer);
    }
    close(fd);
    for (int i = 0; i < 4; i++) {
        struct dns_answer *answer = ask_one(loop, dns, "mx2.sec.lab", DNS_A);
        dns_answer_free(&answer);
    }
    pid_t pid = start_spare();
    struct dns_answer *answer = ask_one(loop, dns, "mx1.sec.lab", DNS_A);
    cr_expect(eq(int, (int)answer->status, (int)DNS_SECURE), "%s", answer->why);
    dns_answer_free(&answer);
    stop_spare(pid);
    dns_free(&dns);
    loop_free(&loop);
}

/* One test, for there is one port for the spare resolver, and tests run side by side. */
Test(dns, resolver_goes_and_comes)
{
    restart_resolver();
    replace_silent_resolver();
}

/* --- a connection that has died without a word ------------------------------------------------ */

/* Answers a query over TCP with one insecure address, and lets the connection stay (RFC 7828). */
static void answer_query(int fd)
{
    unsigned char message[2 + 512];
    ssize_t length = read(fd, message, sizeof(message));
    size_t end = 2 + 12;
    if (length < 2 + 12 + 5)
        return;
    while (message[end] != 0)
        end += message[end] + 1u;
    end += 5;
    static const unsigned char record[] = {0xc0, 12,  0, 1, 0, 1, 0,  0,  0,  60, 0,
                                           4,    192, 0, 2, 1, 0, 0,  41, 16, 0,  0,
                                           0,    0,   0, 0, 6, 0, 11, 0,  2,  2,  88};
    memcpy(message + end, record, sizeof(record));
    end += sizeof(record);
    message[0] = (unsigned char)((end - 2) >> 8);
    message[1] = (unsigned char)((end - 2) & 0xff);
    message[4] = 0x81, message[5] = 0x80; /* QR RD, RA */
    message[8] = 0, message[9] = 1;       /* one answer */
    message[10] = 0, message[11] = 0;
    message[12] = 0, message[13] = 1;
    cr_assert(eq(sz, (size_t)write(fd, message, end), end));
}

/* The first connection answers one query and is then as dead as behind a router that was restarted; the others live. */
static pid_t start_half_open_resolver(int listening)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int first = accept(listening, NULL, NULL);
    answer_query(first);
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        answer_query(fd);
        answer_query(fd);
    }
}

/* covers: DANE-01 */
Test(dns, dead_connection_is_left_long_before_the_time_out)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&any, sizeof(any)), 0));
    cr_assert(eq(int, listen(fd, 10), 0));
    getsockname(fd, (struct sockaddr *)&any, &length);
    pid_t pid = start_half_open_resolver(fd);
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    settings.port = ntohs(any.sin_port);
    settings.timeout = 20;
    struct loop *loop = loop_create();
    struct dns *dns = dns_for(loop, &settings);
    static const char *const names[] = {"a.wild.sec.lab", "b.wild.sec.lab"};
    for (size_t i = 0; i < 2; i++) {
        int64_t asked = loop_now(loop);
        struct dns_answer *answer = ask_one(loop, dns, names[i], DNS_A);
        cr_expect(eq(int, (int)answer->status, (int)DNS_INSECURE), "%s: %s", names[i], answer->why);
        cr_expect(lt(i64, loop_now(loop) - asked, 10000), "%s", names[i]);
        dns_answer_free(&answer);
    }
    dns_free(&dns);
    loop_free(&loop);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
}

/* Far more queries than the window, then the end in the midst of them. */
Test(dns, many_queries_and_a_sudden_end)
{
    enum { MANY = 3000 };
    static struct question questions[MANY];
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    struct loop *loop = loop_create();
    struct dns *dns = dns_for(loop, &settings);
    unsigned open = MANY;
    for (size_t i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof(name), "n%zu.wild.sec.lab", i);
        questions[i] = (struct question){loop, &open, NULL};
        dns_query(dns, name, DNS_A, on_answer, &questions[i]);
    }
    loop_run(loop);
    for (size_t i = 0; i < MANY; i++) {
        cr_assert(eq(int, (int)questions[i].answer->status, (int)DNS_SECURE), "%s",
                  questions[i].answer->why);
        dns_answer_free(&questions[i].answer);
    }
    open = MANY - 500;
    for (size_t i = 0; i < MANY; i++)
        dns_query(dns, cases[i % CASES].name, cases[i % CASES].type, on_answer, &questions[i]);
    loop_run(loop);
    dns_free(&dns);
    for (size_t i = 0; i < MANY; i++)
        dns_answer_free(&questions[i].answer);
    loop_free(&loop);
}

/* covers: DANE-08 DANE-03 */
Test(dns, untrustworthy_settings_are_refused)
{
    struct loop *loop = loop_create();
    struct dns *dns;
    struct err err;
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    address_parse("192.0.2.53", &settings.address);
    cr_assert(eq(int, dns_create(&dns, loop, &settings, &err), -1));
    cr_assert(strstr(err.text, "192.0.2.53") != NULL, "%s", err.text);
    settings.trust_path = true;
    cr_assert(eq(int, dns_create(&dns, loop, &settings, &err), 0));
    dns_free(&dns);
    settings.address.family = 0;
    cr_assert(eq(int, dns_create(&dns, loop, &settings, &err), -1));

    static const char *const contents[] = {
        NULL, "", "; nothing\n", "garbage\n",
        ". 3600 IN DS 20326 8 2 "
        "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\ngarbage\n"};
    char path[] = "/tmp/test-anchor.XXXXXX";
    int fd = mkstemp(path);
    settings = settings_for(RESOLVER_VALIDATE);
    settings.trust_anchor = path;
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        if (contents[i] != NULL) {
            cr_assert(eq(int, ftruncate(fd, 0), 0));
            cr_assert(eq(int, (int)pwrite(fd, contents[i], strlen(contents[i]), 0),
                         (int)strlen(contents[i])));
        } else {
            settings.trust_anchor = "/nonexistent/root.key";
        }
        cr_expect(eq(int, dns_create(&dns, loop, &settings, &err), -1), "anchor %zu", i);
        cr_expect(strstr(err.text, settings.trust_anchor) != NULL, "%s", err.text);
        settings.trust_anchor = path;
    }
    unlink(path);
    close(fd);
    loop_free(&loop);
}

/* A trust anchor that does not fit makes nothing insecure. */
/* covers: DANE-03 */
Test(dns, wrong_trust_anchor)
{
    char path[] = "/tmp/test-anchor.XXXXXX";
    static const char content[] =
        ". 3600 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
        "; a comment\n\n";
    int fd = mkstemp(path);
    cr_assert(eq(int, (int)write(fd, content, sizeof(content) - 1), (int)sizeof(content) - 1));
    struct resolver_settings settings = settings_for(RESOLVER_VALIDATE);
    settings.trust_anchor = path;
    struct loop *loop = loop_create();
    struct dns *dns = dns_for(loop, &settings);
    static const char *const names[] = {"mx1.sec.lab", "mx.insecure.lab", "nonesuch.sec.lab"};
    for (size_t i = 0; i < 3; i++) {
        struct dns_answer *answer = ask_one(loop, dns, names[i], DNS_A);
        cr_expect(answer->status == DNS_BOGUS || answer->status == DNS_FAILED, "%s: %d", names[i],
                  answer->status);
        dns_answer_free(&answer);
    }
    dns_free(&dns);
    unlink(path);
    close(fd);
    loop_free(&loop);
}

/* --- the whole resolver ----------------------------------------------------------------------- */

struct waiting {
    struct loop *loop;
    struct evidence *evidence;
};

static void on_evidence(void *arg, struct evidence *evidence)
{
    struct waiting *waiting = arg;
    waiting->evidence = evidence;
    loop_stop(waiting->loop);
}

static struct evidence *resolve(struct loop *loop, struct resolver *resolver, struct arena *arena,
                                const char *text)
{
    struct waiting waiting = {loop, NULL};
    struct next_hop hop = next_hop_parse(arena, text, 25);
    resolve_next_hop(resolver, arena, &hop, on_evidence, &waiting);
    loop_run(loop);
    cr_assert(waiting.evidence != NULL);
    return waiting.evidence;
}

static const struct {
    const char *next_hop;
    enum dns_status mx;
    size_t hosts;
    const char *host;
    enum dns_status addresses;
    size_t address_count;
    enum dns_status alias, tlsa;
    size_t tlsa_count;
    const char *base; /* NULL: no TLSA query */
} paths[] = {
    {"good.sec.lab", DNS_SECURE, 2, "mx1.sec.lab", DNS_SECURE, 3, DNS_NOT_ASKED, DNS_SECURE, 2,
     "mx1.sec.lab"},
    {"domain.sec.lab", DNS_SECURE, 2, "mx1.sec.lab", DNS_SECURE, 3, DNS_NOT_ASKED, DNS_SECURE, 2,
     "mx1.sec.lab"},
    {"aliased.sec.lab", DNS_SECURE, 1, "alias.sec.lab", DNS_SECURE, 3, DNS_NOT_ASKED, DNS_SECURE, 2,
     "mx1.sec.lab"},
    {"toinsecuremx.sec.lab", DNS_SECURE, 1, "toinsecure.sec.lab", DNS_INSECURE, 1, DNS_SECURE,
     DNS_SECURE, 1, "toinsecure.sec.lab"},
    {"implicit.sec.lab", DNS_SECURE, 1, "implicit.sec.lab", DNS_SECURE, 1, DNS_NOT_ASKED,
     DNS_SECURE, 1, "implicit.sec.lab"},
    {"x.wild.sec.lab", DNS_SECURE, 1, "mx1.sec.lab", DNS_SECURE, 3, DNS_NOT_ASKED, DNS_SECURE, 2,
     "mx1.sec.lab"},
    {"tobadtlsa.sec.lab", DNS_SECURE, 1, "badtlsa.sec.lab", DNS_SECURE, 1, DNS_NOT_ASKED, DNS_BOGUS,
     0, "badtlsa.sec.lab"},
    {"tohalf.sec.lab", DNS_SECURE, 1, "half.sec.lab", DNS_SECURE, 1, DNS_NOT_ASKED, DNS_SECURE, 0,
     "half.sec.lab"},
    {"tolamehost.sec.lab", DNS_SECURE, 2, "host.lame.lab", DNS_FAILED, 0, DNS_NOT_ASKED,
     DNS_NOT_ASKED, 0, NULL},
    {"insecure.lab", DNS_INSECURE, 1, "mx.insecure.lab", DNS_INSECURE, 1, DNS_NOT_ASKED,
     DNS_NOT_ASKED, 0, NULL},
    {"tosecure.insecure.lab", DNS_INSECURE, 1, "mx1.sec.lab", DNS_SECURE, 3, DNS_NOT_ASKED,
     DNS_NOT_ASKED, 0, NULL},
    {"[mx3.sec.lab]", DNS_NOT_ASKED, 1, "mx3.sec.lab", DNS_SECURE, 1, DNS_NOT_ASKED, DNS_SECURE, 1,
     "mx3.sec.lab"},
    {"[mx4.sec.lab]", DNS_NOT_ASKED, 1, "mx4.sec.lab", DNS_SECURE, 1, DNS_NOT_ASKED, DNS_INSECURE,
     1, "mx4.sec.lab"},
    {"ipmx.sec.lab", DNS_SECURE, 1, "192.0.2.7", DNS_NOT_ASKED, 1, DNS_NOT_ASKED, DNS_NOT_ASKED, 0,
     NULL},
    {"dotmx.sec.lab", DNS_SECURE, 2, "", DNS_NOT_ASKED, 0, DNS_NOT_ASKED, DNS_NOT_ASKED, 0, NULL},
    {"nullmx.sec.lab", DNS_SECURE, 0, NULL, DNS_NOT_ASKED, 0, DNS_NOT_ASKED, DNS_NOT_ASKED, 0,
     NULL},
    {"badmx.sec.lab", DNS_BOGUS, 0, NULL, DNS_NOT_ASKED, 0, DNS_NOT_ASKED, DNS_NOT_ASKED, 0, NULL},
    {"lame.lab", DNS_FAILED, 0, NULL, DNS_NOT_ASKED, 0, DNS_NOT_ASKED, DNS_NOT_ASKED, 0, NULL},
    {"nonesuch.sec.lab", DNS_SECURE, 0, NULL, DNS_NOT_ASKED, 0, DNS_NOT_ASKED, DNS_NOT_ASKED, 0,
     NULL},
};

static void compare_path(size_t i, const char *mode, const struct evidence *evidence)
{
    const char *hop = paths[i].next_hop;
    cr_expect(eq(int, (int)evidence->mx.status, (int)paths[i].mx), "%s: %s", mode, hop);
    cr_expect(eq(sz, evidence->host_count, paths[i].hosts), "%s: %s", mode, hop);
    cr_expect(evidence->validating, "%s: %s", mode, hop);
    if (paths[i].host == NULL || evidence->host_count != paths[i].hosts)
        return;
    const struct evidence_host *host = &evidence->hosts[0];
    cr_expect(eq(str, (char *)host->name, (char *)paths[i].host), "%s: %s", mode, hop);
    cr_expect(eq(int, (int)host->addresses_fact.status, (int)paths[i].addresses), "%s: %s", mode,
              hop);
    cr_expect(eq(sz, host->address_count, paths[i].address_count), "%s: %s", mode, hop);
    cr_expect(eq(int, (int)host->alias.status, (int)paths[i].alias), "%s: %s", mode, hop);
    cr_expect(eq(int, (int)host->tlsa.status, (int)paths[i].tlsa), "%s: %s", mode, hop);
    cr_expect(eq(sz, host->tlsa_count, paths[i].tlsa_count), "%s: %s", mode, hop);
    cr_expect(eq(int, host->tlsa_base == NULL, paths[i].base == NULL), "%s: %s", mode, hop);
    if (host->tlsa_base != NULL && paths[i].base != NULL)
        cr_expect(eq(str, (char *)host->tlsa_base, (char *)paths[i].base), "%s: %s", mode, hop);
}

/* covers: DANE-05 DANE-06 DANE-07 DANE-11 DANE-12 DANE-13 DANE-14 DANE-17 DANE-18 DANE-19 DANE-20
 * SMTPC-17 SMTPC-18 T-03 T-04 */
Test(resolver, evidence)
{
    for (int mode = RESOLVER_LOOPBACK; mode <= RESOLVER_VALIDATE; mode++) {
        struct resolver_settings settings = settings_for((enum resolver_mode)mode);
        struct loop *loop = loop_create();
        struct resolver *resolver;
        struct err err;
        cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0), "%s", err.text);
        resolver_self_test_start(resolver, NULL, NULL);
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            struct arena *arena = arena_create();
            compare_path(i, mode_names[mode], resolve(loop, resolver, arena, paths[i].next_hop));
            arena_free(&arena);
        }
        resolver_free(&resolver);
        loop_free(&loop);
    }
}

/* covers: DANE-10 */
Test(resolver, asks_again_after_the_ttl)
{
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver;
    struct err err;
    cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0), "%s", err.text);
    resolve(loop, resolver, arena, "[short.sec.lab]");
    uint64_t first = resolver_counters(resolver).queries;
    resolve(loop, resolver, arena, "[short.sec.lab]");
    uint64_t second = resolver_counters(resolver).queries;
    sleep(3);
    resolve(loop, resolver, arena, "[short.sec.lab]");
    cr_expect(eq(u64, second, first));
    cr_expect(eq(u64, resolver_counters(resolver).queries,
                 first + 1)); /* AAAA and TLSA are absent for longer */
    cr_expect(lt(u64, 0, resolver_counters(resolver).cache_hits));
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}

/* covers: DANE-03 */
Test(resolver, self_test_sees_that_nobody_validates)
{
    struct resolver_settings settings = settings_for(RESOLVER_LOOPBACK);
    settings.port = port_of("DNS_LAB_PLAIN");
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver;
    struct err err;
    cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0), "%s", err.text);
    resolver_self_test_start(resolver, NULL, NULL);
    struct evidence *evidence = resolve(loop, resolver, arena, "good.sec.lab");
    cr_expect(not(evidence->validating));
    cr_expect(strstr(evidence->not_validating_why, "not secure") != NULL, "%s",
              evidence->not_validating_why);
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}
