/* clients: see clients.h. A list, searched from the top: tables are short, and order means
 * something.
 * Owns: the rules.
 * Must never take a line that it does not understand whole. */
#include "intake/clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { FILE_LIMIT = 16 * 1024 * 1024 };

struct clients {
    struct arena *arena; /* name, and texts of the rules */
    const char *name;
    struct client_rule *rules;
    size_t count;
};

void clients_free(struct clients **clients)
{
    if (*clients == NULL)
        return;
    free((*clients)->rules);
    arena_free(&(*clients)->arena);
    free(*clients);
    *clients = NULL;
}

size_t clients_size(const struct clients *clients)
{
    return clients->count;
}

static bool holds(const struct client_rule *rule, const struct client_identity *client)
{
    switch (rule->key) {
    case CLIENT_NETWORK:
        return network_contains(&rule->network, &client->address);
    case CLIENT_CERTIFICATE:
        return client->has_certificate &&
               memcmp(rule->digest, client->digests.certificate, SHA256_OCTETS) == 0;
    case CLIENT_PUBLIC_KEY:
        return client->has_certificate &&
               memcmp(rule->digest, client->digests.public_key, SHA256_OCTETS) == 0;
    }
    return false;
}

const struct client_rule *clients_match(const struct clients *clients,
                                        const struct client_identity *client)
{
    for (size_t i = 0; i < clients->count; i++)
        if (holds(&clients->rules[i], client))
            return &clients->rules[i];
    return NULL;
}

bool clients_want_certificates(const struct clients *clients)
{
    for (size_t i = 0; i < clients->count; i++)
        if (clients->rules[i].key != CLIENT_NETWORK)
            return true;
    return false;
}

int clients_check_without_tls(const struct clients *clients, struct err *err_r)
{
    for (size_t i = 0; i < clients->count; i++) {
        const struct client_rule *rule = &clients->rules[i];
        if (rule->key != CLIENT_NETWORK || rule->starttls == CLIENT_STARTTLS_REQUIRE)
            return err_set(err_r,
                           "%s:%u: %s needs STARTTLS: expected intake.certificate and intake.key "
                           "in the configuration",
                           clients->name, rule->line,
                           rule->key != CLIENT_NETWORK ? "a certificate" : "starttls=require");
    }
    return 0;
}

static struct slice without_comment(struct slice line)
{
    struct slice comment;
    line = slice_split(line, '#', &comment);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return slice_trim(line);
}

static bool covers(const struct client_rule *earlier, const struct client_rule *later)
{
    if (earlier->key != later->key)
        return false;
    if (earlier->key != CLIENT_NETWORK)
        return memcmp(earlier->digest, later->digest, SHA256_OCTETS) == 0;
    return earlier->network.prefix_length <= later->network.prefix_length &&
           network_contains(&earlier->network, &later->network.base);
}

/* Whoever wrote a line that no client can reach meant something else. */
static int check_reached(const struct clients *clients, const struct client_rule *rule,
                         struct err *err_r)
{
    for (size_t i = 0; i < clients->count; i++)
        if (covers(&clients->rules[i], rule))
            return err_set(err_r,
                           "%s:%u: no client gets to this line, as line %u holds all that it does; "
                           "expected each client once, and the narrower line first",
                           clients->name, rule->line, clients->rules[i].line);
    return 0;
}

int clients_parse(struct clients **clients_r, const char *name, struct slice text,
                  struct err *err_r)
{
    CLEANUP(clients_free) struct clients *clients = x_calloc(1, sizeof(*clients));
    clients->arena = arena_create();
    clients->name = arena_strdup(clients->arena, name);
    size_t size = 0;
    struct slice rest = text;
    for (unsigned number = 1; rest.ptr != NULL; number++) {
        struct slice line = without_comment(slice_split(rest, '\n', &rest));
        if (line.len == 0)
            continue;
        if (clients->count == size) {
            size = size > 0 ? 2 * size : 16;
            clients->rules = x_realloc(clients->rules, size * sizeof(clients->rules[0]));
        }
        struct client_rule rule = {.line = number, .index = clients->count};
        if (client_rule_parse(clients->arena, clients->name, line, &rule, err_r) != 0 ||
            check_reached(clients, &rule, err_r) != 0)
            return -1;
        clients->rules[clients->count++] = rule;
    }
    *clients_r = clients;
    clients = NULL;
    return 0;
}

static int read_file(const char *path, struct buffer *text, struct err *err_r)
{
    CLEANUP(file_close) FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return err_set(err_r,
                       "%s: there is no such file; it says who may relay: one network on a line, "
                       "as 192.0.2.0/24",
                       path);
    if (file == NULL)
        return err_system(err_r, "%s", path);
    char part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        if (buffer_append(text, part, got) != 0)
            return err_set(err_r, "%s: larger than %d octets", path, FILE_LIMIT);
    return ferror(file) ? err_system(err_r, "%s", path) : 0;
}

int clients_read(struct clients **clients_r, const char *path, struct err *err_r)
{
    CLEANUP(buffer_release) struct buffer text;
    buffer_init(&text, FILE_LIMIT);
    if (read_file(path, &text, err_r) != 0)
        return -1;
    return clients_parse(clients_r, path, buffer_slice(&text), err_r);
}
