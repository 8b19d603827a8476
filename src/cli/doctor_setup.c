/* doctor_setup: what the configuration names: tables, certificates, trusted roots, the identity for TLS reports.
 * Owns: nothing.
 * What the daemon would refuse at its start stands first; then what it takes, and an operator would want to know.
 * Must never print anything of a private key. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "check.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "cli/report_check.h"
#include "conf/conf.h"
#include "daneway/policy.h"
#include "report/identity.h"
#include "tls/pem.h"

enum { DAY = 86400, SOON = 14 * DAY, ROOTS_OLD = 730 * DAY };

void doctor_check_configuration(struct doctor *doctor)
{
    struct err err;
    if (check_all(doctor->settings, &err) == 0)
        doctor_find(doctor, HEALTH_GOOD, "configuration",
                    arena_printf(doctor->arena, "%s is good, with its tables and keys",
                                 doctor->settings->path),
                    NULL);
    else
        doctor_find(doctor, HEALTH_BAD, "configuration", err.text,
                    "danewayd does not start with that. A file that this user may not read is no "
                    "fault: run this as root.");
}

/* --- tables --------------------------------------------------------------------------------------- */

static void tell_of_row(struct doctor *doctor, const struct table *table,
                        const struct table_row *row)
{
    const struct row_attributes *attributes = row->attributes;
    char left[FORMAT_TEXT];
    bool ended = attributes->until <= doctor->now;
    const char *end = ended ? arena_printf(doctor->arena, "has ended on %s and no longer counts",
                                           attributes->until_text)
                            : arena_printf(doctor->arena, "ends in %s, after %s",
                                           format_duration(attributes->until - doctor->now, left),
                                           attributes->until_text);
    doctor_find(doctor, HEALTH_WARNING, "tables",
                arena_printf(doctor->arena, "%s:%u: the exception for %s %s", table_name(table),
                             row->line, row->key, end),
                arena_printf(
                    doctor->arena, "%s%s%s",
                    ended
                        ? "Take the row out, or give it a later until=."
                        : "Is the destination mended (daneway probe)? Else give it a later until=.",
                    attributes->owner != NULL ? " Its owner is " : "",
                    attributes->owner != NULL ? attributes->owner : ""));
}

void doctor_check_tables(struct doctor *doctor)
{
    CLEANUP(table_free) struct table *table = NULL;
    struct err err;
    size_t told = 0;
    if (conf_read_table(&table, doctor->settings->delivery.tls_policy, &err) != 0)
        return; /* the configuration's check has said so */
    for (size_t i = 0; i < table_size(table); i++) {
        const struct table_row *row = table_row_at(table, i);
        if (row->attributes->until > 0 && row->attributes->until < doctor->now + SOON && ++told)
            tell_of_row(doctor, table, row);
    }
    if (told == 0)
        doctor_find(doctor, HEALTH_GOOD, "tables",
                    arena_printf(doctor->arena,
                                 "%zu rows in tls_policy, no exception ends within 14 days",
                                 table_size(table)),
                    NULL);
}

/* --- certificates --------------------------------------------------------------------------------- */

static void judge_certificate(struct doctor *doctor, const struct certificate *certificate)
{
    const char *path = doctor->settings->intake.certificate;
    struct certificate_facts facts = certificate_describe(doctor->arena, certificate);
    int64_t rest = (int64_t)facts.not_after - doctor->now;
    char left[FORMAT_TEXT];
    if ((int64_t)facts.not_before > doctor->now)
        doctor_find(doctor, HEALTH_BAD, "certificate",
                    arena_printf(doctor->arena, "%s is not valid yet", path),
                    "Is the clock right?");
    else if (rest <= 0)
        doctor_find(doctor, HEALTH_BAD, "certificate",
                    arena_printf(doctor->arena, "%s has expired", path),
                    "Renew it, then send SIGHUP to danewayd.");
    else
        doctor_find(
            doctor, rest < SOON ? HEALTH_WARNING : HEALTH_GOOD, "certificate",
            arena_printf(doctor->arena, "%s is valid for %s", path, format_duration(rest, left)),
            rest < SOON ? "Renew it, then send SIGHUP to danewayd." : NULL);
}

