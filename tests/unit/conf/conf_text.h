/* Writes a text to a file and reads it as daneway.conf. The file is called t.conf in a directory of
 * the test's own. */
#ifndef TEST_CONF_TEXT_H
#define TEST_CONF_TEXT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"

static inline void enter_directory(void)
{
    char name[] = "/tmp/test-conf-XXXXXX";
    cr_assert(mkdtemp(name) != NULL);
    cr_assert(eq(int, chdir(name), 0));
}

static inline void leave_directory(void)
{
    char name[4096];
    unlink("t.conf");
    if (getcwd(name, sizeof(name)) != NULL)
        rmdir(name);
}

static inline void write_text(const char *text, size_t length)
{
    FILE *file = fopen("t.conf", "w");
    cr_assert(file != NULL);
    cr_assert(eq(sz, fwrite(text, 1, length, file), length));
    fclose(file);
}

static inline int read_text(const char *text, struct settings **settings_r, struct err *err_r)
{
    write_text(text, strlen(text));
    return conf_read(settings_r, "t.conf", err_r);
}

#endif
