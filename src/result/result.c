/* result: see result.h. Each recipient's outcome becomes a log line, a row update and, if it
 * failed or the sender asked to hear of success, a part of a notice.
 * Owns: the counters, and the settlings under way. Here an outcome meets the queue lifetime: what
 * would be deferred past it is returned (QUEUE-02, CODE-07).
 * Must never count or log a recipient twice, however often the store has to be asked. */
#include "result/result.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "result/settling.h"

struct result *result_create(struct loop *loop, struct spool *spool, const char *hostname,
                             const struct queue_settings *settings, result_settled_fn *fn,
                             void *arg)
{
    struct result *result = x_calloc(1, sizeof(*result));
    result->loop = loop;
    result->spool = spool;
    result->hostname = hostname;
    result->settings = settings;
    result->fn = fn;
    result->arg = arg;
    LIST_INIT(&result->settlings);
    result->delay = delay_create(result);
    return result;
}

void result_free(struct result **result)
{
    if (*result == NULL)
        return;
    delay_free(&(*result)->delay);
    while (!LIST_EMPTY(&(*result)->settlings)) {
        struct settling *settling = LIST_FIRST(&(*result)->settlings);
        LIST_REMOVE(settling, link);
        settling_cancel(settling);
    }
    free(*result);
    *result = NULL;
}

struct result_counters result_counters(const struct result *result)
{
    return result->counters;
}

void result_on_report(struct result *result, result_report_fn *fn, void *arg)
{
    result->report_fn = fn;
    result->report_arg = arg;
}

void result_on_decision(struct result *result, result_decision_fn *fn, void *arg)
{
    result->decision_fn = fn;
    result->decision_arg = arg;
}

/* What is known of one recipient at the end of an attempt, or of its last one. */
struct finding {
    const struct recipient *recipient;
    enum disposition disposition;
    enum reason reason;
    const char *status, *text, *remote, *remote_name, *reply, *level, *tls, *protection;
    struct judged_by judged_by;
    struct {
        int64_t slot_ms, setup_ms, transmission_ms;
    } delays; /* of the last attempt; 0 where there was none */
    bool expired;
    bool dsn; /* the host that it was delivered to tells the sender itself */
};

static const char *copied(struct settling *settling, const char *text)
{
    return text != NULL ? arena_strdup(settling->arena, text) : NULL;
}

static struct judged_by judged_by_copied(struct settling *settling, const struct judged_by *of)
{
    return (struct judged_by){.policy = copied(settling, of->policy),
                              .rule = copied(settling, of->rule),
                              .mx = copied(settling, of->mx),
                              .certificate = copied(settling, of->certificate)};
}

static void count(struct result_counters *counters, const struct finding *finding)
{
    if (finding->disposition == DEFERRED)
        counters->deferred++;
    else if (finding->disposition == BOUNCED)
        counters->bounced++;
    if (finding->disposition != DELIVERED) {
        counters->reasons[finding->reason]++;
        return;
    }
    counters->delivered++;
    const char *tls = finding->tls != NULL ? finding->tls : "";
    if (strcmp(tls, "dane-verified") == 0)
        counters->dane_verified++;
    else if (strcmp(tls, "verified") == 0)
        counters->verified++;
    else if (strcmp(tls, "clear") == 0)
        counters->clear++;
    else if (tls[0] != '\0')
        counters->encrypted++;
}

static const char *const verdicts[] = {
    [DELIVERED] = "delivered", [DEFERRED] = "deferred", [BOUNCED] = "bounced"};

/* "86/0.004/0.132/0.021", as Postfix has it: before the attempt / waiting for a slot / DNS, connection and TLS /
 * transmission. Arrival is known to the second. */
static const char *delays_text(const struct settling *settling, const struct finding *finding,
                               int64_t delay)
{
    int64_t slot = finding->delays.slot_ms, setup = finding->delays.setup_ms,
            transmission = finding->delays.transmission_ms;
    int64_t before = delay - (slot + setup + transmission) / 1000;
    return arena_printf(settling->arena, "%lld/%lld.%03lld/%lld.%03lld/%lld.%03lld",
                        (long long)(before > 0 ? before : 0), (long long)(slot / 1000),
                        (long long)(slot % 1000), (long long)(setup / 1000),
                        (long long)(setup % 1000), (long long)(transmission / 1000),
                        (long long)(transmission % 1000));
}

