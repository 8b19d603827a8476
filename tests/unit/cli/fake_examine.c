/* fake_examine: answers a look-up with a trace that says what was asked for, instead of asking the
 * network. */
#include "cli/examine.h"

#include <string.h>

int examine(const struct settings *settings, const struct examined *examined,
            enum attempt_mode mode, json_t **trace_r, struct err *err_r)
{
    (void)settings;
    const char *next_hop = examined->next_hop;
    bool good = strncmp(next_hop, "good", 4) == 0;
    if (strncmp(next_hop, "broken", 6) == 0)
        return err_set(err_r, "no resolver");
    *trace_r =
        json_pack("{ss s{ss}}", "next_hop", next_hop, "plan", "action", good ? "try" : "defer");
    if (examined->recipient != NULL)
        json_object_set_new(*trace_r, "recipient", json_string(examined->recipient));
    if (examined->sender != NULL)
        json_object_set_new(*trace_r, "sender", json_string(examined->sender));
    if (examined->requiretls)
        json_object_set_new(*trace_r, "requiretls", json_true());
    if (mode == ATTEMPT_PROBE)
        json_object_set_new(
            *trace_r, "tried",
            json_pack("[{s{ss}}]", "verdict", "action", good ? "go-on" : "skip-host"));
    return 0;
}
