/* progress: see progress.h.
 * Owns: when it was written last, of this process.
 * A line ends in "erase to the end", as the one before may have been longer.
 * Must never write where standard error is no terminal. */
#include "cli/progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MS = 500 };

#define ERASE "\033[K"

static struct {
    int64_t last_ms; /* 0: nothing has begun */
    bool shown;
} state;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_say(size_t done, size_t of, const char *what)
{
    int64_t now = now_ms();
    if (state.last_ms == 0)
        state.last_ms = now;
    if (now - state.last_ms < INTERVAL_MS || !isatty(STDERR_FILENO))
        return;
    state.last_ms = now;
    state.shown = true;
    if (of > 0)
        fprintf(stderr, "\r%zu of %zu %s" ERASE, done, of, what);
    else
        fprintf(stderr, "\r%zu %s" ERASE, done, what);
}

void progress_end(void)
{
    if (state.shown)
        fputs("\r" ERASE, stderr);
    state.shown = false;
    state.last_ms = 0;
}
