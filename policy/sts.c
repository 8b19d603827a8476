/* sts: the record that announces an MTA-STS policy, and whether a policy allows a mail host.
 * Owns: nothing; results live in the caller's arena.
 * RFC 8461 3.1, 4.1, erratum 6285; requirements STS-03..08, 44, T-09, T-11.
 * Must never guess at a record that breaks the grammar, nor let a wildcard stand for more than one
 * label. */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/sts_text.h"

enum { ID_LENGTH_MAX = 32 };

const char *sts_mode_name(enum sts_mode mode)
{
    static const char *const names[] = {
        [STS_MODE_NONE] = "none", [STS_MODE_TESTING] = "testing", [STS_MODE_ENFORCE] = "enforce"};
    assert(mode <= STS_MODE_ENFORCE);
    return names[mode];
}

/* --- the record ------------------------------------------------------------------------------- */

/* "v=STSv1", white space, ";": what follows it is *fields_r; false for any other record (STS-04).
 */
static bool is_sts_record(struct slice text, struct slice *fields_r)
{
    static const struct slice version = {"v=STSv1", 7};
    if (!slice_equal(slice_take(text, version.len), version))
        return false;
    text = slice_drop(text, version.len);
    while (text.len > 0 && sts_is_blank(text.ptr[0]))
        text = slice_drop(text, 1);
    *fields_r = slice_drop(text, 1);
    return text.len > 0 && text.ptr[0] == ';';
}

static bool is_id(struct slice value)
{
    bool good = value.len >= 1 && value.len <= ID_LENGTH_MAX;
    for (size_t i = 0; i < value.len && good; i++)
        good = sts_is_alphanumeric(value.ptr[i]);
    return good;
}

/* STS-07: printable ASCII without ";" and "=". */
static bool is_extension_value(struct slice value)
{
    bool good = value.len > 0;
    for (size_t i = 0; i < value.len && good; i++)
        good = value.ptr[i] > 0x20 && value.ptr[i] < 0x7f && value.ptr[i] != ';' &&
               value.ptr[i] != '=';
    return good;
}

/* One field without the white space around it; NULL, or what is wrong with it. */
static const char *take_field(struct slice field, struct slice *id)
{
    struct slice value;
    struct slice name = slice_split(field, '=', &value);
    if (field.len == 0)
        return "a field is empty";
    if (value.ptr == NULL || !sts_is_field_name(name))
        return "a field is not NAME=VALUE";
    if (slice_equal(name, SLICE_LITERAL("id")) && id->ptr == NULL) { /* STS-08: the first one */
        *id = value;
        return is_id(value) ? NULL : "the id is not 1 to 32 letters or digits";
    }
    return is_extension_value(value) ? NULL : "a field has an invalid value";
}

static const char *take_fields(struct slice fields, struct slice *id_r)
{
    *id_r = (struct slice){NULL, 0};
    const char *why = NULL;
    while (why == NULL && fields.ptr != NULL) {
        struct slice rest;
        struct slice field = slice_split(fields, ';', &rest);
        while (field.len > 0 && sts_is_blank(field.ptr[0]))
            field = slice_drop(field, 1);
        bool last = rest.ptr == NULL;
        if (last && field.len == 0) /* the last ";" is optional, and so is white space behind it */
            break;
        while (!last && field.len > 0 && sts_is_blank(field.ptr[field.len - 1]))
            field.len--;
        why = take_field(field, id_r);
        fields = rest;
    }
    return why != NULL ? why : id_r->ptr == NULL ? "the record has no id" : NULL;
}

int sts_record_parse(struct arena *arena, const struct slice *txts, size_t count, const char **id_r,
                     const char **why_r)
{
    struct slice fields, candidate = {NULL, 0}, id;
    size_t candidates = 0;
    *id_r = NULL;
    for (size_t i = 0; i < count; i++)
        if (is_sts_record(txts[i], &fields)) {
            candidate = fields;
            candidates++;
        }
    if (candidates != 1) { /* T-11 */
        *why_r = candidates == 0 ? "there is no record that begins with v=STSv1"
                                 : "there are several records that begin with v=STSv1";
        return -1;
    }
    *why_r = take_fields(candidate, &id);
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
