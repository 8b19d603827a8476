/* dns: see dns.h. getdns as a stub on our loop.
 * Owns: the getdns context, and every query from the asking to its answer. What getdns calls back
 * with is only noted down; all that follows from it (repeating, answering, sending the next)
 * happens in settle(), so that nobody above ever runs inside getdns.
 * Must never use getdns's own limit on outstanding queries, nor another resolution type than stub,
 * and never destroy a context from inside its callback. */
#include "resolve/dns.h"

#include <assert.h>
#include <getdns/getdns_extra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "resolve/dns_glue.h"
#include "resolve/dns_reply.h"

/* After a time-out getdns may have given the connection up, and says so only to the next query:
 * hence the third try. */
enum {
    WINDOW = 200,
    WINDOW_VALIDATING = 50,
    TRIES = 3,
    TIME_OUTS = 2,
    IDLE_TIMEOUT_MS = 10000,
    RENEWAL_MS = 1000,
    QUIET_MS = 3000
};

struct query {
    struct query *next, *previous;
    struct dns *dns;
    char *name;
    enum dns_type type;
    dns_fn *fn;
    void *arg;
    int64_t asked_at, sent_at;
    uint64_t heard_before; /* replies that the resolver had given when it was sent */
    unsigned tries, time_outs;
    bool moved;                 /* to a new context, because the old one had fallen silent */
    bool checking_disabled;     /* the second look after a SERVFAIL */
    struct dns_answer *refusal; /* what the first look said */
    struct dns_answer *answer;
    bool unreached; /* time-out, or no connection: worth another try */
    bool servfail;
};

struct queue {
    struct query *first, *last;
    size_t count;
};

struct dns {
    struct loop *loop;
    getdns_context *context;
    getdns_dict *extensions, *extensions_unchecked;
    struct dns_glue *glue;
    struct reply_rules rules;
    getdns_list *anchors;
    char resolver[ADDRESS_TEXT];
    struct address address;
    uint16_t port;
    unsigned timeout;   /* seconds */
    uint64_t heard;     /* replies so far; a new context counts as one */
    int64_t renewed_at; /* the making of the context */
    struct queue waiting, outstanding, done;
    struct loop_timer *settle_timer, *quiet_timer;
    struct dns_counters counters;
    bool closing; /* the context is being destroyed: what it says does not count any more */
};

static getdns_return_t open_context(struct dns *dns);
static void close_context(struct dns *dns);

/* --- queues ----------------------------------------------------------------------------------- */

static void queue_remove(struct queue *queue, struct query *query)
{
    *(query->previous != NULL ? &query->previous->next : &queue->first) = query->next;
    *(query->next != NULL ? &query->next->previous : &queue->last) = query->previous;
    query->next = query->previous = NULL;
    queue->count--;
}

static void queue_append(struct queue *queue, struct query *query)
{
    query->previous = queue->last;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = query;
    queue->last = query;
    queue->count++;
}

static void query_free(struct query *query)
{
    dns_answer_free(&query->answer);
    dns_answer_free(&query->refusal);
    free(query->name);
    free(query);
}

static void queue_release(struct queue *queue)
{
    while (queue->first != NULL) {
        struct query *query = queue->first;
        queue_remove(queue, query); // NOLINT(*-unix.Malloc): nobody points at it
        query_free(query);
    }
}

/* --- what getdns says ------------------------------------------------------------------------- */

static struct dns_answer *unreached(struct query *query, getdns_callback_type_t type)
{
    struct dns *dns = query->dns;
    char why[128];
    query->unreached = true;
    if (type == GETDNS_CALLBACK_TIMEOUT) {
        query->time_outs++;
        dns->counters.time_outs++;
        snprintf(why, sizeof(why), "time-out after %u s, asking %s", dns->timeout, dns->resolver);
    } else {
        snprintf(why, sizeof(why), "no connection to the resolver at %s", dns->resolver);
    }
    return dns_answer_failed(query->name, DNS_FAILED, why);
}

