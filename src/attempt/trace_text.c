/* trace_text: see trace_text.h.
 * Owns: the text while it grows.
 * RFC 8259 7: what must be escaped is; the rest goes as it is.
 * Must never change what it writes down. */
#include "attempt/trace_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_FIRST = 4096, NUMBER_TEXT = 32 };

struct text {
    char *octets;
    size_t length, size;
};

static void add(struct text *text, const char *octets, size_t length)
{
    if (text->size - text->length < length) {
        while (text->size - text->length < length)
            text->size *= 2;
        text->octets = x_realloc(text->octets, text->size);
    }
    memcpy(text->octets + text->length, octets, length);
    text->length += length;
}

static void add_word(struct text *text, const char *word)
{
    add(text, word, strlen(word));
}

static void add_escape(struct text *text, char c)
{
    static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c != '\0' ? strchr(named, c) : NULL;
    char escape[8];
    if (found != NULL)
        snprintf(escape, sizeof(escape), "\\%c", letters[found - named]);
    else
        snprintf(escape, sizeof(escape), "\\u%04X", (unsigned)(unsigned char)c);
    add_word(text, escape);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

static void add_string(struct text *text, const char *string, size_t length)
{
    add(text, "\"", 1);
    for (size_t i = 0; i < length;) {
        size_t plain = i;
        while (plain < length && is_plain(string[plain]))
            plain++;
        add(text, string + i, plain - i);
        if (plain < length)
            add_escape(text, string[plain++]);
        i = plain;
    }
    add(text, "\"", 1);
}

static void add_json(struct text *text, const json_t *json);

/* jansson's iterators want objects that could be changed. */
static void add_object(struct text *text, json_t *object)
{
    add(text, "{", 1);
    void *at = json_object_iter(object);
    for (void *first = at; at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (at != first)
            add(text, ",", 1);
        add_string(text, key, strlen(key));
        add(text, ":", 1);
        add_json(text, json_object_iter_value(at));
    }
    add(text, "}", 1);
}

static void add_array(struct text *text, const json_t *array)
{
    add(text, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            add(text, ",", 1);
        add_json(text, json_array_get(array, i));
    }
    add(text, "]", 1);
}

static void add_number(struct text *text, const json_t *number)
{
    char digits[NUMBER_TEXT];
    if (json_is_integer(number))
        snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    else
        snprintf(digits, sizeof(digits), "%.17g", json_real_value(number));
    add_word(text, digits);
}

static void add_json(struct text *text, const json_t *json)
{
    if (json_is_object(json))
        add_object(text, (json_t *)json);
    else if (json_is_array(json))
        add_array(text, json);
    else if (json_is_string(json))
        add_string(text, json_string_value(json), json_string_length(json));
    else if (json_is_number(json))
        add_number(text, json);
    else
        add_word(text, json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
}

char *json_text(struct arena *arena, const json_t *json)
{
    struct text text = {.octets = x_malloc(SIZE_FIRST), .size = SIZE_FIRST};
    add_json(&text, json);
    char *copy = arena_strndup(arena, text.octets, text.length);
    free(text.octets);
    return copy;
}
