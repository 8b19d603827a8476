/* handed: listening sockets that were there before this program: from systemd (socket activation), or from the program
 * that this one takes over from.
 * Owns: those that nobody has taken yet.
 * Must never take one for a listener that the configuration does not name. */
#ifndef DANEWAY_HANDED_H
#define DANEWAY_HANDED_H

#include "base/err.h"
#include "daneway/settings.h"

struct handed;
/* What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES tell (sd_listen_fds(3)); these variables are removed. */
struct handed *handed_by_systemd(void);
void handed_free(struct handed **handed); /* closes what is left */
/* From a predecessor: what the configuration no longer names is closed without a word. */
void handed_add(struct handed *handed, int fd);
/* The socket that listens at this address; it is the caller's now, non-blocking and closed on exec. -1: there is none. */
int handed_take(struct handed *handed, const struct listen_address *address);
/* After all were asked for. -1: systemd handed on one that no option names, or that can be no listener of ours. */
int handed_check_rest(const struct handed *handed, struct err *err_r);

#endif