/* The type of the callback comes first: a time-out brings a tree that must not be read. */
static void on_reply(getdns_context *context, getdns_callback_type_t type, getdns_dict *response,
                     void *arg, getdns_transaction_t transaction)
{
    (void)context;
    (void)transaction;
    struct query *query = arg;
    struct dns *dns = query->dns;
    if (dns->closing) {
        getdns_dict_destroy(response);
        return; /* the query stands in `outstanding`, and is taken from there */
    }
    dns->heard += type == GETDNS_CALLBACK_COMPLETE;
    query->servfail = query->unreached = false;
    dns->rules.wall = loop_wall(dns->loop);
    if (type == GETDNS_CALLBACK_COMPLETE && response != NULL)
        query->answer =
            dns_reply_read(response, query->name, query->type, &dns->rules, &query->servfail);
    else
        query->answer = unreached(query, type);
    getdns_dict_destroy(response);
    queue_remove(&dns->outstanding, query);
    queue_append(&dns->done, query);
    loop_timer_set(dns->settle_timer, 0);
}

static void send_query(struct dns *dns, struct query *query)
{
    char name[1100];
    snprintf(name, sizeof(name), "%s.",
             query->name); /* absolute: nothing is ever appended (SMTPC-21) */
    query->tries++;
    query->sent_at = loop_now(dns->loop);
    query->heard_before = dns->heard;
    dns->counters.queries++;
    queue_append(&dns->outstanding, query);
    getdns_transaction_t transaction;
    getdns_return_t rc =
        dns->context == NULL
            ? GETDNS_RETURN_MEMORY_ERROR
            : getdns_general(dns->context, name, (uint16_t)query->type,
                             query->checking_disabled ? dns->extensions_unchecked : dns->extensions,
                             query, &transaction, on_reply);
    if (rc == GETDNS_RETURN_GOOD || query->answer != NULL)
        return;
    char why[160];
    snprintf(why, sizeof(why), "the query cannot be made: %s",
             getdns_get_errorstr_by_id((uint16_t)rc));
    query->answer = dns_answer_failed(query->name, DNS_FAILED, why);
    queue_remove(&dns->outstanding, query);
    queue_append(&dns->done, query);
    loop_timer_set(dns->settle_timer, 0);
}

/* --- what follows from it --------------------------------------------------------------------- */

static void again(struct dns *dns, struct query *query)
{
    dns_answer_free(&query->answer);
    queue_append(&dns->waiting, query);
}

/* The second look, with checking disabled, was answered: the data are there, so it is validation
 * that fails. */
static void take_second_look(struct query *query)
{
    struct dns_answer *seen = query->answer;
    bool data_are_there = seen->status == DNS_SECURE || seen->status == DNS_INSECURE;
    dns_answer_free(&query->answer);
    if (data_are_there) {
        dns_answer_free(&query->refusal);
        char why[160];
        snprintf(why, sizeof(why), "SERVFAIL from %s, which answers with checking disabled",
                 query->dns->resolver);
        query->answer = dns_answer_failed(query->name, DNS_BOGUS, why);
    } else {
        query->answer = query->refusal;
        query->refusal = NULL;
    }
}

static void deliver(struct dns *dns, struct query *query)
{
    struct dns_answer *answer = query->answer;
    query->answer = NULL;
    dns->counters.bogus += answer->status == DNS_BOGUS;
    dns->counters.failures += answer->status == DNS_FAILED;
    dns_fn *fn = query->fn;
    void *arg = query->arg;
    query_free(query);
    fn(arg, answer);
}

static void finish(struct dns *dns, struct query *query)
{
    if (query->checking_disabled) {
        take_second_look(query);
        deliver(dns, query);
    } else if (query->unreached && query->tries < TRIES && query->time_outs < TIME_OUTS) {
        again(dns, query);
    } else if (query->servfail && !dns->rules.own_validation) {
        query->refusal = query->answer;
        query->answer = NULL;
        query->checking_disabled = true;
        again(dns, query);
    } else {
        deliver(dns, query);
    }
}

