/* handed: see handed.h. A socket is recognised by where it listens; its name is for messages.
 * Owns: those that nobody has taken yet.
 * Must never believe variables that are meant for another process. */
#include "handed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"

enum { FIRST = 3 /* SD_LISTEN_FDS_START */, MOST = 1024 };

struct socket {
    int fd; /* -1: taken */
    char *name;
    bool from_systemd;
};

struct handed {
    struct socket *list;
    size_t count;
};

static void add(struct handed *handed, int fd, struct slice name, bool from_systemd)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    handed->list = x_realloc(handed->list, (handed->count + 1) * sizeof *handed->list);
    handed->list[handed->count++] =
        (struct socket){fd, x_printf("%.*s", SLICE_ARG(name)), from_systemd};
}

void handed_add(struct handed *handed, int fd)
{
    add(handed, fd, SLICE_LITERAL(""), false);
}

struct handed *handed_by_systemd(void)
{
    struct handed *handed = x_calloc(1, sizeof *handed);
    uint64_t pid = 0, count = 0;
    if (slice_to_number(slice_of(getenv("LISTEN_PID")), INT32_MAX, &pid) == 0 &&
        slice_to_number(slice_of(getenv("LISTEN_FDS")), MOST, &count) == 0 &&
        pid == (uint64_t)getpid()) {
        struct slice names = slice_of(getenv("LISTEN_FDNAMES"));
        for (int i = 0; i < (int)count; i++)
            add(handed, FIRST + i, slice_split(names, ':', &names), true);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return handed;
}

void handed_free(struct handed **handed)
{
    if (*handed == NULL)
        return;
    for (size_t i = 0; i < (*handed)->count; i++) {
        if ((*handed)->list[i].fd >= 0)
            close((*handed)->list[i].fd);
        free((*handed)->list[i].name);
    }
    free((*handed)->list);
    free(*handed);
    *handed = NULL;
}

/* --- where they listen ------------------------------------------------------------------------ */

union place {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_un local;
};

static bool place_of(int fd, union place *place_r)
{
    socklen_t length = sizeof *place_r;
    memset(place_r, 0, sizeof *place_r);
    return getsockname(fd, &place_r->any, &length) == 0;
}

static int option_of(int fd, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, option, &value, &length) == 0 ? value : -1;
}

static bool listens_at(int fd, const struct listen_address *wanted)
{
    union place place;
    struct address address;
    uint16_t port = 0;
    if (!place_of(fd, &place) || option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1 ||
        option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
        return false;
    if (wanted->path != NULL)
        return place.any.sa_family == AF_UNIX && strcmp(place.local.sun_path, wanted->path) == 0;
    address_from_sockaddr(&place.any, &address, &port);
    if (place.any.sa_family == AF_INET6 && option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1)
        return false; /* it would take IPv4, too */
    return address_equal(&address, &wanted->address) && port == wanted->port;
}

int handed_take(struct handed *handed, const struct listen_address *address)
{
    for (size_t i = 0; i < handed->count; i++) {
        int fd = handed->list[i].fd;
        if (fd < 0 || !listens_at(fd, address))
            continue;
        handed->list[i].fd = -1;
        return fd;
    }
    return -1;
}

static void describe(int fd, char *text_r, size_t size)
{
    union place place;
    struct address address;
    uint16_t port = 0;
    char text[ADDRESS_TEXT];
    if (!place_of(fd, &place)) {
        snprintf(text_r, size, "no socket");
    } else if (place.any.sa_family == AF_UNIX) {
        snprintf(text_r, size, "a socket at %s", place.local.sun_path);
    } else {
        address_from_sockaddr(&place.any, &address, &port);
        snprintf(text_r, size, "a socket at %s port %u", address_format(&address, text),
                 (unsigned)port);
    }
}

int handed_check_rest(const struct handed *handed, struct err *err_r)
{
    char text[160];
    for (size_t i = 0; i < handed->count; i++) {
        const struct socket *socket = &handed->list[i];
        if (socket->fd < 0 || !socket->from_systemd)
            continue;
        describe(socket->fd, text, sizeof text);
        return err_set(err_r,
                       "descriptor %d, \"%s\", that systemd hands on is %s; expected a listening "
                       "stream socket at an address of intake.listen, "
                       "policy_service.socketmap_listen or status_socket (IPv6: with "
                       "BindIPv6Only=ipv6-only)",
                       FIRST + (int)i, socket->name, text);
    }
    return 0;
}
