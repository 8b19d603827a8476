/* `daneway report list`, `show` and `summary` over files, directories, Maildirs and standard input. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "capture.h"
#include "cli/command.h"

static char directory[] = "/tmp/daneway-cli-report.XXXXXX";

static char *sample(const char *name)
{
    return x_printf("%s/tests/unit/report/samples/%s", getenv("TOP_SRCDIR"), name);
}

static void setup(void)
{
    cr_assert(mkdtemp(directory) != NULL);
}

static void finish(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(cli_report, .init = setup, .fini = finish);

static void make_directory(const char *name)
{
    CLEANUP(text_free) char *path = x_printf("%s/%s", directory, name);
    cr_assert(eq(int, mkdir(path, 0700), 0));
}

static void copy_sample(const char *name, const char *to)
{
    CLEANUP(text_free) char *from = sample(name);
    CLEANUP(text_free) char *command = x_printf("cp '%s' '%s/%s'", from, directory, to);
    cr_assert(eq(int, system(command), 0));
}

static void write_text(const char *name, const char *text)
{
    CLEANUP(text_free) char *path = x_printf("%s/%s", directory, name);
    CLEANUP(file_close) FILE *file = fopen(path, "w");
    fputs(text, file);
}

/* The JSON that `report SECOND --json PATH` prints. */
static json_t *json_of(struct captured *captured, const char *second, const char *path)
{
    const char *words[] = {"report", second, "--json", path, NULL};
    capture(captured, "/nowhere", words);
    json_t *json = json_loads(captured->text, 0, NULL);
    cr_assert(json != NULL, "%s", captured->text);
    return json;
}

static json_int_t number(json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

Test(cli_report, a_file)
{
    struct captured captured;
    CLEANUP(text_free) char *path = sample("google.eml");
    json_t *json = json_of(&captured, "summary", path);
    cr_expect(eq(int, captured.status, STATUS_YES));
    cr_expect(eq(i64, number(json, "reports"), 1));
    cr_expect(eq(i64, number(json, "failure"), 5));
    json_decref(json);
}

Test(cli_report, the_page_says_what_to_do)
{
    static const char *const told[] = {
        "3 TLS reports from 3 senders, 2026-03-01 to 2026-03-03",
        "474 sessions succeeded, 9 failed",
        "2 mails or files were no TLS reports",
        "certificate-expired  example.net  5 times, 2026-03-01",
        "Mail host     mx1.example.net (5)",
        "Reported by   Google Inc. (5)",
        "who sent from 209.85.208.176 (3), 209.85.222.201 (2)",
        "Reason code   MX_HOSTS_MISMATCH (1)",
        "Who can mend it: you, who run the mail host",
        "How: Renew the certificate",
        "Read, but not as RFC 8460 has it",
        "message 4, relay.example.org!example.net!1772496000!1772582399!idx1.json.gz: "
        "policy.policy-domain is missing",
    };
    struct captured captured;
    CLEANUP(text_free) char *path = sample("mailbox.mbox");
    const char *words[] = {"report", "summary", path, NULL};
    capture(&captured, "/nowhere", words);
    cr_expect(eq(int, captured.status, STATUS_YES));
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        cr_expect(strstr(captured.text, told[i]) != NULL, "%s", told[i]);
}

Test(cli_report, a_maildir_with_other_mails)
{
    struct captured captured;
    make_directory("cur");
    make_directory("new");
    make_directory("tmp");
    copy_sample("google.eml", "cur/1.a:2,S");
    copy_sample("google.eml", "new/2.b"); /* the same report: counts once */
    copy_sample("microsoft.eml", "new/3.c");
    copy_sample("dmarc.eml", "new/4.d");
    copy_sample("mailbox.mbox", "tmp/5.e"); /* is being delivered */
    write_text("dovecot-uidlist", "3 V1 N2\n");
    write_text("new/6.f", "From: a@b.example\nSubject: lunch?\n\n{}\n");
    json_t *json = json_of(&captured, "summary", directory);
    cr_expect(eq(int, captured.status, STATUS_YES));
    cr_expect(eq(i64, number(json, "reports"), 2));
    cr_expect(eq(i64, number(json, "duplicates"), 1));
    cr_expect(eq(i64, number(json, "others"), 2));
    cr_expect(eq(i64, number(json, "unreadable"), 0));
    json_decref(json);
}

Test(cli_report, a_directory_with_days)
{
    struct captured captured;
    make_directory("2026-03-02");
    make_directory("2026-03-05");
    copy_sample("mail.ru.json", "2026-03-02/a.json");
    copy_sample("draft.json", "2026-03-05/b.json");
    write_text("2026-03-05/.hidden.json", "{");
    json_t *json = json_of(&captured, "list", directory);
    cr_expect(eq(int, captured.status, STATUS_YES));
    cr_expect(eq(sz, json_array_size(json), 2));
    json_t *first = json_array_get(json, 0);
    cr_expect(eq(str, (char *)json_string_value(json_object_get(first, "day")), "2026-03-02"));
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(first, "organization")), "Mail.ru"));
    cr_expect(eq(i64, number(first, "failure"), 1));
    json_decref(json);
    write_text("2026-03-05/broken.json", "{\"organization-name\":");
    json = json_of(&captured, "summary", directory);
    cr_expect(eq(int, captured.status, STATUS_NO));
    cr_expect(eq(i64, number(json, "reports"), 2));
    cr_expect(eq(i64, number(json, "unreadable"), 1));
    json_decref(json);
}

