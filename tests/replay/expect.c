/* expect: compares what came of the attempt with the `expect` lines.
 * Owns: nothing.
 * Everything that the client was to say has been checked while it was said (fake_stream.c); scripts must be used up.
 * Must never pass an expectation that it does not understand. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

static const char *const dispositions[] = {
    [DELIVERED] = "delivered", [DEFERRED] = "deferred", [BOUNCED] = "bounced"};
static const char *const destinations[] = {[DESTINATION_UNKNOWN] = "unknown",
                                           [DESTINATION_UP] = "up",
                                           [DESTINATION_BUSY] = "busy",
                                           [DESTINATION_DOWN] = "down",
                                           [DESTINATION_FULL] = "full"};
static const char *const policies[] = {
    [POLICY_NOT_FOUND] = "no-policy-found", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};

static const struct recipient_outcome *find_recipient(const struct outcome *outcome,
                                                      const char *address)
{
    for (size_t i = 0; i < outcome->recipient_count; i++)
        if (strcmp(outcome->recipients[i].recipient->address, address) == 0)
            return &outcome->recipients[i];
    return NULL;
}

static void check_one(unsigned line, const struct recipient_outcome *got, char *words[],
                      size_t count)
{
    const char *reason = got->reason == REASON_NONE ? "none" : reason_row(got->reason)->name;
    char text[300];
    snprintf(text, sizeof(text), "%s %s %s tls=%s remote=%s notices=%s",
             dispositions[got->disposition], got->status, reason, got->tls,
             got->remote != NULL ? got->remote : "-", got->dsn ? "theirs" : "ours");
    bool same = strcmp(words[0], dispositions[got->disposition]) == 0;
    for (size_t i = 1; i < count; i++)
        same = same && strstr(text, words[i]) != NULL;
    if (!same)
        differs(line, "%s: %s; %s", got->recipient->address, text, got->text);
}

/* rcpt ADDRESS|all DISPOSITION WORD...: each word must stand in "disposition status reason tls=... remote=..." */
static void check_recipient(unsigned line, const struct outcome *outcome, char *words[],
                            size_t count)
{
    if (count < 2) {
        differs(line, "not understood");
        return;
    }
    if (strcmp(words[0], "all") == 0) {
        for (size_t i = 0; i < outcome->recipient_count; i++)
            check_one(line, &outcome->recipients[i], words + 1, count - 1);
        return;
    }
    const struct recipient_outcome *got = find_recipient(outcome, words[0]);
    if (got == NULL)
        differs(line, "no such recipient");
    else
        check_one(line, got, words + 1, count - 1);
}

/* session "HOST|- POLICY DOMAIN success|RESULT-TYPE [CODE] [+ RESULT-TYPE [CODE]]...", by the order in which they were
 * counted */
static void check_session(unsigned line, size_t number, const char *expected)
{
    if (number >= scenario.counted_count) {
        differs(line, "only %zu sessions were counted", scenario.counted_count);
        return;
    }
    const struct session_record *record = &scenario.counted[number];
    char text[512];
    int length = snprintf(text, sizeof(text), "%s %s %s%s",
                          record->mx_name != NULL ? record->mx_name : "-", policies[record->policy],
                          record->policy_domain, record->success ? " success" : "");
    for (size_t i = 0; i < record->failure_count; i++) {
        const struct session_failure *failure = &record->failures[i];
        const char *code = failure->reason_code;
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%s %s%s%s",
                           i > 0 ? " +" : "", result_type_name(failure->type),
                           code != NULL ? " " : "", code != NULL ? code : "");
    }
    if (!matches(expected, text))
        differs(line, "session %zu: %s", number, text);
}

