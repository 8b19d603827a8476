/* attributes: see attributes.h. One handler an attribute, one table of them.
 * Owns: nothing.
 * Must never take a value that is not understood. */
#include "policy/attributes.h"

#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "daneway/policy.h"
#include "policy/table_text.h"

struct reading {
    struct arena *arena;
    enum tls_level level;
    struct row_attributes *attributes;
};

/* NULL, or what is wrong. */
typedef const char *take_fn(struct reading *reading, struct slice value);

static const char *keep(struct reading *reading, struct slice value)
{
    return arena_strndup(reading->arena, value.ptr, value.len);
}

/* Sets *choice_r from two words. */
static const char *take_choice(struct slice value, const char *no, const char *yes,
                               enum choice *choice_r)
{
    if (!slice_equal_nocase(value, slice_of(yes)) && !slice_equal_nocase(value, slice_of(no)))
        return yes[0] == 'o' ? "expected on or off" : "expected yes or no";
    *choice_r = slice_equal_nocase(value, slice_of(yes)) ? CHOICE_YES : CHOICE_NO;
    return NULL;
}

/* --- match ------------------------------------------------------------------------------------ */

static void *one_more(struct arena *arena, const void *items, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return (void *)items; /* grows at powers of two */
    char *larger = arena_alloc(arena, (count > 0 ? 2 * count : 1) * size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static const char *take_pattern(struct reading *reading, struct slice word)
{
    struct row_attributes *attributes = reading->attributes;
    char *name = arena_strndup(reading->arena, word.ptr, word.len);
    ascii_lower_text(name);
    if (word.len > 1 && name[word.len - 1] == '.')
        name[word.len - 1] = '\0';
    struct slice checked = slice_of(name);
    if (memchr(name, '[', checked.len) != NULL || memchr(word.ptr, '\0', word.len) != NULL ||
        !table_key_is_valid(checked))
        return "expected hostname, nexthop, dot-nexthop, example.com or .example.com, "
               "separated by \":\"";
    const char **patterns =
        one_more(reading->arena, attributes->match, attributes->match_count, sizeof(*patterns));
    patterns[attributes->match_count++] = name;
    attributes->match = patterns;
    return NULL;
}

static const char *take_digest(struct reading *reading, struct slice word)
{
    struct row_attributes *attributes = reading->attributes;
    struct fingerprint *fingerprints =
        one_more(reading->arena, attributes->fingerprints, attributes->fingerprint_count,
                 sizeof(*fingerprints));
    if (fingerprint_parse(word, &fingerprints[attributes->fingerprint_count]) != 0)
        return "expected SHA-256 digests of certificates or public keys in hexadecimal "
               "(MD5 and SHA-1 are not accepted), separated by \"|\"";
    attributes->fingerprint_count++;
    attributes->fingerprints = fingerprints;
    return NULL;
}

/* Postfix: ":" between names, but "|" between digests, which have colons of their own. */
static const char *take_match(struct reading *reading, struct slice value)
{
    bool digests = reading->level == LEVEL_FINGERPRINT;
    const char *why = NULL;
    while (value.ptr != NULL && why == NULL) {
        struct slice word = slice_split(value, digests ? '|' : ':', &value);
        why = digests ? take_digest(reading, word) : take_pattern(reading, word);
    }
    return why;
}

/* --- TLS -------------------------------------------------------------------------------------- */

static const char *take_servername(struct reading *reading, struct slice value)
{
    char *name = arena_strndup(reading->arena, value.ptr, value.len);
    ascii_lower_text(name);
    if (value.len == 0 || value.ptr[0] == '.' || memchr(value.ptr, '[', value.len) != NULL ||
        memchr(value.ptr, ':', value.len) != NULL || strlen(name) != value.len ||
        !table_key_is_valid(slice_of(name)))
        return "expected hostname, nexthop or a host name";
    reading->attributes->servername = name;
    return NULL;
}

static const char *take_protocols(struct reading *reading, struct slice value)
{
    return protocols_to_priority(reading->arena, value, &reading->attributes->priority);
}

static const char *take_ciphers(struct reading *reading, struct slice value)
{
    (void)reading;
    return check_cipher_grade(value);
}

static const char *take_exclude(struct reading *reading, struct slice value)
{
    return exclude_to_priority(reading->arena, value, &reading->attributes->priority);
}

static const char *take_tafile(struct reading *reading, struct slice value)
{
    struct row_attributes *attributes = reading->attributes;
    if (value.len == 0 || value.ptr[0] != '/')
        return "expected the absolute path of a PEM file";
    const char **paths =
        one_more(reading->arena, attributes->tafiles, attributes->tafile_count, sizeof(*paths));
    paths[attributes->tafile_count++] = keep(reading, value);
    attributes->tafiles = paths;
    return NULL;
}

static const char *take_connection_reuse(struct reading *reading, struct slice value)
{
    return take_choice(value, "no", "yes", &reading->attributes->connection_reuse);
}

/* Raw public keys are never negotiated here; a peer that could use them sends a certificate. */
static const char *take_enable_rpk(struct reading *reading, struct slice value)
{
    (void)reading;
    enum choice ignored;
    return take_choice(value, "no", "yes", &ignored);
}

/* --- our own ---------------------------------------------------------------------------------- */

static const char *take_sts(struct reading *reading, struct slice value)
{
    const char *why = take_choice(value, "off", "on", &reading->attributes->sts);
    if (why == NULL && reading->level == LEVEL_NONE && reading->attributes->sts == CHOICE_YES)
        return "MTA-STS needs TLS, and the level is none";
    return why;
}

static const char *take_min(struct reading *reading, struct slice value)
{
    enum tls_level level;
    if (tls_level_by_name(value, &level) != 0 || level == LEVEL_NONE || level == LEVEL_FINGERPRINT)
        return "expected one of may encrypt dane dane-only auto verify secure authenticated";
    reading->attributes->minimum |= TLS_LEVEL_BIT(level);
    return NULL;
}

static const char *take_requiretls(struct reading *reading, struct slice value)
{
    for (enum requiretls_mode mode = REQUIRETLS_ENFORCE; mode <= REQUIRETLS_DISABLE; mode++)
        if (slice_equal_nocase(value, slice_of(requiretls_mode_name(mode)))) {
            reading->attributes->requiretls = mode;
            reading->attributes->requiretls_given = CHOICE_YES;
            return NULL;
        }
    return "expected one of enforce opportunistic+starttls opportunistic disable";
}

static const char *take_hop(struct reading *reading, struct slice value, const char **hop_r)
{
    char *hop = arena_strndup(reading->arena, value.ptr, value.len);
    ascii_lower_text(hop);
    if (value.len == 0 || value.ptr[0] == '.' || strlen(hop) != value.len ||
        !table_key_is_valid(slice_of(hop)))
        return "expected [host], [host]:port, example.com or example.com:port";
    *hop_r = hop;
    return NULL;
}

static const char *take_nexthop(struct reading *reading, struct slice value)
{
    return take_hop(reading, value, &reading->attributes->nexthop);
}

static const char *take_bounce_nexthop(struct reading *reading, struct slice value)
{
    return take_hop(reading, value, &reading->attributes->bounce_nexthop);
}

static const char *take_source(struct reading *reading, struct slice value)
{
    struct row_attributes *attributes = reading->attributes;
    struct address address = {0};
    const char *text = arena_strndup(reading->arena, value.ptr, value.len);
    if (strlen(text) != value.len || address_parse(text, &address) != 0)
        return "expected an IPv4 or IPv6 address of this gateway";
    struct address *place =
        address.family == 4 ? &attributes->source_ipv4 : &attributes->source_ipv6;
    if (place->family != 0)
        return "expected one address of each family at most";
    *place = address;
    return NULL;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool parse_date(struct slice text, struct tm *date_r)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year, month, day;
    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        slice_to_number(slice_take(text, 4), 9998, &year) != 0 ||
        slice_to_number(slice_take(slice_drop(text, 5), 2), 12, &month) != 0 ||
        slice_to_number(slice_drop(text, 8), 31, &day) != 0)
        return false;
    if (year < 1970 || month == 0 || day == 0 ||
        day > days[month - 1] + (month == 2 && is_leap((unsigned)year)))
        return false;
    *date_r =
        (struct tm){.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day + 1};
    return true;
}

/* The day named is the last one, in UTC. */
static const char *take_until(struct reading *reading, struct slice value)
{
    struct tm day_after;
    if (!parse_date(value, &day_after))
        return "expected a date such as 2026-12-31";
    reading->attributes->until = (int64_t)timegm(&day_after);
    reading->attributes->until_text = keep(reading, value);
    return NULL;
}

static const char *take_text(struct reading *reading, struct slice value, const char **text_r)
{
    if (value.len == 0)
        return "expected a text";
    for (struct slice rest = value; rest.len > 0;) {
        uint32_t code;
        unsigned length = utf8_character(rest, &code);
        if (length == 0 || utf8_is_control(code))
            return "expected printable text in UTF-8";
        rest = slice_drop(rest, length);
    }
    *text_r = keep(reading, value);
    return NULL;
}

static const char *take_reason(struct reading *reading, struct slice value)
{
    return take_text(reading, value, &reading->attributes->reason);
}

static const char *take_owner(struct reading *reading, struct slice value)
{
    return take_text(reading, value, &reading->attributes->owner);
}

/* --- the table -------------------------------------------------------------------------------- */

enum {
    NONE = TLS_LEVEL_BIT(LEVEL_NONE), /* Postfix ignores attributes there */
    NAMES = TLS_LEVEL_BIT(LEVEL_VERIFY) | TLS_LEVEL_BIT(LEVEL_SECURE),
    DANE = TLS_LEVEL_BIT(LEVEL_DANE) |
           TLS_LEVEL_BIT(LEVEL_DANE_ONLY), /* Postfix ignores match= there */
    ANY = TLS_LEVEL_BIT(LEVEL_COUNT) - 1,
    TLS = ANY & ~NONE,
    OURS = TLS_LEVEL_BIT(LEVEL_AUTO) | TLS_LEVEL_BIT(LEVEL_AUTHENTICATED),
};

static const struct attribute {
    const char *name;
    take_fn *take;
    unsigned levels;
    bool repeated;
    unsigned postfix; /* levels at which Postfix 3.7 takes it */
} attributes[] = {
    {"match", take_match, NONE | NAMES | DANE | TLS_LEVEL_BIT(LEVEL_FINGERPRINT), true,
     NAMES | TLS_LEVEL_BIT(LEVEL_FINGERPRINT)},
    {"servername", take_servername, ANY, false, TLS & ~OURS},
    {"protocols", take_protocols, ANY, false, TLS},
    {"ciphers", take_ciphers, ANY, false, TLS},
    {"exclude", take_exclude, ANY, true, TLS},
    {"tafile", take_tafile, NONE | NAMES, true, NAMES},
    {"connection_reuse", take_connection_reuse, ANY, false, TLS},
    {"enable_rpk", take_enable_rpk, ANY, false, 0},
    {"sts", take_sts, ANY, false, 0},
    {"min", take_min, ANY, true, 0},
    {"requiretls", take_requiretls, ANY, false, 0},
    {"nexthop", take_nexthop, ANY, false, 0},
    {"bounce_nexthop", take_bounce_nexthop, ANY, false, 0},
    {"source", take_source, ANY, true, 0},
    {"until", take_until, ANY, false, 0},
    {"reason", take_reason, ANY, false, 0},
    {"owner", take_owner, ANY, false, 0},
};
enum { ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]) };

