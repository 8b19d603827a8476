/* The client table: first match wins, no match is no, and a bad line is named. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "intake/clients.h"

static const char table[] = "# who may relay\n"
                            "192.0.2.66 reject   # a broken printer\n"
                            "192.0.2.0/24\r\n"
                            "\n"
                            "\t2001:db8::/32\tpermit\n"
                            "192.0.2.0/25 reject\n"
                            "::ffff:198.51.100.0/120";

/* covers: SMTPS-11 */
Test(clients, first_match_wins)
{
    static const struct {
        const char *address;
        unsigned line; /* 0: none */
        bool permit;
    } cases[] = {{"192.0.2.66", 2, false}, {"192.0.2.1", 3, true},   {"192.0.2.255", 3, true}, {"192.0.3.0", 0, false},
                 {"2001:db8::1", 5, true}, {"2001:db9::1", 0, false}, {"198.51.100.7", 7, true},
                 {"198.51.101.7", 0, false}};
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(table), &err), 0));
    cr_assert(eq(sz, clients_size(clients), 5));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address address;
        cr_assert(eq(int, address_parse(cases[i].address, &address), 0));
        const struct client_rule *rule = clients_match(clients, &address);
        cr_assert(eq(uint, rule != NULL ? rule->line : 0, cases[i].line), "%s", cases[i].address);
        cr_assert(eq(int, rule != NULL && rule->permit, cases[i].permit), "%s", cases[i].address);
    }
    clients_free(&clients);
}

Test(clients, bad_lines_are_named)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"192.0.2.0/24\nmail.example.org\n", "clients:2: \"mail.example.org\": expected an address or a network"},
        {"192.0.2.1/24", "clients:1: \"192.0.2.1/24\": expected an address or a network without host bits"},
        {"192.0.2.0/33", "clients:1: \"192.0.2.0/33\": expected"},
        {"\n\n192.0.2.1 allow", "clients:3: \"allow\": expected \"permit\" or \"reject\", or nothing"},
        {"192.0.2.1 permit tls", "clients:1: \"tls\": expected nothing more on this line"},
        {"192.0.2.1,192.0.2.2", "clients:1: \"192.0.2.1,192.0.2.2\": expected"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clients *clients;
        struct err err;
        cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(cases[i].text), &err), -1));
        cr_assert(eq(int, strncmp(err.text, cases[i].message, strlen(cases[i].message)), 0), "%s", err.text);
    }
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_parse(&clients, "clients", SLICE_LITERAL("192.0.2.1\0/8"), &err), -1));
    cr_assert(eq(int, clients_parse(&clients, "clients", (struct slice){NULL, 0}, &err), 0));
    cr_assert(eq(sz, clients_size(clients), 0));
    clients_free(&clients);
}

Test(clients, a_table_that_is_not_there)
{
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_read(&clients, "/nonexistent/clients", &err), -1));
    cr_expect(strstr(err.text, "/nonexistent/clients: there is no such file; it says who may relay") != NULL);
}
