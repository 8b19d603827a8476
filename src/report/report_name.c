/* report_name: see report_name.h.
 * Owns: nothing.
 * RFC 8460 5.1, 5.3; requirements RPT-17, 34, 36.
 * Must never let a slash, a leading dot or a control octet through. */
#include "report/report_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"

enum { DOMAIN_LIMIT = 253, LABEL_LIMIT = 63 };

void day_format(int64_t seconds, char *text_r)
{
    time_t time = (time_t)seconds;
    struct tm parts = {0};
    gmtime_r(&time, &parts);
    strftime(text_r, DAY_TEXT, "%Y-%m-%d", &parts);
}

int day_begin(const char *day, int64_t *begin_r)
{
    struct tm parts = {0};
    char again[DAY_TEXT];
    const char *end = strptime(day, "%Y-%m-%d", &parts);
    if (end == NULL || *end != '\0')
        return -1;
    *begin_r = (int64_t)timegm(&parts);
    day_format(*begin_r, again);
    return strcmp(again, day) == 0 ? 0 : -1;
}

char *report_id(struct arena *arena, const char *day, const char *domain, const char *hostname)
{
    return arena_printf(arena, "%.4s%.2s%.2s.%s@%s", day, day + 5, day + 8, domain, hostname);
}

/* FNV-1a: only to tell reports apart. */
char *report_unique(struct arena *arena, const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = id; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    return arena_printf(arena, "%016" PRIx64, hash);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct slice label)
{
    for (size_t i = 0; i < label.len; i++)
        if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
            return false;
    return label.len > 0 && label.len <= LABEL_LIMIT;
}

static bool is_host_name(const char *name)
{
    struct slice rest = slice_of(name);
    if (rest.len > DOMAIN_LIMIT)
        return false;
    do {
        if (!is_label(slice_split(rest, '.', &rest)))
            return false;
    } while (rest.ptr != NULL);
    return true;
}

static bool is_unique(const char *text)
{
    while (is_alphanumeric(*text))
        text++;
    return *text == '\0';
}

char *report_file_name(struct arena *arena, const char *submitter, const char *domain,
                       int64_t begin, int64_t end, const char *unique, bool gzip)
{
    if (unique == NULL)
        unique = "";
    if (!is_host_name(submitter) || !is_host_name(domain) || !is_unique(unique))
        return NULL;
    char *name = arena_printf(arena, "%s!%s!%" PRId64 "!%" PRId64 "%s%s.json%s", submitter, domain,
                              begin, end, *unique != '\0' ? "!" : "", unique, gzip ? ".gz" : "");
    ascii_lower_text(name);
    return name;
}
