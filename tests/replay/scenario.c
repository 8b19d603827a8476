/* scenario: reads the files of tests/replay/; the language is told in tests/replay/README.
 * Owns: the one scenario of the process.
 * Each line is a word and what belongs to it; anything unknown is an error, so that a slip does not pass as a test.
 * Must never guess. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "smtp/dsn.h"

enum { HOSTS_MAX = 16, RECIPIENTS_MAX = 2000, LIST_MAX = 200, CONTENT_MAX = 32 * 1024 * 1024 };

struct scenario scenario;
static struct evidence_host hosts[HOSTS_MAX];
static struct seen_host seen_hosts[HOSTS_MAX];
static const char *own_names[LIST_MAX + 1];
static struct address own_addresses[LIST_MAX];

void differs(unsigned line, const char *format, ...)
{
    va_list arguments;
    printf("  %s:%u: ", scenario.file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    scenario.failures++;
}

bool matches(const char *pattern, const char *text)
{
    for (; *pattern != '*'; pattern++, text++) {
        if (*pattern != *text)
            return false;
        if (*pattern == '\0')
            return true;
    }
    for (;; text++) {
        if (matches(pattern + 1, text))
            return true;
        if (*text == '\0')
            return false;
    }
}

size_t split_words(char *line, char *words[WORDS_MAX])
{
    size_t count = 0;
    for (char *word = strtok(line, " \t"); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " \t"))
        words[count++] = word;
    return count;
}

/* \r \n \t \0 \\ and \xHH */
char *unescape(const char *text, size_t *length_r)
{
    char *out = x_malloc(strlen(text) + 1);
    size_t length = 0;
    for (; *text != '\0'; text++) {
        unsigned value;
        if (*text != '\\') {
            out[length++] = *text;
        } else if (text[1] == 'x' && sscanf(text + 2, "%2x", &value) == 1) {
            out[length++] = (char)value;
            text += 3;
        } else {
            text++;
            out[length++] = *text == 'r'   ? '\r'
                            : *text == 'n' ? '\n'
                            : *text == 't' ? '\t'
                            : *text == '0' ? '\0'
                                           : *text;
        }
    }
    out[length] = '\0';
    *length_r = length;
    return out;
}

/* --- evidence ------------------------------------------------------------------------------------- */

static int read_fact(const char *word, struct dns_fact *fact_r)
{
    static const struct {
        const char *word;
        struct dns_fact fact;
    } words[] = {
        {"secure", {DNS_SECURE, DNS_FOUND, 300, NULL}},
        {"insecure", {DNS_INSECURE, DNS_FOUND, 300, NULL}},
        {"none", {DNS_SECURE, DNS_NO_DATA, 300, NULL}},
        {"nxdomain", {DNS_INSECURE, DNS_NO_NAME, 300, NULL}},
        {"bogus", {DNS_BOGUS, DNS_FOUND, 0, "validation failed"}},
        {"failed", {DNS_FAILED, DNS_FOUND, 0, "SERVFAIL from 127.0.0.1"}},
        {"not-asked", {DNS_NOT_ASKED, DNS_FOUND, 0, NULL}},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].word, word) == 0) {
            *fact_r = words[i].fact;
            return 0;
        }
    return -1;
}

static struct evidence_host *add_host(const char *name, uint16_t preference)
{
    if (scenario.evidence.host_count == HOSTS_MAX)
        return NULL;
    struct evidence_host *host = &hosts[scenario.evidence.host_count++];
    host->name = host->expanded = arena_strdup(scenario.arena, strcmp(name, ".") == 0 ? "" : name);
    host->preference = preference;
    struct address literal;
    host->is_literal = address_parse(name, &literal) == 0;
    return host;
}

/* mx STATUS [PREFERENCE NAME]... | mx null | mx implicit STATUS */
static int read_mx(char *words[], size_t count)
{
    if (count == 0)
        return -1;
    if (strcmp(words[0], "null") == 0) {
        scenario.evidence.null_mx = true;
        return read_fact(count == 2 ? words[1] : "secure", &scenario.evidence.mx);
    }
    if (strcmp(words[0], "implicit") == 0 && count == 2) {
        scenario.evidence.implicit_mx = true;
        add_host(scenario.next_hop, 0);
        int rc = read_fact(words[1], &scenario.evidence.mx);
        scenario.evidence.mx.presence = DNS_NO_DATA;
        return rc;
    }
    for (size_t i = 1; i + 1 < count; i += 2)
        if (add_host(words[i + 1], (uint16_t)atoi(words[i])) == NULL)
            return -1;
    return count % 2 == 1 ? read_fact(words[0], &scenario.evidence.mx) : -1;
}