static size_t find(struct slice name)
{
    size_t i = 0;
    while (i < ATTRIBUTES && !slice_equal_nocase(name, slice_of(attributes[i].name)))
        i++;
    return i;
}

/* Commas and blanks, which stand between attributes there, become what else may stand between protocols and ciphers. */
static void keep_for_postfix(struct reading *reading, const char *name, struct slice value)
{
    char *text = arena_strndup(reading->arena, value.ptr, value.len);
    for (char *c = text; *c != '\0'; c++)
        if (strchr(", \t{}", *c) != NULL)
            *c = ':';
    reading->attributes->postfix =
        arena_printf(reading->arena, "%s %s=%s", reading->attributes->postfix, name, text);
}

static const char *take_attribute(struct reading *reading, struct slice name, struct slice value,
                                  bool *seen)
{
    char shown[TABLE_SHOWN];
    size_t i = find(name);
    if (i == ATTRIBUTES || value.ptr == NULL)
        return arena_printf(
            reading->arena,
            "unknown attribute \"%s\", expected NAME=VALUE with one of match "
            "servername protocols ciphers exclude tafile connection_reuse enable_rpk sts min "
            "requiretls nexthop bounce_nexthop source until reason owner",
            table_shown(name, shown));
    const struct attribute *attribute = &attributes[i];
    if (seen[i] && !attribute->repeated)
        return arena_printf(reading->arena, "%s= is given twice", attribute->name);
    if ((attribute->levels & TLS_LEVEL_BIT(reading->level)) == 0)
        return arena_printf(reading->arena, "%s= has no effect at level %s", attribute->name,
                            tls_level_name(reading->level));
    seen[i] = true;
    const char *why = attribute->take(reading, value);
    if (why == NULL && (attribute->postfix & TLS_LEVEL_BIT(reading->level)) != 0)
        keep_for_postfix(reading, attribute->name, value);
    return why == NULL ? NULL
                       : arena_printf(reading->arena, "%s=%s: %s", attribute->name,
                                      table_shown(value, shown), why);
}

static const char *check_whole(const struct reading *reading)
{
    const struct row_attributes *given = reading->attributes;
    if (reading->level == LEVEL_FINGERPRINT && given->fingerprint_count == 0)
        return "level fingerprint needs match=";
    if (given->until != 0 && given->reason == NULL)
        return "until= needs reason=\"...\", so that everybody can see why";
    return NULL;
}

int attributes_parse(struct arena *arena, enum tls_level level, struct slice text,
                     struct row_attributes *attributes_r, const char **why_r)
{
    *attributes_r = (struct row_attributes){.postfix = ""};
    struct reading reading = {arena, level, attributes_r};
    bool seen[ATTRIBUTES] = {false};
    struct slice name, value;
    int rc;
    *why_r = NULL;
    while (*why_r == NULL && (rc = table_attribute(&text, &name, &value)) != 0)
        *why_r =
            rc < 0 ? "a quotation mark is not closed" : take_attribute(&reading, name, value, seen);
    if (*why_r == NULL)
        *why_r = check_whole(&reading);
    return *why_r == NULL ? 0 : -1;
}
