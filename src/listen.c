/* listen: binds the listeners, before the roles are forked and privileges are gone.
 * Owns: nothing; the caller owns the descriptors. All workers accept from the same descriptors: a
 * worker that dies takes no waiting connection with it.
 * Must never accept. */
#include "listen.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { BACKLOG = 1024, PATIENCE = 60 /* times 50 ms */ };

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

/* Does somebody listen there? What does not answer is left over. */
static bool is_in_use(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool in_use = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                  (errno != ECONNREFUSED && errno != ENOENT);
    int number = errno;
    close(fd);
    errno = number;
    return in_use;
}

static int bind_path(int fd, const struct listen_kind *kind, const char *path)
{
    struct stat status;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    if (lstat(path, &status) == 0) {
        errno = EADDRINUSE;
        if (!S_ISSOCK(status.st_mode) || is_in_use(&address) || unlink(path) != 0)
            return -1;
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, kind->mode) != 0)
        return -1;
    return listen(fd, BACKLOG);
}

/* In the owner's place: the file is his, and his directory need not be open to a root without capabilities. */
static int bind_path_as_owner(int fd, const struct listen_kind *kind, const char *path)
{
    const struct passwd *owner =
        kind->owner != NULL && geteuid() == 0 ? getpwnam(kind->owner) : NULL;
    if (owner == NULL)
        return bind_path(fd, kind, path);
    if (setegid(owner->pw_gid) != 0 || seteuid(owner->pw_uid) != 0)
        return -1;
    int rc = bind_path(fd, kind, path);
    int number = errno;
    if (seteuid(0) != 0 || setegid(0) != 0)
        return -1;
    errno = number;
    return rc;
}

static int bind_once(int fd, const struct listen_kind *kind,
                     const struct listen_address *listen_address)
{
    return listen_address->path != NULL ? bind_path_as_owner(fd, kind, listen_address->path)
                                        : bind_socket(fd, listen_address);
}

/* What a predecessor that was killed held is free when the last of its processes has gone, a moment later. */
static int bind_patiently(int fd, const struct listen_kind *kind,
                          const struct listen_address *listen_address)
{
    static const struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
    int rc = bind_once(fd, kind, listen_address);
    for (int i = 0; rc != 0 && errno == EADDRINUSE && i < PATIENCE; i++) {
        nanosleep(&moment, NULL);
        rc = bind_once(fd, kind, listen_address);
    }
    return rc;
}

static int family_of(const struct listen_address *listen_address)
{
    return listen_address->path != NULL          ? AF_UNIX
           : listen_address->address.family == 6 ? AF_INET6
                                                 : AF_INET;
}

static int fail(const char *option, const struct listen_address *listen_address, struct err *err_r)
{
    char text[ADDRESS_TEXT];
    if (listen_address->path != NULL)
        return err_system(err_r, "%s unix:%s", option, listen_address->path);
    return err_system(err_r, "%s %s port %u", option,
                      address_format(&listen_address->address, text),
                      (unsigned)listen_address->port);
}

static int listen_one(const struct listen_kind *kind, const struct listen_address *listen_address,
                      int *fd_r, struct err *err_r)
{
    *fd_r = socket(family_of(listen_address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd_r < 0)
        return fail(kind->option, listen_address, err_r);
    if (bind_patiently(*fd_r, kind, listen_address) == 0)
        return 0;
    fail(kind->option, listen_address, err_r);
    close(*fd_r);
    return -1;
}

int *listen_adopt(const struct listen_address *addresses, size_t count, struct handed *handed)
{
    int *fds = x_calloc(count + 1, sizeof *fds);
    for (size_t i = 0; i < count; i++)
        fds[i] = handed_take(handed, &addresses[i]);
    return fds;
}

int listen_bind(const struct listen_kind *kind, const struct listen_address *addresses,
                size_t count, int *fds, struct err *err_r)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] < 0 && listen_one(kind, &addresses[i], &fds[i], err_r) != 0)
            return -1;
    return 0;
}
