/* processes: what a process and all its descendants have cost.
 *   processes cpu PID          CPU seconds so far, of those that live and of those that were waited for
 *   processes peak PID FILE    until SIGTERM, FILE has the greatest sum of their PSS and the greatest single RSS, in MiB
 * Owns: nothing. It reads /proc twice a second, so that looking costs little of what is measured.
 * Must never count a process twice, nor a page that several share more than once (hence PSS). */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"

#define INTERVAL_NS 500000000L
#define MAX_PROCESSES 8192

struct process {
    long pid, parent;
    unsigned long long ticks;
    bool ours;
};

struct table {
    size_t count;
    struct process rows[MAX_PROCESSES];
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* Reads a small file of /proc; false if the process has gone. */
static bool read_file(long pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length > 0;
}

/* proc(5): behind the name come state, parent (4), ..., utime (14), stime, cutime, cstime (17). */
static bool read_stat(long pid, struct process *p)
{
    char text[1024];
    if (!read_file(pid, "stat", text, sizeof text)) {
        return false;
    }
    char *at = strrchr(text, ')');
    *p = (struct process){.pid = pid};
    for (int field = 3; at != NULL && field <= 17; field++) {
        at = strchr(at + 1, ' ');
        if (at != NULL && field == 4) {
            p->parent = strtol(at, NULL, 10);
        } else if (at != NULL && field >= 14) {
            p->ticks += strtoull(at, NULL, 10);
        }
    }
    return at != NULL;
}

static void read_table(struct table *table)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    table->count = 0;
    if (directory == NULL) {
        die_errno("/proc");
    }
    while ((entry = readdir(directory)) != NULL && table->count < MAX_PROCESSES) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0 && read_stat(pid, &table->rows[table->count])) {
            table->count++;
        }
    }
    closedir(directory);
}

static bool is_ours(const struct table *table, long pid)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].pid == pid) {
            return table->rows[i].ours;
        }
    }
    return false;
}

/* Marks the root and, generation by generation, whoever has a marked parent. */
static void mark(struct table *table, long root)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < table->count; i++) {
            struct process *p = &table->rows[i];
            if (!p->ours && (p->pid == root || is_ours(table, p->parent))) {
                p->ours = changed = true;
            }
        }
    }
}

static double cpu_seconds(const struct table *table)
{
    unsigned long long ticks = 0;
    for (size_t i = 0; i < table->count; i++) {
        ticks += table->rows[i].ours ? table->rows[i].ticks : 0;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double field_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at == NULL ? 0 : strtod(at + strlen(name), NULL) / 1024;
}

struct peak {
    double all, one;
};

static void look_at_memory(const struct table *table, struct peak *peak)
{
    char text[4096];
    double sum = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct process *p = &table->rows[i];
        if (p->ours && read_file(p->pid, "smaps_rollup", text, sizeof text)) {
            double rss = field_of(text, "Rss:");
            sum += field_of(text, "Pss:");
            peak->one = rss > peak->one ? rss : peak->one;
        }
    }
    peak->all = sum > peak->all ? sum : peak->all;
}

/* Readers find the old numbers or the new ones, never half of them. */
static void write_peak(const struct peak *peak, const char *file_name)
{
    char *new_name = x_printf("%s.new", file_name);
    FILE *file = fopen(new_name, "we");
    if (file == NULL) {
        die_errno(new_name);
    }
    fprintf(file, "pss=%.1f rss_one=%.1f\n", peak->all, peak->one);
    if (fclose(file) != 0 || rename(new_name, file_name) != 0) {
        die_errno(file_name);
    }
    free(new_name);
}

static void watch(struct table *table, long root, const char *file_name)
{
    struct peak peak = {0, 0};
    struct sigaction action = {.sa_handler = stop};
    struct timespec interval = {0, INTERVAL_NS};
    sigaction(SIGTERM, &action, NULL);
    while (!stopped) {
        read_table(table);
        mark(table, root);
        look_at_memory(table, &peak);
        write_peak(&peak, file_name);
        nanosleep(&interval, NULL);
    }
}

int main(int argc, char **argv)
{
    struct table *table = x_calloc(1, sizeof *table);
    if (argc == 3 && strcmp(argv[1], "cpu") == 0) {
        read_table(table);
        mark(table, (long)option_number("PID", argv[2], 1 << 30));
        printf("%.2f\n", cpu_seconds(table));
    } else if (argc == 4 && strcmp(argv[1], "peak") == 0) {
        watch(table, (long)option_number("PID", argv[2], 1 << 30), argv[3]);
    } else {
        die("usage: processes cpu PID | peak PID FILE");
    }
    free(table);
    return 0;
}
