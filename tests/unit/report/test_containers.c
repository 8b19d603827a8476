/* What reports come in: gzip, MIME, mbox; and their dates. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "reading.h"
#include "report/gunzip.h"
#include "report/mbox.h"
#include "report/mime.h"
#include "report/read_fields.h"
#include "report/report_gzip.h"

/* --- gzip --------------------------------------------------------------------------------------- */

/* free() its octets. */
static struct slice gzipped(const void *data, size_t length)
{
    struct buffer packed;
    buffer_init(&packed, 1 << 20);
    cr_assert(eq(int, report_gzip((struct slice){data, length}, &packed), 0));
    return buffer_slice(&packed);
}

static enum gunzip unpack(struct slice packed, size_t limit, const char *expected)
{
    struct buffer content;
    buffer_init(&content, limit);
    enum gunzip result = gunzip(packed, &content);
    if (expected != NULL)
        cr_expect(slice_equal(buffer_slice(&content), slice_of(expected)));
    buffer_release(&content);
    return result;
}

Test(gunzip, whole_cut_damaged)
{
    static const char text[] = "a report, a report, a report";
    struct slice packed = gzipped(text, strlen(text));
    cr_expect(eq(int, unpack(packed, 1000, text), GUNZIP_WHOLE));
    for (size_t length = 0; length < packed.len; length++)
        cr_expect(eq(int, unpack(slice_take(packed, length), 1000, NULL), GUNZIP_CUT));
    char *twice = malloc(2 * packed.len);
    memcpy(twice, packed.ptr, packed.len);
    memcpy(twice + packed.len, packed.ptr, packed.len);
    char *both = x_printf("%s%s", text, text);
    cr_expect(eq(int, unpack((struct slice){twice, 2 * packed.len}, 1000, both), GUNZIP_WHOLE));
    twice[packed.len] = 'x';
    cr_expect(eq(int, unpack((struct slice){twice, 2 * packed.len}, 1000, text), GUNZIP_WITH_MORE));
    twice[packed.len - 5] ^= 1; /* the check sum */
    cr_expect(eq(int, unpack((struct slice){twice, packed.len}, 1000, text), GUNZIP_WRONG_SUM));
    twice[12] ^= 0x7f;
    enum gunzip damaged = unpack((struct slice){twice, packed.len}, 1000, NULL);
    cr_expect(damaged == GUNZIP_DAMAGED || damaged == GUNZIP_WRONG_SUM);
    cr_expect(eq(int, unpack(packed, 10, NULL), GUNZIP_TOO_LARGE));
    free(both);
    free(twice);
    free((char *)packed.ptr);
}

Test(gunzip, complaints_of_the_reader)
{
    struct reading reading;
    static const char text[] = "{\"policies\":[]}";
    struct slice packed = gzipped(text, strlen(text));
    reading_octets(&reading, slice_take(packed, packed.len - 12), "", true);
    cr_expect(strstr(reading.complaints, "U the gzip data are cut short; ") != NULL, "%s",
              reading.complaints);
    reading_end(&reading);
    ((char *)packed.ptr)[packed.len - 5] ^= 1;
    reading_octets(&reading, packed, "", true);
    cr_expect(strstr(reading.complaints,
                     "D the check sum of the gzip data is wrong; read all the same") != NULL);
    cr_expect(eq(sz, json_array_size(reading.reports), 1));
    reading_end(&reading);
    free((char *)packed.ptr);
}

/* 101 MB of nothing in 100 kB; and gzip in gzip in gzip ... */
Test(gunzip, bombs)
{
    struct reading reading;
    size_t length = (size_t)READ_OCTETS_MAX + 1;
    char *nothing = calloc(1, length);
    struct slice packed = gzipped(nothing, length);
    free(nothing);
    reading_octets(&reading, packed, "", true);
    cr_expect(eq(str, reading.complaints, "U the gzip data unpack to more than 100 MB\n"));
    reading_end(&reading);
    for (int i = 0; i < 10; i++) {
        struct slice outer = gzipped(packed.ptr, packed.len < 1000 ? packed.len : 1000);
        free((char *)packed.ptr);
        packed = outer;
    }
    reading_octets(&reading, packed, "", true);
    cr_expect(eq(str, reading.complaints, "U more than 6 containers in each other\n"));
    reading_end(&reading);
    free((char *)packed.ptr);
}

Test(read, more_values_than_any_report_has)
{
    struct reading reading;
    size_t length = 2100000;
    char *text = malloc(length);
    for (size_t i = 0; i < length; i++)
        text[i] = i % 2 == 0 ? '[' : ']';
    memcpy(text, "[[],", 4);
    reading_octets(&reading, (struct slice){text, length}, "", true);
    cr_expect(
        eq(str, reading.complaints, "U holds more than 1000000 values: no report is so large\n"));
    reading_end(&reading);
    free(text);
}

