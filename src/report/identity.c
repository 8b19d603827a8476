/* identity: see identity.h.
 * Owns: the private keys.
 * Must never sign for a domain that is not that of contact_info. */
#include "report/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

bool identity_may_report(const struct identity_settings *identity)
{
    return identity->organization_name[0] != '\0' && identity->contact_info[0] != '\0';
}

static bool is_or_is_below(struct slice name, struct slice domain)
{
    if (slice_equal_nocase(name, domain))
        return true;
    if (name.len <= domain.len || name.ptr[name.len - domain.len - 1] != '.')
        return false;
    return slice_equal_nocase(slice_drop(name, name.len - domain.len), domain);
}

const struct identity_settings *identity_of_sender(const struct report_settings *settings,
                                                   const char *domain)
{
    struct slice name = slice_of(domain);
    const struct identity_settings *best =
        settings->identity_count > 0 ? settings->identities : NULL;
    for (size_t i = 1; i < settings->identity_count; i++) {
        const struct identity_settings *one = &settings->identities[i];
        if (is_or_is_below(name, slice_of(one->domain)) &&
            strlen(one->domain) > strlen(best->domain))
            best = one;
    }
    return best;
}

const struct identity_settings *identity_by_domain(const struct report_settings *settings,
                                                   const char *domain)
{
    for (size_t i = 0; i < settings->identity_count; i++)
        if (strcmp(settings->identities[i].domain, domain) == 0)
            return &settings->identities[i];
    return NULL;
}

/* --- keys ------------------------------------------------------------------------------------- */

struct identity_keys {
    const struct report_settings *settings;
    struct key_ring {
        struct dkim_key **keys;
        size_t count;
    } * rings; /* one for each identity */
};

/* pems NULL: the files are read. */
static int read_ring(struct key_ring *ring, const struct dkim_key_list *list,
                     const struct slice *pems, struct err *err_r)
{
    ring->keys = x_calloc(list->count + 1, sizeof(struct dkim_key *));
    for (size_t i = 0; i < list->count; i++) {
        const struct dkim_key_file *file = &list->keys[i];
        struct dkim_key **key_r = &ring->keys[i];
        int rc = pems == NULL ? dkim_key_read(key_r, file->selector, file->path, err_r)
                              : dkim_key_parse(key_r, file->selector, file->path, pems[i], err_r);
        if (rc != 0)
            return -1;
        ring->count++;
    }
    return 0;
}

int identity_keys_parse(struct identity_keys **keys_r, const struct report_settings *settings,
                        const struct slice *pems, struct err *err_r)
{
    CLEANUP(identity_keys_free) struct identity_keys *keys = x_calloc(1, sizeof(*keys));
    keys->settings = settings;
    keys->rings = x_calloc(settings->identity_count + 1, sizeof(*keys->rings));
    for (size_t i = 0; i < settings->identity_count; i++) {
        const struct dkim_key_list *list = &settings->identities[i].dkim_keys;
        if (read_ring(&keys->rings[i], list, pems, err_r) != 0)
            return -1;
        pems = pems != NULL ? pems + list->count : NULL;
    }
    *keys_r = keys;
    keys = NULL;
    return 0;
}

int identity_keys_read(struct identity_keys **keys_r, const struct report_settings *settings,
                       struct err *err_r)
{
    return identity_keys_parse(keys_r, settings, NULL, err_r);
}

void identity_keys_free(struct identity_keys **keys)
{
    if (*keys == NULL)
        return;
    for (size_t i = 0; i < (*keys)->settings->identity_count; i++) {
        for (size_t k = 0; k < (*keys)->rings[i].count; k++)
            dkim_key_free(&(*keys)->rings[i].keys[k]);
        free((*keys)->rings[i].keys);
    }
    free((*keys)->rings);
    free(*keys);
    *keys = NULL;
}

const struct dkim_key *const *identity_keys_of(const struct identity_keys *keys,
                                               const struct identity_settings *identity,
                                               size_t *count_r)
{
    const struct key_ring *ring = &keys->rings[identity - keys->settings->identities];
    *count_r = ring->count;
    return (const struct dkim_key *const *)ring->keys;
}