static struct evidence_host *find_host(const char *name)
{
    for (size_t i = 0; i < scenario.evidence.host_count; i++)
        if (strcmp(hosts[i].name, name) == 0)
            return &hosts[i];
    bool has_mx = scenario.evidence.mx.status != DNS_NOT_ASKED;
    return !has_mx || scenario.next_hop[0] == '[' ? add_host(name, 0) : NULL;
}

static int read_tlsa(struct evidence_host *host, char *words[], size_t count)
{
    host->tlsa_base = host->name;
    if (count == 0)
        return -1;
    if (count == 1 && read_fact(words[0], &host->tlsa) == 0)
        return 0;
    read_fact("secure", &host->tlsa);
    host->tlsa_records = arena_alloc(scenario.arena, count * sizeof(*host->tlsa_records));
    for (size_t i = 0; i < count; i++)
        host->tlsa_records[host->tlsa_count++] = record_named(scenario.arena, words[i]);
    return 0;
}

/* host NAME STATUS ADDRESS... [expanded NAME] [tlsa WORD...] */
static int read_host(char *words[], size_t count)
{
    struct evidence_host *host = count >= 2 ? find_host(words[0]) : NULL;
    if (host == NULL || read_fact(words[1], &host->addresses_fact) != 0)
        return -1;
    host->addresses = arena_alloc(scenario.arena, count * sizeof(*host->addresses));
    for (size_t i = 2; i < count; i++) {
        if (strcmp(words[i], "tlsa") == 0)
            return read_tlsa(host, words + i + 1, count - i - 1);
        if (strcmp(words[i], "expanded") == 0 && i + 1 < count)
            host->expanded = arena_strdup(scenario.arena, words[++i]);
        else if (address_parse(words[i], &host->addresses[host->address_count++]) != 0)
            return -1;
    }
    if (host->addresses_fact.status == DNS_SECURE)
        read_fact("none", &host->tlsa);
    return 0;
}

/* sts none|testing|enforce [PATTERN]... [id=ID] [cached] [failure=REASON] | sts failed | sts no-policy [failure=REASON] */
static int read_sts(char *words[], size_t count)
{
    struct sts_evidence sts = {.source = STS_FETCHED, .fetched = REPLAY_EPOCH};
    const char **mx = arena_alloc(scenario.arena, (count + 1) * sizeof(*mx));
    sts.policy.mx = mx;
    sts.policy.max_age = 86400;
    sts.record_id = sts.id = "1";
    read_fact("insecure", &sts.record);
    if (count == 0)
        return -1;
    if (strcmp(words[0], "failed") == 0) {
        sts.source = STS_LOOKUP_FAILED;
        sts.record_id = sts.id = NULL;
        read_fact("failed", &sts.record);
    } else if (strcmp(words[0], "no-policy") == 0) {
        sts.source = STS_NO_POLICY;
        sts.id = NULL;
    } else {
        while (strcmp(sts_mode_name(sts.policy.mode), words[0]) != 0)
            if (sts.policy.mode++ == STS_MODE_ENFORCE)
                return -1;
    }
    for (size_t i = 1; i < count; i++) {
        if (strncmp(words[i], "id=", 3) == 0)
            sts.record_id = sts.id = arena_strdup(scenario.arena, words[i] + 3);
        else if (strncmp(words[i], "failure=", 8) == 0)
            sts.failure = reason_by_name(words[i] + 8);
        else if (strcmp(words[i], "cached") == 0)
            sts.source = STS_CACHED;
        else
            mx[sts.policy.mx_count++] = arena_strdup(scenario.arena, words[i]);
    }
    sts.expires = sts.fetched + sts.policy.max_age;
    const char **lines = arena_alloc(scenario.arena, (count + 4) * sizeof(*lines));
    lines[sts.policy.line_count++] = "version: STSv1";
    lines[sts.policy.line_count++] =
        arena_printf(scenario.arena, "mode: %s", sts_mode_name(sts.policy.mode));
    for (size_t i = 0; i < sts.policy.mx_count; i++)
        lines[sts.policy.line_count++] = arena_printf(scenario.arena, "mx: %s", mx[i]);
    lines[sts.policy.line_count++] = "max_age: 86400";
    sts.policy.lines = lines;
    scenario.evidence.sts = sts;
    return 0;
}

