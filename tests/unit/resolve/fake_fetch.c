/* fake_fetch: see fake_fetch.h. */
#include "fake_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sts_fetch {
    struct loop_timer *timer;
    const struct fake_page *page;
    sts_fetch_fn *fn;
    void *arg;
};

static const struct fake_page *pages;
static size_t page_count;
static unsigned fetches, open_now, most;
static char addresses[512];

void fake_fetch_use(const struct fake_page *new_pages, size_t count)
{
    pages = new_pages;
    page_count = count;
}

unsigned fake_fetch_count(void)
{
    return fetches;
}

unsigned fake_fetch_most_at_once(void)
{
    return most;
}

const char *fake_fetch_addresses(void)
{
    return addresses;
}

void fake_fetch_forget(void)
{
    fetches = most = 0;
}

static void end(struct sts_fetch *fetch)
{
    open_now--;
    loop_timer_free(&fetch->timer);
    free(fetch);
}

static void answer(void *arg)
{
    struct sts_fetch *fetch = arg;
    struct sts_fetch_result result = {REASON_NONE, NULL, slice_of(fetch->page->text)};
    if (fetch->page->text == NULL)
        result = (struct sts_fetch_result){fetch->page->failure, "fake failure", {NULL, 0}};
    fetch->fn(fetch->arg, &result);
    end(fetch);
}

struct sts_fetch *sts_fetch_start(struct loop *loop, const struct sts_fetch_request *request,
                                  sts_fetch_fn *fn, void *arg)
{
    struct sts_fetch *fetch = x_calloc(1, sizeof(*fetch));
    *fetch = (struct sts_fetch){.fn = fn, .arg = arg};
    fetch->timer = loop_timer_create(loop, answer, fetch);
    fetches++;
    most = ++open_now > most ? open_now : most;
    addresses[0] = '\0';
    for (size_t i = 0; i < request->address_count; i++) {
        char text[ADDRESS_TEXT];
        size_t used = strlen(addresses);
        snprintf(addresses + used, sizeof(addresses) - used, "%s%s", used > 0 ? " " : "",
                 address_format(&request->addresses[i], text));
    }
    for (size_t i = 0; i < page_count && fetch->page == NULL; i++)
        if (strcmp(pages[i].domain, request->domain) == 0)
            fetch->page = &pages[i];
    if (fetch->page != NULL)
        loop_timer_set(fetch->timer, fetch->page->after_ms);
    return fetch;
}

void sts_fetch_cancel(struct sts_fetch **fetch)
{
    if (*fetch != NULL)
        end(*fetch);
    *fetch = NULL;
}
