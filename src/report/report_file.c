/* report_file: see report_file.h. Everything goes by descriptors of directories, never by a path that
 * somebody else could exchange meanwhile.
 * Owns: nothing.
 * Requirement RPT-36.
 * Must never leave half a file under a report's name. */
#include "report/report_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "report/report_name.h"

static const char reports[] = "reports", unfinished[] = ".unfinished";
enum {
    DIRECTORY_MODE = 0750,
    FILE_MODE = 0640,
    DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
};

static void descriptor_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void listing_close(DIR **listing)
{
    if (*listing != NULL)
        closedir(*listing);
    *listing = NULL;
}

/* The directory `name` in `parent`, made and remembered by the disk if it is not there. */
static int open_or_make(int *fd_r, int parent, const char *name, struct err *err_r)
{
    *fd_r = openat(parent, name, DIRECTORY);
    if (*fd_r >= 0)
        return 0;
    if (errno != ENOENT || mkdirat(parent, name, DIRECTORY_MODE) != 0 || fsync(parent) != 0)
        return err_system(err_r, "directory %s of the reports", name);
    *fd_r = openat(parent, name, DIRECTORY);
    if (*fd_r < 0 || fchmod(*fd_r, DIRECTORY_MODE) != 0)
        return err_system(err_r, "directory %s of the reports", name);
    return 0;
}

int report_directory_open(int *directory_r, const char *state_directory, const char *day,
                          struct err *err_r)
{
    CLEANUP(descriptor_close)
    int all = -1, state = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return err_system(err_r, "directory %s", state_directory);
    if (open_or_make(&all, state, reports, err_r) != 0)
        return -1;
    return open_or_make(directory_r, all, day, err_r);
}

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno != EINTR)
            return -1;
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int report_file_write(int directory, const char *name, json_t *report, struct err *err_r)
{
    CLEANUP(text_free) char *text = json_dumps(report, JSON_INDENT(2));
    CLEANUP(descriptor_close)
    int fd = openat(directory, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    FILE_MODE);
    if (text == NULL)
        return err_set(err_r, "report %s: it cannot be written as JSON", name);
    if (fd < 0 || fchmod(fd, FILE_MODE) != 0 || write_all(fd, text) != 0 ||
        write_all(fd, "\n") != 0 || fsync(fd) != 0 ||
        renameat(directory, unfinished, directory, name) != 0)
        return err_system(err_r, "report %s", name);
    return 0;
}

int report_directory_sync(int directory, struct err *err_r)
{
    return fsync(directory) == 0 ? 0 : err_system(err_r, "directory of the reports");
}

/* --- what is too old -------------------------------------------------------------------------- */

static DIR *list(int parent, const char *name)
{
    int fd = openat(parent, name, DIRECTORY);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL && fd >= 0)
        close(fd);
    return listing;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Files only: a directory that somebody has put there stays, and so does the day's. */
static int empty_day(int all, const char *day, size_t *limit, struct err *err_r)
{
    CLEANUP(listing_close) DIR *listing = list(all, day);
    const struct dirent *entry;
    if (listing == NULL && (errno == ENOTDIR || errno == ELOOP))
        return 0; /* none of ours */
    if (listing == NULL)
        return err_system(err_r, "directory %s of the reports", day);
    while (*limit > 0 && (entry = readdir(listing)) != NULL)
        if (!is_dots(entry->d_name)) {
            if (unlinkat(dirfd(listing), entry->d_name, 0) == 0)
                (*limit)--;
            else if (errno != EISDIR)
                return err_system(err_r, "report %s of %s", entry->d_name, day);
        }
    if (*limit > 0 && unlinkat(all, day, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY)
        return err_system(err_r, "directory %s of the reports", day);
    return 0;
}

int report_directory_expire(const char *state_directory, const char *before, size_t limit,
                            bool *left_r, struct err *err_r)
{
    CLEANUP(descriptor_close) int state = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return err_system(err_r, "directory %s", state_directory);
    CLEANUP(listing_close) DIR *listing = list(state, reports);
    const struct dirent *entry;
    while (listing != NULL && limit > 0 && (entry = readdir(listing)) != NULL) {
        int64_t begin;
        bool old = day_begin(entry->d_name, &begin) == 0 && strcmp(entry->d_name, before) < 0;
        if (old && empty_day(dirfd(listing), entry->d_name, &limit, err_r) != 0)
            return -1;
    }
    *left_r = limit == 0;
    return 0;
}
