/* What we read ourselves of a request to the status socket: Host, Origin, Authorization and Cookie, the path, the login's form.
 * The input's lines are these fields, in that order; the form is the rest. Whoever shows neither token nor session is never
 * let through; what is found lies within the field.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/guard.h"

#define TOKEN "0123456789abcdef"
#define SESSION "fedcba9876543210"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 5 };

/* A C string of the next line; NULL for one that says "-". */
static char *take_line(struct slice *input)
{
    struct slice rest, line = slice_split(*input, '\n', &rest);
    char *text = strndup(line.ptr != NULL ? line.ptr : "", line.len);
    *input = rest;
    if (strcmp(text, "-") != 0)
        return text;
    free(text);
    return NULL;
}

static void check_within(struct slice found, const char *start, size_t length)
{
    if (found.ptr != NULL)
        assert(found.ptr >= start && found.ptr + found.len <= start + length);
}

static void check_verdict(char *const fields[FIELDS], bool post)
{
    static const struct guard guard = {.token = TOKEN, .session = SESSION, .commands = true};
    const struct guard_request request = {.post = post,
                                          .host = fields[0],
                                          .origin = fields[1],
                                          .authorization = fields[2],
                                          .cookie = fields[3]};
    if (guard_check(&guard, &request) != GUARD_PASS)
        return;
    bool token = fields[2] != NULL && strstr(fields[2], TOKEN) != NULL;
    bool session = fields[3] != NULL && strstr(fields[3], GUARD_COOKIE "=" SESSION) != NULL;
    assert(token || session);
    assert(guard_host_is_loopback(slice_of(fields[0])));
}

static void check_path(const char *path)
{
    char *text = NULL;
    if (path == NULL || !guard_route_fits("/destinations/", path))
        return;
    const char *name = guard_route_name("/destinations/", path, &text);
    for (size_t i = 0; name != NULL && name[i] != '\0'; i++)
        assert((unsigned char)name[i] >= ' ' && name[i] != 0x7f);
    free(text);
}

static void check_form(struct slice input)
{
    char *form = malloc(input.len + 1); /* exactly so long: one octet further is found */
    if (input.len > 0)
        memcpy(form, input.ptr, input.len);
    check_within(guard_form_field(form, input.len, "token"), form, input.len);
    free(form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size};
    char *fields[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = take_line(&input);
    check_verdict(fields, size % 2 == 0);
    if (fields[3] != NULL)
        check_within(guard_cookie(slice_of(fields[3]), GUARD_COOKIE), fields[3], strlen(fields[3]));
    check_path(fields[4]);
    check_form(input);
    for (size_t i = 0; i < FIELDS; i++)
        free(fields[i]);
    return 0;
}
