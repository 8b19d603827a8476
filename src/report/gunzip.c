/* gunzip: see gunzip.h.
 * Owns: zlib's stream for the time of a call.
 * Must never keep zlib's state after an error. */
#include "report/gunzip.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <zlib.h>

#include "base/cleanup.h"

enum { GZIP_ONLY = 15 + 16, STEP = 1 << 16 };

static void stream_end(z_stream *stream)
{
    inflateEnd(stream);
}

static bool is_gzip(struct slice octets)
{
    return octets.len >= 2 && memcmp(octets.ptr, "\x1f\x8b", 2) == 0;
}

/* zlib takes a wrong check sum or length for damage like any other, but says so in its message. */
static bool only_the_sum(const z_stream *stream)
{
    return stream->msg != NULL && (strcmp(stream->msg, "incorrect data check") == 0 ||
                                   strcmp(stream->msg, "incorrect length check") == 0);
}

/* One member; *octets is what follows it. */
static enum gunzip unpack_member(struct slice *octets, struct buffer *content)
{
    CLEANUP(stream_end) z_stream stream = {0};
    unsigned char step[STEP];
    int rc = inflateInit2(&stream, GZIP_ONLY);
    while (rc == Z_OK) {
        stream.next_in = (unsigned char *)octets->ptr;
        stream.avail_in = octets->len < UINT_MAX ? (unsigned)octets->len : UINT_MAX;
        size_t before = stream.avail_in;
        stream.next_out = step;
        stream.avail_out = STEP;
        rc = inflate(&stream, Z_NO_FLUSH);
        *octets = slice_drop(*octets, before - stream.avail_in);
        if (buffer_append(content, step, STEP - stream.avail_out) != 0)
            return GUNZIP_TOO_LARGE;
    }
    if (rc == Z_STREAM_END)
        return GUNZIP_WHOLE;
    if (rc == Z_BUF_ERROR)
        return GUNZIP_CUT;
    return only_the_sum(&stream) ? GUNZIP_WRONG_SUM : GUNZIP_DAMAGED;
}

enum gunzip gunzip(struct slice octets, struct buffer *content)
{
    enum gunzip result;
    do
        result = unpack_member(&octets, content);
    while (result == GUNZIP_WHOLE && is_gzip(octets));
    return result == GUNZIP_WHOLE && octets.len > 0 ? GUNZIP_WITH_MORE : result;
}
