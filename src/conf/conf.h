/* conf: reads daneway.conf (libconfuse) and the files that it names.
 * Owns: the memory of the settings it has read.
 * An error names file, line, what is wrong and what was expected.
 * Must never fill in a value for a line that it did not understand. */
#ifndef DANEWAY_CONF_CONF_H
#define DANEWAY_CONF_CONF_H

#include "base/err.h"
#include "base/slice.h"
#include "daneway/settings.h"

int conf_read(struct settings **settings_r, const char *path, struct err *err_r);
/* Settings with all defaults, as if the file were empty. */
struct settings *conf_defaults(void);
void conf_free(struct settings **settings);
/* Reads a whole file; the caller frees text_r->ptr. At most `limit` octets. */
int conf_read_file(const char *path, size_t limit, char **text_r, size_t *length_r, struct err *err_r);
/* Reads and parses the tls_policy table at `path`; a file that does not exist gives an empty table only if `path` is the default. */
int conf_read_table(struct table **table_r, const char *path, struct err *err_r);

#endif
