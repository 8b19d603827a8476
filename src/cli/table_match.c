/* table_match: `daneway table-match`: which row of a tls_policy table applies to a next hop,
 * offline.
 * Owns: nothing. Without --table it reads the configured one.
 * Must never guess: a table with a wrong line is refused as the daemon refuses it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "conf/conf.h"
#include "daneway/policy.h"

enum { TABLE_LIMIT = 64 * 1024 * 1024 };

/* match= as it was written, without separators; fingerprints in hex. Empty where the row has none.
 */
static json_t *match_of(const struct table_row *row)
{
    const struct row_attributes *attributes = row->attributes;
    json_t *match = json_array();
    for (size_t i = 0; i < attributes->match_count; i++)
        json_array_append_new(match, json_string(attributes->match[i]));
    for (size_t i = 0; i < attributes->fingerprint_count; i++) {
        const unsigned char *digest = attributes->fingerprints[i].sha256;
        char hex[2 * sizeof(attributes->fingerprints[i].sha256) + 1];
        hex_encode(digest, sizeof(attributes->fingerprints[i].sha256), hex);
        json_array_append_new(match, json_string(hex));
    }
    return match;
}

static int print_row(const struct table *table, const char *key)
{
    const struct table_row *set_aside;
    const struct table_row *row =
        table_match_at(table, slice_of(key), (int64_t)time(NULL), false, &set_aside);
    json_t *json = row == NULL
                       ? json_pack("{sb}", "found", 0)
                       : json_pack("{sb ss ss sI ss so}", "found", 1, "table", table_name(table),
                                   "key", row->key, "line", (json_int_t)row->line, "level",
                                   tls_level_name(row->level), "match", match_of(row));
    command_print_json(json);
    json_decref(json);
    return row != NULL ? STATUS_YES : STATUS_NO;
}

static int match(const char *path, const char *key)
{
    CLEANUP(text_free) char *text = NULL;
    CLEANUP(table_free) struct table *table = NULL;
    size_t length;
    struct err err;
    if (conf_read_file(path, TABLE_LIMIT, &text, &length, &err) != 0 ||
        table_parse(&table, path, (struct slice){text, length}, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    return print_row(table, key);
}

int run_table_match(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {
        {"table", required_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'}, {0}};
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            path = optarg;
        else if (option != 'j')
            return command_misused("table-match", NULL);
    }
    if (command_expect_words(argc, argv, 1, "NEXT-HOP") != 0)
        return command_misused("table-match", NULL);
    if (strpbrk(argv[optind], "@ \t") != NULL)
        return command_failed(STATUS_USAGE,
                              "\"%s\": expected a domain or a host, as example.com or "
                              "[mx.example.com]:587; the table knows no users",
                              argv[optind]);
    if (path != NULL)
        return match(path, argv[optind]);
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    return settings != NULL ? match(settings->delivery.tls_policy, argv[optind]) : STATUS_USAGE;
}