Test(cli_report, days_and_domains)
{
    static const struct {
        const char *option, *value;
        json_int_t reports;
    } cases[] = {
        {"--day", "2026-03-02", 1},         {"--day", "2026-03-09", 0},
        {"--domain", "MX1.example.net", 1}, {"--domain", "example.net", 3},
        {"--domain", "nobody.example", 0},
    };
    CLEANUP(text_free) char *path = sample("mailbox.mbox");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct captured captured;
        const char *words[] = {"report",       "summary", "--json", cases[i].option,
                               cases[i].value, path,      NULL};
        capture(&captured, "/nowhere", words);
        json_t *json = json_loads(captured.text, 0, NULL);
        cr_expect(eq(int, captured.status, STATUS_YES));
        cr_expect(eq(i64, number(json, "reports"), cases[i].reports), "%s", cases[i].value);
        json_decref(json);
    }
}

/* What others wrote comes out as RFC 8460 has it. */
Test(cli_report, show_writes_strictly)
{
    struct captured captured;
    CLEANUP(text_free) char *path = sample("draft.json");
    json_t *json = json_of(&captured, "show", path);
    cr_expect(eq(int, captured.status, STATUS_YES));
    json_t *report = json_object_get(json_array_get(json, 0), "report");
    json_t *policy =
        json_object_get(json_array_get(json_object_get(report, "policies"), 0), "policy");
    cr_expect(eq(int, json_typeof(json_object_get(policy, "mx-host")), JSON_ARRAY));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(policy, "policy-type")), "sts"));
    json_decref(json);
    write_text("strict.json", captured.text);
    CLEANUP(text_free) char *again = x_printf("%s/strict.json", directory);
    json = json_of(&captured, "summary", again);
    cr_expect(eq(i64, number(json, "failure"), 3));
    cr_expect(eq(sz, json_array_size(json_object_get(json, "complaints")), 0));
    json_decref(json);
}

Test(cli_report, standard_input)
{
    struct captured captured;
    CLEANUP(text_free) char *path = sample("microsoft.eml");
    FILE *file = freopen(path, "r", stdin);
    cr_assert(file != NULL);
    json_t *json = json_of(&captured, "summary", "-");
    cr_expect(eq(int, captured.status, STATUS_YES));
    cr_expect(eq(i64, number(json, "failure"), 2));
    json_decref(json);
}

