/* The file of policies: who is given up first, and two processes that want the same. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resolve/sts_store.h"

static char directory[64], path[80];

static void begin(void)
{
    strcpy(directory, "/tmp/test-sts-store-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/sts.db", directory);
}

static void finish(void)
{
    static const char *const names[] = {"sts.db", "sts.db-wal", "sts.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char file[100];
        snprintf(file, sizeof(file), "%s/%s", directory, names[i]);
        unlink(file);
    }
    rmdir(directory);
}

enum { NOW = 1800000000 };

TestSuite(sts_store, .init = begin, .fini = finish);

static struct sts_store *open_store(size_t limit)
{
    struct sts_store *store = NULL;
    struct err err;
    cr_assert(eq(int, sts_store_open(&store, path, limit, &err), 0), "%s", err.text);
    return store;
}

static void keep(struct sts_store *store, const char *domain, enum sts_mode mode, int64_t expires,
                 int64_t now)
{
    struct err err;
    struct sts_entry entry = {.domain = domain,
                              .text = SLICE_LITERAL("text"),
                              .mode = mode,
                              .id = "1",
                              .fetched = now,
                              .expires = expires,
                              .refresh_at = expires};
    cr_assert(eq(int, sts_store_keep(store, &entry, 0, now, &err), 0), "%s", err.text);
}

static bool has(struct sts_store *store, const char *domain)
{
    struct arena *arena = arena_create();
    struct sts_entry *entry = NULL;
    struct err err;
    cr_assert(eq(int, sts_store_read(store, arena, domain, 0, &entry, &err), 0), "%s", err.text);
    bool found = entry != NULL;
    arena_free(&arena);
    return found;
}

/* covers: STS-41 */
Test(sts_store, enforce_in_force_goes_last)
{
    struct sts_store *store = open_store(3);
    keep(store, "old-enforce.example", STS_MODE_ENFORCE, 100000, 1000);
    keep(store, "ended.example", STS_MODE_ENFORCE, 2000, 1500);
    keep(store, "testing.example", STS_MODE_TESTING, 100000, 2000);
    keep(store, "new-enforce.example", STS_MODE_ENFORCE, 100000, 3000);
    cr_expect(has(store, "ended.example") == false);
    keep(store, "third.example", STS_MODE_ENFORCE, 100000, 3500);
    cr_expect(has(store, "testing.example") == false);
    cr_expect(has(store, "old-enforce.example"));
    struct err err;
    struct sts_entry failed = {.domain = "failed.example",
                               .tried = 3600,
                               .tried_id = "1",
                               .failure = REASON_STS_FETCH_FAILED,
                               .failure_text = "no"};
    cr_assert(eq(int, sts_store_fail(store, &failed, 0, 3600, &err), 0));
    cr_expect(has(store, "failed.example") == false);
    cr_expect(has(store, "old-enforce.example"));
    keep(store, "fourth.example", STS_MODE_ENFORCE, 100000, 4000);
    /* only enforce is left: the one used longest ago */
    cr_expect(has(store, "old-enforce.example") == false);
    sts_store_close(&store);
}

/* covers: STS-38 T-14 */
Test(sts_store, what_a_clock_that_was_ahead_has_put_off_is_due)
{
    static const struct {
        const char *domain;
        int64_t refresh_at;
        bool due;
    } cases[] = {{"past.example", NOW, true},
                 {"week.example", NOW + 7 * 86400, false},
                 {"years.example", NOW + (int64_t)3000 * 86400, true}};
    for (size_t i = 0; i < 3; i++) {
        struct sts_store *store = open_store(100);
        struct arena *arena = arena_create();
        struct sts_entry *entry, set = {.domain = cases[i].domain,
                                        .text = SLICE_LITERAL("text"),
                                        .mode = STS_MODE_ENFORCE,
                                        .id = "1",
                                        .expires = NOW + (int64_t)4000 * 86400,
                                        .refresh_at = cases[i].refresh_at};
        struct err err;
        bool found;
        cr_assert(eq(int, sts_store_keep(store, &set, 0, NOW, &err), 0), "%s", err.text);
        cr_assert(eq(int, sts_store_claim_due(store, arena, 1, NOW, NOW + 60, &entry, &err), 0));
        cr_expect(eq(int, entry != NULL, cases[i].due), "%s", cases[i].domain);
        cr_assert(eq(int, sts_store_drop(store, cases[i].domain, &found, &err), 0));
        arena_free(&arena);
        sts_store_close(&store);
    }
}

static bool claims(struct sts_store *store, int64_t claim, int64_t now, int64_t until)
{
    struct arena *arena = arena_create();
    struct sts_entry *entry;
    struct err err;
    bool claimed = false;
    cr_assert(eq(
        int, sts_store_claim(store, arena, "a.example", claim, now, until, &claimed, &entry, &err),
        0));
    arena_free(&arena);
    return claimed;
}

