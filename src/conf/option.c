/* option: the table of all options, with default, bounds and field.
 * Owns: that table; a unit test compares it with doc/daneway.conf.example. Bounds keep a typing
 * error from becoming a policy; they leave room for laboratories (short time-outs).
 * Must never differ from the manual. */
#include "conf/option.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

#define AT(field) offsetof(struct settings, field)
#define TEXT(section, name, initial, set, field)                                                   \
    {                                                                                              \
        section, name, initial, set, AT(field), 0, 0, NULL, NULL, false                            \
    }
#define NUMBER(section, name, initial, field, min, max)                                            \
    {                                                                                              \
        section, name, initial, set_number, AT(field), min, max, NULL, NULL, false                 \
    }
#define SIZE(section, name, initial, field, min, max)                                              \
    {                                                                                              \
        section, name, initial, set_size, AT(field), min, max, NULL, NULL, false                   \
    }
#define PORT(section, name, initial, field)                                                        \
    {                                                                                              \
        section, name, initial, set_port, AT(field), 1, 65535, NULL, NULL, false                   \
    }
#define CHOICE(section, name, initial, set, field, words)                                          \
    {                                                                                              \
        section, name, initial, set, AT(field), 0, 0, words, NULL, false                           \
    }
#define LIST(section, name, initial, set, field, expected)                                         \
    {                                                                                              \
        section, name, initial, set, AT(field), 0, 0, NULL, expected, true                         \
    }
#define SPECIAL(section, name, initial, set, field, expected)                                      \
    {                                                                                              \
        section, name, initial, set, AT(field), 0, 0, NULL, expected, false                        \
    }

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
#define TERABYTE 1099511627776u

