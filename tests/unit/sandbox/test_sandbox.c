/* test_sandbox: enters the sandbox of each role for real, and tries what somebody would who has taken the role over.
 * Owns: a directory with a state directory, tables, keys of somebody else, made for each test.
 * Each attack is made by a process of its own, which root's privileges help as far as the sandbox lets them. Without
 * seccomp and Landlock in the kernel the tests are skipped, unless DANEWAY_NEED_SANDBOX is set. With sanitizers the sandbox is off.
 * Must never pass because the attack itself was faulty: without a sandbox it has to work. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacks.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "sandbox/sandbox.h"
#include "sandbox/system_calls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

static char *at(const char *name)
{
    return x_printf("%s/%s", attack_top, name);
}

static void put(const char *name)
{
    CLEANUP(text_free) char *path = at(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert(ge(int, fd, 0), "%s: %s", path, strerror(errno));
    close(fd);
}

static void make_directory(const char *name)
{
    CLEANUP(text_free) char *path = at(name);
    cr_assert(eq(int, mkdir(path, 0755), 0));
}

static void setup(void)
{
    static char directory[] = "/var/tmp/daneway-sandbox.XXXXXX";
    attack_top = mkdtemp(directory);
    cr_assert(ne(ptr, (void *)attack_top, NULL));
    make_directory("state");
    make_directory("tables");
    make_directory("keys");
    put("state/spool-0.db");
    put("tables/tls_policy");
    put("keys/key.pem");
    put("daneway.conf");
}

static void teardown(void)
{
    CLEANUP(text_free) char *command = x_printf("rm -rf %s", attack_top);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(sandbox, .timeout = 120);

static int enter(enum sandbox_role role, enum sandbox_mode mode, char text_r[SANDBOX_TEXT])
{
    CLEANUP(text_free) char *state = at("state");
    CLEANUP(text_free) char *tables = at("tables");
    CLEANUP(text_free) char *absent = at("absent");
    struct err err;
    const struct sandbox_place places[] = {{state, true}, {tables, false}, {absent, false}};
    const struct sandbox sandbox = {.role = role, .mode = mode, .places = places, .place_count = 3};
    int rc = sandbox_enter(&sandbox, text_r, &err);
    if (rc != 0)
        fprintf(stderr, "%s\n", err.text);
    return rc;
}

/* --- one attack, in a process of its own ------------------------------------------------------ */

enum ending { WENT_WELL, REFUSED, ENDED_BY_FILTER, ODD };

static enum ending ending_of(pid_t pid)
{
    int status;
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? ENDED_BY_FILTER : ODD;
    int code = WEXITSTATUS(status);
    return code == 0 ? WENT_WELL : code == EPERM || code == EACCES ? REFUSED : ODD;
}

static enum ending try_as(enum sandbox_role role, enum sandbox_mode mode, attack_fn *fn)
{
    pid_t pid = fork();
    if (pid == 0) {
        char text[SANDBOX_TEXT];
        if (enter(role, mode, text) != 0)
            _exit(200);
        errno = 0;
        _exit(fn() == 0 ? 0 : errno == 0 ? 201 : errno);
    }
    return ending_of(pid);
}

static int do_nothing(void)
{
    return 0;
}

/* Skips the test where there is nothing to be tested. */
static void need_sandbox(void)
{
    if (SANITIZED)
        cr_skip("a build with sanitizers has no sandbox");
    if (try_as(SANDBOX_CONTROL, SANDBOX_REQUIRED, do_nothing) == WENT_WELL)
        return;
    cr_assert(eq(ptr, getenv("DANEWAY_NEED_SANDBOX"), NULL));
    cr_skip("this kernel has no seccomp or no Landlock");
}

static void expect_refused(enum sandbox_role role, const struct attack *attacks)
{
    for (; attacks->name != NULL; attacks++) {
        enum ending ending = try_as(role, SANDBOX_REQUIRED, attacks->fn);
        cr_expect(ending == REFUSED || ending == ENDED_BY_FILTER, "role %d: %s ended with %d",
                  (int)role, attacks->name, (int)ending);
    }
}

Test(sandbox, a_role_that_was_taken_over_can_do_no_harm, .init = setup, .fini = teardown)
{
    need_sandbox();
    expect_refused(SANDBOX_WORKER, attacks_of_all);
    expect_refused(SANDBOX_CONTROL, attacks_of_all);
    expect_refused(SANDBOX_WORKER, attacks_of_workers);
    expect_refused(SANDBOX_CONTROL, attacks_of_control);
}

/* What root may not do, or what is asked wrongly so that it does no harm, ends with some error; but never as the filter does. */
Test(sandbox, without_it_the_attacks_work, .init = setup, .fini = teardown)
{
    static const char *const must_work[] = {"execve",
                                            "execveat",
                                            "fork",
                                            "reading a key that is not its own",
                                            "reading /proc",
                                            "making a file outside",
                                            "writing a table",
                                            "truncating a table",
                                            "kill",
                                            "removing a table",
                                            "moving a spool elsewhere",
                                            "memory to write and execute",
                                            "listening on a network"};
    if (SANITIZED)
        cr_skip("the run-time of sanitizers has its own ideas of processes");
    for (const struct attack *attack = attacks_of_all; attack->name != NULL; attack++) {
        enum ending ending = try_as(SANDBOX_WORKER, SANDBOX_OFF, attack->fn);
        cr_expect(ne(int, (int)ending, ENDED_BY_FILTER), "%s", attack->name);
        for (size_t i = 0; i < sizeof must_work / sizeof must_work[0]; i++)
            if (strcmp(must_work[i], attack->name) == 0)
                cr_expect(eq(int, (int)ending, WENT_WELL), "%s", attack->name);
    }
}

