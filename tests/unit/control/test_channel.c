/* Messages over real socket pairs: framing, size, order, and what a role that died in the middle
 * leaves behind. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "control/channel.h"

struct inbox {
    struct loop *loop;
    size_t count, wanted;
    json_int_t numbers[1000];
    size_t last_length;
};

static void take(void *arg, json_t *message)
{
    struct inbox *inbox = arg;
    if (inbox->count < 1000)
        inbox->numbers[inbox->count] = json_integer_value(json_object_get(message, "n"));
    inbox->last_length = json_string_length(json_object_get(message, "text"));
    if (++inbox->count == inbox->wanted)
        loop_stop(inbox->loop);
}

static void send_number(struct channel *channel, int number, const char *text)
{
    json_t *message = json_pack("{si ss}", "n", number, "text", text);
    cr_assert(eq(int, channel_send(channel, message), 0));
    json_decref(message);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(struct loop *loop, int ms)
{
    struct loop_timer *timer = loop_timer_create(loop, stop, loop);
    loop_timer_set(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

struct pair {
    struct loop *loop;
    int fds[2];
    struct inbox inbox;
    struct channel *from, *to;
};

static void pair_begin(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair->fds), 0));
    pair->loop = pair->inbox.loop = loop_create();
    pair->from = channel_create(pair->loop, pair->fds[0], take, &pair->inbox);
    pair->to = channel_create(pair->loop, pair->fds[1], take, &pair->inbox);
}

static void pair_end(struct pair *pair)
{
    channel_free(&pair->from);
    channel_free(&pair->to);
    loop_free(&pair->loop);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

Test(channel, keeps_order_and_content)
{
    struct pair pair;
    pair_begin(&pair);
    for (int i = 0; i < 500; i++)
        send_number(pair.from, i, "x");
    pair.inbox.wanted = 500;
    loop_run(pair.loop);
    for (int i = 0; i < 500; i++)
        cr_assert(eq(int, (int)pair.inbox.numbers[i], i));
    pair_end(&pair);
}

Test(channel, carries_more_than_the_socket_holds)
{
    struct pair pair;
    size_t length = 20 * 1000 * 1000;
    char *text = x_malloc(length + 1);
    memset(text, 'a', length);
    text[length] = '\0';
    pair_begin(&pair);
    send_number(pair.from, 1, text);
    cr_assert(lt(sz, 0, channel_unsent(pair.from)), "sending does not wait for the reader");
    pair.inbox.wanted = 1;
    loop_run(pair.loop);
    cr_assert(eq(sz, pair.inbox.last_length, length));
    cr_assert(eq(sz, channel_unsent(pair.from), 0));
    free(text);
    pair_end(&pair);
}

Test(channel, refuses_when_too_much_waits)
{
    struct pair pair;
    size_t length = CHANNEL_MESSAGE_LIMIT / 2;
    char *text = x_malloc(length + 1);
    memset(text, 'a', length);
    text[length] = '\0';
    pair_begin(&pair);
    send_number(pair.from, 1, text);
    json_t *message = json_pack("{ss}", "text", text);
    int second = channel_send(pair.from, message), third = channel_send(pair.from, message);
    cr_assert(eq(int, second, 0));
    cr_assert(eq(int, third, -1));
    json_decref(message);
    free(text);
    pair_end(&pair);
}

/* A worker died after some packets of a message; its successor uses the same end of the pair. */
Test(channel, forgets_the_half_message_of_a_role_that_died)
{
    struct pair pair;
    struct {
        uint32_t sender, number, total, offset;
        char content[100];
    } packet = {.sender = 1, .number = 9, .total = 5000};
    pair_begin(&pair);
    cr_assert(eq(int, (int)send(pair.fds[0], &packet, sizeof packet, 0), (int)sizeof packet));
    send_number(pair.from, 42, "whole");
    run_for(pair.loop, 50);
    cr_assert(eq(sz, pair.inbox.count, 1));
    cr_assert(eq(int, (int)pair.inbox.numbers[0], 42));
    pair_end(&pair);
}

/* A role began to read after the first packets of a message had gone to its predecessor. */
Test(channel, forgets_a_message_whose_beginning_it_has_not_seen)
{
    struct pair pair;
    struct {
        uint32_t sender, number, total, offset;
        char content[100];
    } packet = {.sender = 1, .number = 9, .total = 200, .offset = 100};
    pair_begin(&pair);
    cr_assert(eq(int, (int)send(pair.fds[0], &packet, sizeof packet, 0), (int)sizeof packet));
    send_number(pair.from, 43, "whole");
    run_for(pair.loop, 50);
    cr_assert(eq(sz, pair.inbox.count, 1));
    cr_assert(eq(int, (int)pair.inbox.numbers[0], 43));
    pair_end(&pair);
}

Test(channel, stays_up_when_packets_are_nonsense)
{
    struct pair pair;
    static const uint32_t nonsense[][6] = {
        {1, 1, 0, 0, 7, 7},          /* a message of no length */
        {1, 1, 4, 8, 7, 7},          /* an offset behind the end */
        {1, 1, 4, 0, 7, 7},          /* more content than announced */
        {1, 1, 0xffffffff, 0, 7, 7}, /* beyond the limit */
        {1, 1, 8, 0, 7, 7},          /* whole, but not JSON */
    };
    pair_begin(&pair);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        send(pair.fds[0], nonsense[i], sizeof nonsense[i], 0);
    send(pair.fds[0], nonsense, 3, 0);
    send_number(pair.from, 44, "whole");
    run_for(pair.loop, 50);
    cr_assert(eq(sz, pair.inbox.count, 1));
    pair_end(&pair);
}
