/* attacks: see attacks.h.
 * Owns: nothing.
 * Must never do harm where it succeeds. */
#include "attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

const char *attack_top;

static char *at(const char *name)
{
    return x_printf("%s/%s", attack_top, name);
}

static int open_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int open_it(const char *name, int flags)
{
    CLEANUP(text_free) char *path = at(name);
    return open_path(path, flags);
}

/* --- processes -------------------------------------------------------------------------------- */

static int execute(void)
{
    return execl("/bin/true", "true", NULL);
}

static int execute_at(void)
{
    char *const none[] = {NULL};
    return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0);
}

static int make_process(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -1 : 0;
}

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int read_memory(void)
{
    char here[8];
    struct iovec local = {here, sizeof here}, remote = {(void *)attack_top, sizeof here};
    return process_vm_readv(getppid(), &local, 1, &remote, 1, 0) < 0 ? -1 : 0;
}

static int write_memory(void)
{
    struct iovec both = {(void *)attack_top, 1};
    return process_vm_writev(getppid(), &both, 1, &both, 1, 0) < 0 ? -1 : 0;
}

static int signal_parent(void)
{
    return kill(getppid(), SIGURG);
}

static int signal_thread(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGURG);
}

static int open_pidfd(void)
{
    return syscall(SYS_pidfd_open, getppid(), 0) < 0 ? -1 : 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static int read_foreign_key(void)
{
    return open_it("keys/key.pem", O_RDONLY);
}

static int read_configuration(void)
{
    return open_it("daneway.conf", O_RDONLY);
}

static int read_passwords(void)
{
    return open_path("/etc/passwd", O_RDONLY);
}

static int read_process(void)
{
    return open_path("/proc/self/environ", O_RDONLY);
}

static int make_file(void)
{
    return open_it("new", O_WRONLY | O_CREAT);
}

static int write_table(void)
{
    return open_it("tables/tls_policy", O_WRONLY);
}

static int truncate_table(void)
{
    return open_it("tables/tls_policy", O_RDONLY | O_TRUNC);
}

static int remove_table(void)
{
    CLEANUP(text_free) char *path = at("tables/tls_policy");
    return unlink(path);
}

static int move_spool(void)
{
    CLEANUP(text_free) char *from = at("state/spool-0.db");
    CLEANUP(text_free) char *to = at("keys/spool-0.db");
    int rc = rename(from, to);
    if (rc != 0 && errno == EXDEV) /* Landlock's word for it */
        errno = EACCES;
    return rc;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int socket_of(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : close(fd);
}

static int packet_socket(void)
{
    return socket_of(AF_PACKET, SOCK_RAW);
}

static int raw_socket(void)
{
    return socket_of(AF_INET, SOCK_RAW);
}

static int vsock_socket(void)
{
    return socket_of(AF_VSOCK, SOCK_STREAM);
}

static int crypto_socket(void)
{
    return socket_of(AF_ALG, SOCK_SEQPACKET);
}

static int netlink_socket(void)
{
    int rc = socket_of(AF_NETLINK, SOCK_RAW);
    if (rc != 0 && errno == EAFNOSUPPORT) /* so that libraries do without */
        errno = EACCES;
    return rc;
}

static int inet_socket(void)
{
    return socket_of(AF_INET, SOCK_STREAM);
}

static int inet6_socket(void)
{
    return socket_of(AF_INET6, SOCK_STREAM);
}

static int udp_socket(void)
{
    return socket_of(AF_INET, SOCK_DGRAM);
}

static int local_socket(void)
{
    return socket_of(AF_UNIX, SOCK_DGRAM);
}

static int bound(uint16_t port, int *fd_r)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    *fd_r = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *fd_r < 0 ? -1 : bind(*fd_r, (struct sockaddr *)&address, sizeof address);
}

static int bind_port(void)
{
    int fd;
    return bound(20251, &fd);
}

static int source_address(void)
{
    int fd;
    return bound(0, &fd);
}

static int listen_on_network(void)
{
    int fd;
    return bound(0, &fd) != 0 ? -1 : listen(fd, 1);
}

static int listen_locally(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : listen(fd, 1);
}

/* --- the kernel ------------------------------------------------------------------------------- */

static int mount_something(void)
{
    return mount("none", attack_top, "no-such-type", 0, NULL);
}

static int unshare_user(void)
{
    return unshare(CLONE_NEWUSER);
}

static int join_namespace(void)
{
    return setns(0, CLONE_NEWNET);
}

static int use_key_ring(void)
{
    return syscall(SYS_keyctl, 0, -3, 0, 0, 0) < 0 ? -1 : 0;
}

static int add_key(void)
{
    return syscall(SYS_add_key, "user", "x", "y", 1, -3) < 0 ? -1 : 0;
}

static int use_io_uring(void)
{
    char parameters[256] = {0};
    return syscall(SYS_io_uring_setup, 1, parameters) < 0 ? -1 : 0;
}

static int use_bpf(void)
{
    char attributes[128] = {0};
    return syscall(SYS_bpf, 0, attributes, sizeof attributes) < 0 ? -1 : 0;
}

static int use_perf(void)
{
    char attributes[128] = {0};
    return syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0) < 0 ? -1 : 0;
}

