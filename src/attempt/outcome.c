/* outcome: see outcome.h. The results of recipients and of the destination.
 * Owns: nothing.
 * Session records for TLS-RPT are made in tally_record.c.
 * Must never turn "all hosts failed" into a bounce while one of the failures may pass. */
#include "attempt/outcome.h"

#include <stdio.h>
#include <string.h>

#include "attempt/ledger.h"
#include "attempt/trace_json.h"
#include "daneway/policy.h"

/* --- places and sentences ------------------------------------------------------------------------- */

struct place place_of_domain(struct arena *arena, const char *next_hop)
{
    return (struct place){.text = arena_strdup(arena, next_hop), .tls = ""};
}

/* The first host that is passed over for the reason of the whole plan; NULL: none has a name. */
static const struct plan_host *host_at_fault(const struct plan *plan)
{
    for (size_t i = 0; i < plan->host_count; i++)
        if (plan->hosts[i].skip == plan->reason && plan->hosts[i].host->name[0] != '\0')
            return &plan->hosts[i];
    return NULL;
}

struct place place_of_plan(struct arena *arena, const char *next_hop, const struct plan *plan)
{
    struct place place = place_of_domain(arena, next_hop);
    const struct plan_host *host = host_at_fault(plan);
    if (host != NULL && strcmp(host->host->name, next_hop) != 0)
        place.text = arena_printf(arena, "%s, %s", next_hop, host->host->name);
    return place;
}

struct place place_of_host(struct arena *arena, const char *host)
{
    return (struct place){.text = arena_strdup(arena, host), .tls = ""};
}

struct place place_of_address(struct arena *arena, const char *host, const struct address *address,
                              uint16_t port)
{
    char text[ADDRESS_TEXT];
    address_format(address, text);
    const char *remote = arena_printf(arena, "%s[%s]:%u", host, text, port);
    return (struct place){
        .text = remote, .remote = remote, .remote_name = arena_strdup(arena, host), .tls = ""};
}

/* Below an insecure MX, a verified host says nothing about the domain (DANE-18). */
const char *protection_text(const struct plan_host *host, const struct session_facts *facts)
{
    if (facts->peer == NULL)
        return "clear";
    if (!facts->judged || !facts->verdict.verified)
        return "encrypted";
    if (host->applied != POLICY_TLSA)
        return "verified"; /* by MTA-STS, or by what the operator's own row asks for */
    return host->authenticates_domain ? "dane-verified" : "encrypted";
}

/* What the host's certificate was good for. */
static const char *identity_sentence(const struct plan_host *host,
                                     const struct session_facts *facts)
{
    if (!facts->judged || !facts->verdict.verified)
        return "Its identity was not verified, as no policy in force asks for that.";
    if (host->applied == POLICY_STS)
        return "Its identity was verified by MTA-STS, the policy that the recipient's domain "
               "publishes.";
    if (host->applied != POLICY_TLSA)
        return "Its identity was verified, as this gateway's own rules for the domain ask.";
    return host->authenticates_domain
               ? "Its identity was verified by DANE, with the keys that the recipient's domain "
                 "publishes under DNSSEC."
               : "Its identity was verified by DANE, but the domain's own records, which name that "
                 "host, are not secured by DNSSEC.";
}

const char *protection_sentence(struct arena *arena, const struct plan_host *host,
                                const struct session_facts *facts)
{
    if (facts->peer == NULL)
        return arena_printf(
            arena, "The connection to %s was not encrypted, and no policy in force asks for that.",
            host->host->name);
    return arena_printf(arena, "The connection to %s was encrypted (%s, %s). %s", host->host->name,
                        facts->peer->protocol, facts->peer->cipher, identity_sentence(host, facts));
}

struct judged_by judged_by(struct arena *arena, const struct plan *plan,
                           const struct plan_host *host, const struct peer *peer)
{
    struct judged_by judged = {0};
    if (host == NULL)
        host = host_at_fault(plan);
    if (plan->rule != NULL)
        judged.rule = arena_printf(arena, "%s %s", plan->rule, plan->level);
    if (host != NULL) {
        judged.policy = policy_name(host->applied);
        judged.mx = host->host->name;
    }
    if (peer != NULL && peer->chain_count > 0)
        judged.certificate = certificate_describe(arena, &peer->chain[0]).sha256;
    return judged;
}

