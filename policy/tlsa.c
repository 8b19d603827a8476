/* tlsa: the text form of TLSA records (RFC 6698 2.2; RPT-31).
 * Owns: nothing; results live in the caller's arena.
 * Usable or not is not asked here.
 * Must never accept what is no number or no hexadecimal. */
#include <string.h>

#include "daneway/policy.h"

const char *tlsa_record_text(struct arena *arena, const struct tlsa_record *record)
{
    char *hex = arena_alloc(arena, 2 * record->length + 1);
    hex_encode(record->data, record->length, hex);
    return arena_printf(arena, "%u %u %u %s", record->usage, record->selector,
                        record->matching_type, hex);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice skip_space(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0]))
        s = slice_drop(s, 1);
    return s;
}

static int take_octet(struct slice *rest, uint8_t *octet_r)
{
    struct slice s = skip_space(*rest);
    size_t length = 0;
    while (length < s.len && !is_space(s.ptr[length]))
        length++;
    uint64_t number;
    if (slice_to_number(slice_take(s, length), 255, &number) != 0)
        return -1;
    *octet_r = (uint8_t)number;
    *rest = slice_drop(s, length);
    return 0;
}

int tlsa_record_parse(struct arena *arena, struct slice text, struct tlsa_record *record_r)
{
    struct tlsa_record record = {0};
    if (take_octet(&text, &record.usage) != 0 || take_octet(&text, &record.selector) != 0 ||
        take_octet(&text, &record.matching_type) != 0)
        return -1;
    char *hex = arena_alloc(arena, text.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.len; i++)
        if (!is_space(text.ptr[i]))
            hex[length++] = text.ptr[i];
    unsigned char *data = arena_alloc(arena, length / 2 + 1);
    if (length == 0 || hex_decode((struct slice){hex, length}, data, &record.length) != 0)
        return -1;
    record.data = data;
    *record_r = record;
    return 0;
}
