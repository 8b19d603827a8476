/* fake_dns: see fake_dns.h. Answers come by a timer of one virtual millisecond. */
#include "fake_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

struct pending {
    struct pending *next;
    char *name;
    enum dns_type type;
    dns_fn *fn;
    void *arg;
};

struct dns {
    struct loop_timer *timer;
    struct pending *first, **end;
};

static const struct fake_row *rows;
static size_t row_count;
static char asked[8192];
static unsigned asked_count, open_count, open_max;
static const char *silent; /* ending of the names that get no answer; NULL */

void fake_dns_use(const struct fake_row *new_rows, size_t count)
{
    rows = new_rows;
    row_count = count;
    silent = NULL;
}

void fake_dns_silence(const char *ending)
{
    silent = ending;
}

static bool is_silent(const char *name)
{
    size_t length = strlen(name), ending = silent != NULL ? strlen(silent) : SIZE_MAX;
    return length >= ending && strcmp(name + length - ending, silent) == 0;
}

unsigned fake_dns_open_max(void)
{
    return open_max;
}

const char *fake_dns_asked(void)
{
    return asked;
}

unsigned fake_dns_asked_count(void)
{
    return asked_count;
}

void fake_dns_forget_asked(void)
{
    asked[0] = '\0';
    asked_count = open_max = 0;
}

static const char *type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A:
        return "A";
    case DNS_CNAME:
        return "CNAME";
    case DNS_SOA:
        return "SOA";
    case DNS_MX:
        return "MX";
    case DNS_TXT:
        return "TXT";
    case DNS_AAAA:
        return "AAAA";
    case DNS_TLSA:
        return "TLSA";
    }
    return "?";
}

static void fill_mx(struct dns_answer *answer, struct slice data)
{
    answer->mx = arena_alloc(answer->arena, 64 * sizeof(*answer->mx));
    for (struct slice rest = data; rest.ptr != NULL && rest.len > 0;) {
        struct slice preference = slice_split(rest, ' ', &rest),
                     exchange = slice_split(rest, ' ', &rest);
        if (exchange.len == 1 && exchange.ptr[0] == '.')
            exchange.len = 0;
        answer->mx[answer->count++] =
            (struct dns_mx){(uint16_t)atoi(preference.ptr),
                            arena_strndup(answer->arena, exchange.ptr, exchange.len)};
    }
}

static void fill_addresses(struct dns_answer *answer, struct slice data)
{
    answer->addresses = arena_alloc(answer->arena, 16 * sizeof(*answer->addresses));
    for (struct slice rest = data; rest.ptr != NULL && rest.len > 0;) {
        struct slice text = slice_split(rest, ' ', &rest);
        if (address_parse(arena_strndup(answer->arena, text.ptr, text.len),
                          &answer->addresses[answer->count++]) != 0)
            abort();
    }
}

static void fill_tlsa(struct dns_answer *answer, struct slice data)
{
    answer->count = (size_t)atoi(data.ptr);
    answer->tlsa = arena_alloc(answer->arena, answer->count * sizeof(*answer->tlsa));
    for (size_t i = 0; i < answer->count; i++)
        answer->tlsa[i] = (struct tlsa_record){.usage = 3,
                                               .selector = 1,
                                               .matching_type = 1,
                                               .length = 32,
                                               .data = arena_alloc(answer->arena, 32)};
}

/* Records stand apart by "|". */
static void fill_texts(struct dns_answer *answer, struct slice data)
{
    answer->texts = arena_alloc(answer->arena, 16 * sizeof(*answer->texts));
    for (struct slice rest = data; rest.ptr != NULL;) {
        struct slice text = slice_split(rest, '|', &rest);
        answer->texts[answer->count++] =
            (struct slice){arena_strndup(answer->arena, text.ptr, text.len), text.len};
    }
}

static struct dns_answer *answer_of(const struct fake_row *row, const char *name,
                                    enum dns_type type)
{
    if (row == NULL)
        return dns_answer_failed(name, DNS_FAILED, "not in the table");
    if (row->status == DNS_BOGUS || row->status == DNS_FAILED)
        return dns_answer_failed(name, row->status,
                                 row->status == DNS_BOGUS ? "bogus" : "SERVFAIL");
    struct dns_answer *answer = dns_answer_create(row->canonical != NULL ? row->canonical : name);
    answer->status = row->status;
    answer->aliased = row->canonical != NULL;
    answer->ttl = row->ttl == 0 ? 3600 : row->ttl == FAKE_TTL_NONE ? 0 : row->ttl;
    answer->presence = DNS_NO_DATA;
    if (row->data == NULL)
        return answer;
    if (strcmp(row->data, "nxdomain") == 0) {
        answer->presence = DNS_NO_NAME;
        return answer;
    }
    answer->presence = DNS_FOUND;
    if (type == DNS_MX)
        fill_mx(answer, slice_of(row->data));
    else if (type == DNS_TLSA)
        fill_tlsa(answer, slice_of(row->data));
    else if (type == DNS_TXT)
        fill_texts(answer, slice_of(row->data));
    else if (type == DNS_A || type == DNS_AAAA)
        fill_addresses(answer, slice_of(row->data));
    else
        answer->count = 1;
    return answer;
}

static const struct fake_row *find(const char *name, enum dns_type type)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].type == type && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void answer_all(void *arg)
{
    struct dns *dns = arg;
    struct pending *batch = dns->first;
    dns->first = NULL;
    dns->end = &dns->first;
    while (batch != NULL) {
        struct pending *pending = batch;
        batch = pending->next;
        if (is_silent(pending->name)) {
            *dns->end = pending;
            pending->next = NULL;
            dns->end = &pending->next;
            continue;
        }
        open_count--;
        pending->fn(pending->arg,
                    answer_of(find(pending->name, pending->type), pending->name, pending->type));
        free(pending->name);
        free(pending);
    }
}

int dns_create(struct dns **dns_r, struct loop *loop, const struct resolver_settings *settings,
               struct err *err_r)
{
    (void)settings;
    (void)err_r;
    struct dns *dns = x_calloc(1, sizeof(*dns));
    dns->timer = loop_timer_create(loop, answer_all, dns);
    dns->end = &dns->first;
    *dns_r = dns;
    return 0;
}

void dns_free(struct dns **dns)
{
    while ((*dns)->first != NULL) {
        struct pending *pending = (*dns)->first;
        (*dns)->first = pending->next;
        open_count--;
        free(pending->name);
        free(pending);
    }
    loop_timer_free(&(*dns)->timer);
    free(*dns);
    *dns = NULL;
}

void dns_query(struct dns *dns, const char *name, enum dns_type type, dns_fn *fn, void *arg)
{
    size_t used = strlen(asked);
    snprintf(asked + used, sizeof(asked) - used, "%s%s %s", used > 0 ? ", " : "", type_name(type),
             name);
    asked_count++;
    open_count++;
    open_max = open_count > open_max ? open_count : open_max;
    struct pending *pending = x_calloc(1, sizeof(*pending));
    *pending = (struct pending){.name = x_strdup(name), .type = type, .fn = fn, .arg = arg};
    *dns->end = pending;
    dns->end = &pending->next;
    loop_timer_set(dns->timer, 1);
}

struct dns_counters dns_counters(const struct dns *dns)
{
    (void)dns;
    return (struct dns_counters){.queries = asked_count};
}
