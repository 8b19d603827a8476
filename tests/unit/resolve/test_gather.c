/* The rules of evidence: each case is a small DNS, a next hop, what must be found, and which
 * questions were needed. Facts are written S (secure), I (insecure), B (bogus), F (failed) with +
 * (found), 0 (no data) or x (no name). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "fake_dns.h"
#include "fake_loop.h"
#include "resolve/gather.h"
#include "resolve/resolve.h"

struct text {
    char ptr[4096];
    size_t used;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text->used += (size_t)vsnprintf(text->ptr + text->used, sizeof(text->ptr) - text->used, format,
                                    arguments);
    va_end(arguments);
}

static const char *fact_text(const struct dns_fact *fact)
{
    static const char *const names[][3] = {[DNS_NOT_ASKED] = {"-", "-", "-"},
                                           [DNS_SECURE] = {"S+", "S0", "Sx"},
                                           [DNS_INSECURE] = {"I+", "I0", "Ix"},
                                           [DNS_BOGUS] = {"B!", "B", "B!"},
                                           [DNS_FAILED] = {"F!", "F", "F!"}};
    return names[fact->status][fact->presence];
}

static void put_host(struct text *text, const struct evidence_host *host)
{
    char address[ADDRESS_TEXT];
    put(text, "; %s", host->name);
    if (host->expanded != host->name)
        put(text, "->%s", host->expanded);
    put(text, " %u %s", host->preference, fact_text(&host->addresses_fact));
    for (size_t i = 0; i < host->address_count; i++)
        put(text, " %s", address_format(&host->addresses[i], address));
    if (host->is_literal)
        put(text, " literal");
    if (host->alias.status != DNS_NOT_ASKED)
        put(text, " alias %s", fact_text(&host->alias));
    if (host->tlsa.status != DNS_NOT_ASKED)
        put(text, " tlsa %s %zu at %s", fact_text(&host->tlsa), host->tlsa_count, host->tlsa_base);
}

static void put_evidence(struct text *text, const struct evidence *evidence)
{
    put(text, "mx %s", fact_text(&evidence->mx));
    if (evidence->name_invalid)
        put(text, " invalid");
    if (evidence->expanded != evidence->next_hop)
        put(text, " ->%s", evidence->expanded);
    if (evidence->implicit_mx)
        put(text, " implicit");
    if (evidence->null_mx)
        put(text, " null");
    for (size_t i = 0; i < evidence->host_count; i++)
        put_host(text, &evidence->hosts[i]);
}

struct scene {
    const char *title, *next_hop, *found, *asked;
    bool below_insecure_mx;
    struct fake_row rows[12];
    bool without_tlsa;
};

struct answer {
    struct loop *loop;
    struct evidence *evidence;
    unsigned count;
};

static void on_evidence(void *arg, struct evidence *evidence)
{
    struct answer *answer = arg;
    answer->evidence = evidence;
    answer->count++;
}

static struct resolver *resolver_over(struct loop *loop, bool below_insecure_mx)
{
    struct resolver_settings settings = {.self_test_secure = ".",
                                         .self_test_bogus = "bogus.example",
                                         .self_test_interval = 600,
                                         .tlsa_below_insecure_mx = below_insecure_mx};
    struct resolver *resolver = NULL;
    struct err err;
    cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0));
    return resolver;
}

static void play(const struct scene *scene)
{
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver = resolver_over(loop, scene->below_insecure_mx);
    struct answer answer = {.loop = loop};
    struct text text = {.used = 0};
    fake_dns_use(scene->rows, sizeof(scene->rows) / sizeof(scene->rows[0]) - 1);
    fake_dns_forget_asked();
    struct next_hop hop = next_hop_parse(arena, scene->next_hop, 25);
    hop.without_tlsa = scene->without_tlsa;
    resolve_next_hop(resolver, arena, &hop, on_evidence, &answer);
    cr_expect(eq(uint, answer.count, 0), "%s", scene->title);
    fake_loop_pass(loop, 1000);
    cr_assert(eq(uint, answer.count, 1), "%s", scene->title);
    put_evidence(&text, answer.evidence);
    cr_expect(eq(str, text.ptr, (char *)scene->found), "%s", scene->title);
    cr_expect(eq(str, (char *)fake_dns_asked(), (char *)scene->asked), "%s", scene->title);
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}

#define PLAY(scenes)                                                                               \
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)                                \
    play(&scenes[i])

#define MX_SECURE                                                                                  \
    {                                                                                              \
        "d.example", DNS_MX, DNS_SECURE, "10 mx.example"                                           \
    }
#define MX_INSECURE                                                                                \
    {                                                                                              \
        "d.example", DNS_MX, DNS_INSECURE, "10 mx.example"                                         \
    }
#define A_SECURE                                                                                   \
    {                                                                                              \
        "mx.example", DNS_A, DNS_SECURE, "192.0.2.1"                                               \
    }
#define AAAA_NONE                                                                                  \
    {                                                                                              \
        "mx.example", DNS_AAAA, DNS_SECURE, NULL                                                   \
    }
#define ASK_HOST "MX d.example, AAAA mx.example, A mx.example"

/* covers: DANE-05 SMTPC-17 SMTPC-18 SMTPC-21 DANE-19 DANE-04 */
Test(gather, mx)
{
    static const struct scene scenes[] = {
        {"bogus MX: nothing else is asked", "d.example", "mx B", "MX d.example",
         .rows = {{"d.example", DNS_MX, DNS_BOGUS}}},
        {"failed MX: likewise", "d.example", "mx F", "MX d.example",
         .rows = {{"d.example", DNS_MX, DNS_FAILED}}},
        {"no such domain", "d.example", "mx Sx", "MX d.example",
         .rows = {{"d.example", DNS_MX, DNS_SECURE, "nxdomain"}}},
        {"no such domain, insecure", "d.example", "mx Ix", "MX d.example",
         .rows = {{"d.example", DNS_MX, DNS_INSECURE, "nxdomain"}}},
        {"null MX", "d.example", "mx S+ null", "MX d.example",
         .rows = {{"d.example", DNS_MX, DNS_SECURE, "0 ."}}},
        {"dot among others is an unusable host", "d.example",
         "mx I+;  0 -; mx.example 10 I+ 192.0.2.1", "MX d.example, AAAA mx.example, A mx.example",
         .rows = {{"d.example", DNS_MX, DNS_INSECURE, "10 mx.example 0 ."},
                  {"mx.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
                  {"mx.example", DNS_AAAA, DNS_INSECURE, NULL}}},
        {"implicit MX", "d.example",
         "mx S0 implicit; d.example 0 S+ 192.0.2.1 tlsa S+ 1 at d.example",
         "MX d.example, AAAA d.example, A d.example, TLSA _25._tcp.d.example",
         .rows = {{"d.example", DNS_MX, DNS_SECURE, NULL},
                  {"d.example", DNS_A, DNS_SECURE, "192.0.2.1"},
                  {"d.example", DNS_AAAA, DNS_SECURE, NULL},
                  {"_25._tcp.d.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"next hop behind a CNAME", "www.example", "mx S+ ->d.example; mx.example 10 F",
         "MX www.example, AAAA mx.example, A mx.example",
         .rows = {{"www.example", DNS_MX, DNS_SECURE, "10 mx.example", .canonical = "d.example"}}},
        {"invalid name: no question at all", "d..example", "mx - invalid", ""},
        {"literal: no question at all", "[192.0.2.9]", "mx -; 192.0.2.9 0 - 192.0.2.9 literal", ""},
        {"literal, IPv6", "[2001:db8::9]:26", "mx -; 2001:db8::9 0 - 2001:db8::9 literal", ""},
    };
    PLAY(scenes);
}

/* covers: DANE-19 DANE-16 */
Test(gather, host_without_mx)
{
    static const struct scene scenes[] = {
        {"brackets: no MX look-up, the port is in the name", "[mx.example]:2525",
         "mx -; mx.example 0 S+ 192.0.2.1 tlsa S+ 2 at mx.example",
         "AAAA mx.example, A mx.example, TLSA _2525._tcp.mx.example",
         .rows = {A_SECURE, AAAA_NONE, {"_2525._tcp.mx.example", DNS_TLSA, DNS_SECURE, "2"}}},
    };
    PLAY(scenes);
}

/* covers: DANE-20 SMTPC-20 */
Test(gather, exchange_is_an_address)
{
    static const struct scene scenes[] = {
        {"no look-up for an address in text form", "d.example",
         "mx S+; 192.0.2.7 10 - 192.0.2.7 literal; mx.example 20 S+ 192.0.2.1 tlsa S0 0 at "
         "mx.example",
         "MX d.example, AAAA mx.example, A mx.example, TLSA _25._tcp.mx.example",
         .rows = {{"d.example", DNS_MX, DNS_SECURE, "10 192.0.2.7 20 mx.example"},
                  A_SECURE,
                  AAAA_NONE,
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_SECURE, NULL}}},
        {"and when it is the only one", "d.example", "mx S+; 192.0.2.7 10 - 192.0.2.7 literal",
         "MX d.example", .rows = {{"d.example", DNS_MX, DNS_SECURE, "10 192.0.2.7"}}},
    };
    PLAY(scenes);
}

/* covers: DANE-11 DANE-12 DANE-06 DANE-07 T-03 */
Test(gather, addresses_before_tlsa)
{
    static const struct scene scenes[] = {
        {"secure", "d.example",
         "mx S+; mx.example 10 S+ 2001:db8::1 192.0.2.1 2001:db8::2 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  A_SECURE,
                  {"mx.example", DNS_AAAA, DNS_SECURE, "2001:db8::1 2001:db8::2"},
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"insecure: no TLSA query", "d.example", "mx S+; mx.example 10 I+ 2001:db8::1 192.0.2.1",
         ASK_HOST,
         .rows = {MX_SECURE,
                  {"mx.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
                  {"mx.example", DNS_AAAA, DNS_INSECURE, "2001:db8::1"}}},
        {"no address: no TLSA query", "d.example", "mx S+; mx.example 10 S0", ASK_HOST,
         .rows = {MX_SECURE, {"mx.example", DNS_A, DNS_SECURE, NULL}, AAAA_NONE}},
        {"no such host", "d.example", "mx S+; mx.example 10 Sx", ASK_HOST,
         .rows = {MX_SECURE,
                  {"mx.example", DNS_A, DNS_SECURE, "nxdomain"},
                  {"mx.example", DNS_AAAA, DNS_SECURE, "nxdomain"}}},
        {"both fail", "d.example", "mx S+; mx.example 10 F", ASK_HOST, .rows = {MX_SECURE}},
        {"bogus tells more than failed", "d.example", "mx S+; mx.example 10 B", ASK_HOST,
         .rows = {MX_SECURE,
                  {"mx.example", DNS_A, DNS_FAILED},
                  {"mx.example", DNS_AAAA, DNS_BOGUS}}},
        {"one fails, the other is absent: not known", "d.example", "mx S+; mx.example 10 F",
         ASK_HOST, .rows = {MX_SECURE, {"mx.example", DNS_A, DNS_FAILED}, AAAA_NONE}},
        {"AAAA bogus, A secure: what is good is used", "d.example",
         "mx S+; mx.example 10 S+ 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  A_SECURE,
                  {"mx.example", DNS_AAAA, DNS_BOGUS},
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"AAAA absent and insecure, A secure: the status of what is used", "d.example",
         "mx S+; mx.example 10 S+ 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  A_SECURE,
                  {"mx.example", DNS_AAAA, DNS_INSECURE},
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"A secure, AAAA insecure, as DNS64 makes it: the zone is signed", "d.example",
         "mx S+; mx.example 10 S+ 2001:db8::1 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  A_SECURE,
                  {"mx.example", DNS_AAAA, DNS_INSECURE, "2001:db8::1"},
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"A insecure, AAAA secure: likewise, and a failure binds", "d.example",
         "mx S+; mx.example 10 S+ 2001:db8::1 192.0.2.1 tlsa F 0 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  {"mx.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
                  {"mx.example", DNS_AAAA, DNS_SECURE, "2001:db8::1"}}},
        {"TLSA bogus", "d.example", "mx S+; mx.example 10 S+ 192.0.2.1 tlsa B 0 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE, A_SECURE, AAAA_NONE, {"_25._tcp.mx.example", DNS_TLSA, DNS_BOGUS}}},
        {"TLSA fails", "d.example", "mx S+; mx.example 10 S+ 192.0.2.1 tlsa F 0 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example", .rows = {MX_SECURE, A_SECURE, AAAA_NONE}},
        {"TLSA insecure", "d.example", "mx S+; mx.example 10 S+ 192.0.2.1 tlsa I+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  A_SECURE,
                  AAAA_NONE,
                  {"_25._tcp.mx.example", DNS_TLSA, DNS_INSECURE, "1"}}},
    };
    PLAY(scenes);
}

#define ALIAS_SECURE                                                                               \
    {                                                                                              \
        "mx.example", DNS_A, DNS_SECURE, "192.0.2.1", .canonical = "real.example"                  \
    }
#define ALIAS_INSECURE                                                                             \
    {                                                                                              \
        "mx.example", DNS_A, DNS_INSECURE, "192.0.2.1", .canonical = "real.example"                \
    }
#define ALIAS_AAAA_NONE                                                                            \
    {                                                                                              \
        "mx.example", DNS_AAAA, DNS_SECURE, NULL, .canonical = "real.example"                      \
    }
#define AT_REAL "_25._tcp.real.example", DNS_TLSA
#define AT_MX "_25._tcp.mx.example", DNS_TLSA
#define FOUND_ALIAS "mx S+; mx.example->real.example 10 "

/* covers: DANE-13 DANE-14 DANE-15 DANE-17 T-04 */
Test(gather, aliases)
{
    static const struct scene scenes[] = {
        {"secure chain: the expanded name first", "d.example",
         FOUND_ALIAS "S+ 192.0.2.1 tlsa S+ 1 at real.example",
         ASK_HOST ", TLSA _25._tcp.real.example",
         .rows = {MX_SECURE, ALIAS_SECURE, ALIAS_AAAA_NONE, {AT_REAL, DNS_SECURE, "1"}}},
        {"nothing there: the original name", "d.example",
         FOUND_ALIAS "S+ 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.real.example, TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  ALIAS_SECURE,
                  ALIAS_AAAA_NONE,
                  {AT_REAL, DNS_SECURE, NULL},
                  {AT_MX, DNS_SECURE, "1"}}},
        {"insecure there: the original name", "d.example",
         FOUND_ALIAS "S+ 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.real.example, TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  ALIAS_SECURE,
                  ALIAS_AAAA_NONE,
                  {AT_REAL, DNS_INSECURE, "1"},
                  {AT_MX, DNS_SECURE, "1"}}},
        {"error there: the original name is not tried", "d.example",
         FOUND_ALIAS "S+ 192.0.2.1 tlsa B 0 at real.example",
         ASK_HOST ", TLSA _25._tcp.real.example",
         .rows = {MX_SECURE,
                  ALIAS_SECURE,
                  ALIAS_AAAA_NONE,
                  {AT_REAL, DNS_BOGUS},
                  {AT_MX, DNS_SECURE, "1"}}},
        {"neither", "d.example", FOUND_ALIAS "S+ 192.0.2.1 tlsa Sx 0 at mx.example",
         ASK_HOST ", TLSA _25._tcp.real.example, TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  ALIAS_SECURE,
                  ALIAS_AAAA_NONE,
                  {AT_REAL, DNS_SECURE, "nxdomain"},
                  {AT_MX, DNS_SECURE, "nxdomain"}}},
        {"signed alias to an unsigned target: TLSA at the original name only", "d.example",
         FOUND_ALIAS "I+ 192.0.2.1 alias S+ tlsa S+ 1 at mx.example",
         ASK_HOST ", CNAME mx.example, TLSA _25._tcp.mx.example",
         .rows = {MX_SECURE,
                  ALIAS_INSECURE,
                  ALIAS_AAAA_NONE,
                  {"mx.example", DNS_CNAME, DNS_SECURE, "1"},
                  {AT_MX, DNS_SECURE, "1"}}},
        {"unsigned alias: DANE does not apply", "d.example", FOUND_ALIAS "I+ 192.0.2.1 alias I+",
         ASK_HOST ", CNAME mx.example",
         .rows = {MX_SECURE,
                  ALIAS_INSECURE,
                  ALIAS_AAAA_NONE,
                  {"mx.example", DNS_CNAME, DNS_INSECURE, "1"}}},
        {"the alias cannot be looked up", "d.example", FOUND_ALIAS "I+ 192.0.2.1 alias F",
         ASK_HOST ", CNAME mx.example", .rows = {MX_SECURE, ALIAS_INSECURE, ALIAS_AAAA_NONE}},
    };
    PLAY(scenes);
}

