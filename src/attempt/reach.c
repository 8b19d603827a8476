/* reach: see reach.h.
 * Owns: nothing by itself.
 * Must never take one host's silence, or one network without a route, for a family without one. */
#include "attempt/reach.h"

#include <stdio.h>
#include <string.h>

#include "log/log.h"

enum { LOST_MS = 60 * 1000, FOUND_MS = 60 * 1000, TOLD_MS = 600 * 1000 };

static unsigned place_of(uint8_t family)
{
    return family == 6;
}

static const char *name_of(uint8_t family)
{
    return family == 6 ? "IPv6" : "IPv4";
}

void reach_lost(struct reach *reach, uint8_t family, int64_t now_ms)
{
    unsigned place = place_of(family);
    if (reach->found_until[place] > now_ms)
        return;
    reach->lost_until[place] = now_ms + LOST_MS;
    if (!reach->lost[place])
        log_event(LOG_LEVEL_WARNING, "no-route",
                  "the gateway has no route by %s; the other family is tried alone, and this one "
                  "again each minute (inet_protocols can switch it off)",
                  name_of(family));
    reach->lost[place] = true;
}

void reach_found(struct reach *reach, uint8_t family, int64_t now_ms)
{
    unsigned place = place_of(family);
    if (reach->lost[place])
        log_event(LOG_LEVEL_INFO, "route", "the gateway has a route by %s again", name_of(family));
    reach->lost[place] = false;
    reach->lost_until[place] = 0;
    reach->found_until[place] = now_ms + FOUND_MS;
}

bool reach_has_route(const struct reach *reach, uint8_t family, int64_t now_ms)
{
    return reach->lost_until[place_of(family)] <= now_ms;
}

void reach_no_source(struct reach *reach, const char *source, const char *next_hop, int64_t now_ms)
{
    if (strcmp(reach->told, source) == 0 && now_ms - reach->told_at < TOLD_MS)
        return;
    snprintf(reach->told, sizeof(reach->told), "%s", source);
    reach->told_at = now_ms;
    struct log_line line;
    log_begin(&line, LOG_LEVEL_ERROR, "source-address-missing");
    log_text(&line, "source", source);
    log_text(&line, "next_hop", next_hop);
    log_text(&line, "text",
             "this machine does not have the address that mail to there is to come from; it waits");
    log_end(&line);
}
