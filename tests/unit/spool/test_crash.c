/* What the store promises when things end badly: killed processes, full disks, left-over stores, two owners. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "harness.h"

static struct harness harness;

static void setup(void)
{
    harness_open(&harness);
}

static void teardown(void)
{
    char *small = x_printf("%s/small", harness.directory);
    harness_close(&harness);
    umount(small);
    free(small);
    harness_end(&harness);
}

TestSuite(spool_crash, .init = setup, .fini = teardown, .timeout = 180);

static struct delivery *claim_one(const char *next_hop)
{
    struct delivery *delivery = NULL;
    cr_assert(eq(sz, harness_claim(&harness, next_hop, 1, &delivery, NULL), 1));
    return delivery;
}

/* --- killed ------------------------------------------------------------------------------------------- */

enum { WRITERS = 8, ROUNDS = 30 };

/* In the child: commits and settles without end; each acknowledgement is written to the pipe as "+id" or "-id". */
static int acknowledgements;

struct writer {
    struct draft *draft;
    char queue_id[QUEUE_ID_TEXT];
};

static void say(char what, const char *queue_id)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "%c%s\n", what, queue_id);
    if (write(acknowledgements, line, (size_t)length) != length)
        _exit(2);
}

static void write_next(struct writer *writer);

static void written(void *arg, enum spool_result result, const char *text)
{
    (void)text;
    struct writer *writer = arg;
    if (result == SPOOL_OK)
        say('+', writer->queue_id);
    write_next(writer);
}

static void write_next(struct writer *writer)
{
    static const char *const next_hops[] = {"example.com", "example.net", NULL};
    static char text[300000];
    size_t size = rand() % 10 == 0 ? sizeof(text) : 4000;
    writer->draft = harness_draft(&harness, "", next_hops, (struct slice){text, size});
    strcpy(writer->queue_id, draft_queue_id(writer->draft));
    draft_commit(&writer->draft, written, writer);
}

static void settled(void *arg, enum spool_result result, const char *text)
{
    (void)text;
    char *queue_id = arg;
    if (result == SPOOL_OK)
        say('-', queue_id);
    free(queue_id);
}

/* Delivers what goes to example.net, one in two; the rest is left. */
static bool settle_fresh(void *arg, struct delivery *delivery)
{
    (void)arg;
    if (strcmp(delivery->next_hop, "example.net") != 0 || rand() % 2 == 0)
        return false;
    struct recipient_update update = {.recipient = delivery->recipients[0].id,
                                      .state = RECIPIENT_DELIVERED};
    struct settlement settlement = {.delivery = delivery, .updates = &update, .update_count = 1};
    spool_settle(harness.spool, &settlement, settled, x_strdup(delivery->queue_id));
    delivery_free(&delivery);
    return true;
}

static void child(int fd)
{
    acknowledgements = fd;
    srand((unsigned)getpid());
    harness_reopen(&harness);
    spool_on_fresh(harness.spool, settle_fresh, NULL);
    static struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        write_next(&writers[i]);
    loop_run(harness.loop);
    _exit(1);
}

/* The child's acknowledgements, until it is killed `ms` after the first. */
static char *run_child(int ms)
{
    int ends[2];
    cr_assert(eq(int, pipe(ends), 0));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1]);
    }
    close(ends[1]);
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX / 2);
    char part[4096];
    ssize_t got = read(ends[0], part, sizeof(part));
    cr_assert(lt(int, 0, (int)got));
    buffer_append(&buffer, part, (size_t)got);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (int waited = 0; waited < ms; waited++) {
        while ((got = read(ends[0], part, sizeof(part))) > 0)
            buffer_append(&buffer, part, (size_t)got);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    while ((got = read(ends[0], part, sizeof(part))) > 0)
        buffer_append(&buffer, part, (size_t)got);
    close(ends[0]);
    buffer_append(&buffer, "", 1);
    return buffer.ptr;
}

static bool in_store(sqlite3_stmt *statement, const char *queue_id, const char *next_hop)
{
    sqlite3_bind_text(statement, 1, queue_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, next_hop, -1, SQLITE_STATIC);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return found;
}

