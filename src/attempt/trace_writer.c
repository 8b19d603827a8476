/* trace_writer: see trace_writer.h.
 * Owns: the text while it grows.
 * Nothing is looked up and nothing allocated for a single value.
 * RFC 8259 2, 7.
 * Must never write an octet of a text that is not printable ASCII. */
#include "attempt/trace_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_FIRST = 2048, NUMBER_TEXT = 24, DEPTH_MAX = 32 };

static char *room_for(struct writer *writer, size_t length)
{
    if (writer->size - writer->length < length) {
        size_t size = writer->size > 0 ? writer->size : SIZE_FIRST;
        while (size - writer->length < length)
            size *= 2;
        writer->octets = x_realloc(writer->octets, size);
        writer->size = size;
    }
    return writer->octets + writer->length;
}

static void add(struct writer *writer, const char *octets, size_t length)
{
    memcpy(room_for(writer, length), octets, length);
    writer->length += length;
}

static void add_octet(struct writer *writer, char octet)
{
    *room_for(writer, 1) = octet;
    writer->length++;
}

/* Twice the length is always enough. */
static void add_quoted(struct writer *writer, const char *text)
{
    char *to = room_for(writer, 2 * strlen(text) + 2);
    *to++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *to++ = '\\';
        *to++ = (*text >= ' ' && *text <= '~') ? *text : '?';
    }
    *to++ = '"';
    writer->length = (size_t)(to - writer->octets);
}

static void begin_value(struct writer *writer, const char *key)
{
    if (writer->depth > 0 && !writer->first)
        add_octet(writer, ',');
    writer->first = false;
    assert(writer->depth == 0 || (key == NULL) == (writer->lists & 1));
    if (key == NULL)
        return;
    add_quoted(writer, key);
    add_octet(writer, ':');
}

static void open(struct writer *writer, const char *key, bool list)
{
    assert(writer->depth < DEPTH_MAX);
    begin_value(writer, key);
    add_octet(writer, list ? '[' : '{');
    writer->lists = writer->lists << 1 | list;
    writer->depth++;
    writer->first = true;
}

void open_object(struct writer *writer, const char *key)
{
    open(writer, key, false);
}

void open_list(struct writer *writer, const char *key)
{
    open(writer, key, true);
}

void close_last(struct writer *writer)
{
    assert(writer->depth > 0);
    add_octet(writer, (writer->lists & 1) != 0 ? ']' : '}');
    writer->lists >>= 1;
    writer->depth--;
    writer->first = false;
}

void put_text(struct writer *writer, const char *key, const char *text)
{
    if (text == NULL)
        return;
    begin_value(writer, key);
    add_quoted(writer, text);
}

void put_number(struct writer *writer, const char *key, int64_t number)
{
    char digits[NUMBER_TEXT];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, number);
    begin_value(writer, key);
    add(writer, digits, (size_t)length);
}

void put_boolean(struct writer *writer, const char *key, bool value)
{
    put_written(writer, key, value ? "true" : "false");
}

void put_flag(struct writer *writer, const char *key, bool flag)
{
    if (flag)
        put_boolean(writer, key, true);
}

void put_written(struct writer *writer, const char *key, const char *json)
{
    if (json == NULL)
        return;
    begin_value(writer, key);
    add(writer, json, strlen(json));
}

char *writer_take(struct writer *writer)
{
    assert(writer->depth == 0);
    if (writer->octets == NULL)
        return NULL;
    add_octet(writer, '\0');
    char *text = writer->octets;
    *writer = (struct writer){0};
    return text;
}

void writer_free(struct writer *writer)
{
    free(writer->octets);
    *writer = (struct writer){0};
}
