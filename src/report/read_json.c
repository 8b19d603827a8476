/* read_json: the JSON of a report, RFC 8460 4.4, into struct tls_report.
 * Owns: the names of the fields, those of the RFC and those that are met in its place.
 * Several objects in a row, an array of reports, and what `daneway report show` prints are read too.
 * Must never parse more than VALUES_MAX values: a small text can hold enough to fill the memory. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"
#include "report/read_fields.h"
#include "report/report_name.h"

enum { VALUES_MAX = 1000000 };

static const struct field organization_name = {"organization-name", "organisation-name org-name",
                                               true};
static const struct field date_range = {"date-range", "", true};
static const struct field start_datetime = {"start-datetime", "start-date begin-datetime", true};
static const struct field end_datetime = {"end-datetime", "end-date", true};
static const struct field contact_info = {"contact-info", "email", true};
static const struct field identifier = {"report-id", "", true};
static const struct field policies = {"policies", "", true};
static const struct field policy = {"policy", "", true};
static const struct field policy_type = {"policy-type", "", true};
static const struct field policy_domain = {"policy-domain", "", true};
static const struct field policy_string = {"policy-string", "policy-strings", false};
static const struct field mx_host = {"mx-host",
                                     "mx-host-pattern mx-hosts mx-host-patterns mx-pattern", false};
static const struct field summary = {"summary", "", true};
static const struct field successes = {
    "total-successful-session-count",
    "success-aggregate total-success-session-count successful-session-count", true};
static const struct field failures = {
    "total-failure-session-count",
    "failure-aggregate total-failed-session-count failure-session-count", true};
static const struct field failure_details = {"failure-details", "report-items failure-detail",
                                             false};
static const struct field result_type = {"result-type", "", true};
static const struct field sending_ip = {"sending-mta-ip", "sending-ip sending-mta-ip-address",
                                        false};
static const struct field receiving_mx = {"receiving-mx-hostname", "receiving-mx-host receiving-mx",
                                          false};
static const struct field receiving_helo = {"receiving-mx-helo", "receiving-mx-helo-string", false};
static const struct field receiving_ip = {"receiving-ip", "receiving-mx-ip receiving-mta-ip",
                                          false};
static const struct field failed_count = {
    "failed-session-count",
    "failure-session-count failed-sessions-count session-count message-count", true};
static const struct field information = {
    "additional-information", "additional-info-uri additional-information-uri additional-info",
    false};
static const struct field reason_code = {"failure-reason-code",
                                         "failure-error-code failure-reason error-code", false};

/* --- failures ----------------------------------------------------------------------------------- */

static enum result_type result_type_of(struct slice name)
{
    for (int type = RESULT_NONE + 1; type < RESULT_TYPE_COUNT; type++)
        if (slice_equal(slice_of(result_type_name((enum result_type)type)), name))
            return (enum result_type)type;
    return RESULT_NONE;
}

/* Names of drafts of RFC 8460, and near misses. */
static const char *without_draft_name(const char *name)
{
    static const char *const known[][2] = {
        {"webpki-invalid", "sts-webpki-invalid"},
        {"sts-invalid", "sts-policy-invalid"},
        {"policy-fetch-error", "sts-policy-fetch-error"},
        {"expired-certificate", "certificate-expired"},
        {"certificate-name-mismatch", "certificate-host-mismatch"},
        {"untrusted-certificate", "certificate-not-trusted"},
        {"starttls-unsupported", "starttls-not-supported"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i][0]) == 0)
            return known[i][1];
    return name;
}

static void take_result_type(const struct field_object *detail, struct report_failure *failure)
{
    const char *text = field_text(detail, &result_type);
    char *name = arena_strdup(detail->source->arena, text);
    ascii_lower_text(name);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '_' || *c == ' ' ? '-' : *c;
    failure->type_name = without_draft_name(name);
    failure->type = result_type_of(slice_of(failure->type_name));
    if (*text != '\0' && failure->type == RESULT_NONE)
        source_deviates(detail->source, "result-type \"%s\" is none of RFC 8460", text);
    else if (strcmp(text, failure->type_name) != 0)
        source_deviates(detail->source, "result-type \"%s\" stands for \"%s\"", text,
                        failure->type_name);
}

static void take_failure(const struct field_object *detail, struct report_failure *failure)
{
    take_result_type(detail, failure);
    failure->sending_ip = field_address(detail, &sending_ip);
    failure->mx = field_name(detail, &receiving_mx);
    failure->helo = field_text(detail, &receiving_helo);
    failure->receiving_ip = field_address(detail, &receiving_ip);
    failure->information = field_text(detail, &information);
    failure->code = field_text(detail, &reason_code);
    failure->count = 1; /* there was one at least */
    field_count(detail, &failed_count, &failure->count);
}

