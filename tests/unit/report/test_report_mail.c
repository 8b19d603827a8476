/* A report as a mail, and compressed: RFC 8460 5.3 field by field. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "report/report_gzip.h"
#include "report/report_mail.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(report_mail, .init = set_up, .fini = tear_down);

static const char *const recipients[] = {"tls@example.com", "other@example.com"};
static const char file_name[] =
    "example.org!example.com!1795392000!1795478399!0123456789abcdef.json.gz";

static struct report_mail example(void)
{
    return (struct report_mail){.domain = "example.com",
                                .day = "2026-11-23",
                                .organization_name = "Exampl\xc3\xa9 Org",
                                .contact_info = "tls-reports@example.org",
                                .report_id = "20261123.example.com@gw.example.org",
                                .file_name = file_name,
                                .own_id = "1hfe8329f400",
                                .hostname = "gw.example.org",
                                .recipients = recipients,
                                .recipient_count = 1,
                                .successful = 12,
                                .failed = 3,
                                .gzip = {"\x1f\x8b\0z", 4},
                                .now = 1795480000};
}

struct text {
    char *header, *body;
};

static struct text written(const struct report_mail *mail)
{
    struct buffer header, body;
    buffer_init(&header, 100000);
    buffer_init(&body, 1000000);
    cr_assert(eq(int, report_mail_write(mail, &header, &body), 0));
    struct text text = {arena_strndup(arena, header.ptr, header.len),
                        arena_strndup(arena, body.ptr, body.len)};
    buffer_release(&header);
    buffer_release(&body);
    return text;
}

/* The value of a field, unfolded, without the blank before it; it must be there exactly once. */
static char *field(const char *header, const char *name)
{
    char *found = NULL;
    const char *line = header;
    while (*line != '\0') {
        const char *end = strstr(line, "\r\n");
        while (end[2] == ' ')
            end = strstr(end + 2, "\r\n");
        size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            cr_assert(eq(ptr, found, NULL), "%s twice", name);
            found = arena_strdup(arena, "");
            for (const char *c = line + length + 2; c < end; c++)
                if (*c != '\r' && *c != '\n')
                    found = arena_printf(arena, "%s%c", found, *c);
        }
        line = end + 2;
    }
    cr_assert(found != NULL, "no %s", name);
    return found;
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    for (struct slice rest = slice_of(text); rest.len > 0;) {
        struct slice line = slice_split(rest, '\n', &rest);
        cr_assert(line.len > 0 && line.ptr[line.len - 1] == '\r', "a line without CRLF");
        longest = line.len - 1 > longest ? line.len - 1 : longest;
    }
    return longest;
}

/* covers: RPT-34 RPT-38 RPT-39 RPT-40 RPT-42 */
Test(report_mail, header)
{
    struct report_mail mail = example();
    char *header = written(&mail).header;
    cr_assert(eq(str, field(header, "From"), "<tls-reports@example.org>"));
    cr_assert(eq(str, field(header, "To"), "<tls@example.com>"));
    cr_assert(eq(str, field(header, "Date"), "Tue, 24 Nov 2026 00:26:40 +0000"));
    cr_assert(eq(str, field(header, "Message-ID"), "<1hfe8329f400.tlsrpt@gw.example.org>"));
    cr_assert(eq(str, field(header, "Subject"),
                 "Report Domain: example.com Submitter: example.org Report-ID: "
                 "<20261123.example.com@gw.example.org>"));
    cr_assert(eq(str, field(header, "TLS-Report-Domain"), "example.com"));
    cr_assert(eq(str, field(header, "TLS-Report-Submitter"), "example.org"));
    cr_assert(eq(str, field(header, "TLS-Required"), "No"));
    cr_assert(eq(str, field(header, "Auto-Submitted"), "auto-generated"));
    cr_assert(eq(str, field(header, "MIME-Version"), "1.0"));
    cr_assert(eq(str, field(header, "Content-Type"),
                 "multipart/report; report-type=\"tlsrpt\"; boundary=\"=_tlsrpt_1hfe8329f400\""));
    cr_assert(le(sz, longest_line(header), 78));
    mail.recipient_count = 2;
    cr_assert(
        eq(str, field(written(&mail).header, "To"), "<tls@example.com>, <other@example.com>"));
}

