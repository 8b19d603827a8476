/* dns_reply: see dns_reply.h. The order is: is there a reply to our question, its RCODE, its
 * DNSSEC status, its data.
 * Owns: nothing. A chain of CNAMEs is walked here and not left to the library, so that its length
 * is bounded (DANE-09), and records are taken by owner and type, for RRSIGs and the links of the
 * chain stand among them.
 * Must never read absence out of a reply that failed. */
#include "resolve/dns_reply.h"

#include <getdns/getdns_extra.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { NAME_TEXT = 1024, RRTYPE_RRSIG = 46, RCODE_NXDOMAIN = 3, TTL_HIGHEST = 0x7fffffff };

static const char *rcode_name(uint32_t rcode, char *text_r, size_t size)
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (rcode < sizeof(names) / sizeof(names[0]))
        return names[rcode];
    snprintf(text_r, size, "RCODE %u", rcode);
    return text_r;
}

/* Wire form to text: lower case, no trailing dot, \DDD for what is no letter, digit, hyphen or
 * underscore. 0 or -1. */
static int name_to_text(const getdns_bindata *wire, char text_r[NAME_TEXT])
{
    size_t used = 0, at = 0;
    while (at < wire->size && wire->data[at] != 0) {
        size_t length = wire->data[at++];
        if (length > 63 || length > wire->size - at || used + 4 * length + 2 > NAME_TEXT)
            return -1;
        if (used > 0)
            text_r[used++] = '.';
        for (; length > 0; length--) {
            char c = ascii_lower((char)wire->data[at++]);
            bool usual = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
            if (usual)
                text_r[used++] = c;
            else
                used +=
                    (size_t)snprintf(text_r + used, NAME_TEXT - used, "\\%03u", (unsigned char)c);
        }
    }
    text_r[used] = '\0';
    return at < wire->size ? 0 : -1;
}

static int name_at(const getdns_dict *dict, const char *key, char text_r[NAME_TEXT])
{
    getdns_bindata *wire;
    if (getdns_dict_get_bindata(dict, key, &wire) != GETDNS_RETURN_GOOD)
        return -1;
    return name_to_text(wire, text_r);
}

static uint32_t number_at(const getdns_dict *dict, const char *key, uint32_t otherwise)
{
    uint32_t number;
    return getdns_dict_get_int(dict, key, &number) == GETDNS_RETURN_GOOD ? number : otherwise;
}

static getdns_dict *record_at(getdns_list *section, size_t i)
{
    getdns_dict *record;
    return getdns_list_get_dict(section, i, &record) == GETDNS_RETURN_GOOD ? record : NULL;
}

static size_t list_length(const getdns_list *list)
{
    size_t length;
    return list != NULL && getdns_list_get_length(list, &length) == GETDNS_RETURN_GOOD ? length : 0;
}

static getdns_list *section_of(getdns_dict *response, const char *pointer)
{
    getdns_list *section;
    return getdns_dict_get_list(response, pointer, &section) == GETDNS_RETURN_GOOD ? section : NULL;
}

static bool is_record(const getdns_dict *record, const char *owner, uint32_t type)
{
    char name[NAME_TEXT];
    return number_at(record, "type", 0) == type && number_at(record, "class", 0) == 1 &&
           name_at(record, "name", name) == 0 && strcmp(name, owner) == 0;
}

/* --- TTL -------------------------------------------------------------------------------------- */

static void lower(uint32_t *least, uint32_t ttl)
{
    if (ttl > TTL_HIGHEST)
        ttl = 0; /* RFC 2181 8 */
    if (ttl < *least)
        *least = ttl;
}

/* The least TTL of a section; where signatures came along, not beyond what they allow (RFC
 * 4035 5.3.3). */
static uint32_t section_ttl(getdns_list *section, int64_t wall, uint32_t least)
{
    for (size_t i = 0; i < list_length(section); i++) {
        getdns_dict *record = record_at(section, i);
        if (record == NULL)
            continue;
        lower(&least, number_at(record, "ttl", 0));
        if (number_at(record, "type", 0) != RRTYPE_RRSIG)
            continue;
        lower(&least, number_at(record, "/rdata/original_ttl", 0));
        /* serial arithmetic on 32 bits (RFC 4034 3.1.5) */
        int32_t left =
            (int32_t)(number_at(record, "/rdata/signature_expiration", 0) - (uint32_t)wall);
        lower(&least, left > 0 ? (uint32_t)left : 0);
    }
    return least;
}

/* RFC 2308 5: absence lasts as long as the SOA says, within reason. *proven_r: there is a SOA. */
static uint32_t absence_ttl(getdns_list *authority, int64_t wall, bool *proven_r)
{
    uint32_t least = DNS_TTL_ABSENT_MAX;
    *proven_r = false;
    for (size_t i = 0; i < list_length(authority); i++) {
        getdns_dict *record = record_at(authority, i);
        if (record == NULL || number_at(record, "type", 0) != DNS_SOA)
            continue;
        *proven_r = true;
        lower(&least, number_at(record, "/rdata/minimum", 0));
    }
    return *proven_r ? section_ttl(authority, wall, least) : DNS_TTL_ABSENT;
}

