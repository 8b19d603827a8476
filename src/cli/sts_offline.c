/* sts_offline: `daneway sts-record`, `sts-policy` and `sts-match`: the grammar of MTA-STS for
 * whoever is about to publish a policy.
 * Owns: nothing. JSON on standard output; exit status 0 yes, 1 no, 2 wrong usage or unreadable
 * input.
 * Must never ask the network. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "conf/conf.h"

enum { LIST_MOST = 1000, POLICY_LIMIT = 65536 /* STS-17 */ };

static int print(json_t *json, int status)
{
    command_print_json(json);
    json_decref(json);
    return status;
}

/* The values of the one option that may be repeated; -1: anything else, or none. */
static int take_list(int argc, char **argv, const char *name, const char **values, size_t *count_r)
{
    const struct option options[] = {
        {name, required_argument, NULL, 'v'}, {"json", no_argument, NULL, 'j'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'v' && *count_r < LIST_MOST)
            values[(*count_r)++] = optarg;
        else if (option != 'j')
            return -1;
    }
    return *count_r > 0 ? 0 : -1;
}

int run_sts_record(const char *configuration, int argc, char **argv)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *texts[LIST_MOST], *id, *why;
    struct slice txts[LIST_MOST];
    size_t count = 0;
    (void)configuration;
    if (take_list(argc, argv, "txt", texts, &count) != 0 ||
        command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("sts-record", NULL);
    for (size_t i = 0; i < count; i++)
        txts[i] = slice_of(texts[i]);
    if (sts_record_parse(arena, txts, count, &id, &why) == 0)
        return print(json_pack("{ss}", "id", id), STATUS_YES);
    return print(json_pack("{sn ss*}", "id", "why", why), STATUS_NO);
}

static int read_policy(const char *path, char **text_r, size_t *length_r, struct err *err_r)
{
    return conf_read_file(strcmp(path, "-") == 0 ? "/dev/stdin" : path, 1 << 24, text_r, length_r,
                          err_r);
}

int run_sts_policy(const char *configuration, int argc, char **argv)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    CLEANUP(text_free) char *text = NULL;
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    struct sts_policy policy = {0};
    const char *why = "the file is larger than 65536 octets";
    size_t length;
    struct err err;
    int option;
    (void)configuration;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option != 'j')
            return command_misused("sts-policy", NULL);
    if (command_expect_words(argc, argv, 1, "FILE") != 0)
        return command_misused("sts-policy", NULL);
    if (read_policy(argv[optind], &text, &length, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    if (length > POLICY_LIMIT ||
        sts_policy_parse(arena, (struct slice){text, length}, &policy, &why) != 0)
        return print(json_pack("{sn ss*}", "mode", "why", why), STATUS_NO);
    json_t *mx = json_array();
    for (size_t i = 0; i < policy.mx_count; i++)
        json_array_append_new(mx, json_string(policy.mx[i]));
    return print(json_pack("{ss so sI}", "mode", sts_mode_name(policy.mode), "mx", mx, "max_age",
                           (json_int_t)policy.max_age),
                 STATUS_YES);
}

int run_sts_match(const char *configuration, int argc, char **argv)
{
    const char *patterns[LIST_MOST];
    size_t count = 0;
    (void)configuration;
    if (take_list(argc, argv, "mx", patterns, &count) != 0 ||
        command_expect_words(argc, argv, 1, "HOST") != 0)
        return command_misused("sts-match", NULL);
    for (size_t i = 0; i < count; i++)
        if (sts_mx_match(slice_of(patterns[i]), slice_of(argv[optind])))
            return print(json_pack("{sb ss*}", "match", 1, "mx", patterns[i]), STATUS_YES);
    return print(json_pack("{sb}", "match", 0), STATUS_NO);
}
