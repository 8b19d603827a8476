/* disk: how many small durable writes a directory's disk can take, as the limit beside the gateway's figures.
 * Owns: one file in DIRECTORY, which it removes.
 * Two figures: write and fdatasync one after the other; and group commit, where many writers wait for their
 * 10 KB and one fdatasync serves all that have come so far, which is how a spool should write.
 * Must never run for longer than it was told. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"

#define RECORD 10240
#define FILE_LIMIT (64 * 1024 * 1024) /* then from the start again, as a log that is checkpointed */

struct disk {
    int fd;
    uint64_t end_us;
    pthread_mutex_t lock;
    pthread_cond_t committed, wanted;
    uint64_t written, durable, done;
    off_t at;
    bool stop;
};

static void write_record(struct disk *d)
{
    static const char record[RECORD] = "x";
    if (d->at + RECORD > FILE_LIMIT) {
        d->at = 0;
    }
    if (pwrite(d->fd, record, sizeof record, d->at) != RECORD) {
        die_errno("write");
    }
    d->at += RECORD;
}

static double alone(struct disk *d, uint64_t seconds)
{
    uint64_t began = now_us(), end = began + seconds * 1000000, count = 0;
    while (now_us() < end) {
        write_record(d);
        if (fdatasync(d->fd) != 0) {
            die_errno("fdatasync");
        }
        count++;
    }
    return (double)count * 1e6 / (double)(now_us() - began);
}

static void *writer(void *argument)
{
    struct disk *d = argument;
    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        write_record(d);
        uint64_t mine = ++d->written;
        pthread_cond_signal(&d->wanted);
        while (d->durable < mine) {
            pthread_cond_wait(&d->committed, &d->lock);
        }
        d->done++;
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* One thread commits for all, until the time is over and nobody waits. */
static void commit_for_all(struct disk *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->stop || d->durable < d->written) {
        while (d->written == d->durable) {
            pthread_cond_wait(&d->wanted, &d->lock);
        }
        uint64_t reached = d->written;
        pthread_mutex_unlock(&d->lock);
        if (fdatasync(d->fd) != 0) {
            die_errno("fdatasync");
        }
        pthread_mutex_lock(&d->lock);
        d->durable = reached;
        d->stop = now_us() >= d->end_us;
        pthread_cond_broadcast(&d->committed);
    }
    pthread_mutex_unlock(&d->lock);
}

static double grouped(struct disk *d, uint64_t seconds, uint64_t writers)
{
    pthread_t *threads = x_calloc(writers, sizeof *threads);
    uint64_t began = now_us();
    d->end_us = began + seconds * 1000000;
    for (uint64_t i = 0; i < writers; i++) {
        if (pthread_create(&threads[i], NULL, writer, d) != 0) {
            die("no thread");
        }
    }
    commit_for_all(d);
    for (uint64_t i = 0; i < writers; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    return (double)d->done * 1e6 / (double)(now_us() - began);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        die("usage: disk DIRECTORY SECONDS WRITERS");
    }
    uint64_t seconds = option_number("SECONDS", argv[2], 3600);
    uint64_t writers = option_number("WRITERS", argv[3], 1000);
    char *path = x_printf("%s/disk-bench.XXXXXX", argv[1]);
    struct disk d = {.lock = PTHREAD_MUTEX_INITIALIZER,
                     .committed = PTHREAD_COND_INITIALIZER,
                     .wanted = PTHREAD_COND_INITIALIZER};
    d.fd = mkostemp(path, O_CLOEXEC);
    if (d.fd < 0) {
        die_errno(path);
    }
    unlink(path);
    double one = alone(&d, seconds);
    printf("alone=%.0f grouped=%.0f writers=%llu record=%d\n", one, grouped(&d, seconds, writers),
           (unsigned long long)writers, RECORD);
    free(path);
    close(d.fd);
    return 0;
}
