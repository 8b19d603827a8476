/* Panel and agents over real channels in one loop; the stations are fakes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/http.h"
#include "control/agent.h"
#include "control/channel.h"
#include "control/overview.h"
#include "control/panel.h"
#include "control/status_socket.h"
#include "fakes.h"

struct office {
    struct loop *loop;
    int fds[2][2]; /* by worker: its end, the control role's end */
    struct agent *agents[2];
    struct panel *panel;
    json_t *answers, *missing;
};

static void begin(struct office *office, unsigned agents)
{
    memset(office, 0, sizeof *office);
    office->loop = loop_create();
    fakes_use_loop(office->loop);
    for (unsigned i = 0; i < 2; i++)
        cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, office->fds[i]), 0));
    for (unsigned i = 0; i < agents; i++) {
        office->agents[i] = agent_create(office->loop, office->fds[i][0], i);
        agent_use_stations(office->agents[i], &(struct agent_stations){0});
    }
    office->panel =
        panel_create(office->loop, (int[]){office->fds[0][1], office->fds[1][1]}, 2, NULL);
}

static void end(struct office *office)
{
    panel_free(&office->panel);
    agent_free(&office->agents[0]);
    agent_free(&office->agents[1]);
    loop_free(&office->loop);
    json_decref(office->answers);
    json_decref(office->missing);
    for (unsigned i = 0; i < 4; i++)
        close(office->fds[i / 2][i % 2]);
}

static void done(void *arg, json_t *answers, json_t *missing)
{
    struct office *office = arg;
    office->answers = json_incref(answers);
    office->missing = json_incref(missing);
    loop_stop(office->loop);
}

static void ask(struct office *office, json_t *question)
{
    json_decref(office->answers);
    json_decref(office->missing);
    office->answers = office->missing = NULL;
    panel_ask(office->panel, question, done, office);
    loop_run(office->loop);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(struct loop *loop, int ms)
{
    struct loop_timer *timer = loop_timer_create(loop, stop, loop);
    loop_timer_set(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

Test(panel, status_of_both_workers)
{
    struct office office;
    begin(&office, 2);
    agent_table_read(office.agents[1], 0, "tls_policy:3: no such level");
    ask(&office, json_pack("{ss}", "op", "status"));
    cr_assert(eq(sz, json_array_size(office.answers), 2));
    cr_assert(eq(sz, json_array_size(office.missing), 0));
    json_t *status = overview_status(office.answers, office.missing);
    json_t *queue = json_object_get(status, "queue"), *result = json_object_get(status, "result");
    cr_expect(eq(int, (int)json_integer_value(json_object_get(queue, "messages")), 8));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(result, "dane_verified")), 10));
    json_t *table = json_object_get(json_array_get(office.answers, 1), "tls_policy");
    cr_expect(eq(str, (char *)json_string_value(json_object_get(table, "error")),
                 "tls_policy:3: no such level"));
    json_decref(status);
    end(&office);
}

/* Only the one that is asked is waited for. */
Test(panel, one_worker_looks_up_and_submits)
{
    struct office office;
    begin(&office, 2);
    panel_ask_one(office.panel, 3,
                  json_pack("{ss ss}", "op", "report-lookup", "domain", "example.com"), 5000, done,
                  &office);
    loop_run(office.loop);
    cr_assert(eq(sz, json_array_size(office.answers), 1));
    cr_assert(eq(sz, json_array_size(office.missing), 0));
    cr_expect(eq(
        str, (char *)json_string_value(json_object_get(json_array_get(office.answers, 0), "why")),
        "example.com"));
    json_decref(office.answers);
    json_decref(office.missing);
    office.answers = office.missing = NULL;
    panel_ask_one(office.panel, 0,
                  json_pack("{ss ss}", "op", "report-submit", "receiver", "mailto:a@example.com"),
                  5000, done, &office);
    loop_run(office.loop);
    cr_expect(eq(
        str, (char *)json_string_value(json_object_get(json_array_get(office.answers, 0), "text")),
        "mailto:a@example.com"));
    end(&office);
}

static void ignore_message(void *arg, json_t *message)
{
    (void)arg;
    (void)message;
}

