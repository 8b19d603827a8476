/* Who waits for whom in the store thread: patient jobs a little, for others to share their commit; the others not.
 * Times are the real ones: what must be seen is seen in one of many rounds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "spool/store_thread.h"

enum { ROUNDS = 50, MANY = 16, ANSWER_MS = 10000 };

static char directory[64];
static struct store_thread *threads;
static uint64_t transactions[MANY + 1]; /* of each job of a round */

struct counted_job {
    struct job job;
    size_t number;
};

static void setup(void)
{
    struct store *store;
    struct err err;
    strcpy(directory, "/tmp/test-thread-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    struct spool_settings settings = {.state_directory = directory, .workers = 1};
    cr_assert(eq(int, store_open(&store, &settings, &err), 0), "%s", err.text);
    threads = store_thread_start(store);
}

static void free_all(struct job *answers)
{
    for (struct job *job = answers, *next; job != NULL; job = next) {
        next = job->next;
        free(job->text);
        free(job);
    }
}

static void teardown(void)
{
    if (threads != NULL)
        free_all(store_thread_stop(&threads));
    char *command = x_printf("rm -r %s", directory);
    cr_expect(eq(int, system(command), 0)); // NOLINT(cert-env33-c): a path of our own
    free(command);
}

static int run(struct job *job, struct store *store)
{
    transactions[((struct counted_job *)job)->number] = store_transaction(store);
    return 0;
}

static void submit(size_t number, bool patient)
{
    struct counted_job *job = x_calloc(1, sizeof(*job));
    job->job.run = run;
    job->job.patient = patient;
    job->number = number;
    store_thread_submit(threads, &job->job);
}

static void await(size_t count)
{
    while (count > 0) {
        struct pollfd ready = {.fd = store_thread_descriptor(threads), .events = POLLIN};
        cr_assert(eq(int, poll(&ready, 1, ANSWER_MS), 1));
        struct job *answers = store_thread_answers(threads);
        for (struct job *job = answers; job != NULL; job = job->next)
            count--;
        free_all(answers);
    }
}

Test(spool, a_patient_job_shares_the_commit_of_the_next, .init = setup, .fini = teardown)
{
    bool shared = false;
    for (int round = 0; !shared && round < ROUNDS; round++) {
        submit(0, true);
        usleep(500);
        submit(1, false);
        await(2);
        shared = transactions[0] == transactions[1];
    }
    cr_expect(shared);
}

Test(spool, a_patient_job_alone_is_done_soon, .init = setup, .fini = teardown)
{
    submit(0, true);
    await(1);
}

Test(spool, many_patient_jobs_are_company_enough, .init = setup, .fini = teardown)
{
    bool shared = false;
    for (int round = 0; !shared && round < ROUNDS; round++) {
        for (size_t i = 0; i < MANY; i++) {
            submit(i, true);
            usleep(20);
        }
        await(MANY);
        shared = transactions[0] == transactions[MANY - 1];
    }
    cr_expect(shared);
}

/* covers: QUEUE-04 */
Test(spool, what_waits_is_done_at_the_end, .init = setup, .fini = teardown)
{
    transactions[0] = 0;
    submit(0, true);
    struct job *answers = store_thread_stop(&threads);
    cr_assert_not_null(answers);
    cr_expect(eq(int, (int)answers->result, (int)SPOOL_OK));
    cr_expect(lt(u64, 0, transactions[0]));
    free_all(answers);
}

static sqlite3 *held_by_another(void)
{
    sqlite3 *other;
    char *path = x_printf("%s/spool-0.db", directory);
    cr_assert(eq(int, sqlite3_open(path, &other), SQLITE_OK));
    free(path);
    cr_assert(eq(int, sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK));
    return other;
}

/* An operator with a transaction open: all that wait are told together, not one after the other, each five seconds later;
 * and when he is gone, all is well. */
Test(spool, a_held_spool_fails_all_at_once, .init = setup, .fini = teardown, .timeout = 60)
{
    sqlite3 *other = held_by_another();
    for (size_t i = 0; i < MANY; i++)
        submit(i, true);
    struct pollfd ready = {.fd = store_thread_descriptor(threads), .events = POLLIN};
    cr_assert(eq(int, poll(&ready, 1, ANSWER_MS), 1));
    struct job *answers = store_thread_answers(threads);
    size_t count = 0;
    for (struct job *job = answers; job != NULL; job = job->next, count++) {
        cr_expect(eq(int, (int)job->result, (int)SPOOL_FAILED));
        cr_expect(strstr(job->text, "another process is writing to the spool") != NULL, "%s",
                  job->text);
    }
    cr_expect(eq(sz, count, MANY));
    free_all(answers);
    sqlite3_close(other);
    submit(0, false);
    await(1);
    cr_expect(lt(u64, 0, transactions[0]));
}
