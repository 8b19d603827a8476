/* collector_datagram: a session in the words of libtlsrpt.
 * Owns: nothing.
 * Numbers and names are those of tlsrpt.h of libtlsrpt 0.5; what is not known is left out.
 * Must never hold text that is not UTF-8: the collector would throw the whole datagram away. */
#include <string.h>

#include "report/collector.h"
#include "report/tally.h"

/* tlsrpt_policy_type_t */
static int policy_number(enum policy_type type)
{
    static const int numbers[] = {[POLICY_TLSA] = 1, [POLICY_STS] = 2, [POLICY_NOT_FOUND] = 9};
    return numbers[type];
}

/* tlsrpt_failure_t */
static int failure_number(enum result_type type)
{
    static const int numbers[RESULT_TYPE_COUNT] = {
        [RESULT_STARTTLS_NOT_SUPPORTED] = 201,
        [RESULT_CERTIFICATE_HOST_MISMATCH] = 202,
        [RESULT_CERTIFICATE_NOT_TRUSTED] = 203,
        [RESULT_CERTIFICATE_EXPIRED] = 204,
        [RESULT_VALIDATION_FAILURE] = 205,
        [RESULT_STS_POLICY_FETCH_ERROR] = 301,
        [RESULT_STS_POLICY_INVALID] = 302,
        [RESULT_STS_WEBPKI_INVALID] = 303,
        [RESULT_TLSA_INVALID] = 304,
        [RESULT_DNSSEC_INVALID] = 305,
        [RESULT_DANE_REQUIRED] = 306,
    };
    return numbers[type];
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_new(object, name, tally_text(text));
}

static void set_address(json_t *object, const char *name, const struct address *address)
{
    char text[ADDRESS_TEXT];
    if (address->family != 0)
        json_object_set_new(object, name, json_string(address_format(address, text)));
}

static void set_list(json_t *object, const char *name, const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, tally_policy_string(texts[i]));
    if (count > 0)
        json_object_set(object, name, list);
    json_decref(list);
}

static json_t *detail_of(const struct session_record *record, const struct session_failure *failure)
{
    json_t *detail = json_object();
    json_object_set_new(detail, "c", json_integer(failure_number(failure->type)));
    set_address(detail, "s", &record->sending);
    set_text(detail, "n", record->mx_name);
    set_text(detail, "h", record->mx_helo);
    set_address(detail, "r", &record->receiving);
    set_text(detail, "f", failure->reason_code);
    return detail;
}

static json_t *policy_of(const struct session_record *record)
{
    json_t *policy = json_object(), *details = json_array();
    const char *domain = record->policy_domain != NULL ? record->policy_domain : record->next_hop;
    for (size_t i = 0; !record->success && i < record->failure_count; i++)
        if (record->failures[i].type != RESULT_NONE)
            json_array_append_new(details, detail_of(record, &record->failures[i]));
    json_object_set_new(policy, "policy-type", json_integer(policy_number(record->policy)));
    set_text(policy, "policy-domain", domain);
    set_list(policy, "policy-string", record->policy_strings, record->policy_string_count);
    set_list(policy, "mx-host", record->mx_patterns, record->mx_pattern_count);
    if (json_array_size(details) > 0)
        json_object_set(policy, "failure-details", details);
    json_object_set_new(policy, "t", json_integer((json_int_t)json_array_size(details)));
    json_object_set_new(policy, "f", json_integer(record->success ? 0 : 1));
    json_decref(details);
    return policy;
}

json_t *collector_policies(const struct session_record *records, size_t count)
{
    json_t *policies = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(policies, policy_of(&records[i]));
    return policies;
}

char *collector_datagram(const char *domain, const char *record, json_t *policies)
{
    json_t *datagram = json_object();
    json_object_set_new(datagram, "dpv", json_string("1"));
    json_object_set_new(datagram, "d", tally_text(domain));
    json_object_set_new(datagram, "pr", tally_policy_string(record)); /* all its receivers */
    json_object_set_new(datagram, "policies", policies);
    char *text = json_dumps(datagram, JSON_COMPACT);
    json_decref(datagram);
    return text;
}
