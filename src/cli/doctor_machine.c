/* doctor_machine: clock, disk, files that hold secrets, and the processes of the daemon as /proc shows them.
 * Owns: nothing.
 * adjtimex(2), statvfs(3), proc(5).
 * Must never take "may not be looked into" for "is well". */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/format.h"
#include "cli/render.h"

enum { DESCRIPTORS_BESIDE = 200 /* spool, tables, resolver, log ... */, SECCOMP_FILTER = 2 };

/* No build of this program is older. */
static const int64_t earliest = 1764547200; /* 2025-12-01 */

void doctor_check_clock(struct doctor *doctor)
{
    struct timex state = {0};
    char when[FORMAT_TEXT];
    format_time(doctor->now, when);
    if (doctor->now < earliest) {
        doctor_find(doctor, HEALTH_BAD, "clock", arena_printf(doctor->arena, "it says %s", when),
                    "Set the clock: certificates and DNSSEC signatures are judged by it.");
        return;
    }
    bool known = adjtimex(&state) >= 0;
    if (known && (state.status & STA_UNSYNC) == 0)
        doctor_find(doctor, HEALTH_GOOD, "clock",
                    arena_printf(doctor->arena, "%s, synchronised", when), NULL);
    else
        doctor_find(
            doctor, known ? HEALTH_WARNING : HEALTH_UNKNOWN, "clock",
            arena_printf(doctor->arena, "%s; the kernel does not know that it is synchronised",
                         when),
            "Run chrony, systemd-timesyncd or ntpd here, or on the host of this container.");
}

/* --- the disk ------------------------------------------------------------------------------------- */

static void check_space(struct doctor *doctor, const char *directory)
{
    struct statvfs space;
    char octets[FORMAT_TEXT], least[FORMAT_TEXT];
    if (statvfs(directory, &space) != 0)
        return;
    uint64_t free = (uint64_t)space.f_bavail * space.f_frsize;
    uint64_t minimum = doctor->settings->intake.free_space_min;
    enum health health = free < minimum       ? HEALTH_BAD
                         : free / 4 < minimum ? HEALTH_WARNING
                                              : HEALTH_GOOD;
    format_octets((int64_t)free, octets);
    format_octets((int64_t)minimum, least);
    doctor_find(doctor, health, "disk",
                arena_printf(doctor->arena, "%s free for %s; free_space_min is %s", octets,
                             directory, least),
                health == HEALTH_GOOD
                    ? NULL
                    : "Make room: below free_space_min, clients hear 452 and wait.");
}

void doctor_check_disk(struct doctor *doctor)
{
    const char *directory = doctor->settings->state_directory;
    struct stat status;
    if (stat(directory, &status) != 0) {
        doctor_find(
            doctor, errno == ENOENT ? HEALTH_BAD : HEALTH_UNKNOWN, "disk",
            arena_printf(doctor->arena, "state_directory %s: %s", directory, strerror(errno)),
            "danewayd makes it at its start, if it may; see state_directory in the configuration.");
        return;
    }
    check_space(doctor, directory);
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        doctor_find(doctor, HEALTH_WARNING, "disk",
                    arena_printf(doctor->arena, "%s is open to others (mode %o): it holds mail",
                                 directory, status.st_mode & 07777U),
                    arena_printf(doctor->arena, "chmod 0750 %s", directory));
}

/* --- secrets -------------------------------------------------------------------------------------- */

static bool is_private(struct doctor *doctor, const char *path)
{
    struct stat status;
    if (*path == '\0' || stat(path, &status) != 0 || (status.st_mode & (S_IRWXO | S_IWGRP)) == 0)
        return true; /* whether it can be read is the configuration's check */
    doctor_find(doctor, HEALTH_BAD, "secrets",
                arena_printf(doctor->arena, "%s may be read or changed by others (mode %o)", path,
                             status.st_mode & 07777U),
                arena_printf(doctor->arena, "chmod 0600 %s, and think of replacing it.", path));
    return false;
}

void doctor_check_secrets(struct doctor *doctor)
{
    const struct settings *settings = doctor->settings;
    bool fine = is_private(doctor, settings->intake.key);
    if (settings->status_listen != NULL)
        fine &= is_private(doctor, settings->status_token_file);
    for (size_t i = 0; i < settings->report.identity_count; i++) {
        const struct dkim_key_list *keys = &settings->report.identities[i].dkim_keys;
        for (size_t k = 0; k < keys->count; k++)
            fine &= is_private(doctor, keys->keys[k].path);
    }
    if (fine)
        doctor_find(doctor, HEALTH_GOOD, "secrets", "keys and tokens are closed to other users",
                    NULL);
}

