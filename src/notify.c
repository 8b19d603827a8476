/* notify: see notify.h.
 * Owns: nothing.
 * Must never wait for the service manager. */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"

enum { MICROSECONDS = 1000000, TEXT_SIZE = 512 };

/* False: nobody is to be told. A name that begins with "@" is in the abstract namespace. */
static int find_manager(struct sockaddr_un *address_r, socklen_t *length_r)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address_r->sun_path)
        return -1;
    memcpy(address_r->sun_path, path, strlen(path));
    if (path[0] == '@')
        address_r->sun_path[0] = '\0';
    *length_r = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    return 0;
}

void notify(const char *format, ...)
{
    char text[TEXT_SIZE];
    struct sockaddr_un address;
    socklen_t length;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (find_manager(&address, &length) != 0)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
           length);
    close(fd);
}

void notify_reloading(const char *status)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=%s",
           (long long)now.tv_sec * MICROSECONDS + now.tv_nsec / 1000, status);
}

unsigned notify_watchdog_interval(void)
{
    uint64_t microseconds = 0, pid = 0;
    const char *owner = getenv("WATCHDOG_PID");
    if (slice_to_number(slice_of(getenv("WATCHDOG_USEC")), UINT32_MAX, &microseconds) != 0 ||
        microseconds == 0)
        return 0;
    if (owner != NULL &&
        (slice_to_number(slice_of(owner), INT32_MAX, &pid) != 0 || pid != (uint64_t)getpid()))
        return 0;
    unsigned interval = (unsigned)(microseconds / 2 / MICROSECONDS);
    return interval > 0 ? interval : 1;
}
