/* tally_store_report: the reports of a day as RFC 8460's JSON, made from the rows of tallies.db.
 * Owns: the names and forms of the report's fields.
 * I-JSON (RFC 7493): UTF-8, whole numbers below 2^53, no repeated names.
 * Must never put a null or an empty text where a fact is not known: the field is left out (RPT-32).
 */
#include "report/tally_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/slice.h"
#include "report/report_name.h"
#include "report/tally_store_rows.h"

/* RPT-45: what is too much is merged, details by result type, policies by policy type. */
enum {
    DETAIL_LIMIT = 1000,       /* of one policy */
    OCTET_LIMIT = 8 * 1000000, /* of a report's text, before the rest is merged */
    POLICY_OCTETS = 2000,      /* of a policy with one merged entry of each result type */
    DETAIL_OCTETS = 300,       /* of a detail without its texts */
};

/* One report while it is made. */
struct draft {
    const char *counts_of; /* NULL: everybody's */
    struct tally_store *store;
    const char *domain;
    json_t *policies;
    size_t octets; /* of its text, about */
    struct err *err_r;
};

enum {
    POLICY_ID,
    POLICY_DOMAIN,
    POLICY_TYPE,
    POLICY_OF,
    POLICY_STRINGS,
    POLICY_MX,
    POLICY_SUCCESS,
    POLICY_FAILURE
};
static const char policies_sql[] =
    "SELECT min(id), domain, type, policy_domain, strings, mx, sum(success), sum(failure) FROM "
    "policies"
    " WHERE day = ?1 AND (?2 IS NULL OR domain = ?2) AND (?3 IS NULL OR identity = ?3)"
    " GROUP BY domain, type, policy_domain, strings, mx ORDER BY domain, min(id)";

enum {
    DETAIL_TYPE,
    DETAIL_SENDING,
    DETAIL_MX,
    DETAIL_HELO,
    DETAIL_RECEIVING,
    DETAIL_CODE,
    DETAIL_COUNT
};
static const char details_sql[] =
    "SELECT type, sending, mx, helo, receiving, code, sum(count) FROM details WHERE policy IN"
    " (SELECT same.id FROM policies AS one JOIN policies AS same USING (day, domain, type, "
    "policy_domain, "
    "strings, mx) WHERE one.id = ?1 AND (?2 IS NULL OR same.identity = ?2))"
    " GROUP BY type, sending, mx, helo, receiving, code"
    " ORDER BY sum(count) DESC, type, sending, mx, helo, receiving, code";

static json_t *number(sqlite3_int64 value)
{
    return json_integer(value < TALLY_COUNT_MAX ? value : TALLY_COUNT_MAX);
}

static const char *column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text != NULL ? text : "";
}

static void set_if_known(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, name, json_string(text));
}

/* As JSON writes it. */
static size_t octets_of(const char *text)
{
    size_t octets = 0;
    for (; *text != '\0'; text++)
        octets += (unsigned char)*text < ' ' ? 6 : *text == '"' || *text == '\\' ? 2 : 1;
    return octets;
}

static bool is_merged(json_t *detail)
{
    return json_object_size(detail) == 2;
}

static json_t *new_detail(const char *type)
{
    json_t *detail = json_object();
    json_object_set_new(detail, "result-type", json_string(type));
    json_object_set_new(detail, "failed-session-count", json_integer(0));
    return detail;
}

/* The entry of that result type without any facts, in which what is too much is counted. */
static json_t *merged_entry(json_t *details, const char *type)
{
    for (size_t i = json_array_size(details); i > 0; i--) {
        json_t *detail = json_array_get(details, i - 1);
        if (is_merged(detail) &&
            strcmp(json_string_value(json_object_get(detail, "result-type")), type) == 0)
            return detail;
    }
    json_t *detail = new_detail(type);
    json_array_append_new(details, detail);
    return detail;
}

static void increase(json_t *object, const char *name, sqlite3_int64 count)
{
    sqlite3_int64 before = json_integer_value(json_object_get(object, name));
    json_object_set_new(
        object, name, number(count < TALLY_COUNT_MAX - before ? before + count : TALLY_COUNT_MAX));
}

