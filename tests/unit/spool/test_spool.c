/* The store on a real file: what is put in comes back, ends, is held, found, listed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "harness.h"
#include "spool/queue_id.h"

static struct harness harness;

static void setup(void)
{
    harness_open(&harness);
}

static void teardown(void)
{
    harness_end(&harness);
}

TestSuite(spool, .init = setup, .fini = teardown, .timeout = 60);

static struct delivery *claim_one(const char *next_hop)
{
    struct delivery *delivery = NULL;
    cr_assert(eq(sz, harness_claim(&harness, next_hop, 1, &delivery, NULL), 1));
    return delivery;
}

static void keeps_tls_wishes(bool requiretls, bool tls_optional, const char *next_hop)
{
    struct draft *draft =
        draft_create(harness.spool, &(struct envelope){.sender = "a@example.org",
                                                       .requiretls = requiretls,
                                                       .client = "192.0.2.1",
                                                       .helo = "in.example.org",
                                                       .client_rule = "clients:1"});
    draft_recipient(draft, &(struct recipient){.address = "u@example.com"}, next_hop);
    draft_recipient(draft, &(struct recipient){.address = "v@example.com"}, "other.example");
    if (tls_optional)
        draft_set_tls_optional(draft);
    draft_append(draft, SLICE_LITERAL("x\r\n"));
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    for (int retry = 0; retry < 2; retry++) { /* for all recipients, after each restart */
        harness_reopen(&harness);
        const char *hops[] = {next_hop, "other.example"};
        for (size_t i = 0; i < 2; i++) {
            struct delivery *delivery = claim_one(hops[i]);
            cr_assert(eq(int, delivery->envelope.requiretls, requiretls));
            cr_assert(eq(int, delivery->envelope.tls_optional, tls_optional));
            spool_release(harness.spool, &delivery);
        }
    }
}

/* covers: RTLS-04 RTLS-05 */
Test(spool, what_was_asked_about_tls_survives_a_restart)
{
    keeps_tls_wishes(true, false, "one.example");
}

/* covers: RTLS-04 RTLS-05 */
Test(spool, what_the_header_said_survives_a_restart)
{
    keeps_tls_wishes(false, true, "one.example");
}

/* covers: SMTPC-25 */
Test(spool, what_did_not_need_smtputf8_comes_back_without)
{
    struct draft *draft =
        draft_create(harness.spool, &(struct envelope){.sender = "a@example.org",
                                                       .smtputf8 = true,
                                                       .client = "192.0.2.1",
                                                       .helo = "in.example.org",
                                                       .client_rule = "clients:1"});
    draft_recipient(draft, &(struct recipient){.address = "u@example.com"}, "one.example");
    draft_append(draft, SLICE_LITERAL("x\r\n"));
    draft_without_smtputf8(draft);
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    harness_reopen(&harness);
    struct delivery *delivery = claim_one("one.example");
    cr_assert(not(delivery->envelope.smtputf8));
    spool_release(harness.spool, &delivery);
}

