/* Notices of delays: when, about whom, once, and one for a message. */
#include "fakes.h"
#include "mime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "result/result.h"

static struct loop *loop;
static struct spool *spool;
static struct result *result;
static struct queue_settings settings;

static void on_settled(void *arg, struct delivery *delivery, enum destination_state state,
                       const char *reason, const char *text)
{
    (void)arg, (void)delivery, (void)state, (void)reason, (void)text;
    cr_assert(false, "nothing is settled here");
}

static void setup(void)
{
    settings = (struct queue_settings){.lifetime = 432000,
                                       .notice_lifetime = 86400,
                                       .delay_notice = 14400,
                                       .notice_size_limit = 65536};
    loop = loop_create();
    spool = fake_spool_create(loop);
    spool->content = SLICE_LITERAL("Subject: x\r\n\r\nbody\r\n");
    result = result_create(loop, spool, "gw.example.com", &settings, on_settled, NULL);
}

static void finish(void)
{
    result_free(&result);
    fake_loop_run(loop, 0);
    for (unsigned i = 0; i < spool->late_count; i++)
        delivery_free(&spool->late[i]);
    fake_spool_free(&spool);
    loop_free(&loop);
}

TestSuite(delay, .init = setup, .fini = finish);

/* One recipient; arrived so many seconds ago. */
static struct delivery *wait_for(const char *address, int64_t age)
{
    struct delivery *delivery = delivery_create();
    delivery->message = 77;
    strcpy(delivery->queue_id, "3ABCDEF");
    delivery->envelope =
        (struct envelope){.sender = "alice@example.org", .arrival = FAKE_NOW - age};
    delivery->next_hop = "example.net";
    delivery->recipient_count = 1;
    delivery->recipients = arena_alloc(delivery->arena, sizeof(struct recipient));
    delivery->recipients[0].address = address;
    spool->late[spool->late_count++] = delivery;
    return delivery;
}

static struct dsn *notice_told(unsigned number)
{
    cr_assert(lt(uint, number, spool->told_count));
    const struct draft *notice = spool->told[number].notice;
    cr_assert(notice != NULL);
    return dsn_parse(notice->content.ptr, notice->content.len);
}

/* covers: DSN-10 DSN-04 */
Test(delay, told_after_the_time_that_is_set)
{
    struct recipient *recipient = wait_for("bob@example.net", 14000)->recipients;
    recipient->status = "4.7.5";
    recipient->reason = "tlsa-mismatch";
    recipient->text = "The certificate of mx.example.net matches none of its TLSA records.";
    recipient->remote = "mx.example.net[192.0.2.1]:25";
    fake_loop_run(loop, 399000);
    cr_assert(eq(uint, spool->told_count, 0));
    fake_loop_run(loop, 61000);
    cr_assert(eq(uint, spool->told_count, 1));
    struct dsn *dsn = notice_told(0);
    const struct fields *group = &dsn->groups[0];
    cr_assert(eq(sz, dsn->group_count, 1));
    cr_assert(eq(str, field(group, "Action"), "delayed"));
    cr_assert(eq(str, field(group, "Status"), "4.7.5"));
    cr_assert(eq(str, field(group, "X-Daneway-Reason"), "tlsa-mismatch"));
    /* 432000 s after its arrival, 14000 s before 10:00 */
    cr_assert(eq(str, field(group, "Will-Retry-Until"), "Thu, 3 Dec 2026 06:06:40 +0000"));
    cr_assert(eq(str, dsn->parts[2].body, "Subject: x\r\n"));
    cr_assert(strstr(dsn->parts[0].body, "could not prove its identity") != NULL);
    cr_assert(eq(u64, result_counters(result).notices, 1));
    fake_loop_run(loop, 600000);
    cr_assert(eq(uint, spool->told_count, 1));
}

/* covers: DSN-10 */
Test(delay, one_notice_for_a_message)
{
    wait_for("bob@example.net", 20000);
    wait_for("carol@example.com", 20000);
    wait_for("dave@example.org", 20000)->message = 78;
    spool->late[2]->recipients[0].notify = NOTIFY_NEVER;
    spool->late_hold = (struct destination_hold){true, "connect-timeout", "no host answers"};
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, spool->told_count, 2));
    cr_assert(eq(sz, spool->told[0].deliveries, 2));
    struct dsn *dsn = notice_told(0);
    cr_assert(eq(sz, dsn->group_count, 2));
    cr_assert(eq(str, field(&dsn->header, "Subject"), "Mail is delayed to 2 recipients"));
    cr_assert(eq(str, field(&dsn->groups[1], "Final-Recipient"), "rfc822; carol@example.com"));
    cr_assert(eq(str, field(&dsn->groups[1], "Status"), "4.4.1"));
    cr_assert(strstr(dsn->parts[0].body, "no host answers") != NULL);
    cr_assert(spool->told[1].notice == NULL); /* marked, so that it is not looked at for ever */
}

/* covers: DSN-10 DSN-01 */
Test(delay, not_told)
{
    wait_for("bob@example.net", 20000)->recipients[0].notify = NOTIFY_SUCCESS | NOTIFY_FAILURE;
    wait_for("bob@example.net", 20000)->envelope.sender = "";
    wait_for("bob@example.net", 20000)->envelope.tls_report = true;
    spool->late[1]->message = 78;
    spool->late[2]->message = 79;
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, spool->told_count, 3));
    for (unsigned i = 0; i < 3; i++)
        cr_assert(spool->told[i].notice == NULL);
    cr_assert(eq(uint, spool->reads, 0));
    cr_assert(eq(u64, result_counters(result).notices, 0));
}

/* It has waited for its turn only. */
Test(delay, nothing_is_known)
{
    wait_for("bob@example.net", 20000);
    fake_loop_run(loop, 60000);
    struct dsn *dsn = notice_told(0);
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "4.0.0"));
    cr_assert(strstr(dsn->parts[0].body, "not been its turn") != NULL);
}

/* covers: DSN-10 */
Test(delay, off)
{
    result_free(&result);
    settings.delay_notice = 0;
    result = result_create(loop, spool, "gw.example.com", &settings, on_settled, NULL);
    wait_for("bob@example.net", 400000);
    fake_loop_run(loop, 3600000);
    cr_assert(eq(uint, spool->looks, 0));
}

Test(delay, a_store_that_fails_is_asked_again_later)
{
    spool->told_result = SPOOL_FAILED;
    wait_for("bob@example.net", 20000);
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, spool->told_count, 1));
    cr_assert(eq(u64, result_counters(result).notices, 0));
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, spool->looks, 2));
}

Test(delay, ends_while_the_header_is_read)
{
    spool->chunks_hang = true;
    wait_for("bob@example.net", 20000);
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, spool->reads, 1));
    result_free(&result);
    cr_assert(eq(uint, spool->told_count, 0));
}
