/* doctor_network: what others must be asked for: the resolver, this host's name in the DNS, a mail host at port 25.
 * Owns: a loop and a resolver while a check runs.
 * The gateway's own settings are used, so that what works here works there.
 * Must never connect to a mail host that the operator has not named. */
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "cli/examine.h"
#include "cli/render.h"
#include "log/log.h"
#include "resolve/lookup.h"

static void stop(void *loop)
{
    loop_stop(loop);
}

void doctor_check_resolver(struct doctor *doctor)
{
    CLEANUP(loop_free) struct loop *loop = loop_create();
    CLEANUP(resolver_free) struct resolver *resolver = NULL;
    struct err err;
    log_setup(LOG_LEVEL_ERROR, false, "daneway");
    if (resolver_create(&resolver, loop, &doctor->settings->resolver, &err) != 0) {
        doctor_find(
            doctor, HEALTH_BAD, "resolver", err.text,
            "A validating resolver on this machine, such as unbound; see section resolver.");
        return;
    }
    resolver_self_test_start(resolver, stop, loop);
    loop_run(loop);
    const struct resolver_health *health = resolver_health(resolver);
    if (health->validating)
        doctor_find(doctor, HEALTH_GOOD, "resolver", "reachable, and it validates DNSSEC", NULL);
    else
        doctor_find(
            doctor, HEALTH_BAD, "resolver", health->why,
            "Without validation nothing is verified by DANE. Is the resolver running, and are its "
            "trust anchor and the clock right?");
}

/* --- the name of this host ------------------------------------------------------------------------ */

/* Does the address lead back to the name? As the system looks it up: the receivers' view is another one anyway. */
static bool leads_back(const struct addrinfo *address, const char *name, char found_r[NI_MAXHOST])
{
    found_r[0] = '\0';
    return getnameinfo(address->ai_addr, address->ai_addrlen, found_r, NI_MAXHOST, NULL, 0,
                       NI_NAMEREQD) == 0 &&
           strcasecmp(found_r, name) == 0;
}

static void judge_addresses(struct doctor *doctor, const struct addrinfo *list, const char *name)
{
    bool fine = true;
    for (; list != NULL; list = list->ai_next) {
        char found[NI_MAXHOST], text[NI_MAXHOST];
        if (leads_back(list, name, found))
            continue;
        fine = false;
        getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        doctor_find(doctor, HEALTH_WARNING, "hostname",
                    found[0] != '\0'
                        ? arena_printf(doctor->arena, "%s is %s, and that is %s", name, text, found)
                        : arena_printf(doctor->arena, "%s is %s, and that has no name", name, text),
                    "Many receivers refuse that: a PTR record with this name. Behind a translating "
                    "router the "
                    "public address is what counts.");
    }
    if (fine)
        doctor_find(doctor, HEALTH_GOOD, "hostname",
                    arena_printf(doctor->arena, "%s has addresses, and they lead back to it", name),
                    NULL);
}

void doctor_check_hostname(struct doctor *doctor)
{
    const char *name = doctor->settings->delivery.hostname;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int trouble = getaddrinfo(name, NULL, &hints, &list);
    if (trouble != 0) {
        doctor_find(doctor, HEALTH_WARNING, "hostname",
                    arena_printf(doctor->arena, "%s, by which this gateway says EHLO: %s", name,
                                 gai_strerror(trouble)),
                    "Publish its address, and a PTR record that leads back; or set hostname.");
        return;
    }
    judge_addresses(doctor, list, name);
    freeaddrinfo(list);
}

/* --- outward -------------------------------------------------------------------------------------- */

static bool greeted(json_t *tried)
{
    json_t *event;
    size_t i;
    json_array_foreach(json_object_get(tried, "events"), i, event) {
        if (json_text_is(event, "what", "greeting"))
            return true;
    }
    return json_object_get(tried, "helo") != NULL;
}

static void judge_probe(struct doctor *doctor, json_t *trace)
{
    json_t *tried, *list = json_object_get(trace, "tried");
    size_t i, good = 0;
    json_array_foreach(list, i, tried) {
        good += greeted(tried);
    }
    if (good > 0)
        doctor_find(doctor, HEALTH_GOOD, "port",
                    arena_printf(doctor->arena, "%zu of %zu addresses for %s answered", good,
                                 json_array_size(list), doctor->probed),
                    NULL);
    else
        doctor_find(doctor, HEALTH_BAD, "port",
                    arena_printf(doctor->arena, "no mail host of %s was reached", doctor->probed),
                    "Many providers close port 25 outward: ask for it to be opened, and see the "
                    "firewall. daneway "
                    "probe shows what happened.");
}

void doctor_check_port(struct doctor *doctor)
{
    json_t *trace = NULL;
    struct err err;
    if (doctor->probed == NULL) {
        doctor_find(doctor, HEALTH_UNKNOWN, "port",
                    "whether port 25 is open outward has not been tried",
                    "--to DOMAIN connects to the mail hosts of that domain, and sends nothing.");
        return;
    }
    const struct examined examined = {.next_hop = doctor->probed};
    if (examine(doctor->settings, &examined, ATTEMPT_PROBE, &trace, &err) != 0)
        doctor_find(doctor, HEALTH_UNKNOWN, "port", err.text, "See above.");
    else
        judge_probe(doctor, trace);
    json_decref(trace);
}
