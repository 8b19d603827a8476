/* TLS-Required: No, found in the header section only, however the content is cut. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "smtp/tls_required.h"

static bool scan(struct slice content, size_t step)
{
    struct tls_required scan;
    tls_required_init(&scan);
    for (size_t at = 0; at < content.len; at += step)
        tls_required_read(&scan, slice_take(slice_drop(content, at), step));
    return tls_required_says_no(&scan);
}

#define F "TLS-Required: No\r\n"

/* covers: RTLS-05 RTLS-06 */
Test(tls_required, header_field)
{
    static const struct {
        const char *content;
        bool no;
    } cases[] = {
        {F "\r\n", true},
        {F, true},
        {"TLS-Required: No", true}, /* the message ends there */
        {"From: a@b\r\n" F "Subject: x\r\n y\r\n\r\nbody\r\n", true},
        {"tls-rEQUIRED:nO\r\n\r\n", true},
        {"TLS-Required: \t No \t\r\n\r\n", true},
        {"TLS-Required:\r\n No\r\n\r\n", true}, /* one folding */
        {"TLS-Required: \r\n\t No\r\nX: y\r\n\r\n", true},
        {"TLS-Required: No\r\n \r\n\r\n", true},
        {"TLS-Required:\r\n \r\n No\r\n\r\n", false}, /* two */
        {"TLS-Required: N\r\n o\r\n\r\n", false},
        {"TLS-Required: No\r\n No\r\n\r\n", false},
        {"TLS-Required: N o\r\n\r\n", false},
        {"TLS-Required: No x\r\n\r\n", false},
        {"TLS-Required: No (really)\r\n\r\n", false},
        {"TLS-Required: Yes\r\n\r\n", false}, /* other values */
        {"TLS-Required: Not\r\n\r\n", false},
        {"TLS-Required: Nonsense\r\n\r\n", false},
        {"TLS-Required: N\r\n\r\n", false},
        {"TLS-Required:\r\n\r\n", false},
        {"TLS-Required: \"No\"\r\n\r\n", false},
        {"TLS-Require: No\r\n\r\n", false}, /* other names */
        {"TLS-RequiredX: No\r\n\r\n", false},
        {"X-TLS-Required: No\r\n\r\n", false},
        {"TLS-Required No\r\n\r\n", false},
        {"Subject: TLS-Required: No\r\n\r\n", false},
        {"Subject: x\r\n TLS-Required: No\r\n\r\n", false}, /* belongs to the subject */
        {" TLS-Required: No\r\n\r\n", false},
        {"TLS-Required : No\r\n\r\n", false}, /* not by the grammar of today */
        {F F "\r\n", false},                  /* two */
        {F "X: y\r\nTLS-Required: Yes\r\n\r\n", false},
        {"TLS-Required: Yes\r\n" F "\r\n", false},
        {F F F "\r\n", false},
        {"Subject: x\r\n\r\n" F, false}, /* in the body */
        {"\r\n" F "\r\n", false},
        {F "\r\n" F, true},
        {"this is no header field\r\n" F "\r\n", false}, /* what is no field ends the section */
        {"-- x\r\n" F "\r\n", false},
        {"line\r\n" F "\r\n", false},
        {": x\r\n" F "\r\n", false},
        {"X \t: y\r\n" F "\r\n", true},
        {"X\x80: y\r\n" F "\r\n", false},
        {"X: \x80\r\n" F "\r\n", true},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t step = 1; step < 40; step++)
            cr_assert(eq(int, scan(slice_of(cases[i].content), step), cases[i].no),
                      "case %zu, cut every %zu:\n%s", i, step, cases[i].content);
}
