/* fuzz_clients: any text as the table of clients: rules that keep their bounds, or an error with name, line and what was
 * expected; whom no line names may never relay.
 * Owns: nothing. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "intake/clients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct clients *clients, const struct client_identity *client)
{
    const struct client_rule *rule = clients_match(clients, client);
    if (rule == NULL)
        return;
    assert(rule->index < clients_size(clients) && rule->line > 0);
    assert(rule->key == CLIENT_NETWORK || client->has_certificate);
    assert(rule->rate == 0 || rule->rate_seconds > 0);
    client_rule_allows(rule, SLICE_LITERAL(""));
    client_rule_allows(rule, SLICE_LITERAL("A@corp.Example"));
    client_rule_allows(rule, SLICE_LITERAL("\"a@b\"@sub.corp.example"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clients *clients = NULL;
    struct err err = {""};
    if (clients_parse(&clients, "table", (struct slice){(const char *)data, size}, &err) != 0) {
        assert(clients == NULL && strncmp(err.text, "table:", 6) == 0);
        return 0;
    }
    struct client_identity client = {.address = {.family = 4, .octets = {127, 0, 0, 1}}};
    ask(clients, &client);
    client.has_certificate = true;
    memset(client.digests.certificate, 0xaa, sizeof(client.digests.certificate));
    ask(clients, &client);
    client.address = (struct address){.family = 6, .octets = {0x20, 0x01, 0x0d, 0xb8}};
    ask(clients, &client);
    clients_want_certificates(clients);
    clients_check_without_tls(clients, &err);
    clients_free(&clients);
    return 0;
}