/* seen nothing | seen sts DAYS [expired] | seen HOST tls|dane|clear DAYS: so many days ago */
static int read_seen(char *words[], size_t count)
{
    struct seen *seen = &scenario.evidence.seen;
    seen->key = scenario.next_hop;
    seen->now = REPLAY_EPOCH;
    seen->hosts = seen_hosts;
    if (count == 1)
        return strcmp(words[0], "nothing");
    if (strcmp(words[0], "sts") == 0) {
        seen->sts = REPLAY_EPOCH - atoi(words[1]) * 86400;
        seen->sts_expires = REPLAY_EPOCH + (count == 3 ? -1 : 86400);
        return 0;
    }
    if (count != 3 || seen->host_count == HOSTS_MAX)
        return -1;
    struct seen_host *host = &seen_hosts[seen->host_count++];
    host->name = arena_strdup(scenario.arena, words[0]);
    host->met = REPLAY_EPOCH - atoi(words[2]) * 86400;
    host->tls = strcmp(words[1], "clear") != 0 ? host->met : 0;
    host->dane = strcmp(words[1], "dane") == 0 ? host->met : 0;
    return 0;
}

/* --- settings ------------------------------------------------------------------------------------- */

#define UNSIGNED_SETTINGS(X)                                                                       \
    X(address_limit, 10)                                                                           \
    X(destination_concurrency, 20)                                                                 \
    X(reply_line_limit, 4096)                                                                      \
    X(reply_lines_limit, 200)                                                                      \
    X(connect_timeout, 30)                                                                         \
    X(greeting_timeout, 300)                                                                       \
    X(ehlo_timeout, 300)                                                                           \
    X(starttls_timeout, 300)                                                                       \
    X(handshake_timeout, 60)                                                                       \
    X(mail_timeout, 300)                                                                           \
    X(rcpt_timeout, 300)                                                                           \
    X(data_timeout, 120)                                                                           \
    X(block_timeout, 180)                                                                          \
    X(dot_timeout, 600)                                                                            \
    X(quit_timeout, 10)                                                                            \
    X(reuse_idle, 0)                                                                               \
    X(reuse_messages, 1000)                                                                        \
    X(reuse_lifetime, 300)                                                                         \
    X(reuse_sessions, 100)

