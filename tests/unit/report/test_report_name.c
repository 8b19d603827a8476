/* Days, report-ids and file names: RFC 8460 5.1. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/report_name.h"

/* covers: RPT-36 */
Test(report_name, as_the_rfc_writes_it)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    cr_expect(eq(str,
                 report_file_name(arena, "gw.Example.org", "example.COM", 1774742400, 1774828799,
                                  "0a1B", false),
                 "gw.example.org!example.com!1774742400!1774828799!0a1b.json"));
    cr_expect(eq(str,
                 report_file_name(arena, "gw.example.org", "xn--bcher-kva.example", 1774742400,
                                  1774828799, NULL, true),
                 "gw.example.org!xn--bcher-kva.example!1774742400!1774828799.json.gz"));
}

/* What a worker that was taken over might call a domain. covers: RPT-36 */
Test(report_name, what_could_be_no_file_name)
{
    static const char *const names[] = {"",
                                        ".",
                                        "..",
                                        "../../etc/passwd",
                                        "a/b",
                                        "a\\b",
                                        "example.com.",
                                        ".example",
                                        "-/",
                                        "a..b",
                                        "[192.0.2.1]",
                                        "a b.example",
                                        "a!b.example",
                                        "a\nb",
                                        "b\xc3\xbc.example",
                                        "a:25"};
    CLEANUP(arena_free) struct arena *arena = arena_create();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_expect(report_file_name(arena, "gw.example.org", names[i], 0, 1, "a", false) == NULL,
                  "domain %s", names[i]);
        cr_expect(report_file_name(arena, names[i], "example.com", 0, 1, "a", false) == NULL,
                  "submitter %s", names[i]);
    }
    char longest[260];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 63; i < sizeof longest; i += 64)
        longest[i] = '.';
    longest[254] = '\0';
    cr_expect(report_file_name(arena, "gw.example.org", longest, 0, 1, NULL, false) == NULL);
    longest[253] = '\0';
    cr_expect(report_file_name(arena, "gw.example.org", longest, 0, 1, NULL, false) != NULL);
    cr_expect(report_file_name(arena, "gw.example.org", "example.com", 0, 1, "a/b", false) == NULL);
}

/* covers: RPT-34 */
Test(report_name, the_id_follows_from_day_domain_and_gateway)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    char *id = report_id(arena, "2026-03-29", "example.com", "gw.example.org");
    cr_expect(eq(str, id, "20260329.example.com@gw.example.org"));
    char *unique = report_unique(arena, id);
    cr_expect(eq(sz, strlen(unique), 16));
    cr_expect(eq(str, report_unique(arena, id), unique));
    cr_expect(ne(
        str, report_unique(arena, report_id(arena, "2026-03-30", "example.com", "gw.example.org")),
        unique));
    cr_expect(ne(
        str, report_unique(arena, report_id(arena, "2026-03-29", "example.net", "gw.example.org")),
        unique));
}

/* Berlin has only 23 hours on 2026-03-29. covers: RPT-17 T-21 */
Test(report_name, days_are_those_of_utc)
{
    static const struct {
        int64_t seconds;
        const char *day;
    } cases[] = {{0, "1970-01-01"},          {1774742399, "2026-03-28"},
                 {1774742400, "2026-03-29"}, {1774828799, "2026-03-29"},
                 {1774828800, "2026-03-30"}, {1835395200, "2028-02-29"}};
    setenv("TZ", "Europe/Berlin", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char day[DAY_TEXT];
        int64_t begin = -1;
        day_format(cases[i].seconds, day);
        cr_expect(eq(str, day, (char *)cases[i].day));
        cr_expect(eq(int, day_begin(day, &begin), 0));
        cr_expect(eq(i64, begin, cases[i].seconds - cases[i].seconds % DAY_SECONDS));
    }
}
