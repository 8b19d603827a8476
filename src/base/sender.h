/* sender: which envelope senders count as one when many want the same slots.
 * Owns: nothing.
 * Mailing lists and campaigns give each message a return path of its own (VERP); they must not count as many senders.
 * Must never be used to tell whether two addresses are the same mailbox: it is coarser than that. */
#ifndef DANEWAY_BASE_SENDER_H
#define DANEWAY_BASE_SENDER_H

#include <stddef.h>
#include <stdint.h>

/* Equal for senders that share a domain, and a local-part up to its first "+", "=" or digit, whatever their case; of BATV's
 * "prvs=TAG=user" the user counts. The null reverse-path "" is a sender of its own. */
uint64_t sender_key(const char *sender);

enum { TURN_RECIPIENTS = 10, TURNS_MOST = 16 };
/* How many turns of its sender a delivery takes: one for each `small` octets or TURN_RECIPIENTS recipients begun, whichever
 * is more, from 1 to TURNS_MOST. */
unsigned delivery_turns(uint64_t size, size_t recipients, uint64_t small);

#endif
