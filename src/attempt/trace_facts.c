/* trace_facts: the evidence as JSON, and the helpers that all of the trace uses.
 * Owns: nothing.
 * See trace.h for the keys.
 * Must never judge: it writes down what resolve/ and policy/ said. */
#include "attempt/trace_json.h"
#include "base/alloc.h"
#include "daneway/policy.h"

void put_reason(struct writer *writer, const char *key, enum reason reason, const char *text)
{
    const struct reason_row *row = reason_row(reason);
    put_text(writer, key, row->name);
    put_text(writer, "text", text != NULL ? text : row->text);
    put_text(writer, "who", who_name(row->who));
    put_text(writer, "advice", row->advice);
}

void put_texts(struct writer *writer, const char *key, const char *const *texts, size_t count)
{
    open_list(writer, key);
    for (size_t i = 0; i < count; i++)
        put_text(writer, NULL, texts[i]);
    close_last(writer);
}

/* Strangers say how many records and addresses there are, and how long; what the trace holds of
 * them is bounded. */
enum { LISTED_MAX = 20, RECORD_OCTETS_SHOWN = 512 };

static size_t listed(struct writer *writer, const char *left_out_key, size_t count)
{
    if (count <= LISTED_MAX)
        return count;
    put_number(writer, left_out_key, (int64_t)(count - LISTED_MAX));
    return LISTED_MAX;
}

void put_some_texts(struct writer *writer, const char *key, const char *const *texts, size_t count)
{
    put_texts(writer, key, texts, listed(writer, "left_out", count));
}

void put_record(struct writer *writer, const char *key, const struct tlsa_record *record)
{
    struct arena *arena = arena_create();
    struct tlsa_record shown = *record;
    bool cut = shown.length > RECORD_OCTETS_SHOWN;
    shown.length = cut ? RECORD_OCTETS_SHOWN : shown.length;
    put_text(writer, key,
             arena_printf(arena, "%s%s", tlsa_record_text(arena, &shown), cut ? "..." : ""));
    arena_free(&arena);
}

void put_records(struct writer *writer, const struct tlsa_record *records, size_t count)
{
    size_t shown = listed(writer, "records_left_out", count);
    open_list(writer, "records");
    for (size_t i = 0; i < shown; i++)
        put_record(writer, NULL, &records[i]);
    close_last(writer);
}

/* --- evidence ------------------------------------------------------------------------------------- */

/* Inside an object that is open. */
static void put_fact_inside(struct writer *writer, const struct dns_fact *fact)
{
    static const char *const statuses[] = {
        [DNS_NOT_ASKED] = "not-asked", [DNS_SECURE] = "secure", [DNS_INSECURE] = "insecure",
        [DNS_BOGUS] = "bogus",         [DNS_FAILED] = "failed",
    };
    static const char *const presences[] = {
        [DNS_FOUND] = "found", [DNS_NO_DATA] = "no-data", [DNS_NO_NAME] = "no-name"};
    put_text(writer, "status", statuses[fact->status]);
    if (fact->status == DNS_SECURE || fact->status == DNS_INSECURE) {
        put_text(writer, "presence", presences[fact->presence]);
        put_number(writer, "ttl", fact->ttl);
    }
    put_text(writer, "why", fact->why);
}

void put_fact(struct writer *writer, const char *key, const struct dns_fact *fact)
{
    open_object(writer, key);
    put_fact_inside(writer, fact);
    close_last(writer);
}

static void put_tlsa(struct writer *writer, const struct evidence_host *host)
{
    open_object(writer, "tlsa");
    put_fact_inside(writer, &host->tlsa);
    put_text(writer, "base", host->tlsa_base);
    if (host->tlsa_count > 0)
        put_records(writer, host->tlsa_records, host->tlsa_count);
    close_last(writer);
}

static void put_addresses(struct writer *writer, const struct evidence_host *host)
{
    char text[ADDRESS_TEXT];
    size_t shown = listed(writer, "addresses_left_out", host->address_count);
    open_list(writer, "addresses");
    for (size_t i = 0; i < shown; i++)
        put_text(writer, NULL, address_format(&host->addresses[i], text));
    close_last(writer);
}

static void put_host(struct writer *writer, const struct evidence_host *host)
{
    open_object(writer, NULL);
    put_text(writer, "name", host->name);
    if (host->expanded != host->name)
        put_text(writer, "expanded", host->expanded);
    put_number(writer, "preference", host->preference);
    put_flag(writer, "literal", host->is_literal);
    put_addresses(writer, host);
    put_fact(writer, "addresses_status", &host->addresses_fact);
    if (host->alias.status != DNS_NOT_ASKED)
        put_fact(writer, "alias", &host->alias);
    put_tlsa(writer, host);
    close_last(writer);
}

void put_evidence(struct writer *writer, const char *key, const struct evidence *evidence)
{
    static const char *const kinds[] = {
        [NEXT_HOP_DOMAIN] = "domain", [NEXT_HOP_HOST] = "host", [NEXT_HOP_LITERAL] = "literal"};
    open_object(writer, key);
    put_text(writer, "kind", kinds[evidence->kind]);
    put_number(writer, "port", evidence->port);
    put_flag(writer, "name_invalid", evidence->name_invalid);
    if (evidence->expanded != evidence->next_hop)
        put_text(writer, "expanded", evidence->expanded);
    put_fact(writer, "mx", &evidence->mx);
    put_flag(writer, "implicit_mx", evidence->implicit_mx);
    put_flag(writer, "null_mx", evidence->null_mx);
    open_list(writer, "hosts");
    for (size_t i = 0; i < evidence->host_count; i++)
        put_host(writer, &evidence->hosts[i]);
    close_last(writer);
    if (evidence->sts.source != STS_NOT_ASKED)
        put_sts(writer, "sts", &evidence->sts);
    put_boolean(writer, "validating", evidence->validating);
    put_text(writer, "not_validating_why", evidence->not_validating_why);
    close_last(writer);
}
