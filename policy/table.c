/* table: the tls_policy table, in the syntax of Postfix's lookup tables.
 * Owns: the rows, their keys and attributes, a hash index over the keys, and the roots that
 * tafile= names. Logical lines, comments and the order of look-ups are Postfix's (postmap(1),
 * smtp_tls_policy_maps).
 * Must never take a line that it does not understand: an operator would believe himself protected. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/attributes.h"
#include "policy/key_index.h"
#include "policy/table_text.h"

enum { ROWS_AT_FIRST = 32, NO_ROW = UINT32_MAX, RECENT = 1024, TRUST_MAX = 256 };

struct entry {
    struct table_row row;
    uint32_t next; /* the lasting row behind an exception for the same key; NO_ROW */
};

/* The roots of one or more tafile=. */
struct trust {
    const char *const *paths;
    size_t count;
    struct roots *roots;
};

struct table {
    char *name;
    struct arena *arena; /* keys and attributes */
    struct entry *entries;
    size_t count, size;
    struct key_index index;
    struct trust trusts[TRUST_MAX];
    size_t trust_count;
    unsigned further_holders;
};

/* Attributes seen lately, so that a table that repeats them keeps them once. */
struct recent {
    struct slice text; /* borrowed from the text that is parsed */
    const struct row_attributes *attributes;
};

struct parsing {
    struct table *table;
    struct recent *recent; /* RECENT slots, by hash */
    struct err *err_r;
};

static const struct row_attributes no_attributes = {.postfix = ""};

