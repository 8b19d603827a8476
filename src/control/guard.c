/* guard: see guard.h.
 * Owns: nothing.
 * Fields come as evhttp gives them: C strings without CR and LF.
 * Must never take a host name for loopback because it begins like one. */
#include "control/guard.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/alloc.h"

bool guard_equal(const char *expected, struct slice given)
{
    size_t length = strlen(expected);
    unsigned char differs = length != given.len;
    for (size_t i = 0; i < given.len && length > 0; i++)
        differs |= (unsigned char)(expected[i % length] ^ given.ptr[i]);
    return differs == 0 && length > 0;
}

/* --- fields ----------------------------------------------------------------------------------- */

static bool is_port(struct slice text)
{
    uint64_t port;
    return text.len >= 1 && text.len <= 5 && slice_to_number(text, UINT16_MAX, &port) == 0;
}

static bool is_loopback_name(struct slice name)
{
    static const struct address nowhere[] = {{.family = 4}, {.family = 6}};
    char text[ADDRESS_TEXT];
    struct address address;
    if (slice_equal_nocase(name, SLICE_LITERAL("localhost")))
        return true;
    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return strlen(text) == name.len && address_parse(text, &address) == 0 &&
           address_is_loopback(&address) && !address_equal(&address, &nowhere[0]) &&
           !address_equal(&address, &nowhere[1]);
}

bool guard_host_is_loopback(struct slice host)
{
    const char *end = host.len > 0 && host.ptr[0] == '[' ? memchr(host.ptr, ']', host.len) : NULL;
    struct slice name = host, rest = {NULL, 0};
    if (end != NULL) {
        name = (struct slice){host.ptr + 1, (size_t)(end - host.ptr) - 1};
        rest = slice_drop(host, name.len + 2);
        if (memchr(name.ptr, ':', name.len) == NULL)
            return false;
    } else if (host.len > 0 && memchr(host.ptr, ':', host.len) != NULL) {
        size_t length = (size_t)((const char *)memchr(host.ptr, ':', host.len) - host.ptr);
        name.len = length;
        rest = slice_drop(host, length);
    }
    bool port_good = rest.len == 0 || (rest.ptr[0] == ':' && is_port(slice_drop(rest, 1)));
    return port_good && is_loopback_name(name);
}

struct slice guard_cookie(struct slice field, const char *name)
{
    while (field.len > 0) {
        struct slice rest, value;
        struct slice pair = slice_trim(slice_split(field, ';', &rest));
        struct slice key = slice_split(pair, '=', &value);
        if (memchr(pair.ptr, '=', pair.len) != NULL && slice_equal(key, slice_of(name)))
            return value;
        field = rest;
    }
    return (struct slice){NULL, 0};
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87 : -1;
}

/* In place; "+" is a blank in forms alone. */
static size_t decode(char *text, size_t length, bool form)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        bool escape =
            text[i] == '%' && i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
        if (escape) {
            text[used++] = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            text[used++] = form && text[i] == '+' ? ' ' : text[i];
        }
    }
    return used;
}

struct slice guard_form_field(char *form, size_t length, const char *name)
{
    size_t name_length = strlen(name), at = 0;
    while (at < length) {
        char *end = memchr(form + at, '&', length - at);
        size_t field = end != NULL ? (size_t)(end - form) - at : length - at;
        bool is_it = field > name_length && memcmp(form + at, name, name_length) == 0 &&
                     form[at + name_length] == '=';
        if (is_it) {
            char *value = form + at + name_length + 1;
            return (struct slice){value, decode(value, field - name_length - 1, true)};
        }
        at += field + 1;
    }
    return (struct slice){NULL, 0};
}

/* --- paths ------------------------------------------------------------------------------------ */

static bool takes_name(const char *route)
{
    size_t length = strlen(route);
    return length > 1 && route[length - 1] == '/';
}

bool guard_route_fits(const char *route, const char *path)
{
    size_t length = strlen(route);
    return takes_name(route) ? strncmp(path, route, length) == 0 && path[length] != '\0'
                             : strcmp(path, route) == 0;
}

