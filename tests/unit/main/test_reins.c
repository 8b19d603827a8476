/* test_reins: key files go from the supervisor to a role, and the role's word back.
 * Owns: files in a directory of its own.
 * Must never leave a descriptor open. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "reins.h"

static char directory[] = "/tmp/daneway-reins-XXXXXX";
static int ends[2];
static char *paths[3];
static struct dkim_key_file dkim = {.selector = "s"};
static struct identity_settings identity = {.dkim_keys = {&dkim, 1}};
static struct settings settings;

static void put(const char *path, const char *text)
{
    CLEANUP(file_close) FILE *file = fopen(path, "w");
    fputs(text, file);
}

static void setup(void)
{
    struct err err;
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    for (int i = 0; i < 3; i++) {
        paths[i] = x_printf("%s/%d", directory, i);
        put(paths[i], "old");
    }
    settings.intake.certificate = paths[0];
    settings.intake.key = paths[1];
    dkim.path = paths[2];
    settings.report.identities = &identity;
    settings.report.identity_count = 1;
    cr_assert(eq(int, reins_create(ends, &err), 0));
}

static void teardown(void)
{
    for (int i = 0; i < 3; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    rmdir(directory);
}

TestSuite(reins, .init = setup, .fini = teardown);

static int open_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(all) != NULL)
        count++;
    closedir(all);
    return count;
}

Test(reins, a_role_says_once_that_it_serves)
{
    cr_expect(not(reins_heard_ready(&ends[REINS_OF_SUPERVISOR])));
    reins_say_ready(ends[REINS_OF_ROLE]);
    cr_expect(reins_heard_ready(&ends[REINS_OF_SUPERVISOR]));
    cr_expect(not(reins_heard_ready(&ends[REINS_OF_SUPERVISOR])));
}

/* Else the supervisor would be woken by it without an end. */
Test(reins, an_end_that_the_role_has_closed_is_let_go)
{
    reins_say_ready(ends[REINS_OF_ROLE]);
    close(ends[REINS_OF_ROLE]);
    cr_expect(reins_heard_ready(&ends[REINS_OF_SUPERVISOR]));
    cr_expect(eq(int, ends[REINS_OF_SUPERVISOR], -1));
    ends[REINS_OF_ROLE] = -1;
}

Test(reins, the_keys_handed_over_last_are_taken_and_nothing_stays_open)
{
    struct key_texts *keys;
    struct err err;
    int before = open_descriptors();
    reins_hand_keys(ends[REINS_OF_SUPERVISOR], &settings);
    for (int i = 0; i < 3; i++) {
        CLEANUP(text_free) char *text = x_printf("new %d", i);
        put(paths[i], text);
    }
    reins_hand_keys(ends[REINS_OF_SUPERVISOR], &settings);
    cr_assert(eq(int, reins_take_keys(ends[REINS_OF_ROLE], &settings, &keys, &err), 0));
    const struct slice *texts = key_texts_list(keys);
    for (int i = 0; i < 3; i++) {
        CLEANUP(text_free) char *text = x_printf("new %d", i);
        cr_expect(slice_equal(texts[i], slice_of(text)), "%.*s", SLICE_ARG(texts[i]));
    }
    key_texts_free(&keys);
    cr_expect(eq(int, reins_take_keys(ends[REINS_OF_ROLE], &settings, &keys, &err), 0));
    cr_expect(eq(ptr, keys, NULL));
    cr_expect(eq(int, open_descriptors(), before));
}

Test(reins, a_key_that_cannot_be_opened_is_named)
{
    struct key_texts *keys;
    struct err err;
    int before = open_descriptors();
    unlink(paths[1]);
    reins_hand_keys(ends[REINS_OF_SUPERVISOR], &settings);
    cr_assert(eq(int, reins_take_keys(ends[REINS_OF_ROLE], &settings, &keys, &err), -1));
    CLEANUP(text_free) char *expected = x_printf("%s: No such file or directory", paths[1]);
    cr_expect(eq(str, err.text, expected));
    cr_expect(eq(int, open_descriptors(), before));
}
