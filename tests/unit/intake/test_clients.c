/* The client table: first match wins, no match is no, and a bad line is named. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "intake/clients.h"

static const char table[] = "# who may relay\n"
                            "192.0.2.66 reject   # a broken printer\n"
                            "192.0.2.0/24\r\n"
                            "\n"
                            "\t2001:db8::/32\tpermit\n"
                            "192.0.2.0/23 reject\n"
                            "::ffff:198.51.100.0/120";

/* covers: SMTPS-11 */
Test(clients, first_match_wins)
{
    static const struct {
        const char *address;
        unsigned line; /* 0: none */
        bool permit;
    } cases[] = {{"192.0.2.66", 2, false},  {"192.0.2.1", 3, true},    {"192.0.2.255", 3, true},
                 {"192.0.3.0", 6, false},   {"2001:db8::1", 5, true},  {"2001:db9::1", 0, false},
                 {"198.51.100.7", 7, true}, {"198.51.101.7", 0, false}};
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(table), &err), 0));
    cr_assert(eq(sz, clients_size(clients), 5));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client_identity client = {.has_certificate = false};
        cr_assert(eq(int, address_parse(cases[i].address, &client.address), 0));
        const struct client_rule *rule = clients_match(clients, &client);
        cr_assert(eq(uint, rule != NULL ? rule->line : 0, cases[i].line), "%s", cases[i].address);
        cr_assert(eq(int, rule != NULL && rule->permit, cases[i].permit), "%s", cases[i].address);
    }
    clients_free(&clients);
}

#define AA                                                                                         \
    "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:"   \
    "AA:AA"
#define BB "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

Test(clients, certificates_and_networks_in_the_order_of_the_table)
{
    static const char lines[] = "192.0.2.66 reject\n"
                                "sha256:" AA "\n"
                                "SPKI-SHA256:" BB " starttls=require\n"
                                "192.0.2.0/24\n";
    static const struct {
        const char *address;
        int certificate, public_key; /* octet of which the digest consists; -1: nothing was shown */
        unsigned line;               /* 0: none */
    } cases[] = {
        {"192.0.2.66", 0xaa, 0, 1},      {"192.0.2.1", 0xaa, 0, 2},
        {"198.51.100.1", 0xaa, 0xbb, 2}, {"198.51.100.1", 0, 0xbb, 3},
        {"198.51.100.1", 0xbb, 0xaa, 0}, {"198.51.100.1", -1, -1, 0},
        {"192.0.2.1", -1, -1, 4},        {"192.0.2.1", 0xab, 0, 4},
    };
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(lines), &err), 0), "%s",
              err.text);
    cr_assert(clients_want_certificates(clients));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client_identity client = {.has_certificate = cases[i].certificate >= 0};
        cr_assert(eq(int, address_parse(cases[i].address, &client.address), 0));
        memset(client.digests.certificate, cases[i].certificate < 0 ? 0xaa : cases[i].certificate,
               SHA256_OCTETS);
        memset(client.digests.public_key, cases[i].public_key < 0 ? 0xbb : cases[i].public_key,
               SHA256_OCTETS);
        const struct client_rule *rule = clients_match(clients, &client);
        cr_assert(eq(uint, rule != NULL ? rule->line : 0, cases[i].line), "case %zu", i);
    }
    clients_free(&clients);
}

/* The rule of a table with one line. */
static const struct client_rule *only_rule(struct clients **clients_r, const char *text)
{
    struct client_identity client = {.has_certificate = true};
    struct err err = {""};
    memset(&client.digests, 0xaa, sizeof(client.digests));
    cr_assert(eq(int, address_parse("192.0.2.1", &client.address), 0));
    cr_assert(eq(int, clients_parse(clients_r, "clients", slice_of(text), &err), 0), "%s",
              err.text);
    const struct client_rule *rule = clients_match(*clients_r, &client);
    cr_assert(rule != NULL);
    return rule;
}

