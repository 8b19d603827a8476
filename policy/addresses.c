/* addresses: which addresses of a host are connected to, and in which order.
 * Owns: nothing. Requirements SMTPC-16, SMTPC-20.
 * The families take turns, so that whichever of them does not work costs one time-out and not all that an attempt has.
 * Must never let a stranger choose a special address. */
#include "policy/host.h"

static bool is_family_used(const struct host_question *question, uint8_t family)
{
    const struct table_row *row = question->demands->row;
    const struct row_attributes *attributes = row != NULL ? row->attributes : NULL;
    enum inet_protocols used = question->settings->inet_protocols;
    bool sourced = attributes != NULL &&
                   (attributes->source_ipv4.family != 0 || attributes->source_ipv6.family != 0);
    if (sourced) /* mail that must come from an address does not come from another one */
        return family == 4 ? attributes->source_ipv4.family != 0
                           : attributes->source_ipv6.family != 0;
    return used == INET_ALL || used == (family == 4 ? INET_IPV4 : INET_IPV6);
}

/* Special addresses are left out, unless the operator himself named the host or allowed them (SMTPC-20). */
static bool is_allowed(const struct host_question *question, const struct address *address)
{
    return !is_chosen_by_strangers(question->evidence, question->demands) ||
           address_is_allowed(address, question->settings->allow_addresses,
                              question->settings->allow_address_count);
}

static uint8_t first_family(const struct host_question *question)
{
    enum address_preference preference = question->settings->address_preference;
    if (preference == PREFER_ANY)
        return question->lot & 1 ? 4 : 6;
    return preference == PREFER_IPV4 ? 4 : 6;
}

/* The next one of that family, from *at on; NULL: there is none. */
static const struct address *next_of(const struct host_question *question,
                                     const struct evidence_host *host, uint8_t family, size_t *at)
{
    while (*at < host->address_count) {
        const struct address *address = &host->addresses[(*at)++];
        if (address->family == family && is_allowed(question, address))
            return address;
    }
    return NULL;
}

enum reason host_take_addresses(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    struct address *addresses =
        arena_alloc(question->arena, (host->address_count + 1) * sizeof(*addresses));
    size_t at[2] = {0, 0}, allowed = 0;
    uint8_t first = first_family(question), families[2] = {first, first == 4 ? 6 : 4};
    for (size_t turn = 0; turn < 2 * host->address_count; turn++) {
        uint8_t family = families[turn % 2];
        const struct address *address = next_of(question, host, family, &at[turn % 2]);
        allowed += address != NULL;
        if (address != NULL && is_family_used(question, family))
            addresses[planned->address_count++] = *address;
    }
    planned->addresses = addresses;
    if (planned->address_count > 0)
        return REASON_NONE;
    return allowed > 0 ? REASON_FAMILY_NOT_USED : REASON_ADDRESS_SPECIAL;
}