static const struct {
    int column;
    const char *name;
} detail_fields[] = {{DETAIL_SENDING, "sending-mta-ip"},
                     {DETAIL_MX, "receiving-mx-hostname"},
                     {DETAIL_HELO, "receiving-mx-helo"},
                     {DETAIL_RECEIVING, "receiving-ip"},
                     {DETAIL_CODE, "failure-reason-code"}};
enum { DETAIL_FIELDS = sizeof detail_fields / sizeof detail_fields[0] };

static size_t detail_octets(sqlite3_stmt *row)
{
    size_t octets = DETAIL_OCTETS;
    for (size_t i = 0; i < DETAIL_FIELDS; i++)
        octets += octets_of(column_text(row, detail_fields[i].column));
    return octets;
}

static void add_detail(struct draft *draft, json_t *details, bool merge, sqlite3_stmt *row)
{
    const char *type = column_text(row, DETAIL_TYPE);
    size_t octets = detail_octets(row);
    json_t *detail;
    if (merge || json_array_size(details) >= DETAIL_LIMIT || draft->octets + octets > OCTET_LIMIT) {
        detail = merged_entry(details, type);
    } else {
        detail = new_detail(type);
        for (size_t i = 0; i < DETAIL_FIELDS; i++)
            set_if_known(detail, detail_fields[i].name, column_text(row, detail_fields[i].column));
        json_array_append_new(details, detail);
        draft->octets += octets;
    }
    increase(detail, "failed-session-count", sqlite3_column_int64(row, DETAIL_COUNT));
}

static int read_details(struct draft *draft, sqlite3_int64 policy, json_t *details, bool merge)
{
    struct database *database = draft->store->database;
    bool found = true;
    CLEANUP(database_statement_free)
    sqlite3_stmt *row =
        database_prepare(database, details_sql, "it", (int64_t)policy, draft->counts_of);
    while (found) {
        if (database_step(database, row, &found, draft->err_r) != 0)
            return -1;
        if (found)
            add_detail(draft, details, merge, row);
    }
    return 0;
}

/* What is not known is left out: a policy that could not be fetched has no strings. */
static void add_strings(json_t *policy, const char *key, const char *text)
{
    json_t *strings = json_loads(text, 0, NULL);
    if (json_array_size(strings) > 0)
        json_object_set(policy, key, strings);
    json_decref(strings);
}

/* RPT-29, RPT-30: strings for all but no-policy-found, mx-host for sts; both are arrays, even of
 * one. */
static json_t *policy_object(sqlite3_stmt *row)
{
    const char *type = column_text(row, POLICY_TYPE);
    json_t *policy = json_object();
    json_object_set_new(policy, "policy-type", json_string(type));
    if (strcmp(type, "no-policy-found") != 0)
        add_strings(policy, "policy-string", column_text(row, POLICY_STRINGS));
    json_object_set_new(policy, "policy-domain", json_string(column_text(row, POLICY_OF)));
    if (strcmp(type, "sts") == 0)
        add_strings(policy, "mx-host", column_text(row, POLICY_MX));
    return policy;
}

static json_t *new_element(json_t *policy)
{
    json_t *element = json_object();
    json_object_set_new(element, "policy", policy);
    json_object_set_new(element, "summary",
                        json_pack("{s:i, s:i}", "total-successful-session-count", 0,
                                  "total-failure-session-count", 0));
    return element;
}

/* The element of that type in which the policies that are too many are counted: whose and what they were is left out. */
static json_t *merged_element(const struct draft *draft, const char *type)
{
    for (size_t i = json_array_size(draft->policies); i > 0; i--) {
        json_t *policy = json_object_get(json_array_get(draft->policies, i - 1), "policy");
        if (json_object_size(policy) == 2 &&
            strcmp(json_string_value(json_object_get(policy, "policy-type")), type) == 0 &&
            strcmp(json_string_value(json_object_get(policy, "policy-domain")), draft->domain) == 0)
            return json_array_get(draft->policies, i - 1);
    }
    json_t *element =
        new_element(json_pack("{s:s, s:s}", "policy-type", type, "policy-domain", draft->domain));
    json_array_append_new(draft->policies, element);
    return element;
}

static json_t *element_for(struct draft *draft, sqlite3_stmt *row, bool merge)
{
    if (merge)
        return merged_element(draft, column_text(row, POLICY_TYPE));
    json_t *element = new_element(policy_object(row));
    json_array_append_new(draft->policies, element);
    return element;
}