/* A name that cannot be folded stands alone in its line. covers: RPT-40 */
Test(report_mail, long_names)
{
    struct report_mail mail = example();
    mail.domain = "a23456789.b23456789.c23456789.d23456789.e23456789.f23456789.g23456789.example";
    mail.report_id = arena_printf(arena, "20261123.%s@gw.example.org", mail.domain);
    char *header = written(&mail).header;
    cr_assert(strstr(header, "Subject: Report Domain:\r\n a23456789.") != NULL, "%s", header);
    cr_assert(strstr(header, ".example\r\n Submitter: example.org Report-ID:\r\n <2026") != NULL,
              "%s", header);
    cr_assert(eq(str, field(header, "Subject"),
                 arena_printf(arena, "Report Domain: %s Submitter: example.org Report-ID: <%s>",
                              mail.domain, mail.report_id)));
}

static char *decoded(const char *base64, size_t length)
{
    struct buffer out;
    buffer_init(&out, 100000);
    cr_assert(eq(int, base64_decode(&out, (struct slice){base64, length}), 0));
    char *text = arena_strndup(arena, out.ptr, out.len);
    buffer_release(&out);
    return text;
}

/* covers: RPT-37 RPT-38 */
Test(report_mail, parts)
{
    struct report_mail mail = example();
    char *body = written(&mail).body;
    const char *const pieces[] = {
        "This is a TLS report in MIME form.\r\n\r\n",
        "--=_tlsrpt_1hfe8329f400\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n",
        "\r\n\r\n--=_tlsrpt_1hfe8329f400\r\nContent-Type: application/tlsrpt+gzip\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
        " filename=\"example.org!example.com!1795392000!1795478399!0123456789abcdef.json.gz\"\r\n"
        "\r\nH4sAeg==\r\n\r\n--=_tlsrpt_1hfe8329f400--\r\n"};
    char *first = strstr(body, pieces[1]), *second = strstr(body, pieces[2]);
    cr_assert(eq(int, strncmp(body, pieces[0], strlen(pieces[0])), 0));
    cr_assert(first == body + strlen(pieces[0]), "%s", body);
    cr_assert(second != NULL && second[strlen(pieces[2])] == '\0', "%s", body);
    first += strlen(pieces[1]);
    char *people = decoded(first, (size_t)(second - first));
    cr_assert(strstr(people, "sessions from Exampl\xc3\xa9 Org to them") != NULL, "%s", people);
    cr_assert(strstr(people, "in\r\n12 sessions, and was not reached in 3.") != NULL, "%s", people);
    cr_assert(le(sz, longest_line(body), 82)); /* the file name is one word */
}

Test(report_mail, too_long_for_the_buffer)
{
    struct report_mail mail = example();
    struct buffer header, body;
    buffer_init(&header, 100);
    buffer_init(&body, 1000000);
    cr_assert(eq(int, report_mail_write(&mail, &header, &body), -1));
    buffer_release(&header);
    buffer_init(&header, 100000);
    buffer_release(&body);
    buffer_init(&body, 500);
    cr_assert(eq(int, report_mail_write(&mail, &header, &body), -1));
    buffer_release(&header);
    buffer_release(&body);
}

/* --- gzip --------------------------------------------------------------------------------------- */

/* covers: RPT-37 RPT-45 */
Test(report_mail, gzip)
{
    char *text = arena_alloc(arena, 100000), *back = arena_alloc(arena, 100001);
    for (size_t i = 0; i < 99999; i++)
        text[i] = (char)('a' + i * i % 17 % 23);
    struct buffer out, again;
    buffer_init(&out, REPORT_GZIP_LIMIT);
    buffer_init(&again, REPORT_GZIP_LIMIT);
    cr_assert(eq(int, report_gzip(slice_of(text), &out), 0));
    cr_assert(eq(int, report_gzip(slice_of(text), &again), 0));
    cr_assert(slice_equal(buffer_slice(&out), buffer_slice(&again)));
    cr_assert(eq(int, memcmp(out.ptr, "\x1f\x8b\x08\0\0\0\0\0", 8), 0)); /* no name, no time */
    z_stream stream = {.next_in = (Bytef *)out.ptr,
                       .avail_in = (uInt)out.len,
                       .next_out = (Bytef *)back,
                       .avail_out = 100001};
    cr_assert(eq(int, inflateInit2(&stream, 15 + 16), Z_OK));
    cr_assert(eq(int, inflate(&stream, Z_FINISH), Z_STREAM_END));
    inflateEnd(&stream);
    cr_assert(eq(str, back, text));
    buffer_release(&out);
    buffer_init(&out, 10);
    cr_assert(eq(int, report_gzip(slice_of(text), &out), -1));
    buffer_release(&out);
    buffer_release(&again);
    cr_assert(lt(int, REPORT_GZIP_LIMIT, 10000000));
}
