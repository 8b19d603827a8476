/* role: what every role does at its birth: gives up privileges, and binds its life to the
 * supervisor's.
 * Owns: nothing. Started by root, `user` must exist and be somebody else; started by anybody else,
 * the process stays who it is.
 * Must never go on with privileges that could not be given up. */
#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static int find_user(const char *user, struct passwd **entry_r, struct err *err_r)
{
    errno = 0;
    *entry_r = getpwnam(user);
    if (*entry_r != NULL && (*entry_r)->pw_uid == 0)
        return err_set(err_r, "user \"%s\": the roles must not run as root", user);
    if (*entry_r != NULL)
        return 0;
    return errno != 0 ? err_system(err_r, "user \"%s\"", user)
                      : err_set(err_r, "user \"%s\": there is no such user", user);
}

/* --- directories ------------------------------------------------------------------------------ */

/* A directory is made in one that is there: more would hide a slip of the pen. */
static int check_parent(const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *copy = x_strdup(path);
    const char *parent = dirname(copy);
    struct stat status;
    if (stat(parent, &status) == 0)
        return 0;
    if (errno != ENOENT)
        return err_system(err_r, "directory %s", parent);
    return err_set(err_r,
                   "directory %s: there is no %s to make it in; expected a path whose last "
                   "part alone may be missing",
                   path, parent);
}

/* One that is there already keeps its mode and its owner, unless it is made here. */
static int make_directory(const char *path, mode_t mode, const struct passwd *owner,
                          struct err *err_r)
{
    if (check_parent(path, err_r) != 0)
        return -1;
    if (mkdir(path, mode) != 0)
        return errno == EEXIST ? 0 : err_system(err_r, "directory %s", path);
    if (chmod(path, mode) != 0 || (owner != NULL && chown(path, owner->pw_uid, owner->pw_gid) != 0))
        return err_system(err_r, "directory %s", path);
    return 0;
}

/* May that user do so? Asked of the system in his place, which only root can: *errno_r is 0, or what is in the way. */
static int ask_as(const struct passwd *owner, const char *path, int mode, int *errno_r,
                  struct err *err_r)
{
    if (setegid(owner->pw_gid) != 0 || seteuid(owner->pw_uid) != 0)
        return err_system(err_r, "user \"%s\"", owner->pw_name);
    *errno_r = faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
    if (seteuid(0) != 0 || setegid(0) != 0)
        return err_system(err_r, "user \"root\"");
    return 0;
}

/* May the roles write there, once they are that user? Asked before they are started: a status
 * socket that cannot be bound would only show in the log. */
static int check_writable(const char *path, const struct passwd *owner, struct err *err_r)
{
    int in_the_way = 0;
    if (owner == NULL)
        return access(path, W_OK | X_OK) == 0 ? 0 : err_system(err_r, "directory %s", path);
    if (ask_as(owner, path, W_OK | X_OK, &in_the_way, err_r) != 0)
        return -1;
    return in_the_way == 0
               ? 0
               : err_set(err_r,
                         "directory %s: user \"%s\" cannot write there; make it that user's "
                         "(chown), or remove it, and it will be made anew",
                         path, owner->pw_name);
}

int role_make_directories(const struct settings *settings, struct err *err_r)
{
    struct passwd *owner = NULL;
    CLEANUP(text_free) char *socket_path = x_strdup(settings->status_socket);
    if (geteuid() == 0 && find_user(settings->user, &owner, err_r) != 0)
        return -1;
    const char *socket_directory = dirname(socket_path);
    if (make_directory(settings->state_directory, 0750, owner, err_r) != 0 ||
        make_directory(socket_directory, 0755, owner, err_r) != 0 ||
        check_writable(settings->state_directory, owner, err_r) != 0)
        return -1;
    return check_writable(socket_directory, owner, err_r);
}

int role_check_tables(const struct settings *settings, struct err *err_r)
{
    const char *const tables[] = {settings->delivery.tls_policy, settings->delivery.mailboxes,
                                  settings->delivery.tls_policy_shadow, settings->intake.clients};
    struct passwd *owner;
    int in_the_way = 0;
    if (geteuid() != 0)
        return 0;
    if (find_user(settings->user, &owner, err_r) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (ask_as(owner, tables[i], R_OK, &in_the_way, err_r) != 0)
            return -1;
        if (in_the_way == EACCES)
            return err_set(err_r,
                           "%s: user \"%s\" cannot read it; expected a table, in directories, that "
                           "this user may read: the workers run as that user",
                           tables[i], owner->pw_name);
    }
    return 0;
}

/* --- birth ------------------------------------------------------------------------------------ */

/* What a program that is executed could get back. Root alone may drop it; no-new-privileges holds in any case. */
static void drop_bounding_set(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/* setuid clears what is effective and permitted, but not what an executed program may inherit. */
static int drop_capabilities(struct err *err_r)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (syscall(SYS_capset, &header, none) != 0)
        return err_system(err_r, "capset");
    return 0;
}

static int give_up_privileges(const char *user, struct err *err_r)
{
    struct passwd *entry;
    if (geteuid() != 0)
        return 0;
    if (find_user(user, &entry, err_r) != 0)
        return -1;
    drop_bounding_set();
    if (initgroups(entry->pw_name, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0)
        return err_system(err_r, "becoming user \"%s\"", user);
    if (setuid(0) == 0)
        return err_set(err_r, "user \"%s\": the privileges of root did not go away", user);
    return 0;
}

int role_begin(const char *user, pid_t supervisor, struct err *err_r)
{
    if (give_up_privileges(user, err_r) != 0 || drop_capabilities(err_r) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_system(err_r, "PR_SET_NO_NEW_PRIVS");
    /* After setuid, which clears it. What is not committed was not acknowledged: SIGKILL loses
     * nothing. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_system(err_r, "PR_SET_PDEATHSIG");
    if (getppid() != supervisor)
        return err_set(err_r, "the supervisor is gone");
    return 0;
}
