/* conductor: see conductor.h and attempt.h.
 * Owns: the conductor's life; attempt.c puts its attempts on the list and takes them off.
 * Must never outlive the loop, nor end while one of its attempts goes on. */
#include "attempt/conductor.h"

#include <stdlib.h>

#include "base/alloc.h"

struct conductor *conductor_create(const struct conductor_parts *parts)
{
    struct conductor *conductor = x_calloc(1, sizeof(*conductor));
    conductor->parts = *parts;
    return conductor;
}

void conductor_free(struct conductor **conductor)
{
    if (*conductor == NULL)
        return;
    while ((*conductor)->first != NULL) {
        struct attempt *attempt = (*conductor)->first;
        attempt_cancel(&attempt);
    }
    departures_end(&(*conductor)->departures);
    free(*conductor);
    *conductor = NULL;
}

void conductor_use_table(struct conductor *conductor, const struct table *table)
{
    conductor->table = table;
}

void conductor_use_mailboxes(struct conductor *conductor, const struct mailboxes *mailboxes)
{
    conductor->mailboxes = mailboxes;
}
