/* summary: see summary.h.
 * Owns: objects by name while it counts, which become arrays at the end.
 * Must never grow but with what the reports name. */
#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/report_name.h"

struct report_summary {
    enum report_side side;
    char *domain; /* NULL: all */
    json_t *seen; /* organisation, id and begin of each report -> true */
    json_t *total, *organizations, *domains, *policy_types, *failures;
};

/* What failed sessions are counted by, within one failure. */
static const char *const counted[] = {"policy_types", "organizations", "mx",
                                      "sending_ips",  "receiving_ips", "codes",
                                      "information",  "for_domains"};
enum { COUNTED = sizeof(counted) / sizeof(counted[0]) };

struct report_summary *report_summary_create(enum report_side side, const char *domain)
{
    struct report_summary *summary = x_calloc(1, sizeof(*summary));
    summary->side = side;
    if (domain != NULL) {
        summary->domain = x_strdup(domain);
        ascii_lower_text(summary->domain);
    }
    summary->seen = json_object();
    summary->total = json_object();
    summary->organizations = json_object();
    summary->domains = json_object();
    summary->policy_types = json_object();
    summary->failures = json_object();
    return summary;
}

void report_summary_free(struct report_summary **summary)
{
    if (*summary == NULL)
        return;
    json_decref((*summary)->seen);
    json_decref((*summary)->total);
    json_decref((*summary)->organizations);
    json_decref((*summary)->domains);
    json_decref((*summary)->policy_types);
    json_decref((*summary)->failures);
    free((*summary)->domain);
    free(*summary);
    *summary = NULL;
}

/* --- counting ----------------------------------------------------------------------------------- */

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void add(json_t *object, const char *key, uint64_t count)
{
    json_int_t sum;
    if (__builtin_add_overflow(number_of(object, key), (json_int_t)count, &sum))
        sum = INT64_MAX;
    json_object_set_new(object, key, json_integer(sum));
}

static json_t *object_in(json_t *objects, const char *key)
{
    json_t *object = json_object_get(objects, key);
    if (object == NULL)
        json_object_set_new(objects, key, object = json_object());
    return object;
}

/* first_day and last_day take the day in. */
static void widen(json_t *object, const char *day)
{
    const char *first = json_string_value(json_object_get(object, "first_day"));
    const char *last = json_string_value(json_object_get(object, "last_day"));
    if (first == NULL || *first == '\0' || (*day != '\0' && strcmp(day, first) < 0))
        json_object_set_new(object, "first_day", json_string(day));
    if (last == NULL || strcmp(day, last) > 0)
        json_object_set_new(object, "last_day", json_string(day));
}

static void count_sessions(json_t *object, const struct report_policy *policy, const char *day)
{
    add(object, "success", policy->success);
    add(object, "failure", policy->failure);
    widen(object, day);
}

static void count_name(json_t *failure, const char *key, const char *name, uint64_t count)
{
    if (*name != '\0')
        add(object_in(failure, key), name, count);
}

static void count_failure(struct report_summary *summary, const struct tls_report *report,
                          const struct report_policy *policy, const struct report_failure *failure,
                          const char *day)
{
    const char *name = *failure->type_name != '\0' ? failure->type_name : "not said";
    struct mending mending = mending_of(failure->type, failure->code, summary->side);
    char *key = x_printf("%s\n%s\n%s", policy->domain, name, mending.what);
    json_t *object = object_in(summary->failures, key);
    free(key);
    if (json_object_size(object) == 0) {
        json_object_set_new(object, "domain", json_string(policy->domain));
        json_object_set_new(object, "result_type", json_string(name));
        json_object_set_new(object, "what", json_string(mending.what));
        json_object_set_new(object, "who", json_string(mending.who));
        json_object_set_new(object, "advice", json_string(mending.how));
    }
    add(object, "count", failure->count);
    widen(object, day);
    count_name(object, "policy_types", policy->type, failure->count);
    count_name(object, "organizations", report->organization, failure->count);
    count_name(object, "mx", failure->mx, failure->count);
    count_name(object, "sending_ips", failure->sending_ip, failure->count);
    count_name(object, "receiving_ips", failure->receiving_ip, failure->count);
    count_name(object, "codes", failure->code, failure->count);
    count_name(object, "information", failure->information, failure->count);
    count_name(object, "for_domains", report->domain, failure->count);
}

/* Several details may tell of one session, but no session fails without being counted. */
static void count_unexplained(struct report_summary *summary, const struct tls_report *report,
                              const struct report_policy *policy, const char *day)
{
    uint64_t explained = 0;
    for (size_t i = 0; i < policy->failure_count; i++)
        explained += policy->failures[i].count;
    if (explained >= policy->failure)
        return;
    const struct report_failure rest = {.type_name = "",
                                        .sending_ip = "",
                                        .mx = "",
                                        .helo = "",
                                        .receiving_ip = "",
                                        .information = "",
                                        .code = "",
                                        .count = policy->failure - explained};
    count_failure(summary, report, policy, &rest, day);
}

