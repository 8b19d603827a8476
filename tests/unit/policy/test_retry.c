/* When to try again, and the rows of reason.def. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "daneway/policy.h"

static const struct retry_settings defaults = {.first = 600, .min = 1800, .max = 10800};

/* covers: QUEUE-01 */
Test(retry, one_early_try_then_growing_delays)
{
    const struct {
        unsigned attempts;
        uint64_t age;
        uint32_t least, most;
    } cases[] = {
        {1, 0, 600, 660},
        {1, 3000, 600, 660},
        {1, 3001, 1800, 1980},
        {2, 660, 1800, 1980},
        {3, 2700, 3600, 3960},
        {4, 6700, 7200, 7920},
        {5, 15000, 9720, 10800},
        {6, 26000, 9720, 10800},
        {1000000, 400000, 9720, 10800},
        {UINT32_MAX, UINT64_MAX / 2, 9720, 10800},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (uint64_t seed = 0; seed < 200; seed++) {
            uint32_t delay = retry_delay(&defaults, cases[i].attempts, cases[i].age, seed);
            cr_expect(delay >= cases[i].least && delay <= cases[i].most, "case %zu: %u", i, delay);
        }
}

/* covers: QUEUE-01 */
Test(retry, at_most_one_early_try_in_the_first_hour)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint64_t age = 0;
        unsigned early = 0;
        for (unsigned attempts = 1; attempts < 10; attempts++) {
            uint32_t delay = retry_delay(&defaults, attempts, age, seed + attempts);
            early += delay < defaults.min;
            cr_expect(delay <= defaults.max);
            age += delay;
        }
        cr_expect(eq(u32, early, 1));
    }
}

/* covers: QUEUE-01 */
Test(retry, all_parameters_count)
{
    const struct retry_settings no_first = {.first = 0, .min = 100, .max = 400};
    const struct retry_settings constant = {.first = 900, .min = 300, .max = 300};
    for (uint64_t seed = 0; seed < 100; seed++) {
        uint32_t one = retry_delay(&no_first, 1, 0, seed), two = retry_delay(&no_first, 2, 0, seed);
        cr_expect(one >= 100 && one <= 110);
        cr_expect(two >= 200 && two <= 220);
        cr_expect(eq(u32, retry_delay(&constant, 1, 0, seed), 300));
        cr_expect(eq(u32, retry_delay(&constant, 7, 0, seed), 300));
    }
}

Test(retry, seeds_spread)
{
    uint32_t first = retry_delay(&defaults, 2, 0, 1);
    unsigned others = 0;
    for (uint64_t seed = 2; seed < 50; seed++)
        others += retry_delay(&defaults, 2, 0, seed) != first;
    cr_assert(others > 40);
    cr_assert(eq(u32, retry_delay(&defaults, 2, 0, 1), first));
}

static bool is_status(const char *text, char class)
{
    int subject, detail, end = 0;
    return text[0] == class && sscanf(text + 1, ".%3d.%3d%n", &subject, &detail, &end) == 2 &&
           text[1 + end] == '\0';
}

/* covers: RPT-20 */
Test(reason, rows_are_consistent)
{
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const struct reason_row *row = reason_row(reason);
        cr_expect(is_status(reason_status(reason), row->permanence == PERMANENT ? '5' : '4'),
                  "%s %s", row->name, reason_status(reason));
        cr_expect(strcmp(reason_status(reason) + 2, row->status) == 0);
        cr_expect(row->name[0] != '\0' && row->text[0] != '\0' && row->advice[0] != '\0');
        cr_expect(strncmp(row->source, "RFC ", 4) == 0, "%s: %s", row->name, row->source);
        cr_expect(row->text[strlen(row->text) - 1] == '.', "%s", row->name);
        for (const char *c = row->name; *c != '\0'; c++)
            cr_expect(strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *c) != NULL, "%s", row->name);
        cr_expect(eq(int, reason_by_name(row->name), reason), "%s is there twice", row->name);
        cr_expect(who_name(row->who)[0] != '\0');
        /* What binds TLS only defers (CODE-05), but for what the sender himself demands (RTLS-13). */
        if (row->result != RESULT_NONE && strncmp(row->name, "requiretls-", 11) != 0)
            cr_expect(eq(int, row->permanence, TEMPORARY), "%s", row->name);
    }
    cr_assert(eq(int, reason_by_name("none such"), REASON_NONE));
    cr_assert(eq(str, (char *)reason_row(REASON_NONE)->name, "none"));
    cr_assert(eq(str, (char *)result_type_name(RESULT_NONE), ""));
}

