/* conf: reads daneway.conf (libconfuse) and the files that it names.
 * Owns: the memory of the settings it has read.
 * An error names file, line, what is wrong and what was expected.
 * Must never fill in a value for a line that it did not understand. */
#ifndef DANEWAY_CONF_CONF_H
#define DANEWAY_CONF_CONF_H

#include "base/err.h"
#include "base/slice.h"
#include "daneway/settings.h"

/* Reads and checks everything; fills in the host name (the system's if none is given) and
 * own_names. 0 or -1. */
int conf_read(struct settings **settings_r, const char *path, struct err *err_r);
/* Settings with all defaults, as if the file were empty, but for the host name, which is "": the
 * system is not asked. */
struct settings *conf_defaults(void);
void conf_free(struct settings **settings);
/* Reads a whole file of at most `limit` octets; *text_r has a NUL behind it (others may be inside),
 * the caller frees it. */
int conf_read_file(const char *path, size_t limit, char **text_r, size_t *length_r,
                   struct err *err_r);
#define CONF_DEFAULT_TABLE "/etc/daneway/tls_policy"
#define CONF_DEFAULT_MAILBOXES "/etc/daneway/mailboxes"
/* Trusted roots out of a PEM file; "": the system's store, and *roots_r is NULL if there is none. */
int conf_read_roots(struct roots **roots_r, const char *path, struct err *err_r);
/* The mailboxes table; absent as below. */
int conf_read_mailboxes(struct mailboxes **mailboxes_r, const char *path, struct err *err_r);
/* Reads and parses the tls_policy table at `path`, and the files that its tafile= name; a file that does not exist gives an empty table
 * only if `path` is the default. */
int conf_read_table(struct table **table_r, const char *path, struct err *err_r);
/* The roots in the PEM file at `path`; "" is the system's. A file without a certificate is an
 * error.
 */
int conf_read_roots(struct roots **roots_r, const char *path, struct err *err_r);

#endif
