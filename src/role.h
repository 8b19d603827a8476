/* role: what every role does at its birth: gives up privileges, and binds its life to the
 * supervisor's.
 * Owns: nothing. Also the directories that the roles need, made while the supervisor still may.
 * Must never go on with privileges that could not be given up. */
#ifndef DANEWAY_ROLE_H
#define DANEWAY_ROLE_H

#include <sys/types.h>

#include "base/err.h"
#include "daneway/settings.h"

/* State directory (mode 0750) and that of the status socket (0755), with their parents; given to
 * `user` when root. */
int role_make_directories(const struct settings *settings, struct err *err_r);
/* Asked by root: is there such a user, and may the roles read the tables once they are that user? */
int role_check_tables(const struct settings *settings, struct err *err_r);
/* In the child: becomes `user` if the process is root's, gains nothing by exec any more, and dies
 * with the supervisor. */
int role_begin(const char *user, pid_t supervisor, struct err *err_r);

#endif