/* covers: QUEUE-05 SMTPS-07 */
Test(spool, envelope_comes_back_as_it_was)
{
    struct envelope envelope = {.sender = "Some.One@example.org",
                                .body = BODY_8BITMIME,
                                .smtputf8 = true,
                                .requiretls = true,
                                .tls_optional = true,
                                .tls_report = true,
                                .ret = RETURN_HEADERS,
                                .envid = "QQ+2B314159",
                                .client = "2001:db8::1",
                                .helo = "in.example.org",
                                .client_rule = "clients:12",
                                .client_level = "dane-only",
                                .arrival = 1700000000};
    struct draft *draft = draft_create(harness.spool, &envelope);
    struct recipient recipient = {.address = "J\xc3\xb6rg@Example.COM",
                                  .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
                                  .orcpt = "rfc822;J+2Brg@Example.COM"};
    draft_recipient(draft, &recipient, "example.com");
    draft_append(draft, SLICE_LITERAL("Subject: \xc3\xb6\r\n\r\n"));
    draft_append(draft, SLICE_LITERAL("text\r\n"));
    char queue_id[QUEUE_ID_TEXT];
    strcpy(queue_id, draft_queue_id(draft));
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    cr_assert(eq(int, harness.result, SPOOL_OK));
    harness_reopen(&harness);

    struct delivery *delivery = claim_one("example.com");
    const struct envelope *back = &delivery->envelope;
    cr_assert(eq(str, delivery->queue_id, queue_id));
    cr_assert(eq(str, (char *)back->sender, "Some.One@example.org"));
    cr_assert(eq(int, back->body, BODY_8BITMIME));
    cr_assert(back->smtputf8 && back->requiretls && back->tls_optional && back->tls_report &&
              !back->notice);
    cr_assert(eq(int, back->ret, RETURN_HEADERS));
    cr_assert(eq(str, (char *)back->envid, "QQ+2B314159"));
    cr_assert(eq(str, (char *)back->client, "2001:db8::1"));
    cr_assert(eq(str, (char *)back->helo, "in.example.org"));
    cr_assert(eq(str, (char *)back->client_rule, "clients:12"));
    cr_assert(eq(str, (char *)back->client_level, "dane-only"));
    cr_assert(eq(i64, back->arrival, 1700000000));
    cr_assert(eq(u64, back->size, 21));
    cr_assert(back->has_8bit);
    cr_assert(eq(sz, delivery->recipient_count, 1));
    cr_assert(eq(str, (char *)delivery->recipients[0].address, "J\xc3\xb6rg@Example.COM"));
    cr_assert(eq(uint, delivery->recipients[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY));
    cr_assert(eq(str, (char *)delivery->recipients[0].orcpt, "rfc822;J+2Brg@Example.COM"));
    char *content = harness_content(&harness, delivery->message, NULL);
    cr_assert(eq(str, content, "Subject: \xc3\xb6\r\n\r\ntext\r\n"));
    free(content);
    delivery_free(&delivery);
}

Test(spool, fresh_delivery_is_offered_once_and_owned)
{
    harness.take_fresh = true;
    cr_assert(eq(int, harness_put(&harness, "example.com", "x\r\n"), SPOOL_OK));
    cr_assert(eq(sz, harness.fresh_count, 1));
    struct delivery *other;
    cr_assert(eq(sz, harness_claim(&harness, "example.com", 1, &other, NULL), 0));
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 0));
    size_t length;
    char *content = harness_content(&harness, harness.fresh[0]->message, &length);
    cr_assert(eq(str, content, "x\r\n"));
    free(content);
    harness.fresh_count = 0;
    cr_assert(
        eq(int, harness_settle(&harness, harness.fresh[0], RECIPIENT_DELIVERED, 0), SPOOL_OK));
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 0));
    cr_assert(eq(i64,
                 harness_query(&harness, 0,
                               "SELECT (SELECT count(*) FROM content)"
                               "+(SELECT count(*) FROM message)"
                               "+(SELECT count(*) FROM delivery)"
                               "+(SELECT count(*) FROM recipient)"),
                 0));
}

Test(spool, refused_fresh_delivery_is_due)
{
    cr_assert(eq(int, harness_put(&harness, "example.com", "x\r\n"), SPOOL_OK));
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 1));
    cr_assert(eq(str, due.next_hops[0], "example.com"));
    cr_assert(eq(uint, due.failures[0], 0));
    struct delivery *delivery = claim_one("example.com");
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 0));
    spool_release(harness.spool, &delivery);
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 1));
}

