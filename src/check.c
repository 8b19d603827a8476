/* check: is the configuration such that the daemon could start with it? Owns: nothing. What
 * conf_read cannot see: the files that the settings name, and what the stations refuse at their
 * start.
 * Must never ask the network. */
#include "check.h"

#include "base/cleanup.h"
#include "conf/conf.h"
#include "intake/clients.h"
#include "loop/loop.h"
#include "report/identity.h"
#include "resolve/resolve.h"
#include "role.h"
#include "tls/stream.h"
#include "trust.h"

int check_tables(const struct settings *settings, struct err *err_r)
{
    CLEANUP(table_free) struct table *table = NULL;
    CLEANUP(table_free) struct table *shadow = NULL;
    CLEANUP(clients_free) struct clients *clients = NULL;
    if (*settings->delivery.tls_policy_shadow != '\0' &&
        conf_read_table(&shadow, settings->delivery.tls_policy_shadow, err_r) != 0)
        return -1;
    if (conf_read_table(&table, settings->delivery.tls_policy, err_r) != 0)
        return -1;
    CLEANUP(mailboxes_free) struct mailboxes *mailboxes = NULL;
    if (conf_read_mailboxes(&mailboxes, settings->delivery.mailboxes, err_r) != 0)
        return -1;
    if (clients_read(&clients, settings->intake.clients, err_r) != 0)
        return -1;
    bool tls = *settings->intake.certificate != '\0';
    return tls ? 0 : clients_check_without_tls(clients, err_r);
}

static int check_key(const struct intake_settings *intake, struct err *err_r)
{
    CLEANUP(tls_server_free) struct tls_server *server = NULL;
    if (*intake->certificate == '\0')
        return 0;
    return tls_server_create(&server, intake->certificate, intake->key, err_r);
}

static int check_trust(const struct settings *settings, struct err *err_r)
{
    CLEANUP(trust_free) struct trust *trust = NULL;
    return trust_read(&trust, settings, err_r);
}

static int check_resolver(const struct resolver_settings *settings, struct err *err_r)
{
    CLEANUP(loop_free) struct loop *loop = loop_create();
    CLEANUP(resolver_free) struct resolver *resolver = NULL;
    return resolver_create(&resolver, loop, settings, err_r);
}

static int check_reports(const struct report_settings *settings, struct err *err_r)
{
    CLEANUP(identity_keys_free) struct identity_keys *keys = NULL;
    return identity_keys_read(&keys, settings, err_r);
}

int check_all(const struct settings *settings, struct err *err_r)
{
    if (check_tables(settings, err_r) != 0 || role_check_tables(settings, err_r) != 0 ||
        check_key(&settings->intake, err_r) != 0)
        return -1;
    if (check_trust(settings, err_r) != 0 || check_reports(&settings->report, err_r) != 0)
        return -1;
    return check_resolver(&settings->resolver, err_r);
}
