/* Addresses and networks: text forms, prefixes, and what no public mail host can have. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/address.h"

/* covers: SMTPC-20 RPT-33 */
Test(address, special)
{
    static const char *const special[] = {"127.0.0.1",
                                          "10.1.2.3",
                                          "172.31.255.255",
                                          "192.168.0.1",
                                          "169.254.1.1",
                                          "0.0.0.0",
                                          "100.64.0.1",
                                          "224.0.0.1",
                                          "::1",
                                          "::",
                                          "fe80::1",
                                          "fd00::1",
                                          "::ffff:10.0.0.1",
                                          "::ffff:192.0.2.1",
                                          "ff02::1",
                                          "::127.0.0.1",        /* IPv4-compatible */
                                          "64:ff9b::127.0.0.1", /* NAT64 */
                                          "64:ff9b::10.1.2.3",
                                          "64:ff9b:1::8.8.8.8",
                                          "2002:7f00:1::1", /* 6to4 */
                                          "2002:c0a8:101::25",
                                          "2001::1", /* Teredo */
                                          "5f00::1"};
    static const char *const usual[] = {"192.0.2.1",        "8.8.8.8",        "172.32.0.1",
                                        "100.128.0.1",      "2001:db8::1",    "2a00::1",
                                        "64:ff9b::8.8.8.8", "2002:808:808::", "2001:200::1"};
    struct address address;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        cr_assert(eq(int, address_parse(special[i], &address), 0));
        cr_assert(address_is_special(&address), "%s", special[i]);
    }
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        cr_assert(eq(int, address_parse(usual[i], &address), 0));
        cr_assert(not(address_is_special(&address)), "%s", usual[i]);
    }
}

/* covers: SMTPC-20 */
Test(address, special_ones_are_allowed_by_network)
{
    struct network allowed[2];
    struct address address;
    cr_assert(eq(int, network_parse("10.0.0.0/8", &allowed[0]), 0));
    cr_assert(eq(int, network_parse("64:ff9b::a00:0/104", &allowed[1]), 0));
    cr_assert(eq(int, address_parse("10.1.2.3", &address), 0));
    cr_expect(address_is_allowed(&address, allowed, 2));
    cr_expect(not(address_is_allowed(&address, NULL, 0)));
    cr_assert(eq(int, address_parse("64:ff9b::10.1.2.3", &address), 0));
    cr_expect(address_is_allowed(&address, allowed, 2));
    cr_expect(not(address_is_allowed(&address, allowed, 1)));
    cr_assert(eq(int, address_parse("127.0.0.1", &address), 0));
    cr_expect(not(address_is_allowed(&address, allowed, 2)));
    cr_assert(eq(int, address_parse("192.0.2.1", &address), 0));
    cr_expect(address_is_allowed(&address, NULL, 0));
}

Test(address, text_is_canonical)
{
    struct address address;
    char text[ADDRESS_TEXT + 8];
    cr_assert(eq(int, address_parse("2001:DB8:0:0:1:0:0:1", &address), 0));
    cr_assert(eq(str, address_format(&address, text), "2001:db8::1:0:0:1"));
    cr_assert(eq(str, address_format_literal(&address, text), "[IPv6:2001:db8::1:0:0:1]"));
    cr_assert(eq(int, address_parse("192.0.2.010", &address), -1));
    cr_assert(eq(int, address_parse("192.0.2", &address), -1));
}

Test(address, literals)
{
    struct address address;
    cr_assert(eq(int, address_parse_literal("192.0.2.1", 9, &address), 0));
    cr_assert(eq(int, address_parse_literal("IPv6:2001:db8::1", 16, &address), 0));
    cr_assert(eq(int, address_parse_literal("2001:db8::1", 11, &address), -1));
    cr_assert(eq(int, address_parse_literal("IPv6:192.0.2.1", 14, &address), -1));
    cr_assert(eq(int, address_parse_literal("", 0, &address), -1));
}

Test(address, networks)
{
    struct network network;
    struct address address;
    cr_assert(eq(int, network_parse("192.0.2.128/25", &network), 0));
    cr_assert(eq(int, address_parse("192.0.2.200", &address), 0));
    cr_assert(network_contains(&network, &address));
    cr_assert(eq(int, address_parse("192.0.2.100", &address), 0));
    cr_assert(not(network_contains(&network, &address)));
    cr_assert(eq(int, network_parse("192.0.2.1/24", &network), -1));
    cr_assert(eq(int, network_parse("192.0.2.0/33", &network), -1));
    cr_assert(eq(int, network_parse("2001:db8::/32", &network), 0));
    cr_assert(eq(int, address_parse("2001:db8:1::1", &address), 0));
    cr_assert(network_contains(&network, &address));
    cr_assert(eq(int, network_parse("0.0.0.0/0", &network), 0));
    cr_assert(not(network_contains(&network, &address)));
}

Test(address, ports)
{
    struct address address;
    uint16_t port;
    cr_assert(eq(int, address_port_parse("127.0.0.1:25", &address, &port), 0));
    cr_assert(eq(u16, port, 25));
    cr_assert(eq(int, address_port_parse("[::1]:2525", &address, &port), 0));
    cr_assert(eq(int, address_port_parse("::1:25", &address, &port), -1));
    cr_assert(eq(int, address_port_parse("[127.0.0.1]:25", &address, &port), -1));
    cr_assert(eq(int, address_port_parse("127.0.0.1", &address, &port), -1));
    cr_assert(eq(int, address_port_parse("127.0.0.1:0", &address, &port), -1));
    cr_assert(eq(int, address_port_parse("[]:25", &address, &port), -1));
}
