/* read_time: dates as reports have them: RFC 3339, and what comes close to it.
 * Owns: nothing.
 * Must never take a day that the calendar does not have, or one of another century. */
#include <string.h>

#include "report/read_fields.h"
#include "report/report_name.h"

/* Exactly `digits` digits from *text on; the number is `max` at most. */
static int take_number(struct slice *text, size_t digits, uint64_t max, uint64_t *number_r)
{
    struct slice number = slice_take(*text, digits);
    *text = slice_drop(*text, number.len);
    return number.len == digits ? slice_to_number(number, max, number_r) : -1;
}

static bool take(struct slice *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = slice_drop(*text, 1);
    return true;
}

/* "12:34", "12:34:56", "12:34:56.789" */
static int take_clock(struct slice *text, int64_t *seconds_r)
{
    uint64_t hour, minute, second = 0;
    if (take_number(text, 2, 24, &hour) != 0 || !take(text, ':') ||
        take_number(text, 2, 59, &minute) != 0)
        return -1;
    if (take(text, ':') && take_number(text, 2, 60, &second) != 0)
        return -1;
    if (take(text, '.'))
        while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9')
            *text = slice_drop(*text, 1);
    *seconds_r = (int64_t)(hour * 3600 + minute * 60 + second);
    return 0;
}

/* "+02:00", "-0500": the seconds that such a zone is ahead of UTC. */
static int take_offset(struct slice *text, int64_t *ahead_r)
{
    uint64_t hour, minute;
    int64_t sign = take(text, '-') ? -1 : 1;
    if (sign == 1 && !take(text, '+'))
        return -1;
    if (take_number(text, 2, 23, &hour) != 0)
        return -1;
    take(text, ':');
    if (take_number(text, 2, 59, &minute) != 0)
        return -1;
    *ahead_r = sign * (int64_t)(hour * 3600 + minute * 60);
    return 0;
}

static int parse_clock_and_zone(struct slice text, int64_t *seconds_r, const char **deviation_r)
{
    int64_t ahead = 0;
    if (!take(&text, 'T') && !take(&text, 't')) {
        if (!take(&text, ' '))
            return -1;
        *deviation_r = "has a blank instead of the T of RFC 3339";
    }
    if (take_clock(&text, seconds_r) != 0)
        return -1;
    text = slice_trim(text);
    if (text.len == 0)
        *deviation_r = "has no time zone; taken as UTC";
    else if (!take(&text, 'Z') && !take(&text, 'z') && take_offset(&text, &ahead) != 0)
        return -1;
    *seconds_r -= ahead;
    return text.len == 0 ? 0 : -1;
}

int report_time_parse(struct slice text, int64_t *seconds_r, const char **deviation_r)
{
    char day[DAY_TEXT];
    uint64_t number;
    int64_t begin, clock = 0;
    *deviation_r = NULL;
    text = slice_trim(text);
    if (slice_to_number(text, TIME_LATEST, &number) == 0 && number >= TIME_EARLIEST) {
        *deviation_r = "is a number of seconds, not a date of RFC 3339";
        *seconds_r = (int64_t)number;
        return 0;
    }
    if (text.len < DAY_TEXT - 1)
        return -1;
    memcpy(day, text.ptr, DAY_TEXT - 1);
    day[DAY_TEXT - 1] = '\0';
    if (memchr(day, '\0', DAY_TEXT - 1) != NULL || day_begin(day, &begin) != 0)
        return -1;
    text = slice_drop(text, DAY_TEXT - 1);
    if (text.len == 0)
        *deviation_r = "is a day without a time";
    else if (parse_clock_and_zone(text, &clock, deviation_r) != 0)
        return -1;
    *seconds_r = begin + clock;
    return *seconds_r >= TIME_EARLIEST && *seconds_r <= TIME_LATEST ? 0 : -1;
}
