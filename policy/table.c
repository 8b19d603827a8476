/* table: the tls_policy table, in the syntax of Postfix's lookup tables.
 * Owns: the rows, their keys, and a hash index over them; immutable once parsed.
 * Logical lines, comments and the order of look-ups are Postfix's (postmap(1), smtp_tls_policy_maps).
 * Must never take a line that it does not understand: an operator would believe himself protected. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/table_text.h"

struct table {
    char *name;
    struct arena *arena; /* the keys */
    struct table_row *rows;
    size_t count, size;
    uint32_t *index;   /* row number + 1; 0: free. Open addressing, at most half full */
    size_t index_size; /* a power of two */
};

enum { KEY_LENGTH_MAX = 300, ROWS_AT_FIRST = 32 };

static const char *const level_names[] = {
    [LEVEL_NONE] = "none",           [LEVEL_MAY] = "may",
    [LEVEL_ENCRYPT] = "encrypt",     [LEVEL_DANE] = "dane",
    [LEVEL_DANE_ONLY] = "dane-only", [LEVEL_AUTO] = "auto",
};
#define EXPECTED_LEVELS "none may encrypt dane dane-only auto"

const char *tls_level_name(enum tls_level level)
{
    assert(level <= LEVEL_AUTO);
    return level_names[level];
}

int tls_level_by_name(struct slice name, enum tls_level *level_r)
{
    for (enum tls_level level = LEVEL_NONE; level <= LEVEL_AUTO; level++)
        if (slice_equal_nocase(name, slice_of(level_names[level]))) {
            *level_r = level;
            return 0;
        }
    return -1;
}

/* --- the index ---------------------------------------------------------------------------------- */

static uint64_t hash_of(struct slice key)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* Where the key is, or the free place where it belongs. */
static uint32_t *index_place(const struct table *table, struct slice key)
{
    size_t mask = table->index_size - 1;
    for (size_t at = hash_of(key) & mask;; at = (at + 1) & mask) {
        uint32_t number = table->index[at];
        if (number == 0 || slice_equal(slice_of(table->rows[number - 1].key), key))
            return &table->index[at];
    }
}

static void index_make(struct table *table, size_t size)
{
    free(table->index);
    table->index = x_calloc(size, sizeof(*table->index));
    table->index_size = size;
    for (size_t i = 0; i < table->count; i++)
        *index_place(table, slice_of(table->rows[i].key)) = (uint32_t)i + 1;
}

static const struct table_row *find(const struct table *table, struct slice key)
{
    uint32_t number = *index_place(table, key);
    return number > 0 ? &table->rows[number - 1] : NULL;
}

static void add(struct table *table, struct slice key, unsigned line, enum tls_level level)
{
    if (table->count == table->size) {
        table->size *= 2;
        table->rows = x_realloc(table->rows, table->size * sizeof(*table->rows));
        index_make(table, table->size * 2);
    }
    const char *copy = arena_strndup(table->arena, key.ptr, key.len);
    static const struct row_attributes none;
    table->rows[table->count++] =
        (struct table_row){.key = copy, .line = line, .level = level, .attributes = &none};
    *index_place(table, key) = (uint32_t)table->count;
}

/* --- parsing ------------------------------------------------------------------------------------ */

/* Lower case without a trailing dot, also before "]", into text_r[KEY_LENGTH_MAX]. */
static int normalize(struct slice key, char *text_r, struct slice *key_r)
{
    size_t length = 0;
    if (key.len >= KEY_LENGTH_MAX)
        return -1;
    for (size_t i = 0; i < key.len; i++) {
        bool trailing = key.ptr[i] == '.' && i > 0 && (i + 1 == key.len || key.ptr[i + 1] == ']');
        if (!trailing)
            text_r[length++] = ascii_lower(key.ptr[i]);
    }
    *key_r = (struct slice){text_r, length};
    return 0;
}

