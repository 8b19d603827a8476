/* faults: a library for LD_PRELOAD that lets system calls of danewayd fail by a schedule; tests/system/faults drives it.
 * The schedule is the file that $DANEWAY_FAULTS names, mapped, 4096 octets: lines, each
 *     CALL WHAT EVERY [FILE] [ROLE]
 * then, from octet 4064 on, a number of 15 digits: a new one is seen at the next call, in all roles at once; and in the
 * last eight octets a counter of the faults that struck.
 * CALL: pwrite fsync ftruncate fallocate pread open malloc socket accept connect send recv clock.
 * WHAT: a name of an error, "short" (half of it is written), "slow" (it takes 300 ms more), or, for clock, seconds that
 * the wall clock is off by. EVERY: each so-manieth call of a process. FILE: wal, db, any. ROLE: the beginning of its name.
 * Owns: the mapping. Makes no system call of its own, so that a sandbox need not know it.
 * Must never allocate memory: it is called by malloc. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    SCHEDULE = 4096,
    NUMBER_AT = 4064,
    COUNTER_AT = 4088,
    RULES = 16,
    FILES = 65536,
    SLOW_NS = 300 * 1000 * 1000
};

enum call {
    CALL_PWRITE,
    CALL_FSYNC,
    CALL_FTRUNCATE,
    CALL_FALLOCATE,
    CALL_PREAD,
    CALL_OPEN,
    CALL_MALLOC,
    CALL_SOCKET,
    CALL_ACCEPT,
    CALL_CONNECT,
    CALL_SEND,
    CALL_RECV,
    CALL_CLOCK,
    CALLS
};
static const char *const call_names[CALLS] = {
    "pwrite", "fsync",  "ftruncate", "fallocate", "pread", "open", "malloc",
    "socket", "accept", "connect",   "send",      "recv",  "clock"};

enum { SHORT = -1, SLOW = -2 };
static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EIO", EIO},
    {"ENOSPC", ENOSPC},
    {"ENOMEM", ENOMEM},
    {"EMFILE", EMFILE},
    {"ENFILE", ENFILE},
    {"ECONNRESET", ECONNRESET},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EINTR", EINTR},
    {"ENETUNREACH", ENETUNREACH},
    {"short", SHORT},
    {"slow", SLOW},
};

enum file_kind { FILE_OTHER, FILE_DB, FILE_WAL, FILE_ANY };

struct rule {
    enum call call;
    int what; /* errno, SHORT, SLOW, or seconds */
    unsigned every;
    enum file_kind file;
    char role[16]; /* "": all */
    atomic_uint calls;
};

static struct {
    const char *schedule;  /* mapped; NULL: nothing ever fails */
    atomic_ullong *struck; /* in it */
    char known[16];        /* the number of what was read */
    struct rule rules[RULES];
    atomic_uint count;
    atomic_flag reading;
    char role[16];
    unsigned char files[FILES];
} faults = {.reading = ATOMIC_FLAG_INIT};

/* --- the schedule ----------------------------------------------------------------------------------- */

static bool next_word(const char **at, char word_r[16])
{
    size_t length = 0;
    while (**at == ' ')
        (*at)++;
    for (; **at != '\0' && **at != ' ' && **at != '\n'; (*at)++)
        if (length < 15)
            word_r[length++] = **at;
    word_r[length] = '\0';
    return length > 0;
}

static int what_of(const char *word)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(word, errors[i].name) == 0)
            return errors[i].number;
    return atoi(word);
}

static enum file_kind file_of(const char *word)
{
    if (strcmp(word, "wal") == 0)
        return FILE_WAL;
    return strcmp(word, "db") == 0 ? FILE_DB : FILE_ANY;
}

static bool read_rule(const char **at, struct rule *rule)
{
    char word[16];
    unsigned call = 0;
    if (!next_word(at, word))
        return false;
    while (call < CALLS && strcmp(word, call_names[call]) != 0)
        call++;
    if (call == CALLS || !next_word(at, word))
        return false;
    rule->call = (enum call)call;
    rule->what = what_of(word);
    rule->every = next_word(at, word) && atoi(word) > 0 ? (unsigned)atoi(word) : 1;
    rule->file = next_word(at, word) ? file_of(word) : FILE_ANY;
    next_word(at, rule->role);
    atomic_store(&rule->calls, 0);
    return true;
}

