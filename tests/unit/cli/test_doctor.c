/* The doctor: each check finds what is wrong, says what to do, and finds nothing where all is well. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "certificates.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "conf/conf.h"

static char folder[] = "/tmp/daneway-doctor-XXXXXX";
static char path[128];
static struct settings *settings;
static struct doctor doctor;

static const char *in_folder(const char *name)
{
    static char text[128];
    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "w");
    fputs(text, file);
    fclose(file);
    chmod(in_folder(name), mode);
}

static void begin(void)
{
    struct err err;
    char text[512];
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(text, sizeof text,
             "hostname = \"gw.example\"\nstate_directory = \"%s\"\nintake {\n certificate = "
             "\"%s/cert\"\n key = \"%s/key\"\n}\n"
             "delivery {\n tls_policy = \"%s/tls_policy\"\n}\n",
             folder, folder, folder, folder);
    write_file("conf", text, 0644);
    write_file("key", "not looked into", 0600);
    snprintf(path, sizeof path, "%s", in_folder("conf"));
    cr_assert(zero(int, conf_read(&settings, path, &err)), "%s", err.text);
    doctor = (struct doctor){.arena = arena_create(), .settings = settings, .now = time(NULL)};
}

static void end(void)
{
    arena_free(&doctor.arena);
    conf_free(&settings);
    json_decref(doctor.status);
    for (size_t i = 0; i < 4; i++)
        unlink(in_folder((const char *[]){"conf", "key", "cert", "tls_policy"}[i]));
    rmdir(folder);
}

TestSuite(doctor, .init = begin, .fini = end);

static const struct finding *found(const char *part)
{
    for (size_t i = 0; i < doctor.count; i++)
        if (strstr(doctor.findings[i].text, part) != NULL)
            return &doctor.findings[i];
    cr_fatal("nothing says \"%s\"; first: %s", part,
             doctor.count > 0 ? doctor.findings[0].text : "none");
    return NULL;
}

Test(doctor, exceptions_that_end_are_named_with_their_owner)
{
    write_file("tls_policy",
               "old.example may until=2020-01-01 reason=\"x\" owner=ops@example.org\nfine.example "
               "dane-only\n"
               "later.example may until=2099-01-01 reason=\"y\"\n",
               0644);
    doctor_check_tables(&doctor);
    cr_assert(eq(sz, doctor.count, 1));
    const struct finding *finding = found("tls_policy:1: the exception for old.example has ended");
    cr_assert(finding->health == HEALTH_WARNING);
    cr_assert(strstr(finding->to_do, "ops@example.org") != NULL, "%s", finding->to_do);
    write_file("tls_policy", "fine.example dane-only\n", 0644);
    doctor_check_tables(&doctor);
    cr_assert(found("1 rows in tls_policy")->health == HEALTH_GOOD);
}

Test(doctor, certificates_expire)
{
    static const struct {
        int64_t made; /* seconds from now; valid from a day before, for two days */
        const char *text;
        enum health health;
    } cases[] = {{0, "is valid for", HEALTH_WARNING},
                 {-3 * 86400, "has expired", HEALTH_BAD},
                 {3 * 86400, "is not valid yet", HEALTH_BAD}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct identity identity;
        identity_make(&identity, "gw.example", NULL, time(NULL) + cases[i].made);
        unlink(in_folder("cert"));
        identity_write(&identity, in_folder("cert"));
        identity_release(&identity);
        doctor_check_certificates(&doctor);
        cr_assert(found(cases[i].text)->health == cases[i].health);
        cr_assert(found(cases[i].text)->to_do != NULL);
    }
    write_file("cert", "nothing of that kind", 0644);
    doctor_check_certificates(&doctor);
    cr_assert(doctor.findings[doctor.count - 1].health == HEALTH_BAD);
}

