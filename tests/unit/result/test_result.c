/* The end of an attempt: what is recorded, told, counted and given back, also when the store fails.
 */
#include "fakes.h"
#include "mime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"
#include "result/result.h"

static struct loop *loop;
static struct spool *spool;
static struct result *result;
static struct delivery *delivery;
static struct recipient_outcome outcomes[3];
static struct outcome outcome;
static const struct queue_settings settings = {.retry = {600, 1800, 10800},
                                               .lifetime = 432000,
                                               .notice_lifetime = 86400,
                                               .bounce_nexthop = "",
                                               .notice_size_limit = 65536};
static struct {
    unsigned calls;
    enum destination_state state;
    char reason[32], text[64];
} settled;
static FILE *log_file;

static void on_settled(void *arg, struct delivery *back, enum destination_state state,
                       const char *reason, const char *text)
{
    (void)arg;
    cr_assert(back == delivery);
    settled.calls++;
    settled.state = state;
    snprintf(settled.reason, sizeof(settled.reason), "%s", reason != NULL ? reason : "(none)");
    snprintf(settled.text, sizeof(settled.text), "%s", text != NULL ? text : "(none)");
}

static void setup(void)
{
    log_file = tmpfile();
    dup2(fileno(log_file), STDERR_FILENO);
    loop = loop_create();
    spool = fake_spool_create(loop);
    spool->content = SLICE_LITERAL("Subject: x\r\n\r\nbody\r\n");
    result = result_create(loop, spool, "gw.example.com", &settings, on_settled, NULL);
    delivery = delivery_create();
    delivery->id = 5;
    delivery->message = 77;
    strcpy(delivery->queue_id, "3ABCDEF");
    delivery->envelope =
        (struct envelope){.sender = "alice@example.org", .arrival = FAKE_NOW - 5000};
    delivery->next_hop = "example.net";
    delivery->attempts = 2;
    delivery->recipient_count = 3;
    delivery->recipients = arena_alloc(delivery->arena, 3 * sizeof(struct recipient));
    for (int i = 0; i < 3; i++) {
        delivery->recipients[i].id = 100 + i;
        delivery->recipients[i].address = arena_printf(delivery->arena, "user%d@example.net", i);
    }
    for (int i = 0; i < 3; i++)
        outcomes[i] = (struct recipient_outcome){.recipient = &delivery->recipients[i],
                                                 .remote = "mx.example.net[192.0.2.1]:25",
                                                 .remote_name = "mx.example.net",
                                                 .tls = "dane-verified"};
    outcomes[0].disposition = DELIVERED;
    outcomes[0].status = "2.0.0";
    outcomes[0].reply = "250 2.0.0 Ok";
    outcomes[1].disposition = DEFERRED;
    outcomes[1].reason = REASON_REPLY_TEMPORARY;
    outcomes[1].status = "4.2.2";
    outcomes[1].text = "is full";
    outcomes[1].reply = "452 4.2.2 Mailbox full";
    outcomes[2].disposition = BOUNCED;
    outcomes[2].reason = REASON_REPLY_PERMANENT;
    outcomes[2].status = "5.1.1";
    outcomes[2].text = "no such user";
    outcomes[2].reply = "550 5.1.1 No such user";
    outcome = (struct outcome){.recipients = outcomes,
                               .recipient_count = 3,
                               .destination = DESTINATION_UP,
                               .trace = "{\"a\":1}"};
}

static void finish(void)
{
    result_free(&result);
    fake_loop_run(loop, 0);
    fake_spool_free(&spool);
    loop_free(&loop);
    delivery_free(&delivery);
}

TestSuite(result, .init = setup, .fini = finish);

static void take_and_run(void)
{
    result_take(result, delivery, &outcome);
    memset(outcomes, 0, sizeof(outcomes)); /* the outcome is valid during the call only */
    fake_loop_run(loop, 0);
}

static const char *log_text_so_far(void)
{
    static char text[65536];
    rewind(log_file);
    text[fread(text, 1, sizeof(text) - 1, log_file)] = '\0';
    return text;
}

static void must_log(const char *part)
{
    cr_assert(strstr(log_text_so_far(), part) != NULL, "\"%s\" is not in:\n%s", part,
              log_text_so_far());
}

static struct dsn *notice_of(unsigned number)
{
    struct draft *notice = spool->settlements[number].notice;
    cr_assert(notice != NULL);
    return dsn_parse(notice->content.ptr, notice->content.len);
}

