/* wire_collector: joins the collector of TLS reports to the resolver, which do not know each other.
 * Owns: nothing.
 * RFC 8460 3: the record is looked up where sessions are counted, and cached there.
 * Must never make a collector that the operator has not named. */
#ifndef DANEWAY_WIRE_COLLECTOR_H
#define DANEWAY_WIRE_COLLECTOR_H

#include "daneway/settings.h"
#include "loop/loop.h"
#include "report/collector.h"
#include "resolve/resolve.h"

/* NULL if report.tlsrpt_socket is not set. Freed before the resolver. */
struct collector *wire_collector(const struct settings *settings, struct resolver *resolver,
                                 struct loop *loop);

#endif
