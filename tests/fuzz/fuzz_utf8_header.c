/* UTF-8 in headers: any octets, however they are cut; found where the header of the message has some, and never without any. */
#include <assert.h>
#include <stdint.h>

#include "smtp/utf8_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool scan(struct slice content, size_t step)
{
    struct utf8_header scan;
    utf8_header_init(&scan);
    for (size_t at = 0; at < content.len; at += step)
        utf8_header_read(&scan, slice_take(slice_drop(content, at), step));
    return utf8_header_found(&scan);
}

/* Up to the first line that is empty, or has only CRs. */
static struct slice header_of(struct slice content)
{
    bool in_line = false;
    for (size_t i = 0; i < content.len; i++) {
        if (content.ptr[i] == '\n' && !in_line)
            return slice_take(content, i);
        if (content.ptr[i] != '\r')
            in_line = content.ptr[i] != '\n';
    }
    return content;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice content = {(const char *)data + 1, size - 1};
    bool found = scan(content, content.len);
    assert(scan(content, data[0] % 16 + 1) == found);
    assert(!found || !slice_is_ascii(content));
    assert(found || slice_is_ascii(header_of(content)));
    return 0;
}