/* session-policy N TEXT: the policy strings and "| " the mx patterns, each followed by "; " */
static void check_session_policy(unsigned line, size_t number, const char *expected)
{
    if (number >= scenario.counted_count) {
        differs(line, "only %zu sessions were counted", scenario.counted_count);
        return;
    }
    const struct session_record *record = &scenario.counted[number];
    const char *text = "";
    for (size_t i = 0; i < record->policy_string_count; i++)
        text = arena_printf(scenario.arena, "%s%s; ", text, record->policy_strings[i]);
    text = arena_printf(scenario.arena, "%s|", text);
    for (size_t i = 0; i < record->mx_pattern_count; i++)
        text = arena_printf(scenario.arena, "%s %s;", text, record->mx_patterns[i]);
    if (!matches(expected, text))
        differs(line, "session %zu: %s", number, text);
}

/* sts DOMAIN|nobody: whose policy was asked for; sts anew TIMES; sts recheck yes|no */
static void check_sts(unsigned line, const struct outcome *outcome, char *words[], size_t count)
{
    const char *domain = scenario.sts_domain != NULL ? scenario.sts_domain : "nobody";
    if (count == 3 && strcmp(words[1], "anew") == 0) {
        if (scenario.sts_asked_anew != (unsigned)atoi(words[2]))
            differs(line, "asked anew %u times", scenario.sts_asked_anew);
    } else if (count == 3 && strcmp(words[1], "recheck") == 0) {
        if (outcome->sts_to_be_asked_anew != (strcmp(words[2], "yes") == 0))
            differs(line, "recheck %s", outcome->sts_to_be_asked_anew ? "yes" : "no");
    } else if (count != 2 || strcmp(words[1], domain) != 0) {
        differs(line, "sts of %s", domain);
    }
}

static size_t count_said(const char *pattern, const char *address, bool only_clear)
{
    size_t count = 0;
    struct address to;
    if (address != NULL && address_parse(address, &to) != 0)
        return SIZE_MAX;
    for (size_t i = 0; i < scenario.said_count; i++) {
        const struct said *said = &scenario.said[i];
        if ((address == NULL || address_equal(&to, &said->address)) &&
            !(only_clear && said->secure) && matches(pattern, said->text))
            count++;
    }
    return count;
}

/* trace PATH VALUE: PATH goes down by keys and numbers, a/0/b; VALUE may hold * */
static void check_trace(unsigned line, const struct outcome *outcome, char *path,
                        const char *expected)
{
    json_t *root = json_loads(outcome->trace, 0, NULL), *at = root;
    for (char *key = strtok(path, "/"); key != NULL; key = strtok(NULL, "/"))
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
    char *text = at == NULL           ? x_strdup("(nothing)")
                 : json_is_string(at) ? x_strdup(json_string_value(at))
                                      : json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!matches(expected, text))
        differs(line, "trace: %s", text);
    free(text);
    json_decref(root);
}

static void check_number(unsigned line, const char *what, size_t got, const char *expected)
{
    if (got != (size_t)atoi(expected))
        differs(line, "%s: %zu", what, got);
}

/* As a notice would tell. */
static void check_judged_by(unsigned line, const struct recipient_outcome *got, const char *pattern)
{
    char text[600] = "no such recipient";
    if (got != NULL)
        snprintf(text, sizeof(text), "%s, %s, %s, %s", got->judged_by.policy, got->judged_by.rule,
                 got->judged_by.mx,
                 strlen(got->judged_by.certificate) == 64 ? "shown" : got->judged_by.certificate);
    if (!matches(pattern, text))
        differs(line, "judged by: %s", text);
}