/* The objects of an array; a lone object stands for an array of one. */
static size_t objects_of(const struct field_object *object, const struct field *field,
                         json_t **first_r, json_t **array_r)
{
    json_t *value = field_find(object, field);
    *first_r = *array_r = NULL;
    if (json_is_array(value)) {
        *array_r = value;
        return json_array_size(value);
    }
    if (value == NULL)
        return 0;
    source_deviates(object->source, "%s is no array", field->name);
    *first_r = json_is_object(value) ? value : NULL;
    return *first_r != NULL;
}

static void take_failures(const struct field_object *element, struct report_policy *policy_r)
{
    json_t *first, *array;
    size_t count = objects_of(element, &failure_details, &first, &array);
    policy_r->failures =
        arena_alloc(element->source->arena, (count + 1) * sizeof(*policy_r->failures));
    for (size_t i = 0; i < count; i++) {
        json_t *json = array != NULL ? json_array_get(array, i) : first;
        struct field_object detail = {element->source, json, failure_details.name};
        if (json_is_object(json))
            take_failure(&detail, &policy_r->failures[policy_r->failure_count++]);
        else
            source_deviates(element->source, "failure-details has elements that are no objects");
    }
}

/* --- policies ----------------------------------------------------------------------------------- */

static void take_domain(const struct field_object *object, struct report_policy *policy_r)
{
    const char *hint = object->source->hints.domain;
    policy_r->domain = field_name(object, &policy_domain);
    if (*policy_r->domain != '\0' || hint == NULL)
        return;
    source_deviates(object->source, "the name of the file or the mail says \"%s\" for it", hint);
    policy_r->domain = hint;
}

static void take_type(const struct field_object *object, struct report_policy *policy_r)
{
    const char *text = field_text(object, &policy_type), *name = field_name(object, &policy_type);
    policy_r->type = name;
    if (*text == '\0')
        return;
    if (strcmp(name, "tlsa") != 0 && strcmp(name, "sts") != 0 &&
        strcmp(name, "no-policy-found") != 0)
        source_deviates(object->source, "policy-type \"%s\" is none of RFC 8460", text);
    else if (strcmp(text, name) != 0)
        source_deviates(object->source, "policy-type \"%s\" stands for \"%s\"", text, name);
}

static void take_counts(const struct field_object *object, struct report_policy *policy_r)
{
    field_count(object, &successes, &policy_r->success);
    if (field_count(object, &failures, &policy_r->failure))
        return;
    for (size_t i = 0; i < policy_r->failure_count; i++)
        policy_r->failure += policy_r->failures[i].count;
}

/* A part that is missing may stand one level higher, as in the first drafts. */
static struct field_object part_of(const struct field_object *element, const struct field *part)
{
    struct field_object object = field_object(element, part);
    if (object.json == NULL)
        object.json = element->json;
    return object;
}

static void take_policy(const struct field_object *element, struct report_policy *policy_r)
{
    struct field_object object = part_of(element, &policy);
    take_type(&object, policy_r);
    take_domain(&object, policy_r);
    policy_r->strings = field_texts(&object, &policy_string, &policy_r->string_count);
    policy_r->mx = field_texts(&object, &mx_host, &policy_r->mx_count);
    take_failures(element, policy_r);
    object = part_of(element, &summary);
    take_counts(&object, policy_r);
}