static int length_without_stop(const char *sentence)
{
    size_t length = strlen(sentence);
    return (int)(length > 0 && sentence[length - 1] == '.' ? length - 1 : length);
}

char *failure_text(struct arena *arena, const char *where, enum reason reason, const char *detail,
                   const char *reply)
{
    const char *sentence = reason_row(reason)->text;
    char *text = arena_printf(arena, "%s: %s", where, sentence);
    if (detail != NULL && detail[0] != '\0')
        text = arena_printf(arena, "%s: %.*s (%.*s).", where, length_without_stop(sentence),
                            sentence, length_without_stop(detail), detail);
    if (reply != NULL)
        text = arena_printf(arena, "%s It said: %s", text, reply);
    return text;
}

/* The host's own code if it fits the disposition (CODE-08), else the reason's; a TLS failure has its own code, whatever
 * the host said with it (CODE-03, CODE-04). */
static const char *status_for(struct arena *arena, enum disposition disposition, enum reason reason,
                              const char *remote_status)
{
    char class = disposition == DELIVERED ? '2' : disposition == DEFERRED ? '4' : '5';
    bool tls_failure = reason_row(reason)->result != RESULT_NONE;
    if (!tls_failure && remote_status != NULL && remote_status[0] == class)
        return arena_strdup(arena, remote_status);
    if (disposition == DELIVERED)
        return "2.0.0";
    char *status = arena_strdup(arena, reason_status(reason));
    status[0] = class;
    return status;
}

/* --- the ledger ----------------------------------------------------------------------------------- */

struct ledger *ledger_create(struct arena *arena, const struct delivery *delivery)
{
    struct ledger *ledger = arena_alloc(arena, sizeof(*ledger));
    ledger->arena = arena;
    ledger->delivery = delivery;
    ledger->count = delivery != NULL ? delivery->recipient_count : 0;
    ledger->entries = arena_alloc(arena, (ledger->count + 1) * sizeof(*ledger->entries));
    for (size_t i = 0; i < ledger->count; i++)
        ledger->entries[i].recipient = &delivery->recipients[i];
    return ledger;
}

void ledger_assign(struct ledger *ledger, size_t recipient, size_t party)
{
    ledger->entries[recipient].party = party;
}

size_t ledger_party(const struct ledger *ledger, size_t recipient)
{
    return ledger->entries[recipient].party;
}

void ledger_use_party(struct ledger *ledger, size_t party, bool particular)
{
    ledger->party = party;
    ledger->particular = particular;
    ledger->level = NULL;
}

void ledger_use_level(struct ledger *ledger, const char *level)
{
    ledger->level = level;
}

static bool is_open(const struct ledger *ledger, const struct entry *entry)
{
    return entry->party == ledger->party && !entry->settled;
}

size_t ledger_open_count(const struct ledger *ledger)
{
    size_t open = 0;
    for (size_t i = 0; i < ledger->count; i++)
        open += is_open(ledger, &ledger->entries[i]);
    return open;
}

static bool is_unasked(const struct ledger *ledger, const struct entry *entry)
{
    return is_open(ledger, entry) && !entry->tried_here;
}

size_t ledger_unasked_count(const struct ledger *ledger)
{
    size_t unasked = 0;
    for (size_t i = 0; i < ledger->count; i++)
        unasked += is_unasked(ledger, &ledger->entries[i]);
    return unasked;
}

size_t ledger_take_unasked(const struct ledger *ledger, size_t limit,
                           struct transaction_recipient *recipients_r)
{
    size_t taken = 0;
    for (size_t i = 0; i < ledger->count && taken < limit; i++)
        if (is_unasked(ledger, &ledger->entries[i]))
            recipients_r[taken++] =
                (struct transaction_recipient){.recipient = ledger->entries[i].recipient};
    return taken;
}

static struct recipient_outcome make_result(struct ledger *ledger,
                                            const struct recipient *recipient,
                                            const struct place *place, enum disposition disposition,
                                            const struct failure *failure)
{
    return (struct recipient_outcome){
        .recipient = recipient,
        .disposition = disposition,
        .reason = failure->reason,
        .status = status_for(ledger->arena, disposition, failure->reason, failure->status),
        .text = failure_text(ledger->arena, place->text, failure->reason, failure->detail,
                             failure->reply),
        .remote = place->remote,
        .remote_name = place->remote_name,
        .reply = failure->reply,
        .level = ledger->level,
        .tls = place->tls,
        .judged_by = place->judged_by,
        .ready_ms = place->ready_ms,
    };
}

