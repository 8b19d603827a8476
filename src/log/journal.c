/* journal: see journal.h. The journal's socket is held by systemd itself: it stays connected while journald is restarted.
 * Owns: the socket, and whether its reader stands still.
 * Must never hand out a field whose value ends early: one with a line end in it is sent with its length. */
#include "log/journal.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "log/outlet.h"

enum { NAME_LENGTH = 64 }; /* the longest that the journal takes */

static struct {
    int fd; /* 0: none; it is never that of standard input */
    atomic_bool stalled;
} journal;

bool journal_is_open(void)
{
    return journal.fd > 0;
}

bool journal_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (journal.fd > 0)
        close(journal.fd);
    journal.fd = 0;
    atomic_store(&journal.stalled, false);
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd > 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        journal.fd = fd;
    else if (fd >= 0)
        close(fd);
    return journal_is_open();
}

/* --- fields -------------------------------------------------------------------------------------- */

static char in_a_name(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

static size_t write_name(char name_r[NAME_LENGTH], const char *key)
{
    static const char prefix[] = "DANEWAY_";
    size_t length = sizeof(prefix) - 1;
    memcpy(name_r, prefix, length);
    while (*key != '\0' && length < NAME_LENGTH)
        name_r[length++] = in_a_name(*key++);
    return length;
}

static char *append(char *to, const void *octets, size_t count)
{
    memcpy(to, octets, count);
    return to + count;
}

void journal_field(char *text, unsigned *used, size_t size, const char *key, struct slice value)
{
    char name[NAME_LENGTH];
    size_t name_length = write_name(name, key);
    bool many_lines = value.len > 0 && memchr(value.ptr, '\n', value.len) != NULL;
    uint64_t length = htole64(value.len);
    if (*used + name_length + 2 + sizeof(length) + value.len > size)
        return;
    char *to = append(text + *used, name, name_length);
    to = append(to, many_lines ? "\n" : "=", 1);
    if (many_lines)
        to = append(to, &length, sizeof(length));
    if (value.len > 0)
        to = append(to, value.ptr, value.len);
    to = append(to, "\n", 1);
    *used = (unsigned)(to - text);
}

/* --- entries ------------------------------------------------------------------------------------- */

/* True: there may be room now. */
static bool wait_for_room(void)
{
    struct pollfd room = {.fd = journal.fd, .events = POLLOUT};
    if (atomic_load(&journal.stalled))
        return false;
    if (poll(&room, 1, OUTLET_PATIENCE) > 0)
        return true;
    atomic_store(&journal.stalled, true);
    return false;
}

bool journal_send(int priority, struct slice line, struct slice fields)
{
    char head[64], end[] = "\n";
    int length =
        snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_IDENTIFIER=danewayd\nMESSAGE=", priority);
    struct iovec parts[] = {{head, (size_t)length},
                            {(char *)line.ptr, line.len},
                            {end, 1},
                            {(char *)fields.ptr, fields.len}};
    struct msghdr entry = {.msg_iov = parts, .msg_iovlen = sizeof(parts) / sizeof(parts[0])};
    ssize_t sent;
    do
        sent = sendmsg(journal.fd, &entry, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room())));
    if (sent >= 0)
        atomic_store(&journal.stalled, false);
    return sent >= 0;
}
