/* fuzz_tls_policy: any text as a tls_policy table; each row that is taken must be found again.
 * Owns: nothing.
 * Must never crash, read past the text, or take a row that cannot be looked up.
 */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table *table;
    struct err err = {""};
    struct slice text = {(const char *)data, size};
    if (table_parse(&table, "t", text, &err) != 0) {
        assert(table == NULL && strncmp(err.text, "t:", 2) == 0);
        return 0;
    }
    while (text.len > 0) {
        const struct table_row *row = table_match(table, slice_split(text, '\n', &text));
        assert(row == NULL ||
               (row->line > 0 && row->attributes != NULL && row->level < LEVEL_COUNT));
        if (row != NULL && row->key[0] != '.')
            assert(table_match(table, slice_of(row->key)) == row);
    }
    table_free(&table);
    return 0;
}
