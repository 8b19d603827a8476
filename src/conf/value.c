/* value: the text of one value becomes a field of the settings; see option.h.
 * Owns: nothing; texts and lists live in the arena of the settings.
 * All take a text without control octets (reader.c has refused the others).
 * Must never accept what another reader of the same text would understand otherwise. */
#include "conf/option.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/slice.h"

static void *field_of(struct settings *settings, const struct option *option)
{
    return (char *)settings + option->offset;
}

static int number_of(const struct option *option, const char *value, uint64_t *number_r)
{
    uint64_t number;
    if (slice_to_number(slice_of(value), option->max, &number) != 0 || number < option->min)
        return -1;
    *number_r = number;
    return 0;
}

int set_number(struct arena *arena, struct settings *settings, const struct option *option,
               const char *value)
{
    (void)arena;
    uint64_t number;
    if (number_of(option, value, &number) != 0)
        return -1;
    *(unsigned *)field_of(settings, option) = (unsigned)number;
    return 0;
}

int set_size(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    (void)arena;
    return number_of(option, value, field_of(settings, option));
}

int set_port(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    (void)arena;
    uint64_t number;
    if (number_of(option, value, &number) != 0)
        return -1;
    *(uint16_t *)field_of(settings, option) = (uint16_t)number;
    return 0;
}

static int word_of(const struct option *option, const char *value, unsigned *index_r)
{
    for (unsigned i = 0; option->words[i] != NULL; i++)
        if (strcmp(option->words[i], value) == 0) {
            *index_r = i;
            return 0;
        }
    return -1;
}

/* Two words: the second one means true. */
int set_switch(struct arena *arena, struct settings *settings, const struct option *option,
               const char *value)
{
    (void)arena;
    unsigned word;
    if (word_of(option, value, &word) != 0)
        return -1;
    *(bool *)field_of(settings, option) = word == 1;
    return 0;
}

int set_choice(struct arena *arena, struct settings *settings, const struct option *option,
               const char *value)
{
    (void)arena;
    static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
                      sizeof(enum resolver_mode) == sizeof(unsigned),
                  "enums are written as unsigned numbers");
    unsigned word;
    if (word_of(option, value, &word) != 0)
        return -1;
    memcpy(field_of(settings, option), &word, sizeof(word));
    return 0;
}

int set_text(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    *(const char **)field_of(settings, option) = arena_strdup(arena, value);
    return 0;
}

int set_user(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    return value[0] != '\0' ? set_text(arena, settings, option, value) : -1;
}

int set_path(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    return value[0] == '/' ? set_text(arena, settings, option, value) : -1;
}

int set_optional_path(struct arena *arena, struct settings *settings, const struct option *option,
                      const char *value)
{
    return value[0] == '/' || value[0] == '\0' ? set_text(arena, settings, option, value) : -1;
}

static bool is_socket_path(const char *text)
{
    enum { SUN_PATH = 108 }; /* unix(7) */
    return text[0] == '/' && strlen(text) < SUN_PATH;
}

int set_socket_path(struct arena *arena, struct settings *settings, const struct option *option,
                    const char *value)
{
    return is_socket_path(value) ? set_path(arena, settings, option, value) : -1;
}

int set_optional_socket_path(struct arena *arena, struct settings *settings,
                             const struct option *option, const char *value)
{
    return value[0] == '\0' || is_socket_path(value) ? set_text(arena, settings, option, value)
                                                     : -1;
}

/* One label; underscores are for domain names that are no host names. */
static bool is_label(struct slice label, bool underscore)
{
    if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.ptr[i];
        if (!(c < 0x80 && isalnum(c)) && c != '-' && !(underscore && c == '_'))
            return false;
    }
    return true;
}

static bool is_domain(struct slice name, bool underscore, unsigned *labels_r)
{
    *labels_r = 0;
    if (name.len == 0 || name.len > 253)
        return false;
    while (name.ptr != NULL) {
        struct slice rest;
        if (!is_label(slice_split(name, '.', &rest), underscore))
            return false;
        ++*labels_r;
        name = rest;
    }
    return true;
}

bool is_host_name(const char *text)
{
    unsigned labels;
    if (!is_domain(slice_of(text), false, &labels) || labels < 2)
        return false;
    const char *last = strrchr(text, '.') + 1;
    return strspn(last, "0123456789") != strlen(last); /* "192.0.2.1" is no name */
}

/* "" is the default alone: it asks for the system's name. */
int set_host_name(struct arena *arena, struct settings *settings, const struct option *option,
                  const char *value)
{
    return is_host_name(value) || value == option->initial
               ? set_text(arena, settings, option, value)
               : -1;
}