/* covers: DANE-18 DANE-12 */
Test(gather, below_an_insecure_mx)
{
    static const struct scene scenes[] = {
        {"default: no TLSA query", "d.example", "mx I+; mx.example 10 S+ 192.0.2.1", ASK_HOST,
         .rows = {MX_INSECURE, A_SECURE, AAAA_NONE, {AT_MX, DNS_SECURE, "1"}}},
        {"if told: TLSA of a secure host",
         "d.example",
         "mx I+; mx.example 10 S+ 192.0.2.1 tlsa S+ 1 at mx.example",
         ASK_HOST ", TLSA _25._tcp.mx.example",
         true,
         {MX_INSECURE, A_SECURE, AAAA_NONE, {AT_MX, DNS_SECURE, "1"}}},
        {"if told, an insecure host still has none",
         "d.example",
         "mx I+; mx.example 10 I+ 192.0.2.1",
         ASK_HOST,
         true,
         {MX_INSECURE,
          {"mx.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
          {"mx.example", DNS_AAAA, DNS_INSECURE}}},
        {"an implicit MX is no MX RRset", "d.example",
         "mx I0 implicit; d.example 0 S+ 192.0.2.1 tlsa S+ 1 at d.example",
         "MX d.example, AAAA d.example, A d.example, TLSA _25._tcp.d.example",
         .rows = {{"d.example", DNS_MX, DNS_INSECURE},
                  {"d.example", DNS_A, DNS_SECURE, "192.0.2.1"},
                  {"d.example", DNS_AAAA, DNS_SECURE},
                  {"_25._tcp.d.example", DNS_TLSA, DNS_SECURE, "1"}}},
    };
    PLAY(scenes);
}

/* covers: DANE-21 DANE-22 DANE-06 */
Test(gather, several_hosts)
{
    static const struct scene scenes[] = {
        {"by preference, TLSA or not, and a failing host stays alone", "d.example",
         "mx S+; a.example 10 S+ 192.0.2.1 tlsa Sx 0 at a.example; b.example 20 F; c.example 30 S+ "
         "192.0.2.3 tlsa S+ 1 at c.example",
         "MX d.example, AAAA a.example, A a.example, AAAA b.example, A b.example, AAAA c.example, "
         "A c.example, "
         "TLSA _25._tcp.a.example, TLSA _25._tcp.c.example",
         .rows = {{"d.example", DNS_MX, DNS_SECURE, "30 c.example 10 a.example 20 b.example"},
                  {"a.example", DNS_A, DNS_SECURE, "192.0.2.1"},
                  {"a.example", DNS_AAAA, DNS_SECURE},
                  {"c.example", DNS_A, DNS_SECURE, "192.0.2.3"},
                  {"c.example", DNS_AAAA, DNS_SECURE},
                  {"_25._tcp.a.example", DNS_TLSA, DNS_SECURE, "nxdomain"},
                  {"_25._tcp.c.example", DNS_TLSA, DNS_SECURE, "1"}}},
        {"the same host twice costs one look-up", "d.example",
         "mx I+; a.example 10 I+ 192.0.2.1; a.example 20 I+ 192.0.2.1",
         "MX d.example, AAAA a.example, A a.example",
         .rows = {{"d.example", DNS_MX, DNS_INSECURE, "10 a.example 20 a.example"},
                  {"a.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
                  {"a.example", DNS_AAAA, DNS_INSECURE}}},
    };
    PLAY(scenes);
}

Test(gather, hosts_are_bounded)
{
    static const struct fake_row row[] = {
        {"d.example", DNS_MX, DNS_INSECURE,
         "9 i.e 8 h.e 7 g.e 6 f.e 5 e.e 4 d.e 3 c.e 2 b.e 1 a.e 30 z.e 11 k.e 12 l.e 13 m.e 14 n.e "
         "15 o.e 16 p.e 17 q.e 18 r.e "
         "19 s.e 20 t.e 21 u.e 22 v.e 10 j.e"}};
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver = resolver_over(loop, false);
    struct answer answer = {.loop = loop};
    fake_dns_use(row, 1);
    struct next_hop hop = next_hop_parse(arena, "d.example", 25);
    resolve_next_hop(resolver, arena, &hop, on_evidence, &answer);
    fake_loop_pass(loop, 1000);
    cr_assert(eq(sz, answer.evidence->host_count, GATHER_HOSTS_MAX));
    cr_assert(eq(uint, answer.evidence->hosts[0].preference, 1));
    cr_assert(eq(uint, answer.evidence->hosts[19].preference, 20));
    cr_assert(eq(uint, fake_dns_asked_count(), 1 + 2 * GATHER_HOSTS_MAX));
    cr_assert(eq(uint, fake_dns_open_max(), 2 * GATHER_HOSTS_AT_ONCE));
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}

/* An asker with many hosts whose name servers are silent holds a few questions open, and another asker is answered. */
Test(gather, one_next_hop_does_not_take_all_that_is_asked)
{
    static const struct fake_row rows[] = {
        {"tar.example", DNS_MX, DNS_INSECURE,
         "1 a.tar 2 b.tar 3 c.tar 4 d.tar 5 e.tar 6 f.tar 7 g.tar 8 h.tar 9 i.tar 10 j.tar"},
        {"d.example", DNS_MX, DNS_INSECURE, "10 mx.example"},
        {"mx.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
        {"mx.example", DNS_AAAA, DNS_INSECURE},
    };
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver = resolver_over(loop, false);
    struct answer tar = {.loop = loop}, good = {.loop = loop};
    fake_dns_use(rows, 4);
    fake_dns_silence(".tar");
    struct next_hop hop = next_hop_parse(arena, "tar.example", 25);
    struct resolution *resolution = resolve_next_hop(resolver, arena, &hop, on_evidence, &tar);
    fake_loop_pass(loop, 1000);
    cr_assert(eq(uint, fake_dns_asked_count(), 1 + 2 * GATHER_HOSTS_AT_ONCE));
    hop = next_hop_parse(arena, "d.example", 25);
    resolve_next_hop(resolver, arena, &hop, on_evidence, &good);
    fake_loop_pass(loop, 1000);
    cr_assert(good.evidence != NULL);
    cr_assert(tar.evidence == NULL);
    resolution_cancel(&resolution);
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}

/* covers: DANE-10 */
Test(gather, asks_again_when_the_least_ttl_has_passed)
{
    static const struct fake_row table[] = {
        {"d.example", DNS_MX, DNS_SECURE, "10 mx.example", .ttl = 500},
        {"mx.example", DNS_A, DNS_SECURE, "192.0.2.1", .ttl = 50},
        {"mx.example", DNS_AAAA, DNS_SECURE, .ttl = 60},
        {AT_MX, DNS_SECURE, "1", .ttl = 70}};
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver = resolver_over(loop, false);
    struct answer answer = {.loop = loop};
    fake_dns_use(table, 4);
    struct next_hop hop = next_hop_parse(arena, "d.example", 25);
    static const struct {
        int64_t pass_s;
        const char *asked;
    } rounds[] = {{0, "MX d.example, AAAA mx.example, A mx.example, TLSA _25._tcp.mx.example"},
                  {48, ""},
                  {1, "A mx.example"},
                  {12, "AAAA mx.example"},
                  {12, "TLSA _25._tcp.mx.example"}};
    for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
        fake_loop_pass(loop, 1000 * rounds[i].pass_s);
        fake_dns_forget_asked();
        resolve_next_hop(resolver, arena, &hop, on_evidence, &answer);
        fake_loop_pass(loop, 1000);
        cr_expect(eq(str, (char *)fake_dns_asked(), (char *)rounds[i].asked), "round %zu", i);
    }
    cr_assert(eq(u32, answer.evidence->hosts[0].tlsa.ttl, 70));
    cr_assert(le(u32, answer.evidence->mx.ttl, 500 - 75));
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}

Test(gather, cancelled_at_any_moment)
{
    static const struct fake_row table[] = {
        MX_SECURE, A_SECURE, AAAA_NONE, {AT_MX, DNS_SECURE, "1"}};
    for (int64_t moment = 0; moment < 4; moment++) {
        struct loop *loop = loop_create();
        struct arena *arena = arena_create();
        struct resolver *resolver = resolver_over(loop, false);
        struct answer answer = {.loop = loop};
        fake_dns_use(table, 4);
        struct next_hop hop = next_hop_parse(arena, "d.example", 25);
        struct resolution *resolution =
            resolve_next_hop(resolver, arena, &hop, on_evidence, &answer);
        if (moment > 0)
            fake_loop_pass(loop, moment - 1);
        if (answer.count == 0)
            resolution_cancel(&resolution);
        unsigned before = answer.count;
        arena_free(&arena);
        fake_loop_pass(loop, 1000);
        cr_expect(eq(uint, answer.count, before));
        resolver_free(&resolver);
        loop_free(&loop);
    }
}

/* A name server that mishandles TLSA, or CNAME, cannot block a domain that the operator has
 * exempted. */
/* covers: DANE-28 */
Test(gather, no_tlsa_query_where_dane_is_not_wanted)
{
    static const struct scene scenes[] = {
        {"MX", "d.example", "mx S+; mx.example 10 S+ 192.0.2.1", ASK_HOST, .without_tlsa = true,
         .rows = {MX_SECURE, A_SECURE, AAAA_NONE, {"_25._tcp.mx.example", DNS_TLSA, DNS_FAILED}}},
        {"MX, although DANE below an insecure one is on", "d.example",
         "mx I+; mx.example 10 S+ 192.0.2.1", ASK_HOST, .without_tlsa = true,
         .below_insecure_mx = true, .rows = {MX_INSECURE, A_SECURE, AAAA_NONE}},
        {"host", "[mx.example]:587", "mx -; mx.example 0 S+ 192.0.2.1",
         "AAAA mx.example, A mx.example", .without_tlsa = true, .rows = {A_SECURE, AAAA_NONE}},
        {"alias to secure addresses", "d.example", FOUND_ALIAS "S+ 192.0.2.1", ASK_HOST,
         .without_tlsa = true, .rows = {MX_SECURE, ALIAS_SECURE, ALIAS_AAAA_NONE}},
        {"alias to insecure addresses: the CNAME is not asked for either", "d.example",
         FOUND_ALIAS "I+ 192.0.2.1", ASK_HOST, .without_tlsa = true,
         .rows = {MX_SECURE, ALIAS_INSECURE, ALIAS_AAAA_NONE}},
    };
    PLAY(scenes);
}