Test(spool, content_of_any_size_comes_back_in_chunks)
{
    const char *const next_hops[] = {"example.com", NULL};
    const size_t sizes[] = {0, 1, 262143, 262144, 262145, 524288, 1000001};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        char *text = x_malloc(sizes[i] + 1);
        for (size_t at = 0; at < sizes[i]; at++)
            text[at] = (char)('a' + at % 23);
        struct draft *draft =
            harness_draft(&harness, "", next_hops, (struct slice){text, sizes[i]});
        harness.pending++;
        draft_commit(&draft, harness_done, &harness);
        harness_wait(&harness);
        cr_assert(eq(int, harness.result, SPOOL_OK));
        for (int again = 0; again < 2; again++) {
            struct delivery *delivery = claim_one("example.com");
            size_t length;
            char *back = harness_content(&harness, delivery->message, &length);
            cr_assert(eq(sz, length, sizes[i]));
            cr_assert(memcmp(back, text, length) == 0);
            cr_assert(eq(u64, delivery->envelope.size, sizes[i]));
            free(back);
            if (again == 0) {
                delivery_free(&delivery);
                harness_reopen(&harness); /* from the disk this time */
            } else {
                harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
            }
        }
        free(text);
    }
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM content"), 0));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM receiving"), 0));
}

Test(spool, abandoned_draft_leaves_nothing)
{
    const char *const next_hops[] = {"example.com", NULL};
    char *text = x_calloc(1, 600000);
    struct draft *draft = harness_draft(&harness, "", next_hops, (struct slice){text, 600000});
    draft_abandon(&draft);
    cr_assert(draft == NULL);
    harness_settle_down(&harness);
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM content"), 0));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM receiving"), 0));
    free(text);
}

/* covers: QUEUE-04 */
Test(spool, only_unsettled_recipients_stay)
{
    struct envelope envelope = {.sender = "a@example.org"};
    struct draft *draft = draft_create(harness.spool, &envelope);
    const char *const addresses[] = {"one@example.com", "two@example.com", "three@example.com"};
    for (int i = 0; i < 3; i++)
        draft_recipient(draft, &(struct recipient){.address = addresses[i]}, "example.com");
    draft_recipient(draft, &(struct recipient){.address = "four@example.net"}, "example.net");
    draft_append(draft, SLICE_LITERAL("x\r\n"));
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    struct delivery *delivery = claim_one("example.com");
    cr_assert(eq(sz, delivery->recipient_count, 3));
    struct recipient_update updates[] = {
        {.recipient = delivery->recipients[0].id, .state = RECIPIENT_DELIVERED, .status = "2.0.0"},
        {.recipient = delivery->recipients[1].id,
         .state = RECIPIENT_PENDING,
         .status = "4.2.2",
         .reason = "remote",
         .text = "mailbox full",
         .remote = "mx",
         .reply = "452 4.2.2 full"},
        {.recipient = delivery->recipients[2].id, .state = RECIPIENT_BOUNCED, .status = "5.1.1"},
    };
    int64_t now = spool_now(harness.spool);
    struct settlement settlement = {.delivery = delivery,
                                    .updates = updates,
                                    .update_count = 3,
                                    .next_attempt = 5000,
                                    .now = 4400,
                                    .counts = true};
    harness.pending++;
    spool_settle(harness.spool, &settlement, harness_done, &harness);
    harness_wait(&harness);
    delivery_free(&delivery);
    cr_assert(ge(i64, harness.due_told, now + 600), "counts from now, whatever clock it was in");
    cr_assert(le(i64, harness.due_told, now + 602));
    harness_reopen(&harness);

    struct delivery *none;
    cr_assert(eq(sz, harness_claim(&harness, "example.com", 1, &none, NULL), 0), "not yet due");
    cr_assert(eq(int,
                 (int)harness_acted(&harness, SPOOL_FLUSH,
                                    &(struct spool_filter){.next_hop = "example.com"}),
                 1));
    delivery = claim_one("example.com");
    cr_assert(eq(sz, delivery->recipient_count, 1));
    cr_assert(eq(str, (char *)delivery->recipients[0].address, "two@example.com"));
    cr_assert(eq(str, (char *)delivery->recipients[0].reply, "452 4.2.2 full"));
    cr_assert(eq(uint, delivery->attempts, 1));
    harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 1), "the other next hop waits");
    cr_assert(eq(int, (int)harness_number(&harness, "recipients"), 1));
    harness_settle(&harness, claim_one("example.net"), RECIPIENT_DELIVERED, 0);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 0));
}