/* covers: QUEUE-01 QUEUE-04 */
Test(result, each_recipient_gets_its_own_end)
{
    take_and_run();
    cr_assert(eq(uint, spool->settlement_count, 1));
    const struct settlement *settlement = &spool->settlements[0].settlement;
    cr_assert(eq(sz, settlement->update_count, 3));
    static const enum recipient_state states[] = {RECIPIENT_DELIVERED, RECIPIENT_PENDING,
                                                  RECIPIENT_BOUNCED};
    static const char *const statuses[] = {"2.0.0", "4.2.2", "5.1.1"};
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(i64, settlement->updates[i].recipient, 100 + i));
        cr_assert(settlement->updates[i].state == states[i]);
        cr_assert(eq(str, (char *)settlement->updates[i].status, (char *)statuses[i]));
    }
    cr_assert(eq(str, (char *)settlement->updates[1].reason, "reply-temporary"));
    cr_assert(eq(str, (char *)settlement->updates[1].reply, "452 4.2.2 Mailbox full"));
    cr_assert(eq(str, (char *)settlement->updates[1].remote, "mx.example.net[192.0.2.1]:25"));
    cr_assert(settlement->counts);
    cr_assert(eq(str, (char *)settlement->trace, "{\"a\":1}"));
    int64_t delay = settlement->next_attempt - settlement->now;
    cr_assert(eq(i64, settlement->now, FAKE_NOW));
    cr_assert(ge(i64, delay, 3600)); /* after the third attempt: 600, 1800, 3600 and a tenth */
    cr_assert(le(i64, delay, 3960));
    cr_assert(eq(uint, settled.calls, 1));
    cr_assert(settled.state == DESTINATION_UP);
    cr_assert(eq(str, settled.reason, "(none)"));
}

/* covers: DSN-01 DSN-11 */
Test(result, one_notice_for_what_failed_now)
{
    outcomes[1] = outcomes[2];
    outcomes[1].recipient = &delivery->recipients[1];
    take_and_run();
    struct dsn *dsn = notice_of(0);
    cr_assert(eq(sz, dsn->group_count, 2));
    cr_assert(eq(str, field(&dsn->groups[0], "Final-Recipient"), "rfc822; user1@example.net"));
    cr_assert(eq(str, field(&dsn->groups[1], "Final-Recipient"), "rfc822; user2@example.net"));
    cr_assert(eq(str, dsn->parts[2].body, "Subject: x\r\n"));
    cr_assert(eq(u64, result_counters(result).notices, 1));
}

/* covers: DSN-01 DSN-09 */
Test(result, no_notice_where_none_is_due)
{
    delivery->recipients[2].notify = NOTIFY_NEVER;
    take_and_run();
    cr_assert(spool->settlements[0].notice == NULL);
    cr_assert(eq(uint, spool->reads, 0));
    must_log("event=bounced queue_id=3ABCDEF");
}

/* covers: DSN-01 */
Test(result, null_reverse_path_gets_a_log_line_only)
{
    delivery->envelope.sender = "";
    take_and_run();
    cr_assert(spool->settlements[0].notice == NULL);
    must_log("event=bounced queue_id=3ABCDEF from=<> to=<user2@example.net>");
    cr_assert(eq(u64, result_counters(result).bounced, 1));
    cr_assert(eq(u64, result_counters(result).notices, 0));
}

Test(result, log_lines)
{
    delivery->waiting_ms = 70000;
    outcome.started_ms = 70004;
    outcome.ended_ms = 72259;
    outcomes[0].ready_ms = 72009;
    outcomes[0].judged_by = (struct judged_by){.policy = "tlsa", .rule = "tls_policy:12 dane-only"};
    take_and_run();
    must_log("event=delivered queue_id=3ABCDEF from=<alice@example.org> to=<user0@example.net> "
             "relay=mx.example.net[192.0.2.1]:25 tls=dane-verified policy=tlsa "
             "rule=\"tls_policy:12 dane-only\" dsn=2.0.0 delay=5000 delays=4998/0.004/2.005/0.250 "
             "attempts=3 reply=\"250 2.0.0 Ok\"\n");
    must_log("event=deferred queue_id=3ABCDEF from=<alice@example.org> to=<user1@example.net> "
             "relay=mx.example.net[192.0.2.1]:25 tls=dane-verified dsn=4.2.2 delay=5000 "
             "delays=4998/0.004/2.255/0.000 "
             "attempts=3 reason=reply-temporary "
             "reply=\"452 4.2.2 Mailbox full\" text=\"is full\"\n");
    must_log(
        "dsn=5.1.1 delay=5000 delays=4998/0.004/2.255/0.000 attempts=3 reason=reply-permanent");
}

