/* queue_filter: see queue_filter.h.
 * Owns: nothing.
 * Domains and addresses are written as the spool keeps them.
 * Must never let an empty value stand for "all". */
#include "cli/queue_filter.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "cli/command.h"
#include "daneway/reason.h"

/* In lower case, without a dot at the end. */
static int add_domain(struct http_target *target, const char *domain)
{
    CLEANUP(text_free) char *text = x_strdup(domain);
    ascii_lower_text(text);
    size_t length = strlen(text);
    if (length > 1 && text[length - 1] == '.')
        text[length - 1] = '\0';
    http_target_add(target, "next_hop", text);
    return 0;
}

/* Without its brackets; "<>" is the null sender. */
static int add_address(struct http_target *target, const char *name, const char *value)
{
    CLEANUP(text_free) char *text = x_strdup(value);
    size_t length = strlen(text);
    bool bracketed = length >= 2 && text[0] == '<' && text[length - 1] == '>';
    if (bracketed)
        text[length - 1] = '\0';
    http_target_add(target, name, bracketed ? text + 1 : text);
    return 0;
}

static int add_reason(struct http_target *target, const char *value)
{
    if (reason_by_name(value) == REASON_NONE)
        return command_failed(-1, "there is no reason \"%s\"; daneway reasons lists them", value);
    http_target_add(target, "reason", value);
    return 0;
}

static int add_number(struct http_target *target, const char *text)
{
    uint64_t limit;
    if (slice_to_number(slice_of(text), INT32_MAX, &limit) != 0 || limit == 0)
        return command_failed(-1, "--limit \"%s\": expected a number from 1 on", text);
    http_target_add(target, "limit", text);
    return 0;
}

static uint64_t seconds_of(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static int add_age(struct http_target *target, const char *name, const char *value)
{
    size_t length = strlen(value);
    uint64_t number, unit = length > 1 ? seconds_of(value[length - 1]) : 0;
    if (unit == 0 ||
        slice_to_number(slice_take(slice_of(value), length - 1), INT32_MAX, &number) != 0 ||
        number == 0 || number * unit > INT32_MAX)
        return command_failed(-1, "\"%s\": expected a time such as 90s, 30m, 4h or 2d", value);
    CLEANUP(text_free) char *text = x_printf("%" PRIu64, number * unit);
    http_target_add(target, name, text);
    return 0;
}

/* Twice would look like "or". */
static bool is_there(const struct http_target *target, int option)
{
    static const struct {
        int option;
        const char *parameter;
    } parameters[] = {{'i', "queue_id="},  {'d', "next_hop="}, {'s', "sender="},
                      {'r', "recipient="}, {'w', "reason="},   {'t', "state="},
                      {'o', "older="},     {'n', "newer="},    {'l', "limit="}};
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        if (parameters[i].option == option)
            return strstr(target->text, parameters[i].parameter) != NULL;
    return false;
}

int queue_filter_add(struct http_target *target, int option, const char *value)
{
    if (is_there(target, option))
        return command_failed(-1, "the same filter twice: all must match, and both cannot");
    if (*value == '\0')
        return command_failed(-1, "a filter is empty; the null sender is written \"<>\"");
    switch (option) {
    case 'i':
        http_target_add(target, "queue_id", value);
        return 0;
    case 'd':
        return add_domain(target, value);
    case 's':
        return add_address(target, "sender", value);
    case 'r':
        return add_address(target, "recipient", value);
    case 'w':
        return add_reason(target, value);
    case 't':
        http_target_add(target, "state", value);
        return 0;
    case 'o':
        return add_age(target, "older", value);
    case 'n':
        return add_age(target, "newer", value);
    default:
        return add_number(target, value);
    }
}
