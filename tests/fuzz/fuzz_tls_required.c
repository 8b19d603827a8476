/* TLS-Required: any octets, however they are cut; and it is never found in a message without those letters. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "smtp/tls_required.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool scan(struct slice content, size_t step)
{
    struct tls_required scan;
    tls_required_init(&scan);
    for (size_t at = 0; at < content.len; at += step)
        tls_required_read(&scan, slice_take(slice_drop(content, at), step));
    return tls_required_says_no(&scan);
}

static bool has_name(struct slice content)
{
    for (; content.len > 0; content = slice_drop(content, 1))
        if (slice_starts_nocase(content, SLICE_LITERAL("tls-required:")))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice content = {(const char *)data + 1, size - 1};
    bool no = scan(content, content.len);
    assert(scan(content, data[0] % 16 + 1) == no);
    assert(!no || has_name(content));
    return 0;
}
