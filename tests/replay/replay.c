/* replay: plays one scenario: the real attempt, policy and wire code against a script, on a virtual clock.
 * Owns: the delivery and the conductor of the run.
 * Exit status 0: all was as expected; 1: something differs, and is printed.
 * Must never touch the network. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "replay.h"

struct run {
    struct loop *loop;
    struct conductor *conductor;
    struct table *table, *shadow;
    struct mailboxes *mailboxes;
    struct attempt *attempt;
    struct delivery *delivery;
    struct loop_timer *pause;
    bool done, verbose;
    int64_t ended_ms;
};

/* Instead of the system's: scenarios are the same each time. */
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    (void)flags;
    memset(buffer, 0, length);
    memcpy(buffer, &scenario.seed, length < sizeof(scenario.seed) ? length : sizeof(scenario.seed));
    return (ssize_t)length;
}

static void check_shape(const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->recipient_count; i++) {
        const struct recipient_outcome *recipient = &outcome->recipients[i];
        char class = "245"[recipient->disposition];
        if (recipient->status == NULL || recipient->status[0] != class)
            differs(0, "the status %s does not fit", recipient->status);
        if (recipient->text == NULL || strchr(recipient->text, '\n') != NULL)
            differs(0, "no one-line text");
    }
}

/* The scripts are checked after the last session has said QUIT. */
static struct outcome kept;

