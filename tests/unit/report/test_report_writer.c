/* The writer of reports, on a real loop with its thread, in a directory of its own. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/report_writer.h"

enum { DAY_1 = 1774742400 /* 2026-03-29T00:00:00Z */ };
static char state[64];
static struct loop *loop;
static struct tally_store *store;
static struct report_writer *writer;
static struct report_writer_settings settings = {
    .identity = {"Example Org", "tls-reports@example.org", "gw.example.net"},
    .close_delay = 1200,
    .keep = 90,
};
static int64_t wall; /* seconds since 1970, in place of the system's */

int64_t __wrap_loop_wall(struct loop *of);
int64_t __wrap_loop_wall(struct loop *of)
{
    (void)of;
    return wall;
}

static void setup(void)
{
    struct err err = {""};
    char path[128];
    strcpy(state, "/tmp/test-writer-XXXXXX");
    cr_assert(mkdtemp(state) != NULL);
    snprintf(path, sizeof path, "%s/tallies.db", state);
    settings.state_directory = state;
    loop = loop_create();
    cr_assert(eq(int, tally_store_open(&store, path, &err), 0), "%s", err.text);
}

static void finish(void)
{
    char command[256];
    report_writer_stop(&writer);
    tally_store_close(&store);
    loop_free(&loop);
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -r %s", state, state);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(report_writer, .init = setup, .fini = finish);

static void add(const char *day, const char *domain, int sessions)
{
    static int64_t number;
    struct err err = {""};
    struct tally_batch batch = {.sender = 1, .number = ++number};
    batch.counts = json_pack(
        "[{s:s, s:s, s:s, s:s, s:[s], s:[], s:i, s:i, s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:i}]}]",
        "day", day, "domain", domain, "type", "tlsa", "policy_domain", "mx.example.com", "strings",
        "3 1 1 AB", "mx", "success", sessions, "failure", 1, "details", "type", "tlsa-invalid",
        "sending", "", "mx", "", "helo", "", "receiving", "", "code", "", "count", 1);
    cr_assert(batch.counts != NULL);
    cr_assert(eq(int, tally_store_add(store, &batch, &err), 0), "%s", err.text);
    json_decref(batch.counts);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(int ms)
{
    struct loop_timer *timer = loop_timer_create(loop, stop, loop);
    loop_timer_set(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

/* A gateway that starts at that time and runs until nothing is left to do. */
static struct report_writer_status run_at(int64_t now)
{
    struct err err = {""};
    wall = now;
    cr_assert(eq(int, report_writer_start(&writer, loop, &settings, &err), 0), "%s", err.text);
    while (report_writer_status(writer).busy)
        run_for(20);
    struct report_writer_status status = report_writer_status(writer);
    report_writer_stop(&writer);
    return status;
}

static unsigned files_of(const char *day)
{
    char path[128];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/reports/%s", state, day);
    DIR *listing = opendir(path);
    for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (listing != NULL)
        closedir(listing);
    return count;
}

static char *path_of(const char *day, const char *domain, const char *unique)
{
    static char path[512];
    int64_t begin = 0;
    day_begin(day, &begin);
    snprintf(path, sizeof path, "%s/reports/%s/example.org!%s!%lld!%lld!%s.json", state, day,
             domain, (long long)begin, (long long)begin + 86399, unique);
    return path;
}

static json_t *report_of(const char *day, const char *domain)
{
    struct arena *arena = arena_create();
    char *unique = report_unique(arena, report_id(arena, day, domain, "gw.example.net"));
    json_t *report = json_load_file(path_of(day, domain, unique), 0, NULL);
    arena_free(&arena);
    return report;
}

/* Asked for or not, every policy domain has a file. covers: RPT-16 RPT-36 */
Test(report_writer, one_file_a_domain)
{
    add("2026-03-29", "example.com", 5);
    add("2026-03-29", "example.net", 6);
    add("2026-03-30", "example.com", 7);
    struct report_writer_status status = run_at(DAY_1 + DAY_SECONDS + 1200);
    cr_expect(eq(u64, status.days, 1));
    cr_expect(eq(u64, status.reports, 2));
    cr_expect(eq(u64, status.failures, 0));
    cr_expect(eq(str, status.last.day, "2026-03-29"));
    cr_expect(eq(uint, files_of("2026-03-29"), 2));
    cr_expect(eq(uint, files_of("2026-03-30"), 0), "that day is not over");
    json_t *report = report_of("2026-03-29", "example.net");
    cr_assert(report != NULL);
    json_t *summary =
        json_object_get(json_array_get(json_object_get(report, "policies"), 0), "summary");
    cr_expect(
        eq(i64, json_integer_value(json_object_get(summary, "total-successful-session-count")), 6));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(report, "report-id")),
                 "20260329.example.net@gw.example.net"));
    json_decref(report);
}

static mode_t mode_of(const char *path)
{
    struct stat facts;
    cr_assert(eq(int, stat(path, &facts), 0), "%s", path);
    return facts.st_mode & 07777;
}

Test(report_writer, owner_and_group_only)
{
    char path[128];
    umask(0);
    add("2026-03-29", "example.com", 5);
    run_at(DAY_1 + DAY_SECONDS + 1200);
    snprintf(path, sizeof path, "%s/reports", state);
    cr_expect(eq(uint, mode_of(path), 0750));
    snprintf(path, sizeof path, "%s/reports/2026-03-29", state);
    cr_expect(eq(uint, mode_of(path), 0750));
    struct arena *arena = arena_create();
    char *unique = report_unique(arena, "20260329.example.com@gw.example.net");
    cr_expect(eq(uint, mode_of(path_of("2026-03-29", "example.com", unique)), 0640));
    arena_free(&arena);
}

/* Sessions that began before midnight are counted for as long as they may last. covers: RPT-17 */
Test(report_writer, a_day_is_closed_some_time_after_midnight)
{
    add("2026-03-29", "example.com", 5);
    cr_expect(eq(u64, run_at(DAY_1 + DAY_SECONDS + 1199).days, 0));
    add("2026-03-29", "example.com", 1); /* at five minutes past midnight, say */
    cr_expect(eq(u64, tally_store_late(store), 0));
    cr_expect(eq(u64, run_at(DAY_1 + DAY_SECONDS + 1200).days, 1));
    json_t *report = report_of("2026-03-29", "example.com");
    json_t *summary =
        json_object_get(json_array_get(json_object_get(report, "policies"), 0), "summary");
    cr_expect(
        eq(i64, json_integer_value(json_object_get(summary, "total-successful-session-count")), 6));
    json_decref(report);
    add("2026-03-29", "example.com", 2); /* too late: and one failure with them */
    cr_expect(eq(u64, tally_store_late(store), 3));
}

/* covers: RPT-19 */
Test(report_writer, a_day_is_reported_once)
{
    add("2026-03-29", "example.com", 5);
    cr_expect(eq(u64, run_at(DAY_1 + DAY_SECONDS + 1200).days, 1));
    struct arena *arena = arena_create();
    char *unique = report_unique(arena, "20260329.example.com@gw.example.net");
    cr_expect(eq(int, unlink(path_of("2026-03-29", "example.com", unique)), 0));
    struct report_writer_status again = run_at(DAY_1 + DAY_SECONDS + 4000);
    cr_expect(eq(u64, again.days, 0));
    cr_expect(eq(str, again.last.day, "2026-03-29"), "remembered");
    cr_expect(eq(uint, files_of("2026-03-29"), 0));
    add("2026-03-28", "example.com", 5); /* older still: late as well */
    cr_expect(eq(u64, run_at(DAY_1 + DAY_SECONDS + 5000).days, 0));
    arena_free(&arena);
}

/* It closed a day of the next century; when it has been set right, days are closed as before. covers: RPT-17 RPT-19 */
Test(report_writer, a_clock_that_was_ahead)
{
    add("2099-03-29", "example.com", 1);
    cr_expect(eq(u64, run_at(4078425600 /* 2099-03-29 */ + 2 * DAY_SECONDS).days, 1));
    add("2026-03-29", "example.com", 5);
    cr_expect(eq(u64, tally_store_late(store), 0));
    struct report_writer_status status = run_at(DAY_1 + DAY_SECONDS + 1200);
    cr_expect(eq(u64, status.days, 1));
    cr_expect(eq(str, status.last.day, "2026-03-29"));
    add("2026-03-30", "example.com", 5);
    cr_expect(eq(u64, run_at(DAY_1 + 2 * DAY_SECONDS + 1200).days, 1));
}

/* Stopped in the middle, it writes the same files again after the next start. covers: RPT-19 RPT-34 */
Test(report_writer, an_interrupted_day_is_written_again)
{
    struct err err = {""};
    for (int i = 0; i < 200; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%03d.example", i);
        add("2026-03-29", domain, i);
    }
    wall = DAY_1 + DAY_SECONDS + 1200;
    cr_assert(eq(int, report_writer_start(&writer, loop, &settings, &err), 0));
    report_writer_stop(&writer); /* finishes the step under way */
    unsigned before = files_of("2026-03-29");
    cr_expect(lt(uint, before, 200));
    cr_expect(lt(uint, 0, before));
    struct report_writer_status status = run_at(wall + 60);
    cr_expect(eq(u64, status.days, 1));
    cr_expect(eq(u64, status.reports, 200));
    cr_expect(eq(uint, files_of("2026-03-29"), 200));
}

/* After a week without the gateway. covers: RPT-16 */
Test(report_writer, every_day_that_is_over)
{
    static const char *const days[] = {"2026-03-26", "2026-03-27", "2026-03-29"};
    for (size_t i = 0; i < 3; i++)
        add(days[i], "example.com", 1);
    struct report_writer_status status = run_at(DAY_1 + 5 * DAY_SECONDS);
    cr_expect(eq(u64, status.days, 3));
    for (size_t i = 0; i < 3; i++)
        cr_expect(eq(uint, files_of(days[i]), 1), "%s", days[i]);
    cr_expect(eq(uint, files_of("2026-03-28"), 0));
}

/* What a worker that was taken over might call a domain. covers: RPT-36 */
Test(report_writer, names_that_lead_elsewhere_get_no_file)
{
    add("2026-03-29", "../../evil", 1);
    add("2026-03-29", "/tmp/evil", 1);
    add("2026-03-29", "example.com", 1);
    struct report_writer_status status = run_at(DAY_1 + 2 * DAY_SECONDS);
    cr_expect(eq(u64, status.reports, 1));
    cr_expect(eq(u64, status.failures, 2));
    cr_expect(eq(uint, files_of("2026-03-29"), 1));
    cr_expect(ne(int, access("/tmp/evil", F_OK), 0));
}

/* A name of 253 octets is one that no directory can hold with all that stands around it. covers: RPT-36 */
Test(report_writer, long_names_lose_labels)
{
    char longest[254];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 59; i < 253; i += 60)
        longest[i] = '.';
    longest[253] = '\0';
    add("2026-03-29", longest, 1);
    longest[0] = 'b';
    add("2026-03-29", longest, 1);
    struct report_writer_status status = run_at(DAY_1 + 2 * DAY_SECONDS);
    cr_expect(eq(u64, status.reports, 2));
    cr_expect(eq(u64, status.failures, 0));
    cr_expect(eq(uint, files_of("2026-03-29"), 2));
}