Test(clients, attributes)
{
    struct clients *clients;
    const struct client_rule *rule =
        only_rule(&clients, "192.0.2.1 permit rate=30/min\tstarttls=bypass level=dane-only "
                            "senders=@corp.example,a@b connections=7 # x");
    cr_assert(rule->permit);
    cr_assert(eq(int, rule->starttls, CLIENT_STARTTLS_BYPASS));
    cr_assert(rule->rate == 30 && rule->rate_seconds == 60 && rule->connections == 7);
    cr_assert(eq(sz, rule->sender_count, 2));
    cr_assert(eq(str, (char *)rule->level, "dane-only"));
    cr_assert(not(clients_want_certificates(clients)));
    clients_free(&clients);
    rule = only_rule(&clients, "192.0.2.1 starttls=optional rate=1000000/hour level=encrypt");
    cr_assert(rule->permit && rule->starttls == CLIENT_STARTTLS_OPTIONAL &&
              rule->sender_count == 0);
    cr_assert(rule->rate == 1000000 && rule->rate_seconds == 3600 && rule->connections == 0);
    clients_free(&clients);
    rule = only_rule(&clients, "192.0.2.1");
    cr_assert(rule->permit && rule->starttls == CLIENT_STARTTLS_UNSET && rule->rate == 0 &&
              rule->level == NULL);
    clients_free(&clients);
    rule = only_rule(&clients, "sha256:" AA " starttls=require level=secure");
    cr_assert(rule->permit && rule->key == CLIENT_CERTIFICATE &&
              rule->starttls == CLIENT_STARTTLS_REQUIRE);
    clients_free(&clients);
    rule = only_rule(&clients, "sha256:" AA " reject");
    cr_assert(not(rule->permit));
    clients_free(&clients);
}

Test(clients, senders)
{
    static const struct {
        const char *senders, *sender;
        bool allowed;
    } cases[] = {
        {"a@b.example", "a@b.example", true},
        {"a@b.example", "A@B.Example", true},
        {"a@b.example", "aa@b.example", false},
        {"a@b.example", "", false},
        {"a@b.example,<>", "", true},
        {"<>", "a@b.example", false},
        {"@b.example", "x@b.example", true},
        {"@b.example", "x@B.EXAMPLE", true},
        {"@b.example", "x@sub.b.example", false},
        {"@b.example", "x@evilb.example", false},
        {"@b.example", "b.example", false},
        {"@b.example", "", false},
        {"@b.example", "\"@b.example\"@c.example", false},
        {"@b.example", "x@b.example.evil", false},
        {"@.b.example", "x@sub.b.example", true},
        {"@.b.example", "x@a.sub.b.example", true},
        {"@.b.example", "x@b.example", false},
        {"@.b.example", "x@evilb.example", false},
        {"@.b.example", "", false},
        {"@[192.0.2.1]", "x@[192.0.2.1]", true},
        {"x@y,@b.example,z@y", "z@y", true},
        {"x@y,@b.example", "w@y", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clients *clients;
        char line[200];
        snprintf(line, sizeof(line), "192.0.2.1 senders=%s", cases[i].senders);
        const struct client_rule *rule = only_rule(&clients, line);
        cr_assert(eq(int, client_rule_allows(rule, slice_of(cases[i].sender)), cases[i].allowed),
                  "%s: <%s>", line, cases[i].sender);
        clients_free(&clients);
    }
    struct clients *clients;
    cr_assert(client_rule_allows(only_rule(&clients, "192.0.2.1"), slice_of("any@where")));
    clients_free(&clients);
}

Test(clients, what_needs_starttls_is_named)
{
    static const struct {
        const char *text, *message; /* NULL: nothing does */
    } cases[] = {
        {"192.0.2.1\n192.0.2.2 starttls=optional\n192.0.2.3 starttls=bypass", NULL},
        {"192.0.2.1\n192.0.2.2 starttls=require",
         "clients:2: starttls=require needs STARTTLS: expected intake.certificate"},
        {"192.0.2.1 reject\n\nspki-sha256:" BB,
         "clients:3: a certificate needs STARTTLS: expected intake.certificate"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clients *clients;
        struct err err = {""};
        cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(cases[i].text), &err), 0));
        cr_assert(
            eq(int, clients_check_without_tls(clients, &err), cases[i].message != NULL ? -1 : 0));
        cr_assert(cases[i].message == NULL ||
                      strncmp(err.text, cases[i].message, strlen(cases[i].message)) == 0,
                  "%s", err.text);
        clients_free(&clients);
    }
}