void doctor_check_certificates(struct doctor *doctor)
{
    const char *path = doctor->settings->intake.certificate;
    struct certificate *chain;
    size_t count;
    struct err err;
    if (*path == '\0') {
        doctor_find(
            doctor, HEALTH_WARNING, "certificate",
            "intake has no certificate: clients send in clear, and REQUIRETLS cannot be offered",
            "certificate and key in section intake.");
        return;
    }
    if (tls_read_chain(path, &chain, &count, &err) != 0) {
        doctor_find(doctor, HEALTH_BAD, "certificate", err.text,
                    "Does the file hold a PEM certificate?");
        return;
    }
    judge_certificate(doctor, &chain[0]);
    tls_chain_free(&chain, count);
}

static void check_bundle(struct doctor *doctor, const char *path, const char *what)
{
    CLEANUP(roots_free) struct roots *roots = NULL;
    struct stat status;
    struct err err;
    char age[FORMAT_TEXT];
    const char *shown = *path != '\0' ? path : "the system's list";
    if (conf_read_roots(&roots, path, &err) != 0) {
        doctor_find(doctor, HEALTH_BAD, "roots", err.text,
                    "Install ca-certificates, or see ca_file.");
        return;
    }
    bool dated = stat(*path != '\0' ? path : "/etc/ssl/certs/ca-certificates.crt", &status) == 0;
    int64_t old = dated ? doctor->now - (int64_t)status.st_mtime : 0;
    doctor_find(doctor, old > ROOTS_OLD ? HEALTH_WARNING : HEALTH_GOOD, "roots",
                dated ? arena_printf(doctor->arena, "for %s: %s, written %s ago", what, shown,
                                     format_duration(old, age))
                      : arena_printf(doctor->arena, "for %s: %s", what, shown),
                old > ROOTS_OLD ? "Upgrade the package ca-certificates." : NULL);
}

void doctor_check_roots(struct doctor *doctor)
{
    const struct settings *settings = doctor->settings;
    check_bundle(doctor, settings->delivery.ca_file, "mail hosts");
    if (settings->sts.enabled && strcmp(settings->sts.ca_file, settings->delivery.ca_file) != 0)
        check_bundle(doctor, settings->sts.ca_file, "policy hosts");
}

/* --- TLS reports ---------------------------------------------------------------------------------- */

static void take_key(void *arg, const struct published_key *key)
{
    struct doctor *doctor = arg;
    static const char *const words[] = {
        [DKIM_PUBLISHED] = "is published",
        [DKIM_NOT_FOR_REPORTS] = "is published, but s= names neither tlsrpt nor *",
        [DKIM_NOT_PUBLISHED] = "is not published: the reports are taken for unsigned",
        [DKIM_ANOTHER_IS_PUBLISHED] =
            "is not the one that is published: the signatures are not valid",
    };
    if (key->trouble != NULL)
        doctor_find(
            doctor, HEALTH_UNKNOWN, "DKIM",
            arena_printf(doctor->arena, "%s could not be looked up: %s", key->name, key->trouble),
            "See resolver above.");
    else
        doctor_find(doctor,
                    key->published == DKIM_PUBLISHED         ? HEALTH_GOOD
                    : key->published == DKIM_NOT_FOR_REPORTS ? HEALTH_WARNING
                                                             : HEALTH_BAD,
                    "DKIM", arena_printf(doctor->arena, "%s %s", key->name, words[key->published]),
                    key->published == DKIM_PUBLISHED ? NULL
                                                     : "daneway report check prints the record.");
}

void doctor_check_reports(struct doctor *doctor)
{
    const struct report_settings *report = &doctor->settings->report;
    struct err err;
    if (!identity_may_report(&report->identities[0]))
        doctor_find(doctor, report->submit ? HEALTH_WARNING : HEALTH_GOOD, "reports",
                    "organization_name and contact_info are not given: no TLS report is sent",
                    report->submit ? "Both in section report; or submit = no, if that is meant so."
                                   : NULL);
    else
        doctor_find(doctor, HEALTH_GOOD, "reports",
                    arena_printf(doctor->arena, "sent in the name of %s",
                                 report->identities[0].contact_info),
                    NULL);
    if (report_check_keys(doctor->settings, doctor->arena, take_key, doctor, &err) != 0)
        doctor_find(doctor, HEALTH_UNKNOWN, "DKIM", err.text, "See configuration above.");
}