/* Files of days before are removed, and their counts; nothing else is. */
Test(report_writer, what_is_too_old_goes)
{
    char command[512];
    for (int i = 0; i < 150; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%03d.example", i);
        add("2026-03-29", domain, i);
    }
    add("2026-03-30", "example.com", 1);
    run_at(DAY_1 + 3 * DAY_SECONDS);
    cr_assert(eq(uint, files_of("2026-03-29"), 150));
    snprintf(
        command, sizeof command,
        "cd %s/reports && mkdir notes && touch notes/x kept && ln -s ../reports/notes 2026-01-01",
        state);
    cr_assert(eq(int, system(command), 0));
    cr_expect(eq(u64, run_at(DAY_1 + 90 * DAY_SECONDS).failures, 0), "the link is no matter");
    cr_expect(eq(uint, files_of("2026-03-29"), 150), "the ninetieth day back");
    snprintf(command, sizeof command, "rm %s/reports/2026-01-01", state);
    cr_assert(eq(int, system(command), 0), "a link is not followed");
    run_at(DAY_1 + 91 * DAY_SECONDS);
    cr_expect(eq(uint, files_of("2026-03-29"), 0));
    cr_expect(eq(uint, files_of("2026-03-30"), 1));
    snprintf(
        command, sizeof command,
        "test -e %s/reports/notes/x && test -e %s/reports/kept && ! test -e %s/reports/2026-03-29",
        state, state, state);
    cr_expect(eq(int, system(command), 0));
    json_t *list = NULL;
    struct err err = {""};
    cr_assert(
        eq(int, tally_store_report(store, "2026-03-29", NULL, &settings.identity, &list, &err), 0));
    cr_expect(eq(sz, json_array_size(list), 0), "the counts are gone");
    json_decref(list);
    cr_assert(
        eq(int, tally_store_report(store, "2026-03-30", NULL, &settings.identity, &list, &err), 0));
    cr_expect(eq(sz, json_array_size(list), 1));
    json_decref(list);
}