static void read_schedule(void)
{
    if (atomic_flag_test_and_set(&faults.reading))
        return; /* another thread does it */
    atomic_store(&faults.count, 0);
    memcpy(faults.known, faults.schedule + NUMBER_AT, sizeof(faults.known));
    const char *at = faults.schedule;
    unsigned count = 0;
    while (at != NULL && count < RULES) {
        count += read_rule(&at, &faults.rules[count]);
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    atomic_store(&faults.count, count);
    atomic_flag_clear(&faults.reading);
}

static __attribute__((constructor)) void map_schedule(void)
{
    const char *path = getenv("DANEWAY_FAULTS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, SCHEDULE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return;
    faults.schedule = mapped;
    faults.struck = (atomic_ullong *)((char *)mapped + COUNTER_AT);
}

/* The rule that strikes this call; NULL: none. */
static const struct rule *strike(enum call call, enum file_kind file)
{
    if (faults.schedule == NULL)
        return NULL;
    if (memcmp(faults.known, faults.schedule + NUMBER_AT, sizeof(faults.known)) != 0)
        read_schedule();
    unsigned count = atomic_load(&faults.count);
    for (unsigned i = 0; i < count; i++) {
        struct rule *rule = &faults.rules[i];
        if (rule->call != call || (rule->file != FILE_ANY && rule->file != file) ||
            strncmp(faults.role, rule->role, strlen(rule->role)) != 0)
            continue;
        if (atomic_fetch_add(&rule->calls, 1) % rule->every != rule->every - 1)
            continue;
        atomic_fetch_add(faults.struck, 1);
        return rule;
    }
    return NULL;
}

/* True: the call fails, and errno says why. */
static bool fails(enum call call, enum file_kind file)
{
    const struct rule *rule = strike(call, file);
    if (rule == NULL || rule->what == SHORT)
        return false;
    if (rule->what == SLOW) {
        nanosleep(&(struct timespec){.tv_nsec = SLOW_NS}, NULL);
        return false;
    }
    errno = rule->what;
    return true;
}

static enum file_kind kind_of(int fd)
{
    return fd >= 0 && fd < FILES ? (enum file_kind)faults.files[fd] : FILE_OTHER;
}

static void note_file(int fd, const char *path)
{
    size_t length = strlen(path);
    if (fd < 0 || fd >= FILES)
        return;
    faults.files[fd] = FILE_OTHER;
    if (length > 4 && strcmp(path + length - 4, "-wal") == 0)
        faults.files[fd] = FILE_WAL;
    else if (length > 3 && strcmp(path + length - 3, ".db") == 0)
        faults.files[fd] = FILE_DB;
}

/* --- the calls --------------------------------------------------------------------------------------- */

#define REAL(name, type)                                                                           \
    static type *real;                                                                             \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, name)

typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
    REAL("pwrite64", pwrite_fn);
    const struct rule *rule = strike(CALL_PWRITE, kind_of(fd));
    if (rule != NULL && rule->what == SHORT)
        return real(fd, data, size > 1 ? size / 2 : size, at);
    if (rule != NULL && rule->what > 0) {
        errno = rule->what;
        return -1;
    }
    return real(fd, data, size, at);
}

typedef ssize_t pread_fn(int, void *, size_t, off_t);
ssize_t pread64(int fd, void *data, size_t size, off_t at)
{
    REAL("pread64", pread_fn);
    return fails(CALL_PREAD, kind_of(fd)) ? -1 : real(fd, data, size, at);
}

typedef int fd_fn(int);
int fdatasync(int fd)
{
    REAL("fdatasync", fd_fn);
    return fails(CALL_FSYNC, kind_of(fd)) ? -1 : real(fd);
}

int fsync(int fd)
{
    REAL("fsync", fd_fn);
    return fails(CALL_FSYNC, kind_of(fd)) ? -1 : real(fd);
}

typedef int ftruncate_fn(int, off_t);
int ftruncate64(int fd, off_t length)
{
    REAL("ftruncate64", ftruncate_fn);
    return fails(CALL_FTRUNCATE, kind_of(fd)) ? -1 : real(fd, length);
}

