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
    conductor->pool = pool_create(parts->loop, parts->settings);
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
    pool_free(&(*conductor)->pool);
    departures_end(&(*conductor)->departures);
    free(*conductor);
    *conductor = NULL;
}

void conductor_drain(struct conductor *conductor)
{
    conductor->draining = true;
    pool_dismiss(conductor->pool);
}

struct reuse_counters conductor_counters(const struct conductor *conductor)
{
    struct reuse_counters counters = conductor->counters;
    counters.idle = pool_count(conductor->pool);
    return counters;
}

json_t *conductor_status(void *conductor)
{
    struct reuse_counters c = conductor_counters(conductor);
    return json_pack("{sI sI sI sI sI}", "opened", (json_int_t)c.opened, "reused",
                     (json_int_t)c.reused, "stale", (json_int_t)c.stale, "resumed",
                     (json_int_t)c.resumed, "idle", (json_int_t)c.idle);
}

/* Nothing of the old rules, nor of roots that are about to be freed, may stay behind a kept verdict (TLS-15). */
static void change_rules(struct conductor *conductor)
{
    conductor->rules_version++;
    pool_dismiss(conductor->pool);
}

void conductor_use_table(struct conductor *conductor, const struct table *table)
{
    conductor->table = table;
    change_rules(conductor);
}

void conductor_use_mailboxes(struct conductor *conductor, const struct mailboxes *mailboxes)
{
    conductor->mailboxes = mailboxes;
    change_rules(conductor);
}

void conductor_use_shadow_table(struct conductor *conductor, const struct table *table)
{
    conductor->shadow_table = table;
}

bool conductor_is_shadowed(const struct conductor *conductor)
{
    return conductor->shadow_table != NULL || conductor->parts.settings->shadow_level_given;
}

struct rule_set conductor_shadow_rules(const struct conductor *conductor)
{
    const struct delivery_settings *settings = conductor->parts.settings;
    return (struct rule_set){
        .default_level =
            settings->shadow_level_given ? settings->shadow_level : settings->default_level,
        .table = conductor->shadow_table != NULL ? conductor->shadow_table : conductor->table,
        .mailboxes = conductor->mailboxes,
    };
}