Test(cli_report, what_cannot_be_read)
{
    static const struct {
        const char *name, *text, *complaint;
    } cases[] = {
        {"a.json", "{", "the JSON is cut short in line 1"},
        {"b.eml", "Subject: x\n\nhello\n", "is a mail without a TLS report in it"},
        {"c.mbox", "From a@b Mon Mar  2 11:53:20 2026\nSubject: x\n\nhello\n",
         "holds no TLS report"},
        {"d", "", "is empty"},
        {"e.zip", "PK\003\004", "is a ZIP archive; RFC 8460 has gzip: unpack it first"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct captured captured;
        CLEANUP(text_free) char *path = x_printf("%s/%s", directory, cases[i].name);
        write_text(cases[i].name, cases[i].text);
        json_t *json = json_of(&captured, "summary", path);
        cr_expect(eq(int, captured.status, STATUS_NO), "%s", cases[i].name);
        json_t *file = json_array_get(json_object_get(json, "complaints"), 0);
        json_t *complaint = json_array_get(json_object_get(file, "complaints"), 0);
        cr_expect(eq(str, (char *)json_string_value(json_object_get(file, "file")), path));
        cr_expect(eq(str, (char *)json_string_value(json_object_get(complaint, "text")),
                     (char *)cases[i].complaint));
        json_decref(json);
    }
}

Test(cli_report, wrong_words)
{
    struct captured captured;
    const char *const wrong[][6] = {
        {"report", "summary", "/nowhere/at-all", NULL},
        {"report", "summary", "--colour", NULL},
        {"report", "list", "--day", "yesterday", "/dev/null", NULL},
        {"report", "summary", "--day", "2026-02-30", "/dev/null", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        capture(&captured, "/nowhere", wrong[i]);
        cr_expect(eq(int, captured.status, STATUS_USAGE));
    }
}

/* Ours: the fault is the recipient's. */
Test(cli_report, own_reports)
{
    struct captured captured;
    CLEANUP(text_free) char *path = sample("google.eml");
    const char *words[] = {"report", "summary", "--own", path, NULL};
    capture(&captured, "/nowhere", words);
    cr_expect(strstr(captured.text, "1 TLS report of this gateway, 2026-03-01") != NULL);
    cr_expect(strstr(captured.text, "Who can mend it: the recipient's postmaster") != NULL, "%s",
              captured.text);
    cr_expect(strstr(captured.text, "Sent from     209.85.208.176 (3)") != NULL);
}

/* Past days are files; the daemon, which is silent here, has only today. */
Test(cli_report, own_days_without_the_daemon)
{
    struct captured captured;
    CLEANUP(text_free) char *configuration = x_printf("%s/daneway.conf", directory);
    CLEANUP(text_free)
    char *text =
        x_printf("hostname = \"gw.example.org\"\nstate_directory = \"%s\"\n"
                 "status_socket = \"%s/none.sock\"\nintake { listen = {\"127.0.0.1:2525\"} }\n",
                 directory, directory);
    write_text("daneway.conf", text);
    make_directory("reports");
    make_directory("reports/2026-03-02");
    make_directory("reports/2026-03-05");
    copy_sample("mail.ru.json", "reports/2026-03-02/a.json");
    copy_sample("draft.json", "reports/2026-03-05/b.json");
    const char *words[] = {"report", "summary", "--json", NULL, NULL, NULL};
    capture(&captured, configuration, words);
    json_t *json = json_loads(captured.text, 0, NULL);
    cr_expect(eq(int, captured.status, STATUS_SILENT));
    cr_expect(eq(i64, number(json, "reports"), 2), "%s", captured.text);
    json_decref(json);
    words[3] = "--day";
    words[4] = "2026-03-02";
    capture(&captured, configuration, words);
    json = json_loads(captured.text, 0, NULL);
    cr_expect(eq(i64, number(json, "reports"), 1));
    json_decref(json);
}

/* A hostile report with a hundred thousand faults costs neither the page nor the time. */
Test(cli_report, complaints_are_bounded)
{
    struct captured captured;
    CLEANUP(text_free) char *path = x_printf("%s/a.json", directory);
    FILE *file = fopen(path, "w");
    fputs("{\"policies\":[{\"failure-details\":[{}", file);
    for (int i = 0; i < 100000; i++)
        fprintf(file, ",{\"result-type\":\"x%d\"}", i);
    fputs("]}]}", file);
    fclose(file);
    const char *words[] = {"report", "summary", path, NULL};
    capture(&captured, "/nowhere", words);
    cr_expect(eq(int, captured.status, STATUS_YES));
    words[1] = "list";
    capture(&captured, "/nowhere", words);
    cr_expect(strstr(captured.text, "100001") != NULL, "%s", captured.text);
}

Test(cli_report, without_configuration_or_daemon)
{
    struct captured captured;
    const char *words[] = {"report", "summary", NULL};
    capture(&captured, "/nowhere/daneway.conf", words);
    cr_expect(eq(int, captured.status, STATUS_USAGE));
}
