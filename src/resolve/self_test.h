/* self_test: does the resolver validate? Asks for a name that must be secure and one that must be
 * bogus.
 * Owns: the result, and the timer to the next test. Requirement DANE-03, T-02. Internal to
 * resolver.c.
 * Must never take "could not be asked" for "validates". */
#ifndef DANEWAY_RESOLVE_SELF_TEST_H
#define DANEWAY_RESOLVE_SELF_TEST_H

#include "resolve/dns.h"
#include "resolve/resolve.h"

struct self_test;
/* `dns` and `settings` are borrowed. */
struct self_test *self_test_create(struct loop *loop, struct dns *dns,
                                   const struct resolver_settings *settings);
void self_test_free(struct self_test **test);
/* Tests now, and again and again; fn is called after each one. Call once. */
void self_test_start(struct self_test *test, loop_fn *fn, void *arg);
const struct resolver_health *self_test_health(const struct self_test *test);

#endif
