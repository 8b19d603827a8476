/* fuzz_session: a whole client session: any octets, in segments of any size, and one thing that happens on the way.
 * First octet: its low five bits are the length of a segment, bit 5 offers STARTTLS, bit 6 requires it, bit 7 takes odd
 * syntax. Second octet: its low five bits say before which segment something happens, the others what.
 * Third octet: its low two bits say which client it is (see `table`), bit 2 gives it a certificate, bit 3 lets everything be
 * known to be hopeless, bit 4 takes the postmaster's mailbox away.
 * Owns: nothing; loop, streams and store are the fakes of tests/unit/intake/.
 * Must always end with whole reply lines, no 250 to content but for what the store has taken, and nothing left behind. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "intake/session.h"
#include "tests/unit/intake/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum event {
    NOTHING,
    CLIENT_SILENT,
    CLIENT_CLOSES,
    CLIENT_LOST,
    STORE_FULL,
    STORE_FAILS,
    STORE_SLOW,
    SHUTDOWN
};

/* The table of clients as a file; that of an intake without STARTTLS asks nobody for it. */
static const char *table(bool tls)
{
    static const char text[] =
        "127.0.0.2 starttls=require\n"
        "127.0.0.1 senders=@example.org,<>,@.example.net rate=3/min\n"
        "127.0.0.3 reject\n"
        "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA level=dane-only\n";
    static const char clear[] = "127.0.0.1 senders=@example.org,<>,@.example.net rate=3/min\n"
                                "127.0.0.3 reject\n";
    static char paths[2][64];
    if (paths[tls][0] == '\0') {
        const char *content = tls ? text : clear;
        int fd = memfd_create("clients", 0);
        ssize_t written = write(fd, content, strlen(content));
        assert(written == (ssize_t)strlen(content));
        snprintf(paths[tls], sizeof(paths[tls]), "/proc/self/fd/%d", fd);
    }
    return paths[tls];
}

static struct intake_settings settings_of(uint8_t options, bool postmaster)
{
    return (struct intake_settings){
        .hostname = "gw.example.org",
        .clients = table((options & 0x20) != 0),
        .postmaster = postmaster ? "root@example.org" : "",
        .requiretls = true,
        .requiretls_preflight = true,
        .refuse_null_mx = true,
        .binarymime = true,
        .require_tls = (options & 0x60) == 0x60,
        .lenient_syntax = (options & 0x80) != 0,
        .bare_lf_normalize = (options & 0x80) != 0,
        .message_size_limit = 3000,
        .recipient_limit = 5,
        .connection_limit = 10,
        .client_connection_limit = 10,
        .command_timeout = 300,
        .data_timeout = 180,
        .error_limit = 10,
        .line_length_limit = 1000,
        .hop_limit = 5,
    };
}

static const char *hopeless(void *arg, const char *next_hop)
{
    (void)arg;
    return next_hop[0] == 'b' ? NULL : "it accepts no mail";
}

static void happen(struct loop *loop, struct intake *intake, enum event event)
{
    switch (event) {
    case NOTHING:
        break;
    case CLIENT_SILENT:
        fake_advance(loop, 301 * 1000);
        break;
    case CLIENT_CLOSES:
        fake_close(loop);
        break;
    case CLIENT_LOST:
        fake_fail(loop);
        break;
    case STORE_FULL:
        fake_spool.full = true;
        fake_spool.result = SPOOL_FULL;
        break;
    case STORE_FAILS:
        fake_spool.result = SPOOL_FAILED;
        break;
    case STORE_SLOW:
        fake_spool.slow = true;
        break;
    case SHUTDOWN:
        intake_drain(intake, NULL, NULL);
        break;
    }
}

/* Each line is "CODE TEXT" or "CODE-TEXT" and ends with CR LF. */
static unsigned count_queued(struct slice heard)
{
    unsigned queued = 0;
    while (heard.len > 0) {
        struct slice line = slice_split(heard, '\n', &heard);
        assert(line.len >= 5 && line.len <= 512 && line.ptr[line.len - 1] == '\r');
        assert(line.ptr[0] >= '2' && line.ptr[0] <= '5');
        assert(line.ptr[3] == ' ' || line.ptr[3] == '-');
        assert(memchr(line.ptr, '\r', line.len) == line.ptr + line.len - 1);
        queued += slice_starts_nocase(line, SLICE_LITERAL("250 2.0.0 Ok: queued as "));
    }
    return queued;
}

static void speak(struct loop *loop, struct intake *intake, const uint8_t *options,
                  struct slice script)
{
    size_t segment = (size_t)(options[0] & 31) + 1;
    for (unsigned i = 0; script.len > 0 && fake_stream() != NULL; i++) {
        if (i == (options[1] & 31))
            happen(loop, intake, (enum event)(options[1] >> 5));
        struct slice part = slice_take(script, segment);
        script = slice_drop(script, part.len);
        fake_say(loop, part);
        fake_handshake(loop);
        if (i % 4 == 3)
            fake_answer(loop);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    static int any_server;
    const struct intake_listeners nothing = {0};
    struct intake_settings settings = settings_of(data[0], (data[2] & 16) == 0);
    struct loop *loop = fake_loop_create();
    struct intake *intake;
    struct err err;
    fake_forget();
    int rc = intake_create(&intake, loop, fake_spool_reset(), &settings,
                           (data[0] & 0x20) != 0 ? (struct tls_server *)&any_server : NULL,
                           &nothing, &err);
    assert(rc == 0);
    const struct address client = {.family = 4, .octets = {127, 0, 0, (data[2] & 3) + 1}};
    const struct intake_preflight known = {.null_mx = hopeless, .requiretls = hopeless};
    if ((data[2] & 8) != 0)
        intake_use_preflight(intake, &known);
    fake_certificate((data[2] & 4) != 0 ? 0xaa : 0);
    server_session_start(intake, -1, &client);
    fake_turn(loop);
    speak(loop, intake, data, (struct slice){(const char *)data + 3, size - 3});
    fake_answer(loop);
    fake_close(loop);
    fake_advance(loop, 3600 * 1000);
    assert(fake_streams_open() == 0);
    unsigned stored = fake_spool.result == SPOOL_OK ? fake_spool.committed : UINT32_MAX;
    assert(count_queued(slice_of(fake_heard())) <= stored);
    assert(fake_spool.drafts >= fake_spool.abandoned);
    intake_free(&intake);
    fake_turn(loop);
    fake_loop_free(&loop);
    return 0;
}
