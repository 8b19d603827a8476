/* overview: what the workers say, put together: one status, one list, one set of traces.
 * Owns: nothing; JSON in, JSON out.
 * Counters are those of the processes as they run: a restarted worker begins at 0 again.
 * Must never hide that a worker did not answer. */
#include "control/overview.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A worker may say anything: what is beyond the greatest number is that number. */
static json_int_t added(json_int_t sum, json_int_t value)
{
    json_int_t result;
    if (__builtin_add_overflow(sum, value, &result))
        result = value > 0 ? INT64_MAX : INT64_MIN;
    return result;
}

/* Adds each whole number of `object` to the one of that name in `sums`. */
static void add_numbers(json_t *sums, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        json_int_t sum = json_integer_value(json_object_get(sums, key));
        if (json_is_integer(value))
            json_object_set_new(sums, key, json_integer(added(sum, json_integer_value(value))));
    }
}

static json_t *sum_section(json_t *answers, const char *section)
{
    json_t *sums = json_object(), *answer;
    size_t i;
    json_array_foreach(answers, i, answer) {
        add_numbers(sums, json_object_get(answer, section));
    }
    return sums;
}

/* A time is no sum: the least that there is, or null. */
static json_t *least(json_t *answers, const char *section, const char *key)
{
    json_int_t found = 0;
    json_t *answer;
    size_t i;
    json_array_foreach(answers, i, answer) {
        json_int_t value =
            json_integer_value(json_object_get(json_object_get(answer, section), key));
        if (value > 0 && (found == 0 || value < found))
            found = value;
    }
    return found > 0 ? json_integer(found) : json_null();
}

static void keep_earlier(json_t *known, json_t *other, const char *key)
{
    json_t *value = json_object_get(other, key);
    if (json_integer_value(value) < json_integer_value(json_object_get(known, key)))
        json_object_set(known, key, value);
}

static json_t *all_destinations(json_t *answers)
{
    json_t *all = json_array(), *answer, *destination;
    size_t i, k;
    json_array_foreach(answers, i, answer) {
        json_t *list = json_object_get(json_object_get(answer, "schedule"), "destinations");
        json_array_foreach(list, k, destination) {
            json_t *copy = json_copy(destination);
            json_object_set(copy, "worker", json_object_get(answer, "worker"));
            json_array_append_new(all, copy);
        }
    }
    return all;
}

/* Each worker finds out for itself; to the operator it is one host. `by_name`: those in the list. */
static void add_silent_host(json_t *list, json_t *by_name, json_t *host)
{
    const char *name = json_string_value(json_object_get(host, "host"));
    json_t *known = name != NULL ? json_object_get(by_name, name) : NULL;
    if (name == NULL) /* a worker may say anything */
        return;
    if (known == NULL) {
        known = json_copy(host);
        json_array_append_new(list, known);
        json_object_set(by_name, name, known);
        return;
    }
    json_int_t destinations = json_integer_value(json_object_get(known, "destinations"));
    destinations = added(destinations, json_integer_value(json_object_get(host, "destinations")));
    json_object_set_new(known, "destinations", json_integer(destinations));
    keep_earlier(known, host, "since");
    keep_earlier(known, host, "probe_at");
}

static json_t *all_silent_hosts(json_t *answers)
{
    json_t *all = json_array(), *by_name = json_object(), *answer, *host;
    size_t i, k;
    json_array_foreach(answers, i, answer) {
        json_t *list = json_object_get(json_object_get(answer, "schedule"), "silent_hosts");
        json_array_foreach(list, k, host) {
            add_silent_host(all, by_name, host);
        }
    }
    json_decref(by_name);
    return all;
}

/* The first worker's complaint, or "" if every one of them validates. */
static const char *not_validating_why(json_t *answers, bool *validating_r)
{
    json_t *answer;
    size_t i;
    *validating_r = json_array_size(answers) > 0;
    json_array_foreach(answers, i, answer) {
        json_t *resolver = json_object_get(answer, "resolver");
        if (json_is_true(json_object_get(resolver, "validating")))
            continue;
        *validating_r = false;
        const char *why = json_string_value(json_object_get(resolver, "why"));
        return why != NULL && *why != '\0' ? why : "the self-test of the resolver has not ended";
    }
    return "";
}

