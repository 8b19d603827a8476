/* settings: the configuration file as a value; each option of daneway.conf has its field here.
 * Owns: nothing; made and freed by src/conf/.
 * Names are those of the options, so that manual, file and code agree.
 * Must never change while the process runs: tables are reloaded, settings are not. */
#ifndef DANEWAY_SETTINGS_H
#define DANEWAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "daneway/policy.h"

struct listen_address {
    struct address address;
    uint16_t port;
    const char *path; /* of a Unix socket, in place of address and port; NULL */
};

struct intake_settings {
    const char *hostname;
    struct listen_address *listen;
    size_t listen_count;
    const char *clients;           /* path */
    const char *certificate, *key; /* "" : no STARTTLS */
    bool require_tls;
    bool requiretls;                           /* offer REQUIRETLS (RFC 8689) under TLS */
    bool requiretls_preflight, refuse_null_mx; /* refuse at RCPT what could only be returned */
    uint64_t message_size_limit;
    unsigned recipient_limit, connection_limit, client_connection_limit;
    unsigned command_timeout, data_timeout; /* seconds */
    unsigned error_limit, line_length_limit, hop_limit;
    bool bare_lf_normalize;
    bool binarymime; /* offer BINARYMIME */
    bool lenient_syntax;
    const char *postmaster; /* "" : none */
    uint64_t free_space_min;
};

enum resolver_mode { RESOLVER_LOOPBACK, RESOLVER_VALIDATE };
struct resolver_settings {
    enum resolver_mode mode;
    struct address address;
    uint16_t port;
    const char *trust_anchor;
    bool trust_path;
    unsigned timeout, cache_ttl_max, cname_limit; /* seconds, seconds, links */
    const char *self_test_secure, *self_test_bogus;
    unsigned self_test_interval;
    bool
        tlsa_below_insecure_mx; /* TLSA facts also for hosts below an insecure MX (DANE-18); follows dane_insecure_mx */
};

struct delivery_settings {
    const char *hostname; /* EHLO name */
    uint16_t port;
    const char *tls_policy; /* path */
    const char *mailboxes;  /* path */
    enum tls_level default_level;
    const char *tls_policy_shadow; /* path; "": none */
    enum tls_level shadow_level;   /* default level of the second rules, if ... */
    bool shadow_level_given;
    unsigned downgrade_memory, downgrade_memory_limit; /* seconds (0: none), hosts */
    const char *ca_file;
    struct address source_ipv4, source_ipv6; /* family 0: any */
    unsigned address_limit, destination_concurrency, concurrency;
    unsigned reuse_idle, reuse_lifetime;     /* seconds; reuse_idle 0: no session is used twice */
    unsigned reuse_messages, reuse_sessions; /* of one session; idle ones in all */
    bool tls_resumption;
    bool bdat_always; /* BDAT wherever it is offered, not only for binary content */
    unsigned reply_line_limit, reply_lines_limit;
    unsigned connect_timeout, greeting_timeout, ehlo_timeout, starttls_timeout, handshake_timeout,
        mail_timeout, rcpt_timeout, data_timeout, block_timeout, dot_timeout, quit_timeout;
    struct policy_settings policy; /* own names and addresses are filled in at start */
};

struct queue_settings {
    struct retry_settings retry;
    unsigned lifetime, notice_lifetime, probe_interval; /* seconds */
    unsigned delay_notice; /* seconds until a sender hears that his mail is late; 0: he does not */
    const char *bounce_nexthop; /* "[host]:port", or "" */
    uint64_t notice_size_limit;
    uint64_t small_message_size; /* octets; larger messages take several turns of their sender */
};

struct sts_settings {
    bool enabled;
    uint16_t port;             /* of the policy hosts */
    unsigned fetch_timeout;    /* seconds, from the first look-up to the last octet (STS-18) */
    const char *ca_file;       /* "": the system's trust store */
    unsigned refresh_interval; /* seconds (STS-38) */
    unsigned failure_memory;   /* seconds (STS-21) */
    unsigned cache_limit;      /* domains (STS-41) */
    const struct network *allow_addresses; /* special ones (delivery's list) */
    size_t allow_address_count;
};

struct policy_service_settings {
    struct listen_address *listen; /* socketmap_listen */
    size_t listen_count;
    bool allow_public; /* addresses that are not on loopback */
    unsigned connection_limit;
    unsigned request_timeout, answer_timeout; /* seconds */
};

/* Keys by which mailed reports are signed, each with its selector. */
struct dkim_key_file {
    const char *selector, *path;
};
struct dkim_key_list {
    struct dkim_key_file *keys;
    size_t count;
};
/* Who reports on the mail of whom. */
struct identity_settings {
    const char *domain; /* of the senders, and what is below it; "": all others */
    const char *organization_name, *contact_info;
    struct dkim_key_list dkim_keys;
};

struct report_settings {
    unsigned flush_interval;
    unsigned close_delay; /* seconds after midnight UTC */
    unsigned keep_days;
    const char *organization_name, *contact_info;
    const char *tlsrpt_socket; /* path; "": no collector */
    struct dkim_key_list dkim_keys;
    bool submit;
    bool all_receivers;     /* not only the first that accepts (RPT-08) */
    bool https_certificate; /* insist on a good one (RPT-43) */
    const char *ca_file;    /* for receivers; "": the system's trust store */
    unsigned spread, retry_first, retry_lifetime, https_timeout, suspend_time; /* seconds */
    unsigned suspend_after;                                                    /* reports */
    const struct network *allow_addresses; /* special ones (delivery's list) */
    size_t allow_address_count;
    struct identity_settings *identities; /* the first is that of section report, with domain "" */
    size_t identity_count;
    struct identity_settings reading; /* a section identity while it is read */
};

enum sandbox_mode { SANDBOX_REQUIRED, SANDBOX_WHEN_AVAILABLE, SANDBOX_LOG, SANDBOX_OFF };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct settings {
    const char *path; /* of the file read */
    const char *hostname, *user, *state_directory, *status_socket;
    struct listen_address *status_listen; /* NULL: the Unix socket alone */
    const char *status_token_file;        /* path; "" only without status_listen */
    bool status_commands;                 /* POST is taken at status_listen, too */
    unsigned workers;
    enum sandbox_mode sandbox;
    enum log_level log_level;
    bool log_json;
    struct intake_settings intake;
    struct resolver_settings resolver;
    struct delivery_settings delivery;
    struct queue_settings queue;
    struct sts_settings sts;
    struct policy_service_settings policy_service;
    struct report_settings report;
};

#endif
