/* Paths: what is taken lies inside the text, has no control octet, and is taken again without its
 * route. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct path path, again;
    char next_hop[NEXT_HOP_TEXT];
    if (path_parse(text, &path) != ADDRESS_OK || path.kind != PATH_MAILBOX)
        return 0;
    assert(path.address.ptr > text.ptr &&
           path.address.ptr + path.address.len == text.ptr + text.len - 1);
    assert(path.local.len + 1 + path.domain.len == path.address.len);
    for (size_t i = 0; i < path.address.len; i++)
        assert(path.address.ptr[i] >= ' ' && path.address.ptr[i] <= '~');
    assert(mailbox_parse(path.address, &again) == ADDRESS_OK);
    assert(strlen(domain_next_hop(path.domain, next_hop)) > 0);
    return 0;
}
