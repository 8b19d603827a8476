/* reader: libconfuse reads the text and calls back for each value, which goes through the table of
 * options.
 * Owns: libconfuse's objects while it runs. libconfuse gives its callbacks no argument, hence the
 * one pointer to the reader at work.
 * Must never let libconfuse print anything. */
#include "conf/reader.h"

#include <confuse.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

static _Thread_local struct reader *reading;

static void fail(unsigned line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(unsigned line, const char *format, ...)
{
    if (reading->failed)
        return;
    reading->failed = true;
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    err_set(&reading->err, "%.80s:%u: %s", reading->path, line, text);
}

static unsigned line_of(const cfg_t *cfg)
{
    return cfg->line > 0 ? (unsigned)cfg->line : 1;
}

/* libconfuse calls the outermost section "root". */
static const char *section_of(const cfg_t *cfg)
{
    return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

static const struct option *find(const char *section, const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

/* "port" outside of a section: say where it belongs. */
static void fail_unknown(const cfg_t *cfg, const char *name)
{
    struct buffer places;
    buffer_init(&places, 200);
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(options[i].name, name) == 0)
            buffer_printf(&places, "%s%s", places.len > 0 ? " or " : "",
                          options[i].section[0] != '\0' ? options[i].section : "no section");
    const char *section = section_of(cfg);
    if (places.len > 0)
        fail(line_of(cfg), "no option \"%s\" %s%s; expected it in %.*s", name,
             section[0] != '\0' ? "in " : "outside of the sections", section,
             SLICE_ARG(buffer_slice(&places)));
    else
        fail(line_of(cfg), "no option or section \"%.60s\" is known; daneway.conf(5) lists them",
             name);
    buffer_release(&places);
}

/* libconfuse's own errors: the word in quotes is what it is about. */
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    char text[256];
    vsnprintf(text, sizeof(text), format, arguments);
    struct slice rest, name, before = slice_split(slice_of(text), '\'', &rest);
    name = slice_split(rest, '\'', &rest);
    if (slice_equal(before, SLICE_LITERAL("no such option "))) {
        char copy[64];
        snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(name));
        fail_unknown(cfg, copy);
    } else if (slice_starts_nocase(before, SLICE_LITERAL("missing equal sign"))) {
        fail(line_of(cfg), "no \"=\" behind \"%.*s\"; expected NAME = VALUE", SLICE_ARG(name));
    } else if (slice_starts_nocase(before, SLICE_LITERAL("missing opening brace"))) {
        fail(line_of(cfg), "no \"{\" behind \"%.*s\"; expected NAME { and options",
             SLICE_ARG(name));
    } else if (slice_starts_nocase(before, SLICE_LITERAL("unexpected token"))) {
        fail(line_of(cfg), "unexpected \"%.*s\"; expected NAME = VALUE", SLICE_ARG(name));
    } else if (slice_starts_nocase(before, SLICE_LITERAL("missing title"))) {
        fail(line_of(cfg),
             "no domain behind \"%.*s\"; expected identity \"example.org\" { and options",
             SLICE_ARG(name));
    } else if (slice_starts_nocase(before, SLICE_LITERAL("found duplicate title"))) {
        fail(line_of(cfg), "identity \"%.*s\" is given again; expected it once", SLICE_ARG(name));
    } else if (slice_starts_nocase(before, SLICE_LITERAL("premature end"))) {
        fail(line_of(cfg), "the file ends within an option; expected NAME = VALUE");
    } else {
        fail(line_of(cfg), "%s; expected NAME = VALUE", text);
    }
}

static void take_value(const cfg_t *cfg, const struct option *option, const char *value)
{
    if (option->set(reading->arena, reading->settings, option, value) == 0)
        return;
    char expected[200];
    option_expected(option, expected, sizeof(expected));
    fail(line_of(cfg), "%s = \"%.60s\"; expected %s", option->name, value, expected);
}

static void fail_again(const cfg_t *cfg, const struct option *option,
                       const struct seen_option *seen)
{
    fail(line_of(cfg), "%s is given again; expected it once, and it stands in line %u",
         option->name, seen->line);
}

