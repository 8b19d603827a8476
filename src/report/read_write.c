/* read_write: a report that was read, written again as RFC 8460 4.4 has it.
 * Owns: nothing.
 * Must never write a null, an empty text or a name that the RFC does not have. */
#include "report/read.h"
#include "report/report_name.h"

#include <time.h>

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, name, json_string(text));
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void set_texts(json_t *object, const char *name, const char *const *texts, size_t count)
{
    if (count == 0)
        return;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(texts[i]));
    json_object_set_new(object, name, array);
}

static void set_time(json_t *object, const char *name, int64_t seconds)
{
    char text[40];
    struct tm parts;
    time_t when = (time_t)seconds;
    if (seconds > 0 && gmtime_r(&when, &parts) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
        set_text(object, name, text);
}

static json_t *failure_to_json(const struct report_failure *failure)
{
    json_t *detail = json_object();
    set_text(detail, "result-type", failure->type_name);
    set_text(detail, "sending-mta-ip", failure->sending_ip);
    set_text(detail, "receiving-mx-hostname", failure->mx);
    set_text(detail, "receiving-mx-helo", failure->helo);
    set_text(detail, "receiving-ip", failure->receiving_ip);
    set_number(detail, "failed-session-count", failure->count);
    set_text(detail, "additional-information", failure->information);
    set_text(detail, "failure-reason-code", failure->code);
    return detail;
}

static json_t *policy_to_json(const struct report_policy *policy)
{
    json_t *inner = json_object(), *summary = json_object(), *element = json_object();
    set_text(inner, "policy-type", policy->type);
    set_texts(inner, "policy-string", policy->strings, policy->string_count);
    set_text(inner, "policy-domain", policy->domain);
    set_texts(inner, "mx-host", policy->mx, policy->mx_count);
    set_number(summary, "total-successful-session-count", policy->success);
    set_number(summary, "total-failure-session-count", policy->failure);
    json_object_set_new(element, "policy", inner);
    json_object_set_new(element, "summary", summary);
    if (policy->failure_count > 0) {
        json_t *details = json_array();
        for (size_t i = 0; i < policy->failure_count; i++)
            json_array_append_new(details, failure_to_json(&policy->failures[i]));
        json_object_set_new(element, "failure-details", details);
    }
    return element;
}

json_t *report_to_json(const struct tls_report *report)
{
    json_t *json = json_object(), *range = json_object(), *policies = json_array();
    set_text(json, "organization-name", report->organization);
    set_time(range, "start-datetime", report->begin);
    set_time(range, "end-datetime", report->end);
    json_object_set_new(json, "date-range", range);
    set_text(json, "contact-info", report->contact);
    set_text(json, "report-id", report->id);
    for (size_t i = 0; i < report->policy_count; i++)
        json_array_append_new(policies, policy_to_json(&report->policies[i]));
    json_object_set_new(json, "policies", policies);
    return json;
}
