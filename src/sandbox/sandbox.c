/* sandbox: see sandbox.h. Landlock first: the filter leaves no call for it.
 * Owns: nothing.
 * Must never go on with less than `required` asks for. */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "sandbox/landlock.h"
#include "sandbox/system_calls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

static void add(char text_r[SANDBOX_TEXT], const char *part)
{
    size_t used = strlen(text_r);
    snprintf(text_r + used, SANDBOX_TEXT - used, "%s%s", used > 0 ? ", " : "", part);
}

/* A part that the kernel lacks is the end only where it is required. */
static int lacks(const struct sandbox *sandbox, const char *what, char text_r[SANDBOX_TEXT],
                 const struct err *why, struct err *err_r)
{
    add(text_r, what);
    if (sandbox->mode != SANDBOX_REQUIRED)
        return 0;
    return err_set(err_r, "sandbox: %.300s; expected a kernel that has it, or \"when-available\"",
                   why->text);
}

static int bound_files(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r)
{
    char text[40];
    struct err why;
    int abi = landlock_confine(sandbox, &why);
    if (abi < 0)
        return lacks(sandbox, "no landlock", text_r, &why, err_r);
    snprintf(text, sizeof text, "landlock abi %d", abi);
    add(text_r, text);
    return 0;
}

static int filter_calls(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r)
{
    struct err why;
    bool only_log = sandbox->mode == SANDBOX_LOG;
    if (system_calls_confine(sandbox->role, only_log, &why) != 0)
        return lacks(sandbox, "no seccomp", text_r, &why, err_r);
    add(text_r, only_log ? "seccomp that only logs" : "seccomp");
    return 0;
}

int sandbox_enter(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r)
{
    text_r[0] = '\0';
    if (sandbox->mode == SANDBOX_OFF || SANITIZED) {
        add(text_r, SANITIZED ? "off: this is a build with sanitizers" : "off");
        return 0;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_system(err_r, "PR_SET_NO_NEW_PRIVS");
    if (bound_files(sandbox, text_r, err_r) != 0)
        return -1;
    return filter_calls(sandbox, text_r, err_r);
}