/* covers: STS-22 */
Test(sts_store, a_claim_is_let_go_by_its_owner_or_its_end)
{
    struct sts_store *store = open_store(100);
    struct err err;
    cr_expect(claims(store, 1, NOW, NOW + 70));
    cr_assert(eq(int, sts_store_release(store, "a.example", 2, &err), 0));
    cr_expect(not(claims(store, 3, NOW, NOW + 70)));
    cr_expect(not(claims(store, 3, NOW + 69, NOW + 140)));
    cr_assert(eq(int, sts_store_release(store, "a.example", 1, &err), 0));
    cr_expect(claims(store, 4, NOW, NOW + 70));
    cr_expect(claims(store, 5, NOW + 70, NOW + (int64_t)400 * 86400));
    cr_expect(claims(store, 6, NOW + 70, NOW + 140)); /* 5 was made by a clock that was wrong */
    sts_store_close(&store);
}

/* covers: STS-22 STS-41 */
Test(sts_store, a_row_that_is_being_fetched_is_not_thrown_out)
{
    struct sts_store *store = open_store(1);
    cr_expect(claims(store, 1, NOW, NOW + 70));
    keep(store, "b.example", STS_MODE_ENFORCE, NOW + 86400, NOW);
    cr_expect(has(store, "a.example"));
    cr_expect(not(claims(store, 2, NOW, NOW + 70)));
    sts_store_close(&store);
}

Test(sts_store, what_nobody_has_asked_for_in_a_day_goes)
{
    struct sts_store *store = open_store(100);
    struct arena *arena = arena_create();
    struct sts_entry *due, failed = {.domain = "failed.example",
                                     .tried = NOW,
                                     .tried_id = "1",
                                     .failure = REASON_STS_FETCH_FAILED,
                                     .failure_text = "no"};
    struct err err;
    cr_assert(eq(int, sts_store_fail(store, &failed, 0, NOW, &err), 0));
    keep(store, "ended.example", STS_MODE_ENFORCE, NOW + 10, NOW);
    keep(store, "good.example", STS_MODE_ENFORCE, NOW + 5 * 86400, NOW);
    static const int64_t times[] = {NOW + 86400, NOW + 86411};
    for (size_t i = 0; i < 2; i++) {
        cr_assert(
            eq(int, sts_store_claim_due(store, arena, 1, times[i], times[i] + 60, &due, &err), 0));
        cr_expect(eq(int, has(store, "failed.example"), i == 0));
        cr_expect(eq(int, has(store, "ended.example"), i == 0));
        cr_expect(has(store, "good.example"));
    }
    arena_free(&arena);
    sts_store_close(&store);
}

/* covers: STS-41 */
Test(sts_store, drop_and_list)
{
    struct sts_store *store = open_store(10);
    struct err err;
    json_t *list;
    bool found = false;
    keep(store, "b.example", STS_MODE_ENFORCE, 5000, 1000);
    keep(store, "a.example", STS_MODE_NONE, 900, 800);
    cr_assert(eq(int, sts_store_json(store, NULL, 10, 1000, &list, &err), 0));
    cr_assert(eq(sz, json_array_size(list), 2));
    json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    cr_expect(eq(str, (char *)json_string_value(json_object_get(first, "domain")), "a.example"));
    cr_expect(json_object_get(first, "in_force") == json_false());
    cr_expect(json_object_get(second, "in_force") == json_true());
    cr_expect(json_object_get(second, "text") == NULL);
    json_decref(list);
    cr_assert(eq(int, sts_store_drop(store, "b.example", &found, &err), 0));
    cr_expect(found && !has(store, "b.example"));
    cr_assert(eq(int, sts_store_drop(store, "b.example", &found, &err), 0));
    cr_expect(found == false);
    sts_store_close(&store);
}

Test(sts_store, what_is_no_database_or_of_another_version_is_refused)
{
    struct sts_store *store = NULL;
    struct err err;
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 4096; i++)
        fputs("nothing", file);
    fclose(file);
    cr_expect(eq(int, sts_store_open(&store, path, 10, &err), -1));
    cr_expect(store == NULL && strstr(err.text, "sts.db") != NULL, "%s", err.text);
    cr_expect(eq(int, sts_store_open(&store, "/dev/null/sts.db", 10, &err), -1));
}

/* A child that claims as often as it can; prints how often it got the claim, and never while the
 * parent or its sister holds it. */
static void compete(unsigned rounds)
{
    struct sts_store *store = open_store(10);
    struct err err;
    for (unsigned i = 0; i < rounds; i++) {
        struct arena *arena = arena_create();
        struct sts_entry *entry;
        int64_t claim = (int64_t)getpid() * 1000000 + i;
        bool claimed = false;
        if (sts_store_claim(store, arena, "x.example", claim, 1000, 1060, &claimed, &entry, &err) !=
            0)
            _exit(2);
        if (claimed) {
            char lock[100];
            snprintf(lock, sizeof(lock), "%s/lock", directory);
            FILE *file = fopen(lock, "wx");
            if (file == NULL)
                _exit(3); /* two hold the claim */
            fclose(file);
            unlink(lock);
            if (sts_store_release(store, "x.example", claim, &err) != 0)
                _exit(4);
        }
        arena_free(&arena);
    }
    sts_store_close(&store);
    _exit(0);
}

/* covers: STS-22 STS-33 */
Test(sts_store, processes_open_it_together_and_one_holds_the_claim)
{
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0)
            compete(200);
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        cr_assert(waitpid(children[i], &status, 0) == children[i]);
        cr_expect(eq(int, status, 0));
    }
}
