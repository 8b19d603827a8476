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
#include "base/slice.h"
#include "report/report_name.h"
#include "report/tally_store_rows.h"

#define NUMBER_MAX 9007199254740991 /* 2^53 - 1 */
enum { DETAIL_LIMIT = 1000 };       /* of one policy; the rest is merged by result type (RPT-45) */

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
    "SELECT id, domain, type, policy_domain, strings, mx, success, failure FROM policies"
    " WHERE day = ?1 AND (?2 IS NULL OR domain = ?2) ORDER BY domain, id";

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
    "SELECT type, sending, mx, helo, receiving, code, count FROM details WHERE policy = ?1"
    " ORDER BY count DESC, type, sending, mx, helo, receiving, code";

static void json_free(json_t **json)
{
    json_decref(*json);
}

static json_t *number(sqlite3_int64 value)
{
    return json_integer(value < NUMBER_MAX ? value : NUMBER_MAX);
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

/* The one entry of that result type in which what is too much is counted; its facts are not known.
 */
static json_t *merged_entry(json_t *details, const char *type)
{
    for (size_t i = DETAIL_LIMIT; i < json_array_size(details); i++) {
        json_t *detail = json_array_get(details, i);
        if (strcmp(json_string_value(json_object_get(detail, "result-type")), type) == 0)
            return detail;
    }
    json_t *detail = json_pack("{s:s, s:i}", "result-type", type, "failed-session-count", 0);
    json_array_append_new(details, detail);
    return detail;
}

static void add_detail(json_t *details, sqlite3_stmt *row)
{
    const char *type = column_text(row, DETAIL_TYPE);
    sqlite3_int64 count = sqlite3_column_int64(row, DETAIL_COUNT);
    if (json_array_size(details) >= DETAIL_LIMIT) {
        json_t *merged = merged_entry(details, type);
        sqlite3_int64 before = json_integer_value(json_object_get(merged, "failed-session-count"));
        json_object_set_new(merged, "failed-session-count", number(before + count));
        return;
    }
    json_t *detail = json_object();
    json_object_set_new(detail, "result-type", json_string(type));
    set_if_known(detail, "sending-mta-ip", column_text(row, DETAIL_SENDING));
    set_if_known(detail, "receiving-mx-hostname", column_text(row, DETAIL_MX));
    set_if_known(detail, "receiving-mx-helo", column_text(row, DETAIL_HELO));
    set_if_known(detail, "receiving-ip", column_text(row, DETAIL_RECEIVING));
    json_object_set_new(detail, "failed-session-count", number(count));
    set_if_known(detail, "failure-reason-code", column_text(row, DETAIL_CODE));
    json_array_append_new(details, detail);
}

static int read_details(struct tally_store *store, sqlite3_int64 policy, json_t *details,
                        struct err *err_r)
{
    CLEANUP(statement_free) sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(store->database, details_sql, -1, &row, NULL) != SQLITE_OK)
        return tally_failed(store, "cannot be read", err_r);
    sqlite3_bind_int64(row, 1, policy);
    int rc;
    while ((rc = sqlite3_step(row)) == SQLITE_ROW)
        add_detail(details, row);
    return rc == SQLITE_DONE ? 0 : tally_failed(store, "cannot be read", err_r);
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

static int add_policy(struct tally_store *store, json_t *policies, sqlite3_stmt *row,
                      struct err *err_r)
{
    json_t *details = json_array(), *summary = json_object(), *element = json_object();
    json_object_set_new(summary, "total-successful-session-count",
                        number(sqlite3_column_int64(row, POLICY_SUCCESS)));
    json_object_set_new(summary, "total-failure-session-count",
                        number(sqlite3_column_int64(row, POLICY_FAILURE)));
    json_object_set_new(element, "policy", policy_object(row));
    json_object_set_new(element, "summary", summary);
    json_array_append_new(policies, element);
    int rc = read_details(store, sqlite3_column_int64(row, POLICY_ID), details, err_r);
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

/* The policies of the report that the row belongs to: rows come by domain, so it is the last one or
 * a new one. */
static json_t *policies_for(json_t *reports, const char *day, const char *domain,
                            const struct report_identity *identity)
{
    size_t count = json_array_size(reports);
    json_t *last = count > 0 ? json_array_get(reports, count - 1) : NULL;
    if (last == NULL || strcmp(json_string_value(json_object_get(last, "domain")), domain) != 0) {
        last = json_object();
        json_object_set_new(last, "domain", json_string(domain));
        json_object_set_new(last, "report", report_object(day, domain, identity));
        json_array_append_new(reports, last);
    }
    return json_object_get(json_object_get(last, "report"), "policies");
}

static int read_policies(struct tally_store *store, sqlite3_stmt *row, const char *day,
                         const struct report_identity *identity, json_t *reports, struct err *err_r)
{
    int rc;
    while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
        json_t *policies = policies_for(reports, day, column_text(row, POLICY_DOMAIN), identity);
        if (add_policy(store, policies, row, err_r) != 0)
            return -1;
    }
    return rc == SQLITE_DONE ? 0 : tally_failed(store, "cannot be read", err_r);
}

int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r,
                       struct err *err_r)
{
    int64_t begin;
    if (day_begin(day, &begin) != 0)
        return err_set(err_r, "\"%.20s\" is no day; expected YYYY-MM-DD", day);
    CLEANUP(statement_free) sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(store->database, policies_sql, -1, &row, NULL) != SQLITE_OK)
        return tally_failed(store, "cannot be read", err_r);
    CLEANUP(text_free) char *wanted = domain != NULL ? x_strdup(domain) : NULL;
    if (wanted != NULL)
        ascii_lower_text(wanted);
    sqlite3_bind_text(row, 1, day, -1, SQLITE_STATIC);
    sqlite3_bind_text(row, 2, wanted, -1, SQLITE_STATIC); /* NULL binds NULL */
    CLEANUP(json_free) json_t *reports = json_array();
    if (read_policies(store, row, day, identity, reports, err_r) != 0)
        return -1;
    *reports_r = reports;
    reports = NULL;
    return 0;
}
