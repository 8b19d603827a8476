/* fuzz_mailboxes: any text as a mailboxes table; each row that is taken must be found again.
 * Owns: nothing.
 * Must never crash, read past the text, or take a row that cannot be looked up. */
#include <assert.h>
#include <string.h>

#include "daneway/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of any key, as if it were an address. */
static void look_up(struct arena *arena, const struct mailboxes *mailboxes, struct slice key)
{
    const struct mailbox_row *const *rows;
    for (int from = 0; from < 2; from++) {
        size_t count = mailboxes_match(arena, mailboxes, from != 0, key, &rows);
        assert(count <= mailboxes_size(mailboxes));
        for (size_t i = 0; i < count; i++)
            assert((strncmp(rows[i]->key, "from:", 5) == 0) == (from != 0) ||
                   slice_starts_nocase(key, SLICE_LITERAL("from:")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mailboxes *mailboxes;
    struct err err = {""};
    struct slice text = {(const char *)data, size};
    if (mailboxes_parse(&mailboxes, "m", text, &err) != 0) {
        assert(mailboxes == NULL && strncmp(err.text, "m:", 2) == 0);
        return 0;
    }
    struct arena *arena = arena_create();
    while (text.len > 0) {
        struct slice line = slice_split(text, '\n', &text), rest;
        look_up(arena, mailboxes, slice_split(line, ' ', &rest));
    }
    arena_free(&arena);
    mailboxes_free(&mailboxes);
    return 0;
}