static int read_setting(const char *name, const char *value)
{
#define READ(option, standard)                                                                     \
    if (strcmp(name, #option) == 0) {                                                              \
        scenario.settings.option = (unsigned)atoi(value);                                          \
        return 0;                                                                                  \
    }
    UNSIGNED_SETTINGS(READ)
#undef READ
    if (strcmp(name, "dane_insecure_mx") == 0) {
        scenario.settings.policy.dane_insecure_mx = true;
        return 0;
    }
    struct policy_settings *policy = &scenario.settings.policy;
    if (strcmp(name, "inet_protocols") == 0) {
        policy->inet_protocols = strcmp(value, "ipv4") == 0 ? INET_IPV4 : INET_IPV6;
        return 0;
    }
    if (strcmp(name, "address_preference") == 0) {
        policy->address_preference = strcmp(value, "ipv4") == 0 ? PREFER_IPV4 : PREFER_ANY;
        return 0;
    }
    bool *switches[] = {&policy->dane_sts_both, &policy->sts_txt_error_continue,
                        &policy->requiretls_sts_testing, &policy->hold_downgrades,
                        &scenario.settings.bdat_always};
    static const char *const names[] = {"dane_sts_both", "sts_txt_error_continue",
                                        "requiretls_sts_testing", "hold_downgrades", "bdat_always"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *switches[i] = strcmp(value, "true") == 0;
            return 0;
        }
    if (strcmp(name, "hostname") == 0) {
        scenario.settings.hostname =
            strcmp(value, "none") == 0 ? "" : arena_strdup(scenario.arena, value);
        return 0;
    }
    return -1;
}

static void set_defaults(void)
{
    struct delivery_settings *settings = &scenario.settings;
#define SET(option, standard) settings->option = (standard);
    UNSIGNED_SETTINGS(SET)
#undef SET
    settings->hostname = "gw.example.net";
    settings->port = 25;
    settings->default_level = LEVEL_AUTO;
    memcpy(settings->policy.digests, (uint8_t[]){2, 1, 0}, 3);
    settings->policy.own_names = own_names;
    settings->policy.own_addresses = own_addresses;
    scenario.next_hop = "example.org";
    scenario.evidence.validating = true;
    scenario.evidence.hosts = hosts;
    scenario.envelope.sender = "sender@example.net";
    scenario.chunk = 256 * 1024;
    scenario.seed = 1;
    scenario.table.limit = scenario.shadow.limit = scenario.mailboxes.limit = CONTENT_MAX;
    scenario.envelope.arrival = REPLAY_EPOCH;
    scenario.queue.lifetime = scenario.queue.notice_lifetime = 432000;
    scenario.evidence.sts = (struct sts_evidence){.source = STS_NO_POLICY};
    scenario.content.limit = CONTENT_MAX;
    scenario.recipients = arena_alloc(scenario.arena, RECIPIENTS_MAX * sizeof(struct recipient));
    scenario.connections = arena_alloc(scenario.arena, LIST_MAX * sizeof(struct connection));
    scenario.expectations = arena_alloc(scenario.arena, LIST_MAX * sizeof(struct expectation));
}

static int read_own(const char *what)
{
    size_t names = 0;
    while (own_names[names] != NULL)
        names++;
    if (address_parse(what, &own_addresses[scenario.settings.policy.own_address_count]) == 0)
        scenario.settings.policy.own_address_count++;
    else
        own_names[names] = arena_strdup(scenario.arena, what);
    return 0;
}

/* --- message -------------------------------------------------------------------------------------- */

static int add_recipient(const char *address)
{
    struct recipient *recipient = &scenario.recipients[scenario.recipient_count++];
    recipient->address = arena_strdup(scenario.arena, address);
    return scenario.recipient_count < RECIPIENTS_MAX ? 0 : -1;
}

/* rcpt ADDRESS | rcpt COUNT of user%u@example.org */
static int read_recipient(const char *word)
{
    if (strchr(word, '@') != NULL)
        return add_recipient(word);
    for (int i = 1; i <= atoi(word); i++)
        if (add_recipient(arena_printf(scenario.arena, "user%d@example.org", i)) != 0)
            return -1;
    return 0;
}

/* content TEXT: a line of it; CRLF is added unless it ends with \c */
static int read_content(const char *text)
{
    size_t length;
    char *raw = unescape(text, &length);
    bool open = length > 0 && strlen(text) >= 2 && strcmp(text + strlen(text) - 2, "\\c") == 0;
    buffer_append(&scenario.content, raw, open ? length - 1 : length);
    if (!open)
        buffer_append(&scenario.content, "\r\n", 2);
    free(raw);
    return 0;
}

static int read_flag(const char *word)
{
    struct envelope *envelope = &scenario.envelope;
    if (strcmp(word, "8bit") == 0)
        envelope->has_8bit = true;
    else if (strcmp(word, "notice") == 0)
        envelope->notice = true;
    else if (strcmp(word, "tls-report") == 0)
        envelope->tls_report = true;
    else if (strcmp(word, "requiretls") == 0)
        envelope->requiretls = true;
    else if (strcmp(word, "tls-optional") == 0)
        envelope->tls_optional = true;
    else if (strcmp(word, "binary") == 0)
        envelope->body = BODY_BINARYMIME;
    else if (strcmp(word, "smtputf8") == 0)
        envelope->smtputf8 = true;
    else if (strcmp(word, "plain") == 0)
        envelope->has_8bit = envelope->notice = envelope->tls_report = envelope->requiretls =
            envelope->tls_optional = false;
    else
        return -1;
    return 0;
}

/* asks RET|- ENVID|- */
static int read_asks(const char *ret, const char *envid)
{
    struct envelope *envelope = &scenario.envelope;
    envelope->envid = strcmp(envid, "-") == 0 ? NULL : arena_strdup(scenario.arena, envid);
    envelope->ret = RETURN_UNSET;
    return strcmp(ret, "-") == 0 ? 0 : dsn_return_parse(slice_of(ret), &envelope->ret);
}

/* asks-rcpt NOTIFY|- ORCPT|- */
static int read_asks_rcpt(const char *notify, const char *orcpt)
{
    if (scenario.recipient_count == 0)
        return -1;
    struct recipient *recipient = &scenario.recipients[scenario.recipient_count - 1];
    recipient->orcpt = strcmp(orcpt, "-") == 0 ? NULL : arena_strdup(scenario.arena, orcpt);
    return strcmp(notify, "-") == 0 ? 0 : dsn_notify_parse(slice_of(notify), &recipient->notify);
}

/* --- connections ---------------------------------------------------------------------------------- */

static enum connect_kind connect_kind_of(const char *word)
{
    return strcmp(word, "ok") == 0          ? CONNECT_OK
           : strcmp(word, "refused") == 0   ? CONNECT_REFUSED
           : strcmp(word, "no-route") == 0  ? CONNECT_NO_ROUTE
           : strcmp(word, "no-source") == 0 ? CONNECT_NO_SOURCE
                                            : CONNECT_SILENT;
}

/* connect ADDRESS[:PORT] ok|refused|silent|no-route|no-source [cut N | from ADDRESS] */
static int read_connect(char *words[], size_t count, unsigned line)
{
    struct connection *connection = &scenario.connections[scenario.connection_count++];
    connection->line = line;
    connection->steps = arena_alloc(scenario.arena, LIST_MAX * sizeof(struct step));
    if (count < 2 || (address_parse(words[0], &connection->address) != 0 &&
                      address_port_parse(words[0], &connection->address, &connection->port) != 0))
        return -1;
    connection->kind = connect_kind_of(words[1]);
    if (count == 4 && strcmp(words[2], "from") == 0)
        return address_parse(words[3], &connection->source);
    if (count == 4 && strcmp(words[2], "cut") == 0)
        connection->cut = (unsigned)atoi(words[3]);
    return 0;
}

static int add_step(enum step_kind kind, const char *text, unsigned line)
{
    if (scenario.connection_count == 0)
        return -1;
    struct connection *connection = &scenario.connections[scenario.connection_count - 1];
    if (connection->step_count == LIST_MAX)
        return -1;
    if (kind == STEP_CLIENT && strcmp(text, "(content)") == 0)
        kind = STEP_CONTENT;
    else if (kind == STEP_CLIENT && strncmp(text, "(octets ", 8) == 0)
        kind = STEP_OCTETS;
    connection->steps[connection->step_count++] =
        (struct step){kind, arena_strdup(scenario.arena, text), line};
    return 0;
}

/* C: (rcpt FROM TO), S: (COUNT TEXT): many alike */
static int add_steps(enum step_kind kind, const char *text, unsigned line)
{
    int from, to, used = 0;
    if (sscanf(text, "(rcpt %d %d)", &from, &to) == 2) {
        struct connection *connection = &scenario.connections[scenario.connection_count - 1];
        struct step *more =
            arena_alloc(scenario.arena, (LIST_MAX + (size_t)to) * 2 * sizeof(*more));
        memcpy(more, connection->steps, connection->step_count * sizeof(*more));
        connection->steps = more;
        for (int i = from; i <= to; i++)
            more[connection->step_count++] = (struct step){
                STEP_CLIENT, arena_printf(scenario.arena, "RCPT TO:<user%d@example.org>", i), line};
        return 0;
    }
    if (sscanf(text, "(%d %n", &to, &used) == 1 && used > 0) {
        struct buffer lines = {.limit = CONTENT_MAX};
        for (int i = 0; i < to; i++)
            buffer_printf(&lines, "%s%.*s", i > 0 ? " / " : "", (int)strlen(text + used) - 1,
                          text + used);
        buffer_append(&lines, "", 1);
        struct connection *connection = &scenario.connections[scenario.connection_count - 1];
        connection->steps[connection->step_count++] =
            (struct step){kind, arena_strdup(scenario.arena, lines.ptr), line};
        buffer_release(&lines);
        return 0;
    }
    return add_step(kind, text, line);
}

/* --- lines ---------------------------------------------------------------------------------------- */

static int read_mode(const char *word)
{
    scenario.mode = strcmp(word, "explain") == 0 ? ATTEMPT_EXPLAIN : ATTEMPT_PROBE;
    return 0;
}

static int read_words(char *words[], size_t count, unsigned line)
{
    const char *key = words[0];
    if (strcmp(key, "mx") == 0)
        return read_mx(words + 1, count - 1);
    if (strcmp(key, "host") == 0)
        return read_host(words + 1, count - 1);
    if (strcmp(key, "sts") == 0)
        return read_sts(words + 1, count - 1);
    if (strcmp(key, "seen") == 0)
        return read_seen(words + 1, count - 1);
    if (strcmp(key, "connect") == 0)
        return read_connect(words + 1, count - 1, line);
    if (strcmp(key, "set") == 0 && count == 3)
        return read_setting(words[1], words[2]);
    if (strcmp(key, "close") == 0)
        return add_step(STEP_CLOSE, "", line);
    if (strcmp(key, "reset") == 0)
        return add_step(STEP_RESET, "", line);
    if (strcmp(key, "stall") == 0)
        return add_step(STEP_STALL, "", line);
    if (strcmp(key, "not-validating") == 0) {
        scenario.evidence.validating = false;
        scenario.evidence.not_validating_why = "the bogus name was believed";
        return 0;
    }
    if (count == 3 && strcmp(key, "asks") == 0)
        return read_asks(words[1], words[2]);
    if (count == 3 && strcmp(key, "asks-rcpt") == 0)
        return read_asks_rcpt(words[1], words[2]);
    if (count != 2)
        return -1;
    const char *value = words[1];
    if (strcmp(key, "next-hop") == 0)
        return (scenario.next_hop = arena_strdup(scenario.arena, value)) != NULL ? 0 : -1;
    if (strcmp(key, "bounce-nexthop") == 0)
        return (scenario.bounce_nexthop = arena_strdup(scenario.arena, value)) != NULL ? 0 : -1;
    if (strcmp(key, "level") == 0)
        return tls_level_by_name(slice_of(value), &scenario.settings.default_level);
    if (strcmp(key, "shadow-level") == 0) {
        scenario.settings.shadow_level_given = true;
        return tls_level_by_name(slice_of(value), &scenario.settings.shadow_level);
    }
    if (strcmp(key, "own") == 0)
        return read_own(value);
    if (strcmp(key, "sender") == 0)
        return (scenario.envelope.sender =
                    arena_strdup(scenario.arena, strcmp(value, "<>") == 0 ? "" : value)) != NULL
                   ? 0
                   : -1;
    if (strcmp(key, "rcpt") == 0)
        return read_recipient(value);
    if (strcmp(key, "message") == 0)
        return read_flag(value);
    if (strcmp(key, "mode") == 0)
        return read_mode(value);
    if (strcmp(key, "wait") == 0)
        return add_step(STEP_WAIT, value, line);
    int number = atoi(value);
    if (strcmp(key, "chunk") == 0)
        scenario.chunk = (unsigned)number;
    else if (strcmp(key, "chunk-fails") == 0)
        scenario.failing_chunk = (unsigned)number + 1;
    else if (strcmp(key, "cancel-after") == 0)
        scenario.cancel_after = (unsigned)number;
    else if (strcmp(key, "shadow-waits") == 0)
        scenario.shadow_waits = (unsigned)number;
    else if (strcmp(key, "age") == 0)
        scenario.age = number;
    else if (strcmp(key, "pause") == 0)
        scenario.pause = (unsigned)number;
    else if (strcmp(key, "seed") == 0)
        scenario.seed = (uint64_t)number;
    else
        return -1;
    return 0;
}

static const char *after(const char *line, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(line, prefix, length) == 0 ? line + length : NULL;
}

static int read_content_repeat(const char *text)
{
    int used = 0, times = 0;
    if (sscanf(text, "%d %n", &times, &used) != 1 || used == 0)
        return -1;
    for (int i = 0; i < times; i++)
        read_content(text + used);
    return 0;
}

/* What is told of the world behind `again` is for later; scripts and expectations follow one another anyway. */
static bool is_for_later(const char *line)
{
    static const char *const words[] = {"mx ",  "host ",    "policy ", "level ", "sts ",
                                        "age ", "message ", "pause ",  "rcpt ",  "sender "};
    for (size_t i = 0; scenario.agains > 0 && i < sizeof(words) / sizeof(words[0]); i++)
        if (after(line, words[i]) != NULL)
            return true;
    return false;
}

static int read_line(char *line, unsigned number)
{
    const char *rest;
    if (line[0] == '#' || line[0] == '\0')
        return 0;
    if (strcmp(line, "reload") == 0) {
        scenario.reload = true;
        return 0;
    }
    if (strcmp(line, "again") == 0) {
        scenario.agains++;
        return 0;
    }
    if (is_for_later(line)) {
        if (scenario.later_count == LATER_MAX)
            return -1;
        scenario.later[scenario.later_count++] =
            (struct later){scenario.agains, arena_strdup(scenario.arena, line)};
        return 0;
    }
    if ((rest = after(line, "S: ")) != NULL)
        return add_steps(STEP_SERVER, rest, number);
    if ((rest = after(line, "R: ")) != NULL)
        return add_step(STEP_RAW, rest, number);
    if ((rest = after(line, "C: ")) != NULL)
        return add_steps(STEP_CLIENT, rest, number);
    if ((rest = after(line, "TLS: ")) != NULL)
        return add_step(STEP_TLS, rest, number);
    if ((rest = after(line, "policy ")) != NULL)
        return buffer_printf(&scenario.table, "%s\n", rest);
    if ((rest = after(line, "shadow ")) != NULL) {
        scenario.shadow_given = true;
        return strcmp(rest, "empty") == 0 ? 0 : buffer_printf(&scenario.shadow, "%s\n", rest);
    }
    if ((rest = after(line, "mailbox ")) != NULL)
        return buffer_printf(&scenario.mailboxes, "%s\n", rest);
    if ((rest = after(line, "content-repeat ")) != NULL)
        return read_content_repeat(rest);
    if ((rest = after(line, "content ")) != NULL || strcmp(line, "content") == 0)
        return read_content(rest != NULL ? rest : "");
    if ((rest = after(line, "expect ")) != NULL) {
        if (scenario.expectation_count == LIST_MAX)
            return -1;
        scenario.expectations[scenario.expectation_count++] =
            (struct expectation){number, arena_strdup(scenario.arena, rest)};
        return 0;
    }
    char *words[WORDS_MAX];
    size_t count = split_words(line, words);
    return count > 0 ? read_words(words, count, number) : 0;
}

static bool changes(const char *word)
{
    for (size_t i = 0; i < scenario.later_count; i++)
        if (scenario.later[i].turn == scenario.turn && after(scenario.later[i].line, word) != NULL)
            return true;
    return false;
}

static void forget_the_world(void)
{
    scenario.pause = 0;
    scenario.table_changed = scenario.table.len > 0 || changes("policy ");
    buffer_clear(&scenario.table);
    if (changes("mx ") || changes("host ")) {
        memset(hosts, 0, sizeof(hosts));
        scenario.evidence.host_count = 0;
    }
    if (changes("rcpt "))
        scenario.recipient_count = 0;
}

void scenario_change(void)
{
    unsigned agains = scenario.agains;
    scenario.turn++;
    forget_the_world();
    scenario.agains = 0; /* so that lines are read, not put by */
    for (size_t i = 0; i < scenario.later_count; i++) {
        if (scenario.later[i].turn != scenario.turn)
            continue;
        char *line = arena_strdup(scenario.arena, scenario.later[i].line);
        if (read_line(line, 0) != 0)
            differs(0, "not understood: %s", scenario.later[i].line);
    }
    scenario.agains = agains;
}

int scenario_read(const char *file)
{
    char line[4096];
    FILE *in = fopen(file, "r");
    scenario.file = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;
    scenario.arena = arena_create();
    set_defaults();
    if (in == NULL) {
        differs(0, "cannot be opened");
        return -1;
    }
    for (unsigned number = 1; fgets(line, sizeof(line), in) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (read_line(line, number) != 0)
            differs(number, "not understood: %s", line);
    }
    fclose(in);
    if (scenario.recipient_count == 0)
        add_recipient("user@example.org");
    if (scenario.content.len == 0)
        read_content("Subject: test\\r\\n\\r\\nHello.");
    scenario.envelope.size = scenario.content.len;
    return scenario.failures == 0 ? 0 : -1;
}
