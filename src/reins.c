/* reins: see reins.h. Keys go as open descriptors: their texts are never in the supervisor's memory.
 * Owns: descriptors on their way, and texts until they are freed.
 * Must never leave a descriptor open that it was handed. */
#include "reins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum {
    MOST_FILES = 250, /* the kernel hands over 253 */
    MOST_WORDS = 16,  /* heard at a time, whoever goes on talking */
    TEXT_LIMIT = 1 << 20,
    READY = 'r',
};

/* What is in the way of each file; 0: its descriptor is among those handed over. */
struct packet {
    int32_t count;
    int32_t errors[MOST_FILES];
};

int reins_create(int ends_r[2], struct err *err_r)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_r) != 0)
        return err_system(err_r, "socketpair");
    return 0;
}

void reins_say_ready(int end)
{
    const char word = READY;
    send(end, &word, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool reins_heard_ready(int *end)
{
    char word;
    ssize_t got = 1;
    bool ready = false;
    for (int i = 0; i < MOST_WORDS && got == 1; i++) {
        got = recv(*end, &word, 1, MSG_DONTWAIT);
        ready = ready || (got == 1 && word == READY);
    }
    if (got == 0) {
        close(*end);
        *end = -1;
    }
    return ready;
}

/* --- the files -------------------------------------------------------------------------------- */

struct paths {
    const char *list[MOST_FILES];
    size_t count;
};

static void add(struct paths *paths, const char *path)
{
    if (paths->count < MOST_FILES)
        paths->list[paths->count++] = path;
}

static void find_paths(struct paths *paths_r, const struct settings *settings)
{
    const struct report_settings *report = &settings->report;
    paths_r->count = 0;
    if (*settings->intake.certificate != '\0') {
        add(paths_r, settings->intake.certificate);
        add(paths_r, settings->intake.key);
    }
    for (size_t i = 0; i < report->identity_count; i++)
        for (size_t k = 0; k < report->identities[i].dkim_keys.count; k++)
            add(paths_r, report->identities[i].dkim_keys.keys[k].path);
}

/* --- handing over ----------------------------------------------------------------------------- */

union rights {
    struct cmsghdr header;
    char octets[CMSG_SPACE(MOST_FILES * sizeof(int))];
};

static void send_files(int end, struct packet *packet, const int *fds, size_t count)
{
    union rights rights = {.header = {.cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS,
                                      .cmsg_len = CMSG_LEN(count * sizeof(int))}};
    struct iovec data = {packet, sizeof *packet};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    memcpy(CMSG_DATA(&rights.header), fds, count * sizeof(int));
    if (count > 0) {
        message.msg_control = &rights;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    sendmsg(end, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void reins_hand_keys(int end, const struct settings *settings)
{
    struct paths paths;
    struct packet packet = {0};
    int fds[MOST_FILES];
    size_t opened = 0;
    find_paths(&paths, settings);
    packet.count = (int32_t)paths.count;
    for (size_t i = 0; i < paths.count; i++) {
        fds[opened] = open(paths.list[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        packet.errors[i] = fds[opened] < 0 ? errno : 0;
        opened += fds[opened] >= 0;
    }
    send_files(end, &packet, fds, opened);
    while (opened > 0)
        close(fds[--opened]);
}

/* --- taking ----------------------------------------------------------------------------------- */

struct files {
    int fds[MOST_FILES];
    size_t count;
};

static void files_close(struct files *files)
{
    while (files->count > 0)
        close(files->fds[--files->count]);
}

/* One packet; 0, or -1: there is none. */
static int receive_files(int end, struct packet *packet_r, struct files *files_r)
{
    union rights rights;
    struct iovec data = {packet_r, sizeof *packet_r};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    files_r->count = 0;
    ssize_t got = recvmsg(end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
        files_r->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(files_r->fds, CMSG_DATA(header), files_r->count * sizeof(int));
    }
    return 0;
}

struct key_texts {
    struct slice list[MOST_FILES];
    size_t count;
};

static int read_text(struct key_texts *keys, int fd, struct err *err_r)
{
    CLEANUP(buffer_release) struct buffer buffer;
    char part[4096];
    ssize_t got;
    buffer_init(&buffer, TEXT_LIMIT);
    while ((got = read(fd, part, sizeof part)) > 0)
        if (buffer_append(&buffer, part, (size_t)got) != 0)
            return err_set(err_r, "is too large for a key; expected at most %d octets", TEXT_LIMIT);
    if (got < 0)
        return err_system(err_r, "cannot be read");
    struct slice text = buffer_slice(&buffer);
    char *copy = x_malloc(text.len + 1);
    memcpy(copy, text.ptr, text.len);
    explicit_bzero(part, sizeof part);
    explicit_bzero((char *)text.ptr, text.len);
    keys->list[keys->count++] = (struct slice){copy, text.len};
    return 0;
}

static int read_all(struct key_texts *keys, const struct paths *paths, const struct packet *packet,
                    const struct files *files, struct err *err_r)
{
    size_t next = 0;
    for (size_t i = 0; i < paths->count; i++) {
        struct err why;
        bool there = i < (size_t)packet->count && packet->errors[i] == 0 && next < files->count;
        if (!there) {
            errno = i < (size_t)packet->count ? packet->errors[i] : E2BIG;
            return err_system(err_r, "%s", paths->list[i]);
        }
        if (read_text(keys, files->fds[next++], &why) != 0)
            return err_set(err_r, "%s: %s", paths->list[i], why.text);
    }
    return 0;
}

int reins_take_keys(int end, const struct settings *settings, struct key_texts **keys_r,
                    struct err *err_r)
{
    CLEANUP(files_close) struct files files = {.count = 0};
    CLEANUP(key_texts_free) struct key_texts *keys = NULL;
    struct packet packet = {0}, next_packet;
    struct files next;
    struct paths paths;
    bool any = false;
    while (receive_files(end, &next_packet, &next) == 0) {
        files_close(&files);
        files = next;
        packet = next_packet;
        any = true;
    }
    *keys_r = NULL;
    if (!any)
        return 0;
    keys = x_calloc(1, sizeof *keys);
    find_paths(&paths, settings);
    if (read_all(keys, &paths, &packet, &files, err_r) != 0)
        return -1;
    *keys_r = keys;
    keys = NULL;
    return 0;
}

void key_texts_free(struct key_texts **keys)
{
    if (*keys == NULL)
        return;
    for (size_t i = 0; i < (*keys)->count; i++) {
        explicit_bzero((char *)(*keys)->list[i].ptr, (*keys)->list[i].len);
        free((char *)(*keys)->list[i].ptr);
    }
    free(*keys);
    *keys = NULL;
}

const struct slice *key_texts_list(const struct key_texts *keys)
{
    return keys->list;
}
