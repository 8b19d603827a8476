/* check: what only several options together, or the system, can tell to be wrong.
 * Owns: nothing.
 * Also fills in the host name, which intake and delivery share.
 * DANE-08: an AD bit is worth what the path to the resolver is worth. */
#include "conf/reader.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"

/* "FILE:LINE" of an option, "FILE" if it has its default. */
static const char *place(const struct reader *reader, const char *section, const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].name, name) == 0 &&
            reader->seen[i].line != 0)
            return arena_printf(reader->arena, "%s:%u", reader->path, reader->seen[i].line);
    return reader->path;
}

static int check_intake(const struct reader *reader, struct err *err_r)
{
    const struct intake_settings *intake = &reader->settings->intake;
    bool certificate = intake->certificate[0] != '\0', key = intake->key[0] != '\0';
    if (intake->listen_count == 0)
        return err_set(err_r, "%s: listen = {}; expected at least one address",
                       place(reader, "intake", "listen"));
    if (certificate && !key)
        return err_set(
            err_r, "%s: certificate is given without its key; expected key = \"/path\" beside it",
            place(reader, "intake", "certificate"));
    if (key && !certificate)
        return err_set(
            err_r,
            "%s: key is given without its certificate; expected certificate = \"/path\" beside it",
            place(reader, "intake", "key"));
    if (intake->require_tls && !certificate)
        return err_set(
            err_r,
            "%s: require_tls without a certificate refuses all mail; expected certificate and key",
            place(reader, "intake", "require_tls"));
    return 0;
}

static int check_resolver(const struct reader *reader, struct err *err_r)
{
    const struct resolver_settings *resolver = &reader->settings->resolver;
    if (resolver->mode != RESOLVER_LOOPBACK || resolver->trust_path ||
        address_is_loopback(&resolver->address))
        return 0;
    char text[ADDRESS_TEXT];
    return err_set(err_r,
                   "%s: address = \"%s\" is not on loopback, so its AD bit proves nothing; "
                   "expected a validating "
                   "resolver on loopback, or mode = \"validate\", or trust_path = true if the path "
                   "to it is safe",
                   place(reader, "resolver", "address"), address_format(&resolver->address, text));
}

static int check_queue(const struct reader *reader, struct err *err_r)
{
    const struct retry_settings *retry = &reader->settings->queue.retry;
    if (retry->min <= retry->max)
        return 0;
    bool max_given = strchr(place(reader, "queue", "retry_max"), ':') != NULL;
    return err_set(
        err_r, "%s: retry_min is %u, retry_max %u; expected retry_min not above retry_max",
        place(reader, "queue", max_given ? "retry_max" : "retry_min"), retry->min, retry->max);
}

/* Whoever asks learns what the operator's tables say, and makes this gateway look things up. */
static bool is_local(const struct listen_address *listen)
{
    static const struct address nowhere[] = {{.family = 4}, {.family = 6}};
    return listen->path != NULL || (address_is_loopback(&listen->address) &&
                                    !address_equal(&listen->address, &nowhere[0]) &&
                                    !address_equal(&listen->address, &nowhere[1]));
}

static int check_policy_service(const struct reader *reader, struct err *err_r)
{
    const struct policy_service_settings *service = &reader->settings->policy_service;
    for (size_t i = 0; !service->allow_public && i < service->listen_count; i++) {
        char text[ADDRESS_TEXT];
        if (!is_local(&service->listen[i]))
            return err_set(
                err_r,
                "%s: socketmap_listen has %s, which is not on loopback, and the protocol knows no "
                "passwords; expected a loopback address or \"unix:/path\", or allow_public = true "
                "if a packet filter lets nobody but your own mail servers ask",
                place(reader, "policy_service", "socketmap_listen"),
                address_format(&service->listen[i].address, text));
    }
    return 0;
}

/* What is shown there is for those who run the gateway; every user of the machine can reach the port. */
static int check_status(const struct reader *reader, struct err *err_r)
{
    const struct settings *settings = reader->settings;
    char text[ADDRESS_TEXT];
    if (settings->status_listen != NULL && !is_local(settings->status_listen))
        return err_set(err_r,
                       "%s: status_listen is %s, which is not on loopback; expected a loopback "
                       "address such as \"127.0.0.1:8025\" (from elsewhere: ssh -L)",
                       place(reader, "", "status_listen"),
                       address_format(&settings->status_listen->address, text));
    if (settings->status_listen != NULL && settings->status_token_file[0] == '\0')
        return err_set(err_r,
                       "%s: status_listen without status_token_file; expected status_token_file = "
                       "\"/path\" beside it, with what \"openssl rand -hex 32\" prints",
                       place(reader, "", "status_listen"));
    return 0;
}

