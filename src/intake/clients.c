/* clients: see clients.h. A list, searched from the top: tables are short, and order means
 * something. Owns: the rules. Must never take a line that it does not understand whole. */
#include "intake/clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { FILE_LIMIT = 16 * 1024 * 1024 };

struct clients {
    struct client_rule *rules;
    size_t count;
};

void clients_free(struct clients **clients)
{
    if (*clients == NULL)
        return;
    free((*clients)->rules);
    free(*clients);
    *clients = NULL;
}

size_t clients_size(const struct clients *clients)
{
    return clients->count;
}

const struct client_rule *clients_match(const struct clients *clients,
                                        const struct address *address)
{
    for (size_t i = 0; i < clients->count; i++)
        if (network_contains(&clients->rules[i].network, address))
            return &clients->rules[i];
    return NULL;
}

/* The next word of the line; empty at its end. */
static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t length = 0;
    while (length < rest->len && rest->ptr[length] != ' ' && rest->ptr[length] != '\t')
        length++;
    struct slice word = slice_take(*rest, length);
    *rest = slice_drop(*rest, length);
    return word;
}

static int parse_network(struct slice word, struct network *network_r)
{
    char text[ADDRESS_TEXT + 8];
    if (word.len >= sizeof(text) || memchr(word.ptr, '\0', word.len) != NULL)
        return -1;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    return network_parse(text, network_r);
}

static int complain(struct err *err_r, const char *name, unsigned line, struct slice word,
                    const char *expected)
{
    return err_set(err_r, "%s:%u: \"%.*s\": expected %s", name, line,
                   SLICE_ARG(slice_take(word, 100)), expected);
}

/* A line that is not empty. */
static int parse_rule(const char *name, struct slice line, struct client_rule *rule,
                      struct err *err_r)
{
    struct slice word = next_word(&line);
    if (parse_network(word, &rule->network) != 0)
        return complain(
            err_r, name, rule->line, word,
            "an address or a network without host bits, as 192.0.2.0/24 or 2001:db8::/32");
    word = next_word(&line);
    rule->permit = word.len == 0 || slice_equal(word, SLICE_LITERAL("permit"));
    if (!rule->permit && !slice_equal(word, SLICE_LITERAL("reject")))
        return complain(err_r, name, rule->line, word, "\"permit\" or \"reject\", or nothing");
    word = next_word(&line);
    return word.len == 0 ? 0 : complain(err_r, name, rule->line, word, "nothing more on this line");
}

static struct slice without_comment(struct slice line)
{
    struct slice comment;
    line = slice_split(line, '#', &comment);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return slice_trim(line);
}

int clients_parse(struct clients **clients_r, const char *name, struct slice text,
                  struct err *err_r)
{
    CLEANUP(clients_free) struct clients *clients = x_calloc(1, sizeof(*clients));
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
        struct client_rule rule = {.line = number};
        if (parse_rule(name, line, &rule, err_r) != 0)
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