/* The callback comes once more at the end of a list in braces, with the last value again. */
static void take_list_value(const cfg_t *cfg, const struct option *option, struct seen_option *seen,
                            unsigned number, const char *value)
{
    bool again = seen->values > 0 && number == seen->values && strcmp(value, seen->last) == 0;
    if (again)
        return;
    if (number != seen->values + 1) {
        fail_again(cfg, option, seen);
        return;
    }
    if (number == 1)
        option_clear_list(reading->settings, option);
    take_value(cfg, option, value);
    seen->values = number;
    seen->last = arena_strdup(reading->arena, value);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct option *option = find(section_of(cfg), opt->name);
    const char *value = cfg_opt_getnstr(opt, opt->nvalues - 1);
    if (option == NULL) { /* "resolver|port" outside of its section */
        fail_unknown(cfg, opt->name);
        return -1;
    }
    if (cfg->title != NULL)
        reader_turn_to_identity(reading, cfg->title);
    struct seen_option *seen = &reading->seen[option - options];
    if (option->list)
        take_list_value(cfg, option, seen, opt->nvalues, value);
    else if (seen->line != 0)
        fail_again(cfg, option, seen);
    else
        take_value(cfg, option, value);
    if (seen->line == 0)
        seen->line = line_of(cfg);
    return reading->failed ? -1 : 0;
}

/* Sections of which there may be several, each with a name of its own. */
static bool is_titled(const char *section)
{
    return strcmp(section, "identity") == 0;
}

/* "{}" calls nothing back: it leaves the flag that says "take away the default with the next
 * value". */
static void take_empty_lists(cfg_t *cfg)
{
    for (size_t i = 0; i < option_count; i++) {
        if (!options[i].list || is_titled(options[i].section)) /* those are read anew each time */
            continue;
        char name[80];
        snprintf(name, sizeof(name), "%s%s%s", options[i].section,
                 options[i].section[0] != '\0' ? "|" : "", options[i].name);
        const cfg_opt_t *opt = cfg_getopt(cfg, name);
        if (opt->nvalues == 0 && (opt->flags & CFGF_RESET) != 0)
            option_clear_list(reading->settings, &options[i]);
    }
}

/* A section without any value has called nothing back. */
static void check_titles(cfg_t *cfg)
{
    const struct report_settings *report = &reading->settings->report;
    size_t read = report->identity_count > 0 ? report->identity_count - 1 : 0;
    for (unsigned i = 0; i < cfg_size(cfg, "identity"); i++) {
        const cfg_t *section = cfg_getnsec(cfg, "identity", i);
        if (i >= read || !slice_equal_nocase(slice_of(report->identities[i + 1].domain),
                                             slice_of(section->title))) {
            fail(line_of(section),
                 "identity \"%s\" is empty; expected organization_name and contact_info in it",
                 section->title);
            return;
        }
    }
}

static cfg_opt_t libconfuse_option(const struct option *option)
{
    cfg_opt_t one = CFG_STR(option->name, NULL, CFGF_NODEFAULT);
    cfg_opt_t many = CFG_STR_LIST(option->name, NULL, CFGF_NODEFAULT);
    one.validcb = many.validcb = on_value;
    return option->list ? many : one;
}

/* Options of one section stand together in the table: one section for libconfuse from each such
 * run. */
static cfg_opt_t *libconfuse_options(struct arena *arena, const char *section, size_t first)
{
    const cfg_opt_t end = CFG_END();
    cfg_opt_t *list = arena_alloc(arena, (option_count + 1) * sizeof(*list));
    size_t count = 0;
    for (size_t i = first; i < option_count; i++) {
        const char *name = options[i].section;
        if (strcmp(name, section) == 0) {
            list[count++] = libconfuse_option(&options[i]);
        } else if (section[0] == '\0' && strcmp(name, options[i - 1].section) != 0) {
            cfg_opt_t *inside = libconfuse_options(arena, name, i);
            list[count++] = (cfg_opt_t)CFG_SEC(
                name, inside,
                is_titled(name) ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE);
        }
    }
    list[count] = end;
    return list;
}

int reader_run(struct reader *reader, const char *text, struct err *err_r)
{
    reading = reader;
    cfg_t *cfg = cfg_init(libconfuse_options(reader->arena, "", 0), CFGF_NONE);
    cfg_set_error_function(cfg, on_error);
    int rc = cfg_parse_buf(cfg, text);
    if (rc != CFG_SUCCESS)
        fail(line_of(cfg), "the file cannot be read; expected options and sections");
    else
        take_empty_lists(cfg);
    reader_end_identity(reader);
    check_titles(cfg);
    cfg_free(cfg);
    reading = NULL;
    if (reader->failed)
        *err_r = reader->err;
    return reader->failed ? -1 : 0;
}
