/* cross: see cross.h.
 * Owns: the certificates, the roots and the fingerprints of the tests.
 * Must never be linked into anything but tests. */
#include "cross.h"

#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "scene.h"

static struct issued *leaves[SERVER_CASES];
static struct tlsa_record published;
static struct roots *trusted;
static struct fingerprint fingerprint;
static struct row_attributes attributes;
static const struct table_row fingerprint_row = {"example.com", 1, LEVEL_FINGERPRINT, &attributes};

void cross_open(void)
{
    struct err err;
    scene_open();
    struct issued *root = issue((struct wish){.subject = "Root", .ca = true});
    struct issued *both =
        issue((struct wish){.dns = {"mx0.example.com", "example.com"}, .issuer = root});
    leaves[SERVER_BOTH] = both;
    leaves[SERVER_PUBLISHED] = issue((struct wish){.dns = {"other.example"}, .same_key = both});
    leaves[SERVER_CA] =
        issue((struct wish){.dns = {"mx0.example.com", "example.com"}, .issuer = root});
    leaves[SERVER_NEITHER] = issue((struct wish){.dns = {"mx0.example.com"}});
    published = tlsa_for(both, 3, 1, 1);
    memcpy(fingerprint.sha256, published.data, sizeof(fingerprint.sha256));
    attributes = (struct row_attributes){.fingerprints = &fingerprint, .fingerprint_count = 1};
    if (roots_create(&trusted, slice_of(pem_of(root)), &err) != 0)
        abort();
    scene_settings.roots = trusted;
}

void cross_close(void)
{
    roots_free(&trusted);
    scene_close();
    certs_release();
}

/* --- evidence and demands --------------------------------------------------------------------- */

static void set_dane(struct evidence *evidence, enum dane_case dane)
{
    struct evidence_host *host = &evidence->hosts[0];
    if (dane == DANE_ABSENT)
        scene_no_tlsa(host);
    if (dane == DANE_UNSIGNED) {
        scene_insecure_mx(evidence);
        scene_not_asked_tlsa(evidence);
    }
    if (dane == DANE_USABLE)
        host->tlsa_records[0] = published;
    if (dane == DANE_UNUSABLE)
        host->tlsa_records[0].usage = 1;
    if (dane == DANE_FAILS)
        scene_tlsa_failed(host);
}

static void set_sts(struct evidence *evidence, enum sts_case sts)
{
    static const char *listed[] = {"mail.example.com", "*.example.com"};
    static const char *others[] = {"mail.example.com", "*.example.net"};
    static const char *lines[] = {"version: STSv1"};
    struct sts_evidence *facts = &evidence->sts;
    *facts = (struct sts_evidence){.source = STS_NO_POLICY};
    if (sts == STS_LOOKUP_FAILS) {
        facts->source = STS_LOOKUP_FAILED;
        facts->record = (struct dns_fact){.status = DNS_FAILED, .why = "SERVFAIL"};
    }
    if (sts == STS_FETCH_FAILS) {
        facts->record_id = "1";
        facts->failure = REASON_STS_FETCH_FAILED;
        facts->failure_text = "404";
    }
    if (sts < STS_NONE)
        return;
    bool unlisted = sts == STS_TESTING_UNLISTED || sts == STS_ENFORCE_UNLISTED;
    facts->source = STS_CACHED;
    facts->policy = (struct sts_policy){.mode = sts == STS_NONE     ? STS_MODE_NONE
                                                : sts < STS_ENFORCE ? STS_MODE_TESTING
                                                                    : STS_MODE_ENFORCE,
                                        .mx = unlisted ? others : listed,
                                        .mx_count = 2,
                                        .lines = lines,
                                        .line_count = 1};
}

static struct demands demands_of(const struct situation *situation)
{
    return (struct demands){
        .level = situation->level,
        .rule = "tls_policy:1",
        .row = situation->level == LEVEL_FINGERPRINT ? &fingerprint_row : NULL,
        .minimum = situation->minimum,
        .requiretls = situation->message == MESSAGE_REQUIRETLS ||
                      situation->message == MESSAGE_REQUIRETLS_NOTICE,
        .requiretls_mode = situation->mode,
        .tls_optional = situation->message == MESSAGE_TLS_OPTIONAL,
        .null_sender = situation->message == MESSAGE_REQUIRETLS_NOTICE,
    };
}