static void log_finding(const struct settling *settling, const struct finding *finding)
{
    const struct delivery *delivery = settling->delivery;
    int64_t delay = loop_wall(settling->result->loop) - delivery->envelope.arrival;
    struct log_line line;
    log_begin(&line, LOG_LEVEL_INFO, verdicts[finding->disposition]);
    log_text(&line, "queue_id", delivery->queue_id);
    log_text(&line, "from", arena_printf(settling->arena, "<%s>", delivery->envelope.sender));
    log_text(&line, "to", arena_printf(settling->arena, "<%s>", finding->recipient->address));
    log_text(&line, "relay", finding->remote != NULL ? finding->remote : "none");
    log_text(&line, "tls", finding->tls != NULL && finding->tls[0] != '\0' ? finding->tls : NULL);
    log_text(&line, "policy", finding->judged_by.policy);
    log_text(&line, "rule", finding->judged_by.rule);
    log_text(&line, "dsn", finding->status);
    log_number(&line, "delay", delay);
    log_text(&line, "delays", delays_text(settling, finding, delay));
    log_number(&line, "attempts", (int64_t)delivery->attempts + (settling->counts ? 1 : 0));
    if (finding->expired)
        log_text(&line, "expired", "yes");
    if (finding->reason != REASON_NONE)
        log_text(&line, "reason", reason_row(finding->reason)->name);
    log_text(&line, "reply", finding->reply);
    if (finding->disposition != DELIVERED) /* else relay and reply have said all */
        log_text(&line, "text", finding->text);
    log_end(&line);
}

/* Where a host without DSN has taken it, nobody else tells of success (DSN-07, DSN-08). */
static void add_to_notice(struct settling *settling, const struct finding *finding)
{
    enum notice_kind kind = finding->disposition == BOUNCED ? NOTICE_FAILED : NOTICE_RELAYED;
    if (finding->disposition == DEFERRED || (finding->disposition == DELIVERED && finding->dsn) ||
        !notice_wanted(kind, &settling->delivery->envelope, finding->recipient))
        return;
    *settling_tell(settling, kind) = (struct notice_recipient){
        .recipient = finding->recipient,
        .reason = finding->reason,
        .status = copied(settling, finding->status),
        .text = copied(settling, finding->text),
        .remote_name = copied(settling, finding->remote_name),
        .reply = copied(settling, finding->reply),
        .expired = finding->expired,
        .tls = copied(settling, kind == NOTICE_RELAYED ? finding->tls : NULL),
        .protection = copied(settling, finding->protection),
        .judged_by = judged_by_copied(settling, &finding->judged_by),
    };
}

static void tell_of_report(const struct settling *settling, const struct finding *finding)
{
    const struct result *result = settling->result;
    if (result->report_fn == NULL || !settling->delivery->envelope.tls_report ||
        finding->disposition == DEFERRED)
        return;
    const char *text = finding->text != NULL ? finding->text : finding->reply;
    result->report_fn(result->report_arg, finding->recipient->address,
                      finding->disposition == DELIVERED, text != NULL ? text : "");
}

static void show_decision(const struct settling *settling, const struct finding *finding)
{
    const struct result *result = settling->result;
    bool session = finding->tls != NULL && finding->tls[0] != '\0';
    if (result->decision_fn == NULL)
        return;
    result->decision_fn(
        result->decision_arg,
        &(struct decision){
            .queue_id = settling->delivery->queue_id,
            .next_hop = settling->delivery->next_hop,
            .host = finding->remote,
            .level = finding->level,
            .verdict = verdicts[finding->disposition],
            .tls = session ? finding->tls : NULL,
            .reason = finding->reason != REASON_NONE ? reason_row(finding->reason)->name : NULL,
            .dsn = finding->status,
        });
}