/* A worker that was taken over answers for another one: it is not heard. */
Test(panel, the_answer_of_a_worker_that_was_not_asked)
{
    struct office office;
    begin(&office, 1);
    struct channel *taken_over =
        channel_create(office.loop, office.fds[1][0], ignore_message, NULL);
    panel_ask_one(office.panel, 0,
                  json_pack("{ss ss}", "op", "report-submit", "receiver", "mailto:a@example.com"),
                  5000, done, &office);
    json_t *forged = json_pack("{si s{ss}}", "id", 1, "answer", "text", "forged");
    for (int i = 0; i < 3; i++)
        channel_send(taken_over, forged);
    loop_run(office.loop);
    cr_assert(eq(sz, json_array_size(office.answers), 1));
    cr_expect(eq(
        str, (char *)json_string_value(json_object_get(json_array_get(office.answers, 0), "text")),
        "mailto:a@example.com"));
    json_decref(forged);
    channel_free(&taken_over);
    end(&office);
}

struct report_mail_heard {
    unsigned count;
    char recipient[64], text[64];
    bool delivered;
};

static void on_report_mail(void *arg, const char *recipient, bool delivered, const char *text)
{
    struct report_mail_heard *heard = arg;
    heard->count++;
    heard->delivered = delivered;
    snprintf(heard->recipient, sizeof heard->recipient, "%s", recipient);
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

/* covers: RPT-42 */
Test(panel, what_became_of_a_mailed_report)
{
    struct office office;
    struct report_mail_heard heard = {0};
    begin(&office, 2);
    panel_on_report_mail(office.panel, on_report_mail, &heard);
    agent_report_mail(office.agents[1], "a@example.com", false, "550 no\xff such user");
    run_for(office.loop, 50);
    cr_assert(eq(uint, heard.count, 1));
    cr_expect(eq(str, heard.recipient, "a@example.com"));
    cr_expect(eq(str, heard.text, "550 no\xef\xbf\xbd such user"));
    cr_expect(not(heard.delivered));
    end(&office);
}

Test(panel, a_silent_worker_is_named)
{
    struct office office;
    begin(&office, 1);
    ask(&office, json_pack("{ss}", "op", "status"));
    cr_expect(eq(sz, json_array_size(office.answers), 1));
    cr_assert(eq(sz, json_array_size(office.missing), 1));
    cr_expect(eq(int, (int)json_integer_value(json_array_get(office.missing, 0)), 1));
    end(&office);
}

/* The answer is there when the loop looks, and so is the end of the patience. */
Test(panel, an_answer_at_the_last_moment)
{
    struct office office;
    begin(&office, 1);
    struct loop *other = loop_create();
    office.agents[1] = agent_create(other, office.fds[1][0], 1);
    agent_use_stations(office.agents[1], &(struct agent_stations){0});
    panel_ask_one(office.panel, 1, json_pack("{ss}", "op", "dance"), 30, done, &office);
    run_for(other, 20);
    usleep(50 * 1000);
    loop_run(office.loop);
    cr_expect(eq(sz, json_array_size(office.missing), 1), "it cannot say");
    agent_free(&office.agents[1]);
    loop_free(&other);
    end(&office);
}

Test(panel, a_long_queue_comes_whole)
{
    struct office office;
    begin(&office, 2);
    fakes.list_length = 20000;
    ask(&office, json_pack("{ss ss si}", "op", "queue", "next_hop", "example.org", "limit", 20000));
    cr_assert(eq(sz, json_array_size(office.answers), 2));
    cr_expect(eq(sz, json_array_size(json_array_get(office.answers, 0)), 20000));
    cr_expect(eq(str, fakes.next_hop, "example.org"));
    cr_expect(eq(sz, fakes.limit, 20000));
    end(&office);
}

Test(panel, flush_makes_the_schedule_look)
{
    struct office office;
    begin(&office, 2);
    ask(&office, json_pack("{ss ss ss}", "op", "queue-act", "action", "flush", "queue_id", "A1"));
    cr_expect(eq(uint, fakes.looks, 2));
    cr_expect(eq(str, fakes.queue_id, "A1"));
    end(&office);
}

Test(panel, what_matches_is_held_before_it_is_deleted)
{
    struct office office;
    begin(&office, 1);
    ask(&office, json_pack("{ss ss ss}", "op", "queue-act", "action", "delete", "sender", ""));
    cr_assert(eq(uint, fakes.action_count, 2));
    cr_expect(eq(int, (int)fakes.actions[0], SPOOL_HOLD));
    cr_expect(eq(int, (int)fakes.states[0], QUEUE_ANY));
    cr_expect(eq(int, (int)fakes.actions[1], SPOOL_DELETE));
    cr_expect(eq(int, (int)fakes.states[1], QUEUE_HELD));
    cr_expect(ge(uint, fakes.put_back, 1), "what only waits for a slot goes back first");
    cr_expect(eq(str, fakes.sender_filter, ""), "the null sender is not any sender");
    const json_t *answer = json_array_get(office.answers, 0);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(answer, "deliveries")), 2));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(answer, "in_hand")), 1));
    end(&office);
}

