/* limits: see limits.h.
 * Owns: nothing.
 * Must never count one domain twice: letter case makes no difference. */
#include "attempt/limits.h"

#include <string.h>

#include "attempt/session_inside.h"

bool limits_allow_message(const struct session *session)
{
    uint32_t most = session->facts.capabilities.limit_mailmax;
    return most == 0 || session->facts.messages < most;
}

bool limits_allow_keeping(const struct session *session)
{
    const struct delivery_settings *settings = session->parts.settings;
    int64_t age = loop_wall(session->parts.loop) - session->facts.started;
    return limits_allow_message(session) && session->facts.messages < settings->reuse_messages &&
           age >= 0 && age < (int64_t)settings->reuse_lifetime;
}

/* --- RCPTDOMAINMAX ---------------------------------------------------------------------------- */

static struct slice domain_of(const char *address)
{
    const char *at = strrchr(address, '@');
    return slice_of(at != NULL ? at + 1 : "");
}

static bool is_known(const struct session *session, struct slice domain)
{
    for (size_t i = 0; i < session->domain_count; i++)
        if (slice_equal_nocase(session->domains[i], domain))
            return true;
    return false;
}

static bool admit_domain(struct session *session, const char *address)
{
    uint32_t most = session->facts.capabilities.limit_rcptdomainmax;
    struct slice domain = domain_of(address);
    if (most == 0 || is_known(session, domain))
        return true;
    if (session->domain_count >= most)
        return false;
    struct slice *more =
        arena_alloc(session->arena, (session->domain_count + 1) * sizeof(*session->domains));
    if (session->domain_count > 0)
        memcpy(more, session->domains, session->domain_count * sizeof(*more));
    more[session->domain_count++] =
        (struct slice){arena_strndup(session->arena, domain.ptr, domain.len), domain.len};
    session->domains = more;
    return true;
}

size_t limits_admit(struct session *session, struct transaction_recipient *recipients, size_t count)
{
    uint32_t stated = session->facts.capabilities.limit_rcptmax;
    size_t most = stated > 0 ? stated : SIZE_MAX;
    size_t admitted = 0;
    for (size_t i = 0; i < count && admitted < most; i++)
        if (admit_domain(session, recipients[i].recipient->address))
            recipients[admitted++] = recipients[i];
    return admitted;
}