/* --- records ---------------------------------------------------------------------------------- */

static void *grown(struct dns_answer *answer, const void *old, size_t size)
{
    /* the room doubles at powers of two; the arena frees it all in the end */
    size_t count = answer->count;
    if (count > 0 && (count & (count - 1)) != 0)
        return (void *)(uintptr_t)old;
    void *room = arena_alloc(answer->arena, size * (count > 0 ? 2 * count : 1));
    if (count > 0)
        memcpy(room, old, size * count);
    return room;
}

static int take_address(struct dns_answer *answer, const getdns_dict *record, uint8_t family)
{
    getdns_bindata *octets;
    const char *key = family == 4 ? "/rdata/ipv4_address" : "/rdata/ipv6_address";
    if (getdns_dict_get_bindata(record, key, &octets) != GETDNS_RETURN_GOOD ||
        octets->size != (family == 4 ? 4 : 16))
        return -1;
    answer->addresses = grown(answer, answer->addresses, sizeof(*answer->addresses));
    struct address *address = &answer->addresses[answer->count++];
    *address = (struct address){.family = family};
    memcpy(address->octets, octets->data, octets->size);
    return 0;
}

static int take_mx(struct dns_answer *answer, const getdns_dict *record)
{
    char exchange[NAME_TEXT];
    if (name_at(record, "/rdata/exchange", exchange) != 0)
        return -1;
    answer->mx = grown(answer, answer->mx, sizeof(*answer->mx));
    answer->mx[answer->count++] =
        (struct dns_mx){.preference = (uint16_t)number_at(record, "/rdata/preference", 0),
                        .exchange = arena_strdup(answer->arena, exchange)};
    return 0;
}

static int take_tlsa(struct dns_answer *answer, const getdns_dict *record)
{
    getdns_bindata *data;
    uint32_t usage, selector, matching;
    if (getdns_dict_get_int(record, "/rdata/certificate_usage", &usage) != GETDNS_RETURN_GOOD ||
        getdns_dict_get_int(record, "/rdata/selector", &selector) != GETDNS_RETURN_GOOD ||
        getdns_dict_get_int(record, "/rdata/matching_type", &matching) != GETDNS_RETURN_GOOD ||
        getdns_dict_get_bindata(record, "/rdata/certificate_association_data", &data) !=
            GETDNS_RETURN_GOOD)
        return -1;
    answer->tlsa = grown(answer, answer->tlsa, sizeof(*answer->tlsa));
    answer->tlsa[answer->count++] =
        (struct tlsa_record){.usage = (uint8_t)usage,
                             .selector = (uint8_t)selector,
                             .matching_type = (uint8_t)matching,
                             .length = data->size,
                             .data = arena_memdup(answer->arena, data->data, data->size)};
    return 0;
}

/* STS-03, T-11: one record, its strings with nothing between them. */
static int take_text(struct dns_answer *answer, const getdns_dict *record)
{
    getdns_list *strings;
    getdns_bindata *part;
    if (getdns_dict_get_list(record, "/rdata/txt_strings", &strings) != GETDNS_RETURN_GOOD)
        return -1;
    size_t length = 0, used = 0, count = list_length(strings);
    for (size_t i = 0; i < count; i++)
        if (getdns_list_get_bindata(strings, i, &part) == GETDNS_RETURN_GOOD)
            length += part->size;
    char *text = arena_alloc(answer->arena, length + 1);
    for (size_t i = 0; i < count; i++) {
        if (getdns_list_get_bindata(strings, i, &part) != GETDNS_RETURN_GOOD || part->size == 0)
            continue;
        memcpy(text + used, part->data, part->size);
        used += part->size;
    }
    answer->texts = grown(answer, answer->texts, sizeof(*answer->texts));
    answer->texts[answer->count++] = (struct slice){text, used};
    return 0;
}

static int take_record(struct dns_answer *answer, const getdns_dict *record, enum dns_type type)
{
    switch (type) {
    case DNS_A:
        return take_address(answer, record, 4);
    case DNS_AAAA:
        return take_address(answer, record, 6);
    case DNS_MX:
        return take_mx(answer, record);
    case DNS_TLSA:
        return take_tlsa(answer, record);
    case DNS_TXT:
        return take_text(answer, record);
    case DNS_CNAME:
    case DNS_SOA:
        answer->count++;
        return 0;
    }
    return -1;
}

/* --- the chain and what stands at its end ----------------------------------------------------- */

static const char *alias_target(getdns_list *answers, const char *owner, char text_r[NAME_TEXT])
{
    for (size_t i = 0; i < list_length(answers); i++) {
        getdns_dict *record = record_at(answers, i);
        if (record != NULL && is_record(record, owner, DNS_CNAME) &&
            name_at(record, "/rdata/cname", text_r) == 0)
            return text_r;
    }
    return NULL;
}

