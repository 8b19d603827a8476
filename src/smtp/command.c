/* command: see command.h. The server's half: lines into verbs, paths and parameters.
 * Owns: the tables of verbs and of parameters.
 * RFC 5321 4.1.1, 4.1.2; RFC 1870 5 (SIZE), RFC 6152 2 and RFC 3030 3 (BODY), RFC 3461 4 (RET, ENVID, NOTIFY, ORCPT),
 * RFC 6531 3.4 (SMTPUTF8), RFC 3030 2 (BDAT).
 * Must never decide: an error is a kind, the dialogue turns it into a reply. */
#include "smtp/command.h"

#include <assert.h>
#include <string.h>

#include "smtp/dsn.h"

static const char *const verb_names[VERB_COUNT] = {
    [VERB_UNKNOWN] = "unknown",   [VERB_EHLO] = "EHLO", [VERB_HELO] = "HELO", [VERB_MAIL] = "MAIL",
    [VERB_RCPT] = "RCPT",         [VERB_DATA] = "DATA", [VERB_RSET] = "RSET", [VERB_NOOP] = "NOOP",
    [VERB_QUIT] = "QUIT",         [VERB_VRFY] = "VRFY", [VERB_EXPN] = "EXPN", [VERB_HELP] = "HELP",
    [VERB_STARTTLS] = "STARTTLS", [VERB_BDAT] = "BDAT",
};

const char *verb_name(enum verb verb)
{
    assert(verb < VERB_COUNT);
    return verb_names[verb];
}

static bool has_control(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 127)
            return true;
    return false;
}

struct command command_parse(struct slice line)
{
    struct command command = {.verb = VERB_UNKNOWN, .argument = {line.ptr, 0}};
    if (has_control(line))
        return command;
    struct slice argument, word = slice_split(line, ' ', &argument);
    command.argument = slice_trim(argument);
    for (int verb = VERB_UNKNOWN + 1; verb < VERB_COUNT; verb++)
        if (slice_equal_nocase(word, slice_of(verb_names[verb])))
            command.verb = (enum verb)verb;
    return command;
}

bool greeting_name_is_valid(struct slice name)
{
    if (literal_is_valid(name))
        return true;
    if (name.len == 0 || name.len > DOMAIN_OCTETS)
        return false;
    for (struct slice rest = name; rest.ptr != NULL;) {
        struct slice label = slice_split(rest, '.', &rest);
        if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++) {
            char c = ascii_lower(label.ptr[i]);
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
                return false;
        }
    }
    return true;
}

/* Octets of the path at the start: up to the first > outside quotes; 0 if there is none. */
static size_t path_length(struct slice text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            quoted = !quoted;
        else if (text.ptr[i] == '>' && !quoted)
            return i + 1;
    }
    return 0;
}

static enum argument_error error_of_address(enum address_error error)
{
    switch (error) {
    case ADDRESS_OK:
        return ARGUMENT_OK;
    case ADDRESS_BRACKETS:
        return ARGUMENT_SYNTAX;
    case ADDRESS_BAD:
        return ARGUMENT_BAD_ADDRESS;
    case ADDRESS_TOO_LONG:
        return ARGUMENT_ADDRESS_TOO_LONG;
    case ADDRESS_NON_ASCII:
        return ARGUMENT_NON_ASCII;
    }
    return ARGUMENT_SYNTAX;
}

static void skip_blanks(struct slice *rest, bool lenient)
{
    while (lenient && rest->len > 0 && rest->ptr[0] == ' ')
        *rest = slice_drop(*rest, 1);
}

/* "FROM:<path> parameters" into path and parameters. */
static enum argument_error take_path(struct slice argument, const char *keyword, bool lenient,
                                     struct path *path_r, struct slice *parameters_r)
{
    if (!slice_starts_nocase(argument, slice_of(keyword)))
        return ARGUMENT_SYNTAX;
    struct slice rest = slice_drop(argument, strlen(keyword));
    skip_blanks(&rest, lenient);
    if (rest.len == 0 || rest.ptr[0] != ':')
        return ARGUMENT_SYNTAX;
    rest = slice_drop(rest, 1);
    skip_blanks(&rest, lenient);
    size_t length = rest.len > 0 && rest.ptr[0] == '<' ? path_length(rest) : 0;
    if (length == 0)
        return ARGUMENT_SYNTAX;
    struct slice behind = slice_drop(rest, length);
    if (behind.len > 0 && behind.ptr[0] != ' ')
        return ARGUMENT_SYNTAX;
    *parameters_r = slice_trim(behind);
    return error_of_address(path_parse(slice_take(rest, length), true, path_r));
}

/* --- parameters ------------------------------------------------------------------------------------ */
/* `argument` is the struct mail_argument or rcpt_argument; value.ptr is NULL if there is no "=". */
typedef bool parameter_fn(void *argument, struct slice value);
struct parameter {
    const char *name;
    parameter_fn *take;
};

/* 1 to 20 digits; what 64 bits cannot hold is too large for everybody (SMTPS-17). */
static bool take_size(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    if (value.len == 0 || value.len > 20)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    mail->size_given = true;
    if (slice_to_number(value, UINT64_MAX, &mail->size) != 0)
        mail->size = UINT64_MAX;
    return true;
}

