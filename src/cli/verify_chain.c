/* verify_chain: `daneway verify-chain`: the engine's judgement of a certificate chain, offline.
 * Owns: nothing. For operators before they publish a record, and for tests: the very functions
 * that the gateway decides with.
 * Must never connect to anything. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "conf/conf.h"
#include "daneway/policy.h"
#include "tls/pem.h"

enum { LIST_MOST = 64, ROOTS_LIMIT = 16 * 1024 * 1024 };
static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";
static const uint8_t digests[3] = {2, 1, 0};

struct request {
    struct arena *arena;
    bool pkix;
    const char *mode, *roots, *chain;
    const char *names[LIST_MOST];
    size_t name_count;
    struct tlsa_record records[LIST_MOST];
    size_t record_count;
    time_t at;
};

/* --- arguments -------------------------------------------------------------------------------- */

/* Seconds since 1970, or 2026-11-23T12:00:00Z. 0 or -1. */
static int parse_time(const char *text, time_t *time_r)
{
    struct tm parts = {0};
    uint64_t seconds;
    if (slice_to_number(slice_of(text), INT64_MAX, &seconds) == 0) {
        *time_r = (time_t)seconds;
        return 0;
    }
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == NULL || *end != '\0')
        return -1;
    *time_r = timegm(&parts);
    return 0;
}

static int add_record(struct request *request, const char *text)
{
    if (request->record_count == LIST_MOST ||
        tlsa_record_parse(request->arena, slice_of(text),
                          &request->records[request->record_count]) != 0)
        return command_failed(-1, "--tlsa \"%s\": expected \"USAGE SELECTOR TYPE HEX\"", text);
    request->record_count++;
    return 0;
}

static int take_option(struct request *request, int option, const char *value)
{
    switch (option) {
    case 'm':
        request->mode = value;
        return 0;
    case 'r':
        request->roots = value;
        return 0;
    case 't':
        return add_record(request, value);
    case 'a':
        if (parse_time(value, &request->at) == 0)
            return 0;
        return command_failed(
            -1, "--at \"%s\": expected seconds since 1970 or 2026-11-23T12:00:00Z", value);
    case 'n':
        if (request->name_count == LIST_MOST)
            return command_failed(-1, "more than %d times --name", LIST_MOST);
        request->names[request->name_count++] = value;
        return 0;
    default:
        return -1;
    }
}

static int take_arguments(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {{"mode", required_argument, NULL, 'm'},
                                            {"tlsa", required_argument, NULL, 't'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"roots", required_argument, NULL, 'r'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option != 'j' && take_option(request, option, optarg) != 0)
            return -1;
    if (command_expect_words(argc, argv, 1, "CHAIN.pem") != 0)
        return -1;
    request->chain = argv[optind];
    request->pkix = request->mode != NULL && strcmp(request->mode, "pkix") == 0;
    if (!request->pkix && (request->mode == NULL || strcmp(request->mode, "dane") != 0))
        return command_failed(-1, "expected --mode dane or --mode pkix");
    if (request->name_count == 0)
        return command_failed(-1, "expected --name and the name of the mail host");
    if (request->pkix != (request->record_count == 0))
        return command_failed(-1, request->pkix ? "--tlsa is for --mode dane"
                                                : "--mode dane needs --tlsa");
    return 0;
}

/* --- the judgement ---------------------------------------------------------------------------- */

static json_t *matched_json(const struct tlsa_record *record, struct arena *arena)
{
    if (record == NULL)
        return json_null();
    return json_pack("{si si si ss}", "usage", record->usage, "selector", record->selector,
                     "matching_type", record->matching_type, "record",
                     tlsa_record_text(arena, record));
}

static json_t *further_json(const struct further_faults *further)
{
    json_t *list = json_array();
    for (size_t i = 0; i < further->count; i++)
        json_array_append_new(list, json_pack("{ss ss*}", "name",
                                              reason_row(further->list[i].reason)->name, "detail",
                                              further->list[i].detail));
    return list;
}

static int print_result(struct request *request, const char *word,
                        const struct chain_result *result)
{
    const struct reason_row *row = reason_row(result->reason);
    json_t *json = json_pack("{ss ss* ss* ss* so si}", "result", word, "reason",
                             result->ok ? NULL : result_type_name(row->result), "name",
                             result->ok ? NULL : row->name, "detail", result->detail, "matched",
                             matched_json(result->matched, request->arena), "depth", result->depth);
    if (result->further.count > 0)
        json_object_set_new(json, "further", further_json(&result->further));
    command_print_json(json);
    json_decref(json);
    return result->ok ? STATUS_YES : STATUS_NO;
}

static int judge_dane(struct request *request, const struct certificate *chain, size_t count)
{
    struct tlsa_record *usable;
    size_t usable_count = dane_usable_records(request->arena, request->records,
                                              request->record_count, digests, &usable);
    if (usable_count == 0) {
        struct chain_result none = {.reason = REASON_TLSA_UNUSABLE, .depth = -1};
        print_result(request, "unusable", &none);
        return STATUS_UNUSABLE;
    }
    struct chain_result result = dane_verify(request->arena, usable, usable_count, chain, count,
                                             request->names, request->name_count, request->at);
    return print_result(request, result.ok ? "ok" : "fail", &result);
}

static int judge_pkix(struct request *request, const struct certificate *chain, size_t count)
{
    CLEANUP(text_free) char *text = NULL;
    CLEANUP(roots_free) struct roots *roots = NULL;
    size_t length;
    struct err err;
    if (conf_read_file(request->roots, ROOTS_LIMIT, &text, &length, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    if (roots_create(&roots, (struct slice){text, length}, &err) != 0)
        return command_failed(STATUS_USAGE, "%s: %s", request->roots, err.text);
    struct chain_result result = pkix_verify(request->arena, roots, chain, count, request->names,
                                             request->name_count, request->at);
    return print_result(request, result.ok ? "ok" : "fail", &result);
}

int run_verify_chain(const char *configuration, int argc, char **argv)
{
    (void)configuration;
    CLEANUP(arena_free) struct arena *arena = arena_create();
    struct request request = {.arena = arena, .roots = system_roots, .at = time(NULL)};
    struct certificate *chain;
    size_t count;
    struct err err;
    if (take_arguments(&request, argc, argv) != 0)
        return command_misused("verify-chain", NULL);
    if (tls_read_chain(request.chain, &chain, &count, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    int status =
        request.pkix ? judge_pkix(&request, chain, count) : judge_dane(&request, chain, count);
    tls_chain_free(&chain, count);
    return status;
}
