/* report_check: `daneway report check`: are the keys that sign TLS reports in the DNS?
 * Owns: nothing. The private keys are read, so it takes the right to do so.
 * RFC 6376 3.6.1, RFC 8460 3; requirement RPT-41.
 * Must never print anything of a private key. */
#include "cli/report_check.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/lookups.h"
#include "conf/conf.h"
#include "report/identity.h"
#include "report/report_mail.h"

struct checking {
    struct arena *arena;
    struct published_key *places;
    const char **names;
    size_t count;
};

static void add_keys(struct checking *checking, const struct identity_keys *keys,
                     const struct identity_settings *identity)
{
    size_t count;
    const struct dkim_key *const *ring = identity_keys_of(keys, identity, &count);
    for (size_t i = 0; i < count; i++) {
        struct published_key *place = &checking->places[checking->count];
        place->key = ring[i];
        place->name = arena_printf(checking->arena, "%s._domainkey.%s", dkim_key_selector(ring[i]),
                                   report_submitter(identity->contact_info));
        checking->names[checking->count++] = place->name;
    }
}

static void collect(struct checking *checking, const struct report_settings *report,
                    const struct identity_keys *keys)
{
    size_t most = 0;
    for (size_t i = 0; i < report->identity_count; i++)
        most += report->identities[i].dkim_keys.count;
    checking->places = arena_alloc(checking->arena, (most + 1) * sizeof(*checking->places));
    checking->names = arena_alloc(checking->arena, (most + 1) * sizeof(*checking->names));
    for (size_t i = 0; i < report->identity_count; i++)
        add_keys(checking, keys, &report->identities[i]);
}

int report_check_keys(const struct settings *settings, struct arena *arena, published_key_fn *fn,
                      void *arg, struct err *err_r)
{
    CLEANUP(identity_keys_free) struct identity_keys *keys = NULL;
    struct checking checking = {.arena = arena};
    struct lookup_result *results;
    if (identity_keys_read(&keys, &settings->report, err_r) != 0)
        return -1;
    collect(&checking, &settings->report, keys);
    if (checking.count == 0)
        return 0;
    if (lookups_txt(settings, arena, checking.names, checking.count, &results, err_r) != 0)
        return -1;
    for (size_t i = 0; i < checking.count; i++) {
        struct published_key *place = &checking.places[i];
        place->trouble = results[i].trouble;
        if (place->trouble == NULL)
            place->published =
                dkim_key_compare(place->key, results[i].texts, results[i].text_count);
        fn(arg, place);
    }
    return 0;
}

enum { STRING_MOST = 255 }; /* octets of one string of a TXT record, RFC 1035 3.3 */

/* In strings as a zone file wants them: a longer one is refused by name servers. */
static void print_record(const char *record)
{
    fputs("    publish there: TXT", stdout);
    for (size_t left = strlen(record); left > 0;) {
        size_t part = left < STRING_MOST ? left : STRING_MOST;
        printf(" \"%.*s\"", (int)part, record);
        record += part;
        left -= part;
    }
    putchar('\n');
}

struct telling {
    struct arena *arena;
    json_t *list; /* NULL: in words */
    int status;
};

static void say(struct telling *telling, const struct published_key *key, enum colour how,
                const char *words)
{
    printf("%s (%s): %s%s%s\n", key->name, dkim_key_algorithm(key->key), colour(how), words,
           colour(PLAIN));
    if (how == RED)
        telling->status = STATUS_NO;
    if (how != GREEN)
        print_record(dkim_key_record(telling->arena, key->key));
}

static void add_to_list(struct telling *telling, const struct published_key *key)
{
    static const char *const words[] = {
        [DKIM_PUBLISHED] = "published",
        [DKIM_NOT_FOR_REPORTS] = "not-for-reports",
        [DKIM_NOT_PUBLISHED] = "not-published",
        [DKIM_ANOTHER_IS_PUBLISHED] = "another-is-published",
    };
    bool known = key->trouble == NULL;
    json_array_append_new(
        telling->list,
        json_pack("{ss ss ss ss* ss}", "name", key->name, "algorithm", dkim_key_algorithm(key->key),
                  "state", known ? words[key->published] : "unknown", "trouble", key->trouble,
                  "record", dkim_key_record(telling->arena, key->key)));
    if (!known || key->published == DKIM_NOT_PUBLISHED ||
        key->published == DKIM_ANOTHER_IS_PUBLISHED)
        telling->status = STATUS_NO;
}

static void tell(void *arg, const struct published_key *key)
{
    struct telling *telling = arg;
    if (telling->list != NULL) {
        add_to_list(telling, key);
        return;
    }
    if (key->trouble != NULL) {
        printf("%s: %scould not be looked up: ", key->name, colour(RED));
        format_put(stdout, key->trouble);
        printf("%s\n", colour(PLAIN));
        telling->status = STATUS_NO;
        return;
    }
    switch (key->published) {
    case DKIM_PUBLISHED:
        say(telling, key, GREEN, "published, and usable for TLS reports");
        break;
    case DKIM_NOT_FOR_REPORTS:
        say(telling, key, YELLOW,
            "published, but s= names neither tlsrpt nor *: receivers may ignore the reports");
        break;
    case DKIM_NOT_PUBLISHED:
        say(telling, key, RED, "NOT PUBLISHED: the reports are taken for unsigned");
        break;
    case DKIM_ANOTHER_IS_PUBLISHED:
        say(telling, key, RED, "ANOTHER KEY IS PUBLISHED: the signatures are not valid");
        break;
    }
}

static void tell_of_identities(const struct report_settings *report)
{
    if (!identity_may_report(&report->identities[0]))
        puts("organization_name and contact_info are not given in section report: nothing is sent "
             "for senders without an identity of their own");
    for (size_t i = 0; i < report->identity_count; i++) {
        const struct identity_settings *identity = &report->identities[i];
        if (identity_may_report(identity) && identity->dkim_keys.count == 0)
            printf("%s: no dkim_keys: no report is mailed\n", identity->contact_info);
    }
}

int run_report_check(const char *configuration, int argc, char **argv)
{
    struct err err;
    bool as_json;
    if (command_take_json(argc, argv, 0, NULL, &as_json) != 0)
        return command_misused("report", "check");
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    if (settings == NULL)
        return STATUS_USAGE;
    CLEANUP(json_free) json_t *list = as_json ? json_array() : NULL;
    struct telling telling = {arena, list, STATUS_YES};
    if (!as_json)
        tell_of_identities(&settings->report);
    format_use_colours(format_wants_colours(stdout));
    if (report_check_keys(settings, arena, tell, &telling, &err) != 0)
        return command_failed(STATUS_NO, "%s", err.text);
    if (as_json)
        command_print_json(list);
    return telling.status;
}
