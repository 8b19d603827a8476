/* identity: in whose name reports are made and signed: the gateway's organisation, or that of some senders' domain.
 * Owns: the private keys.
 * RFC 8460 4.4, 5.3; requirements RPT-39, RPT-41.
 * Must never sign for a domain that is not that of contact_info. */
#ifndef DANEWAY_REPORT_IDENTITY_H
#define DANEWAY_REPORT_IDENTITY_H

#include <stdbool.h>

#include "daneway/settings.h"
#include "report/dkim_key.h"

/* Has the operator said who reports? Before that nothing is sent. */
bool identity_may_report(const struct identity_settings *identity);
/* The one for senders of that domain: that of the longest domain that is theirs or above it; else the first. NULL: the
 * settings have none. */
const struct identity_settings *identity_of_sender(const struct report_settings *settings,
                                                   const char *domain);
/* By its domain, "" for the first; NULL: there is none, or no longer. */
const struct identity_settings *identity_by_domain(const struct report_settings *settings,
                                                   const char *domain);

/* The keys of all identities. */
struct identity_keys;
/* Reads them: as long as the process may. The settings are borrowed. -1: a key cannot be read, or is weak. */
int identity_keys_read(struct identity_keys **keys_r, const struct report_settings *settings,
                       struct err *err_r);
/* The same from the texts of those files: all of the first identity, then all of the next ... */
int identity_keys_parse(struct identity_keys **keys_r, const struct report_settings *settings,
                        const struct slice *pems, struct err *err_r);
void identity_keys_free(struct identity_keys **keys);
/* Those of an identity of the settings given to identity_keys_read. */
const struct dkim_key *const *identity_keys_of(const struct identity_keys *keys,
                                               const struct identity_settings *identity,
                                               size_t *count_r);

#endif
