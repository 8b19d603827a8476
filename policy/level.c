/* level: the levels and the modes of REQUIRETLS by name.
 * Owns: the names.
 * Must never take one name for two levels. */
#include <assert.h>

#include "daneway/table.h"

static const char *const level_names[] = {
    [LEVEL_NONE] = "none",
    [LEVEL_MAY] = "may",
    [LEVEL_ENCRYPT] = "encrypt",
    [LEVEL_DANE] = "dane",
    [LEVEL_DANE_ONLY] = "dane-only",
    [LEVEL_AUTO] = "auto",
    [LEVEL_FINGERPRINT] = "fingerprint",
    [LEVEL_VERIFY] = "verify",
    [LEVEL_SECURE] = "secure",
    [LEVEL_AUTHENTICATED] = "authenticated",
};

static const char *const mode_names[] = {
    [REQUIRETLS_ENFORCE] = "enforce",
    [REQUIRETLS_OPPORTUNISTIC_STARTTLS] = "opportunistic+starttls",
    [REQUIRETLS_OPPORTUNISTIC] = "opportunistic",
    [REQUIRETLS_DISABLE] = "disable",
};

const char *tls_level_name(enum tls_level level)
{
    assert(level < LEVEL_COUNT);
    return level_names[level];
}

int tls_level_by_name(struct slice name, enum tls_level *level_r)
{
    for (enum tls_level level = LEVEL_NONE; level < LEVEL_COUNT; level++)
        if (slice_equal_nocase(name, slice_of(level_names[level]))) {
            *level_r = level;
            return 0;
        }
    return -1;
}

const char *requiretls_mode_name(enum requiretls_mode mode)
{
    assert(mode <= REQUIRETLS_DISABLE);
    return mode_names[mode];
}
