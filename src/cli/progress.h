/* progress: one line on the terminal about long work, written anew while it goes on, and gone when it is done.
 * Owns: that line, on standard error; nothing is written where that is no terminal.
 * Two lines a second at most; nothing for what takes less than half a second.
 * Must never stand in what a program reads. */
#ifndef DANEWAY_CLI_PROGRESS_H
#define DANEWAY_CLI_PROGRESS_H

#include <stddef.h>

/* "12 files read", "3 of 40 names looked up" (of > 0). Called as often as one likes. */
void progress_say(size_t done, size_t of, const char *what);
/* Before anything else is printed. */
void progress_end(void);

#endif
