/* http: asks the daemon on its status socket.
 * Owns: nothing; the caller gets the answer.
 * The daemon itself waits 5 seconds for a silent worker, so that the limit here is longer.
 * Must never speak to anything but a Unix socket. */
#include "cli/http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/progress.h"

enum {
    ANSWER_LIMIT = 512 * 1024 * 1024,
    PATIENCE = 20 /* seconds */,
    HTTP_FINE = 200,
    HTTP_WRONG = 400,
    HTTP_NOT_THERE = 404,
};

/* --- the target ------------------------------------------------------------------------------- */

static void put(struct http_target *target, const char *text, size_t length)
{
    if (target->used + length >= sizeof target->text) {
        target->too_long = true;
        return;
    }
    memcpy(target->text + target->used, text, length);
    target->used += (unsigned)length;
    target->text[target->used] = '\0';
}

void http_target_begin(struct http_target *target, const char *path)
{
    *target = (struct http_target){.used = 0};
    put(target, path, strlen(path));
}

void http_target_add(struct http_target *target, const char *name, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    if (value == NULL)
        return;
    put(target, target->parameters++ == 0 ? "?" : "&", 1);
    put(target, name, strlen(name));
    put(target, "=", 1);
    for (const char *c = value; *c != '\0'; c++) {
        char encoded[4];
        snprintf(encoded, sizeof encoded, "%%%02X", (unsigned char)*c);
        if (strchr(plain, *c) != NULL)
            put(target, c, 1);
        else
            put(target, encoded, 3);
    }
}

/* --- the connection --------------------------------------------------------------------------- */

static int connect_to(const char *path, unsigned seconds, int *fd_r, struct err *err_r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = seconds > 0 ? seconds : PATIENCE};
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err_r, "status_socket %s: the path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_system(err_r, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        *fd_r = fd;
        return 0;
    }
    if (errno == ECONNREFUSED || errno == ENOENT)
        err_set(err_r, "danewayd does not run: nobody listens on %s", path);
    else
        err_system(err_r, "%s", path);
    close(fd);
    return -1;
}

static int send_request(int fd, const char *method, const char *target, struct err *err_r)
{
    char *request =
        x_printf("%s %s HTTP/1.0\r\nHost: danewayd\r\nContent-Length: 0\r\n\r\n", method, target);
    size_t length = strlen(request), sent = 0;
    while (sent < length) {
        ssize_t count = send(fd, request + sent, length - sent, MSG_NOSIGNAL);
        if (count < 0)
            break;
        sent += (size_t)count;
    }
    free(request);
    return sent == length ? 0 : err_system(err_r, "danewayd took no request");
}

/* What the daemon does for long, it answers at the end. */
static void wait_patiently(int fd, unsigned seconds)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    for (unsigned i = 1; i <= seconds && poll(&waiting, 1, 1000) == 0; i++)
        progress_say(i, seconds, "seconds that the daemon may take");
    progress_end();
}

static int read_answer(int fd, struct buffer *answer, struct err *err_r)
{
    char part[16 * 1024];
    ssize_t count;
    while ((count = recv(fd, part, sizeof part, 0)) > 0)
        if (buffer_append(answer, part, (size_t)count) != 0)
            return err_set(err_r, "the answer of danewayd is too long");
    return count == 0 ? 0 : err_system(err_r, "danewayd does not answer");
}

/* --- the answer ------------------------------------------------------------------------------- */

int http_parse_answer(struct slice answer, int *status_r, struct slice *body_r)
{
    uint64_t status;
    const char *end = answer.len > 0 ? memmem(answer.ptr, answer.len, "\r\n\r\n", 4) : NULL;
    if (end == NULL || !slice_starts_nocase(answer, SLICE_LITERAL("HTTP/1.")) || answer.len < 12)
        return -1;
    if (slice_to_number(slice_take(slice_drop(answer, 9), 3), 999, &status) != 0)
        return -1;
    *status_r = (int)status;
    *body_r = slice_drop(answer, (size_t)(end - answer.ptr) + 4);
    return 0;
}

static int parse_json(struct slice answer, json_t **json_r, struct err *err_r)
{
    int status;
    struct slice body;
    json_error_t error;
    if (http_parse_answer(answer, &status, &body) != 0)
        return err_set(err_r, "the answer of danewayd is not HTTP");
    json_t *json = json_loadb(body.ptr, body.len, 0, &error);
    if (json == NULL)
        return err_set(err_r, "the answer of danewayd is not JSON: %s", error.text);
    if (status == HTTP_FINE) {
        *json_r = json;
        return 0;
    }
    const char *text = json_string_value(json_object_get(json, "error"));
    if ((status == HTTP_WRONG || status == HTTP_NOT_THERE) && text != NULL)
        err_set(err_r, "%s", text);
    else
        err_set(err_r, "danewayd answers %d: %s", status, text != NULL ? text : "");
    json_decref(json);
    return status == HTTP_WRONG ? HTTP_REFUSED : status == HTTP_NOT_THERE ? HTTP_ABSENT : -1;
}

int http_ask(const char *socket_path, const char *method, const struct http_target *target,
             json_t **json_r, struct err *err_r)
{
    int fd = -1;
    struct buffer answer;
    if (target->too_long) {
        err_set(err_r, "the question is too long: its names have more than %zu octets",
                sizeof target->text);
        return HTTP_REFUSED;
    }
    if (connect_to(socket_path, target->patience, &fd, err_r) != 0)
        return -1;
    buffer_init(&answer, ANSWER_LIMIT);
    int result = send_request(fd, method, target->text, err_r);
    if (result == 0)
        wait_patiently(fd, target->patience);
    if (result == 0)
        result = read_answer(fd, &answer, err_r);
    if (result == 0)
        result = parse_json(buffer_slice(&answer), json_r, err_r);
    buffer_release(&answer);
    close(fd);
    return result;
}