static void check(const char *lines)
{
    static const char sql[] =
        "SELECT 1 FROM message m JOIN delivery d ON d.message=m.id JOIN recipient r ON "
        "r.delivery=d.id"
        " WHERE m.id=(SELECT id FROM message WHERE queue_id=?1) AND d.next_hop=?2"
        " AND (SELECT sum(length(data)) FROM content WHERE message=m.id)=m.size";
    char *path = x_printf("%s/spool-0.db", harness.directory);
    sqlite3 *db;
    sqlite3_stmt *statement;
    cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
    sqlite3_exec(db, "CREATE INDEX test ON message(queue_id)", NULL, NULL, NULL);
    cr_assert(eq(int, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK));
    for (const char *line = lines; strchr(line, '\n') != NULL; line = strchr(line, '\n') + 1) {
        char queue_id[QUEUE_ID_TEXT] = "";
        sscanf(line + 1, "%15s", queue_id);
        if (*line == '+')
            cr_assert(in_store(statement, queue_id, "example.com"), "%s was lost", queue_id);
        else
            cr_assert(not(in_store(statement, queue_id, "example.net")), "%s has come back",
                      queue_id);
    }
    sqlite3_finalize(statement);
    sqlite3_exec(db, "DROP INDEX test", NULL, NULL, NULL);
    sqlite3_close(db);
    free(path);
}

/* covers: SMTPS-20 QUEUE-04 T-25 */
Test(spool_crash, acknowledged_survives_kill_at_any_moment)
{
    harness_close(&harness);
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        char *lines = run_child(rand() % 40);
        harness_reopen(&harness); /* recovers */
        cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM receiving"), 0));
        cr_assert(eq(i64,
                     harness_query(&harness, 0,
                                   "SELECT count(*) FROM content WHERE message NOT IN"
                                   " (SELECT id FROM message)"),
                     0));
        cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM delivery"),
                     harness_number(&harness, "deliveries")));
        cr_assert(eq(i64, harness_query(&harness, 0, "SELECT coalesce(sum(size),0) FROM message"),
                     harness_number(&harness, "octets")));
        harness_close(&harness);
        check(lines);
        free(lines);
    }
}

/* --- full disks ------------------------------------------------------------------------------------------ */

/* covers: SMTPS-20 */
Test(spool_crash, too_little_space_refuses_new_mail_only)
{
    harness_put(&harness, "example.com", "x\r\n");
    harness.settings.free_space_min = UINT64_C(1) << 60;
    harness_reopen(&harness);
    cr_assert(not(spool_has_space(harness.spool)));
    cr_assert(eq(int, harness_put(&harness, "example.com", "y\r\n"), SPOOL_FULL));
    const char *const next_hops[] = {"example.com", NULL};
    char *text = x_calloc(1, 600000);
    struct draft *draft = harness_draft(&harness, "", next_hops, (struct slice){text, 600000});
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    free(text);
    cr_assert(eq(int, harness.result, SPOOL_FULL));
    harness_settle_down(&harness);
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM content"), 1));
    cr_assert(eq(int, harness_settle(&harness, claim_one("example.com"), RECIPIENT_DELIVERED, 0),
                 SPOOL_OK));
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 0));
}

/* What is kept of mail that has left is not worth refusing new mail. */
/* covers: SMTPS-20 */
Test(spool_crash, traces_give_way_when_space_is_short)
{
    harness_put(&harness, "example.com", "x\r\n");
    harness_settle(&harness, claim_one("example.com"), RECIPIENT_DELIVERED, 0);
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM trace"), 1));
    harness.settings.free_space_min = UINT64_C(1) << 60;
    harness_reopen(&harness);
    for (int i = 0; i < 100 && harness_query(&harness, 0, "SELECT count(*) FROM trace") > 0; i++)
        usleep(100000);
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM trace"), 0));
}

static int64_t store_size(void)
{
    CLEANUP(text_free) char *path = x_printf("%s/spool-0.db", harness.directory);
    struct stat found;
    return stat(path, &found) == 0 ? (int64_t)found.st_size : -1;
}

/* One store's free pages are of no use to the other workers on the same file system. */
/* covers: SMTPS-20 */
Test(spool_crash, free_pages_go_back_while_space_is_short)
{
    enum { COUNT = 24, SIZE = 1000000 };
    char *text = x_calloc(1, SIZE + 1);
    memset(text, 'x', SIZE);
    for (int i = 0; i < COUNT; i++)
        harness_put(&harness, "example.com", text);
    free(text);
    for (int i = 0; i < COUNT; i++)
        harness_settle(&harness, claim_one("example.com"), RECIPIENT_DELIVERED, 0);
    harness_reopen(&harness);
    int64_t before = store_size();
    cr_assert(lt(i64, COUNT * SIZE / 2, before));
    harness.settings.free_space_min = UINT64_C(1) << 60;
    harness_reopen(&harness);
    for (int i = 0; i < 100 && store_size() > before / 2; i++)
        usleep(100000);
    cr_assert(lt(i64, store_size(), before / 2));
}