/* --- MIME --------------------------------------------------------------------------------------- */

struct seen {
    unsigned parts;
    char text[8192];
};

static void on_part(void *arg, const struct mime_part *part)
{
    struct seen *seen = arg;
    struct buffer content;
    size_t used = strlen(seen->text);
    buffer_init(&content, 4096);
    enum mime_decoded decoded = mime_decode(part, &content);
    seen->parts++;
    snprintf(seen->text + used, sizeof(seen->text) - used, "%s|%s|%s%.*s\n", part->type, part->name,
             decoded == MIME_DECODED ? "" : "FAULT ", (int)content.len,
             content.ptr != NULL ? content.ptr : "");
    buffer_release(&content);
}

static void on_trouble(void *arg, const char *text)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof(seen->text) - used, "! %s\n", text);
}

static void walk(struct seen *seen_r, const char *text)
{
    struct arena *arena = arena_create();
    const struct mime_visitor visitor = {seen_r, on_part, on_trouble};
    *seen_r = (struct seen){0};
    char *exact = x_memdup(text, strlen(text) > 0 ? strlen(text) : 1);
    mime_walk(arena, (struct slice){exact, strlen(text)}, &visitor);
    free(exact);
    arena_free(&arena);
}

static const struct {
    const char *mail, *seen;
} mails[] = {
    {"", "text/plain||\n"},
    {"\n", "text/plain||\n"},
    {"A: b", "text/plain||\n"},
    {"A: b\r\n\r\nbody", "text/plain||body\n"},
    {"Content-Type: Application/JSON ; Name=\"a \\\"b\\\".json\"\n\nx",
     "application/json|a \"b\".json|x\n"},
    {"Content-type:text/plain;\n\tname=a.txt;charset=utf-8\n\nx", "text/plain|a.txt|x\n"},
    {"Content-Disposition: attachment; filename*=utf-8''a%20b.json\n\nx",
     "text/plain|a b.json|x\n"},
    {"Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b; filename*2*=%2ejson"
     "\n\nx",
     "text/plain|a b.json|x\n"},
    {"Content-Transfer-Encoding: BASE64\n\naGVs\r\nbG8=\r\n-- footer", "text/plain||hello\n"},
    {"Content-Transfer-Encoding: base64\n\naGVs*bG8", "text/plain||FAULT hello\n"},
    {"Content-Transfer-Encoding: quoted-printable\n\na=3D=\nb= \r\nc=\n", "text/plain||a=bc\n"},
    {"Content-Transfer-Encoding: quoted-printable\n\na=4x=", "text/plain||FAULT a=4x\n"},
    {"Content-Transfer-Encoding: rot13\n\nx", "text/plain||FAULT x\n"},
    {"Content-Type: multipart/mixed; boundary=\"b c\"\n\npreamble\n--b c\n\none\n--b c  \n"
     "Content-Type: text/html\n\ntwo\n\n--b c--\nepilogue",
     "text/plain||one\ntext/html||two\n\n"},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",
     "text/plain||one\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--bb\n\none\n--b--\n",
     "! the multipart has no part\n"},
    {"Content-Type: multipart/mixed\n\n--b\n\none\n", "! a multipart has no boundary\n"},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n",
     "! the multipart is not closed: the mail may be cut short\ntext/plain||one\n\n"},
    {"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
     "boundary=b\n\n--b\n\none\n--b--\n--a\n\ntwo\n--a--\n",
     "text/plain||one\ntext/plain||two\n"},
    {"Content-Type: message/rfc822\n\nContent-Type: text/html\n\nx", "text/html||x\n"},
    {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
     "Q29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCng=",
     "text/html||x\n"},
};

Test(mime, parts)
{
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
        struct seen seen;
        walk(&seen, mails[i].mail);
        cr_expect(eq(str, seen.text, (char *)mails[i].seen), "%s", mails[i].mail);
    }
}