static int use_userfaultfd(void)
{
    return syscall(SYS_userfaultfd, 0) < 0 ? -1 : 0;
}

static int load_module(void)
{
    return (int)syscall(SYS_finit_module, -1, "", 0);
}

static int change_root(void)
{
    return chroot(attack_top);
}

static int become_somebody(void)
{
    return setuid(getuid());
}

static int set_clock(void)
{
    struct timespec now = {0};
    return (int)syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now); /* which nobody can set */
}

static int map_executable(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}

static int make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int be_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int type_into_terminal(void)
{
    return ioctl(0, TIOCSTI, "x");
}

const struct attack attacks_of_all[] = {
    {"execve", execute},
    {"execveat", execute_at},
    {"fork", make_process},
    {"ptrace", trace_parent},
    {"process_vm_readv", read_memory},
    {"process_vm_writev", write_memory},
    {"kill", signal_parent},
    {"tgkill of another process", signal_thread},
    {"pidfd_open", open_pidfd},
    {"reading a key that is not its own", read_foreign_key},
    {"reading the configuration", read_configuration},
    {"reading /etc/passwd", read_passwords},
    {"reading /proc", read_process},
    {"making a file outside", make_file},
    {"writing a table", write_table},
    {"truncating a table", truncate_table},
    {"removing a table", remove_table},
    {"moving a spool elsewhere", move_spool},
    {"AF_PACKET", packet_socket},
    {"SOCK_RAW", raw_socket},
    {"AF_VSOCK", vsock_socket},
    {"AF_ALG", crypto_socket},
    {"AF_NETLINK", netlink_socket},
    {"listening on a network", listen_on_network},
    {"listening on a Unix socket", listen_locally},
    {"mount", mount_something},
    {"unshare", unshare_user},
    {"setns", join_namespace},
    {"keyctl", use_key_ring},
    {"add_key", add_key},
    {"io_uring", use_io_uring},
    {"bpf", use_bpf},
    {"perf_event_open", use_perf},
    {"userfaultfd", use_userfaultfd},
    {"finit_module", load_module},
    {"chroot", change_root},
    {"setuid", become_somebody},
    {"clock_settime", set_clock},
    {"memory to write and execute", map_executable},
    {"memory made executable", make_executable},
    {"PR_SET_DUMPABLE", be_dumpable},
    {"TIOCSTI", type_into_terminal},
    {NULL, NULL},
};
const struct attack attacks_of_workers[] = {{"binding a TCP port", bind_port}, {NULL, NULL}};
const struct attack attacks_of_control[] = {
    {"AF_INET", inet_socket}, {"AF_INET6", inet6_socket}, {"UDP", udp_socket}, {NULL, NULL}};

/* --- work ------------------------------------------------------------------------------------- */

static int use_state_directory(void)
{
    CLEANUP(text_free) char *from = at("state/a");
    CLEANUP(text_free) char *directory = at("state/reports");
    CLEANUP(text_free) char *to = at("state/reports/b");
    if (open_it("state/a", O_RDWR | O_CREAT) != 0 || mkdir(directory, 0750) != 0)
        return -1;
    return rename(from, to) != 0 || unlink(to) != 0 || rmdir(directory) != 0 ? -1 : 0;
}

static int read_table(void)
{
    return open_it("tables/tls_policy", O_RDONLY);
}

static void *nothing(void *arg)
{
    return arg;
}

static int start_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno != 0 ? -1 : pthread_join(thread, NULL);
}

const struct attack work_of_all[] = {{"files of the state directory", use_state_directory},
                                     {"a thread", start_thread},
                                     {"a local socket", local_socket},
                                     {NULL, NULL}};
const struct attack work_of_workers[] = {{"reading a table", read_table},      {"TCP", inet_socket},
                                         {"TCP over IPv6", inet6_socket},      {"UDP", udp_socket},
                                         {"a source address", source_address}, {NULL, NULL}};