static void fill_up(const char *directory)
{
    static const char block[4096];
    char *path = x_printf("%s/filler", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (size_t size = sizeof(block); size > 0; size = size == 1 ? 0 : 1) {
        while (write(fd, block, size) > 0)
            continue;
    }
    close(fd);
    free(path);
}

/* The end of a refused message may have used it: with more room it is made again. */
static void wait_for_reserve(const char *directory)
{
    CLEANUP(text_free) char *path = x_printf("%s/spool-0.reserve", directory);
    struct stat found;
    cr_assert(mount("tmpfs", directory, "tmpfs", MS_REMOUNT, "size=112m") == 0);
    for (int i = 0; i < 100 && stat(path, &found) != 0; i++)
        usleep(100000);
    cr_assert(stat(path, &found) == 0);
}

/* Fills a small file system, by mail and by others; starts anew on it, finds what is due, takes what is there out
 * again, and has room again. */
/* covers: SMTPS-20 */
Test(spool_crash, full_file_system_loses_nothing)
{
    char *directory = x_printf("%s/small", harness.directory);
    mkdir(directory, 0700);
    if (mount("tmpfs", directory, "tmpfs", 0, "size=80m") != 0)
        cr_skip("no right to mount a small file system");
    harness.settings.state_directory = directory;
    harness_reopen(&harness);
    static char text[100001];
    memset(text, 'x', sizeof(text) - 1);
    int taken = 0;
    while (taken < 5000 && harness_put(&harness, "example.com", text) == SPOOL_OK)
        taken++;
    cr_assert(eq(int, harness.result, SPOOL_FULL));
    cr_assert(ge(int, taken, 20));
    cr_assert(eq(int, harness_put(&harness, "example.com", text), SPOOL_FULL));
    wait_for_reserve(directory);
    fill_up(directory);
    harness_close(&harness);
    fill_up(directory); /* what the write-ahead log has left */
    harness_reopen(&harness);
    cr_assert(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 1));
    for (int i = 0; i < taken; i++) {
        struct delivery *delivery = claim_one("example.com");
        char *content = harness_content(&harness, delivery->message, NULL);
        cr_assert(eq(str, content, text));
        free(content);
        cr_assert(eq(int, harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0), SPOOL_OK));
    }
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 0));
    sleep(2); /* space is looked at once a second */
    cr_assert(eq(int, harness_put(&harness, "example.com", text), SPOOL_OK));
    free(directory);
}

static void limit_file_size(rlim_t octets)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = octets;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* A chunk is written, but not committed; afterwards there is room again: the message has a hole and must not be taken. */
/* covers: SMTPS-20 QUEUE-05 */
Test(spool_crash, chunk_lost_with_its_commit_fails_the_message)
{
    enum { CHUNK = 256 * 1024 };
    static char text[CHUNK];
    memset(text, 'x', sizeof(text));
    struct draft *draft =
        harness_draft(&harness, "a@example.org", (const char *const[]){"example.com", NULL},
                      (struct slice){text, CHUNK});
    harness_settle_down(&harness);
    for (int i = 0; i < 3; i++) {
        limit_file_size(i == 1 ? 4096 : RLIM_INFINITY);
        draft_append(draft, (struct slice){text, CHUNK});
        harness_settle_down(&harness);
    }
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    cr_assert(ne(int, harness.result, SPOOL_OK));
    harness_settle_down(&harness);
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM content"), 0));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM message"), 0));
}

/* --- left-over stores --------------------------------------------------------------------------------------- */

static void fill_worker(unsigned worker, unsigned workers, const char *const *next_hops)
{
    harness.settings.worker = worker;
    harness.settings.workers = workers;
    harness_reopen(&harness);
    for (; *next_hops != NULL; next_hops++)
        harness_put(&harness, *next_hops, *next_hops);
}

static void wait_for_adoption(unsigned worker)
{
    char *path = x_printf("%s/spool-%u.db", harness.directory, worker);
    for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
        harness_settle_down(&harness);
    cr_assert(access(path, F_OK) != 0);
    free(path);
}