static void expect_done(enum sandbox_role role, const struct attack *work)
{
    for (; work->name != NULL; work++)
        cr_expect(eq(int, (int)try_as(role, SANDBOX_REQUIRED, work->fn), WENT_WELL), "role %d: %s",
                  (int)role, work->name);
}

Test(sandbox, a_role_can_do_its_work, .init = setup, .fini = teardown)
{
    need_sandbox();
    expect_done(SANDBOX_WORKER, work_of_all);
    expect_done(SANDBOX_CONTROL, work_of_all);
    expect_done(SANDBOX_WORKER, work_of_workers);
}

static void *wait_then_signal(void *arg)
{
    const int *go = arg;
    char octet;
    if (read(go[0], &octet, 1) == 1)
        kill(getppid(), SIGURG);
    return NULL;
}

Test(sandbox, threads_that_run_already_are_filtered_too)
{
    need_sandbox();
    pid_t pid = fork();
    if (pid == 0) {
        int go[2];
        pthread_t thread;
        struct err err;
        if (pipe(go) != 0 || pthread_create(&thread, NULL, wait_then_signal, go) != 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            system_calls_confine(SANDBOX_WORKER, false, &err) != 0 || write(go[1], "x", 1) != 1)
            _exit(200);
        pthread_join(thread, NULL);
        _exit(0);
    }
    cr_assert(eq(int, (int)ending_of(pid), ENDED_BY_FILTER));
}

/* --- modes ------------------------------------------------------------------------------------ */

static const struct attack *attack_named(const char *name)
{
    const struct attack *attack = attacks_of_all;
    while (strcmp(attack->name, name) != 0)
        attack++;
    return attack;
}

Test(sandbox, log_lets_system_calls_through_but_bounds_files, .init = setup, .fini = teardown)
{
    need_sandbox();
    cr_expect(
        eq(int, (int)try_as(SANDBOX_WORKER, SANDBOX_LOG, attack_named("fork")->fn), WENT_WELL));
    attack_fn *read_key = attack_named("reading a key that is not its own")->fn;
    cr_expect(eq(int, (int)try_as(SANDBOX_WORKER, SANDBOX_LOG, read_key), REFUSED));
}

Test(sandbox, says_what_is_in_force, .init = setup, .fini = teardown)
{
    char text[SANDBOX_TEXT];
    if (!SANITIZED)
        need_sandbox();
    cr_assert(eq(int, enter(SANDBOX_CONTROL, SANDBOX_OFF, text), 0));
    cr_expect(eq(int, strncmp(text, "off", 3), 0), "%s", text);
    pid_t pid = fork();
    if (pid == 0) {
        unsigned abi = 0;
        if (enter(SANDBOX_CONTROL, SANDBOX_REQUIRED, text) != 0)
            _exit(2);
        if (SANITIZED)
            _exit(strcmp(text, "off: this is a build with sanitizers") != 0);
        _exit(sscanf(text, "landlock abi %u, seccomp", &abi) != 1 || abi == 0);
    }
    cr_assert(eq(int, (int)ending_of(pid), WENT_WELL));
}

/* A kernel without Landlock, as a filter makes it. */
static void take_landlock_away(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), 444 /* landlock_create_ruleset */, 0);
    seccomp_load(filter);
    seccomp_release(filter);
}

Test(sandbox, a_kernel_that_lacks_a_part_is_refused_only_where_it_is_required, .init = setup,
     .fini = teardown)
{
    need_sandbox();
    pid_t pid = fork();
    if (pid == 0) {
        char text[SANDBOX_TEXT];
        take_landlock_away();
        if (enter(SANDBOX_WORKER, SANDBOX_REQUIRED, text) == 0)
            _exit(2);
        if (enter(SANDBOX_WORKER, SANDBOX_WHEN_AVAILABLE, text) != 0)
            _exit(3);
        _exit(strcmp(text, "no landlock, seccomp") != 0);
    }
    cr_assert(eq(int, (int)ending_of(pid), WENT_WELL));
}

/* --- other machines --------------------------------------------------------------------------- */

Test(sandbox, the_filter_can_be_made_for_x86_64_and_arm64)
{
    static const uint32_t machines[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64};
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        for (int role = SANDBOX_WORKER; role <= SANDBOX_CONTROL; role++) {
            struct err err;
            CLEANUP(file_close) FILE *file = tmpfile();
            int rc = system_calls_export((enum sandbox_role)role, machines[i], fileno(file), &err);
            cr_assert(eq(int, rc, 0), "%s", err.text);
            cr_expect(lt(long, 1000, (long)lseek(fileno(file), 0, SEEK_END)));
        }
}