Test(result, counters)
{
    outcomes[1] = outcomes[2] = outcomes[0];
    outcomes[1].tls = "encrypted";
    outcomes[2].tls = "clear";
    take_and_run();
    struct result_counters counters = result_counters(result);
    cr_assert(eq(u64, counters.delivered, 3));
    cr_assert(eq(u64, counters.dane_verified, 1));
    cr_assert(eq(u64, counters.encrypted, 1));
    cr_assert(eq(u64, counters.clear, 1));
}

/* Success is told of by us where the host does not, and to who asked for it. covers: DSN-07 DSN-08 */
Test(result, relayed_notice_where_the_host_sends_none)
{
    static const struct {
        unsigned notify;
        bool dsn, notice;
    } cases[] = {{NOTIFY_SUCCESS, false, true}, {NOTIFY_SUCCESS | NOTIFY_FAILURE, false, true},
                 {NOTIFY_SUCCESS, true, false}, {0, false, false},
                 {NOTIFY_NEVER, false, false},  {NOTIFY_FAILURE | NOTIFY_DELAY, false, false}};
    const struct recipient_outcome delivered = outcomes[0];
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        delivery->recipients[0].notify = cases[i].notify;
        outcomes[0] = delivered;
        outcomes[0].dsn = cases[i].dsn;
        outcomes[0].protection = "It was protected.";
        outcome.recipient_count = 1;
        take_and_run();
        cr_assert(eq(int, spool->settlements[i].notice != NULL, cases[i].notice), "case %u", i);
    }
    struct dsn *dsn = notice_of(0);
    cr_assert(eq(str, field(&dsn->groups[0], "Action"), "relayed"));
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "2.0.0"));
    cr_assert(eq(str, field(&dsn->groups[0], "X-Daneway-Protection"), "dane-verified"));
    cr_assert(strstr(dsn->parts[0].body, "It was protected.") != NULL);
    cr_assert(eq(u64, result_counters(result).notices, 2));
}

/* covers: DSN-05 */
Test(result, the_whole_message_is_returned_to_who_asked_for_it)
{
    delivery->envelope.ret = RETURN_FULL;
    delivery->envelope.size = spool->content.len;
    delivery->recipients[0].notify = NOTIFY_SUCCESS;
    take_and_run();
    struct dsn *failed = notice_of(0);
    cr_assert(eq(str, field(&failed->parts[2].header, "Content-Type"), "message/rfc822"));
    cr_assert(eq(str, failed->parts[2].body, "Subject: x\r\n\r\nbody\r\n"));
    const struct buffer *second = &spool->settlements[0].second_notice->content;
    struct dsn *relayed = dsn_parse(second->ptr, second->len);
    cr_assert(eq(str, field(&relayed->parts[2].header, "Content-Type"), "text/rfc822-headers"));
}

/* covers: DSN-08 DSN-09 */
Test(result, what_failed_and_what_was_relayed_are_told_apart)
{
    delivery->recipients[0].notify = NOTIFY_SUCCESS;
    take_and_run();
    cr_assert(eq(uint, spool->settlements[0].settlement.notice_count, 2));
    struct dsn *failed = notice_of(0);
    cr_assert(eq(sz, failed->group_count, 1));
    cr_assert(eq(str, field(&failed->groups[0], "Action"), "failed"));
    const struct buffer *second = &spool->settlements[0].second_notice->content;
    struct dsn *relayed = dsn_parse(second->ptr, second->len);
    cr_assert(eq(sz, relayed->group_count, 1));
    cr_assert(eq(str, field(&relayed->groups[0], "Action"), "relayed"));
    cr_assert(eq(str, field(&relayed->groups[0], "Final-Recipient"), "rfc822; user0@example.net"));
    cr_assert(eq(u64, result_counters(result).notices, 2));
}

/* covers: QUEUE-04 */
Test(result, what_was_delivered_is_recorded_however_often_the_store_fails)
{
    spool->results[0] = SPOOL_FULL;
    spool->results[1] = SPOOL_FAILED;
    take_and_run();
    cr_assert(eq(uint, settled.calls, 0));
    fake_loop_run(loop, 4999);
    cr_assert(eq(uint, spool->settlement_count, 1));
    fake_loop_run(loop, 1);
    cr_assert(eq(uint, spool->settlement_count, 2));
    cr_assert(eq(uint, settled.calls, 0));
    fake_loop_run(loop, 9999);
    cr_assert(eq(uint, spool->settlement_count, 2));
    fake_loop_run(loop, 1);
    cr_assert(eq(uint, spool->settlement_count, 3));
    cr_assert(eq(uint, settled.calls, 1));
    for (unsigned i = 0; i < 3; i++) {
        cr_assert(spool->settlements[i].settlement.updates[0].state == RECIPIENT_DELIVERED);
        cr_assert(eq(sz, notice_of(i)->group_count, 1));
    }
    cr_assert(eq(u64, result_counters(result).delivered, 1));
    cr_assert(eq(u64, result_counters(result).notices, 1));
    must_log("event=not-recorded queue_id=3ABCDEF why=\"no space\" again_in=5\n");
    must_log("event=not-recorded queue_id=3ABCDEF why=\"disk I/O error\" again_in=10\n");
}

