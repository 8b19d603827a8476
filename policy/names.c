/* names: see names.h.
 * Owns: nothing.
 * What a certificate says is a slice: a NUL in it is an octet that matches nothing.
 * Must never match part of a label, nor more than one label, by a wildcard. */
#include "policy/names.h"

#include <string.h>

static struct slice without_trailing_dot(struct slice name)
{
    return name.len > 0 && name.ptr[name.len - 1] == '.' ? slice_take(name, name.len - 1) : name;
}

bool name_matches(struct slice presented, struct slice reference)
{
    presented = without_trailing_dot(presented);
    reference = without_trailing_dot(reference);
    if (reference.len == 0 || memchr(reference.ptr, '*', reference.len) != NULL)
        return false;
    if (!slice_starts_nocase(presented, SLICE_LITERAL("*.")))
        return slice_equal_nocase(presented, reference);
    struct slice parent = slice_drop(presented, 2), rest;
    struct slice label = slice_split(reference, '.', &rest);
    bool below_a_domain = parent.len > 0 && memchr(parent.ptr, '.', parent.len) != NULL;
    return below_a_domain && label.len > 0 && slice_equal_nocase(parent, rest);
}

bool name_is_below(struct slice presented, struct slice domain)
{
    presented = without_trailing_dot(presented);
    domain = without_trailing_dot(domain);
    if (domain.len == 0 || presented.len < domain.len + 2)
        return false;
    struct slice end = slice_drop(presented, presented.len - domain.len);
    return end.ptr[-1] == '.' && slice_equal_nocase(end, domain);
}