json_t *overview_status(json_t *answers, json_t *missing)
{
    bool validating;
    const char *why = not_validating_why(answers, &validating);
    json_t *resolver = sum_section(answers, "resolver"), *queue = sum_section(answers, "spool");
    json_object_del(resolver, "tested_at");
    json_object_set_new(queue, "oldest", least(answers, "spool", "oldest"));
    json_t *status = json_pack(
        "{sI sO sb ss so so so so so so so sO}", "workers",
        (json_int_t)json_array_size(answers) + (json_int_t)json_array_size(missing), "missing",
        missing, "validating", validating, "why", why, "intake", sum_section(answers, "intake"),
        "result", sum_section(answers, "result"), "resolver", resolver, "sts",
        sum_section(answers, "sts"), "sessions", sum_section(answers, "sessions"), "queue", queue,
        "destinations", all_destinations(answers), "details", answers);
    assert(status != NULL);
    json_object_set_new(status, "shadow", sum_section(answers, "shadow"));
    json_object_set_new(status, "policy_service", sum_section(answers, "policy_service"));
    json_object_set_new(status, "tlsrpt_collector", sum_section(answers, "tlsrpt_collector"));
    json_object_set_new(status, "reasons", sum_section(answers, "reasons"));
    json_object_set_new(status, "schedule", sum_section(answers, "schedule"));
    json_object_set_new(status, "silent_hosts", all_silent_hosts(answers));
    json_object_set_new(status, "seen", sum_section(answers, "seen"));
    json_object_set_new(status, "operator", sum_section(answers, "operator"));
    return status;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct item {
    json_int_t order;
    size_t place; /* keeps what is equal in its order */
    json_t *json;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static json_t *sorted(json_t *list, const char *key)
{
    size_t count = json_array_size(list), i;
    struct item *items = x_calloc(count + 1, sizeof *items);
    json_t *entry, *result = json_array();
    json_array_foreach(list, i, entry) {
        items[i] = (struct item){json_integer_value(json_object_get(entry, key)), i, entry};
    }
    qsort(items, count, sizeof *items, compare_items);
    for (i = 0; i < count; i++)
        json_array_append(result, items[i].json);
    free(items);
    return result;
}

json_t *overview_list(const char *name, const char *key, json_t *answers, json_t *missing)
{
    json_t *all = json_array(), *answer;
    size_t i;
    json_array_foreach(answers, i, answer) {
        if (json_is_array(answer))
            json_array_extend(all, answer);
    }
    json_t *list = json_pack("{so sO}", name, sorted(all, key), "missing", missing);
    json_decref(all);
    assert(list != NULL);
    return list;
}

json_t *overview_flush(json_t *answers, json_t *missing)
{
    json_t *sums = overview_sums(answers, missing);
    json_int_t flushed = json_integer_value(json_object_get(sums, "flushed"));
    json_decref(sums);
    return json_pack("{sI sO}", "flushed", flushed, "missing", missing);
}

json_t *overview_sums(json_t *answers, json_t *missing)
{
    json_t *sums = json_object(), *answer;
    size_t i;
    json_array_foreach(answers, i, answer) {
        add_numbers(sums, answer);
    }
    json_object_set(sums, "missing", missing);
    return sums;
}

/* --- counts ----------------------------------------------------------------------------------- */

static json_t *no_count(void)
{
    return json_pack("{si s[]}", "total", 0, "ages");
}

static void add_count(json_t *sum, json_t *count)
{
    json_t *ages = json_object_get(sum, "ages"), *age;
    size_t i;
    json_int_t total = added(json_integer_value(json_object_get(sum, "total")),
                             json_integer_value(json_object_get(count, "total")));
    json_object_set_new(sum, "total", json_integer(total));
    json_array_foreach(json_object_get(count, "ages"), i, age) {
        json_int_t before = json_integer_value(json_array_get(ages, i));
        json_t *both = json_integer(added(before, json_integer_value(age)));
        if (i < json_array_size(ages))
            json_array_set_new(ages, i, both);
        else
            json_array_append_new(ages, both);
    }
}

/* The workers' groups by name. */
static json_t *groups_by_name(json_t *answers, json_t *others, json_t *total)
{
    json_t *by_name = json_object(), *answer, *group;
    size_t i, k;
    json_array_foreach(answers, i, answer) {
        add_count(others, json_object_get(answer, "others"));
        add_count(total, json_object_get(answer, "others"));
        json_array_foreach(json_object_get(answer, "groups"), k, group) {
            const char *name = json_string_value(json_object_get(group, "name"));
            if (name == NULL)
                continue;
            if (json_object_get(by_name, name) == NULL)
                json_object_set_new(by_name, name, no_count());
            add_count(json_object_get(by_name, name), group);
            add_count(total, group);
        }
    }
    return by_name;
}

json_t *overview_counts(json_t *answers, json_t *missing, size_t limit)
{
    json_t *others = no_count(), *total = no_count(), *list = json_array(), *groups = json_array();
    json_t *by_name = groups_by_name(answers, others, total), *group;
    const char *name;
    size_t i;
    json_object_foreach(by_name, name, group) {
        json_object_set_new(group, "name", json_string(name));
        json_int_t count = json_integer_value(json_object_get(group, "total"));
        json_object_set_new(group, "order", json_integer(-1 - count)); /* no overflow */
        json_array_append(list, group);
    }
    json_t *largest_first = sorted(list, "order");
    json_array_foreach(largest_first, i, group) {
        json_object_del(group, "order");
        if (i < limit)
            json_array_append(groups, group);
        else
            add_count(others, group);
    }
    json_decref(largest_first);
    json_decref(list);
    json_decref(by_name);
    return json_pack("{so so so sO}", "groups", groups, "others", others, "total", total, "missing",
                     missing);
}