Test(doctor, secrets_and_mail_are_closed_to_others)
{
    chmod(folder, 0750);
    doctor_check_secrets(&doctor);
    doctor_check_disk(&doctor);
    for (size_t i = 0; i < doctor.count; i++)
        cr_assert(doctor.findings[i].health == HEALTH_GOOD, "%s", doctor.findings[i].text);
    chmod(in_folder("key"), 0644);
    chmod(folder, 0755);
    doctor_check_secrets(&doctor);
    doctor_check_disk(&doctor);
    cr_assert(found("key may be read or changed by others (mode 644)")->health == HEALTH_BAD);
    cr_assert(found("is open to others (mode 755)")->health == HEALTH_WARNING);
}

Test(doctor, a_full_disk)
{
    settings->intake.free_space_min = UINT64_MAX / 8;
    doctor_check_disk(&doctor);
    cr_assert(found(" free for ")->health == HEALTH_BAD);
}

Test(doctor, the_clock)
{
    doctor.now = 1000000000;
    doctor_check_clock(&doctor);
    cr_assert(found("2001-")->health == HEALTH_BAD);
}

Test(doctor, the_daemon)
{
    doctor.silence = "danewayd does not run";
    doctor_check_daemon(&doctor);
    cr_assert(found("does not run")->health == HEALTH_BAD);
    doctor.status =
        json_pack("{ss s[i] s[{si s{ss}}]}", "version", "0.0.1", "missing", 3, "details", "pid",
                  (int)getpid(), "tls_policy", "error", "tls_policy:7: no level");
    doctor_check_daemon(&doctor);
    cr_assert(found("danewayd 0.0.1 runs")->health == HEALTH_WARNING);
    cr_assert(found("1 of its workers did not answer")->health == HEALTH_BAD);
    cr_assert(found("tls_policy:7: no level")->health == HEALTH_BAD);
    cr_assert(found("a worker may open")->to_do == NULL || settings->delivery.concurrency > 0);
    json_object_set_new(doctor.status, "version", json_string(PACKAGE_VERSION));
    doctor.count = 0;
    doctor_check_daemon(&doctor);
    cr_assert(found("danewayd " PACKAGE_VERSION " runs")->health == HEALTH_GOOD);
}

Test(doctor, a_worker_that_may_open_too_few_files)
{
    settings->intake.connection_limit = 2000000000;
    doctor.status =
        json_pack("{ss s[{si}]}", "version", PACKAGE_VERSION, "details", "pid", (int)getpid());
    doctor_check_daemon(&doctor);
    cr_assert(found("a worker may open")->health == HEALTH_WARNING);
    cr_assert(strstr(found("a worker may open")->to_do, "LimitNOFILE=200000") != NULL);
}

Test(doctor, nobody_is_connected_to_unless_named)
{
    doctor_check_port(&doctor);
    cr_assert(doctor.findings[0].health == HEALTH_UNKNOWN);
    doctor.probed = "good.example"; /* fake_examine: tried, but nobody greeted */
    doctor_check_port(&doctor);
    cr_assert(found("no mail host of good.example was reached")->health == HEALTH_BAD);
}

Test(doctor, findings_are_printed_and_counted)
{
    static char text[4096];
    FILE *out = fmemopen(text, sizeof text, "w");
    doctor_find(&doctor, HEALTH_GOOD, "clock", "right", NULL);
    format_use_colours(0);
    cr_assert(zero(int, doctor_print(out, &doctor)));
    doctor_find(&doctor, HEALTH_BAD, "disk", "full\x1b[2J", "Make room.");
    cr_assert(eq(int, doctor_print(out, &doctor), 1));
    fclose(out);
    cr_assert(strstr(text, "Nothing is wrong.") != NULL);
    cr_assert(strstr(text, "BAD      disk           full?[2J\n         what to do: Make room.\n") !=
                  NULL,
              "%s", text);
    cr_assert(strstr(text, "1 of 2 findings to be mended.") != NULL);
    json_t *list = doctor_json(&doctor);
    cr_assert(eq(sz, json_array_size(list), 2));
    cr_assert(json_object_get(json_array_get(list, 0), "to_do") == NULL);
    cr_assert(eq(str, (char *)json_string_value(json_object_get(json_array_get(list, 1), "health")),
                 "bad"));
    json_decref(list);
}
