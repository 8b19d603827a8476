/* clients_rule: one line of the client table: a key, permit or reject, attributes.
 * Owns: the grammar of a line, and how a sender is compared with what a line allows.
 * Must never take a line that it does not understand whole: an operator would believe himself
 * protected. */
#include "intake/clients.h"

#include <string.h>

#include "smtp/address.h"

static const char key_expected[] =
    "an address or a network without host bits, as 192.0.2.0/24 or 2001:db8::/32, or a "
    "certificate, as sha256:AA:BB:... or spki-sha256:AA:BB:... with 32 octets";
static const char attributes_expected[] =
    "starttls=, senders=, rate=, connections= or level=, with a value and each once";

/* A line being read. */
struct rule_line {
    struct arena *arena;
    const char *name; /* of the table */
    struct client_rule *rule;
    unsigned seen; /* a bit for each attribute */
};

static int complain(const struct rule_line *line, struct err *err_r, struct slice word,
                    const char *expected)
{
    return err_set(err_r, "%s:%u: \"%.*s\": expected %s", line->name, line->rule->line,
                   SLICE_ARG(slice_take(word, 100)), expected);
}

/* The next word of the line; empty at its end. */
static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t length = 0;
    while (length < rest->len && rest->ptr[length] != ' ' && rest->ptr[length] != '\t')
        length++;
    struct slice word = slice_take(*rest, length);
    *rest = slice_drop(*rest, length);
    return word;
}

/* --- keys ------------------------------------------------------------------------------------- */
static int take_network(struct slice word, struct network *network_r)
{
    char text[ADDRESS_TEXT + 8];
    if (word.len >= sizeof(text) || memchr(word.ptr, '\0', word.len) != NULL)
        return -1;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    return network_parse(text, network_r);
}

/* "AA:BB:..." as openssl prints it, or the digits alone. */
static int take_digest(struct slice text, unsigned char *digest_r)
{
    char digits[2 * SHA256_OCTETS];
    size_t count = 0, length;
    bool colons = memchr(text.ptr, ':', text.len) != NULL;
    for (size_t i = 0; i < text.len; i++) {
        if (colons && i % 3 == 2 && text.ptr[i] == ':')
            continue;
        if (count == sizeof(digits))
            return -1;
        digits[count++] = text.ptr[i];
    }
    if (count != sizeof(digits) || text.ptr[text.len - 1] == ':')
        return -1;
    return hex_decode((struct slice){digits, count}, digest_r, &length);
}

static int take_key(struct slice word, struct client_rule *rule)
{
    static const struct {
        const char *prefix;
        enum client_key key;
    } certificates[] = {{"sha256:", CLIENT_CERTIFICATE}, {"spki-sha256:", CLIENT_PUBLIC_KEY}};
    for (size_t i = 0; i < 2; i++) {
        if (!slice_starts_nocase(word, slice_of(certificates[i].prefix)))
            continue;
        rule->key = certificates[i].key;
        return take_digest(slice_drop(word, strlen(certificates[i].prefix)), rule->digest);
    }
    rule->key = CLIENT_NETWORK;
    return take_network(word, &rule->network);
}

/* --- attributes ------------------------------------------------------------------------------- */
typedef int value_fn(struct rule_line *line, struct slice value);

static int take_starttls(struct rule_line *line, struct slice value)
{
    static const char *const words[] = {"require", "optional", "bypass"};
    for (unsigned i = 0; i < 3; i++)
        if (slice_equal(value, slice_of(words[i])))
            line->rule->starttls = (enum client_starttls)(CLIENT_STARTTLS_REQUIRE + i);
    /* a certificate is shown under TLS only */
    if (line->rule->key != CLIENT_NETWORK && line->rule->starttls != CLIENT_STARTTLS_REQUIRE)
        return -1;
    return line->rule->starttls == CLIENT_STARTTLS_UNSET ? -1 : 0;
}

/* "<>", "@corp.example", "@.corp.example" or "a@b" */
static bool is_sender(struct slice item)
{
    struct path path;
    if (slice_equal(item, SLICE_LITERAL("<>")))
        return true;
    if (item.len == 0 || item.ptr[0] != '@')
        return mailbox_parse(item, false, &path) == ADDRESS_OK;
    struct slice domain = slice_drop(item, 1);
    if (domain.len > 0 && domain.ptr[0] == '.')
        domain = slice_drop(domain, 1);
    return domain_is_valid(domain) || literal_is_valid(domain);
}

static int take_senders(struct rule_line *line, struct slice value)
{
    size_t count = 1;
    for (size_t i = 0; i < value.len; i++)
        count += value.ptr[i] == ',';
    const char *text = arena_strndup(line->arena, value.ptr, value.len);
    struct slice *senders = arena_alloc(line->arena, count * sizeof(*senders));
    struct slice rest = {text, value.len};
    for (size_t i = 0; i < count; i++) {
        senders[i] = slice_split(rest, ',', &rest);
        if (!is_sender(senders[i]))
            return -1;
    }
    line->rule->senders = senders;
    line->rule->sender_count = count;
    return 0;
}

