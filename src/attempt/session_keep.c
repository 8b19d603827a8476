/* session_keep: a session between two messages, and whether it may carry the next one.
 * Owns: the appraisal: the terms on which the present verdict was given, and for how long it holds.
 * Requirements TLS-15, QUEUE-07, RTLS-12, T-19. A session is judged anew by the functions that judge a fresh one, on what the
 * peer has shown; only where terms, peer and dates are the same, the verdict is not worked out again.
 * Must never let a session pass that would not pass were it opened now. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "attempt/session_inside.h"
#include "base/cleanup.h"
#include "daneway/policy.h"

/* Roots may expire, too, and their dates are not looked at here. */
enum { VERDICT_KEPT_S = 60 };

struct appraisal {
    struct arena *arena;
    const char *server_name, *priority; /* of the handshake; NULL */
    int64_t valid_from, valid_until;    /* no certificate of the chain begins or ends in between */
    struct slice terms;
    int64_t judged_at;
    size_t matched; /* index + 1 of the TLSA record; 0: none */
    struct arena *texts;
};

void appraisal_free(struct appraisal **appraisal)
{
    if (*appraisal == NULL)
        return;
    arena_free(&(*appraisal)->arena);
    arena_free(&(*appraisal)->texts);
    free(*appraisal);
    *appraisal = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *copy(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

/* The time around `now` in which the chain is as valid, or as invalid, as it is now. */
static void find_validity(struct appraisal *appraisal, const struct peer *peer, int64_t now)
{
    struct arena *arena = arena_create();
    appraisal->valid_from = INT64_MIN;
    appraisal->valid_until = INT64_MAX;
    for (size_t i = 0; peer != NULL && i < peer->chain_count; i++) {
        struct certificate_facts facts = certificate_describe(arena, &peer->chain[i]);
        const int64_t edges[] = {facts.not_before, (int64_t)facts.not_after + 1};
        for (size_t k = 0; k < 2; k++) {
            if (edges[k] <= now && edges[k] > appraisal->valid_from)
                appraisal->valid_from = edges[k];
            if (edges[k] > now && edges[k] < appraisal->valid_until)
                appraisal->valid_until = edges[k];
        }
    }
    arena_free(&arena);
}

/* The terms change with each judgement, the rest stays for the life of the session. */
static void remember(struct session *session, const struct plan_host *host, int64_t now)
{
    struct appraisal *appraisal = session->appraisal;
    const struct tlsa_record *matched = session->facts.verdict.matched;
    arena_free(&appraisal->texts);
    appraisal->texts = arena_create();
    appraisal->terms = plan_host_terms(appraisal->texts, host);
    appraisal->judged_at = now;
    appraisal->matched = matched != NULL ? (size_t)(matched - host->records) + 1 : 0;
    if (now < appraisal->valid_from || now >= appraisal->valid_until)
        find_validity(appraisal, session->facts.peer, now);
}

static void begin_appraisal(struct session *session)
{
    const struct plan_host *host = session->parts.host;
    struct appraisal *appraisal = x_calloc(1, sizeof(*appraisal));
    int64_t now = loop_wall(session->parts.loop);
    appraisal->arena = arena_create();
    appraisal->texts = arena_create();
    appraisal->server_name = copy(appraisal->arena, host->server_name);
    appraisal->priority = copy(appraisal->arena, host->priority);
    find_validity(appraisal, session->facts.peer, now);
    session->appraisal = appraisal;
    remember(session, host, now);
    appraisal->judged_at = session->facts.started; /* it was judged then or later */
}

bool session_is_open(const struct session *session)
{
    return session->state == STATE_READY && !session->spoilt;
}

void session_park(struct session *session, session_fn *fn, void *arg)
{
    assert(session->parts.host != NULL);
    if (session->appraisal == NULL)
        begin_appraisal(session);
    session->parts.host = NULL;
    session->parts.note = NULL;
    session->facts.verdict.matched = NULL;
    session_lend(session, fn, arg);
}

static bool still_holds(const struct appraisal *appraisal, struct slice terms, int64_t now)
{
    return now >= appraisal->valid_from && now < appraisal->valid_until &&
           now >= appraisal->judged_at && now - appraisal->judged_at < VERDICT_KEPT_S &&
           slice_equal(terms, appraisal->terms);
}

static void keep_verdict(struct session *session, struct verdict *verdict)
{
    struct session_facts *facts = &session->facts;
    struct arena *texts = session->appraisal->texts; /* made anew by remember() */
    verdict->detail = copy(texts, verdict->detail);
    for (size_t i = 0; i < verdict->result_count; i++) {
        struct policy_result *result = &verdict->results[i];
        result->detail = copy(texts, result->detail);
        for (size_t k = 0; k < result->further.count; k++)
            result->further.list[k].detail = copy(texts, result->further.list[k].detail);
    }
    facts->verdict = *verdict;
    memcpy(facts->results, verdict->results, sizeof(facts->results));
    facts->result_count = verdict->result_count;
}

/* Without TLS: only where a fresh connection would go on without it as well. */
static bool passes_in_clear(struct session *session, const struct plan_host *host)
{
    struct verdict verdict = policy_after_ehlo(host, &session->facts.capabilities);
    if (verdict.action != VERDICT_GO_ON)
        return false;
    keep_verdict(session, &verdict);
    return true;
}

static bool passes_anew(struct session *session, const struct plan_host *host, struct arena *arena,
                        int64_t now)
{
    struct session_facts *facts = &session->facts;
    struct verdict verdict = policy_after_handshake(arena, host, facts->peer, (time_t)now);
    if (verdict.action != VERDICT_GO_ON)
        return false;
    struct verdict second = policy_after_second_ehlo(host, &facts->capabilities);
    if (second.action != VERDICT_GO_ON)
        return false;
    facts->verdict.matched = verdict.matched;
    facts->requiretls = second.requiretls;
    remember(session, host, now);
    keep_verdict(session, &verdict);
    return true;
}

/* Under TLS: the handshake must be the one that would be made, and its verdict good. */
static bool passes(struct session *session, const struct plan_host *host)
{
    struct appraisal *appraisal = session->appraisal;
    int64_t now = loop_wall(session->parts.loop);
    if (session->facts.peer == NULL)
        return passes_in_clear(session, host);
    if (host->need == PROTECTION_NONE || !same_text(host->server_name, appraisal->server_name) ||
        !same_text(host->priority, appraisal->priority))
        return false;
    struct arena *arena = arena_create();
    bool passed = true;
    if (!still_holds(appraisal, plan_host_terms(arena, host), now))
        passed = passes_anew(session, host, arena, now);
    else if (appraisal->matched > 0)
        session->facts.verdict.matched = &host->records[appraisal->matched - 1];
    arena_free(&arena);
    return passed;
}

bool session_serve(struct session *session, const struct plan_host *host, note_fn *note,
                   void *note_arg)
{
    assert(session->parts.host == NULL && session->appraisal != NULL);
    if (!session_is_open(session) || !passes(session, host))
        return false;
    session->parts.host = host;
    session->parts.note = note;
    session->parts.note_arg = note_arg;
    session_lend(session, NULL, NULL);
    return true;
}