/* Keeps it for the end: the last one that may pass counts, else the last one. */
static void keep(struct entry *entry, const struct recipient_outcome *result)
{
    bool waits = entry->failed && entry->result.disposition == DEFERRED;
    if (waits && (result->disposition == BOUNCED || result->reason == REASON_NO_ROUTE))
        return; /* that this gateway could not try everything tells least */
    entry->result = *result;
    entry->failed = true;
}

static bool is_of_requiretls(enum reason reason)
{
    return reason == REASON_REQUIRETLS_NOT_OFFERED || reason == REASON_REQUIRETLS_NO_STARTTLS ||
           reason == REASON_REQUIRETLS_STARTTLS_REFUSED || reason == REASON_REQUIRETLS_TLS_FAILED ||
           reason == REASON_REQUIRETLS_NOT_VERIFIED || reason == REASON_REQUIRETLS_MX_NOT_SECURED;
}

static struct failure copy_failure(struct arena *arena, const struct failure *failure)
{
    struct failure copy = {.reason = failure->reason};
    if (failure->detail != NULL)
        copy.detail = arena_strdup(arena, failure->detail);
    if (failure->status != NULL)
        copy.status = arena_strdup(arena, failure->status);
    if (failure->reply != NULL)
        copy.reply = arena_strdup(arena, failure->reply);
    return copy;
}

void ledger_failure(struct ledger *ledger, const struct place *place, const struct failure *failure)
{
    struct failure copy = copy_failure(ledger->arena, failure);
    enum disposition disposition =
        reason_row(copy.reason)->permanence == PERMANENT ? BOUNCED : DEFERRED;
    for (size_t i = 0; i < ledger->count; i++) {
        struct entry *entry = &ledger->entries[i];
        if (!is_open(ledger, entry))
            continue;
        struct recipient_outcome result =
            make_result(ledger, entry->recipient, place, disposition, &copy);
        keep(entry, &result);
    }
    ledger->message_judged |= ledger->particular;
    ledger->beside_requiretls |= !is_of_requiretls(copy.reason);
    bool tells_least = copy.reason == REASON_NO_ROUTE && ledger->reason != REASON_NONE;
    if ((disposition == DEFERRED && !tells_least) || ledger->reason == REASON_NONE) {
        ledger->reason = copy.reason;
        ledger->text =
            failure_text(ledger->arena, place->text, copy.reason, copy.detail, copy.reply);
    }
}

void ledger_refusal(struct ledger *ledger, const struct place *place, enum disposition disposition,
                    const struct failure *failure)
{
    struct failure copy = copy_failure(ledger->arena, failure);
    for (size_t i = 0; i < ledger->count; i++) {
        struct entry *entry = &ledger->entries[i];
        if (!is_open(ledger, entry))
            continue;
        entry->result = make_result(ledger, entry->recipient, place, disposition, &copy);
        entry->failed = entry->settled = true;
    }
    ledger->message_judged |= ledger->particular;
    ledger->beside_requiretls |= !is_of_requiretls(copy.reason);
    ledger->reason = copy.reason;
    ledger->text = failure_text(ledger->arena, place->text, copy.reason, copy.detail, copy.reply);
}

void ledger_message_judged(struct ledger *ledger)
{
    ledger->message_judged = true;
}

/* --- transactions --------------------------------------------------------------------------------- */