Test(spool, settlement_and_notices_are_one_transaction)
{
    const char *const back[] = {"example.org", NULL};
    harness_put(&harness, "example.com", "x\r\n");
    struct delivery *delivery = claim_one("example.com");
    struct draft *notices[] = {harness_draft(&harness, "", back, slice_of("notice\r\n"))};
    struct recipient_update update = {.recipient = delivery->recipients[0].id,
                                      .state = RECIPIENT_BOUNCED};
    struct settlement settlement = {.delivery = delivery,
                                    .updates = &update,
                                    .update_count = 1,
                                    .notices = notices,
                                    .notice_count = 1};
    harness.take_fresh = true;
    harness.pending++;
    spool_settle(harness.spool, &settlement, harness_done, &harness);
    cr_assert(notices[0] == NULL);
    harness_wait(&harness);
    harness_settle_down(&harness);
    delivery_free(&delivery);
    cr_assert(eq(int, harness.result, SPOOL_OK));
    cr_assert(eq(sz, harness.fresh_count, 1));
    cr_assert(eq(str, (char *)harness.fresh[0]->next_hop, "example.org"));
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 1));
}

/* covers: QUEUE-03 */
Test(spool, hold_is_one_row_and_a_failure_each)
{
    for (int i = 0; i < 20; i++)
        harness_put(&harness, "dead.example", "x\r\n");
    int64_t now = spool_now(harness.spool);
    int64_t sum = harness_query(&harness, 0, "SELECT sum(next_attempt) FROM delivery");
    spool_hold_destination(harness.spool, "dead.example", now + 300, "unreachable",
                           "no host answers");
    cr_assert(eq(sz, harness_due(&harness, now, 10).count, 0));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT sum(next_attempt) FROM delivery"), sum));
    cr_assert(eq(i64, harness_due(&harness, now, 10).next_due, now + 300));
    cr_assert(eq(int, (int)harness_number(&harness, "destinations_held"), 1));

    harness.take_fresh = true;
    harness_put(&harness, "dead.example", "x\r\n");
    cr_assert(eq(sz, harness.fresh_count, 0), "fresh mail waits for the probe");
    harness_reopen(&harness);
    now = spool_now(harness.spool);
    struct harness_due due = harness_due(&harness, now + 301, 10);
    cr_assert(eq(sz, due.count, 1));
    cr_assert(eq(uint, due.failures[0], 1));
    spool_hold_destination(harness.spool, "dead.example", now + 600, "unreachable", "again");
    cr_assert(eq(sz, harness_due(&harness, now + 599, 10).count, 0));
    cr_assert(eq(uint, harness_due(&harness, now + 600, 10).failures[0], 2));
    json_t *list = harness_list(&harness, NULL, "dead.example");
    cr_assert(eq(sz, json_array_size(list), 21));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(json_array_get(list, 0), "reason")),
                 "unreachable"));
    json_decref(list);

    spool_hold_destination(harness.spool, "dead.example", 0, NULL, NULL);
    due = harness_due(&harness, now, 10);
    cr_assert(eq(sz, due.count, 1));
    cr_assert(eq(uint, due.failures[0], 0));
    cr_assert(eq(int, (int)harness_number(&harness, "destinations_held"), 0));
}

/* A deferral is due later than its destination's hold, and the other way round. */
Test(spool, due_is_the_later_of_hold_and_attempt)
{
    harness_put(&harness, "example.com", "x\r\n");
    int64_t now = spool_now(harness.spool);
    harness_settle(&harness, claim_one("example.com"), RECIPIENT_PENDING, 1800);
    spool_hold_destination(harness.spool, "example.com", now + 300, "r", "t");
    struct harness_due due = harness_due(&harness, now + 400, 10);
    cr_assert(eq(sz, due.count, 0), "the hold is over, the attempt not yet due");
    cr_assert(ge(i64, due.next_due, now + 1800));
    cr_assert(le(i64, due.next_due, now + 1803));
    spool_hold_destination(harness.spool, "example.com", now + 9000, "r", "t");
    cr_assert(eq(sz, harness_due(&harness, now + 8999, 10).count, 0));
    cr_assert(eq(sz, harness_due(&harness, now + 9000, 10).count, 1));
}