static void add_finding(struct settling *settling, const struct finding *finding)
{
    static const enum recipient_state states[] = {[DELIVERED] = RECIPIENT_DELIVERED,
                                                  [DEFERRED] = RECIPIENT_PENDING,
                                                  [BOUNCED] = RECIPIENT_BOUNCED};
    settling->updates[settling->update_count++] = (struct recipient_update){
        .recipient = finding->recipient->id,
        .state = states[finding->disposition],
        .status = copied(settling, finding->status),
        .reason = finding->reason != REASON_NONE ? reason_row(finding->reason)->name : NULL,
        .text = copied(settling, finding->text),
        .remote = copied(settling, finding->remote),
        .reply = copied(settling, finding->reply),
    };
    add_to_notice(settling, finding);
    count(&settling->result->counters, finding);
    log_finding(settling, finding);
    show_decision(settling, finding);
    tell_of_report(settling, finding);
}

/* By the store's time: a wall clock that jumps makes no message older (QUEUE-09). */
static uint64_t age_of(const struct settling *settling)
{
    int64_t age = spool_age(settling->result->spool, settling->delivery);
    return age > 0 ? (uint64_t)age : 0;
}

static struct finding finding_of_outcome(const struct recipient_outcome *outcome)
{
    const char *status = outcome->status != NULL ? outcome->status : reason_status(outcome->reason);
    return (struct finding){
        .recipient = outcome->recipient,
        .disposition = outcome->disposition,
        .reason = outcome->reason,
        .status = status,
        .text = outcome->text,
        .remote = outcome->remote,
        .remote_name = outcome->remote_name,
        .reply = outcome->reply,
        .level = outcome->level,
        .tls = outcome->tls,
        .protection = outcome->protection,
        .judged_by = outcome->judged_by,
        .dsn = outcome->dsn,
    };
}

/* The rest of a long list of recipients goes at once: the host said that it takes no more in one
 * transaction. */
static bool only_the_rest_is_left(const struct outcome *outcome)
{
    bool some_delivered = false;
    for (size_t i = 0; i < outcome->recipient_count; i++) {
        const struct recipient_outcome *one = &outcome->recipients[i];
        some_delivered = some_delivered || one->disposition == DELIVERED;
        if (one->disposition == DEFERRED && one->reason != REASON_TOO_MANY_RECIPIENTS)
            return false;
    }
    return some_delivered;
}

static int64_t delay_of(const struct settling *settling, const struct outcome *outcome)
{
    if (only_the_rest_is_left(outcome))
        return 0;
    const struct delivery *delivery = settling->delivery;
    uint64_t seed = (uint64_t)delivery->id * 0x9e3779b97f4a7c15u + delivery->attempts;
    return retry_delay(&settling->result->settings->retry, delivery->attempts + 1, age_of(settling),
                       seed);
}

static int64_t between(int64_t from_ms, int64_t to_ms)
{
    return from_ms > 0 && to_ms > from_ms ? to_ms - from_ms : 0;
}

/* A session that was ready for one recipient is the end of the set-up, whatever came before it. */
static void take_delays(struct finding *finding, const struct delivery *delivery,
                        const struct outcome *outcome, int64_t ready_ms)
{
    finding->delays.slot_ms = between(delivery->waiting_ms, outcome->started_ms);
    finding->delays.setup_ms =
        between(outcome->started_ms, ready_ms > 0 ? ready_ms : outcome->ended_ms);
    finding->delays.transmission_ms = between(ready_ms, outcome->ended_ms);
}

void result_take(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    struct result *result = arg;
    struct settling *settling = settling_create(result, delivery, outcome->recipient_count);
    settling->counts = true;
    settling->trace = copied(settling, outcome->trace);
    settling->state = outcome->destination;
    settling->reason = outcome->reason != REASON_NONE ? reason_row(outcome->reason)->name : NULL;
    settling->text = copied(settling, outcome->text);
    settling->delay = delay_of(settling, outcome);
    bool too_old = age_of(settling) >= settling_lifetime(settling);
    if (too_old && outcome->sts_to_be_asked_anew)
        settling->delay = 0;
    for (size_t i = 0; i < outcome->recipient_count; i++) {
        struct finding finding = finding_of_outcome(&outcome->recipients[i]);
        take_delays(&finding, delivery, outcome, outcome->recipients[i].ready_ms);
        finding.expired =
            finding.disposition == DEFERRED && too_old && !outcome->sts_to_be_asked_anew;
        if (finding.expired)
            finding.disposition = BOUNCED;
        add_finding(settling, &finding);
    }
    settling_start(settling);
}

