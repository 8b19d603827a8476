/* conf: see conf.h. The file is read whole, looked through, given to libconfuse, and checked.
 * Owns: the arena in which the settings and all their texts live.
 * Defaults are set first; the file's values then take their place.
 * Must never hand out settings after an error. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/reader.h"

enum { CONF_LIMIT = 1 << 20 };

struct owned {
    struct settings settings; /* first: what is given out */
    struct arena *arena;
};

struct settings *conf_defaults(void)
{
    struct arena *arena = arena_create();
    struct owned *owned = arena_alloc(arena, sizeof(*owned));
    owned->arena = arena;
    struct settings *settings = &owned->settings;
    settings->path = "";
    for (size_t i = 0; i < option_count; i++)
        option_reset(arena, settings, &options[i]);
    settings->intake.hostname = settings->delivery.hostname = settings->hostname;
    settings->delivery.policy.own_names = arena_alloc(arena, sizeof(char *));
    return settings;
}

void conf_free(struct settings **settings)
{
    if (*settings == NULL)
        return;
    struct arena *arena = ((struct owned *)*settings)->arena;
    *settings = NULL;
    arena_free(&arena);
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Reads until the end, whatever fstat said: the file may change meanwhile. */
static int read_all(int fd, const char *path, struct buffer *buffer, struct err *err_r)
{
    char part[65536];
    ssize_t got;
    while ((got = read(fd, part, sizeof(part))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_system(err_r, "%s: cannot be read", path);
        if (buffer_append(buffer, part, (size_t)got) != 0)
            return err_set(err_r, "%s: the file is too large; expected at most %zu octets", path,
                           buffer->limit);
    }
    return 0;
}

int conf_read_file(const char *path, size_t limit, char **text_r, size_t *length_r,
                   struct err *err_r)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return err_system(err_r, "%s: cannot be opened", path);
    if (S_ISDIR(status.st_mode))
        return err_set(err_r, "%s: is a directory; expected a file", path);
    CLEANUP(buffer_release) struct buffer buffer;
    buffer_init(&buffer, limit);
    if (read_all(fd, path, &buffer, err_r) != 0)
        return -1;
    *text_r = x_malloc(buffer.len + 1); /* not as a string: a NUL may be inside */
    if (buffer.len > 0)
        memcpy(*text_r, buffer.ptr, buffer.len);
    (*text_r)[buffer.len] = '\0';
    *length_r = buffer.len;
    return 0;
}

int conf_read(struct settings **settings_r, const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *text = NULL;
    size_t length = 0;
    if (conf_read_file(path, CONF_LIMIT, &text, &length, err_r) != 0 ||
        prepare(path, text, length, err_r) != 0)
        return -1;
    CLEANUP(conf_free) struct settings *settings = conf_defaults();
    struct arena *arena = ((struct owned *)settings)->arena;
    settings->path = arena_strdup(arena, path);
    struct reader reader = {.path = settings->path, .arena = arena, .settings = settings};
    reader.seen = arena_alloc(arena, option_count * sizeof(*reader.seen));
    if (reader_run(&reader, text, err_r) != 0 || reader_check(&reader, err_r) != 0)
        return -1;
    *settings_r = settings;
    settings = NULL;
    return 0;
}
