/* channel: JSON messages between a worker and the control role, over an inherited socket pair.
 * Owns: what waits to be sent and what has arrived in part. Each packet says whose it is, which
 * message it belongs to and where in it: see struct packet_header.
 * Must never block; must never trust that its predecessor finished what it began to send. */
#include "control/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "log/log.h"

/* In the machine's own byte order: both ends are the same program on the same machine. */
struct packet_header {
    uint32_t sender; /* process id: a restarted role is another sender */
    uint32_t number; /* of the message */
    uint32_t total, offset;
};

enum { PACKETS_A_TURN = 64 };

struct outgoing {
    struct outgoing *next;
    uint32_t number;
    uint32_t length, sent;
    char *text;
};

struct channel {
    struct loop_io *io;
    int fd;
    channel_message_fn *fn;
    void *arg;

    uint32_t next_number;
    struct outgoing *first, **end;
    size_t unsent;

    struct packet_header part; /* of the message arriving; total 0: none */
    char *arrived;             /* part.total octets, of which part.offset are there */
};

static void outgoing_free(struct outgoing *message)
{
    free(message->text);
    free(message);
}

/* True: the packet has left. */
static bool send_packet(struct channel *channel, struct outgoing *message)
{
    uint32_t length = message->length - message->sent;
    if (length > CHANNEL_PACKET)
        length = CHANNEL_PACKET;
    struct packet_header header = {.sender = (uint32_t)getpid(),
                                   .number = message->number,
                                   .total = message->length,
                                   .offset = message->sent};
    struct iovec parts[2] = {{&header, sizeof header}, {message->text + message->sent, length}};
    struct msghdr packet = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(channel->fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return false;
    message->sent += length;
    channel->unsent -= length;
    return true;
}

static void send_waiting(struct channel *channel)
{
    while (channel->first != NULL && send_packet(channel, channel->first)) {
        struct outgoing *message = channel->first;
        if (message->sent < message->length)
            continue;
        channel->first = message->next;
        if (channel->first == NULL)
            channel->end = &channel->first;
        outgoing_free(message);
    }
    loop_io_want(channel->io, LOOP_READ | (channel->first != NULL ? (unsigned)LOOP_WRITE : 0));
}

int channel_send(struct channel *channel, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    assert(text != NULL);
    size_t length = strlen(text);
    if (length + channel->unsent > CHANNEL_MESSAGE_LIMIT) {
        free(text);
        return -1;
    }
    struct outgoing *outgoing = x_calloc(1, sizeof *outgoing);
    outgoing->number = channel->next_number++;
    outgoing->length = (uint32_t)length;
    outgoing->text = text;
    *channel->end = outgoing;
    channel->end = &outgoing->next;
    channel->unsent += length;
    send_waiting(channel);
    return 0;
}

static void drop_part(struct channel *channel)
{
    free(channel->arrived);
    channel->arrived = NULL;
    channel->part = (struct packet_header){0};
}

/* Does this packet continue, or begin, a message? A leftover of a predecessor does neither. */
static bool packet_fits(struct channel *channel, const struct packet_header *header, size_t length)
{
    if (header->total == 0 || header->total > CHANNEL_MESSAGE_LIMIT ||
        header->offset > header->total || length > header->total - header->offset)
        return false;
    if (header->offset == 0) {
        drop_part(channel);
        channel->part = *header;
        channel->arrived = x_malloc(header->total);
        return true;
    }
    return channel->arrived != NULL && header->sender == channel->part.sender &&
           header->number == channel->part.number && header->total == channel->part.total &&
           header->offset == channel->part.offset;
}

static void hand_over(struct channel *channel)
{
    json_error_t error;
    json_t *message = json_loadb(channel->arrived, channel->part.total, 0, &error);
    drop_part(channel);
    if (json_is_object(message))
        channel->fn(channel->arg, message);
    else
        log_event(LOG_LEVEL_ERROR, "channel", "a message is no JSON object: %s", error.text);
    json_decref(message);
}

static void take_packet(struct channel *channel, const char *packet, size_t size)
{
    struct packet_header header;
    if (size <= sizeof header)
        return;
    memcpy(&header, packet, sizeof header);
    size_t length = size - sizeof header;
    if (!packet_fits(channel, &header, length)) {
        drop_part(channel);
        return;
    }
    memcpy(channel->arrived + channel->part.offset, packet + sizeof header, length);
    channel->part.offset += (uint32_t)length;
    if (channel->part.offset == channel->part.total)
        hand_over(channel);
}

/* False: there is nothing more now. */
static bool receive_packet(struct channel *channel)
{
    char packet[sizeof(struct packet_header) + CHANNEL_PACKET];
    ssize_t size = recv(channel->fd, packet, sizeof packet, MSG_DONTWAIT);
    if (size < 0)
        return errno == EINTR;
    if (size == 0) { /* nobody has the other end any more: the supervisor is gone */
        loop_io_want(channel->io, 0);
        return false;
    }
    take_packet(channel, packet, (size_t)size);
    return true;
}

void channel_receive(struct channel *channel)
{
    while (receive_packet(channel))
        ;
}

void channel_wait(struct channel *channel, int ms)
{
    struct pollfd waits = {.fd = channel->fd, .events = POLLIN};
    if (channel->first != NULL)
        waits.events |= POLLOUT;
    if (poll(&waits, 1, ms) <= 0)
        return;
    send_waiting(channel);
    channel_receive(channel);
}

static void on_ready(void *arg, unsigned ready)
{
    struct channel *channel = arg;
    if (ready & LOOP_WRITE)
        send_waiting(channel);
    if (ready & LOOP_READ)
        for (int i = 0; i < PACKETS_A_TURN && receive_packet(channel); i++)
            ;
}

struct channel *channel_create(struct loop *loop, int fd, channel_message_fn *fn, void *arg)
{
    struct channel *channel = x_calloc(1, sizeof *channel);
    channel->fd = fd;
    channel->fn = fn;
    channel->arg = arg;
    channel->end = &channel->first;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    channel->io = loop_io_create(loop, fd, on_ready, channel);
    loop_io_want(channel->io, LOOP_READ);
    return channel;
}

void channel_free(struct channel **channel)
{
    if (*channel == NULL)
        return;
    loop_io_free(&(*channel)->io);
    for (struct outgoing *next, *message = (*channel)->first; message != NULL; message = next) {
        next = message->next;
        outgoing_free(message);
    }
    free((*channel)->arrived);
    free(*channel);
    *channel = NULL;
}

size_t channel_unsent(const struct channel *channel)
{
    return channel->unsent;
}
