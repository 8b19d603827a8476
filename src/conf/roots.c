/* roots: reads the roots that certificates are judged by.
 * Owns: nothing; the caller owns what was read.
 * Apart from conf.c, so that only those who want roots are linked with GnuTLS.
 * Must never go on with a file that holds none. */
#include "base/cleanup.h"
#include "conf/conf.h"

static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";
enum { ROOTS_LIMIT = 1 << 26 };

int conf_read_roots(struct roots **roots_r, const char *path, struct err *err_r)
{
    CLEANUP(text_free) char *text = NULL;
    size_t length = 0;
    struct err err;
    const char *file = path[0] != '\0' ? path : system_roots;
    *roots_r = NULL;
    if (conf_read_file(file, ROOTS_LIMIT, &text, &length, err_r) != 0)
        return -1;
    if (roots_create(roots_r, (struct slice){text, length}, &err) != 0)
        return err_set(err_r, "%s: %s", file, err.text);
    return 0;
}