int set_optional_domain(struct arena *arena, struct settings *settings, const struct option *option,
                        const char *value)
{
    unsigned labels;
    struct slice name = slice_of(value);
    if (name.len > 1 && value[name.len - 1] == '.')
        name.len--;
    bool good = name.len == 0 || strcmp(value, ".") == 0 || is_domain(name, true, &labels);
    return good ? set_text(arena, settings, option, value) : -1;
}

int set_mailbox(struct arena *arena, struct settings *settings, const struct option *option,
                const char *value)
{
    const char *at = strrchr(value, '@');
    unsigned labels;
    bool good = value[0] == '\0' ||
                (at != NULL && at != value && strpbrk(value, " <>()[]:;,\\\"") == NULL &&
                 at - value <= 64 && is_domain(slice_of(at + 1), false, &labels));
    return good ? set_text(arena, settings, option, value) : -1;
}

int set_address(struct arena *arena, struct settings *settings, const struct option *option,
                const char *value)
{
    (void)arena;
    return address_parse(value, field_of(settings, option));
}

static int set_family(struct settings *settings, const struct option *option, const char *value,
                      uint8_t family)
{
    struct address address = {0};
    if (value[0] != '\0' && (address_parse(value, &address) != 0 || address.family != family))
        return -1;
    *(struct address *)field_of(settings, option) = address;
    return 0;
}

int set_ipv4(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    (void)arena;
    return set_family(settings, option, value, 4);
}

int set_ipv6(struct arena *arena, struct settings *settings, const struct option *option,
             const char *value)
{
    (void)arena;
    return set_family(settings, option, value, 6);
}

static bool is_bracketed_host(struct slice text)
{
    unsigned labels;
    struct address address;
    struct slice rest, host = slice_split(slice_drop(text, 1), ']', &rest);
    if (text.len == 0 || text.ptr[0] != '[' || rest.ptr == NULL)
        return false;
    uint64_t port = 25;
    if (rest.len > 0 &&
        (rest.ptr[0] != ':' || slice_to_number(slice_drop(rest, 1), 65535, &port) != 0))
        return false;
    return port > 0 && (address_parse_literal(host.ptr, host.len, &address) == 0 ||
                        is_domain(host, false, &labels));
}

int set_next_hop(struct arena *arena, struct settings *settings, const struct option *option,
                 const char *value)
{
    bool good = value[0] == '\0' || is_bracketed_host(slice_of(value));
    return good ? set_text(arena, settings, option, value) : -1;
}

int set_level(struct arena *arena, struct settings *settings, const struct option *option,
              const char *value)
{
    (void)arena;
    enum tls_level level;
    if (tls_level_by_name(slice_of(value), &level) != 0 || level == LEVEL_FINGERPRINT)
        return -1; /* fingerprints belong to a row */
    *(enum tls_level *)field_of(settings, option) = level;
    return 0;
}

/* "": no second rules by level. */
int set_shadow_level(struct arena *arena, struct settings *settings, const struct option *option,
                     const char *value)
{
    settings->delivery.shadow_level_given = *value != '\0';
    return *value != '\0' ? set_level(arena, settings, option, value) : 0;
}

/* Matching types of RFC 6698: 1 is SHA-256, 2 is SHA-512. */
static uint8_t digest_by_name(struct slice name)
{
    if (slice_equal(name, SLICE_LITERAL("sha256")))
        return 1;
    return slice_equal(name, SLICE_LITERAL("sha512")) ? 2 : 0;
}

int set_digests(struct arena *arena, struct settings *settings, const struct option *option,
                const char *value)
{
    (void)arena;
    uint8_t digests[3] = {0};
    unsigned count = 0;
    for (struct slice rest, s = slice_of(value); s.ptr != NULL; s = rest) {
        struct slice name = slice_split(s, ' ', &rest);
        if (name.len == 0)
            continue;
        uint8_t digest = digest_by_name(name);
        if (digest == 0 || count == 2 || (count == 1 && digests[0] == digest))
            return -1;
        digests[count++] = digest;
    }
    if (count == 0)
        return -1;
    memcpy(field_of(settings, option), digests, sizeof(digests));
    return 0;
}

/* A list with one more place at its end; lists are short, so each grows by copying. */
static void *grown(struct arena *arena, const void *list, size_t count, size_t size)
{
    void *longer = arena_alloc(arena, (count + 1) * size);
    if (count > 0)
        memcpy(longer, list, count * size);
    return longer;
}