/* covers: CODE-02 CODE-03 CODE-04 CODE-06 CODE-09 CODE-10 RPT-24 RPT-25 DANE-27 SMTPC-18 SMTPC-19 TLS-14 */
Test(reason, codes_and_result_types_are_those_required)
{
    const struct {
        enum reason reason;
        const char *status, *result;
    } cases[] = {
        {REASON_STARTTLS_NOT_OFFERED, "4.7.4", "starttls-not-supported"},
        {REASON_STARTTLS_REFUSED, "4.7.4", "starttls-not-supported"},
        {REASON_STS_LOOKUP_FAILED, "4.7.0", ""},
        {REASON_STS_FETCH_FAILED, "4.7.0", "sts-policy-fetch-error"},
        {REASON_STS_POLICY_INVALID, "4.7.0", "sts-policy-invalid"},
        {REASON_STS_WEBPKI_INVALID, "4.7.0", "sts-webpki-invalid"},
        {REASON_STS_MX_MISMATCH, "4.7.5", "validation-failure"},
        {REASON_REQUIRETLS_NOT_OFFERED, "5.7.30", ""},
        {REASON_REQUIRETLS_NO_STARTTLS, "5.7.30", "starttls-not-supported"},
        {REASON_REQUIRETLS_STARTTLS_REFUSED, "5.7.10", "starttls-not-supported"},
        {REASON_REQUIRETLS_TLS_FAILED, "5.7.10", "validation-failure"},
        {REASON_REQUIRETLS_NOT_VERIFIED, "5.7.10", "validation-failure"},
        {REASON_REQUIRETLS_MX_NOT_SECURED, "5.7.10", ""},
        {REASON_AUTHENTICATION_REQUIRED, "4.7.5", ""},
        {REASON_FINGERPRINT_MISMATCH, "4.7.5", ""},
        {REASON_TLS_NOT_AVAILABLE_HERE, "4.7.5", ""},
        {REASON_TLS_HANDSHAKE_FAILED, "4.7.5", "validation-failure"},
        {REASON_TLSA_LOOKUP_FAILED, "4.7.5", "dnssec-invalid"},
        {REASON_TLSA_BOGUS, "4.7.5", "dnssec-invalid"},
        {REASON_TLSA_MISMATCH, "4.7.5", "tlsa-invalid"},
        {REASON_TLSA_UNUSABLE, "4.7.5", "tlsa-invalid"},
        {REASON_DANE_NAME_MISMATCH, "4.7.5", "certificate-host-mismatch"},
        {REASON_DANE_CERTIFICATE_EXPIRED, "4.7.5", "certificate-expired"},
        {REASON_DANE_NOT_TRUSTED, "4.7.5", "certificate-not-trusted"},
        {REASON_DANE_REQUIRED, "4.7.5", "dane-required"},
        {REASON_CERTIFICATE_NAME_MISMATCH, "4.7.5", "certificate-host-mismatch"},
        {REASON_CERTIFICATE_EXPIRED, "4.7.5", "certificate-expired"},
        {REASON_CERTIFICATE_NOT_TRUSTED, "4.7.5", "certificate-not-trusted"},
        {REASON_MX_LOOKUP_FAILED, "4.4.3", ""},
        {REASON_MX_LOOKUP_BOGUS, "4.4.3", ""},
        {REASON_ADDRESS_LOOKUP_FAILED, "4.4.3", ""},
        {REASON_ADDRESS_LOOKUP_BOGUS, "4.4.3", ""},
        {REASON_DOMAIN_NOT_FOUND, "5.1.2", ""},
        {REASON_DOMAIN_INVALID, "5.1.2", ""},
        {REASON_NULL_MX, "5.1.10", ""},
        {REASON_MX_UNUSABLE, "5.4.4", ""},
        {REASON_NO_ADDRESS, "5.4.4", ""},
        {REASON_MAIL_LOOP, "5.4.6", ""},
        {REASON_CONNECT_FAILED, "4.4.1", ""},
        {REASON_CONNECT_TIMEOUT, "4.4.1", ""},
        {REASON_CONNECTION_LOST, "4.4.2", ""},
        {REASON_RESOLVER_NOT_VALIDATING, "4.7.5", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum reason reason = cases[i].reason;
        cr_expect(eq(str, (char *)reason_status(reason), (char *)cases[i].status), "%s",
                  reason_row(reason)->name);
        cr_expect(
            eq(str, (char *)result_type_name(reason_row(reason)->result), (char *)cases[i].result),
            "%s", reason_row(reason)->name);
    }
}
