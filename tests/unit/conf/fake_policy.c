/* The two functions of policy/ that conf/ calls: enough to see what it hands over. */
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"

struct table {
    size_t size;
};

int tls_level_by_name(struct slice name, enum tls_level *level_r)
{
    static const char *const names[] = {"none", "may", "encrypt", "dane", "dane-only", "auto"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_equal(name, slice_of(names[i]))) {
            *level_r = (enum tls_level)i;
            return 0;
        }
    return -1;
}

/* Its size is the length of the text; a text with an X is wrong. */
int table_parse(struct table **table_r, const char *name, struct slice text, struct err *err_r)
{
    if (text.len > 0 && memchr(text.ptr, 'X', text.len) != NULL)
        return err_set(err_r, "%s:1: X", name);
    *table_r = x_malloc(sizeof(**table_r));
    (*table_r)->size = text.len;
    return 0;
}

size_t table_size(const struct table *table)
{
    return table->size;
}

void table_free(struct table **table)
{
    free(*table);
    *table = NULL;
}
