/* test_handed: listeners that are handed on are recognised by where they listen, and nothing else is taken for one.
 * Owns: sockets on loopback with ports of the kernel's choice.
 * Must never depend on what else listens on the machine. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handed.h"

static int listener(int family, bool only_ipv6, bool listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(family, SOCK_STREAM, 0), only = only_ipv6;
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        cr_assert(eq(int, bind(fd, (struct sockaddr *)&any, sizeof any), 0));
    } else {
        cr_assert(eq(int, bind(fd, (struct sockaddr *)&address, sizeof address), 0));
    }
    if (listening)
        cr_assert(eq(int, listen(fd, 1), 0));
    return fd;
}

static struct listen_address place_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct listen_address place = {.path = NULL};
    getsockname(fd, (struct sockaddr *)&name, &length);
    address_from_sockaddr((struct sockaddr *)&name, &place.address, &place.port);
    return place;
}

Test(handed, takes_the_one_that_listens_there_once)
{
    struct handed *handed = handed_by_systemd();
    struct err err;
    int fd = listener(AF_INET, false, true);
    struct listen_address place = place_of(fd), elsewhere = place;
    elsewhere.port++;
    handed_add(handed, fd);
    cr_expect(eq(int, handed_take(handed, &elsewhere), -1));
    cr_expect(eq(int, handed_take(handed, &place), fd));
    cr_expect(eq(int, handed_take(handed, &place), -1));
    cr_expect(ne(int, fcntl(fd, F_GETFD) & FD_CLOEXEC, 0));
    cr_expect(ne(int, fcntl(fd, F_GETFL) & O_NONBLOCK, 0));
    cr_expect(eq(int, handed_check_rest(handed, &err), 0));
    handed_free(&handed);
    cr_expect(eq(int, close(fd), 0));
}

Test(handed, takes_no_socket_that_does_not_listen_or_takes_both_families)
{
    struct handed *handed = handed_by_systemd();
    int deaf = listener(AF_INET, false, false);
    int both = listener(AF_INET6, false, true), one = listener(AF_INET6, true, true);
    struct listen_address places[] = {place_of(deaf), place_of(both), place_of(one)};
    handed_add(handed, deaf);
    handed_add(handed, both);
    handed_add(handed, one);
    cr_expect(eq(int, handed_take(handed, &places[0]), -1));
    cr_expect(eq(int, handed_take(handed, &places[1]), -1));
    cr_expect(eq(int, handed_take(handed, &places[2]), one));
    close(one);
    handed_free(&handed);
    cr_expect(eq(int, fcntl(both, F_GETFD), -1)); /* closed with the rest */
}

Test(handed, variables_for_another_process_are_not_believed)
{
    struct err err;
    char other[20];
    snprintf(other, sizeof other, "%d", (int)getppid());
    setenv("LISTEN_PID", other, 1);
    setenv("LISTEN_FDS", "1", 1);
    struct handed *handed = handed_by_systemd();
    cr_expect(eq(int, handed_check_rest(handed, &err), 0));
    cr_expect(eq(ptr, getenv("LISTEN_FDS"), NULL));
    handed_free(&handed);
}

/* In a process of its own: descriptor 3 may be somebody's here. */
Test(handed, what_no_option_names_is_refused_by_name_and_place)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {""};
        char self[20];
        dup2(listener(AF_INET, false, true), 3);
        snprintf(self, sizeof self, "%d", (int)getpid());
        setenv("LISTEN_PID", self, 1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_FDNAMES", "stray", 1);
        struct handed *handed = handed_by_systemd();
        bool good = handed_check_rest(handed, &err) == -1 &&
                    strstr(err.text, "descriptor 3, \"stray\"") != NULL &&
                    strstr(err.text, "a socket at 127.0.0.1 port") != NULL;
        handed_free(&handed);
        _exit(good ? 0 : 1);
    }
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
}
