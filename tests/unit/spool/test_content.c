/* Content in memory: what a full cache keeps, and what a draft gives back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

enum { SIZE = 100 * 1000, MANY = 1000, LATER_MS = 60 * 1000 };

static char octets[SIZE];

static void add(struct content_cache *cache, int64_t message, int64_t now)
{
    struct content *content = content_create();
    content_append(content, (struct slice){octets, sizeof(octets)});
    content_complete(content);
    content_cache_add(cache, message, content, now);
    content_release(&content);
}

static size_t count_kept(const struct content_cache *cache, int64_t from, int64_t to)
{
    size_t kept = 0;
    for (int64_t message = from; message < to; message++)
        kept += content_cache_find(cache, message) != NULL;
    return kept;
}

/* Mail leaves in the order in which it came: the cache serves those at the front. */
Test(content, those_that_came_first_stay_while_the_cache_is_full)
{
    struct content_cache *cache = content_cache_create();
    for (int64_t message = 0; message < MANY; message++)
        add(cache, message, 0);
    size_t kept = count_kept(cache, 0, MANY);
    cr_expect(ge(sz, kept, 10));
    cr_expect(le(sz, kept, 8 * 1024 * 1024 / SIZE));
    cr_expect(eq(sz, count_kept(cache, 0, (int64_t)kept), kept), "the first ones");
    content_cache_remove(cache, 0);
    add(cache, MANY, 0);
    cr_expect(content_cache_find(cache, MANY) != NULL, "there is room again");
    content_cache_free(&cache);
}

Test(content, what_has_waited_for_long_makes_room)
{
    struct content_cache *cache = content_cache_create();
    for (int64_t message = 0; message < MANY; message++)
        add(cache, message, 0);
    size_t kept = count_kept(cache, 0, MANY);
    add(cache, MANY, LATER_MS);
    cr_expect(content_cache_find(cache, MANY) != NULL);
    cr_expect(content_cache_find(cache, 0) == NULL);
    cr_expect(eq(sz, count_kept(cache, 0, MANY + 1), kept));
    content_cache_free(&cache);
}

Test(content, a_complete_one_takes_no_more_than_it_has)
{
    struct content *content = content_create();
    content_append(content, SLICE_LITERAL("a line\r\n"));
    cr_expect(lt(sz, 8, content->size));
    content_complete(content);
    cr_expect(eq(sz, content->size, 8));
    cr_expect(
        slice_equal((struct slice){content->data, content->len}, SLICE_LITERAL("a line\r\n")));
    content_append(content, SLICE_LITERAL("more\r\n"));
    cr_expect(eq(sz, content->len, 14));
    content_release(&content);
}
