/* A client that says anything, BDAT above all: what it hears and what is kept is the same however its octets are cut, and a
 * reply comes for nothing but a whole command. Loop, stream and store are the fakes of tests/unit/intake/. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/intake/fakes.h"
#include "base/alloc.h"
#include "intake/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct dialogue {
    char *heard, *content;
    size_t content_length;
    unsigned committed;
};

static struct intake_settings settings = {
    .hostname = "gw.example.org",
    .message_size_limit = 300,
    .recipient_limit = 100,
    .connection_limit = 10,
    .client_connection_limit = 10,
    .command_timeout = 300,
    .data_timeout = 180,
    .error_limit = 20,
    .line_length_limit = 1000,
    .hop_limit = 3,
    .binarymime = true,
    .postmaster = "",
};

static const char *table_path(void)
{
    static char path[64];
    if (path[0] != '\0')
        return path;
    snprintf(path, sizeof(path), "/tmp/fuzz-clients.XXXXXX");
    int fd = mkstemp(path);
    assert(fd >= 0 && write(fd, "0.0.0.0/0\n", 10) == 10);
    close(fd);
    return path;
}

static struct dialogue run(struct slice wire, size_t step)
{
    struct err err;
    struct intake *intake;
    struct loop *loop = fake_loop_create();
    struct address client;
    assert(address_parse("192.0.2.1", &client) == 0);
    fake_forget();
    settings.clients = table_path();
    const struct intake_listeners nothing = {0};
    assert(intake_create(&intake, loop, fake_spool_reset(), &settings, NULL, &nothing, &err) == 0);
    server_session_start(intake, -1, &client);
    fake_say(loop, SLICE_LITERAL("EHLO c\r\n"));
    for (size_t at = 0; at < wire.len && fake_stream() != NULL; at += step)
        fake_say(loop, slice_take(slice_drop(wire, at), step));
    struct dialogue seen = {
        .heard = x_strdup(fake_heard()),
        .content = x_memdup(fake_spool.content != NULL ? fake_spool.content : "",
                            fake_spool.content_length),
        .content_length = fake_spool.content_length,
        .committed = fake_spool.committed,
    };
    intake_free(&intake);
    fake_turn(loop);
    assert(fake_streams_open() == 0);
    fake_loop_free(&loop);
    return seen;
}

/* Of several faults in a message, the one that is named depends on where it was cut; the kind of the reply does not. */
static void must_agree(struct slice one, struct slice other)
{
    while (one.ptr != NULL && other.ptr != NULL) {
        struct slice line = slice_split(one, '\n', &one), again = slice_split(other, '\n', &other);
        assert(line.len == 0 ? again.len == 0 : again.len > 0 && line.ptr[0] == again.ptr[0]);
    }
    assert(one.ptr == other.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice wire = {(const char *)data + 1, size - 1};
    settings.bare_lf_normalize = (data[0] & 0x80) != 0;
    struct dialogue whole = run(wire, size), cut = run(wire, data[0] % 32 + 1u);
    must_agree(slice_of(whole.heard), slice_of(cut.heard));
    assert(whole.committed == cut.committed && whole.content_length == cut.content_length);
    assert(memcmp(whole.content, cut.content, whole.content_length) == 0);
    free(whole.heard);
    free(whole.content);
    free(cut.heard);
    free(cut.content);
    return 0;
}