static int add_policy(struct draft *draft, sqlite3_stmt *row)
{
    size_t octets = POLICY_OCTETS + octets_of(column_text(row, POLICY_STRINGS)) +
                    octets_of(column_text(row, POLICY_MX));
    bool merge = draft->octets + octets > OCTET_LIMIT;
    json_t *element = element_for(draft, row, merge),
           *summary = json_object_get(element, "summary");
    draft->octets += merge ? 0 : octets;
    increase(summary, "total-successful-session-count", sqlite3_column_int64(row, POLICY_SUCCESS));
    increase(summary, "total-failure-session-count", sqlite3_column_int64(row, POLICY_FAILURE));
    json_t *details = json_object_get(element, "failure-details");
    json_incref(details);
    if (details == NULL)
        details = json_array();
    int rc = read_details(draft, sqlite3_column_int64(row, POLICY_ID), details, merge);
    if (json_array_size(details) > 0)
        json_object_set(element, "failure-details", details);
    json_decref(details);
    return rc;
}

static json_t *text_or(const char *text, const char *prefix, const char *hostname)
{
    CLEANUP(text_free) char *instead = x_printf("%s%s", prefix, hostname);
    return json_string(text[0] != '\0' ? text : instead);
}

static json_t *report_object(const char *day, const char *domain,
                             const struct report_identity *identity)
{
    CLEANUP(text_free) char *start = x_printf("%sT00:00:00Z", day);
    CLEANUP(text_free) char *end = x_printf("%sT23:59:59Z", day);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    json_t *report = json_object();
    json_object_set_new(report, "organization-name",
                        text_or(identity->organization_name, "", identity->hostname));
    json_object_set_new(report, "date-range",
                        json_pack("{s:s, s:s}", "start-datetime", start, "end-datetime", end));
    json_object_set_new(report, "contact-info",
                        text_or(identity->contact_info, "postmaster@", identity->hostname));
    json_object_set_new(report, "report-id",
                        json_string(report_id(arena, day, domain, identity->hostname)));
    json_object_set_new(report, "policies", json_array());
    return report;
}

/* Rows come by domain: this one begins a report, or belongs to the last one. */
static void turn_to_domain(struct draft *draft, json_t *reports, const char *day,
                           const char *domain, const struct report_identity *identity)
{
    if (draft->policies != NULL && strcmp(draft->domain, domain) == 0)
        return;
    json_t *entry = json_object(), *report = report_object(day, domain, identity);
    json_object_set_new(entry, "domain", json_string(domain));
    json_object_set_new(entry, "report", report);
    json_array_append_new(reports, entry);
    draft->domain = json_string_value(json_object_get(entry, "domain"));
    draft->policies = json_object_get(report, "policies");
    draft->octets = 0;
}

static int read_policies(struct tally_store *store, sqlite3_stmt *row, const char *day,
                         const struct report_identity *identity, json_t *reports, struct err *err_r)
{
    struct draft draft = {.store = store, .counts_of = identity->counts_of, .err_r = err_r};
    bool found = true;
    while (found) {
        if (database_step(store->database, row, &found, err_r) != 0)
            return -1;
        if (!found)
            break;
        turn_to_domain(&draft, reports, day, column_text(row, POLICY_DOMAIN), identity);
        if (add_policy(&draft, row) != 0)
            return -1;
    }
    return 0;
}

int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r,
                       struct err *err_r)
{
    int64_t begin;
    if (day_begin(day, &begin) != 0)
        return err_set(err_r, "\"%.20s\" is no day; expected YYYY-MM-DD", day);
    CLEANUP(text_free) char *wanted = domain != NULL ? x_strdup(domain) : NULL;
    if (wanted != NULL)
        ascii_lower_text(wanted);
    CLEANUP(database_statement_free)
    sqlite3_stmt *row =
        database_prepare(store->database, policies_sql, "ttt", day, wanted, identity->counts_of);
    CLEANUP(json_free) json_t *reports = json_array();
    if (read_policies(store, row, day, identity, reports, err_r) != 0)
        return -1;
    *reports_r = reports;
    reports = NULL;
    return 0;
}
