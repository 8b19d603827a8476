/* Next hops: domains, hosts, addresses, ports, international names, and what is none of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "resolve/resolve.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text;
    enum next_hop_kind kind;
    const char *name;
    unsigned port;
    bool invalid;
} cases[] = {
    {"example.com", NEXT_HOP_DOMAIN, "example.com", 25, false},
    {"Example.COM", NEXT_HOP_DOMAIN, "example.com", 25, false},
    {"example.com.", NEXT_HOP_DOMAIN, "example.com", 25, false},
    {"example.com:587", NEXT_HOP_DOMAIN, "example.com", 587, false},
    {"localhost", NEXT_HOP_DOMAIN, "localhost", 25, false},
    {"under_score.example", NEXT_HOP_DOMAIN, "under_score.example", 25, false},
    {"[mx.example.com]", NEXT_HOP_HOST, "mx.example.com", 25, false},
    {"[MX.example.com]:2525", NEXT_HOP_HOST, "mx.example.com", 2525, false},
    {"[192.0.2.1]", NEXT_HOP_LITERAL, "192.0.2.1", 25, false},
    {"[192.0.2.1]:65535", NEXT_HOP_LITERAL, "192.0.2.1", 65535, false},
    {"[IPv6:2001:DB8:0:0::1]", NEXT_HOP_LITERAL, "2001:db8::1", 25, false},
    {"[2001:db8::1]:24", NEXT_HOP_LITERAL, "2001:db8::1", 24, false},
    /* IDNA2008, non-transitional: sharp s stays; width, case and the ideographic dot are mapped */
    {"b\xc3\xbc"
     "cher.example",
     NEXT_HOP_DOMAIN, "xn--bcher-kva.example", 25, false},
    {"B\xc3\x9c"
     "CHER.Example",
     NEXT_HOP_DOMAIN, "xn--bcher-kva.example", 25, false},
    {"fa\xc3\x9f.example", NEXT_HOP_DOMAIN, "xn--fa-hia.example", 25, false},
    {"[b\xc3\xbc"
     "cher.example]:26",
     NEXT_HOP_HOST, "xn--bcher-kva.example", 26, false},
    {"\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", NEXT_HOP_DOMAIN, "xn--fsq.xn--fsq", 25, false},
    {"xn--bcher-kva.example", NEXT_HOP_DOMAIN, "xn--bcher-kva.example", 25, false},
    {L63 ".example", NEXT_HOP_DOMAIN, L63 ".example", 25, false},
    /* none of them */
    {"", NEXT_HOP_DOMAIN, "", 25, true},
    {".", NEXT_HOP_DOMAIN, ".", 25, true},
    {"example..com", NEXT_HOP_DOMAIN, "example..com", 25, true},
    {".example.com", NEXT_HOP_DOMAIN, ".example.com", 25, true},
    {"-a.example", NEXT_HOP_DOMAIN, "-a.example", 25, true},
    {"a-.example", NEXT_HOP_DOMAIN, "a-.example", 25, true},
    {"a b.example", NEXT_HOP_DOMAIN, "a b.example", 25, true},
    {"a/b.example", NEXT_HOP_DOMAIN, "a/b.example", 25, true},
    {L63 "a.example", NEXT_HOP_DOMAIN, L63 "a.example", 25, true},
    {L63 "." L63 "." L63 "." L63, NEXT_HOP_DOMAIN, L63 "." L63 "." L63 "." L63, 25, true},
    {"192.0.2.1", NEXT_HOP_DOMAIN, "192.0.2.1", 25, true},
    {"example.123", NEXT_HOP_DOMAIN, "example.123", 25, true},
    {"example.com:", NEXT_HOP_DOMAIN, "example.com", 25, true},
    {"example.com:0", NEXT_HOP_DOMAIN, "example.com", 25, true},
    {"example.com:65536", NEXT_HOP_DOMAIN, "example.com", 25, true},
    {"example.com:smtp", NEXT_HOP_DOMAIN, "example.com", 25, true},
    {"2001:db8::1", NEXT_HOP_DOMAIN, "2001", 25, true},
    {"[]", NEXT_HOP_HOST, "", 25, true},
    {"[mx.example.com", NEXT_HOP_HOST, "mx.example.com", 25, true},
    {"[mx.example.com]x", NEXT_HOP_HOST, "mx.example.com", 25, true},
    {"[mx.example.com]:", NEXT_HOP_HOST, "mx.example.com", 25, true},
    {"[192.0.2.1]25", NEXT_HOP_LITERAL, "192.0.2.1", 25, true},
    {"[192.0.2.256]", NEXT_HOP_HOST, "192.0.2.256", 25, true},
    {"\xff\xfe.example", NEXT_HOP_DOMAIN, "\xff\xfe.example", 25, true},
    {"\xe2\x84\x80.example", NEXT_HOP_DOMAIN, "a/c.example", 25, true}, /* U+2100 maps to "a/c" */
};

/* covers: SMTPC-21 DANE-16 */
Test(next_hop, parse)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_create();
        struct next_hop hop = next_hop_parse(arena, cases[i].text, 25);
        cr_expect(eq(int, hop.invalid, cases[i].invalid), "%s", cases[i].text);
        cr_expect(eq(int, (int)hop.kind, (int)cases[i].kind), "%s", cases[i].text);
        cr_expect(eq(u16, hop.port, (uint16_t)cases[i].port), "%s", cases[i].text);
        cr_expect(eq(str, (char *)hop.name, (char *)cases[i].name), "%s", cases[i].text);
        arena_free(&arena);
    }
}

/* covers: SMTPC-21 */
Test(next_hop, endless_text_is_invalid)
{
    struct arena *arena = arena_create();
    char *text = arena_alloc(arena, 100001);
    memset(text, 'a', 100000);
    cr_assert(next_hop_parse(arena, text, 25).invalid);
    memset(text, '\xc3', 100000);
    cr_assert(next_hop_parse(arena, text, 25).invalid);
    arena_free(&arena);
}
