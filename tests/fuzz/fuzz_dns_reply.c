/* fuzz_dns_reply: what is read out of a reply as getdns hands it over: a tree with any values, and any of them missing.
 * The tree is built here and not by getdns_wire2msg_dict, which itself reads beyond malformed messages (its issue 549).
 * First octet: its low three bits are the type that was asked for, bits 3 and 4 the outcome of getdns's own validation,
 * bit 5 asks for that instead of the AD bit, bit 6 makes the question another one, bit 7 leaves the header out. Second
 * octet: RCODE, AD (bit 4), TC (bit 5). Then records: see take_record.
 * Owns: nothing.
 * Must never read a name, a record or absence that a failed reply does not hold. */
#include <assert.h>
#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <stdint.h>
#include <string.h>

#include "resolve/dns_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TTL_MAX = 86400, CNAMES = 8, NOW = 1767225600, RRSIG = 46 };

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t take_octet(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

static uint32_t take_number(struct input *input)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number = number << 8 | take_octet(input);
    return number;
}

/* An octet of length, and so many octets, or what is left of them. */
static getdns_bindata take_data(struct input *input)
{
    size_t length = take_octet(input);
    if (length > input->size)
        length = input->size;
    getdns_bindata data = {length, (uint8_t *)(uintptr_t)input->data};
    input->data += length;
    input->size -= length;
    return data;
}

static void set_name(getdns_dict *dict, const char *key, const char *wire, size_t size)
{
    getdns_bindata name = {size, (uint8_t *)(uintptr_t)wire};
    getdns_dict_set_bindata(dict, key, &name);
}

static void set_strings(getdns_dict *rdata, struct input strings)
{
    getdns_list *list = getdns_list_create();
    for (size_t i = 0; strings.size > 0; i++) {
        getdns_bindata part = take_data(&strings);
        if (part.size > 0)
            getdns_list_set_bindata(list, i, &part);
        else
            getdns_list_set_int(list, i, 7);
    }
    getdns_dict_set_list(rdata, "txt_strings", list);
    getdns_list_destroy(list);
}

static void set_numbers(getdns_dict *rdata, const char *const keys[], int count, bool octets,
                        struct input *from)
{
    for (int i = 0; i < count && from->size > 0; i++)
        getdns_dict_set_int(rdata, keys[i], octets ? take_octet(from) : take_number(from));
}

static void set_rdata(getdns_dict *rdata, uint32_t type, getdns_bindata data)
{
    static const char *const tlsa[] = {"certificate_usage", "selector", "matching_type"};
    static const char *const soa[] = {"minimum"};
    static const char *const signature[] = {"original_ttl", "signature_expiration"};
    struct input from = {data.data, data.size};
    getdns_bindata rest;
    switch (type) {
    case DNS_A:
        getdns_dict_set_bindata(rdata, "ipv4_address", &data);
        break;
    case DNS_AAAA:
        getdns_dict_set_bindata(rdata, "ipv6_address", &data);
        break;
    case DNS_MX:
        getdns_dict_set_int(rdata, "preference", data.size * 1000);
        getdns_dict_set_bindata(rdata, "exchange", &data);
        break;
    case DNS_CNAME:
        getdns_dict_set_bindata(rdata, "cname", &data);
        break;
    case DNS_TXT:
        set_strings(rdata, from);
        break;
    case DNS_TLSA:
        set_numbers(rdata, tlsa, 3, true, &from);
        rest = (getdns_bindata){from.size, (uint8_t *)(uintptr_t)from.data};
        getdns_dict_set_bindata(rdata, "certificate_association_data", &rest);
        break;
    case DNS_SOA:
        set_numbers(rdata, soa, 1, false, &from);
        break;
    default:
        set_numbers(rdata, signature, 2, false, &from);
    }
}

/* An octet: its low three bits are the type, bit 3: an owner follows, else it is example.org; bit 4: no rdata, bit 5: it
 * stands in the authority section, bit 6: of another class, bit 7: it has no owner. Then four octets of TTL, the owner
 * and the data, each behind an octet of length. */
