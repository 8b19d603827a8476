/* sts: the record that announces an MTA-STS policy, and whether a policy allows a mail host.
 * Owns: nothing; results live in the caller's arena.
 * RFC 8461 3.1, 4.1, erratum 6285; requirements STS-03..08, 44, T-09, T-11.
 * Must never guess at a record that breaks the grammar, nor let a wildcard stand for more than one
 * label. */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/sts_text.h"
#include "policy/txt_record.h"

enum { ID_LENGTH_MAX = 32 };

const char *sts_mode_name(enum sts_mode mode)
{
    static const char *const names[] = {
        [STS_MODE_NONE] = "none", [STS_MODE_TESTING] = "testing", [STS_MODE_ENFORCE] = "enforce"};
    assert(mode <= STS_MODE_ENFORCE);
    return names[mode];
}

/* --- the record ------------------------------------------------------------------------------- */

static bool is_id(struct slice value)
{
    bool good = value.len >= 1 && value.len <= ID_LENGTH_MAX;
    for (size_t i = 0; i < value.len && good; i++)
        good = sts_is_alphanumeric(value.ptr[i]);
    return good;
}

static const char *take_field(void *arg, struct slice name, struct slice value)
{
    struct slice *id = arg;
    if (slice_equal(name, SLICE_LITERAL("id")) && id->ptr == NULL) { /* STS-08: the first one */
        *id = value;
        return is_id(value) ? NULL : "the id is not 1 to 32 letters or digits";
    }
    return txt_is_extension_value(value) ? NULL : "a field has an invalid value";
}

int sts_record_parse(struct arena *arena, const struct slice *txts, size_t count, const char **id_r,
                     const char **why_r)
{
    struct slice fields, id = {NULL, 0};
    size_t candidates = txt_record_find(txts, count, SLICE_LITERAL("v=STSv1"), &fields);
    *id_r = NULL;
    if (candidates != 1) { /* T-11 */
        *why_r = candidates == 0 ? "there is no record that begins with v=STSv1"
                                 : "there are several records that begin with v=STSv1";
        return -1;
    }
    *why_r = txt_record_fields(fields, take_field, &id);
    if (*why_r == NULL && id.ptr == NULL)
        *why_r = "the record has no id";
    if (*why_r != NULL)
        return -1;
    *id_r = arena_strndup(arena, id.ptr, id.len);
    return 0;
}

/* --- patterns --------------------------------------------------------------------------------- */

static struct slice without_trailing_dot(struct slice name)
{
    return name.len > 0 && name.ptr[name.len - 1] == '.' ? slice_take(name, name.len - 1) : name;
}

bool sts_mx_match(struct slice pattern, struct slice host)
{
    pattern = without_trailing_dot(pattern);
    host = without_trailing_dot(host);
    if (host.len == 0 || memchr(host.ptr, '*', host.len) != NULL)
        return false;
    if (!slice_starts_nocase(pattern, SLICE_LITERAL("*.")))
        return slice_equal_nocase(pattern, host);
    struct slice parent;
    struct slice label = slice_split(host, '.', &parent);
    pattern = slice_drop(pattern, 2);
    return label.len > 0 && pattern.len > 0 && slice_equal_nocase(pattern, parent);
}
