/* All rules together: which row counts, which minimums, and what is named. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/cleanup.h"
#include "daneway/policy.h"

enum { END = 1798761600 }; /* 2027-01-01 00:00 UTC */

static struct arena *arena;
static struct table *table;
static struct mailboxes *mailboxes;
static struct rule_set rules;

static const char table_text[] =
    "a.example auto min=encrypt\n"
    "[mx.a.example] secure\n"
    "[mx.a.example]:587 encrypt\n"
    "b.example dane-only\n"
    "b.example may until=2026-12-31 reason=\"certificate is being renewed\"\n"
    "c.example auto sts=off requiretls=opportunistic\n"
    "d.example encrypt sts=on\n"
    "[IPv6:2001:DB8:0::1] secure\n"
    "[2001:db8::2]:587 verify\n"
    "[192.0.2.1] encrypt\n";
static const char mailboxes_text[] = "hr@a.example verify\n"
                                     "a.example may\n"
                                     "from:corp.example dane-only\n"
                                     "x@c.example auto\n";

static void set_up(void)
{
    struct err err;
    arena = arena_create();
    cr_assert(eq(int, table_parse(&table, "tls_policy", slice_of(table_text), &err), 0));
    cr_assert(eq(int, mailboxes_parse(&mailboxes, "mailboxes", slice_of(mailboxes_text), &err), 0));
    rules = (struct rule_set){LEVEL_AUTO, table, mailboxes};
}

static void tear_down(void)
{
    arena_free(&arena);
    table_free(&table);
    mailboxes_free(&mailboxes);
}

TestSuite(demands, .init = set_up, .fini = tear_down);

static const char *rules_text(const struct demands *demands)
{
    const char *text = "";
    for (size_t i = 0; i < demands->rule_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", demands->rules[i]);
    return text;
}

Test(demands, all_rules_that_took_part_are_named)
{
    static const struct {
        const char *next_hop, *name, *sender, *recipient, *rules;
        bool bracketed;
    } cases[] = {
        {"z.example", "z.example", NULL, NULL, "default_level auto", false},
        {"a.example", "a.example", "x@y.example", "info@a.example",
         "tls_policy:1 auto min=encrypt, mailboxes:2 may", false},
        {"a.example", "a.example", "me@corp.example", "HR@a.example",
         "tls_policy:1 auto min=encrypt, mailboxes:1 verify, mailboxes:2 may, mailboxes:3 "
         "dane-only",
         false},
        {"[mx.a.example]:587", "mx.a.example", NULL, NULL, "tls_policy:3 encrypt", true},
        {"[mx.a.example]:25", "mx.a.example", NULL, NULL, "tls_policy:2 secure", true},
        {"[mx.b.example]", "mx.b.example", NULL, NULL, "default_level auto", true},
        {"a.example:26", "a.example", NULL, NULL, "tls_policy:1 auto min=encrypt", false},
        {"[192.0.2.1]:26", "192.0.2.1", NULL, NULL, "tls_policy:10 encrypt", true},
        {"[IPv6:2001:db8::1]", "2001:db8::1", NULL, NULL, "tls_policy:8 secure", true},
        {"[2001:db8::1]:26", "2001:db8::1", NULL, NULL, "tls_policy:8 secure", true},
        {"[IPv6:2001:db8::1]:26", "2001:db8::1", NULL, NULL, "tls_policy:8 secure", true},
        {"[ipv6:2001:db8:0:0::2]:587", "2001:db8::2", NULL, NULL, "tls_policy:9 verify", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct demand_question question = {.next_hop = cases[i].next_hop,
                                           .name = cases[i].name,
                                           .bracketed = cases[i].bracketed,
                                           .sender = cases[i].sender,
                                           .recipient = cases[i].recipient};
        struct demands demands = demands_make(arena, &rules, &question, 0);
        cr_expect(eq(str, (char *)rules_text(&demands), (char *)cases[i].rules), "%s",
                  cases[i].next_hop);
    }
}

Test(demands, clients_ask_too)
{
    struct demand_question question = {.next_hop = "z.example",
                                       .name = "z.example",
                                       .minimum = TLS_LEVEL_BIT(LEVEL_ENCRYPT),
                                       .minimum_rule = "clients:12"};
    struct demands demands = demands_make(arena, &rules, &question, 0);
    cr_expect(eq(str, (char *)rules_text(&demands), "default_level auto, clients:12 encrypt"));
    cr_expect(eq(u32, demands.minimum, TLS_LEVEL_BIT(LEVEL_ENCRYPT)));
}

Test(demands, exceptions_end_and_never_touch_requiretls)
{
    struct demand_question question = {.next_hop = "b.example", .name = "b.example"};
    struct demands demands = demands_make(arena, &rules, &question, END - 1);
    cr_expect(eq(int, demands.level, LEVEL_MAY));
    cr_expect(eq(ptr, (void *)demands.set_aside, NULL));
    demands = demands_make(arena, &rules, &question, END);
    cr_expect(eq(int, demands.level, LEVEL_DANE_ONLY));
    cr_expect(eq(str, (char *)demands.set_aside_why, "tls_policy:5 ended on 2026-12-31"));
    question.requiretls = true;
    demands = demands_make(arena, &rules, &question, END - 1);
    cr_expect(eq(int, demands.level, LEVEL_DANE_ONLY));
    cr_expect(eq(str, (char *)demands.set_aside_why,
                 "tls_policy:5 is an exception, which mail with REQUIRETLS does not get"));
}

/* covers: RTLS-07 RTLS-17 */
Test(demands, tags_of_the_message)
{
    struct demand_question question = {.next_hop = "c.example",
                                       .name = "c.example",
                                       .sender = "",
                                       .requiretls = true,
                                       .tls_optional = true};
    struct demands both = demands_make(arena, &rules, &question, 0);
    cr_expect(both.requiretls && both.null_sender && !both.tls_optional);
    cr_expect(eq(int, both.requiretls_mode, REQUIRETLS_OPPORTUNISTIC));
    question.requiretls = false;
    struct demands optional = demands_make(arena, &rules, &question, 0);
    cr_expect(optional.tls_optional && !optional.requiretls);
    cr_expect(demands_equal(&both, &both) && !demands_equal(&both, &optional));
}

/* covers: STS-42 */
Test(demands, whether_mta_sts_matters)
{
    static const struct {
        const char *name, *recipient;
        bool requiretls, wanted;
    } cases[] = {
        {"z.example", NULL, false, true},  {"b.example", NULL, false, false},
        {"c.example", NULL, false, false}, {"c.example", "x@c.example", false, true},
        {"c.example", NULL, true, false},  {"d.example", NULL, false, true},
        {"b.example", NULL, true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct demand_question question = {.next_hop = cases[i].name,
                                           .name = cases[i].name,
                                           .recipient = cases[i].recipient,
                                           .requiretls = cases[i].requiretls};
        struct demands demands = demands_make(arena, &rules, &question, END);
        cr_expect(eq(int, demands_want_sts(&demands), cases[i].wanted), "%zu", i);
    }
}