/* Nobody can listen twice at the same place. */
static bool is_listed(const struct listen_address *list, size_t count,
                      const struct listen_address *one)
{
    for (size_t i = 0; i < count; i++)
        if (one->path != NULL ? list[i].path != NULL && strcmp(list[i].path, one->path) == 0
                              : list[i].path == NULL && list[i].port == one->port &&
                                    address_equal(&list[i].address, &one->address))
            return true;
    return false;
}

int set_listen(struct arena *arena, struct settings *settings, const struct option *option,
               const char *value)
{
    (void)option;
    struct intake_settings *intake = &settings->intake;
    struct listen_address one = {0};
    if (address_port_parse(value, &one.address, &one.port) != 0 ||
        is_listed(intake->listen, intake->listen_count, &one))
        return -1;
    intake->listen = grown(arena, intake->listen, intake->listen_count, sizeof(one));
    intake->listen[intake->listen_count++] = one;
    return 0;
}

/* One, or "" for none. */
int set_status_listen(struct arena *arena, struct settings *settings, const struct option *option,
                      const char *value)
{
    (void)option;
    settings->status_listen = NULL;
    if (*value == '\0')
        return 0;
    settings->status_listen = arena_alloc(arena, sizeof(*settings->status_listen));
    return address_port_parse(value, &settings->status_listen->address,
                              &settings->status_listen->port);
}

/* As set_listen, or "unix:/path". */
int set_socketmap_listen(struct arena *arena, struct settings *settings,
                         const struct option *option, const char *value)
{
    (void)option;
    struct policy_service_settings *service = &settings->policy_service;
    struct listen_address one = {0};
    if (slice_starts_nocase(slice_of(value), SLICE_LITERAL("unix:/")) && is_socket_path(value + 5))
        one.path = arena_strdup(arena, value + 5);
    else if (address_port_parse(value, &one.address, &one.port) != 0)
        return -1;
    if (is_listed(service->listen, service->listen_count, &one))
        return -1;
    service->listen = grown(arena, service->listen, service->listen_count, sizeof(one));
    service->listen[service->listen_count++] = one;
    return 0;
}

int set_network(struct arena *arena, struct settings *settings, const struct option *option,
                const char *value)
{
    (void)option;
    struct policy_settings *policy = &settings->delivery.policy;
    struct network one;
    if (network_parse(value, &one) != 0)
        return -1;
    struct network *list =
        grown(arena, policy->allow_addresses, policy->allow_address_count, sizeof(one));
    list[policy->allow_address_count++] = one;
    policy->allow_addresses = list;
    return 0;
}

/* As a label or several in the DNS, below "_domainkey" (RFC 6376 3.1). */
static bool is_selector(struct slice text)
{
    bool good = text.len >= 1 && text.len <= 63;
    for (size_t i = 0; i < text.len && good; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool inside = i > 0 && i + 1 < text.len;
        good = (c < 0x80 && isalnum(c)) || (inside && (c == '-' || c == '.' || c == '_'));
    }
    return good;
}

int set_dkim_key(struct arena *arena, struct settings *settings, const struct option *option,
                 const char *value)
{
    struct dkim_key_list *list = field_of(settings, option);
    struct slice path, selector = slice_split(slice_of(value), ':', &path);
    if (!is_selector(selector) || path.len == 0 || path.ptr[0] != '/')
        return -1;
    list->keys = grown(arena, list->keys, list->count, sizeof(*list->keys));
    list->keys[list->count++] = (struct dkim_key_file){
        arena_strndup(arena, selector.ptr, selector.len), arena_strndup(arena, path.ptr, path.len)};
    return 0;
}

void option_clear_list(struct settings *settings, const struct option *option)
{
    assert(option->list);
    if (option->set == set_listen)
        settings->intake.listen_count = 0;
    else if (option->set == set_socketmap_listen)
        settings->policy_service.listen_count = 0;
    else if (option->set == set_dkim_key)
        *(struct dkim_key_list *)field_of(settings, option) = (struct dkim_key_list){NULL, 0};
    else
        settings->delivery.policy.allow_address_count = 0;
}

void option_reset(struct arena *arena, struct settings *settings, const struct option *option)
{
    int rc = 0;
    if (!option->list) {
        rc = option->set(arena, settings, option, option->initial);
        assert(rc == 0);
        return;
    }
    option_clear_list(settings, option);
    for (struct slice rest, s = slice_of(option->initial); s.len > 0; s = rest) {
        struct slice one = slice_split(s, ' ', &rest);
        rc = option->set(arena, settings, option, arena_strndup(arena, one.ptr, one.len));
        assert(rc == 0);
    }
}
