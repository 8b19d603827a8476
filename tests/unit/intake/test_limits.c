/* How many sessions, how they end when the process does, and a client table that changes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

static size_t read_reply(struct bench *bench, char *reply, size_t size)
{
    ssize_t got = recv(bench->client, reply, size - 1, MSG_DONTWAIT);
    reply[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

/* covers: SMTPS-10 */
Test(limits, surplus_connections)
{
    struct bench bench;
    char reply[512];
    bench_init(&bench);
    bench.settings.connection_limit = 3;
    bench.settings.client_connection_limit = 2;
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_connect(&bench, "127.0.0.1");
    bench_connect(&bench, "127.0.0.1"); /* too many of this client */
    cr_assert(eq(sz, fake_streams_open(), 2));
    cr_assert(lt(sz, 0, read_reply(&bench, reply, sizeof(reply))));
    cr_assert(eq(int, strncmp(reply, "421 4.7.0 gw.example.org ", 25), 0));
    bench_connect(&bench, "127.0.0.2");
    cr_assert(eq(sz, fake_streams_open(), 3));
    bench_connect(&bench, "127.0.0.3"); /* too many in all */
    cr_assert(eq(sz, fake_streams_open(), 3));
    cr_assert(lt(sz, 0, read_reply(&bench, reply, sizeof(reply))));
    fake_close(bench.loop); /* one goes, one may come */
    bench_connect(&bench, "127.0.0.3");
    cr_assert(eq(sz, fake_streams_open(), 3));
    cr_assert(eq(u64, intake_counters(bench.intake).sessions, 4));
    bench_close(&bench);
}

/* A scanner with many addresses does not take the sessions of those that may relay. */
Test(limits, strangers_share_one_clients_sessions)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.connection_limit = 4;
    bench.settings.client_connection_limit = 2;
    bench_open(&bench);
    bench_connect(&bench, "127.0.2.1");
    bench_connect(&bench, "127.0.1.1"); /* rejected by the table */
    bench_connect(&bench, "127.0.2.3");
    cr_assert(eq(sz, fake_streams_open(), 2));
    bench_connect(&bench, "127.0.0.1");
    bench_connect(&bench, "127.0.0.2");
    cr_assert(eq(sz, fake_streams_open(), 4));
    bench_close(&bench);
}

Test(limits, rests_when_descriptors_run_out)
{
    struct bench bench;
    struct rlimit limit;
    bench_init(&bench);
    bench_open(&bench);
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit none = {3, limit.rlim_max};
    bench_connect(&bench, "127.0.0.1");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    getsockname(bench.listener, (struct sockaddr *)&name, &length);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&name, length), 0));
    setrlimit(RLIMIT_NOFILE, &none);
    fake_accept(bench.loop);
    setrlimit(RLIMIT_NOFILE, &limit);
    cr_assert(not(fake_is_listening(bench.loop)));
    cr_assert(eq(sz, fake_streams_open(), 1));
    fake_advance(bench.loop, 1000);
    cr_assert(fake_is_listening(bench.loop));
    fake_accept(bench.loop);
    cr_assert(eq(sz, fake_streams_open(), 2));
    close(fd);
    bench_close(&bench);
}

static void on_idle(void *arg)
{
    ++*(int *)arg;
}

/* covers: SMTPS-10 */
Test(limits, drain)
{
    struct bench bench;
    int idle = 0;
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1"); /* idle */
    bench_connect(&bench, "127.0.0.2"); /* in the middle of a message */
    bench_say(&bench, "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nx\r\n");
    fake_forget();
    intake_drain(bench.intake, on_idle, &idle);
    fake_turn(bench.loop);
    cr_assert(eq(int, strncmp(fake_heard(), "421 4.3.2 ", 10), 0));
    cr_assert(eq(sz, fake_streams_open(), 1));
    cr_assert(eq(int, idle, 0));
    fake_forget();
    bench_say(&bench, ".\r\nMAIL FROM:<a@b>\r\n");
    cr_assert(eq(int, strncmp(fake_heard(), "250 2.0.0 Ok: queued", 20), 0));
    cr_assert(strstr(fake_heard(), "\r\n421 4.3.2 ") != NULL);
    cr_assert(eq(sz, fake_streams_open(), 0));
    cr_assert(eq(int, idle, 1));
    bench_close(&bench);
}

Test(limits, drain_without_sessions_is_idle_at_once)
{
    struct bench bench;
    int idle = 0;
    bench_init(&bench);
    bench_open(&bench);
    intake_drain(bench.intake, on_idle, &idle);
    cr_assert(eq(int, idle, 0));
    fake_turn(bench.loop);
    cr_assert(eq(int, idle, 1));
    bench_close(&bench);
}

static const char *rcpt(struct bench *bench)
{
    fake_forget();
    bench_say(bench, "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
    const char *last = strstr(fake_heard(), "2.1.0 Sender ok\r\n");
    cr_assert(last != NULL);
    return last + strlen("2.1.0 Sender ok\r\n");
}

/* covers: SMTPS-11 */
Test(limits, reload)
{
    struct bench bench;
    struct err err;
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c\r\n");
    cr_assert(eq(int, strncmp(rcpt(&bench), "250 2.1.5", 9), 0));
    bench_table(&bench, "192.0.2.0/24\n127.0.0.1/8\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), -1)); /* host bits: the old one stays */
    cr_assert(strstr(err.text, ":2: \"127.0.0.1/8\": expected an address or a network") != NULL,
              "%s", err.text);
    cr_assert(eq(int, strncmp(rcpt(&bench), "250 2.1.5", 9), 0));
    bench_table(&bench, "192.0.2.0/24\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), 0));
    cr_assert(eq(int, strncmp(rcpt(&bench), "550 5.7.1", 9), 0));
    bench_close(&bench);
}

Test(limits, bad_settings_are_refused)
{
    struct bench bench;
    struct err err;
    bench_init(&bench);
    bench.settings.postmaster = "no address";
    int rc = intake_create(&bench.intake, bench.loop, fake_spool_reset(), &bench.settings, NULL,
                           &(struct intake_listeners){0}, &err);
    cr_assert(rc == -1 && strstr(err.text, "intake.postmaster: \"no address\": expected") != NULL);
    bench.settings.postmaster = "";
    bench.settings.require_tls = true;
    rc = intake_create(&bench.intake, bench.loop, fake_spool_reset(), &bench.settings, NULL,
                       &(struct intake_listeners){0}, &err);
    cr_assert(rc == -1 && strstr(err.text, "intake.require_tls: expected") != NULL);
    bench.settings.require_tls = false;
    unlink(bench.table);
    rc = intake_create(&bench.intake, bench.loop, fake_spool_reset(), &bench.settings, NULL,
                       &(struct intake_listeners){0}, &err);
    cr_assert(rc == -1 && strstr(err.text, "there is no such file") != NULL);
    fake_loop_free(&bench.loop);
}

Test(limits, intake_can_be_freed_with_sessions_in_every_state)
{
    static const char *const said[] = {
        "", "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n",
        "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nx",
        "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\n.\r\n", "STARTTLS\r\n"};
    struct bench bench;
    bench_init(&bench);
    bench.tls = (struct tls_server *)&bench;
    bench_open(&bench);
    fake_spool.slow = true;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        bench_connect(&bench, "127.0.0.1");
        bench_say(&bench, said[i]);
    }
    bench_connect(&bench, "127.0.0.1");
    fake_block(true);
    bench_say(&bench, "QUIT\r\n");
    cr_assert(eq(sz, fake_streams_open(), 6));
    bench_close(&bench);
}