/* Follows the CNAMEs in the reply. -1: more than the limit, or a loop. */
static int follow_aliases(struct dns_answer *answer, getdns_list *answers, unsigned limit)
{
    char target[NAME_TEXT];
    for (unsigned links = 0; alias_target(answers, answer->canonical, target) != NULL; links++) {
        if (links == limit)
            return -1;
        answer->canonical = arena_strdup(answer->arena, target);
        answer->aliased = true;
    }
    return 0;
}

static int take_records(struct dns_answer *answer, getdns_list *answers, enum dns_type type)
{
    for (size_t i = 0; i < list_length(answers); i++) {
        getdns_dict *record = record_at(answers, i);
        if (record != NULL && is_record(record, answer->canonical, type) &&
            take_record(answer, record, type) != 0)
            return -1;
    }
    return 0;
}

static void fail(struct dns_answer *answer, enum dns_status status, const char *why)
{
    answer->status = status;
    answer->why = why;
    answer->ttl = DNS_TTL_FAILED;
}

static void read_data(struct dns_answer *answer, getdns_dict *response, enum dns_type type,
                      const struct reply_rules *rules, bool no_name)
{
    getdns_list *answers = section_of(response, "/replies_tree/0/answer");
    if (type != DNS_CNAME && follow_aliases(answer, answers, rules->cname_limit) != 0) {
        fail(answer, DNS_FAILED,
             arena_printf(answer->arena, "more than %u CNAMEs in a row", rules->cname_limit));
        return;
    }
    if (take_records(answer, answers, type) != 0) {
        fail(answer, DNS_FAILED, "a record in the reply is malformed");
        return;
    }
    answer->ttl = section_ttl(answers, rules->wall, rules->ttl_max);
    if (answer->count > 0 && !no_name) {
        answer->presence = DNS_FOUND;
        return;
    }
    answer->presence = no_name ? DNS_NO_NAME : DNS_NO_DATA;
    answer->count = 0;
    bool proven;
    lower(&answer->ttl,
          absence_ttl(section_of(response, "/replies_tree/0/authority"), rules->wall, &proven));
    /* T-02: our own validation believes absence only where its proof came along. */
    if (rules->own_validation && answer->status == DNS_SECURE && !proven)
        fail(answer, DNS_FAILED, "the reply has neither records nor a proof that there are none");
}

/* --- status ----------------------------------------------------------------------------------- */

static void judge_by_validation(struct dns_answer *answer, getdns_dict *response)
{
    switch (number_at(response, "/replies_tree/0/dnssec_status", GETDNS_DNSSEC_INDETERMINATE)) {
    case GETDNS_DNSSEC_SECURE:
        answer->status = DNS_SECURE;
        break;
    case GETDNS_DNSSEC_INSECURE:
        answer->status = DNS_INSECURE;
        break;
    case GETDNS_DNSSEC_BOGUS:
        fail(answer, DNS_BOGUS, "fails DNSSEC validation");
        break;
    default: /* DANE-03: never silently insecure */
        fail(answer, DNS_FAILED,
             "DNSSEC validation came to no result: no trust anchor fits, or data are missing");
        break;
    }
}

static bool answers_the_question(getdns_dict *response, const char *name, enum dns_type type)
{
    char asked[NAME_TEXT];
    return name_at(response, "/replies_tree/0/question/qname", asked) == 0 &&
           strcmp(asked, name) == 0 &&
           number_at(response, "/replies_tree/0/question/qtype", 0) == type;
}

struct dns_answer *dns_reply_read(getdns_dict *response, const char *name, enum dns_type type,
                                  const struct reply_rules *rules, bool *servfail_r)
{
    struct dns_answer *answer = dns_answer_create(name);
    char text[32];
    uint32_t rcode;
    *servfail_r = false;
    if (getdns_dict_get_int(response, "/replies_tree/0/header/rcode", &rcode) !=
        GETDNS_RETURN_GOOD) {
        fail(answer, DNS_FAILED, arena_printf(answer->arena, "no reply from %s", rules->resolver));
        return answer;
    }
    *servfail_r = rcode == GETDNS_RCODE_SERVFAIL;
    if (rcode != GETDNS_RCODE_NOERROR && rcode != RCODE_NXDOMAIN) {
        fail(answer, DNS_FAILED,
             arena_printf(answer->arena, "%s from %s", rcode_name(rcode, text, sizeof(text)),
                          rules->resolver));
        return answer;
    }
    if (!answers_the_question(response, answer->canonical, type) ||
        number_at(response, "/replies_tree/0/header/tc", 0) != 0) {
        fail(answer, DNS_FAILED,
             arena_printf(answer->arena, "the reply from %s does not fit the question",
                          rules->resolver));
        return answer;
    }
    if (rules->own_validation)
        judge_by_validation(answer, response);
    else
        answer->status =
            number_at(response, "/replies_tree/0/header/ad", 0) == 1 ? DNS_SECURE : DNS_INSECURE;
    if (answer->status == DNS_SECURE || answer->status == DNS_INSECURE)
        read_data(answer, response, type, rules, rcode == RCODE_NXDOMAIN);
    return answer;
}
