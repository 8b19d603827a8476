/* Who may ask over TCP: token, cookie, Host, Origin; the file of the token. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/guard.h"

#define TOKEN "0123456789abcdef0123"

Test(guard, hosts)
{
    static const char *const loopback[] = {"localhost",      "LOCALHOST:8025", "127.0.0.1",
                                           "127.0.0.1:8025", "127.9.8.7:1",    "[::1]",
                                           "[::1]:65535"};
    static const char *const others[] = {"",
                                         "evil.example",
                                         "localhost.evil.example",
                                         "127.0.0.1.evil.example:8025",
                                         "0.0.0.0:8025",
                                         "[::]:8025",
                                         "192.0.2.1",
                                         "[2001:db8::1]:8025",
                                         "localhost:",
                                         "localhost:99999",
                                         "localhost:80x",
                                         "[localhost]:80",
                                         "[::1",
                                         "[::1]x",
                                         "::1",
                                         "user@localhost",
                                         " localhost",
                                         ":8025"};
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++)
        cr_expect(guard_host_is_loopback(slice_of(loopback[i])), "%s", loopback[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect(not(guard_host_is_loopback(slice_of(others[i]))), "%s", others[i]);
}

Test(guard, equal_is_all_of_it)
{
    cr_expect(guard_equal(TOKEN, slice_of(TOKEN)));
    cr_expect(not(guard_equal(TOKEN, slice_of("0123456789abcdef012"))));
    cr_expect(not(guard_equal(TOKEN, slice_of(TOKEN TOKEN))), "the same twice is another one");
    cr_expect(not(guard_equal(TOKEN, slice_of(""))));
    cr_expect(not(guard_equal("", slice_of(""))), "no token is no key");
}

Test(guard, cookies)
{
    struct slice value = guard_cookie(slice_of("a=1; " GUARD_COOKIE "=xyz ; b=2"), GUARD_COOKIE);
    cr_expect(slice_equal(value, slice_of("xyz")));
    value = guard_cookie(slice_of(GUARD_COOKIE "=a=b"), GUARD_COOKIE);
    cr_expect(slice_equal(value, slice_of("a=b")));
    cr_expect(guard_cookie(slice_of("x" GUARD_COOKIE "=1;" GUARD_COOKIE "x=2"), GUARD_COOKIE).ptr ==
              NULL);
    cr_expect(guard_cookie(slice_of(GUARD_COOKIE), GUARD_COOKIE).ptr == NULL);
    cr_expect(guard_cookie(slice_of(";;=;"), GUARD_COOKIE).ptr == NULL);
}

Test(guard, forms)
{
    char form[] = "tokens=no&token=a%2Bb+c%4&rest=1", twice[] = "token=%00%zz&token=b",
         none[] = "x";
    struct slice value = guard_form_field(form, sizeof form - 1, "token");
    cr_expect(slice_equal(value, slice_of("a+b c%4")), "%.*s", SLICE_ARG(value));
    value = guard_form_field(twice, sizeof twice - 1, "token");
    cr_expect(eq(sz, value.len, 4), "the first one counts; a NUL is only an octet");
    cr_expect(guard_form_field(none, 1, "token").ptr == NULL);
    cr_expect(guard_form_field(none, 0, "token").ptr == NULL);
}

Test(guard, routes)
{
    char *text = NULL;
    cr_expect(guard_route_fits("/status", "/status"));
    cr_expect(not(guard_route_fits("/status", "/status/")));
    cr_expect(not(guard_route_fits("/destinations/", "/destinations/")), "it has no name");
    cr_expect(not(guard_route_fits("/", "/x")), "the page stands for itself alone");
    cr_expect(guard_route_fits("/destinations/", "/destinations/a"));
    cr_expect(eq(str, (char *)guard_route_name("/status", "/status", &text), ""));
    cr_expect(
        eq(str, (char *)guard_route_name("/d/", "/d/%5b1.2.3.4%5D:25+%", &text), "[1.2.3.4]:25+%"));
    free(text);
    cr_expect(guard_route_name("/d/", "/d/a%00b", &text) == NULL);
    free(text);
    cr_expect(guard_route_name("/d/", "/d/a%0Ab", &text) == NULL);
    free(text);
}

static enum guard_verdict ask(bool commands, struct guard_request request)
{
    struct guard guard = {.token = TOKEN, .session = "feedfacefeedface", .commands = commands};
    if (request.host == NULL)
        request.host = "localhost:8025";
    return guard_check(&guard, &request);
}

Test(guard, verdicts)
{
    const char *right = "Bearer " TOKEN, *cookie = GUARD_COOKIE "=feedfacefeedface";
    cr_expect(eq(int, ask(false, (struct guard_request){0}), GUARD_NO_TOKEN));
    cr_expect(eq(int, ask(false, (struct guard_request){.authorization = right}), GUARD_PASS));
    cr_expect(
        eq(int, ask(false, (struct guard_request){.authorization = "bearer  " TOKEN}), GUARD_PASS));
    cr_expect(eq(int, ask(false, (struct guard_request){.authorization = "Basic " TOKEN}),
                 GUARD_WRONG_TOKEN));
    cr_expect(eq(int, ask(false, (struct guard_request){.authorization = "Bearer x"}),
                 GUARD_WRONG_TOKEN));
    cr_expect(eq(int, ask(false, (struct guard_request){.cookie = cookie}), GUARD_PASS));
    cr_expect(eq(int, ask(false, (struct guard_request){.cookie = GUARD_COOKIE "=" TOKEN}),
                 GUARD_NO_TOKEN),
              "the token itself is no session");
    cr_expect(eq(int,
                 ask(false, (struct guard_request){.authorization = "Bearer x", .cookie = cookie}),
                 GUARD_WRONG_TOKEN));
    cr_expect(eq(int, ask(false, (struct guard_request){.is_public = true}), GUARD_PASS));
    cr_expect(eq(int, ask(false, (struct guard_request){.is_public = true, .host = "evil.example"}),
                 GUARD_WRONG_HOST));
    cr_expect(eq(int,
                 ask(false, (struct guard_request){.authorization = right, .host = "evil.example"}),
                 GUARD_WRONG_HOST));
    cr_expect(eq(int, ask(false, (struct guard_request){.post = true, .authorization = right}),
                 GUARD_NO_COMMANDS));
    cr_expect(eq(int, ask(true, (struct guard_request){.post = true, .authorization = right}),
                 GUARD_PASS));
    cr_expect(
        eq(int, ask(true, (struct guard_request){.post = true, .cookie = cookie}), GUARD_PASS));
    cr_expect(eq(int,
                 ask(true, (struct guard_request){.post = true,
                                                  .cookie = cookie,
                                                  .origin = "http://evil.example:8025"}),
                 GUARD_WRONG_ORIGIN));
    cr_expect(eq(int, ask(true, (struct guard_request){.cookie = cookie, .origin = "null"}),
                 GUARD_WRONG_ORIGIN));
    cr_expect(eq(int,
                 ask(true, (struct guard_request){.post = true,
                                                  .cookie = cookie,
                                                  .origin = "http://localhost:8025"}),
                 GUARD_PASS));
    struct guard guard = {.token = TOKEN};
    struct guard_request no_host = {.authorization = right};
    cr_expect(eq(int, guard_check(&guard, &no_host), GUARD_WRONG_HOST));
    for (int verdict = GUARD_WRONG_HOST; verdict <= GUARD_WRONG_TOKEN; verdict++)
        cr_expect(strlen(guard_text((enum guard_verdict)verdict)) > 10);
}

static int read_token(const char *content, mode_t mode, char **token_r, struct err *err_r)
{
    char path[] = "/tmp/daneway-token-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(i64, write(fd, content, strlen(content)), (int64_t)strlen(content)));
    fchmod(fd, mode);
    close(fd);
    int result = guard_read_token(path, token_r, err_r);
    unlink(path);
    return result;
}

Test(guard, the_file_of_the_token)
{
    char *token = NULL, long_text[GUARD_TOKEN_MAX + 2];
    struct err err;
    cr_assert(eq(int, read_token(TOKEN "\n", 0640, &token, &err), 0), "%s", err.text);
    cr_expect(eq(str, token, TOKEN));
    free(token);
    cr_expect(eq(int, read_token(TOKEN, 0644, &token, &err), -1));
    cr_expect(strstr(err.text, "everybody may read it") != NULL, "%s", err.text);
    static const char *const bad[] = {"", "\n", "short", TOKEN " x", TOKEN "\n\n", TOKEN "\nmore"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect(eq(int, read_token(bad[i], 0600, &token, &err), -1), "%zu", i);
        cr_expect(strstr(err.text, "openssl rand -hex 32") != NULL, "%s", err.text);
    }
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    cr_expect(eq(int, read_token(long_text, 0600, &token, &err), -1));
    cr_expect(eq(int, guard_read_token("/nonexistent/token", &token, &err), -1));
    cr_expect(strstr(err.text, "/nonexistent/token") != NULL);
}

Test(guard, sessions_differ)
{
    struct guard one, two;
    guard_draw_session(&one);
    guard_draw_session(&two);
    cr_expect(eq(sz, strlen(one.session), GUARD_SESSION));
    cr_expect(ne(str, one.session, two.session));
}
