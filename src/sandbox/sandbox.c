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
static int lacks(const struct sandbox *sandbox, const char *part, char text_r[SANDBOX_TEXT],
                 struct err *err_r)
{
    char text[40];
    snprintf(text, sizeof text, "no %s", part);
    add(text_r, text);
    if (sandbox->mode != SANDBOX_REQUIRED)
        return 0;
    return err_set(err_r,
                   "sandbox: this kernel has no %s; expected one that has it, or "
                   "\"when-available\"",
                   part);
}

static int bound_files(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r)
{
    char text[40];
    int abi = landlock_abi();
    if (abi == 0)
        return lacks(sandbox, "landlock", text_r, err_r);
    if (landlock_confine(sandbox, err_r) != 0)
        return -1;
    snprintf(text, sizeof text, "landlock abi %d", abi);
    add(text_r, text);
    return 0;
}

static int filter_calls(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r)
{
    bool only_log = sandbox->mode == SANDBOX_LOG;
    if (!system_calls_can_be_confined())
        return lacks(sandbox, "seccomp", text_r, err_r);
    if (system_calls_confine(sandbox->role, only_log, err_r) != 0)
        return -1;
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