static bool take_body(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    if (slice_equal_nocase(value, SLICE_LITERAL("7BIT")))
        mail->body = BODY_7BIT;
    else if (slice_equal_nocase(value, SLICE_LITERAL("8BITMIME")))
        mail->body = BODY_8BITMIME;
    else if (slice_equal_nocase(value, SLICE_LITERAL("BINARYMIME")))
        mail->body = BODY_BINARYMIME;
    else
        return false;
    return true;
}

/* It takes no value, not even an empty one (RTLS-02). */
static bool take_requiretls(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    mail->requiretls = true;
    return value.ptr == NULL;
}

static bool take_smtputf8(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    mail->smtputf8 = true;
    return value.ptr == NULL;
}

static bool take_ret(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    return dsn_return_parse(value, &mail->ret) == 0;
}

static bool take_envid(void *argument, struct slice value)
{
    struct mail_argument *mail = argument;
    mail->envid = value;
    return dsn_envid_is_valid(value);
}

static bool take_notify(void *argument, struct slice value)
{
    struct rcpt_argument *rcpt = argument;
    return dsn_notify_parse(value, &rcpt->notify) == 0;
}

static bool take_orcpt(void *argument, struct slice value)
{
    struct rcpt_argument *rcpt = argument;
    rcpt->orcpt = value;
    return dsn_orcpt_is_valid(value, rcpt->smtputf8);
}

/* Each table ends with a row without a name. */
static const struct parameter mail_parameters[] = {
    {"SIZE", take_size}, {"BODY", take_body},   {"REQUIRETLS", take_requiretls},
    {"RET", take_ret},   {"ENVID", take_envid}, {"SMTPUTF8", take_smtputf8},
    {NULL, NULL}};
static const struct parameter rcpt_parameters[] = {
    {"NOTIFY", take_notify}, {"ORCPT", take_orcpt}, {NULL, NULL}};

/* One "NAME=VALUE" or "NAME"; `seen` has a bit for each that was there before. */
static enum argument_error take_parameter(const struct parameter *known, void *argument,
                                          struct slice word, unsigned *seen)
{
    struct slice value, name = slice_split(word, '=', &value);
    for (unsigned i = 0; known[i].name != NULL; i++) {
        if (!slice_equal_nocase(name, slice_of(known[i].name)))
            continue;
        if (*seen & 1u << i)
            return ARGUMENT_REPEATED_PARAMETER;
        *seen |= 1u << i;
        return known[i].take(argument, value) ? ARGUMENT_OK : ARGUMENT_BAD_PARAMETER;
    }
    return ARGUMENT_UNKNOWN_PARAMETER;
}

/* The next word, whatever number of spaces stands before it; false: no more. */
static bool next_word(struct slice *rest, struct slice *word_r)
{
    *rest = slice_trim(*rest);
    if (rest->len == 0)
        return false;
    *word_r = slice_split(*rest, ' ', rest);
    return true;
}

static enum argument_error take_parameters(const struct parameter *known, void *argument,
                                           struct slice parameters)
{
    enum argument_error error = ARGUMENT_OK;
    unsigned seen = 0;
    struct slice word;
    while (error == ARGUMENT_OK && next_word(&parameters, &word))
        error = take_parameter(known, argument, word, &seen);
    return error;
}

enum argument_error mail_argument_parse(struct slice argument, bool lenient,
                                        struct mail_argument *mail_r)
{
    *mail_r = (struct mail_argument){.body = BODY_7BIT};
    struct slice parameters;
    enum argument_error error = take_path(argument, "FROM", lenient, &mail_r->path, &parameters);
    if (error != ARGUMENT_OK)
        return error;
    if (mail_r->path.kind == PATH_POSTMASTER)
        return ARGUMENT_BAD_ADDRESS;
    error = take_parameters(mail_parameters, mail_r, parameters);
    if (mail_r->path.non_ascii && !mail_r->smtputf8)
        return ARGUMENT_NON_ASCII;
    return error;
}

enum argument_error rcpt_argument_parse(struct slice argument, bool lenient, bool smtputf8,
                                        struct rcpt_argument *rcpt_r)
{
    *rcpt_r = (struct rcpt_argument){.smtputf8 = smtputf8};
    struct slice parameters;
    enum argument_error error = take_path(argument, "TO", lenient, &rcpt_r->path, &parameters);
    if (error != ARGUMENT_OK)
        return error;
    if (rcpt_r->path.kind == PATH_NULL)
        return ARGUMENT_BAD_ADDRESS;
    if (rcpt_r->path.non_ascii && !smtputf8)
        return ARGUMENT_NON_ASCII;
    return take_parameters(rcpt_parameters, rcpt_r, parameters);
}

int bdat_argument_parse(struct slice argument, uint64_t *size_r, bool *last_r)
{
    struct slice rest = argument, size, word;
    *last_r = false;
    if (!next_word(&rest, &size) || slice_to_number(size, UINT64_MAX, size_r) != 0)
        return -1;
    if (!next_word(&rest, &word))
        return 0;
    *last_r = slice_equal_nocase(word, SLICE_LITERAL("LAST"));
    return *last_r && !next_word(&rest, &word) ? 0 : -1;
}
