/* landlock: see landlock.h.
 * Owns: the kernel's interface, as numbers: glibc has no functions for it, and the headers of a build may be older than
 * the kernel that it runs on.
 * Must never ask a kernel for a right that its ABI does not know. */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux, include/uapi/linux/landlock.h; the numbers of the calls are the same on all machines. */
enum { CALL_CREATE_RULESET = 444, CALL_ADD_RULE = 445, CALL_RESTRICT_SELF = 446 };
enum { ASK_FOR_ABI = 1, RULE_PATH = 1, RULE_PORT = 2 };
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    REFER = 1 << 13,
    TRUNCATE = 1 << 14,
    ALL_OF_ABI_1 = (1 << 13) - 1,
    IOCTL_DEV = 1 << 15,
    BIND_TCP = 1 << 0,
    CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_SOCKETS = 1 << 0,
    SCOPE_SIGNALS = 1 << 1,
};
enum {
    READING = READ_FILE | READ_DIR,
    WRITING = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE,
    OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};

struct ruleset {
    uint64_t files, ports, scopes;
};
struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));
struct port_rule {
    uint64_t allowed, port;
};

/* What GnuTLS, curl, the C library and SQLite look into. */
static const struct sandbox_place of_libraries[] = {
    {"/usr", false},
    {"/lib", false},
    {"/etc/ssl", false},
    {"/etc/pki", false},
    {"/etc/ca-certificates", false},
    {"/etc/crypto-policies", false},
    {"/etc/gnutls", false},
    {"/etc/localtime", false},
    {"/etc/nsswitch.conf", false},
    {"/etc/hosts", false},
    {"/etc/resolv.conf", false},
    {"/etc/gai.conf", false},
    {"/etc/host.conf", false},
    {"/etc/services", false},
    {"/dev/urandom", false},
    {"/dev/null", true},
    {"/sys/devices/system/cpu", false},
};

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static uint64_t file_rights(int abi)
{
    uint64_t rights = ALL_OF_ABI_1;
    rights |= abi >= 2 ? REFER : 0;
    rights |= abi >= 3 ? TRUNCATE : 0;
    return rights | (abi >= 5 ? IOCTL_DEV : 0);
}

static int allow_place(int ruleset, const struct sandbox_place *place, uint64_t handled,
                       struct err *err_r)
{
    struct stat status;
    CLEANUP(fd_close) int fd = open(place->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? 0
                   : err_system(err_r, "%s", place->path);
    if (fstat(fd, &status) != 0)
        return err_system(err_r, "%s", place->path);
    uint64_t rights = READING | (place->writable ? WRITING : 0);
    if (!S_ISDIR(status.st_mode))
        rights &= OF_A_FILE;
    struct path_rule rule = {.allowed = rights & handled, .parent = fd};
    if (syscall(CALL_ADD_RULE, ruleset, RULE_PATH, &rule, 0) != 0)
        return err_system(err_r, "Landlock: %s", place->path);
    return 0;
}

static int allow_places(int ruleset, const struct sandbox_place *places, size_t count,
                        uint64_t handled, struct err *err_r)
{
    for (size_t i = 0; i < count; i++)
        if (allow_place(ruleset, &places[i], handled, err_r) != 0)
            return -1;
    return 0;
}

/* Port 0 is what a source address without a port is bound to; nobody can listen by it, as the filter has no listen(). */
static int allow_ports(int ruleset, enum sandbox_role role, uint64_t handled, struct err *err_r)
{
    struct port_rule rule = {.allowed = BIND_TCP, .port = 0};
    if (role != SANDBOX_WORKER || handled == 0)
        return 0;
    if (syscall(CALL_ADD_RULE, ruleset, RULE_PORT, &rule, 0) != 0)
        return err_system(err_r, "Landlock: TCP port 0");
    return 0;
}

static struct ruleset handled_by(int abi, enum sandbox_role role)
{
    struct ruleset handled = {.files = file_rights(abi)};
    if (abi >= 4)
        handled.ports = role == SANDBOX_WORKER ? BIND_TCP : BIND_TCP | CONNECT_TCP;
    if (abi >= 6)
        handled.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    return handled;
}

/* An older kernel takes only as much of the struct as it knows. */
static size_t ruleset_size(int abi)
{
    return (abi >= 6 ? 3 : abi >= 4 ? 2 : 1) * sizeof(uint64_t);
}

int landlock_abi(void)
{
    int abi = (int)syscall(CALL_CREATE_RULESET, NULL, 0, ASK_FOR_ABI);
    return abi > 0 ? abi : 0;
}

int landlock_confine(const struct sandbox *sandbox, struct err *err_r)
{
    int abi = landlock_abi();
    struct ruleset handled = handled_by(abi, sandbox->role);
    CLEANUP(fd_close)
    int ruleset = (int)syscall(CALL_CREATE_RULESET, &handled, ruleset_size(abi), 0);
    if (ruleset < 0)
        return err_system(err_r, "Landlock");
    if (allow_places(ruleset, of_libraries, sizeof of_libraries / sizeof of_libraries[0],
                     handled.files, err_r) != 0 ||
        allow_places(ruleset, sandbox->places, sandbox->place_count, handled.files, err_r) != 0 ||
        allow_ports(ruleset, sandbox->role, handled.ports, err_r) != 0)
        return -1;
    if (syscall(CALL_RESTRICT_SELF, ruleset, 0) != 0)
        return err_system(err_r, "Landlock");
    return 0;
}
