/* The log: what a stranger puts into a value stays in that value, in both formats; a long line is
 * cut and says so. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/journal.h"
#include "log/log.h"

static char output[65536];
static FILE *capture;

/* Standard error goes to a file that `captured` reads back. */
static void start_capture(void)
{
    capture = tmpfile();
    cr_assert(capture != NULL);
    dup2(fileno(capture), STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
}

static const char *captured(void)
{
    rewind(capture);
    output[fread(output, 1, sizeof(output) - 1, capture)] = '\0';
    return output;
}

TestSuite(log, .init = start_capture);

/* What follows "event=e key=" in the line. */
static const char *value_written(const char *value)
{
    struct log_line line;
    log_begin(&line, LOG_LEVEL_INFO, "e");
    log_text(&line, "key", value);
    log_end(&line);
    const char *found = strstr(captured(), "event=e key=");
    cr_assert(found != NULL, "%s", output);
    rewind(capture);
    cr_assert(eq(int, ftruncate(fileno(capture), 0), 0));
    lseek(fileno(capture), 0, SEEK_SET);
    return found + strlen("event=e key=");
}

static const struct {
    const char *value, *text, *json; /* json: the value that a JSON reader gets */
} cases[] = {
    {"mx.example.org", "mx.example.org", "mx.example.org"},
    {"", "\"\"", ""},
    {"two words", "\"two words\"", "two words"},
    {"a=b", "\"a=b\"", "a=b"},
    {"say \"hi\"", "\"say \\\"hi\\\"\"", "say \"hi\""},
    {"back\\slash", "\"back\\\\slash\"", "back\\slash"},
    {"250 ok\r\ntime=now event=forged", "\"250 ok\\x0d\\x0atime=now event=forged\"",
     "250 ok\r\ntime=now event=forged"},
    {"\x1b[2J", "\"\\x1b[2J\"", "\x1b[2J"},
    {"\x7f", "\"\\x7f\"", "\x7f"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e",
     "\"Gr\xc3\xbc\xc3\x9f"
     "e\"",
     "Gr\xc3\xbc\xc3\x9f"
     "e"},
    {"latin \xfc!", "\"latin \\xfc!\"", "latin \\xfc!"},
    {"\xc2\x9b"
     "31m",
     "\"\\x9b"
     "31m\"",
     "\xc2\x9b"
     "31m"},
    {"\xe2\x80\xae", "\"\\u202e\"", "\xe2\x80\xae"},
};

Test(log, text_is_quoted_and_escaped)
{
    log_setup(LOG_LEVEL_INFO, false, "worker-0");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];
        snprintf(expected, sizeof(expected), "%s\n", cases[i].text);
        cr_assert(eq(str, (char *)value_written(cases[i].value), expected), "case %zu", i);
    }
}

Test(log, json_is_read_back)
{
    log_setup(LOG_LEVEL_INFO, true, "worker-0");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct log_line line;
        log_begin(&line, LOG_LEVEL_WARNING, "e");
        log_text(&line, "key", cases[i].value);
        log_number(&line, "number", INT64_MIN);
        log_text(&line, "absent", NULL);
        log_end(&line);
    }
    captured();
    char *next = output;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *one = strsep(&next, "\n");
        json_t *json = json_loads(one, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(json != NULL, "%s", one);
        cr_assert(eq(str, (char *)json_string_value(json_object_get(json, "key")),
                     (char *)cases[i].json));
        cr_assert(eq(str, (char *)json_string_value(json_object_get(json, "level")), "warning"));
        cr_assert(eq(str, (char *)json_string_value(json_object_get(json, "role")), "worker-0"));
        cr_assert(eq(i64, json_integer_value(json_object_get(json, "number")), INT64_MIN));
        cr_assert(json_object_get(json, "absent") == NULL);
        json_decref(json);
    }
    cr_assert(eq(str, next, ""));
}

static void write_long_line(const char *pattern)
{
    char value[3000];
    for (size_t i = 0; i < sizeof(value) - 1; i++)
        value[i] = pattern[i % strlen(pattern)];
    value[sizeof(value) - 1] = '\0';
    struct log_line line;
    log_begin(&line, LOG_LEVEL_INFO, "e");
    for (int i = 0; i < 100; i++) {
        log_text(&line, "key", value);
        log_number(&line, "n", INT64_MIN);
    }
    log_end(&line);
}

