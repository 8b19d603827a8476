/* Connections go to the process that has least to do; and to anybody when that one does not take them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/acceptor.h"
#include "loop/crowd.h"

static struct loop *loop;
static struct crowd *crowd;
static int listener;
static unsigned taken;

static void take(void *arg, int fd, const struct sockaddr *peer)
{
    (void)arg;
    (void)peer;
    close(fd);
    taken++;
    crowd_tell(crowd, taken);
}

static void set_up(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    loop = loop_create();
    crowd = crowd_create(2);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert(bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0);
    cr_assert(listen(listener, 200) == 0);
}

static void tear_down(void)
{
    close(listener);
    crowd_free(&crowd);
    loop_free(&loop);
}

TestSuite(acceptor, .init = set_up, .fini = tear_down, .timeout = 30);

static void connect_once(void)
{
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    getsockname(listener, (struct sockaddr *)&name, &length);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(connect(fd, (struct sockaddr *)&name, length) == 0);
    close(fd);
}

/* Another process joins as `member` and says what it has to do. */
static void other_tells(unsigned member, unsigned count)
{
    pid_t pid = fork();
    if (pid == 0) {
        crowd_join(crowd, member);
        crowd_tell(crowd, count);
        _exit(0);
    }
    int status;
    cr_assert(waitpid(pid, &status, 0) == pid);
    cr_assert(eq(int, status, 0));
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(int64_t ms)
{
    struct loop_timer *timer = loop_timer_create(loop, stop, loop);
    loop_timer_set(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

Test(acceptor, nobody_is_freer_than_who_has_nothing_to_do)
{
    cr_expect(not(crowd_has_freer(crowd)), "not joined");
    crowd_join(crowd, 0);
    cr_expect(not(crowd_has_freer(crowd)));
    crowd_tell(crowd, 5);
    cr_expect(not(crowd_has_freer(crowd)), "the other one is not there");
    other_tells(1, 5);
    cr_expect(not(crowd_has_freer(crowd)), "the same");
    other_tells(1, 4);
    cr_expect(crowd_has_freer(crowd));
    crowd_leave(crowd, 1);
    cr_expect(not(crowd_has_freer(crowd)), "the other one has gone");
    other_tells(1, 0);
    crowd_leave(crowd, 0);
    cr_expect(not(crowd_has_freer(crowd)), "takes no more");
}

/* A loop that ends in the same turn leaves what was yielded in the queue of the socket. */
Test(acceptor, yields_to_who_is_freer)
{
    crowd_join(crowd, 0);
    crowd_tell(crowd, 1);
    other_tells(1, 0);
    struct acceptor *acceptor = acceptor_create(loop, &listener, 1, crowd, take, NULL);
    connect_once();
    run_for(0);
    cr_expect(eq(uint, taken, 0));
    int fd = accept(listener, NULL, NULL); /* the freer one */
    cr_expect(ge(int, fd, 0));
    close(fd);
    run_for(20 * ACCEPTOR_YIELD_MS);
    cr_expect(eq(uint, taken, 0));
    acceptor_free(&acceptor);
}

Test(acceptor, takes_what_the_freer_one_does_not)
{
    crowd_join(crowd, 0);
    crowd_tell(crowd, 1);
    other_tells(1, 0);
    struct acceptor *acceptor = acceptor_create(loop, &listener, 1, crowd, take, NULL);
    for (int i = 0; i < 100; i++)
        connect_once();
    run_for(30 * ACCEPTOR_YIELD_MS); /* one by one it would be 100 times as long */
    cr_expect(eq(uint, taken, 100));
    acceptor_free(&acceptor);
}

Test(acceptor, alone_takes_all_at_once)
{
    struct acceptor *acceptor = acceptor_create(loop, &listener, 1, NULL, take, NULL);
    for (int i = 0; i < 5; i++)
        connect_once();
    run_for(20 * ACCEPTOR_YIELD_MS);
    cr_expect(eq(uint, taken, 5));
    acceptor_free(&acceptor);
}
