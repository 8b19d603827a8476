/* tables: reads the operator's tables and the trusted roots: what a reload reads again.
 * Owns: nothing; see conf.h for whose the results are.
 * The tafile= files of tls_policy are read with it, so that a decision never waits for a disk.
 * Must never give a table half read, nor trust less or more than its lines say. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/conf.h"

enum { TABLE_LIMIT = 1 << 28, ROOTS_LIMIT = 1 << 24 };
#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

static bool is_absent(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

/* Only a file that nobody has named may be absent. */
static int read_text(const char *path, const char *standard, char **text_r, size_t *length_r,
                     struct err *err_r)
{
    if (strcmp(path, standard) == 0 && is_absent(path)) {
        *text_r = x_strdup("");
        *length_r = 0;
        return 0;
    }
    return conf_read_file(path, TABLE_LIMIT, text_r, length_r, err_r);
}

/* --- roots ---------------------------------------------------------------------------------------- */

static int append_file(struct buffer *pem, const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *text = NULL;
    size_t length = 0;
    if (conf_read_file(path, ROOTS_LIMIT, &text, &length, err_r) != 0)
        return -1;
    if (buffer_append(pem, text, length) != 0 || buffer_append(pem, "\n", 1) != 0)
        return err_set(err_r, "%s: too many trusted certificates", path);
    return 0;
}

static int read_roots(struct roots **roots_r, const char *const *paths, size_t count,
                      struct err *err_r)
{
    CLEANUP(buffer_release) struct buffer pem;
    struct err why;
    buffer_init(&pem, ROOTS_LIMIT);
    for (size_t i = 0; i < count; i++)
        if (append_file(&pem, paths[i], err_r) != 0)
            return -1;
    if (roots_create(roots_r, buffer_slice(&pem), &why) != 0)
        return err_set(err_r, "%s: %s", paths[0], why.text);
    return 0;
}

int conf_read_roots(struct roots **roots_r, const char *path, struct err *err_r)
{
    *roots_r = NULL;
    if (*path == '\0' && is_absent(SYSTEM_ROOTS))
        return 0;
    const char *const paths[] = {*path != '\0' ? path : SYSTEM_ROOTS};
    return read_roots(roots_r, paths, 1, err_r);
}

/* --- tables --------------------------------------------------------------------------------------- */

/* The first line that has this set of files. */
static unsigned line_of_trust(const struct table *table, size_t index)
{
    size_t i = 0;
    while (i + 1 < table_size(table) && table_row_at(table, i)->attributes->trust != index + 1)
        i++;
    return table_row_at(table, i)->line;
}

static int read_trust(struct table *table, struct err *err_r)
{
    for (size_t i = 0; i < table_trust_count(table); i++) {
        size_t count;
        const char *const *paths = table_trust_paths(table, i, &count);
        struct roots *roots = NULL;
        struct err why;
        if (read_roots(&roots, paths, count, &why) != 0)
            return err_set(err_r, "%s:%u: tafile: %s", table_name(table), line_of_trust(table, i),
                           why.text);
        table_trust_give(table, i, &roots);
    }
    return 0;
}

int conf_read_table(struct table **table_r, const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *text = NULL;
    CLEANUP(table_free) struct table *table = NULL;
    size_t length = 0;
    if (read_text(path, CONF_DEFAULT_TABLE, &text, &length, err_r) != 0 ||
        table_parse(&table, path, (struct slice){text, length}, err_r) != 0 ||
        read_trust(table, err_r) != 0)
        return -1;
    *table_r = table;
    table = NULL;
    return 0;
}

int conf_read_mailboxes(struct mailboxes **mailboxes_r, const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *text = NULL;
    size_t length = 0;
    if (read_text(path, CONF_DEFAULT_MAILBOXES, &text, &length, err_r) != 0)
        return -1;
    return mailboxes_parse(mailboxes_r, path, (struct slice){text, length}, err_r);
}
