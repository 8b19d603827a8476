/* system_calls: see system_calls.h. One list for all roles and machines, then what only a worker may, then what is
 * allowed with some arguments only.
 * Owns: the lists. Names that a machine does not have (open, poll, stat ... on arm64) cost nothing there.
 * What libraries only try is answered with the error that an older kernel gives, so that they do without it. */
#include "sandbox/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define SAME_INT(argument, value)                                                                  \
    {                                                                                              \
        .arg = (argument), .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX,                        \
        .datum_b = (uint32_t)(value)                                                               \
    }
#define HAS_NOT(argument, flag)                                                                    \
    {                                                                                              \
        .arg = (argument), .op = SCMP_CMP_MASKED_EQ, .datum_a = (flag), .datum_b = 0               \
    }
#define HAS(argument, flag)                                                                        \
    {                                                                                              \
        .arg = (argument), .op = SCMP_CMP_MASKED_EQ, .datum_a = (flag), .datum_b = (flag)          \
    }

/* Files are bounded by Landlock; here only the calls are. */
static const int of_all[] = {
    /* files */
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(read),
    SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(getdents64), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
    SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fcntl), SCMP_SYS(chmod), SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat), SCMP_SYS(utimensat), SCMP_SYS(umask), SCMP_SYS(dup), SCMP_SYS(dup2),
    SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(memfd_create),
    /* waiting, time */
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    /* memory, threads, signals of its own */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
    SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    /* who am I */
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom),
    SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(getrlimit),
    /* sockets that are there */
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto),
    SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(shutdown)};

/* The source address of a delivery, or of a DNS query. */
static const int of_workers[] = {SCMP_SYS(bind)};

static const struct answer {
    int call, error;
} answers[] = {
    {SCMP_SYS(clone3), ENOSYS}, /* its flags cannot be seen: glibc then takes clone */
    {SCMP_SYS(openat2), ENOSYS},    {SCMP_SYS(copy_file_range), ENOSYS},
#ifdef __NR_fchmodat2 /* of later headers */
    {SCMP_SYS(fchmodat2), ENOSYS},
#endif
    {SCMP_SYS(fchown), EPERM},      {SCMP_SYS(fchownat), EPERM},          {SCMP_SYS(chown), EPERM},
    {SCMP_SYS(setpriority), EPERM}, {SCMP_SYS(sched_setaffinity), EPERM},
};

typedef struct scmp_arg_cmp comparison;
struct conditional {
    int call;
    uint32_t action;
    unsigned count;
    comparison when[2];
};

#define SOCKET(family, type)                                                                       \
    {                                                                                              \
        SCMP_SYS(socket), SCMP_ACT_ALLOW, 2,                                                       \
        {                                                                                          \
            SAME_INT(0, family),                                                                   \
            {                                                                                      \
                .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xf, .datum_b = (type)              \
            }                                                                                      \
        }                                                                                          \
    }

/* No memory becomes executable any more: a library that is loaded late is refused politely. */
static const struct conditional conditions[] = {
    {SCMP_SYS(mmap), SCMP_ACT_ALLOW, 1, {HAS_NOT(2, PROT_EXEC)}},
    {SCMP_SYS(mmap), SCMP_ACT_ERRNO(EPERM), 1, {HAS(2, PROT_EXEC)}},
    {SCMP_SYS(mprotect), SCMP_ACT_ALLOW, 1, {HAS_NOT(2, PROT_EXEC)}},
    {SCMP_SYS(mprotect), SCMP_ACT_ERRNO(EPERM), 1, {HAS(2, PROT_EXEC)}},
    {SCMP_SYS(clone), SCMP_ACT_ALLOW, 1, {HAS(0, CLONE_THREAD)}},
    {SCMP_SYS(prctl), SCMP_ACT_ALLOW, 1, {SAME_INT(0, PR_SET_NAME)}},
    {SCMP_SYS(prctl), SCMP_ACT_ERRNO(EINVAL), 1, {SAME_INT(0, 0x53564d41 /* PR_SET_VMA */)}},
    {SCMP_SYS(prlimit64), SCMP_ACT_ALLOW, 1, {{.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0}}},
    {SCMP_SYS(ioctl), SCMP_ACT_ALLOW, 1, {SAME_INT(1, FIONBIO)}},
    {SCMP_SYS(ioctl), SCMP_ACT_ALLOW, 1, {SAME_INT(1, FIONREAD)}},
    {SCMP_SYS(ioctl), SCMP_ACT_ERRNO(ENOTTY), 1, {SAME_INT(1, TCGETS)}},
    SOCKET(AF_UNIX, SOCK_STREAM),
    SOCKET(AF_UNIX, SOCK_DGRAM),
    {SCMP_SYS(socket), SCMP_ACT_ERRNO(EAFNOSUPPORT), 1, {SAME_INT(0, AF_NETLINK)}},
    {SCMP_SYS(socketpair), SCMP_ACT_ALLOW, 1, {SAME_INT(0, AF_UNIX)}},
};