Test(panel, what_is_returned_is_held_and_goes_in_batches)
{
    struct office office;
    begin(&office, 1);
    ask(&office,
        json_pack("{ss ss ss}", "op", "queue-act", "action", "return", "next_hop", "a.example"));
    cr_assert(eq(uint, fakes.action_count, 1));
    cr_expect(eq(int, (int)fakes.actions[0], SPOOL_HOLD));
    cr_expect(eq(sz, fakes.returned, 3));
    const json_t *answer = json_array_get(office.answers, 0);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(answer, "deliveries")), 3));
    end(&office);
}

Test(panel, a_dry_run_only_looks)
{
    struct office office;
    begin(&office, 1);
    ask(&office, json_pack("{ss ss ss sb}", "op", "queue-act", "action", "delete", "reason",
                           "connect-failed", "dry_run", 1));
    cr_assert(eq(uint, fakes.action_count, 1));
    cr_expect(eq(int, (int)fakes.actions[0], SPOOL_LOOK));
    cr_expect(eq(uint, fakes.put_back, 0));
    end(&office);
}

Test(panel, an_unknown_question_is_not_waited_for)
{
    struct office office;
    begin(&office, 2);
    ask(&office, json_pack("{ss}", "op", "dance"));
    cr_expect(eq(sz, json_array_size(office.missing), 2));
    end(&office);
}

/* --- counts ----------------------------------------------------------------------------------- */

static int flush(struct office *office, int n)
{
    json_t *counts = json_pack("{si}", "n", n);
    int result = agent_flush_tally(office->agents[0], counts);
    json_decref(counts);
    return result;
}

/* covers: RPT-19 */
Test(panel, counts_wait_for_the_acknowledgement_of_those_before)
{
    struct office office;
    begin(&office, 1);
    cr_expect(eq(int, flush(&office, 1), 0));
    cr_expect(eq(int, flush(&office, 2), -1), "kept by the tally");
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.adds, 1));
    cr_expect(eq(int, flush(&office, 3), 0));
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.adds, 2));
    cr_expect(eq(int, (int)fakes.last_count, 3));
    end(&office);
}

/* covers: RPT-19 */
Test(panel, counts_survive_a_control_role_that_died)
{
    struct office office;
    begin(&office, 1);
    fakes.store_fails = true;
    flush(&office, 8);
    run_for(office.loop, 20);
    cr_assert(eq(uint, fakes.adds, 0));
    panel_free(&office.panel);
    fakes.store_fails = false;
    office.panel = panel_create(office.loop, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.adds, 1));
    cr_expect(eq(int, (int)fakes.last_count, 8));
    end(&office);
}

static void lose_what_waits_for(int fd)
{
    char packet[64 * 1024];
    while (recv(fd, packet, sizeof packet, MSG_DONTWAIT) > 0)
        ;
}

/* The control role dies after the commit, and its acknowledgement is lost: the batch comes again under the
 * number by which the store knows it. covers: RPT-19 */
