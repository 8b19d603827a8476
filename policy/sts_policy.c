/* sts_policy: the policy file of MTA-STS.
 * Owns: nothing; the policy lives in the caller's arena.
 * RFC 8461 3.2, errata 6253 and 7282; requirements STS-24..32, RPT-31, T-14.
 * Must never take part of a file: it is valid as a whole or not at all. */
#include <string.h>

#include "base/utf8.h"
#include "daneway/policy.h"
#include "policy/sts_text.h"

enum { MAX_AGE_MAX = 31557600, MAX_AGE_DIGITS = 10 };

struct reading {
    struct arena *arena;
    struct sts_policy *policy;
    bool has_version, has_mode, has_max_age;
    size_t mx_room, line_room;
};

static void append(struct arena *arena, const char ***texts, size_t *count, size_t *room,
                   const char *text)
{
    if (*count == *room) {
        *room = *room > 0 ? 2 * *room : 8;
        const char **larger = arena_alloc(arena, *room * sizeof(*larger));
        if (*count > 0)
            memcpy(larger, *texts, *count * sizeof(*larger));
        *texts = larger;
    }
    (*texts)[(*count)++] = text;
}

/* --- values ----------------------------------------------------------------------------------- */

/* STS-29 */
static const char *take_mx(struct reading *reading, struct slice value)
{
    if (value.len > 0 && value.ptr[value.len - 1] == '.')
        value.len--;
    bool wildcard = slice_equal(slice_take(value, 2), SLICE_LITERAL("*."));
    if (!text_is_domain(wildcard ? slice_drop(value, 2) : value))
        return "mx is neither a host name nor \"*.\" and a domain";
    char *pattern = arena_strndup(reading->arena, value.ptr, value.len);
    ascii_lower_text(pattern);
    append(reading->arena, &reading->policy->mx, &reading->policy->mx_count, &reading->mx_room,
           pattern);
    return NULL;
}

static const char *take_version(struct reading *reading, struct slice value)
{
    reading->has_version = true;
    return slice_equal(value, SLICE_LITERAL("STSv1")) ? NULL : "the version is not STSv1";
}

static const char *take_mode(struct reading *reading, struct slice value)
{
    reading->has_mode = true;
    for (enum sts_mode mode = STS_MODE_NONE; mode <= STS_MODE_ENFORCE; mode++)
        if (slice_equal(value, slice_of(sts_mode_name(mode)))) {
            reading->policy->mode = mode;
            return NULL;
        }
    return "the mode is not one of enforce testing none";
}

/* STS-28, T-14: ten digits do not fit into 32 bits. */
static const char *take_max_age(struct reading *reading, struct slice value)
{
    uint64_t seconds;
    reading->has_max_age = true;
    if (value.len > MAX_AGE_DIGITS || slice_to_number(value, UINT64_MAX, &seconds) != 0)
        return "max_age is not a number of 1 to 10 digits";
    reading->policy->max_age = (uint32_t)(seconds < MAX_AGE_MAX ? seconds : MAX_AGE_MAX);
    return NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* STS-31: printable characters and spaces, in well-formed UTF-8. */
static bool is_text(struct slice value)
{
    while (value.len > 0) {
        uint32_t code;
        unsigned length = utf8_character(value, &code);
        if (length == 0 || code < 0x20 || code == 0x7f)
            return false;
        value = slice_drop(value, length);
    }
    return true;
}

/* STS-30: of version, mode and max_age the first counts. */
static const char *take_field(struct reading *reading, struct slice key, struct slice value)
{
    if (slice_equal(key, SLICE_LITERAL("mx")))
        return take_mx(reading, value);
    if (slice_equal(key, SLICE_LITERAL("version")) && !reading->has_version)
        return take_version(reading, value);
    if (slice_equal(key, SLICE_LITERAL("mode")) && !reading->has_mode)
        return take_mode(reading, value);
    if (slice_equal(key, SLICE_LITERAL("max_age")) && !reading->has_max_age)
        return take_max_age(reading, value);
    return value.len > 0 ? NULL : "a value is empty";
}

/* A line without its end. */
static const char *take_line(struct reading *reading, struct slice line)
{
    struct slice value;
    if (slice_trim(line).len == 0)
        return NULL; /* STS-32 */
    append(reading->arena, &reading->policy->lines, &reading->policy->line_count,
           &reading->line_room, arena_strndup(reading->arena, line.ptr, line.len));
    struct slice key = slice_split(line, ':', &value);
    if (value.ptr == NULL || !sts_is_field_name(key))
        return "the line is not KEY: VALUE";
    value = slice_trim(value);
    if (!is_text(value))
        return "a control character, or no valid UTF-8";
    return take_field(reading, key, value);
}

static const char *what_is_missing(const struct reading *reading)
{
    return !reading->has_version   ? "version is missing"
           : !reading->has_mode    ? "mode is missing"
           : !reading->has_max_age ? "max_age is missing"
           : reading->policy->mx_count == 0 && reading->policy->mode != STS_MODE_NONE
               ? "there is no mx line"
               : NULL;
}

int sts_policy_parse(struct arena *arena, struct slice text, struct sts_policy *policy_r,
                     const char **why_r)
{
    *policy_r = (struct sts_policy){.mode = STS_MODE_NONE};
    struct reading reading = {.arena = arena, .policy = policy_r};
    unsigned number = 0;
    *why_r = NULL;
    while (*why_r == NULL && text.len > 0) {
        struct slice line = slice_split(text, '\n', &text);
        bool ended = text.ptr != NULL;
        number++;
        if (ended && line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        const char *why = line.len > 0 && memchr(line.ptr, '\r', line.len) != NULL
                              ? "a CR without LF"
                              : take_line(&reading, line);
        if (why != NULL)
            *why_r = arena_printf(arena, "line %u: %s", number, why);
    }
    if (*why_r == NULL)
        *why_r = what_is_missing(&reading);
    return *why_r == NULL ? 0 : -1;
}