/* A query whose turn comes so late that its asker has long given up would only add to the load. */
static bool is_stale(const struct dns *dns, const struct query *query)
{
    return query->tries == 0 &&
           loop_now(dns->loop) - query->asked_at > 2000 * (int64_t)dns->timeout;
}

static void send_waiting(struct dns *dns)
{
    /* By UDP each of getdns's own queries has a socket, and validating one answer takes several. */
    size_t window = dns->rules.own_validation ? WINDOW_VALIDATING : WINDOW;
    while (dns->waiting.first != NULL && dns->outstanding.count < window) {
        struct query *query = dns->waiting.first;
        queue_remove(&dns->waiting, query);
        if (!is_stale(dns, query)) {
            send_query(dns, query);
            continue;
        }
        query->answer = dns_answer_failed(query->name, DNS_FAILED,
                                          "the resolver does not keep up with our queries");
        queue_append(&dns->done, query);
        loop_timer_set(dns->settle_timer, 0);
    }
}

/* Nothing has been heard since this query left: it may be our side that is deaf. When getdns
 * cancels queries of its own below an insecure delegation, what waits in the write queue of its TCP
 * connection can stay there for ever (seen with 1.6.0, about one time in ten); every later query
 * then ends in a time-out. A new context costs nothing. */
static bool is_suspect(const struct dns *dns, const struct query *query)
{
    return query->unreached && dns->heard == query->heard_before;
}

static void renew_context(struct dns *dns)
{
    if (loop_now(dns->loop) - dns->renewed_at < RENEWAL_MS)
        return;
    close_context(dns);
    while (dns->outstanding.first != NULL) {
        struct query *query = dns->outstanding.first;
        queue_remove(&dns->outstanding, query);
        query->tries--;
        queue_append(&dns->waiting, query);
    }
    if (open_context(dns) != GETDNS_RETURN_GOOD)
        close_context(dns);
}

/* A connection may also die without a word, as behind a router that was restarted. Whoever waits for the time-out then is
 * deaf for as long, and so are all who ask meanwhile; so nothing at all, for a few seconds, is enough to ask once more
 * by another one. In our own validation an answer takes several queries, and may take its time. */
static void watch_for_quiet(struct dns *dns)
{
    const struct query *oldest = dns->outstanding.first;
    while (oldest != NULL && oldest->moved)
        oldest = oldest->next;
    if (oldest == NULL || dns->rules.own_validation) {
        loop_timer_stop(dns->quiet_timer);
        return;
    }
    int64_t left = oldest->sent_at + QUIET_MS - loop_now(dns->loop);
    loop_timer_set(dns->quiet_timer, left > RENEWAL_MS ? left : RENEWAL_MS);
}

static void move_what_waits_in_vain(void *arg)
{
    struct dns *dns = arg;
    bool quiet = false;
    int64_t since = loop_now(dns->loop) - QUIET_MS;
    for (const struct query *query = dns->outstanding.first; query != NULL; query = query->next)
        quiet |= !query->moved && query->heard_before == dns->heard && query->sent_at <= since;
    for (struct query *query = dns->outstanding.first; query != NULL; query = query->next)
        query->moved |= query->sent_at <= since;
    if (quiet)
        renew_context(dns);
    send_waiting(dns);
    watch_for_quiet(dns);
}

static void settle(void *arg)
{
    struct dns *dns = arg;
    struct queue done = dns->done;
    dns->done = (struct queue){0};
    bool suspect = dns->context == NULL;
    for (struct query *query = done.first; query != NULL; query = query->next)
        suspect = suspect || is_suspect(dns, query);
    if (suspect)
        renew_context(dns);
    while (done.first != NULL) {
        struct query *query = done.first;
        queue_remove(&done, query); // NOLINT(*-unix.Malloc): as above
        finish(dns, query);
    }
    send_waiting(dns);
    watch_for_quiet(dns);
}

