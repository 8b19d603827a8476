/* report_check: `daneway report check`: are the keys that sign TLS reports in the DNS?
 * Owns: nothing. The private keys are read, so it takes the right to do so.
 * RFC 6376 3.6.1, RFC 8460 3; requirement RPT-41.
 * Must never print anything of a private key. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/lookups.h"
#include "conf/conf.h"
#include "report/identity.h"
#include "report/report_mail.h"

struct key_place {
    const struct dkim_key *key;
    const char *name; /* "2026a._domainkey.example.org" */
};
struct checking {
    struct arena *arena;
    struct key_place *places;
    const char **names;
    size_t count;
    int status;
};

static void add_keys(struct checking *checking, const struct identity_keys *keys,
                     const struct identity_settings *identity)
{
    size_t count;
    const struct dkim_key *const *ring = identity_keys_of(keys, identity, &count);
    for (size_t i = 0; i < count; i++) {
        struct key_place *place = &checking->places[checking->count];
        place->key = ring[i];
        place->name = arena_printf(checking->arena, "%s._domainkey.%s", dkim_key_selector(ring[i]),
                                   report_submitter(identity->contact_info));
        checking->names[checking->count++] = place->name;
    }
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

static void say(struct checking *checking, const struct key_place *place, enum colour how,
                const char *words)
{
    printf("%s (%s): %s%s%s\n", place->name, dkim_key_algorithm(place->key), colour(how), words,
           colour(PLAIN));
    if (how == RED)
        checking->status = STATUS_NO;
    if (how != GREEN)
        print_record(dkim_key_record(checking->arena, place->key));
}

static void judge(struct checking *checking, const struct key_place *place,
                  const struct lookup_result *result)
{
    if (result->trouble != NULL) {
        printf("%s: %scould not be looked up: ", place->name, colour(RED));
        format_put(stdout, result->trouble);
        printf("%s\n", colour(PLAIN));
        checking->status = STATUS_NO;
        return;
    }
    switch (dkim_key_compare(place->key, result->texts, result->text_count)) {
    case DKIM_PUBLISHED:
        say(checking, place, GREEN, "published, and usable for TLS reports");
        break;
    case DKIM_NOT_FOR_REPORTS:
        say(checking, place, YELLOW,
            "published, but s= names neither tlsrpt nor *: receivers may ignore the reports");
        break;
    case DKIM_NOT_PUBLISHED:
        say(checking, place, RED, "NOT PUBLISHED: the reports are taken for unsigned");
        break;
    case DKIM_ANOTHER_IS_PUBLISHED:
        say(checking, place, RED, "ANOTHER KEY IS PUBLISHED: the signatures are not valid");
        break;
    }
}

static int check_identities(struct checking *checking, const struct settings *settings,
                            const struct identity_keys *keys)
{
    struct lookup_result *results;
    struct err err;
    size_t most = 0;
    for (size_t i = 0; i < settings->report.identity_count; i++)
        most += settings->report.identities[i].dkim_keys.count;
    checking->places = arena_alloc(checking->arena, (most + 1) * sizeof(*checking->places));
    checking->names = arena_alloc(checking->arena, (most + 1) * sizeof(*checking->names));
    for (size_t i = 0; i < settings->report.identity_count; i++) {
        const struct identity_settings *identity = &settings->report.identities[i];
        add_keys(checking, keys, identity);
        if (identity_may_report(identity) && identity->dkim_keys.count == 0)
            printf("%s: no dkim_keys: no report is mailed\n", identity->contact_info);
    }
    if (lookups_txt(settings, checking->arena, checking->names, checking->count, &results, &err) !=
        0)
        return command_failed(STATUS_NO, "%s", err.text);
    for (size_t i = 0; i < checking->count; i++)
        judge(checking, &checking->places[i], &results[i]);
    return checking->status;
}

int run_report_check(const char *configuration, int argc, char **argv)
{
    struct err err;
    if (command_take_words(argc, argv, 0, NULL) != 0)
        return command_misused("report", "check");
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    CLEANUP(identity_keys_free) struct identity_keys *keys = NULL;
    CLEANUP(arena_free) struct arena *arena = arena_create();
    if (settings == NULL)
        return STATUS_USAGE;
    if (!identity_may_report(&settings->report.identities[0]))
        puts("organization_name and contact_info are not given in section report: nothing is sent "
             "for senders without an identity of their own");
    if (identity_keys_read(&keys, &settings->report, &err) != 0)
        return command_failed(STATUS_NO, "%s", err.text);
    format_use_colours(format_wants_colours(stdout));
    struct checking checking = {.arena = arena, .status = STATUS_YES};
    return check_identities(&checking, settings, keys);
}
