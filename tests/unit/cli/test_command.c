/* Words to commands; what goes to the daemon; live look-ups with their exit statuses. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "cli/command.h"
#include "cli/http.h"

Test(command, words_name_commands)
{
    static const struct {
        const char *words[2];
        int count, used;
        const char *second;
    } cases[] = {
        {{"status", NULL}, 1, 1, NULL},       {{"queue", NULL}, 1, 1, "list"},
        {{"queue", "list"}, 2, 2, "list"},    {{"queue", "--json"}, 2, 1, "list"},
        {{"config", "check"}, 2, 2, "check"}, {{"report", "summary"}, 2, 2, "summary"},
        {{"report", NULL}, 1, 1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int used = 0;
        const struct command *command =
            command_find(cases[i].count, (char **)cases[i].words, &used);
        cr_assert(command != NULL);
        cr_expect(eq(str, (char *)command->name, (char *)cases[i].words[0]));
        cr_expect(eq(int, used, cases[i].used));
    }
    int used;
    cr_expect(command_find(1, (char *[]){"config"}, &used) == NULL);
    cr_expect(command_find(1, (char *[]){"dance"}, &used) == NULL);
}

Test(command, every_command_has_its_help)
{
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++)
        cr_expect(commands[i].help[0] != '\0' && commands[i].summary[0] != '\0', "%s",
                  commands[i].name);
}

Test(http, targets_are_encoded)
{
    struct http_target target;
    http_target_begin(&target, "/queue");
    http_target_add(&target, "next_hop", "a&b=c d.example");
    http_target_add(&target, "nothing", NULL);
    http_target_add(&target, "queue_id", "4X");
    cr_expect(eq(str, target.text, "/queue?next_hop=a%26b%3Dc%20d.example&queue_id=4X"));
}

Test(http, answers_are_parsed)
{
    static const struct {
        const char *answer;
        int result, status;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}", 0, 200, "{}"},
        {"HTTP/1.0 404 Not Found\r\n\r\n", 0, 404, ""},
        {"HTTP/1.1 200 OK\r\n", -1, 0, ""},
        {"HTTP/1.1 2x0 OK\r\n\r\n", -1, 0, ""},
        {"\r\n\r\n", -1, 0, ""},
        {"", -1, 0, ""},
        {"SSH-2.0-OpenSSH\r\n\r\n", -1, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = 0;
        struct slice body = SLICE_LITERAL("");
        int result = http_parse_answer(slice_of(cases[i].answer), &status, &body);
        cr_expect(eq(int, result, cases[i].result), "%s", cases[i].answer);
        cr_expect(eq(int, status, cases[i].status));
        cr_expect(slice_equal(body, slice_of(cases[i].body)));
    }
}

/* --- with a configuration --------------------------------------------------------------------- */

static char configuration[] = "/tmp/daneway-test-XXXXXX";

static void write_configuration(void)
{
    static const char text[] =
        "hostname = \"gw.example.org\"\nstatus_socket = \"/nonexistent/s\"\n";
    int fd = mkstemp(configuration);
    cr_assert(write(fd, text, sizeof text - 1) == (ssize_t)(sizeof text - 1));
    close(fd);
}

static void remove_configuration(void)
{
    unlink(configuration);
}

TestSuite(live, .init = write_configuration, .fini = remove_configuration);

static int status_of(const char *const *words)
{
    static struct captured captured;
    capture(&captured, configuration, words);
    return captured.status;
}

Test(live, exit_status_says_whether_mail_would_go)
{
    static const struct {
        const char *words[4];
        int status;
    } cases[] = {
        {{"explain", "good.example", NULL}, STATUS_YES},
        {{"explain", "user@good.example", NULL}, STATUS_YES},
        {{"explain", "bad.example", NULL}, STATUS_NO},
        {{"explain", "broken.example", NULL}, STATUS_USAGE},
        {{"probe", "good.example", NULL}, STATUS_YES},
        {{"probe", "bad.example", NULL}, STATUS_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(int, status_of(cases[i].words), cases[i].status), "%s %s", cases[i].words[0],
                  cases[i].words[1]);
}

Test(live, wrong_input_is_refused_before_the_daemon_is_asked)
{
    static const char *const cases[][5] = {
        {"queue", "--limit", "x", NULL},
        {"queue", "--limit", "0", NULL},
        {"queue", "--limit", "-1", NULL},
        {"queue", "lst", NULL},
        {"flush", NULL},
        {"flush", "--all", "now", NULL},
        {"explain", NULL},
        {"explain", "good.example", "bad.example", NULL},
        {"explain", "--all", "good.example", NULL},
        {"explain", "--requiretls", "4XABCDEF", NULL},
        {"downgrades", "acknowledge", NULL},
        {"downgrades", "acknowledge", "--all", NULL},
        {"shadow", "reset", "all", NULL},
        {"sts", "show", NULL},
        {"report", "submit", "--day", "monday"},
        {"report", "resume", NULL},
        {"config", "check", "all", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(int, status_of(cases[i]), STATUS_USAGE), "%s %s", cases[i][0], cases[i][2]);
}

Test(live, json_is_the_trace)
{
    static struct captured captured;
    json_error_t error;
    capture(&captured, configuration,
            (const char *const[]){"explain", "--json", "a@good.example", NULL});
    json_t *trace = json_loads(captured.text, 0, &error);
    cr_assert(trace != NULL);
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(trace, "next_hop")), "good.example"));
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(trace, "recipient")), "a@good.example"));
    cr_expect(json_object_get(trace, "sender") == NULL);
    cr_expect(json_object_get(trace, "requiretls") == NULL);
    json_decref(trace);
    capture(&captured, configuration,
            (const char *const[]){"probe", "--json", "--requiretls", "--from", "b@corp.example",
                                  "good.example", NULL});
    trace = json_loads(captured.text, 0, &error);
    cr_assert(trace != NULL);
    cr_expect(json_object_get(trace, "recipient") == NULL);
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(trace, "sender")), "b@corp.example"));
    cr_expect(eq(int, json_is_true(json_object_get(trace, "requiretls")), 1));
    json_decref(trace);
}

Test(live, a_daemon_that_does_not_run_is_said)
{
    static const char *const cases[][4] = {
        {"status", NULL},         {"queue", "list", NULL},
        {"flush", "--all", NULL}, {"explain", "4XABCDEF", NULL},
        {"report", "show", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(int, status_of(cases[i]), STATUS_SILENT), "%s", cases[i][0]);
}