Test(clients, bad_lines_are_named)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"192.0.2.0/24\nmail.example.org\n",
         "clients:2: \"mail.example.org\": expected an address or a network"},
        {"192.0.2.1/24",
         "clients:1: \"192.0.2.1/24\": expected an address or a network without host bits"},
        {"192.0.2.0/33", "clients:1: \"192.0.2.0/33\": expected"},
        {"\n\n192.0.2.1 allow", "clients:3: \"allow\": expected \"permit\", \"reject\" or an "
                                "attribute, as starttls=require"},
        {"192.0.2.1 permit tls",
         "clients:1: \"tls\": expected starttls=, senders=, rate=, connections= or level="},
        {"192.0.2.1 level=encrypt permit", "clients:1: \"permit\": expected starttls="},
        {"192.0.2.1 reject starttls=require",
         "clients:1: \"starttls=require\": expected nothing more on this line"},
        {"192.0.2.1 rate=1/min rate=1/min",
         "clients:1: \"rate=1/min\": expected starttls=, senders=, rate=, connections= or level=, "
         "with a value and each once"},
        {"192.0.2.1 colour=red", "clients:1: \"colour=red\": expected starttls="},
        {"192.0.2.1 starttls=",
         "clients:1: \"starttls=\": expected starttls=require, optional or bypass"},
        {"192.0.2.1 starttls=Require",
         "clients:1: \"starttls=Require\": expected starttls=require"},
        {"192.0.2.1 senders=", "clients:1: \"senders=\": expected senders= with"},
        {"192.0.2.1 senders=a@b,", "clients:1: \"senders=a@b,\": expected senders= with"},
        {"192.0.2.1 senders=corp.example",
         "clients:1: \"senders=corp.example\": expected senders= with"},
        {"192.0.2.1 senders=@", "clients:1: \"senders=@\": expected senders= with"},
        {"192.0.2.1 senders=@..b", "clients:1: \"senders=@..b\": expected senders= with"},
        {"192.0.2.1 rate=5", "clients:1: \"rate=5\": expected rate=N/min or rate=N/hour"},
        {"192.0.2.1 rate=0/min", "clients:1: \"rate=0/min\": expected rate=N/min"},
        {"192.0.2.1 rate=1/day", "clients:1: \"rate=1/day\": expected rate=N/min"},
        {"192.0.2.1 rate=-1/min", "clients:1: \"rate=-1/min\": expected rate=N/min"},
        {"192.0.2.1 connections=0", "clients:1: \"connections=0\": expected connections=N"},
        {"192.0.2.1 connections=1000001",
         "clients:1: \"connections=1000001\": expected connections=N"},
        {"192.0.2.1 level=may", "clients:1: \"level=may\": expected level=encrypt, dane-only"},
        {"sha256:" AA " starttls=bypass",
         "clients:1: \"starttls=bypass\": expected starttls=require, optional or bypass; with a "
         "certificate"},
        {"sha256:" AA " starttls=optional", "clients:1: \"starttls=optional\": expected"},
        {"sha256:", "clients:1: \"sha256:\": expected an address or a network"},
        {"sha256:AA", "clients:1: \"sha256:AA\": expected"},
        {"sha256:" AA ":", "clients:1: \"sha256:AA:"},
        {"sha256:" AA ":AA", "clients:1: \"sha256:AA:"},
        {"spki-sha256:" BB "b", "clients:1: \"spki-sha256:bb"},
        {"spki-sha256:g" BB, "clients:1: \"spki-sha256:gbb"},
        {"sha1:" BB, "clients:1: \"sha1:bb"},
        {"192.0.2.0/24\n::1\n192.0.2.0/25 reject",
         "clients:3: no client gets to this line, as line 1 holds all that it does; expected each "
         "client once, and the narrower line first"},
        {"sha256:" AA "\nspki-sha256:" BB "\nspki-sha256:" BB " reject",
         "clients:3: no client gets to this line, as line 2 holds"},
        {"192.0.2.1,192.0.2.2", "clients:1: \"192.0.2.1,192.0.2.2\": expected"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clients *clients;
        struct err err;
        cr_assert(eq(int, clients_parse(&clients, "clients", slice_of(cases[i].text), &err), -1));
        cr_assert(eq(int, strncmp(err.text, cases[i].message, strlen(cases[i].message)), 0), "%s",
                  err.text);
    }
    struct clients *clients;
    struct err err;
    cr_assert(
        eq(int, clients_parse(&clients, "clients", SLICE_LITERAL("192.0.2.1\0/8"), &err), -1));
    cr_assert(eq(int, clients_parse(&clients, "clients", (struct slice){NULL, 0}, &err), 0));
    cr_assert(eq(sz, clients_size(clients), 0));
    clients_free(&clients);
}

Test(clients, a_table_that_is_not_there)
{
    struct clients *clients;
    struct err err;
    cr_assert(eq(int, clients_read(&clients, "/nonexistent/clients", &err), -1));
    cr_expect(strstr(err.text,
                     "/nonexistent/clients: there is no such file; it says who may relay") != NULL);
}