static void take_result(struct ledger *ledger, const struct place *place,
                        const struct transaction_recipient *recipient,
                        const struct transaction_result *transaction)
{
    struct entry *entry = &ledger->entries[recipient->recipient - ledger->delivery->recipients];
    struct failure failure = {recipient->reason, recipient->detail, recipient->status,
                              recipient->reply};
    enum disposition disposition = recipient->class == CLASS_DELIVERED   ? DELIVERED
                                   : recipient->class == CLASS_PERMANENT ? BOUNCED
                                                                         : DEFERRED;
    struct recipient_outcome result =
        make_result(ledger, recipient->recipient, place, disposition, &failure);
    if (disposition == DELIVERED) {
        result.text =
            arena_printf(ledger->arena, "%s: delivered: %s", place->text, recipient->reply);
        result.dsn = place->dsn;
        result.protection = place->protection;
    }
    if (disposition == DEFERRED) {
        keep(entry, &result);
        entry->tried_here = true;
        entry->settled = transaction->end_unknown || transaction->local_failure;
        ledger->reason = failure.reason;
        ledger->text = result.text;
    } else { /* what the host says of the message or the recipient counts, whatever other hosts said */
        entry->result = result;
        entry->failed = entry->settled = true;
    }
}

void ledger_transaction(struct ledger *ledger, const struct place *place,
                        const struct transaction_recipient *recipients, size_t count,
                        const struct transaction_result *result)
{
    ledger->beside_requiretls = true;
    ledger->mail_answered |= result->mail_answered;
    ledger->local_failure |= result->local_failure;
    ledger->busy |= result->busy;
    for (size_t i = 0; i < count; i++)
        if (recipients[i].class != CLASS_PENDING)
            take_result(ledger, place, &recipients[i], result);
}

void ledger_local_failure(struct ledger *ledger)
{
    ledger->local_failure = true;
}

void ledger_busy(struct ledger *ledger)
{
    ledger->busy = true;
}

void ledger_next_place(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        ledger->entries[i].tried_here = false;
}

/* --- the end -------------------------------------------------------------------------------------- */

static enum destination_state state_of(const struct ledger *ledger, bool deferred)
{
    if (ledger->mail_answered)
        return deferred && ledger->busy ? DESTINATION_BUSY : DESTINATION_UP;
    if (!deferred || ledger->message_judged || ledger->local_failure)
        return DESTINATION_UNKNOWN;
    return ledger->busy ? DESTINATION_FULL : DESTINATION_DOWN;
}

void ledger_cut_short(struct ledger *ledger)
{
    ledger->beside_requiretls = true;
}

/* Whatever the rules asked for: a null MX takes no mail, and these reasons are those of REQUIRETLS alone. A notice proves
 * nothing: it is sent without REQUIRETLS in the end, and may go to a bounce_nexthop that no other mail goes to. */
static enum foregone_kind foregone_of(const struct ledger *ledger)
{
    if (ledger->count == 0 || ledger->delivery->envelope.notice)
        return FOREGONE_NOTHING;
    bool null_mx = true;
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->entries[i].result.disposition != BOUNCED)
            return FOREGONE_NOTHING;
        null_mx &= ledger->entries[i].result.reason == REASON_NULL_MX;
    }
    const struct envelope *envelope = &ledger->delivery->envelope;
    bool requiretls = envelope->requiretls && envelope->sender[0] != '\0';
    return null_mx                                    ? FOREGONE_NULL_MX
           : requiretls && !ledger->beside_requiretls ? FOREGONE_REQUIRETLS
                                                      : FOREGONE_NOTHING;
}

void ledger_close(struct ledger *ledger, const char *next_hop, struct outcome *outcome_r)
{
    bool deferred = false;
    outcome_r->recipient_count = ledger->count;
    outcome_r->recipients =
        arena_alloc(ledger->arena, (ledger->count + 1) * sizeof(*outcome_r->recipients));
    for (size_t i = 0; i < ledger->count; i++) {
        struct entry *entry = &ledger->entries[i];
        if (!entry->failed) {
            struct place place = place_of_domain(ledger->arena, next_hop);
            struct failure failure = {.reason = REASON_GATEWAY_FAILED,
                                      .detail = "no host was tried"};
            entry->result = make_result(ledger, entry->recipient, &place, DEFERRED, &failure);
            ledger->local_failure = true;
        }
        outcome_r->recipients[i] = entry->result;
        deferred |= entry->result.disposition == DEFERRED;
    }
    outcome_r->foregone = foregone_of(ledger);
    outcome_r->destination = state_of(ledger, deferred);
    bool unusable =
        outcome_r->destination == DESTINATION_DOWN || outcome_r->destination == DESTINATION_FULL;
    if (unusable || ledger->count == 0) {
        outcome_r->reason = ledger->reason;
        outcome_r->text = ledger->text;
    }
}