static void take_policies(const struct field_object *root, struct tls_report *report)
{
    json_t *first, *array;
    size_t count = objects_of(root, &policies, &first, &array);
    if (count == 0 && array == NULL && json_object_get(root->json, policy.name) != NULL) {
        first = root->json; /* the first drafts had one policy in a report */
        count = 1;
    }
    report->policies = arena_alloc(root->source->arena, (count + 1) * sizeof(*report->policies));
    for (size_t i = 0; i < count; i++) {
        json_t *json = array != NULL ? json_array_get(array, i) : first;
        struct field_object element = {root->source, json, ""};
        if (json_is_object(json))
            take_policy(&element, &report->policies[report->policy_count++]);
        else
            source_deviates(root->source, "policies has elements that are no objects");
    }
    if (report->policy_count == 0)
        source_deviates(root->source, "policies has no policy");
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void take_range(const struct field_object *root, struct tls_report *report)
{
    const struct report_hints *hints = &root->source->hints;
    struct field_object range = part_of(root, &date_range);
    report->begin = field_time(&range, &start_datetime);
    report->end = field_time(&range, &end_datetime);
    if (report->begin == 0 && hints->begin != 0) {
        report->begin = hints->begin;
        report->end = hints->end;
        source_deviates(root->source, "the dates are taken from the name of the file");
    }
    if (report->begin == 0 && report->end >= DAY_SECONDS)
        report->begin = report->end - (DAY_SECONDS - 1);
    if (report->end == 0 && report->begin != 0)
        report->end = report->begin + (DAY_SECONDS - 1);
    if (report->end < report->begin)
        source_deviates(root->source, "date-range ends before it begins");
}

static void take_report(const struct report_source *source, json_t *json)
{
    struct field_object root = {source, json, ""};
    struct tls_report report = {.domain = source->hints.domain != NULL ? source->hints.domain : ""};
    report.organization = field_text(&root, &organization_name);
    report.contact = field_text(&root, &contact_info);
    report.id = field_text(&root, &identifier);
    if (report.organization[0] == '\0' && source->hints.submitter != NULL)
        report.organization = source->hints.submitter;
    take_range(&root, &report);
    take_policies(&root, &report);
    source->sink->report(source->sink->arg, source->where, &report);
}

static bool is_report(json_t *json)
{
    return json_object_get(json, policies.name) != NULL ||
           json_object_get(json, policy.name) != NULL ||
           json_object_get(json, organization_name.name) != NULL ||
           json_object_get(json, date_range.name) != NULL;
}

/* {"domain","report"}: what `daneway report show` prints, without and with files. */
static void take_wrapped(const struct report_source *source, json_t *json)
{
    struct report_source own = *source;
    const char *domain = json_string_value(json_object_get(json, "domain"));
    if (domain != NULL)
        own.hints.domain = arena_strdup(source->arena, domain);
    take_report(&own, json_object_get(json, "report"));
}

static void take_document(const struct report_source *source, json_t *json, bool in_array)
{
    json_t *element;
    size_t i;
    if (json_is_array(json) && !in_array) {
        json_array_foreach(json, i, element) {
            take_document(source, element, true);
        }
    } else if (is_report(json_object_get(json, "report")))
        take_wrapped(source, json);
    else if (is_report(json))
        take_report(source, json);
    else
        source_refuse(source, "is JSON, but no TLS report: it has no policies");
}

static json_t *parse(const struct report_source *source, struct slice text, json_error_t *error)
{
    size_t flags = JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    json_t *json = json_loadb(text.ptr, text.len, flags | JSON_REJECT_DUPLICATES, error);
    if (json != NULL || json_error_code(error) != json_error_duplicate_key)
        return json;
    source_deviates(source, "has the same name twice in one object: the last one counts");
    return json_loadb(text.ptr, text.len, flags, error);
}

static void refuse_json(const struct report_source *source, const json_error_t *error)
{
    if (json_error_code(error) == json_error_premature_end_of_input)
        source_refuse(source, "the JSON is cut short in line %d", error->line);
    else
        source_refuse(source, "is no JSON: line %d, column %d: %s", error->line, error->column,
                      error->text);
}

/* An upper bound: each value but the first comes after one of these. */
static bool has_too_many_values(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len && count <= VALUES_MAX; i++)
        count += text.ptr[i] == ',' || text.ptr[i] == '[' || text.ptr[i] == '{';
    return count > VALUES_MAX;
}

/* White space, and the record separator of RFC 7464. */
static bool is_between_documents(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\x1e';
}

static void read_documents(const struct report_source *source, struct slice text)
{
    for (unsigned found = 0;; found++) {
        json_error_t error;
        while (text.len > 0 && is_between_documents(text.ptr[0]))
            text = slice_drop(text, 1);
        if (text.len == 0)
            return;
        CLEANUP(json_free) json_t *json = parse(source, text, &error);
        if (json == NULL && found > 0)
            source_deviates(source, "what follows the JSON is none");
        else if (json == NULL)
            refuse_json(source, &error);
        if (json == NULL || error.position <= 0)
            return;
        take_document(source, json, false);
        text = slice_drop(text, (size_t)error.position);
    }
}

static bool is_utf8(struct slice text)
{
    uint32_t code;
    unsigned length = 1;
    for (; text.len > 0 && length > 0; text = slice_drop(text, length))
        length = utf8_character(text, &code);
    return length > 0;
}

void read_json(const struct report_source *source, struct slice text)
{
    CLEANUP(buffer_release) struct buffer clean;
    buffer_init(&clean, 3 * text.len);
    if (has_too_many_values(text)) {
        source_refuse(source, "holds more than %d values: no report is so large", VALUES_MAX);
        return;
    }
    if (!is_utf8(text)) {
        source_deviates(source, "is not UTF-8; what is none was replaced");
        utf8_repair(text, &clean);
        text = buffer_slice(&clean);
    }
    read_documents(source, text);
}