const char *guard_route_name(const char *route, const char *path, char **text_r)
{
    if (!takes_name(route))
        return "";
    *text_r = x_strdup(path + strlen(route));
    size_t length = decode(*text_r, strlen(*text_r), false);
    (*text_r)[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)(*text_r)[i] < ' ' || (*text_r)[i] == 0x7f)
            return NULL;
    return *text_r;
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* A page of another origin says its own; "null" is said by one that hides it. */
static bool is_same_origin(const struct guard_request *request)
{
    struct slice origin = slice_of(request->origin), scheme = SLICE_LITERAL("http://");
    return slice_starts_nocase(origin, scheme) &&
           slice_equal_nocase(slice_drop(origin, scheme.len), slice_of(request->host));
}

static enum guard_verdict check_token(const struct guard *guard,
                                      const struct guard_request *request)
{
    struct slice bearer = SLICE_LITERAL("Bearer ");
    if (request->authorization != NULL) {
        struct slice field = slice_of(request->authorization);
        bool shown = slice_starts_nocase(field, bearer) &&
                     guard_equal(guard->token, slice_trim(slice_drop(field, bearer.len)));
        return shown ? GUARD_PASS : GUARD_WRONG_TOKEN;
    }
    struct slice session = {NULL, 0};
    if (request->cookie != NULL)
        session = guard_cookie(slice_of(request->cookie), GUARD_COOKIE);
    if (session.ptr == NULL)
        return GUARD_NO_TOKEN;
    return guard_equal(guard->session, session) ? GUARD_PASS : GUARD_NO_TOKEN;
}

enum guard_verdict guard_check(const struct guard *guard, const struct guard_request *request)
{
    if (request->host == NULL || !guard_host_is_loopback(slice_of(request->host)))
        return GUARD_WRONG_HOST;
    if (request->origin != NULL && !is_same_origin(request))
        return GUARD_WRONG_ORIGIN;
    if (request->is_public)
        return GUARD_PASS;
    enum guard_verdict verdict = check_token(guard, request);
    if (verdict != GUARD_PASS)
        return verdict;
    return request->post && !guard->commands ? GUARD_NO_COMMANDS : GUARD_PASS;
}

const char *guard_text(enum guard_verdict verdict)
{
    static const char *const texts[] = {
        [GUARD_PASS] = "",
        [GUARD_WRONG_HOST] = "the Host field must name localhost or a loopback address",
        [GUARD_WRONG_ORIGIN] = "asked by a page of another origin",
        [GUARD_NO_COMMANDS] =
            "commands are taken on the Unix socket only, unless status_commands = true",
        [GUARD_NO_TOKEN] = ("expected Authorization: Bearer TOKEN, with the token of "
                            "status_token_file, or a login at /"),
        [GUARD_WRONG_TOKEN] = "the token is not that of status_token_file",
    };
    return texts[verdict];
}

/* --- secrets ---------------------------------------------------------------------------------- */

static bool is_token(struct slice text)
{
    bool good = text.len >= GUARD_TOKEN_MIN && text.len <= GUARD_TOKEN_MAX;
    for (size_t i = 0; i < text.len && good; i++)
        good = text.ptr[i] > ' ' && text.ptr[i] < 0x7f;
    return good;
}

int guard_read_token(const char *path, char **token_r, struct err *err_r)
{
    char text[GUARD_TOKEN_MAX + 2] = "";
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err_r, "status_token_file %s", path);
    bool open_to_all = fstat(fd, &about) == 0 && (about.st_mode & 07) != 0;
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    if (open_to_all)
        return err_set(err_r,
                       "status_token_file %s: everybody may read it; expected chmod o=", path);
    struct slice token = {text, length > 0 ? (size_t)length : 0};
    if (token.len > 0 && token.ptr[token.len - 1] == '\n')
        token.len--;
    if (!is_token(token))
        return err_set(err_r,
                       "status_token_file %s: expected one line of %d to %d visible characters, "
                       "such as \"openssl rand -hex 32\" prints",
                       path, GUARD_TOKEN_MIN, GUARD_TOKEN_MAX);
    *token_r = x_strndup(token.ptr, token.len);
    return 0;
}

void guard_draw_session(struct guard *guard)
{
    unsigned char octets[GUARD_SESSION / 2];
    ssize_t drawn = getrandom(octets, sizeof octets, 0);
    assert(drawn == (ssize_t)sizeof octets);
    for (size_t i = 0; i < sizeof octets; i++)
        snprintf(guard->session + 2 * i, 3, "%02x", octets[i]);
}
