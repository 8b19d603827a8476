/* report_input: see report_input.h.
 * Owns: the complaints, by file.
 * Must never hold more than one file in memory, nor one larger than FILE_MAX. */
#include "cli/report_input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/progress.h"

enum {
    FILE_MAX = 512 << 20,
    STEP = 1 << 16,
    DIRECTORIES_MAX = 6,
    NAME_LIMIT = 4096,
    COMPLAINTS_MAX = 100
};

struct report_input {
    report_input_fn *fn;
    void *arg;
    char *file;                         /* that is being read; UTF-8 */
    json_t *complaints;                 /* array of files */
    json_t *own;                        /* the complaints of `file`, borrowed; NULL: none so far */
    size_t files;                       /* begun */
    unsigned found, unreadable, others; /* found: in `file` */
};

struct report_input *report_input_create(report_input_fn *fn, void *arg)
{
    struct report_input *input = x_calloc(1, sizeof(*input));
    input->fn = fn;
    input->arg = arg;
    input->complaints = json_array();
    return input;
}

void report_input_free(struct report_input **input)
{
    if (*input == NULL)
        return;
    json_decref((*input)->complaints);
    free((*input)->file);
    free(*input);
    *input = NULL;
}

unsigned report_input_unreadable(const struct report_input *input)
{
    return input->unreadable;
}

unsigned report_input_others(const struct report_input *input)
{
    return input->others;
}

json_t *report_input_complaints(const struct report_input *input)
{
    return input->complaints;
}

/* --- complaints --------------------------------------------------------------------------------- */

/* UTF-8, as names of files need not be. The caller frees it. */
static char *clean_name(const char *name)
{
    struct buffer clean;
    buffer_init(&clean, NAME_LIMIT);
    utf8_repair(slice_of(name), &clean);
    char *copy = x_strndup(clean.ptr != NULL ? clean.ptr : "", clean.len);
    buffer_release(&clean);
    return copy;
}

static void begin_file(struct report_input *input, const char *name)
{
    free(input->file);
    input->file = clean_name(name);
    input->own = NULL;
    input->found = 0;
    progress_say(input->files++, 0, "files read");
}

static json_t *own_complaints(struct report_input *input)
{
    if (input->own == NULL) {
        input->own = json_array();
        json_array_append_new(input->complaints, json_pack("{s:s, s:o}", "file", input->file,
                                                           "complaints", input->own));
    }
    return input->own;
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && strcmp(value, text) == 0;
}

static json_t *find_complaint(json_t *complaints, const char *where, const char *text)
{
    json_t *complaint;
    size_t i;
    json_array_foreach(complaints, i, complaint)
        if (has_text(complaint, "text", text) && has_text(complaint, "where", where))
            return complaint;
    return NULL;
}

static void add_complaint(json_t *complaints, bool unreadable, const char *where, const char *text)
{
    char *clean = clean_name(text);
    json_array_append_new(complaints, json_pack("{s:s, s:s, s:b, s:i}", "where", where, "text",
                                                clean, "unreadable", unreadable, "count", 1));
    free(clean);
}

/* The same complaint about the same place is kept once, with how often it came; those beyond
 * COMPLAINTS_MAX become one. */
static void keep_complaint(struct report_input *input, bool unreadable, const char *where,
                           const char *text)
{
    static const char more[] = "more that is wrong, and not told one by one";
    json_t *complaints = own_complaints(input);
    bool full = json_array_size(complaints) >= COMPLAINTS_MAX && !unreadable;
    json_t *before = find_complaint(complaints, full ? "" : where, full ? more : text);
    json_t *count = json_object_get(before, "count");
    if (before != NULL)
        json_integer_set(count, json_integer_value(count) + 1);
    else
        add_complaint(complaints, unreadable, full ? "" : where, full ? more : text);
}

static void on_complaint(void *arg, enum complaint kind, const char *where, const char *text)
{
    struct report_input *input = arg;
    if (kind == COMPLAINT_NO_REPORT) {
        input->others++;
        return;
    }
    input->unreadable += kind == COMPLAINT_UNREADABLE;
    keep_complaint(input, kind == COMPLAINT_UNREADABLE, where, text);
}

static void on_report(void *arg, const char *where, const struct tls_report *report)
{
    struct report_input *input = arg;
    input->found++;
    input->fn(input->arg, input->file, where, report);
}

static void fail(struct report_input *input, const char *text)
{
    on_complaint(input, COMPLAINT_UNREADABLE, "", text);
}

/* --- files -------------------------------------------------------------------------------------- */

static void read_slice(struct report_input *input, struct slice octets, bool named)
{
    const struct report_sink sink = {input, on_report, on_complaint};
    unsigned before = input->unreadable;
    report_read(octets, input->file, named, &sink);
    if (named && input->found == 0 && input->unreadable == before)
        fail(input, "holds no TLS report");
}

void report_input_octets(struct report_input *input, const char *file, struct slice octets)
{
    begin_file(input, file);
    read_slice(input, octets, true);
}

static void read_stream(struct report_input *input, FILE *file, bool named)
{
    CLEANUP(buffer_release) struct buffer octets;
    char step[STEP];
    size_t length;
    buffer_init(&octets, FILE_MAX);
    while ((length = fread(step, 1, sizeof(step), file)) > 0)
        if (buffer_append(&octets, step, length) != 0) {
            fail(input, "is larger than 512 MB: split it");
            return;
        }
    if (ferror(file))
        fail(input, strerror(errno));
    else
        read_slice(input, buffer_slice(&octets), named);
}

static void read_file(struct report_input *input, const char *path, bool named)
{
    begin_file(input, path);
    CLEANUP(file_close) FILE *file = fopen(path, "re");
    if (file == NULL)
        fail(input, strerror(errno));
    else
        read_stream(input, file, named);
}

/* --- directories -------------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* A file with such a name is meant to be a report; others may lie beside them. */
static bool names_report(const char *name)
{
    return strstr(name, ".json") != NULL || strstr(name, ".gz") != NULL ||
           strstr(name, ".eml") != NULL;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool has_directory(const char *path, const char *name)
{
    CLEANUP(text_free) char *inner = x_printf("%s/%s", path, name);
    return is_directory(inner);
}

static void read_entry(struct report_input *input, const char *path, const char *name,
                       bool is_maildir, unsigned depth);

static void read_directory(struct report_input *input, const char *path, bool is_maildir,
                           unsigned depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        begin_file(input, path);
        fail(input, strerror(errno));
        return;
    }
    bool maildir = has_directory(path, "cur") && has_directory(path, "new");
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (!maildir || strcmp(name, "cur") == 0 || strcmp(name, "new") == 0)
            read_entry(input, path, name, is_maildir || maildir, depth);
        free(entries[i]);
    }
    free(entries);
}

static void read_entry(struct report_input *input, const char *path, const char *name,
                       bool is_maildir, unsigned depth)
{
    CLEANUP(text_free) char *inner = x_printf("%s/%s", path, name);
    if (is_directory(inner) && depth < DIRECTORIES_MAX)
        read_directory(input, inner, is_maildir, depth + 1);
    else if (is_file(inner))
        read_file(input, inner, !is_maildir && names_report(name));
}

void report_input_path(struct report_input *input, const char *path)
{
    if (strcmp(path, "-") == 0) {
        begin_file(input, "standard input");
        read_stream(input, stdin, true);
    } else if (is_directory(path)) {
        read_directory(input, path, false, 0);
    } else {
        read_file(input, path, true);
    }
}
