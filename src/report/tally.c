/* tally: see tally.h. Counts are JSON objects from the start, found by the compact text of what
 * makes them distinct.
 * Owns: the counts since the last flush, bounded: too many details are merged (RPT-45), too many
 * policies dropped. They are handed over in batches, so that neither the channel nor the store has
 * more than one of them to swallow at once. The set of TLSA records has no order (RFC 2181 5): the
 * strings of a TLSA policy are sorted.
 * Must never take text from a peer that is not UTF-8, or of any length. */
#include "report/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"
#include "log/log.h"
#include "report/report_name.h"

enum {
    TEXT_LIMIT = 255,
    POLICY_LIMIT =
        3 * 65536,          /* of a string of a policy: a TLSA record or a policy file, repaired */
    DETAIL_LIMIT = 1000,    /* of one policy */
    OCTET_LIMIT = 64 << 20, /* of the texts of all policies and details */
    BATCH_OCTETS = 1 << 20, /* of one batch, about */
};

struct tally {
    json_t *policies; /* distinct text -> counts; "details" is an object likewise */
    size_t octets;    /* of those distinct texts */
    uint64_t dropped;
    struct loop_timer *timer;
    bool timer_set;
    unsigned flush_interval;
    tally_flush_fn *fn;
    void *arg;
};

const char *policy_type_name(enum policy_type type)
{
    static const char *const names[] = {
        [POLICY_NOT_FOUND] = "no-policy-found", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};
    return names[type];
}

/* A peer's text as I-JSON has it, cut at `limit` octets (RPT-26). */
static json_t *text_within(const char *text, size_t limit)
{
    struct buffer clean;
    buffer_init(&clean, limit);
    utf8_repair(slice_of(text), &clean);
    json_t *json = json_stringn(clean.ptr != NULL ? clean.ptr : "", clean.len);
    buffer_release(&clean);
    return json;
}

json_t *tally_text(const char *text)
{
    return text_within(text, TEXT_LIMIT);
}

json_t *tally_policy_string(const char *text)
{
    return text_within(text, POLICY_LIMIT);
}

static json_t *address_text(const struct address *address)
{
    char text[ADDRESS_TEXT];
    return json_string(address->family != 0 ? address_format(address, text) : "");
}

/* RPT-17: the UTC day in which the session started. */
static json_t *day_of(int64_t seconds)
{
    char text[DAY_TEXT];
    day_format(seconds, text);
    return json_string(text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *list_of(const char *const *strings, size_t count, bool sorted)
{
    json_t *list = json_array();
    if (count == 0)
        return list;
    const char **copy = x_memdup(strings, count * sizeof(*copy));
    if (sorted)
        qsort(copy, count, sizeof(*copy), by_text);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, tally_policy_string(copy[i]));
    free(copy);
    return list;
}

static void increase(json_t *object, const char *key)
{
    json_t *number = json_object_get(object, key);
    json_integer_set(number, json_integer_value(number) + 1);
}

/* The object of `index` that has these facts, or `facts` themselves put there; NULL: there is no room.
 * Takes the reference. */
static json_t *find_or_add(struct tally *tally, json_t *index, json_t *facts, bool room)
{
    CLEANUP(text_free) char *key = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *found = json_object_get(index, key);
    if (found == NULL && room) {
        json_object_set(index, key, facts);
        tally->octets += strlen(key);
        found = facts;
    }
    json_decref(facts);
    return found;
}

static json_t *find_policy(struct tally *tally, const struct session_record *session,
                           const char *identity)
{
    const char *policy_domain =
        session->policy_domain != NULL ? session->policy_domain : session->next_hop;
    json_t *facts = json_object();
    json_object_set_new(facts, "day", day_of(session->started));
    json_object_set_new(facts, "domain", tally_text(session->next_hop));
    json_object_set_new(facts, "identity", tally_text(identity));
    json_object_set_new(facts, "type", json_string(policy_type_name(session->policy)));
    json_object_set_new(facts, "policy_domain", tally_text(policy_domain));
    json_object_set_new(facts, "strings",
                        list_of(session->policy_strings, session->policy_string_count,
                                session->policy == POLICY_TLSA));
    json_object_set_new(facts, "mx",
                        list_of(session->mx_patterns, session->mx_pattern_count, false));
    json_t *policy = find_or_add(tally, tally->policies, facts, tally->octets < OCTET_LIMIT);
    if (policy != NULL && json_object_get(policy, "details") == NULL) {
        json_object_set_new(policy, "success", json_integer(0));
        json_object_set_new(policy, "failure", json_integer(0));
        json_object_set_new(policy, "details", json_object());
    }
    return policy;
}

static json_t *detail_facts(const struct session_record *session,
                            const struct session_failure *failure)
{
    json_t *facts = json_object();
    json_object_set_new(facts, "type", json_string(result_type_name(failure->type)));
    json_object_set_new(facts, "sending", address_text(&session->sending));
    json_object_set_new(facts, "mx", tally_text(session->mx_name));
    json_object_set_new(facts, "helo", tally_text(session->mx_helo));
    json_object_set_new(facts, "receiving", address_text(&session->receiving));
    json_object_set_new(facts, "code", tally_text(failure->reason_code));
    return facts;
}

/* RPT-13; RPT-45: beyond the limits only the result type still counts. */
static void count_failure(struct tally *tally, json_t *details,
                          const struct session_record *session,
                          const struct session_failure *failure)
{
    bool room = json_object_size(details) < DETAIL_LIMIT && tally->octets < OCTET_LIMIT;
    json_t *detail = find_or_add(tally, details, detail_facts(session, failure), room);
    if (detail == NULL) {
        const struct session_record nobody = {.started = 0};
        const struct session_failure type_only = {.type = failure->type};
        detail = find_or_add(tally, details, detail_facts(&nobody, &type_only), true);
    }
    if (json_object_get(detail, "count") == NULL)
        json_object_set_new(detail, "count", json_integer(0));
    increase(detail, "count");
}

static void start_timer(struct tally *tally)
{
    if (!tally->timer_set)
        loop_timer_set(tally->timer, (int64_t)tally->flush_interval * 1000);
    tally->timer_set = true;
}

void tally_session(struct tally *tally, const struct session_record *session, const char *identity)
{
    json_t *policy = find_policy(tally, session, identity);
    if (policy == NULL) {
        tally->dropped++;
        return;
    }
    increase(policy, session->success ? "success" : "failure");
    for (size_t i = 0; !session->success && i < session->failure_count; i++)
        if (session->failures[i].type != RESULT_NONE)
            count_failure(tally, json_object_get(policy, "details"), session,
                          &session->failures[i]);
    start_timer(tally);
}

static json_t *values_of(json_t *object)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(object, key, value) {
        json_array_append(list, value);
    }
    return list;
}

