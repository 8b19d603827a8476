/* claims: see claims.h. Two hash tables with chains: deliveries by number, next hops by name.
 * Owns: the entries; a next hop's entry lives as long as one of its deliveries is claimed.
 * Must never shrink below what is in use; the tables double when they are full. */
#include "spool/claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"

struct hop {
    struct hop *next;
    size_t claims;
    uint64_t hash;
    char name[];
};

struct claim {
    struct claim *next;
    int64_t delivery;
    struct hop *hop;
};

enum { FIRST_SIZE = 256 }; /* powers of two */

struct claims {
    struct claim **table;
    size_t size, count;
    struct hop **hops;
    size_t hop_size, hop_count;
};

static uint64_t hash_number(int64_t number)
{
    uint64_t hash = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

struct claims *claims_create(void)
{
    struct claims *claims = x_calloc(1, sizeof(*claims));
    claims->size = claims->hop_size = FIRST_SIZE;
    claims->table = x_calloc(claims->size, sizeof(struct claim *));
    claims->hops = x_calloc(claims->hop_size, sizeof(struct hop *));
    return claims;
}

void claims_free(struct claims **claims)
{
    if (*claims == NULL)
        return;
    for (size_t i = 0; i < (*claims)->size; i++) {
        for (struct claim *claim = (*claims)->table[i], *next; claim != NULL; claim = next) {
            next = claim->next;
            free(claim);
        }
    }
    for (size_t i = 0; i < (*claims)->hop_size; i++) {
        for (struct hop *hop = (*claims)->hops[i], *next; hop != NULL; hop = next) {
            next = hop->next;
            free(hop);
        }
    }
    free((*claims)->table);
    free((*claims)->hops);
    free(*claims);
    *claims = NULL;
}

static struct claim **claim_place(const struct claims *claims, int64_t delivery)
{
    struct claim **place = &claims->table[hash_number(delivery) & (claims->size - 1)];
    while (*place != NULL && (*place)->delivery != delivery)
        place = &(*place)->next;
    return place;
}

static struct hop **hop_place(const struct claims *claims, const char *name, uint64_t hash)
{
    struct hop **place = &claims->hops[hash & (claims->hop_size - 1)];
    while (*place != NULL && ((*place)->hash != hash || strcmp((*place)->name, name) != 0))
        place = &(*place)->next;
    return place;
}

static void grow_table(struct claims *claims)
{
    struct claim **old = claims->table;
    size_t old_size = claims->size;
    claims->size *= 2;
    claims->table = x_calloc(claims->size, sizeof(struct claim *));
    for (size_t i = 0; i < old_size; i++) {
        for (struct claim *claim = old[i], *next; claim != NULL; claim = next) {
            next = claim->next;
            struct claim **bucket =
                &claims->table[hash_number(claim->delivery) & (claims->size - 1)];
            claim->next = *bucket;
            *bucket = claim;
        }
    }
    free(old);
}

static void grow_hops(struct claims *claims)
{
    struct hop **old = claims->hops;
    size_t old_size = claims->hop_size;
    claims->hop_size *= 2;
    claims->hops = x_calloc(claims->hop_size, sizeof(struct hop *));
    for (size_t i = 0; i < old_size; i++) {
        for (struct hop *hop = old[i], *next; hop != NULL; hop = next) {
            next = hop->next;
            struct hop **bucket = &claims->hops[hop->hash & (claims->hop_size - 1)];
            hop->next = *bucket;
            *bucket = hop;
        }
    }
    free(old);
}

static struct hop *hop_take(struct claims *claims, const char *name)
{
    if (claims->hop_count == claims->hop_size)
        grow_hops(claims);
    uint64_t hash = text_hash(name);
    struct hop **place = hop_place(claims, name, hash);
    if (*place == NULL) {
        size_t length = strlen(name) + 1;
        struct hop *hop = x_malloc(sizeof(*hop) + length);
        *hop = (struct hop){.hash = hash};
        memcpy(hop->name, name, length);
        *place = hop;
        claims->hop_count++;
    }
    (*place)->claims++;
    return *place;
}

static void hop_leave(struct claims *claims, struct hop *hop)
{
    if (--hop->claims > 0)
        return;
    struct hop **place = hop_place(claims, hop->name, hop->hash);
    *place = hop->next;
    claims->hop_count--;
    free(hop);
}

void claims_add(struct claims *claims, int64_t delivery, const char *next_hop)
{
    if (claims->count == claims->size)
        grow_table(claims);
    struct claim **place = claim_place(claims, delivery);
    assert(*place == NULL);
    struct claim *claim = x_malloc(sizeof(*claim));
    *claim = (struct claim){.delivery = delivery, .hop = hop_take(claims, next_hop)};
    *place = claim;
    claims->count++;
}

void claims_remove(struct claims *claims, int64_t delivery)
{
    struct claim **place = claim_place(claims, delivery);
    struct claim *claim = *place;
    if (claim == NULL)
        return;
    *place = claim->next;
    claims->count--;
    hop_leave(claims, claim->hop);
    free(claim);
}

bool claims_has(const struct claims *claims, int64_t delivery)
{
    return *claim_place(claims, delivery) != NULL;
}

bool claims_has_next_hop(const struct claims *claims, const char *next_hop)
{
    return *hop_place(claims, next_hop, text_hash(next_hop)) != NULL;
}