static void count_policy(struct report_summary *summary, const struct tls_report *report,
                         const struct report_policy *policy, const char *day)
{
    json_t *domain = object_in(summary->domains, policy->domain);
    count_sessions(summary->total, policy, day);
    count_sessions(domain, policy, day);
    count_sessions(object_in(summary->organizations, report->organization), policy, day);
    add(summary->policy_types, *policy->type != '\0' ? policy->type : "not said",
        policy->success + policy->failure);
    for (size_t i = 0; i < policy->failure_count; i++)
        count_failure(summary, report, policy, &policy->failures[i], day);
    count_unexplained(summary, report, policy, day);
}

static bool is_wanted(const struct report_summary *summary, const struct tls_report *report,
                      const struct report_policy *policy)
{
    return summary->domain == NULL || strcmp(summary->domain, policy->domain) == 0 ||
           strcmp(summary->domain, report->domain) == 0;
}

static bool is_new(struct report_summary *summary, const struct tls_report *report)
{
    if (*report->id == '\0')
        return true;
    char *key =
        x_printf("%s\n%s\n%lld", report->organization, report->id, (long long)report->begin);
    bool is_there = json_object_get(summary->seen, key) != NULL;
    json_object_set_new(summary->seen, key, json_true());
    free(key);
    if (is_there)
        add(summary->total, "duplicates", 1);
    return !is_there;
}

static void count_domains(struct report_summary *summary, json_t *domains)
{
    const char *domain;
    json_t *value;
    json_object_foreach(domains, domain, value) {
        (void)value;
        add(object_in(summary->domains, domain), "reports", 1);
    }
}

bool report_summary_add(struct report_summary *summary, const struct tls_report *report)
{
    char day[DAY_TEXT] = "";
    if (!is_new(summary, report))
        return false;
    json_t *domains = json_object(); /* one report may have several policies of one */
    if (report->begin > 0)
        day_format(report->begin, day);
    for (size_t i = 0; i < report->policy_count; i++) {
        if (!is_wanted(summary, report, &report->policies[i]))
            continue;
        count_policy(summary, report, &report->policies[i], day);
        json_object_set_new(domains, report->policies[i].domain, json_true());
    }
    bool counts = json_object_size(domains) > 0;
    count_domains(summary, domains);
    json_decref(domains);
    if (!counts)
        return true;
    json_t *organization = object_in(summary->organizations, report->organization);
    add(organization, "reports", 1);
    add(summary->total, "reports", 1);
    if (*report->contact != '\0')
        json_object_set_new(organization, "contact", json_string(report->contact));
    return true;
}

/* --- arrays from objects ------------------------------------------------------------------------ */

/* The most first, by `failure` or `count`; then by name, so that the order is always the same. */
static int compare(const void *a, const void *b)
{
    static const char *const keys[] = {"failure", "count", "success"};
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_int_t l = number_of(left, keys[i]), r = number_of(right, keys[i]);
        if (l != r)
            return l < r ? 1 : -1;
    }
    const char *l = json_string_value(json_object_get(left, "name"));
    const char *r = json_string_value(json_object_get(right, "name"));
    return strcmp(l != NULL ? l : "", r != NULL ? r : "");
}

static json_t *sorted(json_t *array)
{
    size_t count = json_array_size(array);
    json_t **elements = x_calloc(count + 1, sizeof(*elements)), *result = json_array();
    for (size_t i = 0; i < count; i++)
        elements[i] = json_array_get(array, i);
    qsort(elements, count, sizeof(*elements), compare);
    for (size_t i = 0; i < count; i++)
        json_array_append(result, elements[i]);
    json_decref(array);
    free(elements);
    return result;
}

/* {name: count} -> [{"name","count"}]; NULL: []. */
static json_t *counts_to_array(json_t *counts)
{
    const char *name;
    json_t *count, *array = json_array();
    json_object_foreach(counts, name, count) {
        json_array_append_new(array, json_pack("{s:s, s:O}", "name", name, "count", count));
    }
    return sorted(array);
}

/* {name: {...}} -> [{"name", ...}] */
static json_t *objects_to_array(json_t *objects)
{
    const char *name;
    json_t *object, *array = json_array();
    json_object_foreach(objects, name, object) {
        json_t *element = json_pack("{s:s}", "name", name);
        json_object_update(element, object);
        json_array_append_new(array, element);
    }
    return sorted(array);
}

static json_t *failures_to_array(json_t *failures)
{
    json_t *array = objects_to_array(failures), *failure;
    size_t i;
    json_array_foreach(array, i, failure) {
        json_object_del(failure, "name");
        for (size_t c = 0; c < COUNTED; c++)
            json_object_set_new(failure, counted[c],
                                counts_to_array(json_object_get(failure, counted[c])));
    }
    return array;
}

static json_t *text_or_empty(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return json_string(text != NULL ? text : "");
}

json_t *report_summary_to_json(const struct report_summary *summary)
{
    json_t *total = summary->total;
    return json_pack(
        "{s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "reports",
        number_of(total, "reports"), "duplicates", number_of(total, "duplicates"), "first_day",
        text_or_empty(total, "first_day"), "last_day", text_or_empty(total, "last_day"), "success",
        number_of(total, "success"), "failure", number_of(total, "failure"), "organizations",
        objects_to_array(summary->organizations), "domains", objects_to_array(summary->domains),
        "policy_types", counts_to_array(summary->policy_types), "failures",
        failures_to_array(summary->failures));
}
