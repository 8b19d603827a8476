/* tickets: see tickets.h. A hash table by key, and a list by age.
 * Owns: the entries.
 * Must never grow beyond its bounds, whatever servers send. */
#include "tls/tickets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/slice.h"

enum { BUCKETS = 256 };

struct ticket {
    char *key;
    void *data;
    size_t length;
    int64_t received;
    LIST_ENTRY(ticket) in_bucket; /* newest first */
    TAILQ_ENTRY(ticket) by_age;   /* oldest first */
};
LIST_HEAD(bucket, ticket);

struct tickets {
    struct bucket buckets[BUCKETS];
    TAILQ_HEAD(ticket_list, ticket) oldest_first;
    size_t count, octets;
};

static size_t place_of(const char *key)
{
    return text_hash(key) % BUCKETS;
}

static void drop(struct tickets *tickets, struct ticket *ticket)
{
    LIST_REMOVE(ticket, in_bucket);
    TAILQ_REMOVE(&tickets->oldest_first, ticket, by_age);
    tickets->count--;
    tickets->octets -= ticket->length;
    free(ticket->key);
    free(ticket->data);
    free(ticket);
}

struct tickets *tickets_create(void)
{
    struct tickets *tickets = x_calloc(1, sizeof(*tickets));
    TAILQ_INIT(&tickets->oldest_first);
    return tickets;
}

void tickets_free(struct tickets **tickets)
{
    if (*tickets == NULL)
        return;
    while (!TAILQ_EMPTY(&(*tickets)->oldest_first))
        drop(*tickets, TAILQ_FIRST(&(*tickets)->oldest_first));
    free(*tickets);
    *tickets = NULL;
}

static struct ticket *find(const struct tickets *tickets, const char *key)
{
    struct ticket *ticket = LIST_FIRST(&tickets->buckets[place_of(key)]);
    while (ticket != NULL &&
           strcmp(ticket->key, key) != 0) // NOLINT(clang-analyzer-unix.Malloc): off the list before
        ticket = LIST_NEXT(ticket, in_bucket);
    return ticket;
}

bool tickets_are_enough(const struct tickets *tickets, const char *key)
{
    size_t count = 0;
    struct ticket *ticket = LIST_FIRST(&tickets->buckets[place_of(key)]);
    for (; ticket != NULL; ticket = LIST_NEXT(ticket, in_bucket))
        count += strcmp(ticket->key, key) == 0;
    return count >= TICKETS_OF_ONE;
}

static void drop_old(struct tickets *tickets, int64_t now)
{
    struct ticket *oldest;
    while ((oldest = TAILQ_FIRST(&tickets->oldest_first)) != NULL &&
           (now - oldest->received >= TICKETS_LIFE || tickets->count > TICKETS_MAX ||
            tickets->octets > TICKETS_OCTETS))
        drop(tickets, oldest);
}

void tickets_put(struct tickets *tickets, const char *key, const void *data, size_t length,
                 int64_t now)
{
    if (tickets_are_enough(tickets, key))
        return;
    struct ticket *ticket = x_calloc(1, sizeof(*ticket));
    *ticket = (struct ticket){
        .key = x_strdup(key), .data = x_memdup(data, length), .length = length, .received = now};
    LIST_INSERT_HEAD(&tickets->buckets[place_of(key)], ticket, in_bucket);
    TAILQ_INSERT_TAIL(&tickets->oldest_first, ticket, by_age);
    tickets->count++;
    tickets->octets += length;
    drop_old(tickets, now);
}

void *tickets_take(struct tickets *tickets, const char *key, int64_t now, size_t *length_r)
{
    drop_old(tickets, now);
    struct ticket *ticket = find(tickets, key);
    if (ticket == NULL)
        return NULL;
    void *data = ticket->data;
    *length_r = ticket->length;
    ticket->data = NULL;
    drop(tickets, ticket);
    return data;
}

void tickets_forget(struct tickets *tickets, const char *key)
{
    struct ticket *ticket;
    while ((ticket = find(tickets, key)) != NULL)
        drop(tickets, ticket);
}

size_t tickets_count(const struct tickets *tickets)
{
    return tickets->count;
}
