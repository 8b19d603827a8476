/* option: what each option of daneway.conf is called, may hold, and where its value goes.
 * Owns: the table of options, which is the same as doc/daneway.conf.example.
 * The file is read elsewhere (reader.c); here a value's text becomes a field of struct settings.
 * Must never guess: a text that is not exactly a value of the option is refused. */
#ifndef DANEWAY_CONF_OPTION_H
#define DANEWAY_CONF_OPTION_H

#include "base/alloc.h"
#include "base/err.h"
#include "daneway/settings.h"

struct option;
/* Writes the value into the settings, or appends it to a list; texts are copied into the arena. 0
 * or -1. */
typedef int option_set_fn(struct arena *arena, struct settings *settings,
                          const struct option *option, const char *value);

struct option {
    const char *section; /* "" outside of all sections */
    const char *name;
    const char *initial; /* default as written in the file; of a list: separated by spaces */
    option_set_fn *set;
    size_t offset;            /* of the field in struct settings */
    uint64_t min, max;        /* numbers */
    const char *const *words; /* choices, in the order of the enum; NULL-terminated */
    const char *expected;     /* what a value looks like; NULL: made from min, max or words */
    bool list;
};

extern const struct option options[];
extern const size_t option_count;

/* "number from 1 to 65535", `one of "text", "json"` ... into text_r. */
void option_expected(const struct option *option, char *text_r, size_t size);
/* Sets the default. */
void option_reset(struct arena *arena, struct settings *settings, const struct option *option);
/* Empties a list, so that the values of the file take the place of the default. */
void option_clear_list(struct settings *settings, const struct option *option);

/* value.c: one for each kind of value. */
option_set_fn set_number, set_size, set_port, set_switch, set_choice, set_text, set_user, set_path,
    set_optional_path, set_host_name, set_optional_domain, set_mailbox, set_address, set_ipv4,
    set_ipv6, set_next_hop, set_level, set_shadow_level, set_digests, set_listen,
    set_socketmap_listen, set_status_listen, set_optional_socket_path, set_network, set_dkim_key,
    set_socket_path;
/* A name that may stand in EHLO: two labels or more of letters, digits and hyphens, the last not
 * all digits. */
bool is_host_name(const char *text);

#endif