static void take_record(struct input *input, getdns_list *sections[2])
{
    static const uint32_t types[8] = {DNS_A,   DNS_AAAA,  DNS_MX,  DNS_TLSA,
                                      DNS_TXT, DNS_CNAME, DNS_SOA, RRSIG};
    uint8_t options = take_octet(input);
    getdns_dict *record = getdns_dict_create(), *rdata = getdns_dict_create();
    getdns_list *section = sections[options >> 5 & 1];
    size_t count = 0;
    getdns_dict_set_int(record, "type", types[options & 7]);
    getdns_dict_set_int(record, "class", (options & 64) != 0 ? 3 : 1);
    getdns_dict_set_int(record, "ttl", take_number(input));
    if ((options & 8) != 0) {
        getdns_bindata owner = take_data(input);
        getdns_dict_set_bindata(record, "name", &owner);
    } else if ((options & 128) == 0) {
        set_name(record, "name", "\7example\3org", 13);
    }
    set_rdata(rdata, types[options & 7], take_data(input));
    if ((options & 16) == 0)
        getdns_dict_set_dict(record, "rdata", rdata);
    getdns_list_get_length(section, &count);
    getdns_list_set_dict(section, count, record);
    getdns_dict_destroy(rdata);
    getdns_dict_destroy(record);
}

static void set_header(getdns_dict *reply, uint8_t options)
{
    getdns_dict *header = getdns_dict_create();
    getdns_dict_set_int(header, "rcode", options & 15);
    getdns_dict_set_int(header, "ad", options >> 4 & 1);
    getdns_dict_set_int(header, "tc", options >> 5 & 1);
    getdns_dict_set_dict(reply, "header", header);
    getdns_dict_destroy(header);
}

static void set_question(getdns_dict *reply, bool other, enum dns_type type)
{
    getdns_dict *question = getdns_dict_create();
    set_name(question, "qname", other ? "\7Example\3com" : "\7Example\3org", 13);
    getdns_dict_set_int(question, "qtype", type);
    getdns_dict_set_dict(reply, "question", question);
    getdns_dict_destroy(question);
}

static getdns_dict *take_response(struct input *input, uint8_t options, enum dns_type type)
{
    static const uint32_t outcomes[] = {GETDNS_DNSSEC_SECURE, GETDNS_DNSSEC_INSECURE,
                                        GETDNS_DNSSEC_BOGUS, GETDNS_DNSSEC_INDETERMINATE};
    getdns_dict *response = getdns_dict_create(), *reply = getdns_dict_create();
    getdns_list *replies = getdns_list_create();
    getdns_list *sections[2] = {getdns_list_create(), getdns_list_create()};
    uint8_t header = take_octet(input);
    if ((options & 128) == 0)
        set_header(reply, header);
    set_question(reply, (options & 64) != 0, type);
    getdns_dict_set_int(reply, "dnssec_status", outcomes[options >> 3 & 3]);
    while (input->size > 0)
        take_record(input, sections);
    getdns_dict_set_list(reply, "answer", sections[0]);
    getdns_dict_set_list(reply, "authority", sections[1]);
    getdns_list_set_dict(replies, 0, reply);
    getdns_dict_set_list(response, "replies_tree", replies);
    getdns_list_destroy(sections[0]);
    getdns_list_destroy(sections[1]);
    getdns_list_destroy(replies);
    getdns_dict_destroy(reply);
    return response;
}

static void check_found(const struct dns_answer *answer, enum dns_type type)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (type == DNS_MX)
            assert(answer->mx[i].exchange != NULL && strlen(answer->mx[i].exchange) < 1024);
        if (type == DNS_TLSA)
            assert(answer->tlsa[i].length == 0 || answer->tlsa[i].data != NULL);
        if (type == DNS_TXT)
            assert(answer->texts[i].len <= 65535);
        if (type == DNS_A || type == DNS_AAAA)
            assert(answer->addresses[i].family == (type == DNS_A ? 4 : 6));
    }
}

static void check(const struct dns_answer *answer, enum dns_type type)
{
    bool good = answer->status == DNS_SECURE || answer->status == DNS_INSECURE;
    assert(answer->ttl <= TTL_MAX && answer->canonical != NULL);
    assert(good || answer->why != NULL);
    if (!good)
        return;
    assert((answer->presence == DNS_FOUND) == (answer->count > 0));
    check_found(answer, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[8] = {DNS_A,   DNS_AAAA,  DNS_MX,  DNS_TLSA,
                                           DNS_TXT, DNS_CNAME, DNS_SOA, DNS_MX};
    struct input input = {data, size};
    uint8_t options = take_octet(&input);
    enum dns_type type = types[options & 7];
    const struct reply_rules rules = {.own_validation = (options & 32) != 0,
                                      .resolver = "127.0.0.1",
                                      .ttl_max = TTL_MAX,
                                      .cname_limit = CNAMES,
                                      .wall = NOW};
    getdns_dict *response = take_response(&input, options, type);
    bool servfail;
    struct dns_answer *answer = dns_reply_read(response, "example.org", type, &rules, &servfail);
    assert(!servfail || answer->status == DNS_FAILED);
    check(answer, type);
    dns_answer_free(&answer);
    getdns_dict_destroy(response);
    return 0;
}
