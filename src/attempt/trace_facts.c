/* trace_facts: the evidence as JSON, and the helpers that all of the trace uses.
 * Owns: nothing.
 * See trace.h for the keys.
 * Must never judge: it writes down what resolve/ and policy/ said. */
#include <string.h>

#include "attempt/trace_json.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "daneway/policy.h"

void put_text(json_t *object, const char *key, const char *text)
{
    if (text == NULL)
        return;
    const char *odd = text;
    while (*odd >= ' ' && *odd <= '~')
        odd++;
    if (*odd == '\0') { /* nearly always; and what is ASCII is UTF-8 */
        json_object_set_new_nocheck(object, key, json_string_nocheck(text));
        return;
    }
    CLEANUP(text_free) char *clean = x_strdup(text);
    for (char *c = clean; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    json_object_set_new_nocheck(object, key, json_string_nocheck(clean));
}

void put_number(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

void put_flag(json_t *object, const char *key, bool flag)
{
    if (flag)
        json_object_set_new(object, key, json_true());
}

void put_reason(json_t *object, const char *key, enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    put_text(object, key, row->name);
    put_text(object, "text", row->text);
    put_text(object, "who", who_name(row->who));
    put_text(object, "advice", row->advice);
}

json_t *texts_json(const char *const *texts, size_t count)
{
    json_t *holder = json_object(), *list = json_array();
    for (size_t i = 0; i < count; i++) {
        put_text(holder, "text", texts[i]);
        json_array_append(list, json_object_get(holder, "text"));
    }
    json_decref(holder);
    return list;
}

/* Strangers say how many records and addresses there are, and how long; what the trace holds of
 * them is bounded. */
enum { LISTED_MAX = 20, RECORD_OCTETS_SHOWN = 512 };

static size_t listed(json_t *object, const char *left_out_key, size_t count)
{
    if (count <= LISTED_MAX)
        return count;
    put_number(object, left_out_key, (int64_t)(count - LISTED_MAX));
    return LISTED_MAX;
}

void put_record(json_t *object, const char *key, const struct tlsa_record *record)
{
    struct arena *arena = arena_create();
    struct tlsa_record shown = *record;
    bool cut = shown.length > RECORD_OCTETS_SHOWN;
    shown.length = cut ? RECORD_OCTETS_SHOWN : shown.length;
    put_text(object, key,
             arena_printf(arena, "%s%s", tlsa_record_text(arena, &shown), cut ? "..." : ""));
    arena_free(&arena);
}

void put_records(json_t *object, const struct tlsa_record *records, size_t count)
{
    json_t *holder = json_object(), *list = json_array();
    size_t shown = listed(object, "records_left_out", count);
    for (size_t i = 0; i < shown; i++) {
        put_record(holder, "text", &records[i]);
        json_array_append(list, json_object_get(holder, "text"));
    }
    json_decref(holder);
    json_object_set_new(object, "records", list);
}

/* --- evidence ------------------------------------------------------------------------------------- */

json_t *fact_json(const struct dns_fact *fact)
{
    static const char *const statuses[] = {
        [DNS_NOT_ASKED] = "not-asked", [DNS_SECURE] = "secure", [DNS_INSECURE] = "insecure",
        [DNS_BOGUS] = "bogus",         [DNS_FAILED] = "failed",
    };
    static const char *const presences[] = {
        [DNS_FOUND] = "found", [DNS_NO_DATA] = "no-data", [DNS_NO_NAME] = "no-name"};
    json_t *object = json_object();
    put_text(object, "status", statuses[fact->status]);
    if (fact->status == DNS_SECURE || fact->status == DNS_INSECURE) {
        put_text(object, "presence", presences[fact->presence]);
        put_number(object, "ttl", fact->ttl);
    }
    put_text(object, "why", fact->why);
    return object;
}

static json_t *tlsa_json(const struct evidence_host *host)
{
    json_t *object = fact_json(&host->tlsa);
    put_text(object, "base", host->tlsa_base);
    if (host->tlsa_count > 0)
        put_records(object, host->tlsa_records, host->tlsa_count);
    return object;
}

static json_t *host_json(const struct evidence_host *host)
{
    char text[ADDRESS_TEXT];
    json_t *object = json_object(), *addresses = json_array();
    put_text(object, "name", host->name);
    if (host->expanded != host->name)
        put_text(object, "expanded", host->expanded);
    put_number(object, "preference", host->preference);
    put_flag(object, "literal", host->is_literal);
    size_t shown = listed(object, "addresses_left_out", host->address_count);
    for (size_t i = 0; i < shown; i++)
        json_array_append_new(addresses, json_string(address_format(&host->addresses[i], text)));
    json_object_set_new(object, "addresses", addresses);
    json_object_set_new(object, "addresses_status", fact_json(&host->addresses_fact));
    if (host->alias.status != DNS_NOT_ASKED)
        json_object_set_new(object, "alias", fact_json(&host->alias));
    json_object_set_new(object, "tlsa", tlsa_json(host));
    return object;
}

json_t *evidence_json(const struct evidence *evidence)
{
    static const char *const kinds[] = {
        [NEXT_HOP_DOMAIN] = "domain", [NEXT_HOP_HOST] = "host", [NEXT_HOP_LITERAL] = "literal"};
    json_t *object = json_object(), *hosts = json_array();
    put_text(object, "kind", kinds[evidence->kind]);
    put_number(object, "port", evidence->port);
    put_flag(object, "name_invalid", evidence->name_invalid);
    if (evidence->expanded != NULL && evidence->expanded != evidence->next_hop)
        put_text(object, "expanded", evidence->expanded);
    json_object_set_new(object, "mx", fact_json(&evidence->mx));
    put_flag(object, "implicit_mx", evidence->implicit_mx);
    put_flag(object, "null_mx", evidence->null_mx);
    for (size_t i = 0; i < evidence->host_count; i++)
        json_array_append_new(hosts, host_json(&evidence->hosts[i]));
    json_object_set_new(object, "hosts", hosts);
    if (evidence->sts.source != STS_NOT_ASKED)
        json_object_set_new(object, "sts", sts_json(&evidence->sts));
    json_object_set_new(object, "validating", json_boolean(evidence->validating));
    put_text(object, "not_validating_why", evidence->not_validating_why);
    return object;
}
