/* tickets: what TLS sessions may be resumed with, kept for a while.
 * Owns: copies of the tickets, at most TICKETS_OF_ONE for a key, TICKETS_MAX in all, none older than TICKETS_LIFE.
 * RFC 8446 4.6.1, C.4; requirement TLS-15. The key says all that a handshake depends on: address, port, server name, priority.
 * Must never hand out a ticket twice: its use would tie two connections together, and servers may refuse it. */
#ifndef DANEWAY_TLS_TICKETS_H
#define DANEWAY_TLS_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TICKETS_OF_ONE = 8,
    TICKETS_MAX = 1000,
    TICKETS_LIFE = 3600,             /* seconds */
    TICKETS_OCTETS = 4 * 1024 * 1024 /* in all */
};

struct tickets;
struct tickets *tickets_create(void);
void tickets_free(struct tickets **tickets);
/* More are of no use for this key. */
bool tickets_are_enough(const struct tickets *tickets, const char *key);
/* Copies it. `now` in seconds by a clock that does not jump. */
void tickets_put(struct tickets *tickets, const char *key, const void *data, size_t length,
                 int64_t now);
/* The newest one; the caller frees it. NULL: none. */
void *tickets_take(struct tickets *tickets, const char *key, int64_t now, size_t *length_r);
void tickets_forget(struct tickets *tickets, const char *key);
size_t tickets_count(const struct tickets *tickets);

#endif