/* What somebody has put beside the reports of a day is his; all else that is too old goes. */
Test(report_writer, a_directory_of_somebody_else_stays)
{
    char command[512];
    add("2026-03-29", "example.com", 1);
    add("2026-03-30", "example.com", 1);
    run_at(DAY_1 + 3 * DAY_SECONDS);
    snprintf(command, sizeof command, "cd %s/reports/2026-03-29 && mkdir notes && touch notes/x",
             state);
    cr_assert(eq(int, system(command), 0));
    struct report_writer_status status = run_at(DAY_1 + 92 * DAY_SECONDS);
    cr_expect(eq(u64, status.failures, 0));
    snprintf(command, sizeof command,
             "cd %s/reports && test \"$(ls)$(ls 2026-03-29)\" = 2026-03-29notes && "
             "test -e 2026-03-29/notes/x",
             state);
    cr_expect(eq(int, system(command), 0));
    json_t *list = NULL;
    struct err err = {""};
    cr_assert(
        eq(int, tally_store_report(store, "2026-03-29", NULL, &settings.identity, &list, &err), 0));
    cr_expect(eq(sz, json_array_size(list), 0), "the counts are gone");
    json_decref(list);
}

/* Whatever lies there under the name of the file that is being written: nothing is written through it. */
Test(report_writer, a_link_is_not_written_through)
{
    char command[512];
    add("2026-03-29", "example.com", 1);
    snprintf(command, sizeof command,
             "cd %s && mkdir -p reports/2026-03-29 && echo precious > precious && "
             "ln -s ../../precious reports/2026-03-29/.unfinished",
             state);
    cr_assert(eq(int, system(command), 0));
    cr_expect(eq(u64, run_at(DAY_1 + 2 * DAY_SECONDS).days, 0));
    snprintf(command, sizeof command, "test \"$(cat %s/precious)\" = precious", state);
    cr_expect(eq(int, system(command), 0));
}

