/* sts_text: see sts_text.h.
 * Owns: nothing.
 * Must never take an address for a name. */
#include "policy/sts_text.h"

enum { LABEL_LONGEST = 63, NAME_LONGEST = 253 };

static bool is_label(struct slice label)
{
    bool good = label.len >= 1 && label.len <= LABEL_LONGEST && sts_is_alphanumeric(label.ptr[0]) &&
                sts_is_alphanumeric(label.ptr[label.len - 1]);
    for (size_t i = 0; i < label.len && good; i++)
        good = sts_is_alphanumeric(label.ptr[i]) || label.ptr[i] == '-';
    return good;
}

static bool is_number(struct slice label)
{
    bool number = label.len > 0;
    for (size_t i = 0; i < label.len && number; i++)
        number = label.ptr[i] >= '0' && label.ptr[i] <= '9';
    return number;
}

bool text_is_domain(struct slice name)
{
    bool good = name.len >= 1 && name.len <= NAME_LONGEST;
    struct slice label = {NULL, 0};
    for (struct slice rest = name; good && rest.ptr != NULL;) {
        label = slice_split(rest, '.', &rest);
        good = is_label(label);
    }
    return good && !is_number(label);
}
