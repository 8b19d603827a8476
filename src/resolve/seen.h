/* seen: what destinations have shown before: a small cache in the worker over seen.db, asked while evidence is gathered,
 * told after each session.
 * Owns: the cache, the thread that waits for the file, what is under way.
 * A worker writes only what is new or older than a day; what other workers write it learns within five minutes.
 * Must never make a delivery wait for a write, nor fail it because the memory is out of order: then nothing is remembered. */
#ifndef DANEWAY_RESOLVE_SEEN_H
#define DANEWAY_RESOLVE_SEEN_H

#include "loop/loop.h"
#include "resolve/resolve.h"

struct memory;
int memory_create(struct memory **memory_r, struct loop *loop, const struct seen_parts *parts,
                  struct err *err_r);
/* Waits until all that was noted is written. */
void memory_free(struct memory **memory);

/* "example.com", "[mx.example.com]", each with its port if that is not 25. */
const char *memory_key(struct arena *arena, enum next_hop_kind kind, const char *name,
                       uint16_t port);

typedef void memory_fn(void *arg, const struct seen *seen);
/* Part of whoever waits; one question at a time. */
struct memory_waiter {
    struct memory_waiter *next, *previous; /* NULL, NULL: does not wait */
    struct arena *arena;
    memory_fn *fn;
    void *arg;
};
/* True: *seen_r is there, in the waiter's arena. False: fn gets it later, within two seconds: if the file is slower than
 * that, what was known before, or nothing. */
bool memory_ask(struct memory *memory, const char *key, struct memory_waiter *waiter,
                struct seen *seen_r);
void memory_forget_waiter(struct memory_waiter *waiter);

void memory_note(struct memory *memory, const struct seen_note *note);
/* Whatever the cache knows of it is read anew. */
void memory_drop(struct memory *memory, const char *key);
struct seen_counters memory_counters(const struct memory *memory);

#endif
