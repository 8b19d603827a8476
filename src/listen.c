/* listen: binds the listeners, before the roles are forked and privileges are gone.
 * Owns: nothing; the caller owns the descriptors. All workers accept from the same descriptors: a
 * worker that dies takes no waiting connection with it.
 * Must never accept. */
#include "listen.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

enum { BACKLOG = 1024 };

static int bind_socket(int fd, const struct listen_address *listen_address)
{
    const int on = 1;
    struct sockaddr_storage address;
    socklen_t length =
        address_to_sockaddr(&listen_address->address, listen_address->port, &address);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (address.ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, length) != 0)
        return -1;
    return listen(fd, BACKLOG);
}

static int listen_one(const struct listen_address *listen_address, int *fd_r, struct err *err_r)
{
    int family = listen_address->address.family == 6 ? AF_INET6 : AF_INET;
    char text[ADDRESS_TEXT];
    address_format(&listen_address->address, text);
    *fd_r = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd_r < 0)
        return err_system(err_r, "intake.listen %s port %u", text, (unsigned)listen_address->port);
    if (bind_socket(*fd_r, listen_address) == 0)
        return 0;
    err_system(err_r, "intake.listen %s port %u", text, (unsigned)listen_address->port);
    close(*fd_r);
    return -1;
}

int listen_all(const struct listen_address *addresses, size_t count, int **fds_r, struct err *err_r)
{
    int *fds = x_calloc(count + 1, sizeof *fds);
    for (size_t i = 0; i < count; i++) {
        if (listen_one(&addresses[i], &fds[i], err_r) == 0)
            continue;
        while (i > 0)
            close(fds[--i]);
        free(fds);
        return -1;
    }
    *fds_r = fds;
    return 0;
}
