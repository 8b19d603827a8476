/* watch: see watch.h.
 * Owns: nothing.
 * The second connection to a host, without TLS, tells nothing of TLS: the one before it has.
 * Must never take a host that was met in clear despite its past for one that was always so. */
#include "attempt/watch.h"

static struct seen_note begin(const struct watch *watch, const char *host)
{
    const struct evidence *evidence = watch->evidence;
    const struct sts_evidence *sts = &evidence->sts;
    bool in_force = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    return (struct seen_note){.key = evidence->seen.key,
                              .host = host,
                              .now = watch->now,
                              .sts = in_force && sts->policy.mode == STS_MODE_ENFORCE,
                              .sts_expires = sts->expires,
                              .queue_id = watch->delivery->queue_id};
}

static void add_losses_of_plan(struct seen_note *note, const struct plan *plan)
{
    for (size_t i = 0; i < plan->downgrade_count; i++) {
        const struct downgrade *downgrade = &plan->downgrades[i];
        note->losses[note->loss_count++] = (struct seen_loss){.what = downgrade->what,
                                                              .host = "",
                                                              .proven = downgrade->proven,
                                                              .seen = downgrade->seen,
                                                              .text = downgrade->text};
    }
}

/* It could not be had, and that is all that the plan minds. */
static bool is_without_tls(const struct session_facts *facts)
{
    return facts->peer == NULL && facts->judged && facts->result_count > 0;
}

static void add_tls(struct seen_note *note, const struct plan_host *host,
                    const struct session_facts *facts)
{
    note->tls = facts->peer != NULL;
    note->dane = note->tls && facts->verdict.verified && host->applied == POLICY_TLSA;
    if (!is_without_tls(facts))
        return;
    note->clear = host->tls_seen == 0 && host->need <= PROTECTION_MAY;
    if (host->tls_memory == NULL)
        return;
    note->held |= host->tls_held;
    note->losses[note->loss_count++] = (struct seen_loss){.what = SEEN_TLS,
                                                          .host = host->host->name,
                                                          .seen = host->tls_seen,
                                                          .text = host->tls_memory};
}

void watch_session(const struct watch *watch, const struct plan_host *host,
                   const struct session_facts *facts, bool ready)
{
    if (watch->delivery == NULL || watch->evidence->seen.key == NULL)
        return;
    struct seen_note note = begin(watch, host->host->name);
    if (ready)
        add_losses_of_plan(&note, watch->plan);
    if (!facts->clear)
        add_tls(&note, host, facts);
    if (note.tls || note.clear || note.loss_count > 0)
        resolver_note_seen(watch->resolver, &note);
}

void watch_refusal(const struct watch *watch)
{
    if (watch->delivery == NULL || watch->evidence->seen.key == NULL ||
        watch->plan->reason != REASON_DOWNGRADED)
        return;
    struct seen_note note = begin(watch, "");
    note.held = true;
    add_losses_of_plan(&note, watch->plan);
    resolver_note_seen(watch->resolver, &note);
}