static const char *const no_yes[] = {"false", "true", NULL};
static const char *const sandbox_modes[] = {"required", "when-available", "log", "off", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const bare_lf[] = {"refuse", "normalize", NULL};
static const char *const txt_errors[] = {"defer", "continue", NULL};
static const char *const binary_or_always[] = {"binary", "always", NULL};
static const char *const protocols[] = {"all", "ipv4", "ipv6", NULL};
static const char *const preferences[] = {"ipv6", "ipv4", "any", NULL};
static const char *const log_or_hold[] = {"log", "hold", NULL};
static const char *const dane_or_both[] = {"dane", "both", NULL};
static const char *const resolver_modes[] = {"loopback", "validate", NULL};

static const char *const first_or_all[] = {"first", "all", NULL};
static const char *const ignore_or_insist[] = {"ignore", "insist", NULL};

static const char host_name[] = "a fully qualified host name such as \"gw.example.org\"";
static const char path[] = "a path that begins with \"/\"";
static const char optional_path[] = "a path that begins with \"/\", or \"\"";
static const char mailbox[] = "an address such as \"postmaster@example.org\", or \"\"";
static const char level[] =
    "auto, none, may, encrypt, dane, dane-only, verify, secure or authenticated";
static const char shadow_level[] =
    "auto, none, may, encrypt, dane, dane-only, verify, secure or authenticated, or \"\"";
static const char dkim_key[] =
    "a selector and the path of a key, such as \"2026a:/etc/daneway/2026a.pem\"";
static const char network[] =
    "a network such as \"10.0.0.0/8\" with no bit set behind its length, or an address";

const struct option options[] = {
    SPECIAL("", "hostname", "", set_host_name, hostname, host_name),
    SPECIAL("", "user", "daneway", set_user, user, "the name of a user"),
    NUMBER("", "workers", "0", workers, 0, 1024),
    SPECIAL("", "state_directory", "/var/lib/daneway", set_path, state_directory, path),
    SPECIAL("", "status_socket", "/run/daneway/status.sock", set_socket_path, status_socket,
            "a path that begins with \"/\", of at most 107 octets"),
    SPECIAL("", "status_listen", "", set_status_listen, status_listen,
            "a loopback address with a port, such as \"127.0.0.1:8025\", or \"\""),
    SPECIAL("", "status_token_file", "", set_optional_path, status_token_file, optional_path),
    CHOICE("", "status_commands", "false", set_switch, status_commands, no_yes),
    CHOICE("", "sandbox", "when-available", set_choice, sandbox, sandbox_modes),
    CHOICE("", "log_level", "info", set_choice, log_level, log_levels),
    CHOICE("", "log_format", "text", set_switch, log_json, log_formats),

    LIST("intake", "listen", "127.0.0.1:25 [::1]:25", set_listen, intake.listen,
         "an address with a port, such as \"127.0.0.1:25\" or \"[::1]:25\", each once"),
    SPECIAL("intake", "clients", "/etc/daneway/clients", set_path, intake.clients, path),
    SPECIAL("intake", "certificate", "", set_optional_path, intake.certificate, optional_path),
    SPECIAL("intake", "key", "", set_optional_path, intake.key, optional_path),
    CHOICE("intake", "require_tls", "false", set_switch, intake.require_tls, no_yes),
    CHOICE("intake", "requiretls", "true", set_switch, intake.requiretls, no_yes),
    CHOICE("intake", "requiretls_preflight", "false", set_switch, intake.requiretls_preflight,
           no_yes),
    CHOICE("intake", "refuse_null_mx", "true", set_switch, intake.refuse_null_mx, no_yes),
    SIZE("intake", "message_size_limit", "52428800", intake.message_size_limit, 1024, TERABYTE),
    NUMBER("intake", "recipient_limit", "1000", intake.recipient_limit, 100, 1000000),
    NUMBER("intake", "connection_limit", "1000", intake.connection_limit, 1, 1000000),
    NUMBER("intake", "client_connection_limit", "100", intake.client_connection_limit, 1, 1000000),
    NUMBER("intake", "command_timeout", "300", intake.command_timeout, 1, DAY),
    NUMBER("intake", "data_timeout", "180", intake.data_timeout, 1, DAY),
    NUMBER("intake", "error_limit", "20", intake.error_limit, 1, 1000000),
    NUMBER("intake", "line_length_limit", "1000", intake.line_length_limit, 1000, 1048576),
    NUMBER("intake", "hop_limit", "100", intake.hop_limit, 1, 10000),
    CHOICE("intake", "bare_lf", "refuse", set_switch, intake.bare_lf_normalize, bare_lf),
    CHOICE("intake", "binarymime", "false", set_switch, intake.binarymime, no_yes),
    CHOICE("intake", "lenient_syntax", "false", set_switch, intake.lenient_syntax, no_yes),
    SPECIAL("intake", "postmaster", "", set_mailbox, intake.postmaster, mailbox),
    SIZE("intake", "free_space_min", "104857600", intake.free_space_min, 0, 1024 * TERABYTE),

    CHOICE("resolver", "mode", "loopback", set_choice, resolver.mode, resolver_modes),
    SPECIAL("resolver", "address", "127.0.0.1", set_address, resolver.address, "an IP address"),
    PORT("resolver", "port", "53", resolver.port),
    SPECIAL("resolver", "trust_anchor", "/usr/share/dns/root.key", set_path, resolver.trust_anchor,
            path),
    CHOICE("resolver", "trust_path", "false", set_switch, resolver.trust_path, no_yes),
    NUMBER("resolver", "timeout", "12", resolver.timeout, 1, 5 * MINUTE),
    NUMBER("resolver", "cache_ttl_max", "86400", resolver.cache_ttl_max, 0, 7 * DAY),
    NUMBER("resolver", "cname_limit", "10", resolver.cname_limit, 1, 100),
    SPECIAL("resolver", "self_test_secure", ".", set_optional_domain, resolver.self_test_secure,
            "a domain name, \".\" or \"\""),
    SPECIAL("resolver", "self_test_bogus", "dnssec-failed.org", set_optional_domain,
            resolver.self_test_bogus, "a domain name, or \"\""),
    NUMBER("resolver", "self_test_interval", "600", resolver.self_test_interval, 1, DAY),

    PORT("delivery", "port", "25", delivery.port),
    SPECIAL("delivery", "tls_policy", CONF_DEFAULT_TABLE, set_path, delivery.tls_policy, path),
    SPECIAL("delivery", "mailboxes", CONF_DEFAULT_MAILBOXES, set_path, delivery.mailboxes, path),
    SPECIAL("delivery", "default_level", "auto", set_level, delivery.default_level, level),
    SPECIAL("delivery", "tls_policy_shadow", "", set_optional_path, delivery.tls_policy_shadow,
            optional_path),
    SPECIAL("delivery", "shadow_level", "", set_shadow_level, delivery.shadow_level, shadow_level),
    CHOICE("delivery", "on_downgrade", "log", set_switch, delivery.policy.hold_downgrades,
           log_or_hold),
    NUMBER("delivery", "downgrade_memory", "7776000", delivery.downgrade_memory, 0, 3650 * DAY),
    NUMBER("delivery", "downgrade_memory_limit", "200000", delivery.downgrade_memory_limit, 1,
           100000000),
    SPECIAL("delivery", "ca_file", "", set_optional_path, delivery.ca_file, optional_path),
    LIST("delivery", "allow_addresses", "", set_network, delivery.policy.allow_addresses, network),
    SPECIAL("delivery", "source_address_ipv4", "", set_ipv4, delivery.source_ipv4,
            "an IPv4 address, or \"\""),
    SPECIAL("delivery", "source_address_ipv6", "", set_ipv6, delivery.source_ipv6,
            "an IPv6 address, or \"\""),
    CHOICE("delivery", "inet_protocols", "all", set_choice, delivery.policy.inet_protocols,
           protocols),
    CHOICE("delivery", "address_preference", "ipv6", set_choice, delivery.policy.address_preference,
           preferences),
    NUMBER("delivery", "address_limit", "10", delivery.address_limit, 1, 1000),
    NUMBER("delivery", "destination_concurrency", "20", delivery.destination_concurrency, 1,
           100000),
    NUMBER("delivery", "concurrency", "200", delivery.concurrency, 1, 100000),
    NUMBER("delivery", "reuse_idle", "5", delivery.reuse_idle, 0, HOUR),
    NUMBER("delivery", "reuse_messages", "1000", delivery.reuse_messages, 1, 1000000),
    NUMBER("delivery", "reuse_lifetime", "300", delivery.reuse_lifetime, 1, DAY),
    NUMBER("delivery", "reuse_sessions", "200", delivery.reuse_sessions, 0, 100000),
    CHOICE("delivery", "tls_resumption", "true", set_switch, delivery.tls_resumption, no_yes),
    CHOICE("delivery", "use_bdat", "binary", set_switch, delivery.bdat_always, binary_or_always),
    CHOICE("delivery", "dane_insecure_mx", "false", set_switch, delivery.policy.dane_insecure_mx,
           no_yes),
    SPECIAL("delivery", "dane_digests", "sha512 sha256", set_digests, delivery.policy.digests,
            "sha512 and sha256, or one of them"),
    NUMBER("delivery", "reply_line_limit", "4096", delivery.reply_line_limit, 512, 1048576),
    NUMBER("delivery", "reply_lines_limit", "200", delivery.reply_lines_limit, 1, 100000),
    NUMBER("delivery", "connect_timeout", "30", delivery.connect_timeout, 1, HOUR),
    NUMBER("delivery", "greeting_timeout", "300", delivery.greeting_timeout, 1, HOUR),
    NUMBER("delivery", "ehlo_timeout", "300", delivery.ehlo_timeout, 1, HOUR),
    NUMBER("delivery", "starttls_timeout", "300", delivery.starttls_timeout, 1, HOUR),
    NUMBER("delivery", "handshake_timeout", "60", delivery.handshake_timeout, 1, HOUR),
    NUMBER("delivery", "mail_timeout", "300", delivery.mail_timeout, 1, HOUR),
    NUMBER("delivery", "rcpt_timeout", "300", delivery.rcpt_timeout, 1, HOUR),
    NUMBER("delivery", "data_timeout", "120", delivery.data_timeout, 1, HOUR),
    NUMBER("delivery", "block_timeout", "180", delivery.block_timeout, 1, HOUR),
    NUMBER("delivery", "dot_timeout", "600", delivery.dot_timeout, 1, 6 * HOUR),
    NUMBER("delivery", "quit_timeout", "10", delivery.quit_timeout, 1, HOUR),

    NUMBER("queue", "retry_first", "600", queue.retry.first, 0, HOUR),
    NUMBER("queue", "retry_min", "1800", queue.retry.min, 1, DAY),
    NUMBER("queue", "retry_max", "10800", queue.retry.max, 1, 7 * DAY),
    NUMBER("queue", "lifetime", "432000", queue.lifetime, 1, 60 * DAY),
    NUMBER("queue", "notice_lifetime", "86400", queue.notice_lifetime, 1, 60 * DAY),
    NUMBER("queue", "delay_notice", "14400", queue.delay_notice, 0, 60 * DAY),
    NUMBER("queue", "probe_interval", "300", queue.probe_interval, 1, DAY),
    SPECIAL(
        "queue", "bounce_nexthop", "", set_next_hop, queue.bounce_nexthop,
        "a host in brackets with or without a port, such as \"[mail.example.org]:25\", or \"\""),
    SIZE("queue", "small_message_size", "32768", queue.small_message_size, 1024, 1048576),
    SIZE("queue", "notice_size_limit", "65536", queue.notice_size_limit, 0, 262144),

    CHOICE("sts", "enabled", "true", set_switch, sts.enabled, no_yes),
    PORT("sts", "port", "443", sts.port),
    NUMBER("sts", "fetch_timeout", "60", sts.fetch_timeout, 1, 10 * MINUTE),
    SPECIAL("sts", "ca_file", "", set_optional_path, sts.ca_file, optional_path),
    CHOICE("sts", "txt_error", "defer", set_switch, delivery.policy.sts_txt_error_continue,
           txt_errors),
    CHOICE("sts", "requiretls_testing", "false", set_switch, delivery.policy.requiretls_sts_testing,
           no_yes),
    CHOICE("sts", "dane_sts", "dane", set_switch, delivery.policy.dane_sts_both, dane_or_both),
    NUMBER("sts", "refresh_interval", "86400", sts.refresh_interval, 1, 7 * DAY),
    NUMBER("sts", "failure_memory", "300", sts.failure_memory, 1, DAY),
    NUMBER("sts", "cache_limit", "10000", sts.cache_limit, 1, 10000000),

    LIST("policy_service", "socketmap_listen", "", set_socketmap_listen, policy_service.listen,
         "an address with a port, such as \"127.0.0.1:8461\", or \"unix:/path\" of at most 107 "
         "octets, each once"),
    CHOICE("policy_service", "allow_public", "false", set_switch, policy_service.allow_public,
           no_yes),
    NUMBER("policy_service", "connection_limit", "200", policy_service.connection_limit, 1, 100000),
    NUMBER("policy_service", "request_timeout", "10", policy_service.request_timeout, 1, HOUR),
    NUMBER("policy_service", "answer_timeout", "60", policy_service.answer_timeout, 1, HOUR),

    NUMBER("report", "flush_interval", "1", report.flush_interval, 1, HOUR),
    NUMBER("report", "close_delay", "1200", report.close_delay, 0, 12 * HOUR),
    NUMBER("report", "keep_days", "90", report.keep_days, 3, 36500),
    SPECIAL("report", "organization_name", "", set_text, report.organization_name,
            "a text without control octets"),
    SPECIAL("report", "contact_info", "", set_mailbox, report.contact_info, mailbox),
    SPECIAL("report", "tlsrpt_socket", "", set_optional_socket_path, report.tlsrpt_socket,
            "a path that begins with \"/\", of at most 107 octets, or \"\""),
    LIST("report", "dkim_keys", "", set_dkim_key, report.dkim_keys, dkim_key),
    CHOICE("report", "submit", "true", set_switch, report.submit, no_yes),
    CHOICE("report", "tlsrpt_rua", "first", set_switch, report.all_receivers, first_or_all),
    NUMBER("report", "spread", "14400", report.spread, 0, DAY),
    NUMBER("report", "retry_first", "300", report.retry_first, 1, DAY),
    NUMBER("report", "retry_lifetime", "86400", report.retry_lifetime, 1, 7 * DAY),
    NUMBER("report", "https_timeout", "60", report.https_timeout, 1, 10 * MINUTE),
    CHOICE("report", "https_certificate", "ignore", set_switch, report.https_certificate,
           ignore_or_insist),
    SPECIAL("report", "ca_file", "", set_optional_path, report.ca_file, optional_path),
    NUMBER("report", "suspend_after", "7", report.suspend_after, 1, 365),
    NUMBER("report", "suspend_time", "2592000", report.suspend_time, 1, 365 * DAY),

    SPECIAL("identity", "organization_name", "", set_text, report.reading.organization_name,
            "a text without control octets"),
    SPECIAL("identity", "contact_info", "", set_mailbox, report.reading.contact_info, mailbox),
    LIST("identity", "dkim_keys", "", set_dkim_key, report.reading.dkim_keys, dkim_key),
};
const size_t option_count = sizeof(options) / sizeof(options[0]);

static void list_words(const char *const *words, char *text_r, size_t size)
{
    size_t used = 0;
    for (; *words != NULL && used < size; words++) {
        const char *before = used == 0 ? "" : words[1] == NULL ? " or " : ", ";
        int length = snprintf(text_r + used, size - used, "%s%s", before, *words);
        used += length > 0 ? (size_t)length : 0;
    }
}

void option_expected(const struct option *option, char *text_r, size_t size)
{
    if (option->expected != NULL)
        snprintf(text_r, size, "%s", option->expected);
    else if (option->words != NULL)
        list_words(option->words, text_r, size);
    else
        snprintf(text_r, size, "a number from %llu to %llu", (unsigned long long)option->min,
                 (unsigned long long)option->max);
}