static struct slice key_of(const void *rows, uint32_t number)
{
    return slice_of(((const struct table *)rows)->entries[number].row.key);
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool is_exception(const struct table_row *row)
{
    return row->attributes->until != 0;
}

/* For one key there may be one lasting row and one exception, which is looked at first. */
static int place_row(struct table *table, uint32_t number, struct err *err_r)
{
    struct entry *entry = &table->entries[number];
    struct slice key = slice_of(entry->row.key);
    uint32_t found = key_index_find(&table->index, table, key);
    if (found == 0) {
        key_index_put(&table->index, table, key, number);
        return 0;
    }
    struct entry *twin = &table->entries[found - 1];
    char shown[TABLE_SHOWN];
    if (twin->next != NO_ROW || is_exception(&twin->row) == is_exception(&entry->row))
        return err_set(err_r,
                       "%s:%u: \"%s\" is given twice, first on line %u; expected one of them",
                       table->name, entry->row.line, table_shown(key, shown), twin->row.line);
    if (is_exception(&entry->row)) {
        entry->next = found - 1;
        key_index_put(&table->index, table, key, number);
    } else {
        twin->next = number;
    }
    return 0;
}

static int add(struct table *table, const struct table_row *row, struct err *err_r)
{
    if (table->count == table->size) {
        table->size *= 2;
        table->entries = x_realloc(table->entries, table->size * sizeof(*table->entries));
    }
    table->entries[table->count] = (struct entry){*row, NO_ROW};
    return place_row(table, (uint32_t)table->count++, err_r);
}

/* --- tafile ----------------------------------------------------------------------------------- */

static bool same_paths(const struct trust *trust, const struct row_attributes *attributes)
{
    bool same = trust->count == attributes->tafile_count;
    for (size_t i = 0; i < trust->count && same; i++)
        same = strcmp(trust->paths[i], attributes->tafiles[i]) == 0;
    return same;
}

static int number_trust(struct table *table, struct row_attributes *attributes)
{
    size_t i = 0;
    if (attributes->tafile_count == 0)
        return 0;
    while (i < table->trust_count && !same_paths(&table->trusts[i], attributes))
        i++;
    if (i == TRUST_MAX)
        return -1;
    if (i == table->trust_count)
        table->trusts[table->trust_count++] =
            (struct trust){attributes->tafiles, attributes->tafile_count, NULL};
    attributes->trust = (unsigned)i + 1;
    return 0;
}

size_t table_trust_count(const struct table *table)
{
    return table->trust_count;
}

const char *const *table_trust_paths(const struct table *table, size_t index, size_t *count_r)
{
    assert(index < table->trust_count);
    *count_r = table->trusts[index].count;
    return table->trusts[index].paths;
}

void table_trust_give(struct table *table, size_t index, struct roots **roots)
{
    assert(index < table->trust_count && table->trusts[index].roots == NULL);
    table->trusts[index].roots = *roots;
    *roots = NULL;
}

const struct roots *table_trust_of(const struct table *table, const struct table_row *row)
{
    return row->attributes->trust > 0 ? table->trusts[row->attributes->trust - 1].roots : NULL;
}

/* --- parsing ---------------------------------------------------------------------------------- */

static int parse_level(const struct parsing *parsing, const struct table_line *line,
                       struct slice *rest, enum tls_level *level_r)
{
    static const char expected[] =
        "none may encrypt dane dane-only auto fingerprint verify secure authenticated";
    char shown[TABLE_SHOWN];
    struct slice word = table_word(rest);
    if (word.len == 0)
        return err_set(parsing->err_r, "%s:%u: \"%s\" has no level, expected one of %s",
                       parsing->table->name, line->number, table_shown(line->key, shown), expected);
    if (tls_level_by_name(word, level_r) != 0)
        return err_set(parsing->err_r, "%s:%u: unknown level \"%s\", expected one of %s",
                       parsing->table->name, line->number, table_shown(word, shown), expected);
    return 0;
}

static int make_attributes(const struct parsing *parsing, const struct table_line *line,
                           enum tls_level level, struct slice text,
                           const struct row_attributes **attributes_r)
{
    struct table *table = parsing->table;
    struct row_attributes *attributes = arena_alloc(table->arena, sizeof(*attributes));
    const char *why;
    if (attributes_parse(table->arena, level, text, attributes, &why) != 0)
        return err_set(parsing->err_r, "%s:%u: %s", table->name, line->number, why);
    if (number_trust(table, attributes) != 0)
        return err_set(parsing->err_r, "%s:%u: more than %d different tafile=", table->name,
                       line->number, TRUST_MAX);
    *attributes_r = attributes;
    return 0;
}

static int parse_value(const struct parsing *parsing, const struct table_line *line, bool borrowed,
                       struct table_row *row)
{
    struct recent *recent = &parsing->recent[key_hash(line->value) % RECENT];
    struct slice rest = line->value;
    if (parse_level(parsing, line, &rest, &row->level) != 0)
        return -1;
    row->attributes = &no_attributes;
    if (rest.len == 0 && row->level != LEVEL_FINGERPRINT) /* which needs match= */
        return 0;
    if (recent->attributes != NULL && slice_equal(recent->text, line->value)) {
        row->attributes = recent->attributes;
        return 0;
    }
    if (make_attributes(parsing, line, row->level, rest, &row->attributes) != 0)
        return -1;
    if (borrowed)
        *recent = (struct recent){line->value, row->attributes};
    return 0;
}

static int parse_line(const struct parsing *parsing, const struct table_line *line, bool borrowed)
{
    struct table *table = parsing->table;
    char text[TABLE_KEY_MAX], shown[TABLE_SHOWN];
    struct slice key;
    if (table_key_normalize(line->key, text, &key) != 0 || !table_key_is_valid(key))
        return err_set(parsing->err_r,
                       "%s:%u: unknown key \"%s\", expected one of example.com .example.com "
                       "[host] [host]:port (letters of other scripts as xn--...)",
                       table->name, line->number, table_shown(line->key, shown));
    struct table_row row = {.line = line->number};
    if (parse_value(parsing, line, borrowed, &row) != 0)
        return -1;
    row.key = arena_strndup(table->arena, key.ptr, key.len);
    return add(table, &row, parsing->err_r);
}

static struct table *table_create(const char *name)
{
    struct table *table = x_calloc(1, sizeof(*table));
    table->name = x_strdup(name);
    table->arena = arena_create();
    table->size = ROWS_AT_FIRST;
    table->entries = x_calloc(table->size, sizeof(*table->entries));
    key_index_init(&table->index, key_of);
    return table;
}

int table_parse(struct table **table_r, const char *name, struct slice text, struct err *err_r)
{
    struct parsing parsing = {table_create(name), x_calloc(RECENT, sizeof(struct recent)), err_r};
    struct table_reader reader = {.rest = text};
    struct table_line line;
    int rc;
    while ((rc = table_next_line(&reader, &line)) > 0)
        if (parse_line(&parsing, &line, reader.joined == NULL) != 0)
            break;
    if (rc < 0)
        err_set(err_r, "%s:%u: the line begins with white space but continues none, expected a key",
                name, reader.number);
    table_line_release(&reader);
    free(parsing.recent);
    if (rc != 0)
        table_free(&parsing.table);
    *table_r = parsing.table;
    return rc != 0 ? -1 : 0;
}

struct table *table_hold(const struct table *table)
{
    struct table *held = (struct table *)table; /* who holds it is no part of what it says */
    if (held != NULL)
        held->further_holders++;
    return held;
}

void table_free(struct table **table)
{
    if (*table == NULL)
        return;
    if ((*table)->further_holders-- > 0) {
        *table = NULL;
        return;
    }
    for (size_t i = 0; i < (*table)->trust_count; i++)
        roots_free(&(*table)->trusts[i].roots);
    free((*table)->name);
    free((*table)->entries);
    key_index_release(&(*table)->index);
    arena_free(&(*table)->arena);
    free(*table);
    *table = NULL;
}

/* --- looking up ------------------------------------------------------------------------------- */

const char *table_name(const struct table *table)
{
    return table->name;
}

size_t table_size(const struct table *table)
{
    return table->count;
}

const struct table_row *table_row_at(const struct table *table, size_t index)
{
    assert(index < table->count);
    return &table->entries[index].row;
}

/* The first row of this key that applies. */
static const struct table_row *first_row(const struct table *table, struct slice key, int64_t now,
                                         bool no_exceptions, const struct table_row **set_aside)
{
    uint32_t found = key_index_find(&table->index, table, key);
    for (uint32_t at = found > 0 ? found - 1 : NO_ROW; at != NO_ROW; at = table->entries[at].next) {
        const struct table_row *row = &table->entries[at].row;
        if (!is_exception(row) || (!no_exceptions && now < row->attributes->until))
            return row;
        if (*set_aside == NULL)
            *set_aside = row;
    }
    return NULL;
}

/* As Postfix: the name, then its parents with a leading dot. What has brackets or a port has no
 * such parents, because no key of a table begins with a dot and ends so. */
const struct table_row *table_match_at(const struct table *table, struct slice key, int64_t now,
                                       bool no_exceptions, const struct table_row **set_aside_r)
{
    char text[TABLE_KEY_MAX];
    struct slice rest;
    *set_aside_r = NULL;
    if (table_key_normalize(key, text, &rest) != 0)
        return NULL;
    const struct table_row *row = NULL;
    while (row == NULL && rest.len > 0) {
        row = first_row(table, rest, now, no_exceptions, set_aside_r);
        const char *dot = memchr(rest.ptr + 1, '.', rest.len - 1);
        rest = slice_drop(rest, dot != NULL ? (size_t)(dot - rest.ptr) : rest.len);
    }
    return row;
}

const struct table_row *table_match(const struct table *table, struct slice key)
{
    const struct table_row *set_aside;
    return table_match_at(table, key, INT64_MIN, false, &set_aside);
}
