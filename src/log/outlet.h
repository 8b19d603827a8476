/* outlet: how a line leaves: by standard error, whatever that is.
 * Owns: nothing; a pipe is opened anew, so that its other writers do not find it changed.
 * Any thread may write. A file or a terminal takes what it is given; a pipe or a socket whose reader stands still does not.
 * Must never wait longer for a reader than OUTLET_PATIENCE, and not again before the reader has moved. */
#ifndef DANEWAY_LOG_OUTLET_H
#define DANEWAY_LOG_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

enum { OUTLET_PATIENCE = 200 /* ms */ };

/* Looks what standard error is; before that it is written to as a file is. What is forked afterwards inherits it. */
void outlet_open(void);
/* False: the line is lost. */
bool outlet_write(const char *line, size_t length);

#endif
