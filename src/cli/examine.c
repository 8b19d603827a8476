/* examine: evidence and plan for a next hop, live, in this process; with a probe also every host's
 * TLS.
 * Owns: a loop, a resolver and a conductor of its own while it runs. The conductor gets no spool:
 * it has nothing that it could deliver.
 * Must never send an envelope or a message. */
#include "cli/examine.h"

#include "base/cleanup.h"
#include "conf/conf.h"
#include "log/log.h"
#include "self.h"
#include "trust.h"
#include "wire_sts.h"

struct examination {
    const struct settings *settings;
    struct loop *loop;
    struct resolver *resolver;
    struct tls_client *tls;
    struct table *table, *shadow_table;
    struct mailboxes *mailboxes;
    struct trust *trust;
    struct self self;
    struct delivery_settings delivery;
    struct conductor *conductor;
    json_t *trace;
};

static void done(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    struct examination *examination = arg;
    json_error_t error;
    (void)delivery;
    if (outcome->trace != NULL)
        examination->trace = json_loads(outcome->trace, 0, &error);
    loop_stop(examination->loop);
}

static int begin(struct examination *examination, struct err *err_r)
{
    const struct settings *settings = examination->settings;
    examination->loop = loop_create();
    if (conf_read_table(&examination->table, settings->delivery.tls_policy, err_r) != 0 ||
        (*settings->delivery.tls_policy_shadow != '\0' &&
         conf_read_table(&examination->shadow_table, settings->delivery.tls_policy_shadow, err_r) !=
             0) ||
        conf_read_mailboxes(&examination->mailboxes, settings->delivery.mailboxes, err_r) != 0 ||
        trust_read(&examination->trust, settings, err_r) != 0 ||
        resolver_create(&examination->resolver, examination->loop, &settings->resolver, err_r) !=
            0 ||
        wire_sts(examination->resolver, settings, STS_USE_ONCE,
                 trust_roots(examination->trust, TRUST_POLICY_HOSTS), err_r) != 0 ||
        wire_memory(examination->resolver, settings, STS_USE_ONCE, err_r) != 0)
        return -1;
    self_find(&examination->self, settings);
    examination->delivery = self_delivery(&examination->self, settings);
    examination->delivery.policy.roots = trust_roots(examination->trust, TRUST_DELIVERY);
    examination->tls = tls_client_create();
    struct conductor_parts parts = {
        .loop = examination->loop,
        .resolver = examination->resolver,
        .tls = examination->tls,
        .settings = &examination->delivery,
    };
    examination->conductor = conductor_create(&parts);
    conductor_use_table(examination->conductor, examination->table);
    conductor_use_shadow_table(examination->conductor, examination->shadow_table);
    conductor_use_mailboxes(examination->conductor, examination->mailboxes);
    resolver_self_test_start(examination->resolver, NULL, NULL);
    return 0;
}

static void end(struct examination *examination)
{
    conductor_free(&examination->conductor);
    tls_client_free(&examination->tls);
    resolver_free(&examination->resolver);
    table_free(&examination->table);
    table_free(&examination->shadow_table);
    mailboxes_free(&examination->mailboxes);
    trust_free(&examination->trust);
    self_release(&examination->self);
    loop_free(&examination->loop);
}

int examine(const struct settings *settings, const struct examined *examined,
            enum attempt_mode mode, json_t **trace_r, struct err *err_r)
{
    struct examination examination = {.settings = settings};
    log_setup(LOG_LEVEL_ERROR, false, "daneway");
    if (begin(&examination, err_r) != 0) {
        end(&examination);
        return -1;
    }
    attempt_examine(examination.conductor, examined, mode, done, &examination);
    loop_run(examination.loop);
    end(&examination);
    *trace_r = examination.trace;
    return *trace_r != NULL
               ? 0
               : err_set(err_r, "%s: the look-up ended without a trace", examined->next_hop);
}