Test(log, a_long_line_is_cut_and_well_formed)
{
    static const char *const patterns[] = {"a",    "\"",       "\n", "\xff", "\xe2\x82\xac",
                                           "ab\"", "abc\\\x01"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        log_setup(LOG_LEVEL_INFO, false, "worker-0");
        write_long_line(patterns[i]);
        log_setup(LOG_LEVEL_INFO, true, "worker-0");
        write_long_line(patterns[i]);
    }
    captured();
    char *next = output;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char *text = strsep(&next, "\n"), *json = strsep(&next, "\n");
        static const char mark[] = " truncated=yes";
        cr_assert(lt(sz, strlen(text), 4096));
        cr_assert(eq(str, text + strlen(text) - strlen(mark), (char *)mark));
        cr_assert(lt(sz, strlen(json), 4096));
        json_t *object = json_loads(json, 0, NULL);
        cr_assert(object != NULL, "%s", json);
        cr_assert(json_object_get(object, "truncated") == json_true());
        json_decref(object);
    }
}

Test(log, levels)
{
    log_setup(LOG_LEVEL_WARNING, false, "control");
    log_event(LOG_LEVEL_INFO, "quiet", "%s", "nobody reads this");
    log_event(LOG_LEVEL_ERROR, "loud", "%s", "somebody does");
    cr_assert(log_wants(LOG_LEVEL_WARNING));
    cr_assert(not(log_wants(LOG_LEVEL_INFO)));
    cr_assert(strstr(captured(), "quiet") == NULL);
    cr_assert(strstr(output, "level=error role=control event=loud text=\"somebody does\"\n") !=
              NULL);
    cr_assert(eq(int, strncmp(output, "time=", 5), 0));
}

Test(log, priority_only_for_the_journal)
{
    struct stat status;
    char stream[64];
    fstat(STDERR_FILENO, &status);
    setenv("JOURNAL_STREAM", "1:1", 1); /* inherited, but standard error goes elsewhere */
    log_setup(LOG_LEVEL_INFO, false, "control");
    log_event(LOG_LEVEL_ERROR, "one", "x");
    cr_assert(eq(int, captured()[0], 't'));
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_LEVEL_INFO, false, "control");
    log_event(LOG_LEVEL_ERROR, "two", "x");
    cr_assert(strstr(captured(), "\n<3>time=") != NULL, "%s", output);
}

/* Several processes write to one pipe: each line comes out whole. */
Test(log, lines_do_not_mix)
{
    log_setup(LOG_LEVEL_INFO, false, "worker");
    int ends[2];
    cr_assert(eq(int, pipe(ends), 0));
    for (int child = 0; child < 4; child++)
        if (fork() == 0) {
            dup2(ends[1], STDERR_FILENO);
            for (int i = 0; i < 50; i++)
                write_long_line("xyz");
            _exit(0);
        }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    static char line[8192];
    int count = 0;
    while (fgets(line, sizeof(line), lines) != NULL) {
        count++;
        cr_assert(eq(int, strncmp(line, "time=", 5), 0), "%s", line);
        cr_assert(strstr(line + 5, "time=") == NULL);
    }
    cr_assert(eq(int, count, 200));
    fclose(lines);
    while (wait(NULL) > 0)
        continue;
}

/* --- a reader that stands still ----------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All that is there, up to the size of `output`. */
static const char *drained(int fd)
{
    size_t used = 0;
    ssize_t some;
    while (used < sizeof(output) - 1 &&
           (some = read(fd, output + used, sizeof(output) - 1 - used)) > 0)
        used += (size_t)some;
    output[used] = '\0';
    return output;
}

/* A reader that does not read costs lines and no time; when it reads again, the log says how many, and no line is torn. */
static void costs_lines_not_time(int reader, int writer)
{
    int64_t began = now_ms();
    dup2(writer, STDERR_FILENO);
    log_setup(LOG_LEVEL_INFO, false, "test");
    log_never_wait();
    for (int i = 0; i < 5000; i++)
        log_event(LOG_LEVEL_INFO, "filler", "%0200d", i);
    cr_assert(lt(int, (int)(now_ms() - began), 5000));
    cr_assert(zero(int, fcntl(writer, F_GETFL) & O_NONBLOCK), "others write to it, too");
    fcntl(reader, F_SETFL, O_NONBLOCK);
    while (strlen(drained(reader)) > 0)
        continue;
    log_event(LOG_LEVEL_INFO, "after", "x");
    log_event(LOG_LEVEL_INFO, "after", "y");
    drained(reader);
    const char *gap = strstr(output, "event=log-gap text=\"");
    cr_assert(gap != NULL, "%s", output);
    cr_assert(lt(int, 1000, atoi(gap + strlen("event=log-gap text=\""))), "%s", gap);
    cr_assert(strstr(output, "\ntime=") != NULL || output[0] == 't', "%s", output);
    cr_assert(strstr(gap + 1, "event=log-gap") == NULL, "told once: %s", output);
}