Test(spool, due_destinations_are_limited_and_told_longest_due_first)
{
    char name[32];
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "d%02d.example", 11 - i);
        harness_put(&harness, name, "x\r\n");
        harness_settle(&harness, claim_one(name), RECIPIENT_PENDING, 100 * (i + 1));
    }
    int64_t now = spool_now(harness.spool);
    harness_due(&harness, now + 5000,
                12); /* the order is exact once the bounds have been corrected */
    struct harness_due due = harness_due(&harness, now + 550, 3);
    cr_assert(eq(sz, due.count, 3));
    cr_assert(due.more);
    cr_assert(eq(str, due.next_hops[0], "d11.example"));
    cr_assert(eq(str, due.next_hops[2], "d09.example"));
    due = harness_due(&harness, now + 550, 10);
    cr_assert(eq(sz, due.count, 5));
    cr_assert(not(due.more));
    cr_assert(ge(i64, due.next_due, now + 597));
    cr_assert(le(i64, due.next_due, now + 601));
}

/* What is claimed for a destination must not hide what becomes due for it later. */
Test(spool, next_due_sees_behind_claims)
{
    harness_put(&harness, "example.com", "x\r\n");
    harness_put(&harness, "example.com", "y\r\n");
    harness_settle(&harness, claim_one("example.com"), RECIPIENT_PENDING, 500);
    struct delivery *delivery = claim_one("example.com");
    int64_t now = spool_now(harness.spool);
    struct harness_due due = harness_due(&harness, now, 10);
    cr_assert(eq(sz, due.count, 0));
    cr_assert(ge(i64, due.next_due, now + 497));
    cr_assert(le(i64, due.next_due, now + 501));
    delivery_free(&delivery);
    harness_reopen(&harness); /* as a crash: the claim ends */
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 1));
}

Test(spool, claims_are_limited_and_exclusive)
{
    for (int i = 0; i < 5; i++)
        harness_put(&harness, "example.com", "x\r\n");
    struct delivery *deliveries[8];
    bool more;
    cr_assert(eq(sz, harness_claim(&harness, "example.com", 3, deliveries, &more), 3));
    cr_assert(more);
    cr_assert(eq(sz, harness_claim(&harness, "example.com", 3, deliveries + 3, &more), 2));
    cr_assert(not(more));
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < i; j++)
            cr_assert(ne(i64, deliveries[i]->id, deliveries[j]->id));
    }
    for (int i = 0; i < 5; i++)
        delivery_free(&deliveries[i]);
}

struct expired_answer {
    size_t count;
    bool held, more;
    char why[32];
};

static void on_expired(void *arg, struct delivery **deliveries,
                       const struct destination_hold *holds, size_t count, bool more)
{
    struct expired_answer *answer = arg;
    answer->count = count;
    answer->more = more;
    for (size_t i = 0; i < count; i++) {
        if (!answer->held && holds[i].held) {
            answer->held = true;
            snprintf(answer->why, sizeof(answer->why), "%s: %s", holds[i].reason, holds[i].text);
        }
        spool_release(harness.spool, &deliveries[i]);
    }
    harness.pending--;
    loop_stop(harness.loop);
}

static struct expired_answer expired(int64_t before, int64_t notices_before, size_t limit)
{
    struct expired_answer answer = {0};
    harness.pending++;
    spool_claim_expired(harness.spool, before, notices_before, limit, on_expired, &answer);
    harness_wait(&harness);
    return answer;
}