static void keep_texts(const char *const **texts, size_t count)
{
    const char **copy = arena_alloc(scenario.arena, (count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_strdup(scenario.arena, (*texts)[i]);
    *texts = copy;
}

static void keep(const struct outcome *outcome)
{
    kept = *outcome;
    struct arena *arena = scenario.arena;
    kept.recipients = arena_memdup(arena, outcome->recipients,
                                   outcome->recipient_count * sizeof(*outcome->recipients));
    for (size_t i = 0; i < outcome->recipient_count; i++) {
        struct recipient_outcome *recipient = &kept.recipients[i];
        recipient->status = arena_strdup(arena, recipient->status);
        recipient->text = arena_strdup(arena, recipient->text);
        recipient->tls = arena_strdup(arena, recipient->tls);
        const char **texts[] = {&recipient->judged_by.policy, &recipient->judged_by.rule,
                                &recipient->judged_by.mx, &recipient->judged_by.certificate};
        for (size_t k = 0; k < 4; k++)
            *texts[k] = *texts[k] != NULL ? arena_strdup(arena, *texts[k]) : "-";
        if (recipient->protection != NULL)
            recipient->protection = arena_strdup(arena, recipient->protection);
        if (recipient->remote != NULL)
            recipient->remote = arena_strdup(arena, recipient->remote);
    }
    kept.trace = arena_strdup(arena, outcome->trace);
}

static void keep_failures(struct session_record *record)
{
    struct session_failure *copy =
        arena_memdup(scenario.arena, record->failures, record->failure_count * sizeof(*copy));
    for (size_t i = 0; i < record->failure_count; i++)
        if (copy[i].reason_code != NULL)
            copy[i].reason_code = arena_strdup(scenario.arena, copy[i].reason_code);
    record->failures = copy;
}

static void on_count(void *arg, const struct session_record *records, size_t count)
{
    (void)arg;
    size_t before = scenario.counted_count;
    struct session_record *all = arena_alloc(scenario.arena, (before + count) * sizeof(*all));
    if (before > 0)
        memcpy(all, scenario.counted, before * sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        struct session_record *record = &all[before + i];
        *record = records[i];
        if (record->mx_name != NULL)
            record->mx_name = arena_strdup(scenario.arena, record->mx_name);
        record->policy_domain = arena_strdup(scenario.arena, record->policy_domain);
        keep_texts(&record->policy_strings, record->policy_string_count);
        keep_texts(&record->mx_patterns, record->mx_pattern_count);
        if (record->failures != NULL)
            keep_failures(record);
    }
    scenario.counted = all;
    scenario.counted_count = before + count;
}

static struct table *make_table(const char *name, const struct buffer *text)
{
    struct table *table = NULL;
    struct err err;
    if (table_parse(&table, name, buffer_slice(text), &err) != 0)
        differs(0, "%s", err.text);
    return table;
}

static void use_table(struct run *run)
{
    struct table *old = run->table, *old_shadow = run->shadow;
    run->table = scenario.table.len > 0 ? make_table("tls_policy", &scenario.table) : NULL;
    run->shadow = scenario.shadow_given ? make_table("shadow", &scenario.shadow) : NULL;
    conductor_use_table(run->conductor, run->table);
    conductor_use_shadow_table(run->conductor, run->shadow);
    conductor_use_mailboxes(run->conductor, run->mailboxes);
    table_free(&old);
    table_free(&old_shadow);
}

static void on_reload(void *arg)
{
    use_table(arg);
}

static void on_done(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    struct run *run = arg;
    if (run->done)
        differs(0, "the attempt ended twice");
    run->attempt = NULL;
    run->ended_ms = loop_now(run->loop);
    check_shape(outcome);
    keep(outcome);
    if (run->verbose)
        printf("%s\n", outcome->trace);
    run->done = scenario.turn == scenario.agains;
    if (run->done)
        return;
    run->delivery = delivery;
    scenario_change();
    scenario.counted_count = 0;
    loop_timer_set(run->pause, (int64_t)scenario.pause * 1000);
}

static void on_pause_over(void *arg)
{
    struct run *run = arg;
    run->delivery->envelope = scenario.envelope;
    run->delivery->recipients = scenario.recipients;
    run->delivery->recipient_count = scenario.recipient_count;
    if (scenario.table_changed)
        use_table(run);
    run->attempt = attempt_deliver(run->conductor, run->delivery, on_done, run);
}

static void on_cancel(void *arg)
{
    struct run *run = arg;
    attempt_cancel(&run->attempt);
}

static void start(struct run *run, struct delivery *delivery)
{
    if (scenario.mode == ATTEMPT_DELIVER)
        run->attempt = attempt_deliver(run->conductor, delivery, on_done, run);
    else
        scenario.examined = (struct examined){.next_hop = scenario.next_hop,
                                              .recipient = delivery->recipients[0].address,
                                              .sender = delivery->envelope.sender,
                                              .requiretls = delivery->envelope.requiretls};
    if (scenario.mode != ATTEMPT_DELIVER)
        run->attempt =
            attempt_examine(run->conductor, &scenario.examined, scenario.mode, on_done, run);
}

static void play(struct run *run)
{
    struct tls_client *tls = tls_client_create();
    struct delivery *delivery = delivery_create();
    delivery->next_hop = scenario.next_hop;
    delivery->envelope = scenario.envelope;
    delivery->recipients = scenario.recipients;
    delivery->recipient_count = scenario.recipient_count;
    struct conductor_parts parts = {
        .loop = run->loop,
        .resolver = fake_resolver(run->loop),
        .tls = tls,
        .spool = fake_spool(run->loop),
        .settings = &scenario.settings,
        .bounce_nexthop = scenario.bounce_nexthop,
        .queue = &scenario.queue,
        .count = on_count,
    };
    struct roots *roots = authority_roots();
    scenario.settings.policy.roots = roots;
    struct err err;
    if (scenario.mailboxes.len > 0 &&
        mailboxes_parse(&run->mailboxes, "mailboxes", buffer_slice(&scenario.mailboxes), &err) != 0)
        differs(0, "%s", err.text);
    run->conductor = conductor_create(&parts);
    use_table(run);
    run->pause = loop_timer_create(run->loop, on_pause_over, run);
    struct loop_timer *cancel = loop_timer_create(run->loop, on_cancel, run);
    if (scenario.cancel_after > 0)
        loop_timer_set(cancel, (int64_t)scenario.cancel_after * 1000);
    if (scenario.reload)
        loop_post(run->loop, on_reload, run);
    start(run, delivery);
    loop_run(run->loop);
    conductor_free(&run->conductor);
    loop_timer_free(&cancel);
    loop_timer_free(&run->pause);
    loop_run(run->loop); /* what was retired */
    delivery_free(&delivery);
    tls_client_free(&tls);
    table_free(&run->table);
    table_free(&run->shadow);
    mailboxes_free(&run->mailboxes);
    roots_free(&roots);
}

static void clean_up(void)
{
    for (size_t i = 0; i < scenario.said_count; i++)
        free(scenario.said[i].text);
    free(scenario.said);
    buffer_release(&scenario.table);
    buffer_release(&scenario.shadow);
    buffer_release(&scenario.mailboxes);
    buffer_release(&scenario.content);
    arena_free(&scenario.arena);
    certificates_free();
}

int main(int argc, char **argv)
{
    struct run run = {.verbose = argc == 3 && strcmp(argv[1], "-v") == 0};
    if (argc != 2 && !run.verbose) {
        fprintf(stderr, "usage: replay [-v] FILE.scn\n");
        return 2;
    }
    certificates_make();
    if (scenario_read(argv[argc - 1]) == 0) {
        run.loop = loop_create();
        play(&run);
        loop_free(&run.loop);
        if (run.done == (scenario.cancel_after > 0))
            differs(0, run.done ? "it ended before it was cancelled" : "the attempt never ended");
        else
            check_expectations(&kept, run.ended_ms);
    }
    printf("%s %s\n", scenario.failures == 0 ? "ok" : "not ok", scenario.file);
    int status = scenario.failures == 0 ? 0 : 1;
    clean_up();
    return status;
}