Test(result, ends_while_it_waits_to_try_again)
{
    spool->results[0] = SPOOL_FAILED;
    take_and_run();
    cr_assert(eq(uint, settled.calls, 0));
}

Test(result, ends_while_the_store_writes)
{
    outcome.recipient_count = 2;
    result_take(result, delivery, &outcome);
    result_free(&result);
    fake_loop_run(loop, 0);
    cr_assert(eq(uint, spool->settlement_count, 1));
    cr_assert(eq(uint, settled.calls, 0));
}

Test(result, ends_while_the_header_is_read)
{
    result_take(result, delivery, &outcome);
    result_free(&result);
    fake_loop_run(loop, 0);
    cr_assert(eq(uint, spool->settlement_count, 0));
    cr_assert(eq(uint, settled.calls, 0));
}

Test(result, notice_without_the_header_that_cannot_be_read)
{
    spool->chunk_result = SPOOL_FAILED;
    take_and_run();
    cr_assert(eq(sz, notice_of(0)->part_count, 2));
    cr_assert(eq(uint, settled.calls, 1));
}

/* covers: QUEUE-02 CODE-07 */
Test(result, deferred_past_the_lifetime_is_returned)
{
    static const struct {
        const char *sender;
        int64_t age;
        bool returned;
    } cases[] = {{"a@b.example", 432000, true},
                 {"a@b.example", 431999, false},
                 {"", 86400, true},
                 {"", 86399, false},
                 {"a@b.example", -5000, false}};
    struct recipient_outcome deferred = outcomes[1];
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        delivery->envelope.sender = cases[i].sender;
        delivery->envelope.arrival = FAKE_NOW - cases[i].age;
        outcomes[0] = deferred;
        outcome.recipient_count = 1;
        take_and_run();
        const struct recipient_update *update = &spool->settlements[i].settlement.updates[0];
        cr_assert(update->state == (cases[i].returned ? RECIPIENT_BOUNCED : RECIPIENT_PENDING),
                  "case %u", i);
        cr_assert(eq(str, (char *)update->status, "4.2.2"));
        bool notice = cases[i].returned && cases[i].sender[0] != '\0';
        cr_assert(eq(int, spool->settlements[i].notice != NULL, notice));
    }
    struct dsn *dsn = notice_of(0);
    cr_assert(eq(str, field(&dsn->groups[0], "Action"), "failed"));
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "4.2.2"));
    cr_assert(eq(str, field(&dsn->groups[0], "Diagnostic-Code"), "smtp; 452 4.2.2 Mailbox full"));
    must_log("expired=yes reason=reply-temporary");
}

/* covers: STS-49 */
Test(result, an_sts_failure_is_looked_at_once_more_before_it_is_returned)
{
    for (size_t i = 0; i < delivery->recipient_count; i++)
        delivery->recipients[i].reason = NULL;
    cr_assert(not(result_wants_last_attempt(delivery, NULL)));
    cr_assert(result_wants_last_attempt(delivery, "sts-mx-mismatch"));
    cr_assert(not(result_wants_last_attempt(delivery, "connect-timeout")));
    delivery->recipients[0].reason = "certificate-expired";
    cr_assert(result_wants_last_attempt(delivery, NULL));
    delivery->recipients[0].reason = "tlsa-mismatch";
    cr_assert(not(result_wants_last_attempt(delivery, NULL)));
}

/* covers: STS-49 T-17 */
Test(result, what_failed_under_an_old_look_at_the_record_is_not_returned)
{
    outcomes[0] = outcomes[1];
    outcome.recipient_count = 1;
    outcome.sts_to_be_asked_anew = true;
    delivery->envelope.arrival = FAKE_NOW - 432000;
    take_and_run();
    const struct settlement *settlement = &spool->settlements[0].settlement;
    cr_assert(settlement->updates[0].state == RECIPIENT_PENDING);
    cr_assert(eq(i64, settlement->next_attempt, FAKE_NOW));
}

