/* read_fields: see read_fields.h.
 * Owns: nothing.
 * Must never take a number for a count that RFC 7493 does not carry exactly (above 2^53). */
#include "report/read_fields.h"

#include <string.h>

#include "base/address.h"

#define COUNT_MAX 9007199254740991 /* 2^53 - 1 */

static const char *type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

static void deviates(const struct field_object *object, const struct field *field, const char *text)
{
    bool top = object->group[0] == '\0';
    source_deviates(object->source, "%s%s%s %s", object->group, top ? "" : ".", field->name, text);
}

static void wrong_type(const struct field_object *object, const struct field *field,
                       const json_t *json, const char *expected)
{
    deviates(object, field,
             arena_printf(object->source->arena, "is %s, not %s", type_name(json), expected));
}

/* --- finding ------------------------------------------------------------------------------------ */

/* Equal but for letter case and whatever is no letter. */
static bool is_spelling_of(const char *key, struct slice name)
{
    while (true) {
        while (*key != '\0' && (ascii_lower(*key) < 'a' || ascii_lower(*key) > 'z'))
            key++;
        while (name.len > 0 && (ascii_lower(*name.ptr) < 'a' || ascii_lower(*name.ptr) > 'z'))
            name = slice_drop(name, 1);
        if (*key == '\0' || name.len == 0)
            return *key == '\0' && name.len == 0;
        if (ascii_lower(*key++) != ascii_lower(*name.ptr))
            return false;
        name = slice_drop(name, 1);
    }
}

static bool is_other_name(const char *key, const struct field *field)
{
    struct slice rest = slice_of(field->others);
    if (is_spelling_of(key, slice_of(field->name)))
        return true;
    while (rest.len > 0)
        if (is_spelling_of(key, slice_split(rest, ' ', &rest)))
            return true;
    return false;
}

static json_t *find_other_name(const struct field_object *object, const struct field *field)
{
    const char *key;
    json_t *value;
    json_object_foreach(object->json, key, value) {
        if (!is_other_name(key, field))
            continue;
        source_deviates(object->source, "\"%s\" stands for \"%s\"", key, field->name);
        return value;
    }
    return NULL;
}

json_t *field_find(const struct field_object *object, const struct field *field)
{
    json_t *value = json_object_get(object->json, field->name);
    if (value == NULL)
        value = find_other_name(object, field);
    if (value == NULL && field->required)
        deviates(object, field, "is missing");
    if (!json_is_null(value))
        return value;
    deviates(object, field, "is null");
    return NULL;
}

struct field_object field_object(const struct field_object *object, const struct field *field)
{
    json_t *value = field_find(object, field);
    if (value != NULL && !json_is_object(value))
        wrong_type(object, field, value, "an object");
    return (struct field_object){object->source, json_is_object(value) ? value : NULL, field->name};
}

/* --- texts -------------------------------------------------------------------------------------- */

static const char *text_of(const struct field_object *object, const json_t *value)
{
    struct arena *arena = object->source->arena;
    if (json_is_string(value))
        return arena_strdup(arena, json_string_value(value));
    if (json_is_number(value))
        return arena_printf(arena, "%.17g", json_number_value(value));
    return "";
}

const char *field_text(const struct field_object *object, const struct field *field)
{
    json_t *value = field_find(object, field);
    if (value == NULL)
        return "";
    if (!json_is_string(value))
        wrong_type(object, field, value, "a string");
    const char *text = text_of(object, value);
    if (json_is_string(value) && *text == '\0' && field->required)
        deviates(object, field, "is empty");
    return text;
}

const char *field_name(const struct field_object *object, const struct field *field)
{
    struct slice text = slice_trim(slice_of(field_text(object, field)));
    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--;
    char *name = arena_strndup(object->source->arena, text.ptr, text.len);
    ascii_lower_text(name);
    return name;
}

const char *field_address(const struct field_object *object, const struct field *field)
{
    struct address address;
    char form[ADDRESS_TEXT];
    const char *text = field_text(object, field);
    struct slice plain = slice_trim(slice_of(text));
    if (plain.len == 0)
        return "";
    if (plain.len > 2 && plain.ptr[0] == '[' && plain.ptr[plain.len - 1] == ']') {
        deviates(object, field, "has brackets");
        plain = (struct slice){plain.ptr + 1, plain.len - 2};
    }
    const char *copy = arena_strndup(object->source->arena, plain.ptr, plain.len);
    if (address_parse(copy, &address) != 0) {
        deviates(object, field, "is no IP address; left out");
        return "";
    }
    return arena_strdup(object->source->arena, address_format(&address, form));
}

const char **field_texts(const struct field_object *object, const struct field *field,
                         size_t *count_r)
{
    json_t *value = field_find(object, field), *element;
    size_t i;
    *count_r = 0;
    if (value == NULL)
        return NULL;
    if (!json_is_array(value))
        wrong_type(object, field, value, "an array of strings");
    const char **texts =
        arena_alloc(object->source->arena, (json_array_size(value) + 1) * sizeof(*texts));
    if (json_is_string(value))
        texts[(*count_r)++] = text_of(object, value);
    json_array_foreach(value, i, element) {
        if (json_is_string(element))
            texts[(*count_r)++] = text_of(object, element);
        else
            deviates(object, field, "has elements that are no strings");
    }
    return texts;
}

/* --- numbers and times -------------------------------------------------------------------------- */

bool field_count(const struct field_object *object, const struct field *field, uint64_t *count_r)
{
    json_t *value = field_find(object, field);
    if (value == NULL)
        return false;
    if (!json_is_number(value))
        wrong_type(object, field, value, "a number");
    if (json_is_string(value) &&
        slice_to_number(slice_trim(slice_of(json_string_value(value))), COUNT_MAX, count_r) == 0)
        return true;
    double number = json_is_number(value) ? json_number_value(value) : -1;
    if (number >= 0 && number <= COUNT_MAX && (double)(uint64_t)number == number) {
        *count_r = (uint64_t)number;
        return true;
    }
    deviates(object, field, "is no number of sessions");
    return false;
}

int64_t field_time(const struct field_object *object, const struct field *field)
{
    json_t *value = field_find(object, field);
    const char *deviation = NULL;
    int64_t seconds = 0;
    if (value == NULL)
        return 0;
    if (!json_is_string(value))
        wrong_type(object, field, value, "a date of RFC 3339");
    if (report_time_parse(slice_of(text_of(object, value)), &seconds, &deviation) != 0) {
        deviates(object, field, "is no date");
        return 0;
    }
    if (deviation != NULL)
        deviates(object, field, deviation);
    return seconds;
}