typedef int fallocate_fn(int, off_t, off_t);
int posix_fallocate(int fd, off_t at, off_t length)
{
    REAL("posix_fallocate", fallocate_fn);
    return fails(CALL_FALLOCATE, kind_of(fd)) ? errno : real(fd, at, length);
}

typedef int open_fn(const char *, int, ...);
static int open_by(open_fn *real, const char *path, int flags, mode_t mode)
{
    if (fails(CALL_OPEN, FILE_OTHER))
        return -1;
    int fd = real(path, flags, mode);
    note_file(fd, path);
    return fd;
}

int open64(const char *path, int flags, ...)
{
    REAL("open64", open_fn);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_by(real, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    REAL("open", open_fn);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_by(real, path, flags, mode);
}

typedef int socket_fn(int, int, int);
int socket(int domain, int type, int protocol)
{
    REAL("socket", socket_fn);
    return fails(CALL_SOCKET, FILE_OTHER) ? -1 : real(domain, type, protocol);
}

typedef int accept_fn(int, struct sockaddr *, socklen_t *, int);
/* By its name for the linker: <sys/socket.h> declares these two with a transparent union. */
int faulty_accept(int fd, struct sockaddr *name, socklen_t *length, int flags) __asm__("accept4");
int faulty_accept(int fd, struct sockaddr *name, socklen_t *length, int flags)
{
    REAL("accept4", accept_fn);
    return fails(CALL_ACCEPT, FILE_OTHER) ? -1 : real(fd, name, length, flags);
}

typedef int connect_fn(int, const struct sockaddr *, socklen_t);
int faulty_connect(int fd, const struct sockaddr *name, socklen_t length) __asm__("connect");
int faulty_connect(int fd, const struct sockaddr *name, socklen_t length)
{
    REAL("connect", connect_fn);
    return fails(CALL_CONNECT, FILE_OTHER) ? -1 : real(fd, name, length);
}

typedef ssize_t send_fn(int, const void *, size_t, int);
ssize_t send(int fd, const void *data, size_t size, int flags)
{
    REAL("send", send_fn);
    const struct rule *rule = strike(CALL_SEND, FILE_OTHER);
    if (rule != NULL && rule->what == SHORT)
        return real(fd, data, size > 1 ? size / 2 : size, flags);
    if (rule != NULL && rule->what > 0) {
        errno = rule->what;
        return -1;
    }
    return real(fd, data, size, flags);
}

typedef ssize_t sendmsg_fn(int, const struct msghdr *, int);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL("sendmsg", sendmsg_fn);
    return fails(CALL_SEND, FILE_OTHER) ? -1 : real(fd, message, flags);
}

typedef ssize_t recv_fn(int, void *, size_t, int);
ssize_t recv(int fd, void *data, size_t size, int flags)
{
    REAL("recv", recv_fn);
    return fails(CALL_RECV, FILE_OTHER) ? -1 : real(fd, data, size, flags);
}

/* --- memory ------------------------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    return fails(CALL_MALLOC, FILE_OTHER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(CALL_MALLOC, FILE_OTHER) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(CALL_MALLOC, FILE_OTHER) ? NULL : __libc_realloc(old, size);
}

/* --- the wall clock, and the role ----------------------------------------------------------------------- */

/* Seconds that it is off by now: the rule's EVERY is 1. */
static int clock_offset(void)
{
    const struct rule *rule = strike(CALL_CLOCK, FILE_OTHER);
    return rule != NULL ? rule->what : 0;
}

typedef int clock_fn(clockid_t, struct timespec *);
int clock_gettime(clockid_t clock, struct timespec *now_r)
{
    REAL("clock_gettime", clock_fn);
    int rc = real(clock, now_r);
    if (clock == CLOCK_REALTIME)
        now_r->tv_sec += clock_offset();
    return rc;
}

time_t time(time_t *now_r)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now_r != NULL)
        *now_r = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now_r, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *now_r = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

typedef int prctl_fn(int, unsigned long, unsigned long, unsigned long, unsigned long);
int prctl(int option, ...)
{
    REAL("prctl", prctl_fn);
    unsigned long values[4];
    va_list arguments;
    va_start(arguments, option);
    for (int i = 0; i < 4; i++)
        values[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (option == PR_SET_NAME)
        strncpy(faults.role, (const char *)values[0], sizeof(faults.role) - 1);
    return real(option, values[0], values[1], values[2], values[3]);
}