/* A report signed for one domain and sent in the name of another would be believed by nobody. */
static int check_identity(const struct reader *reader, const struct identity_settings *identity,
                          struct err *err_r)
{
    const char *section = identity->domain[0] != '\0' ? "identity" : "report";
    bool named = identity->organization_name[0] != '\0',
         reachable = identity->contact_info[0] != '\0';
    if (identity->domain[0] != '\0' && !is_host_name(identity->domain))
        return err_set(err_r, "%s: identity \"%.60s\"; expected a domain such as \"example.org\"",
                       reader->path, identity->domain);
    if (identity->domain[0] != '\0' && (!named || !reachable))
        return err_set(
            err_r, "%s: identity \"%s\" has no %s; expected organization_name and contact_info",
            reader->path, identity->domain, named ? "contact_info" : "organization_name");
    if (identity->dkim_keys.count > 0 && !reachable)
        return err_set(err_r,
                       "%s: dkim_keys without contact_info, whose domain they sign for; expected "
                       "contact_info = \"tls-reports@example.org\" beside it",
                       place(reader, section, "dkim_keys"));
    return 0;
}

/* Section report is the first identity, of all senders that no other one is for. */
static int fill_report(const struct reader *reader, struct err *err_r)
{
    struct report_settings *report = &reader->settings->report;
    const struct policy_settings *policy = &reader->settings->delivery.policy;
    if (report->identity_count == 0) {
        report->identities = arena_alloc(reader->arena, sizeof(*report->identities));
        report->identity_count = 1;
    }
    report->identities[0] =
        (struct identity_settings){.domain = "",
                                   .organization_name = report->organization_name,
                                   .contact_info = report->contact_info,
                                   .dkim_keys = report->dkim_keys};
    report->allow_addresses = policy->allow_addresses;
    report->allow_address_count = policy->allow_address_count;
    for (size_t i = 0; i < report->identity_count; i++)
        if (check_identity(reader, &report->identities[i], err_r) != 0)
            return -1;
    return 0;
}

/* What the resolver must know follows from what delivery was told (DANE-18). */
static void fill_resolver(struct settings *settings)
{
    settings->resolver.tlsa_below_insecure_mx = settings->delivery.policy.dane_insecure_mx;
}

/* One list says which special addresses may be connected to, whatever for. */
static void fill_sts(struct settings *settings)
{
    settings->sts.allow_addresses = settings->delivery.policy.allow_addresses;
    settings->sts.allow_address_count = settings->delivery.policy.allow_address_count;
}

/* The canonical name of what the system calls itself, if that is a full one. */
static const char *system_host_name(struct arena *arena, const char *name)
{
    if (is_host_name(name))
        return arena_strdup(arena, name);
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (name[0] == '\0' || getaddrinfo(name, NULL, &hints, &found) != 0)
        return NULL;
    const char *canonical = found->ai_canonname;
    const char *result =
        canonical != NULL && is_host_name(canonical) ? arena_strdup(arena, canonical) : NULL;
    freeaddrinfo(found);
    return result;
}

static int fill_host_name(struct reader *reader, struct err *err_r)
{
    struct settings *settings = reader->settings;
    if (settings->hostname[0] == '\0') {
        char name[256] = "";
        (void)gethostname(name, sizeof(name) - 1);
        settings->hostname = system_host_name(reader->arena, name);
        if (settings->hostname == NULL)
            return err_set(err_r,
                           "%s: hostname is not given, and the system's name \"%s\" is not fully "
                           "qualified; expected "
                           "hostname = \"gw.example.org\"",
                           reader->path, name);
    }
    settings->intake.hostname = settings->delivery.hostname = settings->hostname;
    char *own = arena_strdup(reader->arena, settings->hostname);
    ascii_lower_text(own);
    const char **own_names = arena_alloc(reader->arena, 2 * sizeof(*own_names));
    own_names[0] = own;
    settings->delivery.policy.own_names = own_names;
    return 0;
}

int reader_check(struct reader *reader, struct err *err_r)
{
    if (check_intake(reader, err_r) != 0 || check_resolver(reader, err_r) != 0 ||
        check_queue(reader, err_r) != 0 || check_policy_service(reader, err_r) != 0 ||
        check_status(reader, err_r) != 0 || fill_report(reader, err_r) != 0)
        return -1;
    fill_resolver(reader->settings);
    fill_sts(reader->settings);
    return fill_host_name(reader, err_r);
}