/* covers: CODE-07 QUEUE-02 */
Test(result, expiry_without_an_attempt)
{
    delivery->recipients[0].status = "4.7.5";
    delivery->recipients[0].reason = "tlsa-mismatch";
    delivery->recipients[0].text =
        "The certificate of mx.example.net matches none of its TLSA records.";
    delivery->recipients[1].status = "4.2.2";
    delivery->recipients[1].reason = "reply-temporary";
    delivery->recipients[1].remote = "mx.example.net[192.0.2.1]:25";
    delivery->recipients[1].reply = "452 4.2.2 Mailbox full";
    result_expire(result, delivery, NULL, NULL);
    fake_loop_run(loop, 0);
    const struct settlement *settlement = &spool->settlements[0].settlement;
    cr_assert(not(settlement->counts));
    cr_assert(settlement->trace == NULL);
    for (int i = 0; i < 3; i++)
        cr_assert(settlement->updates[i].state == RECIPIENT_BOUNCED);
    struct dsn *dsn = notice_of(0);
    cr_assert(eq(sz, dsn->group_count, 3));
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "4.7.5"));
    cr_assert(eq(str, field(&dsn->groups[1], "Status"), "4.2.2"));
    cr_assert(eq(str, field(&dsn->groups[1], "Remote-MTA"), "dns; mx.example.net"));
    cr_assert(eq(str, field(&dsn->groups[2], "Status"), "4.4.7"));
    cr_assert(strstr(dsn->parts[0].body, "tried for 5 days without success.") != NULL);
    cr_assert(strstr(dsn->parts[0].body, "What the recipient's postmaster can do: Publish") !=
              NULL);
    cr_assert(settled.state == DESTINATION_UNKNOWN && settled.calls == 1);
    must_log("attempts=2 expired=yes reason=tlsa-mismatch");
}

/* Without an attempt of its own a recipient is told what holds the destination; one with an attempt, what that said. */
/* covers: CODE-07 */
Test(result, expiry_names_what_holds_the_destination)
{
    delivery->recipients[0].status = "4.7.5";
    delivery->recipients[0].reason = "tlsa-mismatch";
    delivery->recipients[0].text = "no match";
    result_expire(result, delivery, "connect-timeout", "mx.example.net does not answer");
    fake_loop_run(loop, 0);
    struct dsn *dsn = notice_of(0);
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "4.7.5"));
    cr_assert(eq(str, field(&dsn->groups[1], "Status"), "4.4.1"));
    cr_assert(strstr(dsn->parts[0].body, "mx.example.net does not answer") != NULL);
    cr_assert(strstr(dsn->parts[0].body, "reason: connect-timeout") != NULL);
    must_log("expired=yes reason=connect-timeout");
}

/* covers: CODE-07 */
Test(result, expiry_takes_no_reason_that_is_unknown_or_permanent)
{
    result_expire(result, delivery, "null-mx", "said by nobody");
    fake_loop_run(loop, 0);
    cr_assert(eq(str, field(&notice_of(0)->groups[0], "Status"), "4.4.7"));
    result_expire(result, delivery, "of-a-later-version", "said by nobody");
    fake_loop_run(loop, 0);
    cr_assert(eq(str, field(&notice_of(1)->groups[0], "Status"), "4.4.7"));
}

/* covers: QUEUE-09 QUEUE-02 */
Test(result, wall_clock_set_forward_gives_nothing_up)
{
    fake_wall_jump = 30 * 86400;
    take_and_run();
    cr_assert(spool->settlements[0].settlement.updates[1].state == RECIPIENT_PENDING);
}

Test(result, destination_down_is_told)
{
    outcome.destination = DESTINATION_DOWN;
    outcome.reason = REASON_CONNECT_TIMEOUT;
    outcome.text = "no host answers";
    take_and_run();
    cr_assert(settled.state == DESTINATION_DOWN);
    cr_assert(eq(str, settled.reason, "connect-timeout"));
    cr_assert(eq(str, settled.text, "no host answers"));
}

/* A host that takes 100 recipients at a time gets the rest at once, but only while it takes some.
 */
Test(result, the_rest_of_a_long_list_goes_at_once)
{
    outcomes[1].reason = REASON_TOO_MANY_RECIPIENTS;
    struct recipient_outcome rest = outcomes[1];
    take_and_run();
    cr_assert(eq(i64, spool->settlements[0].settlement.next_attempt, FAKE_NOW));
    outcomes[0] = rest;
    outcome.recipient_count = 1;
    take_and_run();
    cr_assert(lt(i64, FAKE_NOW + 1000, spool->settlements[1].settlement.next_attempt));
}
