/* test_sts_absent: what is known of rows that are not there, and when it is not known any more.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "resolve/sts_absent.h"

static char directory[64], path[80], log_path[96];
static struct sts_absent *absent;

static void write_log(const char *mode)
{
    FILE *file = fopen(log_path, mode);
    cr_assert_not_null(file);
    fputs("frame", file);
    fclose(file);
}

static void set_age(time_t seconds)
{
    const struct timespec then[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
    cr_assert(eq(int, utimensat(AT_FDCWD, log_path, then, 0), 0));
}

static void begin(void)
{
    strcpy(directory, "/tmp/test-absent-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/sts.db", directory);
    snprintf(log_path, sizeof(log_path), "%s-wal", path);
    write_log("w");
    set_age(60);
    absent = sts_absent_create(path);
}

static void finish(void)
{
    sts_absent_free(&absent);
    unlink(log_path);
    rmdir(directory);
}

TestSuite(sts_absent, .init = begin, .fini = finish);

static bool known(const char *domain)
{
    struct sts_stamp stamp = sts_absent_stamp(absent);
    return sts_absent_knows(absent, domain, &stamp);
}

static void note(const char *domain)
{
    struct sts_stamp stamp = sts_absent_stamp(absent);
    sts_absent_note(absent, domain, &stamp);
}

Test(sts_absent, known_until_the_log_changes)
{
    cr_expect(not(known("a.example")));
    note("a.example");
    cr_expect(known("a.example"));
    cr_expect(not(known("b.example")));
    write_log("a"); /* longer */
    set_age(60);
    cr_expect(not(known("a.example")));
    note("a.example");
    set_age(61); /* as long, at another time */
    cr_expect(not(known("a.example")));
}

Test(sts_absent, nothing_is_known_of_a_log_just_written_to)
{
    set_age(0);
    write_log("r+");
    note("a.example");
    cr_expect(not(known("a.example")));
    set_age(-60); /* or in the future */
    note("a.example");
    cr_expect(not(known("a.example")));
}

Test(sts_absent, a_log_made_anew_or_gone_is_another)
{
    note("a.example");
    char kept[100];
    snprintf(kept, sizeof(kept), "%s.old", log_path);
    struct stat before;
    cr_assert(eq(int, stat(log_path, &before), 0));
    cr_assert(eq(int, rename(log_path, kept), 0));
    cr_expect(not(known("a.example")));
    write_log("w");
    const struct timespec same[2] = {before.st_mtim, before.st_mtim};
    cr_assert(eq(int, utimensat(AT_FDCWD, log_path, same, 0), 0));
    cr_expect(not(known("a.example")));
    unlink(kept);
}

Test(sts_absent, without_a_file_nothing_is_known)
{
    struct sts_absent *memory = sts_absent_create(NULL);
    struct sts_stamp stamp = sts_absent_stamp(memory);
    sts_absent_note(memory, "a.example", &stamp);
    cr_expect(not(sts_absent_knows(memory, "a.example", &stamp)));
    sts_absent_free(&memory);
}

Test(sts_absent, names_of_one_place_take_turns)
{
    char name[32];
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        note(name);
        cr_expect(known(name));
    }
}