static int take_number(struct slice value, unsigned *number_r)
{
    uint64_t number;
    if (slice_to_number(value, 1000000, &number) != 0 || number == 0)
        return -1;
    *number_r = (unsigned)number;
    return 0;
}

static int take_rate(struct rule_line *line, struct slice value)
{
    struct slice unit, number = slice_split(value, '/', &unit);
    if (slice_equal(unit, SLICE_LITERAL("min")))
        line->rule->rate_seconds = 60;
    else if (slice_equal(unit, SLICE_LITERAL("hour")))
        line->rule->rate_seconds = 3600;
    else
        return -1;
    return take_number(number, &line->rule->rate);
}

static int take_connections(struct rule_line *line, struct slice value)
{
    return take_number(value, &line->rule->connections);
}

/* Those that ask for something whatever the domain of the recipient publishes. */
static int take_level(struct rule_line *line, struct slice value)
{
    static const char *const levels[] = {"encrypt", "dane-only", "verify", "secure",
                                         "authenticated"};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (slice_equal(value, slice_of(levels[i])))
            line->rule->level = levels[i];
    return line->rule->level == NULL ? -1 : 0;
}

static const struct {
    const char *name;
    value_fn *take;
    const char *expected;
} attributes[] = {
    {"starttls", take_starttls,
     "starttls=require, optional or bypass; with a certificate, which is only shown under TLS, "
     "require"},
    {"senders", take_senders,
     "senders= with a@example.org, @example.org, @.example.org or <>, separated by commas"},
    {"rate", take_rate, "rate=N/min or rate=N/hour, with N from 1 to 1000000"},
    {"connections", take_connections, "connections=N, with N from 1 to 1000000"},
    {"level", take_level, "level=encrypt, dane-only, verify, secure or authenticated"},
};
enum { ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]) };

static int take_attribute(struct rule_line *line, struct slice word, struct err *err_r)
{
    struct slice value, name = slice_split(word, '=', &value);
    for (unsigned i = 0; i < ATTRIBUTES && value.ptr != NULL; i++) {
        if (!slice_equal(name, slice_of(attributes[i].name)) || (line->seen & 1u << i) != 0)
            continue;
        line->seen |= 1u << i;
        return attributes[i].take(line, value) == 0
                   ? 0
                   : complain(line, err_r, word, attributes[i].expected);
    }
    return complain(line, err_r, word, attributes_expected);
}

/* --- the line --------------------------------------------------------------------------------- */
static int take_attributes(struct rule_line *line, struct slice rest, struct err *err_r)
{
    for (struct slice word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        if (!line->rule->permit)
            return complain(line, err_r, word, "nothing more on this line, as it rejects");
        if (take_attribute(line, word, err_r) != 0)
            return -1;
    }
    return 0;
}

int client_rule_parse(struct arena *arena, const char *name, struct slice text,
                      struct client_rule *rule, struct err *err_r)
{
    struct rule_line line = {.arena = arena, .name = name, .rule = rule};
    struct slice word = next_word(&text);
    if (take_key(word, rule) != 0)
        return complain(&line, err_r, word, key_expected);
    struct slice rest = text;
    word = next_word(&rest);
    rule->permit = !slice_equal(word, SLICE_LITERAL("reject"));
    if (!rule->permit || slice_equal(word, SLICE_LITERAL("permit")))
        text = rest;
    else if (word.len > 0 && memchr(word.ptr, '=', word.len) == NULL)
        return complain(&line, err_r, word,
                        "\"permit\", \"reject\" or an attribute, as starttls=require");
    return take_attributes(&line, text, err_r);
}

/* --- senders ---------------------------------------------------------------------------------- */
/* "@corp.example": what stands behind the last "@" is that; "@.corp.example": it ends in
 * ".corp.example". */
static bool is_of_domain(struct slice sender, struct slice item)
{
    size_t local = sender.len;
    while (local > 0 && sender.ptr[local - 1] != '@')
        local--;
    if (local == 0)
        return false;
    struct slice domain = slice_drop(sender, local), wanted = slice_drop(item, 1);
    if (wanted.ptr[0] != '.')
        return slice_equal_nocase(domain, wanted);
    return domain.len > wanted.len &&
           slice_equal_nocase(slice_drop(domain, domain.len - wanted.len), wanted);
}

bool client_rule_allows(const struct client_rule *rule, struct slice sender)
{
    for (size_t i = 0; i < rule->sender_count; i++) {
        struct slice item = rule->senders[i];
        bool fits = item.ptr[0] == '@'   ? is_of_domain(sender, item)
                    : item.ptr[0] == '<' ? sender.len == 0
                                         : slice_equal_nocase(sender, item);
        if (fits)
            return true;
    }
    return rule->sender_count == 0;
}