static size_t octets_of(const char *key, json_t *policy)
{
    size_t octets = strlen(key);
    const char *detail_key;
    json_t *detail;
    json_object_foreach(json_object_get(policy, "details"), detail_key, detail) {
        octets += strlen(detail_key);
    }
    return octets;
}

/* The policies that came first, in the form of tally.h: indexes become arrays. */
static json_t *batch_of(const struct tally *tally, size_t *octets_r)
{
    json_t *counts = json_array(), *policy;
    const char *key;
    *octets_r = 0;
    json_object_foreach(tally->policies, key, policy) {
        if (*octets_r >= BATCH_OCTETS)
            break;
        json_t *copy = json_copy(policy);
        json_object_set_new(copy, "details", values_of(json_object_get(policy, "details")));
        json_array_append_new(counts, copy);
        *octets_r += octets_of(key, policy);
    }
    return counts;
}

static void forget_first(struct tally *tally, size_t count, size_t octets)
{
    for (size_t i = 0; i < count; i++)
        json_object_del(tally->policies, json_object_iter_key(json_object_iter(tally->policies)));
    tally->octets -= octets;
}

static void warn_of_dropped(struct tally *tally)
{
    if (tally->dropped > 0)
        log_event(LOG_LEVEL_WARNING, "tally-full", "%llu sessions are missing in the TLS reports",
                  (unsigned long long)tally->dropped);
    tally->dropped = 0;
}

/* One batch after the other, until one is not taken now. */
static void flush(struct tally *tally)
{
    while (json_object_size(tally->policies) > 0) {
        size_t octets;
        CLEANUP(json_free) json_t *counts = batch_of(tally, &octets);
        if (tally->fn(tally->arg, counts) != 0)
            break;
        forget_first(tally, json_array_size(counts), octets);
    }
    warn_of_dropped(tally);
}

static void on_time(void *arg)
{
    struct tally *tally = arg;
    tally->timer_set = false;
    flush(tally);
    if (json_object_size(tally->policies) > 0)
        start_timer(tally);
}

struct tally *tally_create(struct loop *loop, unsigned flush_interval, tally_flush_fn *fn,
                           void *arg)
{
    struct tally *tally = x_calloc(1, sizeof(*tally));
    tally->policies = json_object();
    tally->timer = loop_timer_create(loop, on_time, tally);
    tally->flush_interval = flush_interval;
    tally->fn = fn;
    tally->arg = arg;
    return tally;
}

void tally_free(struct tally **tally)
{
    if (*tally == NULL)
        return;
    flush(*tally);
    loop_timer_free(&(*tally)->timer);
    json_decref((*tally)->policies);
    free(*tally);
    *tally = NULL;
}
