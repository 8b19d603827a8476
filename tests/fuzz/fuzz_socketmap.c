/* Requests of policy clients: any octets, read as a session reads them; what is taken is never beyond the input, nor
 * longer than the limit, and its key is fit for a C string and a log.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "policy_service/socketmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct slice content)
{
    struct socketmap_request request;
    assert(content.len <= SOCKETMAP_REQUEST_MAX);
    if (socketmap_parse(content, &request) != NULL)
        return;
    assert(request.key.len < content.len);
    for (size_t i = 0; i < request.key.len; i++)
        assert((unsigned char)request.key.ptr[i] > ' ' && request.key.ptr[i] != 0x7f);
    socketmap_key_is_next_hop(request.key);
}

/* Our own netstring of it is read back as the same. */
static void check_round(struct slice content)
{
    struct buffer out;
    struct slice again;
    size_t used;
    buffer_init(&out, SOCKETMAP_REQUEST_MAX + 16);
    assert(netstring_append(&out, content) == 0);
    assert(netstring_take(buffer_slice(&out), &again, &used) == SOCKETMAP_COMPLETE);
    assert(used == out.len && slice_equal(again, content));
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size}, content;
    size_t used;
    while (netstring_take(input, &content, &used) == SOCKETMAP_COMPLETE) {
        assert(used > 0 && used <= input.len && content.ptr + content.len < input.ptr + used);
        check_request(content);
        check_round(content);
        input = slice_drop(input, used);
    }
    return 0;
}