static int parse_level(const struct table *table, const struct table_line *line,
                       enum tls_level *level_r, struct err *err_r)
{
    struct slice value = line->value;
    struct slice word = table_word(&value);
    char shown[TABLE_SHOWN];
    if (word.len == 0)
        return err_set(err_r, "%s:%u: \"%s\" has no level, expected one of %s", table->name,
                       line->number, table_shown(line->key, shown), EXPECTED_LEVELS);
    if (tls_level_by_name(word, level_r) != 0)
        return err_set(err_r, "%s:%u: unknown level \"%s\", expected one of %s", table->name,
                       line->number, table_shown(word, shown), EXPECTED_LEVELS);
    word = table_word(&value);
    if (word.len > 0)
        return err_set(err_r,
                       "%s:%u: unknown attribute \"%s\", expected one of %s and nothing behind it",
                       table->name, line->number, table_shown(word, shown), EXPECTED_LEVELS);
    return 0;
}

static int parse_line(struct table *table, const struct table_line *line, struct err *err_r)
{
    char text[KEY_LENGTH_MAX], shown[TABLE_SHOWN];
    struct slice key;
    if (normalize(line->key, text, &key) != 0 || !table_key_is_valid(key))
        return err_set(err_r,
                       "%s:%u: unknown key \"%s\", expected one of example.com .example.com "
                       "[host] [host]:port (letters of other scripts as xn--...)",
                       table->name, line->number, table_shown(line->key, shown));
    enum tls_level level = LEVEL_AUTO;
    if (parse_level(table, line, &level, err_r) != 0)
        return -1;
    uint32_t twin = *index_place(table, key);
    if (twin > 0)
        return err_set(
            err_r, "%s:%u: \"%s\" is given twice, first on line %u; expected one of them",
            table->name, line->number, table_shown(key, shown), table->rows[twin - 1].line);
    add(table, key, line->number, level);
    return 0;
}

static struct table *table_create(const char *name)
{
    struct table *table = x_calloc(1, sizeof(*table));
    table->name = x_strdup(name);
    table->arena = arena_create();
    table->size = ROWS_AT_FIRST;
    table->rows = x_calloc(table->size, sizeof(*table->rows));
    index_make(table, table->size * 2);
    return table;
}

int table_parse(struct table **table_r, const char *name, struct slice text, struct err *err_r)
{
    struct table *table = table_create(name);
    struct table_reader reader = {.rest = text};
    struct table_line line;
    int rc;
    while ((rc = table_next_line(&reader, &line)) > 0)
        if (parse_line(table, &line, err_r) != 0)
            break;
    if (rc < 0)
        err_set(err_r, "%s:%u: the line begins with white space but continues none, expected a key",
                name, reader.number);
    table_line_release(&reader);
    if (rc != 0)
        table_free(&table);
    *table_r = table;
    return rc != 0 ? -1 : 0;
}

void table_free(struct table **table)
{
    if (*table == NULL)
        return;
    free((*table)->name);
    free((*table)->rows);
    free((*table)->index);
    arena_free(&(*table)->arena);
    free(*table);
    *table = NULL;
}

const char *table_name(const struct table *table)
{
    return table->name;
}

size_t table_size(const struct table *table)
{
    return table->count;
}

/* As Postfix: the name, then its parents with a leading dot. What has brackets or a port has no such parents,
 * because no key of a table begins with a dot and ends so. */
const struct table_row *table_match(const struct table *table, struct slice key)
{
    char text[KEY_LENGTH_MAX];
    struct slice rest;
    if (normalize(key, text, &rest) != 0)
        return NULL;
    const struct table_row *row = NULL;
    while (row == NULL && rest.len > 0) {
        row = find(table, rest);
        const char *dot = memchr(rest.ptr + 1, '.', rest.len - 1);
        rest = slice_drop(rest, dot != NULL ? (size_t)(dot - rest.ptr) : rest.len);
    }
    return row;
}
