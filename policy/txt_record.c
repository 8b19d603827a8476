/* txt_record: see txt_record.h.
 * Owns: nothing.
 * Must never guess at a record that breaks the grammar. */
#include "policy/txt_record.h"

#include "policy/sts_text.h"

static struct slice without_blanks_before(struct slice text)
{
    while (text.len > 0 && sts_is_blank(text.ptr[0]))
        text = slice_drop(text, 1);
    return text;
}

/* The version, white space, ";": what follows it is *fields_r; false for any other record (STS-04). */
static bool is_record(struct slice text, struct slice version, struct slice *fields_r)
{
    if (!slice_equal(slice_take(text, version.len), version))
        return false;
    text = without_blanks_before(slice_drop(text, version.len));
    *fields_r = slice_drop(text, 1);
    return text.len > 0 && text.ptr[0] == ';';
}

size_t txt_record_find(const struct slice *txts, size_t count, struct slice version,
                       struct slice *fields_r)
{
    struct slice fields;
    size_t candidates = 0;
    *fields_r = (struct slice){"", 0};
    for (size_t i = 0; i < count; i++)
        if (is_record(txts[i], version, &fields)) {
            *fields_r = fields;
            candidates++;
        }
    return candidates;
}

bool txt_is_extension_value(struct slice value)
{
    bool good = value.len > 0;
    for (size_t i = 0; i < value.len && good; i++)
        good = value.ptr[i] > 0x20 && value.ptr[i] < 0x7f && value.ptr[i] != ';' &&
               value.ptr[i] != '=';
    return good;
}

static const char *take_field(struct slice field, txt_field_fn *fn, void *arg)
{
    struct slice value;
    struct slice name = slice_split(field, '=', &value);
    if (field.len == 0)
        return "a field is empty";
    if (value.ptr == NULL || !sts_is_field_name(name))
        return "a field is not NAME=VALUE";
    return fn(arg, name, value);
}

const char *txt_record_fields(struct slice fields, txt_field_fn *fn, void *arg)
{
    const char *why = NULL;
    while (why == NULL && fields.ptr != NULL) {
        struct slice rest;
        struct slice field = without_blanks_before(slice_split(fields, ';', &rest));
        bool last = rest.ptr == NULL;
        if (last && field.len == 0) /* the last ";" is optional, and so is white space behind it */
            break;
        while (!last && field.len > 0 && sts_is_blank(field.ptr[field.len - 1]))
            field.len--;
        why = take_field(field, fn, arg);
        fields = rest;
    }
    return why;
}