void dns_query(struct dns *dns, const char *name, enum dns_type type, dns_fn *fn, void *arg)
{
    struct query *query = x_calloc(1, sizeof(*query));
    *query = (struct query){.dns = dns,
                            .name = x_strdup(name),
                            .type = type,
                            .fn = fn,
                            .arg = arg,
                            .asked_at = loop_now(dns->loop)};
    ascii_lower_text(query->name);
    queue_append(&dns->waiting, query);
    loop_timer_set(dns->settle_timer, 0);
}

/* --- making it -------------------------------------------------------------------------------- */

/* A line that getdns cannot read ends its reading without a word: the records are counted against
 * the lines. */
static size_t count_records(FILE *file)
{
    char line[8192];
    size_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        struct slice text = slice_trim(slice_of(line));
        count += text.len > 0 && strchr(";\r\n", text.ptr[0]) == NULL;
    }
    rewind(file);
    return count;
}

/* DANE-03: without a trust anchor everything would look insecure. */
static int read_trust_anchor(struct dns *dns, const char *path, struct err *err_r)
{
    CLEANUP(file_close) FILE *file = fopen(path, "r");
    if (file == NULL)
        return err_system(err_r, "trust_anchor: %s", path);
    size_t expected = count_records(file), count = 0;
    if (getdns_fp2rr_list(file, &dns->anchors, NULL, 3600) == GETDNS_RETURN_GOOD)
        getdns_list_get_length(dns->anchors, &count);
    if (expected == 0)
        return err_set(err_r, "trust_anchor: %s holds no DS or DNSKEY record", path);
    if (count != expected)
        return err_set(err_r,
                       "trust_anchor: %s: record %zu of %zu cannot be read; one DS or DNSKEY a "
                       "line is expected",
                       path, count + 1, expected);
    return 0;
}

static getdns_return_t use_upstream(struct dns *dns)
{
    bool six = dns->address.family == 6;
    getdns_bindata data = {six ? 16 : 4, dns->address.octets};
    getdns_dict *upstream = getdns_dict_create();
    getdns_list *upstreams = getdns_list_create();
    getdns_return_t rc =
        getdns_dict_util_set_string(upstream, "address_type", six ? "IPv6" : "IPv4");
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_dict_set_bindata(upstream, "address_data", &data);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_dict_set_int(upstream, "port", dns->port);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_list_set_dict(upstreams, 0, upstream);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_upstream_recursive_servers(dns->context, upstreams);
    getdns_dict_destroy(upstream);
    getdns_list_destroy(upstreams);
    return rc;
}

static getdns_return_t use_extensions(struct dns *dns)
{
    dns->extensions = getdns_dict_create();
    dns->extensions_unchecked = getdns_dict_create();
    getdns_return_t rc = getdns_dict_set_int(dns->extensions_unchecked, "/header/cd", 1);
    if (!dns->rules.own_validation)
        return rc == GETDNS_RETURN_GOOD ? getdns_dict_set_int(dns->extensions, "/header/ad", 1)
                                        : rc;
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_dict_set_int(dns->extensions, "dnssec_return_status", GETDNS_EXTENSION_TRUE);
    if (rc == GETDNS_RETURN_GOOD) /* or bogus replies are left out, and read as "no such name" */
        rc = getdns_dict_set_int(dns->extensions, "dnssec_return_all_statuses",
                                 GETDNS_EXTENSION_TRUE);
    return rc;
}

/* Over TCP one connection carries the whole window. Our own validation goes by UDP first, because
 * getdns can lose its TCP write queue when it cancels what it needs no longer; see is_suspect. */
static getdns_return_t use_transports(struct dns *dns)
{
    getdns_transport_list_t both[] = {GETDNS_TRANSPORT_UDP, GETDNS_TRANSPORT_TCP};
    return dns->rules.own_validation
               ? getdns_context_set_dns_transport_list(dns->context, 2, both)
               : getdns_context_set_dns_transport_list(dns->context, 1, both + 1);
}