/* --- the attempt ------------------------------------------------------------------------------ */

static const char *report_of(const struct verdict *verdict)
{
    static const char *const types[] = {
        [POLICY_NOT_FOUND] = "no policy", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};
    const char *text = "";
    for (size_t i = 0; i < verdict->result_count; i++) {
        const struct policy_result *result = &verdict->results[i];
        const char *fared =
            result->met ? "success" : result_type_name(reason_row(result->reason)->result);
        text = arena_printf(scene_arena, "%s%s%s: %s", text, i > 0 ? ", " : "",
                            types[result->policy], fared);
    }
    return text;
}

static struct ending sent(enum ending_kind kind, const char *report)
{
    return (struct ending){.kind = kind, .report = report};
}

static struct ending not_sent(enum reason reason, const char *report)
{
    bool temporary = reason_row(reason)->permanence == TEMPORARY;
    return (struct ending){.kind = temporary ? HELD : RETURNED, .reason = reason, .report = report};
}

static struct ending after_tls(const struct plan_host *host, const struct situation *situation)
{
    struct peer peer = {.protocol = "TLSv1.3", .chain_count = 1};
    peer.chain = &leaves[situation->server]->der;
    struct verdict verdict = policy_after_handshake(scene_arena, host, &peer, NOW);
    const char *report = report_of(&verdict);
    if (verdict.action != VERDICT_GO_ON)
        return not_sent(verdict.reason, report);
    struct ending ending = sent(verdict.verified ? SENT_VERIFIED : SENT_ENCRYPTED, report);
    struct capabilities capabilities = {.esmtp = true, .requiretls = situation->offers};
    verdict = policy_after_second_ehlo(host, &capabilities);
    if (verdict.action != VERDICT_GO_ON)
        return not_sent(verdict.reason, report);
    ending.requiretls = verdict.requiretls;
    return ending;
}

static struct ending session(const struct plan_host *host, const struct situation *situation)
{
    enum server_case server = situation->server;
    /* What is listed before TLS must not count (RTLS-10). */
    struct capabilities capabilities = {
        .esmtp = true, .starttls = server != SERVER_NO_STARTTLS, .requiretls = true};
    struct verdict verdict = policy_after_ehlo(host, &capabilities);
    if (verdict.action == VERDICT_STARTTLS && server >= SERVER_NEITHER)
        return after_tls(host, situation);
    if (verdict.action == VERDICT_STARTTLS)
        verdict = server == SERVER_STARTTLS_REFUSED ? policy_after_starttls_refused(host)
                                                    : policy_after_handshake_failed(host, "alert");
    return verdict.action == VERDICT_SKIP_HOST ? not_sent(verdict.reason, report_of(&verdict))
                                               : sent(SENT_CLEAR, report_of(&verdict));
}

struct ending cross_follow(const struct situation *situation)
{
    arena_free(&scene_arena);
    scene_arena = arena_create();
    struct evidence *evidence = scene("auto", 1);
    set_dane(evidence, situation->dane);
    set_sts(evidence, situation->sts);
    struct demands demands = demands_of(situation);
    if (!demands_want_dane(&demands))
        scene_not_asked_tlsa(evidence);
    struct plan *plan = policy_plan(scene_arena, evidence, &demands, &scene_settings, 1);
    struct ending last =
        not_sent(plan->action == PLAN_TRY ? REASON_GATEWAY_FAILED : plan->reason, "");
    bool any = false;
    for (size_t i = 0; i < plan->host_count; i++) {
        const struct plan_host *host = &plan->hosts[i];
        struct ending ending =
            host->skip != REASON_NONE ? not_sent(host->skip, "") : session(host, situation);
        if (ending.kind < HELD)
            return ending;
        if (!any || ending.kind == HELD || last.kind == RETURNED)
            last = ending;
        any = true;
    }
    return last;
}

/* --- words ------------------------------------------------------------------------------------ */

const char *ending_text(const struct ending *ending)
{
    static const char *const words[] = {"clear", "encrypted", "verified", "held", "returned"};
    if (ending->kind < HELD)
        return words[ending->kind];
    return arena_printf(scene_arena, "%s %s %s", words[ending->kind], reason_status(ending->reason),
                        reason_row(ending->reason)->name);
}

