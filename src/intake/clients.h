/* clients: the table of who may relay: one network a line, first match wins, no match means no.
 *     192.0.2.0/24            may relay
 *     192.0.2.66 reject       is refused; "permit" may be written for the other case
 * Owns: its rules. Immutable once read; a reload makes a new one.
 * Must never let anybody relay whom no line names (SMTPS-11). */
#ifndef DANEWAY_INTAKE_CLIENTS_H
#define DANEWAY_INTAKE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"

struct client_rule {
    struct network network;
    unsigned line;
    bool permit;
};

struct clients;
/* Reads the file; -1: "PATH:LINE: what is wrong, what was expected". */
int clients_read(struct clients **clients_r, const char *path, struct err *err_r);
/* The same from text; `name` stands in the messages. */
int clients_parse(struct clients **clients_r, const char *name, struct slice text,
                  struct err *err_r);
void clients_free(struct clients **clients);
/* The first rule whose network holds the address; NULL: none. */
const struct client_rule *clients_match(const struct clients *clients,
                                        const struct address *address);
size_t clients_size(const struct clients *clients);

#endif
