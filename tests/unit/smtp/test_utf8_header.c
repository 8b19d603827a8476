/* UTF-8 in the header of a message or of a part, and not in a body, however the content is cut. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "smtp/utf8_header.h"

static bool scan(struct slice content, size_t step)
{
    struct utf8_header scan;
    utf8_header_init(&scan);
    for (size_t at = 0; at < content.len; at += step)
        utf8_header_read(&scan, slice_take(slice_drop(content, at), step));
    return utf8_header_found(&scan);
}

#define UE "\xc3\xbc"
#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n\r\n"

/* covers: SMTPC-25 */
Test(utf8_header, where_it_stands)
{
    static const struct {
        const char *content;
        bool found;
    } cases[] = {
        {"", false},
        {"Subject: " UE "\r\n\r\n", true},
        {"Subject: a\r\n " UE, true},
        {"\r\n" UE "\r\n", false},
        {"Subject: a\r\n\r\n" UE "\r\n\r\nX: " UE "\r\n", false},
        {"Subject: a\r\n\r\n- " UE "\r\n-" UE "\r\na--" UE "\r\n -- " UE "\r\n-a-" UE "\r\n",
         false},
        {MIXED "--x\r\nA: b\r\n\r\n" UE "\r\n--x\r\n\r\n" UE "\r\n--x--\r\n", false},
        {MIXED "--x\r\nA: " UE "\r\n\r\nb\r\n", true},
        {MIXED "--x\r\nA: b\r\n\r\n" UE "\r\n--x\r\nA: b\r\n " UE "\r\n", true},
        {MIXED "--x" UE "\r\n", true},
        {MIXED "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: " UE "\r\n", true},
        {MIXED "--x\r\nContent-Type:\r\n MESSAGE/global\r\n\r\nA: b\r\n\r\n" UE "\r\n", false},
        {"Content-Type: message/rfc822\r\n\r\nA: mmessage/rfc822\r\n\r\nA: " UE "\r\n", true},
        {"Content-Type: text/plain; a=messag\r\n\te/\r\n\r\nA: " UE "\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t step = 1; step <= strlen(cases[i].content) + 1; step++)
            cr_assert(scan(slice_of(cases[i].content), step) == cases[i].found,
                      "case %zu, step %zu", i, step);
}
