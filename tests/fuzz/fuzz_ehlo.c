/* EHLO: any lines give capabilities; limits stay in their range, the host name is printable. */
#include <assert.h>
#include <stdint.h>

#include "smtp/ehlo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capabilities capabilities;
    char host[EHLO_HOST];
    ehlo_parse((struct slice){(const char *)data, size}, &capabilities, host);
    assert(capabilities.esmtp && capabilities.limit_mailmax <= 999999 &&
           capabilities.limit_rcptmax <= 999999);
    for (const char *c = host; *c != '\0'; c++)
        assert(*c > ' ' && *c <= '~');
    return 0;
}
