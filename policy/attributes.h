/* attributes: what stands behind the level in a row of tls_policy.
 * Owns: nothing; everything is allocated in the arena of the table.
 * smtp_tls_policy_maps of Postfix, postconf(5), and attributes of our own.
 * Must never take an attribute that has no effect where it stands, unless Postfix ignores it as
 * well. */
#ifndef DANEWAY_POLICY_ATTRIBUTES_H
#define DANEWAY_POLICY_ATTRIBUTES_H

#include "daneway/table.h"

/* Parses `text` for a row of this level. 0; or -1 with why, in the arena. */
int attributes_parse(struct arena *arena, enum tls_level level, struct slice text,
                     struct row_attributes *attributes_r, const char **why_r);

/* --- tls_words.c: protocols=, ciphers=, exclude= in GnuTLS's words ---------------------------- */
/* Each adds to *priority (NULL: nothing yet); returns NULL, or what is wrong. */
const char *protocols_to_priority(struct arena *arena, struct slice value, const char **priority);
const char *exclude_to_priority(struct arena *arena, struct slice value, const char **priority);
const char *check_cipher_grade(struct slice value);

#endif
