/* limits: how much mail one session carries: by what the server states in LIMITS, and by our own settings.
 * Owns: nothing; which domains a session was asked for is kept in the session.
 * RFC 9422; requirement SMTPC-26.
 * Must never ask a server for more than it has stated. */
#ifndef DANEWAY_ATTEMPT_LIMITS_H
#define DANEWAY_ATTEMPT_LIMITS_H

#include "attempt/transaction.h"

/* May a further transaction begin (MAILMAX)? */
bool limits_allow_message(const struct session *session);
/* Moves to the front those recipients that the next transaction may ask for (RCPTMAX, RCPTDOMAINMAX); returns their number,
 * which is not 0 in a session that has carried nothing yet. Their domains count from now on. */
size_t limits_admit(struct session *session, struct transaction_recipient *recipients,
                    size_t count);
/* Is it worth keeping for a later message: MAILMAX, reuse_messages, reuse_lifetime? */
bool limits_allow_keeping(const struct session *session);

#endif
