/* guard: who may ask over TCP: everything that decides it, as functions of the request's own words.
 * Owns: nothing; pure. On the Unix socket the file's mode decides, and none of this is asked.
 * A browser on the same machine is the danger: any page it shows can make it send requests here, under a name of its own
 * that resolves to 127.0.0.1 (DNS rebinding). So the Host field must name loopback, nothing is shared with other origins,
 * and a token must be shown: as Authorization: Bearer TOKEN, or as the cookie that the login form gave for it.
 * Must never tell by its time how much of a token was right. */
#ifndef DANEWAY_CONTROL_GUARD_H
#define DANEWAY_CONTROL_GUARD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum { GUARD_TOKEN_MIN = 16, GUARD_TOKEN_MAX = 256, GUARD_SESSION = 64 /* hexadecimal digits */ };
#define GUARD_COOKIE "daneway-session"

enum guard_verdict {
    GUARD_PASS,
    GUARD_WRONG_HOST,
    GUARD_WRONG_ORIGIN,
    GUARD_NO_COMMANDS, /* POST, where only GET is allowed */
    GUARD_NO_TOKEN,
    GUARD_WRONG_TOKEN,
};
struct guard {
    const char *token;               /* of the file */
    char session[GUARD_SESSION + 1]; /* what the cookie holds: drawn anew by each process */
    bool commands;
};
/* What the request says; NULL: it has no such field. */
struct guard_request {
    bool post, is_public; /* public: page, style, script, the login itself: they show nothing */
    const char *host, *origin, *authorization, *cookie;
};
enum guard_verdict guard_check(const struct guard *guard, const struct guard_request *request);
/* A sentence for whoever asked. */
const char *guard_text(enum guard_verdict verdict);

/* Equal, in a time that depends on the length of `given` alone. */
bool guard_equal(const char *expected, struct slice given);
/* "localhost", 127.0.0.0/8 or [::1], with or without a port. */
bool guard_host_is_loopback(struct slice host);
/* The value of a cookie of that name; ptr NULL: there is none. RFC 6265 4.2.1. */
struct slice guard_cookie(struct slice field, const char *name);
/* The value of a field of a form (application/x-www-form-urlencoded), decoded in place; ptr NULL: there is none. */
struct slice guard_form_field(char *form, size_t length, const char *name);

/* A route is a path; one that ends in "/" (but not "/" itself) stands for what follows it: "/destinations/" for
 * "/destinations/example.org". */
bool guard_route_fits(const char *route, const char *path);
/* What follows, percent-decoded, in *text_r, to be freed; "" of a route without. NULL: it holds a control octet, or NUL. */
const char *guard_route_name(const char *route, const char *path, char **text_r);

/* The file's one line, of GUARD_TOKEN_MIN to GUARD_TOKEN_MAX visible characters; free() it. -1: it cannot be read, is readable
 * by everybody, or is no token. */
int guard_read_token(const char *path, char **token_r, struct err *err_r);
/* Draws guard->session. */
void guard_draw_session(struct guard *guard);

#endif
