/* format: numbers, times and colours for people.
 * Owns: whether colours are used: one setting of the process.
 * Decimal units, as disks and networks count.
 * Must never be used for output that programs read. */
#include "cli/format.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static bool colours;

const char *format_octets(int64_t octets, char text_r[FORMAT_TEXT])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)octets;
    int unit = -1;
    while (value >= 1000 && unit < 3) {
        value /= 1000;
        unit++;
    }
    if (unit < 0)
        snprintf(text_r, FORMAT_TEXT, "%lld octets", (long long)octets);
    else
        snprintf(text_r, FORMAT_TEXT, "%.1f %s", value, units[unit]);
    return text_r;
}

const char *format_duration(int64_t seconds, char text_r[FORMAT_TEXT])
{
    long long s = seconds < 0 ? 0 : (long long)seconds;
    if (s < 60)
        snprintf(text_r, FORMAT_TEXT, "%lld s", s);
    else if (s < 3600)
        snprintf(text_r, FORMAT_TEXT, "%lld min", s / 60);
    else if (s < 86400)
        snprintf(text_r, FORMAT_TEXT, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(text_r, FORMAT_TEXT, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return text_r;
}

const char *format_time(int64_t when, char text_r[FORMAT_TEXT])
{
    time_t seconds = (time_t)when;
    struct tm parts;
    if (when <= 0 || localtime_r(&seconds, &parts) == NULL ||
        strftime(text_r, FORMAT_TEXT, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(text_r, FORMAT_TEXT, "-");
    return text_r;
}

void format_put(FILE *out, const char *text)
{
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        bool c1 = (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 &&
                  (unsigned char)c[1] < 0xa0;
        if ((unsigned char)*c < ' ' || *c == 0x7f || c1)
            fputc('?', out);
        else
            fputc(*c, out);
        if (c1)
            c++;
    }
}

void format_use_colours(int yes)
{
    colours = yes != 0;
}

int format_wants_colours(FILE *out)
{
    const char *no = getenv("NO_COLOR");
    return (no == NULL || *no == '\0') && isatty(fileno(out));
}

const char *colour(enum colour which)
{
    static const char *const sequences[] = {
        [PLAIN] = "\033[0m",  [BOLD] = "\033[1m",    [DIM] = "\033[2m",
        [GREEN] = "\033[32m", [YELLOW] = "\033[33m", [RED] = "\033[31m",
    };
    return colours ? sequences[which] : "";
}