static void check_line(const struct expectation *expectation, const struct outcome *outcome,
                       int64_t ended_ms)
{
    unsigned line = expectation->line;
    char *copy = x_strdup(expectation->text), *words[WORDS_MAX], *rest = expectation->text;
    size_t count = split_words(copy, words);
    for (int skip = 0; skip < 2 && rest != NULL; skip++)
        rest = strchr(rest, ' ') != NULL ? strchr(rest, ' ') + 1 : NULL;
    if (strcmp(words[0], "rcpt") == 0)
        check_recipient(line, outcome, words + 1, count - 1);
    else if (strcmp(words[0], "protection") == 0 && rest != NULL) {
        const struct recipient_outcome *got = find_recipient(outcome, words[1]);
        const char *protection = got != NULL ? got->protection : NULL;
        if (!matches(rest, protection != NULL ? protection : "-"))
            differs(line, "protection: %s", protection != NULL ? protection : "-");
    } else if (strcmp(words[0], "judged-by") == 0 && rest != NULL) {
        check_judged_by(line, find_recipient(outcome, words[1]), rest);
    } else if (strcmp(words[0], "text") == 0 && rest != NULL) {
        const struct recipient_outcome *got = find_recipient(outcome, words[1]);
        if (got == NULL || !matches(rest, got->text))
            differs(line, "text: %s", got != NULL ? got->text : "no such recipient");
    } else if (strcmp(words[0], "destination") == 0 && count == 2) {
        if (strcmp(words[1], destinations[outcome->destination]) != 0)
            differs(line, "destination %s", destinations[outcome->destination]);
    } else if (strcmp(words[0], "foregone") == 0 && count == 2) {
        static const char *const kinds[] = {[FOREGONE_NOTHING] = "nothing",
                                            [FOREGONE_NULL_MX] = "null-mx",
                                            [FOREGONE_REQUIRETLS] = "requiretls"};
        if (strcmp(words[1], kinds[outcome->foregone]) != 0)
            differs(line, "foregone %s", kinds[outcome->foregone]);
    } else if (strcmp(words[0], "session") == 0 && rest != NULL)
        check_session(line, (size_t)atoi(words[1]), rest);
    else if (strcmp(words[0], "session-policy") == 0 && rest != NULL)
        check_session_policy(line, (size_t)atoi(words[1]), rest);
    else if (strcmp(words[0], "noted") == 0 && rest != NULL) {
        size_t number = (size_t)atoi(words[1]);
        const char *noted = number < scenario.noted_count ? scenario.noted[number] : "nothing";
        if (!matches(rest, noted))
            differs(line, "noted: %s", noted);
    } else if (strcmp(words[0], "sts") == 0)
        check_sts(line, outcome, words, count);
    else if (strcmp(words[0], "sessions") == 0 && count == 2)
        check_number(line, "sessions", scenario.counted_count, words[1]);
    else if (strcmp(words[0], "seconds") == 0 && count == 2)
        check_number(line, "seconds", (size_t)ended_ms / 1000, words[1]);
    else if (strcmp(words[0], "unsent-below") == 0 && count == 2) {
        if (scenario.unsent_max >= (size_t)atoi(words[1]))
            differs(line, "as much as %zu octets waited", scenario.unsent_max);
    } else if (strcmp(words[0], "never") == 0 && count >= 2) { /* never VERB [ADDRESS] */
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "%s*", words[1]);
        if (count_said(pattern, count > 2 ? words[2] : NULL, false) != 0)
            differs(line, "it was said");
    } else if (strcmp(words[0], "never-clear") == 0 && count == 2) {
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "%s*", words[1]);
        if (count_said(pattern, NULL, true) != 0)
            differs(line, "it was said in clear");
    } else if (strcmp(words[0], "said") == 0 && count == 3) { /* said VERB TIMES */
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "%s*", words[1]);
        check_number(line, "times", count_said(pattern, NULL, false), words[2]);
    } else if (strcmp(words[0], "trace") == 0 && rest != NULL)
        check_trace(line, outcome, words[1], rest);
    else
        differs(line, "not understood");
    free(copy);
}

/* A script that is not used up is a difference, too. */
static void check_scripts(void)
{
    for (size_t i = 0; i < scenario.connection_count; i++) {
        const struct connection *connection = &scenario.connections[i];
        if (!connection->used)
            differs(connection->line, "never connected");
        else if (connection->at < connection->step_count)
            differs(connection->steps[connection->at].line, "the script was not played to its end");
    }
}

void check_expectations(const struct outcome *outcome, int64_t ended_ms)
{
    for (size_t i = 0; i < scenario.expectation_count; i++)
        check_line(&scenario.expectations[i], outcome, ended_ms);
    check_scripts();
}
