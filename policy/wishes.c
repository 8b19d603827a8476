/* wishes: see wishes.h.
 * Owns: nothing.
 * RFC 8689 4.2; requirements RTLS-07, 08, 17, 18, DANE-27, DANE-28.
 * Must never let TLS-Required: No loosen what the operator himself asks for. */
#include "policy/wishes.h"

#define ANY_OF(set, ...) (((set) & (__VA_ARGS__)) != 0)
enum {
    NONE = TLS_LEVEL_BIT(LEVEL_NONE),
    DANE = TLS_LEVEL_BIT(LEVEL_DANE),
    DANE_ONLY = TLS_LEVEL_BIT(LEVEL_DANE_ONLY),
    AUTO = TLS_LEVEL_BIT(LEVEL_AUTO),
    FINGERPRINT = TLS_LEVEL_BIT(LEVEL_FINGERPRINT),
    VERIFY = TLS_LEVEL_BIT(LEVEL_VERIFY),
    SECURE = TLS_LEVEL_BIT(LEVEL_SECURE),
    AUTHENTICATED = TLS_LEVEL_BIT(LEVEL_AUTHENTICATED),
    ENCRYPT = TLS_LEVEL_BIT(LEVEL_ENCRYPT),
};

static enum protection least_of(unsigned levels)
{
    if (ANY_OF(levels, DANE_ONLY | FINGERPRINT | VERIFY | SECURE | AUTHENTICATED))
        return PROTECTION_AUTHENTICATED;
    if (ANY_OF(levels, ENCRYPT))
        return PROTECTION_ENCRYPT;
    return ANY_OF(levels, ~(unsigned)NONE) ? PROTECTION_MAY : PROTECTION_NONE;
}

/* sts=off speaks of the row's own level; another demand may still ask for MTA-STS. */
static bool wants_sts(const struct demands *demands, unsigned others)
{
    enum choice sts = demands->row != NULL ? demands->row->attributes->sts : CHOICE_UNSET;
    bool by_level = ANY_OF(TLS_LEVEL_BIT(demands->level), AUTO | AUTHENTICATED);
    return sts == CHOICE_YES || (by_level && sts != CHOICE_NO) ||
           ANY_OF(others, AUTO | AUTHENTICATED);
}

static struct wishes wishes_with(const struct demands *demands, bool requiretls)
{
    bool must = requiretls && demands->requiretls_mode == REQUIRETLS_ENFORCE;
    unsigned others = demands->minimum | (must ? AUTO : 0u);
    unsigned levels = others | TLS_LEVEL_BIT(demands->level);
    struct wishes wishes = {
        .dane = ANY_OF(levels, DANE | DANE_ONLY | AUTO | AUTHENTICATED),
        .sts = wants_sts(demands, others),
        .dane_must = ANY_OF(levels, DANE_ONLY),
        .authenticated = ANY_OF(levels, AUTHENTICATED),
        .verify = ANY_OF(levels, VERIFY),
        .secure = ANY_OF(levels, SECURE),
        .fingerprint = ANY_OF(levels, FINGERPRINT),
        .least = least_of(levels),
    };
    wishes.soft =
        demands->tls_optional && !demands->requiretls && !wishes.dane_must && !wishes.authenticated;
    if (!requiretls || demands->requiretls_mode == REQUIRETLS_DISABLE)
        return wishes;
    bool starttls = demands->requiretls_mode == REQUIRETLS_OPPORTUNISTIC_STARTTLS;
    wishes.requiretls = must       ? REQUIRETLS_MUST
                        : starttls ? REQUIRETLS_UNDER_TLS
                                   : REQUIRETLS_IF_OFFERED;
    enum protection asked = must       ? PROTECTION_AUTHENTICATED
                            : starttls ? PROTECTION_ENCRYPT
                                       : PROTECTION_NONE;
    wishes.least = wishes.least > asked ? wishes.least : asked;
    return wishes;
}

struct wishes wishes_of(const struct demands *demands)
{
    return wishes_with(demands, demands->requiretls);
}

struct wishes wishes_without_requiretls(const struct demands *demands)
{
    return wishes_with(demands, false);
}

bool demands_want_dane(const struct demands *demands)
{
    return wishes_of(demands).dane;
}

bool demands_want_sts(const struct demands *demands)
{
    return wishes_of(demands).sts;
}
