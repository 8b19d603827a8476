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
    bool ascii = path_parse(text, false, &path) == ADDRESS_OK;
    if (path_parse(text, true, &path) != ADDRESS_OK || path.kind != PATH_MAILBOX)
        return 0;
    assert(ascii == !path.non_ascii);
    assert(path.address.ptr > text.ptr &&
           path.address.ptr + path.address.len == text.ptr + text.len - 1);
    assert(path.local.len + 1 + path.domain.len == path.address.len);
    for (size_t i = 0; i < path.address.len; i++) {
        unsigned char c = (unsigned char)path.address.ptr[i];
        assert(c >= ' ' && c != 127 && (path.non_ascii || c < 127));
    }
    assert(mailbox_parse(path.address, true, &again) == ADDRESS_OK);
    assert(again.non_ascii || ascii || path.non_ascii);
    assert(path.non_ascii || strlen(domain_next_hop(path.domain, next_hop)) > 0);
    return 0;
}