const char *name_in_remote(struct arena *arena, const char *remote)
{
    const char *bracket = remote != NULL ? strchr(remote, '[') : NULL;
    if (bracket == NULL || bracket == remote)
        return remote;
    return arena_strndup(arena, remote, (size_t)(bracket - remote));
}

static struct finding finding_of_last_attempt(struct settling *settling,
                                              const struct recipient *recipient)
{
    return (struct finding){
        .recipient = recipient,
        .disposition = BOUNCED,
        .reason = recipient->reason != NULL ? reason_by_name(recipient->reason) : REASON_NONE,
        .status = recipient->status,
        .text = recipient->text,
        .remote = recipient->remote,
        .remote_name = name_in_remote(settling->arena, recipient->remote),
        .reply = recipient->reply,
        .expired = true,
    };
}

/* No attempt of its own: what was learnt of its destination; failing that, only that it expired. */
static struct finding finding_of_hold(const struct recipient *recipient, enum reason reason,
                                      const char *text)
{
    bool known = reason != REASON_NONE && reason_row(reason)->permanence == TEMPORARY;
    return (struct finding){
        .recipient = recipient,
        .disposition = BOUNCED,
        .reason = known ? reason : REASON_EXPIRED,
        .status = known ? reason_status(reason) : "4.4.7",
        .text = known ? text : NULL,
        .expired = true,
    };
}

/* Its sender hears who did it, and what was wrong with it before, if there was anything. */
static struct finding finding_of_return(const struct recipient *recipient)
{
    return (struct finding){
        .recipient = recipient,
        .disposition = BOUNCED,
        .reason = REASON_RETURNED_BY_OPERATOR,
        .status = reason_status(REASON_RETURNED_BY_OPERATOR),
        .text = recipient->text,
        .remote = recipient->remote,
        .reply = recipient->reply,
    };
}

void result_return(void *arg, struct delivery *delivery)
{
    struct result *result = arg;
    struct settling *settling = settling_create(result, delivery, delivery->recipient_count);
    settling->state = DESTINATION_UNKNOWN;
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        struct finding finding = finding_of_return(&delivery->recipients[i]);
        add_finding(settling, &finding);
    }
    settling_start(settling);
}

/* What MTA-STS in mode enforce may have caused; DANE has reasons of its own for certificates. */
static bool may_be_caused_by_sts(const char *reason)
{
    static const enum reason causes[] = {
        REASON_STS_LOOKUP_FAILED,         REASON_STS_MX_MISMATCH,
        REASON_CERTIFICATE_NAME_MISMATCH, REASON_CERTIFICATE_EXPIRED,
        REASON_CERTIFICATE_NOT_TRUSTED,   REASON_STARTTLS_NOT_OFFERED,
        REASON_STARTTLS_REFUSED,          REASON_STARTTLS_INJECTION,
        REASON_TLS_HANDSHAKE_FAILED,
    };
    for (size_t i = 0; reason != NULL && i < sizeof(causes) / sizeof(causes[0]); i++)
        if (reason_by_name(reason) == causes[i])
            return true;
    return false;
}

bool result_wants_last_attempt(const struct delivery *delivery, const char *reason)
{
    for (size_t i = 0; i < delivery->recipient_count; i++)
        if (may_be_caused_by_sts(delivery->recipients[i].reason))
            return true;
    return may_be_caused_by_sts(reason);
}

void result_expire(void *arg, struct delivery *delivery, const char *reason, const char *text)
{
    enum reason held_for = reason != NULL ? reason_by_name(reason) : REASON_NONE;
    struct result *result = arg;
    struct settling *settling = settling_create(result, delivery, delivery->recipient_count);
    settling->state = DESTINATION_UNKNOWN;
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        const struct recipient *recipient = &delivery->recipients[i];
        bool tried = recipient->status != NULL && recipient->status[0] == '4';
        struct finding finding = tried ? finding_of_last_attempt(settling, recipient)
                                       : finding_of_hold(recipient, held_for, text);
        add_finding(settling, &finding);
    }
    settling_start(settling);
}
