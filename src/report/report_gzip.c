/* report_gzip: see report_gzip.h.
 * Owns: nothing.
 * Must never hold a time or a name. */
#include "report/report_gzip.h"

#include <assert.h>
#include <zlib.h>

enum { WINDOW_WITH_GZIP_HEADER = 15 + 16, MEMORY = 8, PART = 16 * 1024 };

int report_gzip(struct slice text, struct buffer *out)
{
    unsigned char part[PART];
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)text.ptr, .avail_in = (uInt)text.len};
    int rc = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_WITH_GZIP_HEADER,
                          MEMORY, Z_DEFAULT_STRATEGY);
    assert(rc == Z_OK && text.len <= UINT32_MAX);
    int full = 0;
    do {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        rc = deflate(&stream, Z_FINISH);
        full = buffer_append(out, part, sizeof part - stream.avail_out);
    } while (full == 0 && rc != Z_STREAM_END);
    deflateEnd(&stream);
    return full;
}