Test(spool_crash, left_over_store_is_adopted)
{
    static const char *const own[] = {"own.example", "both.example", NULL};
    static const char *const other[] = {"both.example", "other.example", "ended.example", NULL};
    fill_worker(3, 4, other);
    harness_settle(&harness, claim_one("other.example"), RECIPIENT_PENDING, 1000);
    struct delivery *delivery = claim_one("ended.example");
    char ended[QUEUE_ID_TEXT];
    strcpy(ended, delivery->queue_id);
    harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    fill_worker(1, 2, own); /* 3 % 2 == 1 */
    harness.due_told = INT64_MAX;
    wait_for_adoption(3);
    for (int i = 0; i < 100 && harness.due_told == INT64_MAX; i++)
        harness_settle_down(&harness); /* the files go before the answer comes */
    cr_assert(ne(i64, harness.due_told, INT64_MAX), "the schedule was told");
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 4));
    cr_assert(eq(int, (int)harness_number(&harness, "recipients"), 4));
    struct delivery *both[3];
    cr_assert(eq(sz, harness_claim(&harness, "both.example", 3, both, NULL), 2));
    for (int i = 0; i < 2; i++) {
        char *content = harness_content(&harness, both[i]->message, NULL);
        cr_assert(eq(str, content, "both.example"));
        free(content);
        harness_settle(&harness, both[i], RECIPIENT_DELIVERED, 0);
    }
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 1));
    cr_assert(eq(str, due.next_hops[0], "own.example"));
    cr_assert(ge(i64, due.next_due, spool_now(harness.spool) + 900));
    json_t *traces = harness_traces(&harness, ended);
    cr_assert(eq(sz, json_array_size(traces), 1));
    json_decref(traces);
}

/* As an earlier version of the store was. */
static void make_version(int version, unsigned worker)
{
    harness_close(&harness);
    sqlite3 *db;
    char *path = x_printf("%s/spool-%u.db", harness.directory, worker);
    cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
    static const char *const steps[] = {
        [3] = "DROP INDEX delivery_due; DROP INDEX delivery_message; DROP INDEX delivery_held;"
              "ALTER TABLE delivery DROP COLUMN held; ALTER TABLE delivery DROP COLUMN flow;"
              "CREATE INDEX delivery_due ON delivery(next_hop,next_attempt);"
              "CREATE INDEX delivery_message ON delivery(message);"
              "PRAGMA user_version=3",
        [2] = "ALTER TABLE delivery DROP COLUMN delay_told; PRAGMA user_version=2",
        [1] = "ALTER TABLE message DROP COLUMN client_level; PRAGMA user_version=1",
    };
    for (int at = 3; at >= version; at--)
        cr_assert(eq(int, sqlite3_exec(db, steps[at], NULL, NULL, NULL), SQLITE_OK), "%s",
                  sqlite3_errmsg(db));
    sqlite3_close(db);
    free(path);
}

static void check_upgraded(const char *next_hop)
{
    struct delivery *delivery = claim_one(next_hop);
    cr_assert(delivery->envelope.client_level == NULL);
    cr_assert(eq(int, delivery->envelope.has_8bit, 0));
    char *content = harness_content(&harness, delivery->message, NULL);
    cr_assert(eq(str, content, (char *)next_hop));
    free(content);
    harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    cr_assert(eq(int, harness_put(&harness, next_hop, "new"), SPOOL_OK));
}

/* covers: QUEUE-05 */
static void bring_up_to_date(int version)
{
    static const char *const own[] = {"own.example", NULL};
    fill_worker(0, 1, own);
    make_version(version, 0);
    harness_reopen(&harness);
    check_upgraded("own.example");
    harness_reopen(&harness);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 1));
    cr_assert(eq(i64, harness_query(&harness, 0, "PRAGMA user_version"), 4));
}

Test(spool_crash, a_store_of_version_1_is_brought_up_to_date)
{
    bring_up_to_date(1);
}

/* covers: QUEUE-05 */
Test(spool_crash, a_store_of_version_2_is_brought_up_to_date)
{
    bring_up_to_date(2);
}

/* covers: QUEUE-05 */
Test(spool_crash, a_store_of_version_3_is_brought_up_to_date)
{
    bring_up_to_date(3);
}

/* covers: QUEUE-05 */
static void adopt_version(int version)
{
    static const char *const other[] = {"other.example", NULL}, *const none[] = {NULL};
    fill_worker(1, 2, other);
    make_version(version, 1);
    fill_worker(0, 1, none);
    wait_for_adoption(1);
    check_upgraded("other.example");
}

Test(spool_crash, a_left_over_store_of_version_1_is_adopted)
{
    adopt_version(1);
}

/* covers: QUEUE-05 */
Test(spool_crash, a_left_over_store_of_version_2_is_adopted)
{
    adopt_version(2);
}