static getdns_return_t open_context(struct dns *dns)
{
    getdns_namespace_t only_dns = GETDNS_NAMESPACE_DNS;
    dns->renewed_at = loop_now(dns->loop);
    dns->heard++;
    getdns_return_t rc = getdns_context_create(&dns->context, 0);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_eventloop(dns->context, dns_glue_eventloop(dns->glue));
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_resolution_type(dns->context, GETDNS_RESOLUTION_STUB);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_namespaces(dns->context, 1, &only_dns);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_append_name(dns->context, GETDNS_APPEND_NAME_NEVER);
    if (rc == GETDNS_RETURN_GOOD)
        rc = use_transports(dns);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_idle_timeout(dns->context, IDLE_TIMEOUT_MS);
    if (rc == GETDNS_RETURN_GOOD)
        rc = getdns_context_set_timeout(dns->context, 1000 * (uint64_t)dns->timeout);
    if (rc == GETDNS_RETURN_GOOD && dns->rules.own_validation)
        rc = getdns_context_set_dnssec_trust_anchors(dns->context, dns->anchors);
    return rc == GETDNS_RETURN_GOOD ? use_upstream(dns) : rc;
}

static void close_context(struct dns *dns)
{
    dns->closing = true;
    getdns_context_destroy(dns->context);
    dns->context = NULL;
    dns->closing = false;
}

/* DANE-08 */
static int check_trust(const struct resolver_settings *settings, struct err *err_r)
{
    char text[ADDRESS_TEXT];
    if (settings->address.family == 0)
        return err_set(err_r, "resolver: no address is set");
    if (settings->mode != RESOLVER_LOOPBACK || settings->trust_path ||
        address_is_loopback(&settings->address))
        return 0;
    return err_set(err_r,
                   "resolver: %s is not on this machine, so its word on DNSSEC cannot be trusted; "
                   "run a validating "
                   "resolver on loopback, or set mode = \"validate\", or trust_path = true if "
                   "nobody can change "
                   "what passes between here and there",
                   address_format(&settings->address, text));
}

int dns_create(struct dns **dns_r, struct loop *loop, const struct resolver_settings *settings,
               struct err *err_r)
{
    if (check_trust(settings, err_r) != 0)
        return -1;
    struct dns *dns = x_calloc(1, sizeof(*dns));
    dns->loop = loop;
    dns->address = settings->address;
    dns->port = settings->port;
    dns->timeout = settings->timeout;
    dns->glue = dns_glue_create(loop);
    dns->settle_timer = loop_timer_create(loop, settle, dns);
    dns->quiet_timer = loop_timer_create(loop, move_what_waits_in_vain, dns);
    address_format(&settings->address, dns->resolver);
    dns->rules = (struct reply_rules){.own_validation = settings->mode == RESOLVER_VALIDATE,
                                      .resolver = dns->resolver,
                                      .ttl_max = settings->cache_ttl_max,
                                      .cname_limit = settings->cname_limit};
    int result =
        dns->rules.own_validation ? read_trust_anchor(dns, settings->trust_anchor, err_r) : 0;
    getdns_return_t rc = result == 0 ? use_extensions(dns) : GETDNS_RETURN_GOOD;
    if (result == 0 && rc == GETDNS_RETURN_GOOD)
        rc = open_context(dns);
    if (rc != GETDNS_RETURN_GOOD)
        result = err_set(err_r, "resolver: getdns: %s", getdns_get_errorstr_by_id((uint16_t)rc));
    if (result != 0)
        dns_free(&dns);
    *dns_r = dns;
    return result;
}

void dns_free(struct dns **dns)
{
    if (*dns == NULL)
        return;
    close_context(*dns);
    getdns_list_destroy((*dns)->anchors);
    getdns_dict_destroy((*dns)->extensions);
    getdns_dict_destroy((*dns)->extensions_unchecked);
    queue_release(&(*dns)->waiting);
    queue_release(&(*dns)->outstanding);
    queue_release(&(*dns)->done);
    loop_timer_free(&(*dns)->settle_timer);
    loop_timer_free(&(*dns)->quiet_timer);
    dns_glue_free(&(*dns)->glue);
    free(*dns);
    *dns = NULL;
}

struct dns_counters dns_counters(const struct dns *dns)
{
    return dns->counters;
}