/* covers: QUEUE-02 */
Test(spool, expired_are_found_by_age)
{
    harness_put(&harness, "example.com", "x\r\n");
    struct envelope envelope = {.sender = "", .notice = true};
    struct draft *draft = draft_create(harness.spool, &envelope);
    draft_recipient(draft, &(struct recipient){.address = "a@example.org"}, "example.org");
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    int64_t now = spool_now(harness.spool);
    cr_assert(eq(sz, expired(now - 100, now - 100, 10).count, 0));
    cr_assert(eq(sz, expired(now - 100, now + 100, 10).count, 1));
    cr_assert(eq(sz, expired(now + 100, now + 100, 10).count, 2));
    struct expired_answer answer = expired(now + 100, now + 100, 1);
    cr_assert(answer.count == 1 && answer.more && !answer.held);
    spool_hold_destination(harness.spool, "example.com", now + 300, "r", "t");
    harness_settle_down(&harness);
    answer = expired(now + 100, now - 100, 10);
    cr_assert(answer.held);
    cr_assert(eq(str, answer.why, "r: t"));
}

/* covers: QUEUE-06 T-25 */
Test(spool, queue_ids_are_never_reused)
{
    struct envelope envelope = {.sender = ""};
    char last[QUEUE_ID_TEXT] = "";
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            struct draft *draft = draft_create(harness.spool, &envelope);
            cr_assert(lt(str, last, (char *)draft_queue_id(draft)));
            strcpy(last, draft_queue_id(draft));
            draft_abandon(&draft);
        }
        harness_settle_down(&harness); /* nothing of them is in the store, but the mark */
        harness_close(&harness);
        /* as if the clock had been set back by an hour while it was closed */
        harness_query(&harness, 0, "UPDATE state SET wall_offset=wall_offset+3600");
        harness_reopen(&harness);
    }
    harness_close(&harness);
    /* a new store of another number in the same directory goes on from there */
    harness.settings.worker = 1;
    harness.settings.workers = 2;
    harness_reopen(&harness);
    struct draft *draft = draft_create(harness.spool, &envelope);
    cr_assert(lt(str, last, (char *)draft_queue_id(draft)));
    draft_abandon(&draft);
}

/* covers: QUEUE-09 */
Test(spool, store_time_does_not_follow_the_wall_clock)
{
    int64_t before = spool_now(harness.spool);
    harness_put(&harness, "example.com", "x\r\n");
    harness_settle(&harness, claim_one("example.com"), RECIPIENT_PENDING, 1800);
    const char *const jumps[] = {"UPDATE state SET wall_offset=wall_offset+86400*365",
                                 "UPDATE state SET wall_offset=wall_offset-30"};
    harness_close(&harness);
    harness_query(&harness, 0, jumps[0]); /* the wall clock is a year back now */
    harness_reopen(&harness);
    cr_assert(ge(i64, spool_now(harness.spool), before), "never back");
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 0));
    cr_assert(le(i64, due.next_due - spool_now(harness.spool), 1801), "nothing starves");
    harness_close(&harness);
    harness_query(&harness, 0, jumps[1]);
    harness_reopen(&harness);
    cr_assert(le(i64, spool_now(harness.spool), before + 60));
}

Test(spool, queue_id_spelling)
{
    char text[QUEUE_ID_TEXT];
    int64_t number = 0;
    const int64_t numbers[] = {1, 255, 256, INT64_C(0x123456789abcdef), (INT64_C(1) << 60) - 1};
    char before[QUEUE_ID_TEXT] = "";
    for (int i = 0; i < 5; i++) {
        queue_id_format(numbers[i], text);
        cr_assert(eq(int, queue_id_parse(text, &number), 0));
        cr_assert(eq(i64, number, numbers[i]));
        cr_assert(lt(str, before, text));
        strcpy(before, text);
    }
    cr_assert(eq(int, queue_id_parse("", &number), -1));
    cr_assert(eq(int, queue_id_parse("00000000000", &number), -1));
    cr_assert(eq(int, queue_id_parse("00000000000I", &number), -1));
    cr_assert(eq(int, queue_id_parse("0000000000001", &number), -1));
}