Test(log, a_pipe_that_nobody_reads, .timeout = 30)
{
    int ends[2];
    cr_assert(eq(int, pipe(ends), 0));
    costs_lines_not_time(ends[0], ends[1]);
}

Test(log, a_socket_that_nobody_reads, .timeout = 30)
{
    int ends[2];
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0));
    costs_lines_not_time(ends[0], ends[1]);
}

/* --- the journal -------------------------------------------------------------------------------------------- */

static char journal_path[64];

/* What listens where the journal would. */
static int play_the_journal(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(journal_path, sizeof(journal_path), "/tmp/test-log-%d.sock", (int)getpid());
    strcpy(address.sun_path, journal_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert(zero(int, bind(fd, (struct sockaddr *)&address, sizeof(address))));
    cr_assert(journal_open(journal_path));
    return fd;
}

static void write_finding(void)
{
    struct log_line line;
    log_begin(&line, LOG_LEVEL_WARNING, "deferred");
    log_text(&line, "queue_id", "3ABCDEF");
    log_text(&line, "reply", "452 \"full\"\nDANEWAY_EVENT=forged");
    log_number(&line, "delay", 12);
    log_text(&line, "not-there", NULL);
    log_end(&line);
}

static bool entry_has(size_t length, const char *part, size_t part_length)
{
    return memmem(output, length, part, part_length) != NULL;
}
#define HAS(text) entry_has(length, text, sizeof(text) - 1)

Test(log, the_journal_gets_fields)
{
    log_setup(LOG_LEVEL_INFO, false, "worker-0");
    int fd = play_the_journal();
    write_finding();
    size_t length = (size_t)recv(fd, output, sizeof(output), 0);
    cr_assert(lt(sz, length, sizeof(output)));
    static const char head[] = "PRIORITY=4\nSYSLOG_IDENTIFIER=danewayd\nMESSAGE=time=";
    cr_assert(zero(int, strncmp(output, head, strlen(head))), "%s", output);
    cr_assert(HAS("\nDANEWAY_EVENT=deferred\n"));
    cr_assert(HAS("\nDANEWAY_ROLE=worker-0\n"));
    cr_assert(HAS("\nDANEWAY_QUEUE_ID=3ABCDEF\n"));
    cr_assert(HAS("\nDANEWAY_DELAY=12\n"));
    cr_assert(HAS("\nDANEWAY_REPLY\n\x1f\0\0\0\0\0\0\0"
                  "452 \"full\"\nDANEWAY_EVENT=forged\n"),
              "a value of two lines goes with its length, and forges no field");
    cr_assert(not(HAS("NOT_THERE")));
    cr_assert(eq(str, (char *)captured(), ""), "and standard error gets nothing");
    unlink(journal_path);
}

Test(log, many_fields_are_cut_where_one_ends)
{
    log_setup(LOG_LEVEL_INFO, true, "worker-0");
    int fd = play_the_journal();
    write_long_line("x");
    size_t length = (size_t)recv(fd, output, sizeof(output), 0);
    cr_assert(lt(sz, length, 9000));
    cr_assert(eq(chr, output[length - 1], '\n'));
    unlink(journal_path);
}

Test(log, without_the_journal_lines_go_to_standard_error)
{
    log_setup(LOG_LEVEL_INFO, false, "worker-0");
    cr_assert(not(journal_open("/nowhere/socket")));
    write_finding();
    cr_assert(strstr(captured(), "event=deferred queue_id=3ABCDEF") != NULL);
    int fd = play_the_journal();
    close(fd); /* it was there and is gone */
    write_finding();
    cr_assert(lt(sz, 100, strlen(strstr(captured(), "event=deferred") + 1)));
    cr_assert(strstr(strstr(output, "event=deferred") + 1, "event=deferred") != NULL, "%s", output);
    unlink(journal_path);
}

Test(log, a_journal_that_does_not_read_costs_no_time, .timeout = 30)
{
    log_setup(LOG_LEVEL_INFO, false, "worker-0");
    play_the_journal();
    int64_t began = now_ms();
    for (int i = 0; i < 5000; i++)
        write_finding();
    cr_assert(lt(i64, now_ms() - began, 3000));
    cr_assert(strstr(captured(), "event=deferred") != NULL, "what it did not take is not lost");
    unlink(journal_path);
}