/* --- the daemon ----------------------------------------------------------------------------------- */

/* The first number behind `label` in a file of the process; -1: it cannot be read. */
static long long proc_number(long long pid, const char *file, const char *label)
{
    char path[64], line[256];
    long long number = -1;
    snprintf(path, sizeof path, "/proc/%lld/%s", pid, file);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return -1;
    while (number < 0 && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, label, strlen(label)) == 0)
            number = strtoll(line + strlen(label), NULL, 10);
    fclose(in);
    return number;
}

static void check_descriptors(struct doctor *doctor, long long pid)
{
    const struct settings *settings = doctor->settings;
    long long limit = proc_number(pid, "limits", "Max open files");
    long long need = (long long)settings->intake.connection_limit + settings->delivery.concurrency +
                     settings->delivery.reuse_sessions + DESCRIPTORS_BESIDE;
    if (limit < 0) {
        doctor_find(doctor, HEALTH_UNKNOWN, "descriptors",
                    "the limits of the workers cannot be read",
                    "Run this as root, or as the gateway's user.");
        return;
    }
    doctor_find(
        doctor, limit < need ? HEALTH_WARNING : HEALTH_GOOD, "descriptors",
        arena_printf(doctor->arena, "a worker may open %lld files, and may need %lld", limit, need),
        limit < need ? arena_printf(doctor->arena,
                                    "LimitNOFILE=%lld in danewayd.service, or a smaller "
                                    "connection_limit or concurrency.",
                                    need)
                     : NULL);
}

static void check_sandbox(struct doctor *doctor, long long pid)
{
    long long seccomp = proc_number(pid, "status", "Seccomp:");
    enum sandbox_mode mode = doctor->settings->sandbox;
    if (seccomp < 0)
        doctor_find(doctor, HEALTH_UNKNOWN, "sandbox", "the state of the workers cannot be read",
                    "Run this as root, or as the gateway's user.");
    else if (seccomp == SECCOMP_FILTER && mode != SANDBOX_LOG)
        doctor_find(doctor, HEALTH_GOOD, "sandbox", "the workers' system calls are filtered", NULL);
    else
        doctor_find(doctor, HEALTH_WARNING, "sandbox",
                    mode == SANDBOX_OFF || mode == SANDBOX_LOG
                        ? "the option sandbox lets everything pass"
                        : "the workers' system calls are not filtered",
                    mode == SANDBOX_OFF || mode == SANDBOX_LOG
                        ? "sandbox = \"required\", or \"when-available\"."
                        : "A kernel with seccomp and Landlock; the log at the start says what was "
                          "missing.");
}

static void check_version(struct doctor *doctor)
{
    const char *version = json_text(doctor->status, "version");
    bool same = version != NULL && strcmp(version, PACKAGE_VERSION) == 0;
    doctor_find(doctor, same ? HEALTH_GOOD : HEALTH_WARNING, "daemon",
                arena_printf(doctor->arena, "danewayd %s runs; this command is of " PACKAGE_VERSION,
                             version != NULL ? version : "of an unknown version"),
                same ? NULL : "Restart danewayd: it is not the one that is installed.");
}

static void check_workers(struct doctor *doctor)
{
    size_t missing = json_array_size(json_object_get(doctor->status, "missing"));
    if (missing > 0)
        doctor_find(doctor, HEALTH_BAD, "daemon",
                    arena_printf(doctor->arena, "%zu of its workers did not answer", missing),
                    "The log says what they do; danewayd starts one anew that has died.");
    json_t *worker;
    size_t i;
    json_array_foreach(json_object_get(doctor->status, "details"), i, worker) {
        const char *error = json_text(json_object_get(worker, "tls_policy"), "error");
        if (error == NULL)
            continue;
        doctor_find(doctor, HEALTH_BAD, "daemon",
                    arena_printf(doctor->arena, "it works by an old table: %s", error),
                    "Mend the line, then send SIGHUP to danewayd.");
        return;
    }
}

void doctor_check_daemon(struct doctor *doctor)
{
    if (doctor->status == NULL) {
        doctor_find(doctor, HEALTH_BAD, "daemon", doctor->silence,
                    "Start it: systemctl start danewayd. If it runs, this user may not open its "
                    "status_socket.");
        return;
    }
    check_version(doctor);
    check_workers(doctor);
    long long pid =
        json_number(json_array_get(json_object_get(doctor->status, "details"), 0), "pid");
    if (pid > 0) {
        check_descriptors(doctor, pid);
        check_sandbox(doctor, pid);
    }
}
