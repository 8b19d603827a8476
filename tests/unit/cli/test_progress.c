/* test_progress: a line on a terminal only, and gone in the end.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"

/* What stands on standard error after half a second of work. */
static size_t written_to(int out, int in, char *text, size_t size)
{
    int before = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(out, STDERR_FILENO);
    progress_say(1, 0, "files read");
    usleep(600000);
    progress_say(12, 40, "names looked up");
    progress_end();
    fputs(".", stderr); /* so that there is something to read */
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t got = read(in, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

Test(progress, on_a_terminal_a_line_that_goes)
{
    int master, terminal;
    char text[200];
    cr_assert(eq(int, openpty(&master, &terminal, NULL, NULL, NULL), 0));
    written_to(terminal, master, text, sizeof text);
    cr_expect(eq(str, text, "\r12 of 40 names looked up\033[K\r\033[K."));
}

Test(progress, elsewhere_nothing)
{
    int ends[2];
    char text[200];
    cr_assert(eq(int, pipe(ends), 0));
    written_to(ends[1], ends[0], text, sizeof text);
    cr_expect(eq(str, text, "."));
}