Test(spool, lists_and_traces)
{
    harness_put(&harness, "example.com", "x\r\n");
    for (int i = 0; i < 7; i++) {
        harness_settle(&harness, claim_one("example.com"), RECIPIENT_PENDING, 0);
    }
    struct delivery *delivery = claim_one("example.com");
    char queue_id[QUEUE_ID_TEXT];
    strcpy(queue_id, delivery->queue_id);
    json_t *list = harness_list(&harness, queue_id, NULL);
    cr_assert(eq(sz, json_array_size(list), 1));
    json_t *row = json_array_get(list, 0);
    cr_assert(eq(int, (int)json_integer_value(json_object_get(row, "attempts")), 7));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(row, "status")), "4.4.1"));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(row, "text")), "cannot connect"));
    json_decref(list);
    list = harness_list(&harness, "nonsense", NULL);
    cr_assert(eq(sz, json_array_size(list), 0));
    json_decref(list);
    harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    json_t *traces = harness_traces(&harness, queue_id);
    cr_assert(eq(sz, json_array_size(traces), 5), "the last few outlive the message");
    cr_assert(eq(str,
                 (char *)json_string_value(json_object_get(
                     json_object_get(json_array_get(traces, 4), "trace"), "verdict")),
                 "tried"));
    json_decref(traces);
}

Test(spool, traces_leave_after_their_lifetime)
{
    harness.settings.trace_lifetime = 0;
    harness_reopen(&harness);
    for (int i = 0; i < 4; i++) {
        harness_put(&harness, "example.com", "x\r\n");
        harness_settle(&harness, claim_one("example.com"), RECIPIENT_DELIVERED, 0);
    }
    cr_assert(le(i64, harness_query(&harness, 0, "SELECT count(*) FROM trace"), 1));
}

Test(spool, flush_makes_all_due)
{
    harness.due_told = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        const char *name = i == 0 ? "a.example" : i == 1 ? "b.example" : "c.example";
        harness_put(&harness, name, "x\r\n");
        harness_settle(&harness, claim_one(name), RECIPIENT_PENDING, 5000);
    }
    int64_t now = spool_now(harness.spool);
    spool_hold_destination(harness.spool, "a.example", now + 9000, "r", "t");
    cr_assert(eq(sz, harness_due(&harness, now, 10).count, 0));
    cr_assert(eq(int, (int)harness_acted(&harness, SPOOL_FLUSH, &(struct spool_filter){0}), 3));
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 3));
    cr_assert(eq(uint, due.failures[0] + due.failures[1] + due.failures[2], 0));
    struct delivery *delivery = claim_one("b.example");
    char queue_id[QUEUE_ID_TEXT];
    strcpy(queue_id, delivery->queue_id);
    harness_settle(&harness, delivery, RECIPIENT_PENDING, 5000);
    cr_assert(
        eq(int,
           (int)harness_acted(&harness, SPOOL_FLUSH, &(struct spool_filter){.queue_id = queue_id}),
           1));
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 3));
}

static void count_calls(void *arg, enum spool_result result, struct slice chunk)
{
    (void)result;
    (void)chunk;
    ++*(int *)arg;
}

Test(spool, cancelled_and_forgotten_do_not_call_back)
{
    const char *const next_hops[] = {"example.com", NULL};
    harness.take_fresh = true;
    harness_put(&harness, "example.com", "x\r\n");
    int calls = 0;
    struct chunk_read *cached =
        spool_read_chunk(harness.spool, harness.fresh[0]->message, 0, count_calls, &calls);
    struct chunk_read *stored = spool_read_chunk(harness.spool, 12345, 0, count_calls, &calls);
    chunk_read_cancel(&cached);
    chunk_read_cancel(&stored);
    int other;
    struct draft *draft = harness_draft(&harness, "", next_hops, slice_of("y"));
    draft_commit(&draft, harness_done, &other);
    draft_forget(harness.spool, &other);
    harness_settle_down(&harness);
    cr_assert(eq(int, calls, 0));
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 2), "the commit went on");
}