/* No room for what is left over: the worker works, and adopts it when there is. */
Test(spool_crash, adoption_waits_for_space)
{
    char *directory = x_printf("%s/small", harness.directory);
    mkdir(directory, 0700);
    if (mount("tmpfs", directory, "tmpfs", 0, "size=80m") != 0)
        cr_skip("no right to mount a small file system");
    harness.settings.state_directory = directory;
    static const char *const own[] = {"own.example", NULL}, *const none[] = {NULL};
    fill_worker(0, 2, own);
    fill_worker(1, 2, none);
    static char text[100001];
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 50; i++)
        harness_put(&harness, "other.example", text);
    harness_close(&harness);
    char *filler = x_printf("%s/filler", directory),
         *reserve = x_printf("%s/spool-0.reserve", directory);
    unlink(reserve);
    fill_up(directory);
    struct stat full;
    cr_assert(eq(int, stat(filler, &full), 0));
    cr_assert(eq(int, truncate(filler, full.st_size - 500000), 0));
    fill_worker(0, 1, none);
    harness_settle_down(&harness);
    cr_assert(eq(int, harness_settle(&harness, claim_one("own.example"), RECIPIENT_DELIVERED, 0),
                 SPOOL_OK));
    cr_assert(lt(int, (int)harness_number(&harness, "messages"), 50));
    unlink(filler);
    for (int i = 0; i < 100 && harness_number(&harness, "messages") < 50; i++)
        usleep(100000);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 50));
    free(filler);
    free(reserve);
    free(directory);
}

/* A crash between the two commits of a step: the messages are in both stores, and must not be twice in one. */
Test(spool_crash, adoption_goes_on_after_a_crash)
{
    static const char *const other[] = {"a.example", "b.example", NULL};
    static const char *const none[] = {NULL};
    fill_worker(1, 2, other);
    harness_close(&harness);
    char *command = x_printf("cd %s && cp spool-1.db copy.db", harness.directory);
    cr_assert(eq(int, system(command), 0));
    free(command);
    fill_worker(0, 1, none);
    wait_for_adoption(1);
    harness_close(&harness);
    command = x_printf("cd %s && mv copy.db spool-1.db", harness.directory);
    cr_assert(eq(int, system(command), 0));
    free(command);
    fill_worker(0, 1, none);
    wait_for_adoption(1);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 2));
    cr_assert(eq(int, (int)harness_number(&harness, "deliveries"), 2));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM delivery"), 2));
    cr_assert(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM recipient"), 2));
}

/* --- opening ---------------------------------------------------------------------------------------------- */

Test(spool_crash, a_store_has_one_owner_and_a_known_version)
{
    struct spool *second;
    struct err err;
    cr_assert(eq(int, spool_open(&second, harness.loop, &harness.settings, &err), -1));
    cr_assert(strstr(err.text, "another process") != NULL, "%s", err.text);
    harness_close(&harness);
    harness_query(&harness, 0, "PRAGMA user_version=99");
    cr_assert(eq(int, spool_open(&second, harness.loop, &harness.settings, &err), -1));
    cr_assert(strstr(err.text, "version 99") != NULL, "%s", err.text);
    harness.settings.state_directory = "/dev/null";
    cr_assert(eq(int, spool_open(&second, harness.loop, &harness.settings, &err), -1));
    cr_assert(strstr(err.text, "/dev/null/spool-0.lock") != NULL, "%s", err.text);
}

/* What grows with the queue is never scanned: each statement seeks. */
Test(spool_crash, no_statement_scans)
{
    static const char *const texts[] = {
#define STATEMENT(name, text) text,
#include "spool/store_sql.def"
#undef STATEMENT
    };
    static const char *const allowed[] = {"SCAN destination USING COVERING INDEX destination_due",
                                          "SCAN (subquery-1)", NULL};
    char *path = x_printf("%s/spool-0.db", harness.directory);
    sqlite3 *db;
    cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char *sql = x_printf("EXPLAIN QUERY PLAN %s", texts[i]);
        sqlite3_stmt *statement;
        cr_assert(eq(int, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK));
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(statement, 3);
            bool scan = strncmp(plan, "SCAN", 4) == 0 && strstr(texts[i], "LIMIT") == NULL;
            for (const char *const *fine = allowed; *fine != NULL; fine++)
                scan = scan && strcmp(plan, *fine) != 0;
            cr_assert(not(scan), "%s: %s", texts[i], plan);
            cr_assert(strstr(plan, "TEMP B-TREE") == NULL, "%s: %s", texts[i], plan);
        }
        sqlite3_finalize(statement);
        free(sql);
    }
    sqlite3_close(db);
    free(path);
}
