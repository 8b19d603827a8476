/* Many reports in one: sums, days, duplicates, and who can mend what. */
#include "sessions.h"

#include "report/mending.h"
#include "report/summary.h"

enum { FIRST_OF_MARCH = 1772323200, DAY = 86400 };

static struct report_failure failure_of(enum result_type type, uint64_t count)
{
    return (struct report_failure){.type = type,
                                   .type_name = result_type_name(type),
                                   .sending_ip = "192.0.2.1",
                                   .mx = "mx.example.net",
                                   .helo = "",
                                   .receiving_ip = "",
                                   .information = "",
                                   .code = "",
                                   .count = count};
}

static struct tls_report report_of(const char *organization, const char *id, int day,
                                   struct report_policy *policy)
{
    return (struct tls_report){.organization = organization,
                               .contact = "",
                               .id = id,
                               .domain = "example.net",
                               .begin = FIRST_OF_MARCH + day * DAY,
                               .end = FIRST_OF_MARCH + day * DAY + DAY - 1,
                               .policies = policy,
                               .policy_count = 1};
}

Test(summary, sums_days_and_duplicates)
{
    struct report_summary *summary = report_summary_create(REPORTED_BY_OTHERS, NULL);
    struct report_failure failures[] = {failure_of(RESULT_CERTIFICATE_EXPIRED, 2),
                                        failure_of(RESULT_TLSA_INVALID, 1)};
    struct report_policy policy = {.type = "sts",
                                   .domain = "example.net",
                                   .success = 10,
                                   .failure = 3,
                                   .failures = failures,
                                   .failure_count = 2};
    struct tls_report report = report_of("B", "1", 3, &policy);
    cr_assert(report_summary_add(summary, &report));
    cr_assert(not(report_summary_add(summary, &report))); /* the same again */
    report = report_of("A", "1", 1, &policy);
    policy.failure_count = 1;
    cr_assert(report_summary_add(summary, &report));
    report.id = ""; /* not known: each counts */
    cr_assert(report_summary_add(summary, &report));
    cr_assert(report_summary_add(summary, &report));
    json_t *json = report_summary_to_json(summary);
    cr_expect(eq(i64, number_at(json, "reports"), 4));
    cr_expect(eq(i64, number_at(json, "duplicates"), 1));
    cr_expect(eq(i64, number_at(json, "success"), 40));
    cr_expect(eq(i64, number_at(json, "failure"), 12));
    cr_expect(eq(str, text_at(json, "first_day"), "2026-03-02"));
    cr_expect(eq(str, text_at(json, "last_day"), "2026-03-04"));
    cr_expect(eq(sz, json_array_size(at(json, "organizations")), 2));
    cr_expect(eq(str, text_at(json, "organizations/0/name"), "A"));
    cr_expect(eq(i64, number_at(json, "organizations/0/reports"), 3));
    cr_expect(eq(i64, number_at(json, "domains/0/reports"), 4));
    json_t *first = at(json, "failures/0");
    cr_expect(eq(sz, json_array_size(at(json, "failures")), 3));
    cr_expect(eq(str, text_at(first, "result_type"), "certificate-expired"));
    cr_expect(eq(i64, number_at(first, "count"), 8));
    cr_expect(eq(str, text_at(first, "first_day"), "2026-03-02"));
    cr_expect(eq(str, text_at(first, "last_day"), "2026-03-04"));
    cr_expect(eq(str, text_at(first, "mx/0/name"), "mx.example.net"));
    cr_expect(eq(str, text_at(first, "sending_ips/0/name"), "192.0.2.1"));
    cr_expect(eq(str, text_at(first, "organizations/0/name"), "A"));
    cr_expect(eq(i64, number_at(first, "organizations/0/count"), 6));
    cr_expect(eq(str, text_at(json, "failures/1/result_type"), "not said")); /* the 3 unexplained */
    cr_expect(eq(i64, number_at(json, "failures/1/count"), 3));
    cr_expect(eq(str, text_at(json, "failures/2/result_type"), "tlsa-invalid"));
    cr_expect(eq(str, text_at(json, "failures/2/first_day"), "2026-03-04"));
    json_decref(json);
    report_summary_free(&summary);
}

