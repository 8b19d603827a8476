/* sts_text: what the grammars of the MTA-STS record, of the policy file and of the TLS-RPT record have in common.
 * Owns: nothing.
 * RFC 8461 3.1, 3.2, RFC 8460 3.
 * Must never depend on the locale. */
#ifndef DANEWAY_POLICY_STS_TEXT_H
#define DANEWAY_POLICY_STS_TEXT_H

#include <stdbool.h>

#include "base/slice.h"

static inline bool sts_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool sts_is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* 1 to 32 characters, a letter or digit first (STS-07, STS-31). */
static inline bool sts_is_field_name(struct slice name)
{
    bool good = name.len >= 1 && name.len <= 32 && sts_is_alphanumeric(name.ptr[0]);
    for (size_t i = 0; i < name.len && good; i++)
        good = sts_is_alphanumeric(name.ptr[i]) || name.ptr[i] == '_' || name.ptr[i] == '-' ||
               name.ptr[i] == '.';
    return good;
}

/* Letters, digits and hyphens in each label; no IP address. */
bool text_is_domain(struct slice name);

#endif
