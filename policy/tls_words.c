/* tls_words: Postfix's words for protocol versions and ciphers in GnuTLS's.
 * Owns: nothing. postconf(5): smtp_tls_mandatory_protocols, smtp_tls_mandatory_ciphers,
 * smtp_tls_exclude_ciphers; ciphers(1).
 * Must never make anything possible that the gateway does not offer by itself: rows only take
 * away. */
#include <string.h>

#include "policy/attributes.h"

static const char *add(struct arena *arena, const char *priority, const char *word)
{
    return priority == NULL ? word : arena_printf(arena, "%s:%s", priority, word);
}

static struct slice next_word(struct slice *rest)
{
    return slice_split(*rest, ':', rest);
}

/* --- protocols -------------------------------------------------------------------------------- */

enum { VERSION_UNKNOWN = 0 };
static const struct {
    const char *name;
    unsigned version;
} versions[] = {
    {"SSLv2", 0x0002},   {"SSLv3", 0x0300},   {"TLSv1", 0x0301},   {"TLSv1.0", 0x0301},
    {"TLSv1.1", 0x0302}, {"TLSv1.2", 0x0303}, {"TLSv1.3", 0x0304},
};
static const struct {
    unsigned version;
    const char *word;
} offered[] = {{0x0304, "+VERS-TLS1.3"}, {0x0303, "+VERS-TLS1.2"}};
enum { OFFERED = sizeof(offered) / sizeof(offered[0]) };

static unsigned version_of(struct slice name)
{
    unsigned char octets[2];
    size_t length;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (slice_equal_nocase(name, slice_of(versions[i].name)))
            return versions[i].version;
    if (name.len == 4 && hex_decode(name, octets, &length) == 0) /* ">=0303", as Postfix has it */
        return (unsigned)octets[0] << 8 | octets[1];
    return VERSION_UNKNOWN;
}

struct version_set {
    unsigned least, most;
    bool any_named;
    bool named[OFFERED], excluded[OFFERED];
};

static const char *take_version(struct version_set *set, struct slice word)
{
    bool least = slice_starts_nocase(word, SLICE_LITERAL(">="));
    bool most = slice_starts_nocase(word, SLICE_LITERAL("<="));
    bool excluded = !least && !most && word.len > 0 && word.ptr[0] == '!';
    unsigned version = version_of(slice_drop(word, least || most ? 2 : excluded ? 1 : 0));
    if (version == VERSION_UNKNOWN)
        return "expected versions such as >=TLSv1.2 or !SSLv3:!TLSv1";
    if (least)
        set->least = version;
    if (most)
        set->most = version;
    for (size_t i = 0; i < OFFERED && !least && !most; i++)
        if (offered[i].version == version)
            (excluded ? set->excluded : set->named)[i] = true;
    set->any_named = set->any_named || !(least || most || excluded);
    return NULL;
}

const char *protocols_to_priority(struct arena *arena, struct slice value, const char **priority)
{
    struct version_set set = {.most = 0xffff};
    const char *why = NULL;
    while (value.ptr != NULL && why == NULL)
        why = take_version(&set, next_word(&value));
    if (why != NULL)
        return why;
    const char *words = "-VERS-ALL";
    size_t left = 0;
    for (size_t i = 0; i < OFFERED; i++) {
        bool in_range = offered[i].version >= set.least && offered[i].version <= set.most;
        if (!in_range || set.excluded[i] || (set.any_named && !set.named[i]))
            continue;
        words = add(arena, words, offered[i].word);
        left++;
    }
    if (left == 0)
        return "this leaves no version: the gateway speaks TLSv1.2 and TLSv1.3";
    if (left < OFFERED)
        *priority = add(arena, *priority, words);
    return NULL;
}

/* --- ciphers ---------------------------------------------------------------------------------- */

/* All that the gateway offers is of grade high; the weaker grades ask for no more than that. */
const char *check_cipher_grade(struct slice value)
{
    static const char *const grades[] = {"high", "medium", "low", "export"};
    for (size_t i = 0; i < sizeof(grades) / sizeof(grades[0]); i++)
        if (slice_equal_nocase(value, slice_of(grades[i])))
            return NULL;
    return "expected one of high medium low export (the gateway offers only high ones)";
}

static const struct {
    const char *name, *word; /* NULL: never offered */
} exclusions[] = {
    {"aNULL", NULL},
    {"eNULL", NULL},
    {"NULL", NULL},
    {"ADH", NULL},
    {"AECDH", NULL},
    {"EXP", NULL},
    {"EXPORT", NULL},
    {"LOW", NULL},
    {"MEDIUM", NULL},
    {"MD5", NULL},
    {"RC2", NULL},
    {"RC4", NULL},
    {"DES", NULL},
    {"3DES", NULL},
    {"IDEA", NULL},
    {"SEED", NULL},
    {"ARIA", NULL},
    {"PSK", NULL},
    {"kPSK", NULL},
    {"aPSK", NULL},
    {"SRP", NULL},
    {"kSRP", NULL},
    {"DSS", NULL},
    {"aDSS", NULL},
    {"SSLv2", NULL},
    {"SSLv3", NULL},
    {"SHA1", "-SHA1"},
    {"SHA", "-SHA1"},
    {"kRSA", "-RSA"},
    {"kDHE", "-DHE-RSA"},
    {"kEDH", "-DHE-RSA"},
    {"DHE", "-DHE-RSA"},
    {"EDH", "-DHE-RSA"},
    {"CAMELLIA", "-CAMELLIA-256-CBC:-CAMELLIA-128-CBC:-CAMELLIA-256-GCM:-CAMELLIA-128-GCM"},
    {"CHACHA20", "-CHACHA20-POLY1305"},
    {"AESCCM", "-AES-256-CCM:-AES-128-CCM:-AES-256-CCM-8:-AES-128-CCM-8"},
    {"AESCCM8", "-AES-256-CCM-8:-AES-128-CCM-8"},
    {"AES128", "-AES-128-GCM:-AES-128-CCM:-AES-128-CCM-8:-AES-128-CBC"},
};

const char *exclude_to_priority(struct arena *arena, struct slice value, const char **priority)
{
    while (value.ptr != NULL) {
        struct slice word = next_word(&value);
        size_t i = 0, count = sizeof(exclusions) / sizeof(exclusions[0]);
        while (i < count && !slice_equal_nocase(word, slice_of(exclusions[i].name)))
            i++;
        if (i == count)
            return "expected kinds of ciphers: aNULL eNULL MD5 RC4 3DES SHA1 kRSA kDHE CAMELLIA "
                   "CHACHA20 "
                   "AESCCM AES128 ... (single suites cannot be excluded)";
        if (exclusions[i].word != NULL)
            *priority = add(arena, *priority, exclusions[i].word);
    }
    return NULL;
}