Test(summary, one_domain)
{
    struct report_summary *summary = report_summary_create(REPORTED_BY_OTHERS, "Example.NET");
    struct report_policy policies[] = {{.type = "sts", .domain = "example.net", .success = 1},
                                       {.type = "sts", .domain = "other.example", .success = 2}};
    struct tls_report report = report_of("A", "1", 0, policies);
    report.policy_count = 2;
    report.domain = "";
    report_summary_add(summary, &report);
    report.id = "2";
    report.policies = policies + 1;
    report.policy_count = 1;
    report_summary_add(summary, &report);
    json_t *json = report_summary_to_json(summary);
    cr_expect(eq(i64, number_at(json, "success"), 1));
    cr_expect(eq(i64, number_at(json, "reports"), 1));
    json_decref(json);
    report_summary_free(&summary);
}

Test(mending, every_type_has_its_words)
{
    for (int type = RESULT_NONE; type < RESULT_TYPE_COUNT; type++) {
        struct mending theirs = mending_of((enum result_type)type, "", REPORTED_BY_OTHERS);
        struct mending ours = mending_of((enum result_type)type, "", REPORTED_BY_US);
        cr_assert(theirs.what != NULL && theirs.who != NULL && theirs.how != NULL, "%d", type);
        cr_assert(ours.what != NULL && ours.who != NULL && ours.how != NULL, "%d", type);
        cr_expect(type == RESULT_NONE || strstr(theirs.who, "you") != NULL, "%s", theirs.who);
        cr_expect(strstr(ours.who, "you,") == NULL, "%s", ours.who);
    }
}

/* Mail that needs no TLS is counted under the same type as mail that does. */
Test(mending, no_more_is_said_than_the_type_tells)
{
    struct mending mending = mending_of(RESULT_STARTTLS_NOT_SUPPORTED, "454", REPORTED_BY_US);
    cr_expect(strstr(mending.what, "required") == NULL, "%s", mending.what);
    mending = mending_of(RESULT_STARTTLS_NOT_SUPPORTED, "starttls-refused", REPORTED_BY_US);
    cr_expect(eq(str, (char *)mending.what, (char *)reason_row(REASON_STARTTLS_REFUSED)->text));
    mending = mending_of(RESULT_TLSA_INVALID, "", REPORTED_BY_US);
    cr_expect(strstr(mending.what, "usable") != NULL, "%s", mending.what);
}

Test(mending, sides_and_codes)
{
    struct mending mending = mending_of(RESULT_TLSA_INVALID, "", REPORTED_BY_US);
    cr_expect(eq(str, (char *)mending.who, (char *)who_name(WHO_RECIPIENT)));
    cr_expect(eq(str, (char *)mending.how, (char *)reason_row(REASON_TLSA_MISMATCH)->advice));
    mending = mending_of(RESULT_DNSSEC_INVALID, "", REPORTED_BY_US);
    cr_expect(eq(str, (char *)mending.who, (char *)who_name(WHO_DNS)));
    mending = mending_of(RESULT_VALIDATION_FAILURE, "sts-mx-mismatch", REPORTED_BY_US);
    cr_expect(eq(str, (char *)mending.how, (char *)reason_row(REASON_STS_MX_MISMATCH)->advice));
    mending = mending_of(RESULT_VALIDATION_FAILURE, "tlsa-mismatch", REPORTED_BY_US);
    cr_expect(
        eq(str, (char *)mending.how, (char *)reason_row(REASON_TLS_HANDSHAKE_FAILED)->advice));
    mending = mending_of(RESULT_VALIDATION_FAILURE, "MX_HOSTS_MISMATCH", REPORTED_BY_OTHERS);
    cr_expect(strstr(mending.what, "MTA-STS policy") != NULL);
}
