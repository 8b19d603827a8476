/* reins: between the supervisor and a role: the role says that it serves; the supervisor hands it the key files, which
 * only root can open.
 * Owns: nothing; a pair of sockets (SOCK_SEQPACKET) made before the fork, whose ends are the caller's.
 * Must never make the supervisor wait for a role, or believe more of it than that it serves. */
#ifndef DANEWAY_REINS_H
#define DANEWAY_REINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "daneway/settings.h"

enum { REINS_OF_SUPERVISOR, REINS_OF_ROLE };
int reins_create(int ends_r[2], struct err *err_r);

/* The role: it has started, or read everything anew. */
void reins_say_ready(int end);
/* The supervisor: has that been said since it was last asked? Where the role has hung up, as it ends, or was taken over, *end is closed,
 * and -1 from then on. */
bool reins_heard_ready(int *end);

/* The key files of the settings, in this order: certificate and key of section intake (if set), then the DKIM keys of all
 * identities. The supervisor opens them anew and hands them over. */
void reins_hand_keys(int end, const struct settings *settings);
/* The role: the texts that were handed over last, in that order. */
struct key_texts;
/* NULL without an error: none were handed over. -1: one cannot be opened or read. The texts are wiped when they are freed. */
int reins_take_keys(int end, const struct settings *settings, struct key_texts **keys_r,
                    struct err *err_r);
void key_texts_free(struct key_texts **keys);
const struct slice *key_texts_list(const struct key_texts *keys);

#endif