/* 50 sections of a name behind two thousand other parameters: each section is looked for from the start. */
Test(mime, many_parameters_take_little_memory)
{
    struct seen seen;
    struct rusage before, after;
    struct buffer mail;
    buffer_init(&mail, 1 << 20);
    buffer_append_text(&mail, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (int part = 0; part < 5; part++) {
        buffer_append_text(&mail, "--b\nContent-Type: text/plain");
        for (int i = 0; i < 1800; i++)
            buffer_append_text(&mail, ";=\"\"");
        for (int i = 0; i < 50; i++)
            buffer_printf(&mail, ";name*%d=x", i);
        buffer_append_text(&mail, "\n\n\n");
    }
    buffer_append_text(&mail, "--b--\n");
    buffer_append(&mail, "", 1);
    getrusage(RUSAGE_SELF, &before);
    walk(&seen, mail.ptr);
    getrusage(RUSAGE_SELF, &after);
    cr_expect(eq(uint, seen.parts, 5));
    cr_expect(strstr(seen.text, "|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|") != NULL);
    cr_expect(lt(long, after.ru_maxrss - before.ru_maxrss, 50 * 1024L), "kB");
    buffer_release(&mail);
}

Test(mime, depth_and_number_are_bounded)
{
    struct seen seen;
    struct buffer mail;
    buffer_init(&mail, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buffer_printf(&mail, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    buffer_append(&mail, "", 1);
    walk(&seen, mail.ptr);
    cr_expect(eq(uint, seen.parts, 0));
    cr_expect(strstr(seen.text, "nested too deeply") != NULL);
    buffer_clear(&mail);
    buffer_printf(&mail, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&mail, "--b\n\n");
    buffer_append(&mail, "", 1);
    walk(&seen, mail.ptr);
    cr_expect(eq(uint, seen.parts, MIME_PARTS_MAX - 1));
    cr_expect(strstr(seen.text, "too many parts") != NULL);
    buffer_release(&mail);
}

/* --- mbox --------------------------------------------------------------------------------------- */

Test(mbox, messages)
{
    struct slice text =
        SLICE_LITERAL("From a@b Mon Mar  2 11:53:20 2026\nA: 1\n\nFrom here to there\n"
                      "x\nFrom a@b Mon Mar  2 11:53:20 2026\n\nFrom a@b Mon Mar  2 "
                      "11:53:21 2026\nA: 2");
    struct slice message;
    cr_assert(mbox_next(&text, &message));
    cr_expect(
        slice_equal(message, SLICE_LITERAL("A: 1\n\nFrom here to there\nx\nFrom a@b Mon Mar  2 "
                                           "11:53:20 2026\n\n")));
    cr_assert(mbox_next(&text, &message));
    cr_expect(slice_equal(message, SLICE_LITERAL("A: 2")));
    cr_expect(not(mbox_next(&text, &message)));
    text = SLICE_LITERAL("no mbox");
    cr_expect(not(mbox_next(&text, &message)));
    text = SLICE_LITERAL("From a@b 11:53");
    cr_assert(mbox_next(&text, &message));
    cr_expect(eq(sz, message.len, 0));
}

/* --- dates -------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t seconds; /* -1: no date */
    const char *deviation;
} dates[] = {
    {"2026-03-01T00:00:00Z", 1772323200, NULL},
    {"2026-03-01t00:00:01z", 1772323201, NULL},
    {"2026-03-01T01:00:00+01:00", 1772323200, NULL},
    {"2026-02-28T19:00:00-0500", 1772323200, NULL},
    {"2026-03-01T00:00:00.123Z", 1772323200, NULL},
    {"2026-02-28T24:00:00Z", 1772323200, NULL},
    {"2026-03-01T00:00:00", 1772323200, "has no time zone; taken as UTC"},
    {"2026-03-01T00:00", 1772323200, "has no time zone; taken as UTC"},
    {"2026-03-01 00:00:00Z", 1772323200, "has a blank instead of the T of RFC 3339"},
    {"2026-03-01", 1772323200, "is a day without a time"},
    {"1772323200", 1772323200, "is a number of seconds, not a date of RFC 3339"},
    {"2026-02-30T00:00:00Z", -1, NULL},
    {"2026-03-01T25:00:00Z", -1, NULL},
    {"2026-03-01T00:60:00Z", -1, NULL},
    {"2026-03-01T00:00:00X", -1, NULL},
    {"2026-03-01T00:00:00Zx", -1, NULL},
    {"2026-03-01T0:00:00Z", -1, NULL},
    {"01 Mar 2026", -1, NULL},
    {"1970-01-01T00:00:00Z", -1, NULL},
    {"2100-01-01T00:00:00Z", -1, NULL},
    {"17", -1, NULL},
    {"20260301", -1, NULL},
    {"", -1, NULL},
};

Test(read, dates)
{
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        int64_t seconds = -1;
        const char *deviation = NULL;
        int rc = report_time_parse(slice_of(dates[i].text), &seconds, &deviation);
        cr_expect(eq(int, rc, dates[i].seconds < 0 ? -1 : 0), "%s", dates[i].text);
        if (rc != 0)
            continue;
        cr_expect(eq(i64, seconds, dates[i].seconds), "%s", dates[i].text);
        cr_expect(eq(str, (char *)(deviation != NULL ? deviation : ""),
                     (char *)(dates[i].deviation != NULL ? dates[i].deviation : "")));
    }
}
