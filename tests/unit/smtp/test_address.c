/* Paths and mailboxes: the grammar of RFC 5321 4.1.2, and nothing around it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "smtp/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* covers: SMTPS-05 SMTPS-06 SMTPS-07 */
Test(address, good_paths)
{
    static const struct {
        const char *text, *address, *local, *domain;
    } good[] = {
        {"<u@example.org>", "u@example.org", "u", "example.org"},
        {"<U.Ser+Tag@Example.ORG>", "U.Ser+Tag@Example.ORG", "U.Ser+Tag", "Example.ORG"},
        {"<!#$%&'*+-/=?^_`{|}~@a>", "!#$%&'*+-/=?^_`{|}~@a", "!#$%&'*+-/=?^_`{|}~", "a"},
        {"<\"a b\"@example.org>", "\"a b\"@example.org", "\"a b\"", "example.org"},
        {"<\"a\\\"@>b\"@example.org>", "\"a\\\"@>b\"@example.org", "\"a\\\"@>b\"", "example.org"},
        {"<\"\"@example.org>", "\"\"@example.org", "\"\"", "example.org"},
        {"<@a,@b.c:u@d>", "u@d", "u", "d"},
        {"<@a:u@d>", "u@d", "u", "d"},
        {"<u@[192.0.2.1]>", "u@[192.0.2.1]", "u", "[192.0.2.1]"},
        {"<u@[IPv6:2001:db8::1]>", "u@[IPv6:2001:db8::1]", "u", "[IPv6:2001:db8::1]"},
        {"<u@xn--bcher-kva.example>", "u@xn--bcher-kva.example", "u", "xn--bcher-kva.example"},
        {"<u@1.2.3>", "u@1.2.3", "u", "1.2.3"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct path path;
        cr_assert(eq(int, path_parse(slice_of(good[i].text), false, &path), ADDRESS_OK), "%s",
                  good[i].text);
        cr_assert(eq(int, path.kind, PATH_MAILBOX));
        cr_assert(slice_equal(path.address, slice_of(good[i].address)), "%s", good[i].text);
        cr_assert(slice_equal(path.local, slice_of(good[i].local)), "%s", good[i].text);
        cr_assert(slice_equal(path.domain, slice_of(good[i].domain)), "%s", good[i].text);
    }
}

/* covers: SMTPS-05 SMTPS-24 */
Test(address, bad_paths)
{
    static const struct {
        const char *text;
        enum address_error error;
    } bad[] = {
        {"", ADDRESS_BRACKETS},
        {"u@d", ADDRESS_BRACKETS},
        {"<u@d", ADDRESS_BRACKETS},
        {"<", ADDRESS_BRACKETS},
        {"<u>", ADDRESS_BAD},
        {"<u@>", ADDRESS_BAD},
        {"<@d>", ADDRESS_BAD},
        {"<.u@d>", ADDRESS_BAD},
        {"<u.@d>", ADDRESS_BAD},
        {"<u..v@d>", ADDRESS_BAD},
        {"<u v@d>", ADDRESS_BAD},
        {"<u@d.>", ADDRESS_BAD},
        {"<u@.d>", ADDRESS_BAD},
        {"<u@d..e>", ADDRESS_BAD},
        {"<u@-d>", ADDRESS_BAD},
        {"<u@d->", ADDRESS_BAD},
        {"<u@d_e>", ADDRESS_BAD},
        {"<u@@d>", ADDRESS_BAD},
        {"<u@d@e>", ADDRESS_BAD},
        {"<u@[192.0.2]>", ADDRESS_BAD},
        {"<u@[192.0.2.1>", ADDRESS_BAD},
        {"<u@[2001:db8::1]>", ADDRESS_BAD},
        {"<u@[tag:x]>", ADDRESS_BAD},
        {"<u@[192.0.2.1]x>", ADDRESS_BAD},
        {"<\"u@d>", ADDRESS_BAD},
        {"<\"u\"v@d>", ADDRESS_BAD},
        {"<\"u\\\"@d>", ADDRESS_BAD},
        {"<\"u\tv\"@d>", ADDRESS_BAD},
        {"<a,b@d>", ADDRESS_BAD},
        {"<<u@d>>", ADDRESS_BAD},
        {"<@a,@b,u@d>", ADDRESS_BAD},
        {"<@a u@d>", ADDRESS_BAD},
        {"<@:u@d>", ADDRESS_BAD},
        {"< u@d>", ADDRESS_BAD},
        {"<u@d >", ADDRESS_BAD},
        {"< >", ADDRESS_BAD},
        {"<\xc3\xbc@d>", ADDRESS_NON_ASCII},
        {"<u@m\xc3\xbcller.example>", ADDRESS_NON_ASCII},
        {"<@m\xc3\xbcller.example:u@d>", ADDRESS_NON_ASCII},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct path path;
        cr_assert(eq(int, path_parse(slice_of(bad[i].text), false, &path), bad[i].error), "%s",
                  bad[i].text);
    }
    struct path path;
    cr_assert(eq(int, path_parse(SLICE_LITERAL("<u\0v@d>"), false, &path), ADDRESS_BAD));
    cr_assert(eq(int, path_parse(SLICE_LITERAL("<u@d\0e>"), false, &path), ADDRESS_BAD));
}

/* covers: SMTPS-24 */
Test(address, utf8)
{
    static const struct {
        const char *text;
        enum address_error error;
    } cases[] = {
        {"<\xc3\xbc@d>", ADDRESS_OK},
        {"<u@m\xc3\xbcller.example>", ADDRESS_OK},
        {"<\"\xc3\xbc b\"@d>", ADDRESS_OK},
        {"<@m\xc3\xbcller.example:u@d>", ADDRESS_OK},
        {"<\xf0\x9f\x93\xac@d>", ADDRESS_OK},
        {"<u@d>", ADDRESS_OK},
        {"<\xc3@d>", ADDRESS_BAD},              /* cut short */
        {"<\xc0\xaf@d>", ADDRESS_BAD},          /* overlong */
        {"<\xed\xa0\x80@d>", ADDRESS_BAD},      /* a surrogate */
        {"<u@m\xfcller.example>", ADDRESS_BAD}, /* Latin-1 */
        {"<\xc2\x85@d>", ADDRESS_BAD},          /* a control */
        {"<u@d\xe2\x80\xae>", ADDRESS_BAD},     /* turns the direction of text */
        {"<\"\\\xc3\xbc\"@d>", ADDRESS_BAD},    /* quoted-pairSMTP is ASCII */
        {"<\xc3\xbc>", ADDRESS_BAD},
        {"<\xc3\xbc..v@d>", ADDRESS_BAD},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct path path;
        cr_assert(eq(int, path_parse(slice_of(cases[i].text), true, &path), cases[i].error),
                  "case %zu", i);
        if (cases[i].error == ADDRESS_OK)
            cr_assert(eq(int, path.non_ascii, i != 5), "case %zu", i);
    }
}

/* covers: SMTPS-11 */
Test(address, null_path_and_postmaster)
{
    struct path path;
    cr_assert(eq(int, path_parse(SLICE_LITERAL("<>"), false, &path), ADDRESS_OK));
    cr_assert(eq(int, path.kind, PATH_NULL));
    cr_assert(eq(int, path_parse(SLICE_LITERAL("<pOSTmaster>"), false, &path), ADDRESS_OK));
    cr_assert(eq(int, path.kind, PATH_POSTMASTER));
    cr_assert(
        eq(int, path_parse(SLICE_LITERAL("<postmaster@example.org>"), false, &path), ADDRESS_OK));
    cr_assert(eq(int, path.kind, PATH_MAILBOX));
}

/* covers: SMTPS-08 */
Test(address, lengths)
{
    char text[400], label[64], local[65];
    struct path path;
    memset(label, 'd', 63);
    label[63] = '\0';
    memset(local, 'l', 64);
    local[64] = '\0';
    /* 64 + 1 + 63 + 1 + 63 + 1 + 61 = 254 octets, 256 with <> */
    snprintf(text, sizeof(text), "<%s@%s.%s.%.61s>", local, label, label, label);
    cr_assert(eq(sz, strlen(text), 256));
    cr_assert(eq(int, path_parse(slice_of(text), false, &path), ADDRESS_OK));
    snprintf(text, sizeof(text), "<%s@%s.%s.%.62s>", local, label, label, label);
    cr_assert(eq(int, path_parse(slice_of(text), false, &path), ADDRESS_TOO_LONG));
    snprintf(text, sizeof(text), "<u@d%s.e>", label);
    cr_assert(eq(int, path_parse(slice_of(text), false, &path), ADDRESS_BAD));
    snprintf(text, sizeof(text), "%s.%s.%s.%s", label, label, label, label);
    cr_assert(eq(sz, strlen(text), 255));
    cr_assert(domain_is_valid(slice_of(text)));
    snprintf(text, sizeof(text), "%s.%s.%s.%.61s.xy", label, label, label, label);
    cr_assert(not(domain_is_valid(slice_of(text))));
}

/* covers: SMTPS-07 */
Test(address, next_hop)
{
    char text[NEXT_HOP_TEXT];
    cr_assert(eq(str, domain_next_hop(SLICE_LITERAL("Example.ORG"), text), "example.org"));
    cr_assert(eq(str, domain_next_hop(SLICE_LITERAL("[192.0.2.1]"), text), "[192.0.2.1]"));
    cr_assert(eq(str, domain_next_hop(SLICE_LITERAL("[ipv6:2001:DB8:0::1]"), text),
                 "[IPv6:2001:db8::1]"));
}
