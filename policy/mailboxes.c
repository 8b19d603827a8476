/* mailboxes: the table of least levels for single mailboxes and domains, of recipients and of
 * senders.
 * Owns: the rows, their keys, and a hash index over them; immutable once parsed. All rows that
 * match an address hold together, so that a narrow row never loosens a wide one.
 * Must never take a line that it does not understand: an operator would believe himself protected. */
#include <stdlib.h>
#include <string.h>

#include "daneway/table.h"
#include "policy/key_index.h"
#include "policy/table_text.h"

enum { ROWS_AT_FIRST = 32, KEY_MAX = 512, FROM_LENGTH = 5 };

struct mailboxes {
    char *name;
    struct arena *arena; /* the keys */
    struct mailbox_row *rows;
    size_t count, size;
    struct key_index index;
};

static const struct slice from_prefix = {"from:", FROM_LENGTH};

static struct slice key_of(const void *rows, uint32_t number)
{
    return slice_of(((const struct mailboxes *)rows)->rows[number].key);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* What follows the last "@"; ptr NULL: there is none. */
static struct slice domain_of(struct slice address)
{
    const char *at = address.len > 0 ? memrchr(address.ptr, '@', address.len) : NULL;
    return at == NULL ? (struct slice){NULL, 0}
                      : slice_drop(address, (size_t)(at - address.ptr) + 1);
}

/* Could the octet stand in a local-part without quotation marks? */
static bool is_plain(char c)
{
    return c > 0x20 && c < 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* Quoted, or without what must be quoted: "to:hr@a.example" would never fit an address. */
static bool is_local_part(struct slice text)
{
    bool good = text.len > 0, quoted = good && text.ptr[0] == '"';
    for (size_t i = 0; i < text.len && good; i++)
        good = quoted ? (unsigned char)text.ptr[i] > 0x20 && text.ptr[i] != 0x7f
                      : (unsigned char)text.ptr[i] >= 0x80 || is_plain(text.ptr[i]);
    return good;
}

/* A domain, or with `parents` also ".domain"; lower case. */
static bool is_domain(struct slice domain, bool parents)
{
    return domain.len > 0 && (parents || domain.ptr[0] != '.') &&
           memchr(domain.ptr, '[', domain.len) == NULL &&
           memchr(domain.ptr, ':', domain.len) == NULL && table_key_is_valid(domain);
}

static bool is_key(struct slice key)
{
    if (slice_starts_nocase(key, from_prefix))
        key = slice_drop(key, from_prefix.len);
    struct slice domain = domain_of(key);
    if (domain.ptr == NULL)
        return is_domain(key, true);
    return is_local_part(slice_take(key, key.len - domain.len - 1)) && is_domain(domain, false);
}

/* "hr"@a.example is hr@a.example (RFC 5321 4.1.2): takes quotation marks that change nothing off
 * the local-part, which begins at `begin`. The length that is left. */
static size_t unquote(char *text, size_t begin, size_t length)
{
    char plain[KEY_MAX];
    size_t at = begin + 1, count = 0;
    if (length <= begin || text[begin] != '"')
        return length;
    for (; at < length && text[at] != '"'; at++) {
        at += text[at] == '\\' && at + 1 < length;
        if (!is_plain(text[at]))
            return length;
        plain[count++] = text[at];
    }
    if (count == 0 || at + 1 >= length || text[at + 1] != '@')
        return length;
    memcpy(text + begin, plain, count);
    memmove(text + begin + count, text + at + 1, length - at - 1);
    return begin + count + (length - at - 1);
}

/* Lower case, the local-part too: a row that is meant for a mailbox must not be missed. */
static struct slice normalize(struct slice key, char *text_r)
{
    if (key.len > 0 && key.ptr[key.len - 1] == '.')
        key.len--;
    size_t length = key.len < KEY_MAX ? key.len : 0;
    for (size_t i = 0; i < length; i++)
        text_r[i] = ascii_lower(key.ptr[i]);
    bool from = slice_starts_nocase((struct slice){text_r, length}, from_prefix);
    return (struct slice){text_r, unquote(text_r, from ? from_prefix.len : 0, length)};
}

/* --- parsing ---------------------------------------------------------------------------------- */

static int parse_level(const struct mailboxes *mailboxes, const struct table_line *line,
                       enum tls_level *level_r, struct err *err_r)
{
    static const char expected[] = "may encrypt dane dane-only auto verify secure authenticated";
    char shown[TABLE_SHOWN];
    struct slice rest = line->value;
    struct slice word = table_word(&rest);
    if (word.len == 0)
        return err_set(err_r, "%s:%u: \"%s\" has no level, expected one of %s", mailboxes->name,
                       line->number, table_shown(line->key, shown), expected);
    bool known = tls_level_by_name(word, level_r) == 0;
    if (!known || *level_r == LEVEL_NONE || *level_r == LEVEL_FINGERPRINT)
        return err_set(err_r, "%s:%u: \"%s\" is no least level, expected one of %s",
                       mailboxes->name, line->number, table_shown(word, shown), expected);
    word = table_word(&rest);
    if (word.len > 0)
        return err_set(err_r, "%s:%u: unknown attribute \"%s\", expected nothing behind the level",
                       mailboxes->name, line->number, table_shown(word, shown));
    return 0;
}

static void add(struct mailboxes *mailboxes, const struct mailbox_row *row)
{
    if (mailboxes->count == mailboxes->size) {
        mailboxes->size *= 2;
        mailboxes->rows = x_realloc(mailboxes->rows, mailboxes->size * sizeof(*mailboxes->rows));
    }
    uint32_t number = (uint32_t)mailboxes->count++;
    mailboxes->rows[number] = *row;
    key_index_put(&mailboxes->index, mailboxes, slice_of(row->key), number);
}

static int parse_line(struct mailboxes *mailboxes, const struct table_line *line, struct err *err_r)
{
    char text[KEY_MAX], shown[TABLE_SHOWN];
    struct slice key = normalize(line->key, text);
    struct mailbox_row row = {.line = line->number};
    if (!is_key(key))
        return err_set(err_r,
                       "%s:%u: unknown key \"%s\", expected one of user@example.com example.com "
                       ".example.com, also behind from: (letters of other scripts as xn--...)",
                       mailboxes->name, line->number, table_shown(line->key, shown));
    if (parse_level(mailboxes, line, &row.level, err_r) != 0)
        return -1;
    uint32_t twin = key_index_find(&mailboxes->index, mailboxes, key);
    if (twin > 0)
        return err_set(
            err_r, "%s:%u: \"%s\" is given twice, first on line %u; expected one of them",
            mailboxes->name, line->number, table_shown(key, shown), mailboxes->rows[twin - 1].line);
    row.key = arena_strndup(mailboxes->arena, key.ptr, key.len);
    add(mailboxes, &row);
    return 0;
}

static struct mailboxes *mailboxes_create(const char *name)
{
    struct mailboxes *mailboxes = x_calloc(1, sizeof(*mailboxes));
    mailboxes->name = x_strdup(name);
    mailboxes->arena = arena_create();
    mailboxes->size = ROWS_AT_FIRST;
    mailboxes->rows = x_calloc(mailboxes->size, sizeof(*mailboxes->rows));
    key_index_init(&mailboxes->index, key_of);
    return mailboxes;
}

int mailboxes_parse(struct mailboxes **mailboxes_r, const char *name, struct slice text,
                    struct err *err_r)
{
    struct mailboxes *mailboxes = mailboxes_create(name);
    struct table_reader reader = {.rest = text};
    struct table_line line;
    int rc;
    while ((rc = table_next_line(&reader, &line)) > 0)
        if (parse_line(mailboxes, &line, err_r) != 0)
            break;
    if (rc < 0)
        err_set(err_r, "%s:%u: the line begins with white space but continues none, expected a key",
                name, reader.number);
    table_line_release(&reader);
    if (rc != 0)
        mailboxes_free(&mailboxes);
    *mailboxes_r = mailboxes;
    return rc != 0 ? -1 : 0;
}

void mailboxes_free(struct mailboxes **mailboxes)
{
    if (*mailboxes == NULL)
        return;
    free((*mailboxes)->name);
    free((*mailboxes)->rows);
    key_index_release(&(*mailboxes)->index);
    arena_free(&(*mailboxes)->arena);
    free(*mailboxes);
    *mailboxes = NULL;
}

const char *mailboxes_name(const struct mailboxes *mailboxes)
{
    return mailboxes->name;
}

size_t mailboxes_size(const struct mailboxes *mailboxes)
{
    return mailboxes->count;
}

/* --- looking up ------------------------------------------------------------------------------- */

struct found {
    struct arena *arena;
    const struct mailbox_row **rows;
    size_t count, room;
};

static void take(struct found *found, const struct mailbox_row *row)
{
    if (found->count == found->room) {
        found->room = found->room > 0 ? 2 * found->room : 4;
        const struct mailbox_row **larger =
            arena_alloc(found->arena, found->room * sizeof(*larger));
        if (found->count > 0)
            memcpy(larger, found->rows, found->count * sizeof(*larger));
        found->rows = larger;
    }
    found->rows[found->count++] = row;
}

static void look_up(const struct mailboxes *mailboxes, bool from, struct slice key,
                    struct found *found)
{
    char text[FROM_LENGTH + KEY_MAX];
    if (from)
        memcpy(text, from_prefix.ptr, from_prefix.len);
    memcpy(text + (from ? from_prefix.len : 0), key.ptr, key.len);
    struct slice whole = {text, key.len + (from ? from_prefix.len : 0)};
    uint32_t number = key_index_find(&mailboxes->index, mailboxes, whole);
    if (number > 0)
        take(found, &mailboxes->rows[number - 1]);
}

size_t mailboxes_match(struct arena *arena, const struct mailboxes *mailboxes, bool from,
                       struct slice address, const struct mailbox_row *const **rows_r)
{
    char text[KEY_MAX];
    struct found found = {.arena = arena};
    struct slice key = normalize(address, text);
    while (key.len > 0) {
        look_up(mailboxes, from, key, &found);
        struct slice domain = domain_of(key);
        if (domain.ptr != NULL) {
            key = domain;
            continue;
        }
        const char *dot = memchr(key.ptr + 1, '.', key.len - 1);
        key = slice_drop(key, dot != NULL ? (size_t)(dot - key.ptr) : key.len);
    }
    *rows_r = found.rows;
    return found.count;
}
