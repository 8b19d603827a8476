/* http: asks the daemon on its status socket.
 * Owns: nothing; the caller gets the answer.
 * One request a connection, HTTP/1.0: the answer ends where the connection does.
 * Must never speak to anything but a Unix socket. */
#ifndef DANEWAY_CLI_HTTP_H
#define DANEWAY_CLI_HTTP_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* The target of a request, grown part by part: "/queue", then "?next_hop=...", "&queue_id=...". */
struct http_target {
    char text[2048];
    unsigned used, parameters;
    unsigned
        patience; /* seconds that the answer may take; 0: as long as a silent worker needs to be noticed */
    bool too_long; /* parameters were left out: it must not be asked */
};
enum { QUEUE_PATIENCE = 620 }; /* for what goes through the whole queue */
void http_target_begin(struct http_target *target, const char *path);
/* Percent-encodes the value. NULL: the parameter is left out. */
void http_target_add(struct http_target *target, const char *name, const char *value);

enum { HTTP_REFUSED = -2, HTTP_ABSENT = -3 };
/* -1: the daemon is not there, or does not answer. HTTP_REFUSED: it says what is wrong with the
 * question; HTTP_ABSENT: it has no such thing, as it is configured. err_r says it. New reference. */
int http_ask(const char *socket_path, const char *method, const struct http_target *target,
             json_t **json_r, struct err *err_r);
/* The body of a whole answer and its status; 0 or -1. For http_ask and its test. */
int http_parse_answer(struct slice answer, int *status_r, struct slice *body_r);

#endif
