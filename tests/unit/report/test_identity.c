/* Identities: whose senders belong to whom; and submissions.db, which remembers who has what. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "base/cleanup.h"
#include "report/identity.h"
#include "report/submissions.h"

static struct identity_settings identities[] = {
    {.domain = "", .organization_name = "Gateway", .contact_info = "t@gw.example"},
    {.domain = "example.org", .organization_name = "Org", .contact_info = "t@example.org"},
    {.domain = "sub.example.org", .organization_name = "", .contact_info = "t@example.org"},
};
static const struct report_settings settings = {.identities = identities, .identity_count = 3};

Test(identity, of_senders)
{
    static const struct {
        const char *domain, *identity;
    } cases[] = {
        {"example.org", "example.org"},
        {"EXAMPLE.org", "example.org"},
        {"mail.example.org", "example.org"},
        {"sub.example.org", "sub.example.org"},
        {"a.Sub.example.org", "sub.example.org"},
        {"notexample.org", ""},
        {"org", ""},
        {"", ""},
        {"example.org.example.com", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(str, (char *)identity_of_sender(&settings, cases[i].domain)->domain,
                     (char *)cases[i].identity),
                  "%s", cases[i].domain);
    cr_assert(identity_may_report(&identities[1]));
    cr_assert(not(identity_may_report(&identities[2])));
    cr_assert(eq(ptr, (void *)identity_by_domain(&settings, "example.com"), NULL));
    static const struct report_settings none = {.identity_count = 0};
    cr_assert(eq(ptr, (void *)identity_of_sender(&none, "example.org"), NULL));
}

static struct submissions *open_store(void)
{
    struct submissions *store;
    struct err err = {""};
    cr_assert(eq(int, submissions_open(&store, ":memory:", &err), 0), "%s", err.text);
    return store;
}

static size_t due(struct submissions *store, int64_t now, int64_t *next_r, int64_t *first_r)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    struct submission *list;
    struct err err = {""};
    size_t count;
    cr_assert(eq(int, submissions_due(store, now, 10, arena, &list, &count, next_r, &err), 0), "%s",
              err.text);
    *first_r = count > 0 ? list[0].id : 0;
    return count;
}

/* covers: RPT-19 */
Test(submissions, planned_once_and_due_in_time)
{
    CLEANUP(submissions_close) struct submissions *store = open_store();
    struct err err;
    int64_t next, first, count;
    bool flag;
    cr_assert(eq(int, submissions_plan(store, "2026-11-23", "a.example", "", 100, &err), 0));
    cr_assert(eq(int, submissions_plan(store, "2026-11-23", "a.example", "", 50, &err), 0));
    cr_assert(eq(int, submissions_plan(store, "2026-11-23", "b.example", "", 200, &err), 0));
    cr_assert(eq(sz, due(store, 99, &next, &first), 0));
    cr_assert(eq(i64, next, 100));
    cr_assert(eq(sz, due(store, 150, &next, &first), 1));
    cr_assert(eq(i64, next, 200));
    struct submission done = {.id = first, .state = SUBMISSION_DONE, .text = "x", .attempts = 1};
    cr_assert(eq(int, submissions_update(store, &done, &err), 0));
    cr_assert(eq(sz, due(store, 150, &next, &first), 0));
    cr_assert(eq(int, submissions_hasten(store, "2026-11-23", 150, &count, &err), 0));
    cr_assert(eq(i64, count, 1));
    cr_assert(eq(sz, due(store, 150, &next, &first), 1));
    cr_assert(eq(i64, next, INT64_MAX));
    cr_assert(eq(int, submissions_is_planned(store, "2026-11-23", &flag, &err), 0));
    cr_assert(not(flag));
    cr_assert(eq(int, submissions_planned(store, "2026-11-23", &err), 0));
    cr_assert(eq(int, submissions_is_planned(store, "2026-11-23", &flag, &err), 0));
    cr_assert(flag);
    cr_assert(eq(int, submissions_take(store, first, "mailto:a@b.example", 1, &err), 0));
    cr_assert(eq(int, submissions_take(store, first, "mailto:a@b.example", 2, &err), 0));
    cr_assert(eq(int, submissions_is_taken(store, first, "mailto:a@b.example", &flag, &err), 0));
    cr_assert(flag);
    cr_assert(
        eq(int, submissions_is_taken(store, first + 1, "mailto:a@b.example", &flag, &err), 0));
    cr_assert(not(flag));
    cr_assert(eq(int, submissions_forget(store, "2026-11-24", &err), 0));
    cr_assert(eq(sz, due(store, 1000, &next, &first), 0));
}
