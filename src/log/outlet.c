/* outlet: see outlet.h. A pipe that is not opened anew would have to be made non-blocking for the shell that gave it to us, too.
 * Owns: what standard error is, and whether its reader stands still.
 * Must never leave half a line without ending it before the next. */
#include "log/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    bool is_socket;
    atomic_bool stalled, torn;
} outlet;

static void open_pipe_anew(void)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return; /* then it is waited for */
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void outlet_open(void)
{
    struct stat status;
    outlet.is_socket = false;
    atomic_store(&outlet.stalled, false);
    if (fstat(STDERR_FILENO, &status) != 0)
        return;
    outlet.is_socket = S_ISSOCK(status.st_mode);
    if (S_ISFIFO(status.st_mode))
        open_pipe_anew();
}

static ssize_t write_some(const char *text, size_t length)
{
    return outlet.is_socket ? send(STDERR_FILENO, text, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : write(STDERR_FILENO, text, length);
}

/* True: there may be room now. */
static bool wait_for_room(void)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (atomic_load(&outlet.stalled))
        return false;
    if (poll(&room, 1, OUTLET_PATIENCE) > 0)
        return true;
    atomic_store(&outlet.stalled, true);
    return false;
}

/* How much of it has left. */
static size_t write_all(const char *text, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t some = write_some(text + done, length - done);
        if (some >= 0)
            done += (size_t)some;
        else if (errno != EINTR && (errno != EAGAIN || !wait_for_room()))
            break;
    }
    return done;
}

bool outlet_write(const char *line, size_t length)
{
    if (atomic_load(&outlet.torn)) {
        if (write_all("\n", 1) != 1)
            return false;
        atomic_store(&outlet.torn, false);
    }
    size_t done = write_all(line, length);
    if (done == length)
        atomic_store(&outlet.stalled, false);
    else if (done > 0)
        atomic_store(&outlet.torn, true);
    return done == length;
}
