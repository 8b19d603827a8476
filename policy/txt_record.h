/* txt_record: what the TXT records of MTA-STS and of TLS-RPT have in common: a version, then NAME=VALUE between ";".
 * Owns: nothing.
 * RFC 8461 3.1, RFC 8460 3; requirements STS-04..08, RPT-02, RPT-03, T-11.
 * Must never take one record out of several. */
#ifndef DANEWAY_POLICY_TXT_RECORD_H
#define DANEWAY_POLICY_TXT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* How many of the texts begin with the version ("v=STSv1", case-sensitive), white space and ";". What follows in
 * the last of these is *fields_r. */
size_t txt_record_find(const struct slice *txts, size_t count, struct slice version,
                       struct slice *fields_r);
/* One field without the white space around it, its name already checked (STS-07). NULL, or what is wrong with it. */
typedef const char *txt_field_fn(void *arg, struct slice name, struct slice value);
/* Hands over field by field; NULL, or the first thing that is wrong. */
const char *txt_record_fields(struct slice fields, txt_field_fn *fn, void *arg);
/* STS-07: printable ASCII without ";" and "=". */
bool txt_is_extension_value(struct slice value);

#endif