static const struct conditional conditions_of_workers[] = {
    SOCKET(AF_INET, SOCK_STREAM),
    SOCKET(AF_INET, SOCK_DGRAM),
    SOCKET(AF_INET6, SOCK_STREAM),
    SOCKET(AF_INET6, SOCK_DGRAM),
};

/* --- building --------------------------------------------------------------------------------- */

struct making {
    scmp_filter_ctx filter;
    int result; /* 0, or the first error: -errno */
};

static void note(struct making *making, int result)
{
    if (making->result == 0)
        making->result = result;
}

static void allow(struct making *making, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note(making, seccomp_rule_add(making->filter, SCMP_ACT_ALLOW, calls[i], 0));
}

static void add_conditions(struct making *making, const struct conditional *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note(making, seccomp_rule_add_array(making->filter, list[i].action, list[i].call,
                                            list[i].count, list[i].when));
}

/* abort() needs to signal itself; nobody else is signalled. */
static void allow_own_signals(struct making *making)
{
    comparison to_itself = SAME_INT(0, getpid());
    note(making,
         seccomp_rule_add_array(making->filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &to_itself));
}

static void add_rules(struct making *making, enum sandbox_role role)
{
    allow(making, of_all, COUNT(of_all));
    add_conditions(making, conditions, COUNT(conditions));
    if (role == SANDBOX_WORKER) {
        allow(making, of_workers, COUNT(of_workers));
        add_conditions(making, conditions_of_workers, COUNT(conditions_of_workers));
    }
    for (size_t i = 0; i < COUNT(answers); i++)
        note(making, seccomp_rule_add(making->filter, SCMP_ACT_ERRNO((uint32_t)answers[i].error),
                                      answers[i].call, 0));
    allow_own_signals(making);
}

static void filter_free(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
}

static int make(scmp_filter_ctx *filter_r, enum sandbox_role role, bool only_log, uint32_t machine,
                struct err *err_r)
{
    struct making making = {.filter =
                                seccomp_init(only_log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS)};
    *filter_r = making.filter;
    if (making.filter == NULL)
        return err_set(err_r, "seccomp: the filter cannot be made");
    if (machine != SCMP_ARCH_NATIVE && machine != seccomp_arch_native()) {
        note(&making, seccomp_arch_add(making.filter, machine));
        note(&making, seccomp_arch_remove(making.filter, SCMP_ARCH_NATIVE));
    }
    note(&making, seccomp_attr_set(making.filter, SCMP_FLTATR_CTL_TSYNC, 1));
    note(&making, seccomp_attr_set(making.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2));
    note(&making, seccomp_attr_set(making.filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    add_rules(&making, role);
    errno = -making.result;
    return making.result == 0 ? 0 : err_system(err_r, "seccomp");
}

bool system_calls_can_be_confined(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int system_calls_confine(enum sandbox_role role, bool only_log, struct err *err_r)
{
    CLEANUP(filter_free) scmp_filter_ctx filter = NULL;
    if (make(&filter, role, only_log, SCMP_ARCH_NATIVE, err_r) != 0)
        return -1;
    int result = seccomp_load(filter);
    errno = -result;
    return result == 0 ? 0 : err_system(err_r, "the kernel takes no seccomp filter");
}

int system_calls_export(enum sandbox_role role, uint32_t machine, int fd, struct err *err_r)
{
    CLEANUP(filter_free) scmp_filter_ctx filter = NULL;
    if (make(&filter, role, false, machine, err_r) != 0)
        return -1;
    int result = seccomp_export_bpf(filter, fd);
    errno = -result;
    return result == 0 ? 0 : err_system(err_r, "seccomp");
}