Test(panel, a_batch_that_comes_again_has_its_old_number)
{
    struct office office;
    begin(&office, 2);
    struct loop *other = loop_create();
    cr_assert(eq(int, flush(&office, 5), 0));
    panel_free(&office.panel);
    office.panel = panel_create(other, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
    run_for(other, 20);
    cr_assert(eq(uint, fakes.adds, 1));
    int64_t sender = fakes.sender, number = fakes.number;
    panel_free(&office.panel);
    lose_what_waits_for(office.fds[0][0]);
    cr_assert(eq(int, flush(&office, 6), -1), "nothing is acknowledged");
    office.panel = panel_create(office.loop, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.adds, 1), "the store leaves it out");
    cr_expect(eq(uint, fakes.repeated, 1));
    cr_expect(eq(int, flush(&office, 6), 0), "acknowledged");
    run_for(office.loop, 20);
    cr_expect(eq(i64, fakes.number, number + 1));
    json_t *counts = json_object();
    agent_flush_tally(office.agents[1], counts);
    json_decref(counts);
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.worker, 1));
    cr_expect(ne(i64, fakes.sender, sender), "each process draws its own");
    loop_free(&other);
    end(&office);
}

/* What the control role said to the worker before is no word about this worker's batch of the same number.
 * covers: RPT-19 */
