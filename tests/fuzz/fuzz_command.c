/* Command lines: any octets; a path that is taken can be written by the client's half without harm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_back(const struct path *path)
{
    struct buffer out;
    char *address = x_strndup(path->address.ptr, path->address.len);
    buffer_init(&out, 4096);
    assert(strlen(address) == path->address.len);
    assert(command_format_rcpt(&out, address) == 0);
    assert(memchr(out.ptr, '\r', out.len) == out.ptr + out.len - 2);
    buffer_release(&out);
    free(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command command = command_parse((struct slice){(const char *)data, size});
    struct mail_argument mail;
    struct rcpt_argument rcpt;
    for (int lenient = 0; lenient < 2; lenient++) {
        if (command.verb == VERB_MAIL &&
            mail_argument_parse(command.argument, lenient, &mail) == ARGUMENT_OK)
            write_back(&mail.path);
        if (command.verb == VERB_RCPT &&
            rcpt_argument_parse(command.argument, lenient, &rcpt) == ARGUMENT_OK)
            write_back(&rcpt.path);
    }
    greeting_name_is_valid(command.argument);
    return 0;
}