/* What cannot be written stays to be written. */
Test(report_writer, a_directory_that_cannot_be_written)
{
    char path[128];
    add("2026-03-29", "example.com", 1);
    snprintf(path, sizeof path, "%s/reports", state);
    FILE *file = fopen(path, "w");
    fclose(file);
    struct report_writer_status status = run_at(DAY_1 + 2 * DAY_SECONDS);
    cr_expect(eq(u64, status.days, 0));
    cr_expect(eq(u64, status.failures, 1));
    unlink(path);
    status = run_at(DAY_1 + 2 * DAY_SECONDS);
    cr_expect(eq(u64, status.days, 1));
    cr_expect(eq(uint, files_of("2026-03-29"), 1));
}

struct heart {
    struct loop_timer *timer;
    int64_t last, longest;
};

static void beat(void *arg)
{
    struct heart *heart = arg;
    int64_t now = loop_now(loop);
    if (now - heart->last > heart->longest)
        heart->longest = now - heart->last;
    heart->last = now;
    loop_timer_set(heart->timer, 1);
}

/* The loop goes on while many files are written: a status request need not wait for the disk. */
Test(report_writer, the_loop_never_waits)
{
    enum { DOMAINS = 1000 };
    for (int i = 0; i < DOMAINS; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%04d.example", i);
        add("2026-03-29", domain, i);
    }
    struct heart heart = {.last = loop_now(loop)};
    heart.timer = loop_timer_create(loop, beat, &heart);
    loop_timer_set(heart.timer, 1);
    int64_t began = heart.last;
    cr_expect(eq(u64, run_at(DAY_1 + 2 * DAY_SECONDS).reports, DOMAINS));
    loop_timer_free(&heart.timer);
    /* Were the files written on the loop, it would stand still for nearly all of the time. */
    cr_expect(lt(i64, 2 * heart.longest, loop_now(loop) - began), "%lld ms",
              (long long)heart.longest);
}