Test(panel, an_acknowledgement_for_a_predecessor)
{
    struct office office;
    begin(&office, 1);
    struct loop *other = loop_create();
    cr_assert(eq(int, flush(&office, 5), 0));
    panel_free(&office.panel);
    office.panel = panel_create(other, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
    run_for(other, 20);
    cr_assert(eq(uint, fakes.adds, 1));
    panel_free(&office.panel);
    agent_free(&office.agents[0]);
    office.agents[0] = agent_create(office.loop, office.fds[0][0], 0);
    cr_assert(eq(int, flush(&office, 6), 0));
    run_for(office.loop, 20);
    lose_what_waits_for(office.fds[0][1]);
    office.panel = panel_create(office.loop, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
    run_for(office.loop, 20);
    cr_expect(eq(uint, fakes.adds, 2));
    cr_expect(eq(int, (int)fakes.last_count, 6));
    loop_free(&other);
    end(&office);
}

/* A control role of its own process takes the counts that a worker hands over when its loop has ended. covers: RPT-19 */
Test(panel, the_last_counts_are_awaited)
{
    struct office office;
    begin(&office, 1);
    panel_free(&office.panel);
    pid_t child = fork();
    if (child == 0) {
        struct loop *loop = loop_create();
        struct panel *panel =
            panel_create(loop, (int[]){office.fds[0][1], office.fds[1][1]}, 2, NULL);
        for (int i = 0; i < 1000 && fakes.last_count != 43; i++)
            run_for(loop, 20);
        panel_free(&panel);
        _exit((int)fakes.last_count);
    }
    agent_ending(office.agents[0]);
    json_t *text = json_pack("{si ss%}", "n", 42, "text", "", 0);
    char *large = calloc(1, 2000001); /* more than the socket holds */
    memset(large, 'x', 2000000);
    json_object_set_new(text, "text", json_string(large));
    cr_expect(eq(int, agent_flush_tally(office.agents[0], text), 0));
    cr_expect(eq(int, flush(&office, 43), 0), "the first ones were acknowledged");
    int status = 0;
    waitpid(child, &status, 0);
    cr_expect(eq(int, WEXITSTATUS(status), 43));
    int64_t began = loop_now(office.loop);
    flush(&office, 44);
    cr_expect(ge(i64, loop_now(office.loop) - began, AGENT_PATIENCE), "nobody takes these");
    json_decref(text);
    free(large);
    end(&office);
}

/* --- the status socket ------------------------------------------------------------------------ */

struct visit {
    const char *method, *target, *expected; /* key that the answer has; NULL: an error answer */
    size_t length;                          /* of the array below that key; 0: any */
};

static int visit_in_child(const char *path, const struct visit *visit)
{
    json_t *json;
    struct err err;
    alarm(20);
    struct http_target target = {.used = 0};
    snprintf(target.text, sizeof target.text, "%s", visit->target);
    if (http_ask(path, visit->method, &target, &json, &err) != 0)
        return visit->expected == NULL ? 0 : 1;
    if (visit->expected == NULL)
        return 2;
    json_t *found = json_object_get(json, visit->expected);
    int result = json_is_array(json) || found != NULL ? 0 : 3;
    if (visit->length > 0 && json_array_size(found) != visit->length)
        result = 4;
    json_decref(json);
    return result;
}

static void visitor_gone(void *arg)
{
    loop_stop(arg);
}

static int visit(struct office *office, const char *path, const struct visit *what)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(visit_in_child(path, what));
    loop_run(office->loop);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* covers: STS-41 */
/* One alarm, for a.example. */
static struct seen_store *open_seen(void)
{
    struct seen_store *seen;
    struct err err;
    bool news[SEEN_LOSSES_MAX];
    struct seen_note note = {
        .key = "a.example", .host = "mx.a.example", .now = 1000, .queue_id = "A1"};
    note.losses[note.loss_count++] =
        (struct seen_loss){.what = SEEN_TLS, .host = "mx.a.example", .seen = 900, .text = "x"};
    cr_assert(eq(int, seen_store_open(&seen, NULL, 100000, 10, &err), 0));
    cr_assert(eq(int, seen_store_note(seen, &note, news, &err), 0));
    return seen;
}

Test(panel, status_socket_answers)
{
    static const struct visit visits[] = {
        {"GET", "/destinations/example.org", "policies", 0},
        {"GET", "/destinations/example.org", "workers", 2}, /* both know it */
        {"GET", "/destinations/example.com", "workers", 0},
        {"GET", "/destinations/example.org?limit=0", NULL, 0},
        {"GET", "/destinations/", NULL, 0},
        {"GET", "/destinations/a%00b", NULL, 0},
        {"POST", "/destinations/example.org", NULL, 0},
        {"GET", "/history", "totals", 0},
        {"GET", "/status", "validating", 0},
        {"GET", "/status", "hostname", 0},
        {"GET", "/queue?next_hop=example.org", "queue", 6}, /* three of each worker */
        {"GET", "/queue?limit=4", "queue", 4},              /* of all, not of each worker */
        {"GET", "/queue?limit=0", NULL, 0},
        {"GET", "/queue?limit=x", NULL, 0},
        {"GET", "/queue?state=asleep", NULL, 0},
        {"GET", "/queue?state=held&recipient=a%40b.example&older=5", "queue", 6},
        {"GET", "/queue?older=x", NULL, 0},
        {"GET", "/queue/summary", "groups", 1},
        {"GET", "/queue/summary?by=sender&sender=", "total", 0},
        {"GET", "/queue/summary?by=colour", NULL, 0},
        {"GET", "/queue?op=delete&all=1", "queue", 6}, /* a GET changes nothing */
        {"POST", "/queue?op=hold&sender=a%40b.example", "deliveries", 0},
        {"POST", "/queue?op=delete&all=1&dry_run=1", "deliveries", 0},
        {"POST", "/queue?op=delete", NULL, 0}, /* of what? */
        {"POST", "/queue?op=delete&all=1&queue_id=A1", NULL, 0},
        {"POST", "/queue?op=burn&all=1", NULL, 0},
        {"POST", "/queue?sender=a%40b.example", NULL, 0},
        {"POST", "/queue?op=hold&state=due&queue_id=A1", NULL, 0},
        {"POST", "/queue?op=hold&recipient=a%40b.example", NULL, 0},
        {"POST", "/queue?op=delete&sender=a%40b.example&domain=c.example", NULL,
         0}, /* more than meant */
        {"POST", "/queue?op=delete&sender=a%40b.example&sender=b%40b.example", NULL, 0},
        {"POST", "/queue?op=delete&all=0", NULL, 0},
        {"POST", "/queue?op=delete&queue_id=A1&dry_run=no", NULL, 0},
        {"GET", "/explain?queue_id=A1", "traces", 0},
        {"GET", "/report?day=2026-11-23&domain=example.org", "[]", 0},
        {"GET", "/report", "[]", 0},
        {"POST", "/flush?all", "flushed", 0},
        {"GET", "/downgrades", "downgrades", 0},
        {"GET", "/downgrades?op=acknowledge&next_hop=a.example", "downgrades", 0}, /* likewise */
        {"POST", "/downgrades?op=acknowledge&next_hop=b.example", "acknowledged", 0},
        {"POST", "/downgrades?op=acknowledge&next_hop=a.example", "flushed", 0},
        {"POST", "/downgrades?op=acknowledge", NULL, 0},
        {"POST", "/downgrades?op=burn&next_hop=a.example", NULL, 0},
        {"POST", "/flush?queue_id=A1", "flushed", 0},
        {"GET", "/report?day=today", NULL, 0},
        {"GET", "/explain", NULL, 0},
        {"GET", "/flush?all", NULL, 0}, /* a GET changes nothing */
        {"POST", "/flush", NULL, 0},
        {"GET", "/status", "submissions", 0},
        {"GET", "/report/submissions?day=2026-11-23", "day", 0},
        {"GET", "/report/submissions?limit=7", "limit", 0},
        {"POST", "/report/submit?day=2026-11-23", "due", 0},
        {"POST", "/report/submit?day=2026-11-24", NULL, 0},
        {"POST", "/report/submit?day=%ff", NULL, 0}, /* no UTF-8, and it stands in the error */
        {"POST", "/report/submit", NULL, 0},
        {"GET", "/report/submit?day=2026-11-23", NULL, 0},
        {"POST", "/report/resume?receiver=https%3A%2F%2Fr.example%2F", "resumed", 0},
        {"POST", "/report/resume", NULL, 0},
        {"GET", "/nothing", NULL, 0},
        {"GET", "/sts", "policies", 0},
        {"GET", "/sts?domain=A.example.", "policies", 0},
        {"POST", "/sts?op=refetch&domain=a.example", "workers", 0},
        {"POST", "/sts?op=drop&domain=a.example", "dropped", 0},
        {"POST", "/sts?op=drop&domain=[192.0.2.1]", NULL, 0},
        {"POST", "/sts?op=drop", NULL, 0},
        {"POST", "/sts?op=burn&domain=a.example", NULL, 0},
        {"GET", "/sts?domain=a..b", NULL, 0},
        {"GET", "/sts?op=drop", "policies", 0}, /* a GET changes nothing */
        {"GET", "/shadow", "deliveries", 0},
        {"GET", "/shadow?op=reset", "domains", 0}, /* likewise */
        {"POST", "/shadow?op=reset", "reset", 0},
        {"POST", "/shadow?op=burn", NULL, 0},
    };
    char path[] = "/tmp/daneway-test-XXXXXX/status.sock";
    struct office office;
    struct status_socket *status;
    struct sts_store *policies = NULL;
    struct shadow_store *shadow = NULL;
    struct seen_store *seen = open_seen();
    struct err err;
    path[24] = '\0';
    cr_assert(mkdtemp(path) != NULL);
    path[24] = '/';
    struct settings settings = {.status_socket = path, .hostname = "gw.example", .path = "x"};
    settings.report.organization_name = "Example";
    begin(&office, 2);
    fakes.list_length = 3;
    loop_on_signal(office.loop, SIGCHLD, visitor_gone, office.loop);
    cr_assert(eq(int, sts_store_open(&policies, NULL, 10, &err), 0));
    cr_assert(eq(int, shadow_store_open(&shadow, NULL, 10, 5, &err), 0));
    const struct status_sources sources = {.panel = office.panel,
                                           .policies = policies,
                                           .shadow = shadow,
                                           .seen = seen,
                                           .settings = &settings};
    status = status_socket_open(office.loop, listener_at(path), &sources);
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++)
        cr_expect(eq(int, visit(&office, path, &visits[i]), 0), "%s %s", visits[i].method,
                  visits[i].target);
    cr_expect(eq(str, fakes.queue_id, "A1"));
    status_socket_close(&status);
    sts_store_close(&policies);
    shadow_store_close(&shadow);
    seen_store_close(&seen);
    cr_expect(eq(str, fakes.seen_changed, "a.example"));
    cr_expect(eq(int, unlink(path), 0));
    end(&office);
    path[24] = '\0';
    rmdir(path);
}
