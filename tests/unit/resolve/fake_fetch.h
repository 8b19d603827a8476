/* fake_fetch: sts_fetch.h from a table of what each policy host serves, on the virtual clock.
 * Owns: the count of fetches, so that a needless one is seen. A domain without a row never answers.
 */
#ifndef DANEWAY_TESTS_FAKE_FETCH_H
#define DANEWAY_TESTS_FAKE_FETCH_H

#include "resolve/sts_fetch.h"

struct fake_page {
    const char *domain;
    const char *text; /* NULL: fails with `failure` and "fake failure" */
    enum reason failure;
    int64_t after_ms;
};
/* Borrowed. */
void fake_fetch_use(const struct fake_page *pages, size_t count);
unsigned fake_fetch_count(void);
unsigned fake_fetch_most_at_once(void);
/* "192.0.2.1 2001:db8::1", of the latest fetch. */
const char *fake_fetch_addresses(void);
void fake_fetch_forget(void);

#endif
