/* dns_glue: our loop as getdns wants to see one.
 * Owns: the watches that getdns has asked for and not yet cleared.
 * Internal to dns.c; the library's own glue for libevent cannot be linked on Debian 12.
 * Must never free what getdns has not cleared while its context lives. */
#ifndef DANEWAY_RESOLVE_DNS_GLUE_H
#define DANEWAY_RESOLVE_DNS_GLUE_H

#include <getdns/getdns_extra.h>

#include "loop/loop.h"

struct dns_glue;
struct dns_glue *dns_glue_create(struct loop *loop);
/* After the context that used it is gone. */
void dns_glue_free(struct dns_glue **glue);
getdns_eventloop *dns_glue_eventloop(struct dns_glue *glue);

#endif