static const char *const dane_words[] = {
    [DANE_ABSENT] = "no records",      [DANE_UNSIGNED] = "not signed", [DANE_USABLE] = "usable",
    [DANE_UNUSABLE] = "only unusable", [DANE_FAILS] = "look-up fails", NULL};
static const char *const sts_words[] = {[STS_ABSENT] = "no policy",
                                        [STS_LOOKUP_FAILS] = "look-up fails",
                                        [STS_FETCH_FAILS] = "fetch fails",
                                        [STS_NONE] = "none",
                                        [STS_TESTING] = "testing",
                                        [STS_TESTING_UNLISTED] = "testing, unlisted",
                                        [STS_ENFORCE] = "enforce",
                                        [STS_ENFORCE_UNLISTED] = "enforce, unlisted",
                                        NULL};
static const char *const message_words[] = {[MESSAGE_ORDINARY] = "ordinary",
                                            [MESSAGE_REQUIRETLS] = "REQUIRETLS",
                                            [MESSAGE_REQUIRETLS_NOTICE] = "REQUIRETLS notice",
                                            [MESSAGE_TLS_OPTIONAL] = "TLS-Required: No",
                                            NULL};
static const char *const server_words[] = {[SERVER_NO_STARTTLS] = "no STARTTLS",
                                           [SERVER_STARTTLS_REFUSED] = "STARTTLS refused",
                                           [SERVER_HANDSHAKE_FAILS] = "handshake fails",
                                           [SERVER_NEITHER] = "unknown certificate",
                                           [SERVER_CA] = "CA certificate",
                                           [SERVER_PUBLISHED] = "published key",
                                           [SERVER_BOTH] = "both",
                                           NULL};
static const char *const offer_words[] = {"no", "yes", NULL};
static const char *const mode_words[] = {"enforce", "opportunistic+starttls", "opportunistic",
                                         "disable", NULL};

static const char *const *vocabulary(const char *column)
{
    static const char *levels[LEVEL_COUNT + 1];
    for (enum tls_level level = LEVEL_NONE; level < LEVEL_COUNT; level++)
        levels[level] = tls_level_name(level);
    return strcmp(column, "DANE") == 0                 ? dane_words
           : strcmp(column, "MTA-STS") == 0            ? sts_words
           : strcmp(column, "level") == 0              ? levels
           : strcmp(column, "minimum") == 0            ? levels
           : strcmp(column, "message") == 0            ? message_words
           : strcmp(column, "host") == 0               ? server_words
           : strcmp(column, "requiretls=") == 0        ? mode_words
           : strcmp(column, "REQUIRETLS offered") == 0 ? offer_words
                                                       : NULL;
}

int cross_count(const char *column)
{
    const char *const *words = vocabulary(column);
    int count = 0;
    while (words != NULL && words[count] != NULL)
        count++;
    return count;
}

int cross_word(const char *column, const char *word)
{
    const char *const *words = vocabulary(column);
    for (int i = 0; words != NULL && words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

void cross_set(struct situation *situation, const char *column, int value)
{
    if (strcmp(column, "DANE") == 0)
        situation->dane = (enum dane_case)value;
    else if (strcmp(column, "MTA-STS") == 0)
        situation->sts = (enum sts_case)value;
    else if (strcmp(column, "level") == 0)
        situation->level = (enum tls_level)value;
    else if (strcmp(column, "minimum") == 0)
        situation->minimum = TLS_LEVEL_BIT(value);
    else if (strcmp(column, "message") == 0)
        situation->message = (enum message_case)value;
    else if (strcmp(column, "host") == 0)
        situation->server = (enum server_case)value;
    else if (strcmp(column, "requiretls=") == 0)
        situation->mode = (enum requiretls_mode)value;
    else
        situation->offers = value != 0;
}

const char *situation_text(const struct situation *situation)
{
    return arena_printf(scene_arena, "DANE %s | MTA-STS %s | %s +%#x | %s %s | %s | offered: %s",
                        dane_words[situation->dane], sts_words[situation->sts],
                        tls_level_name(situation->level), situation->minimum,
                        message_words[situation->message], mode_words[situation->mode],
                        server_words[situation->server], offer_words[situation->offers]);
}
