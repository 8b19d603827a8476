/* identity: sections `identity "example.org" { ... }`: the same options again and again, each time for another identity.
 * Owns: nothing. An identity is read into settings->report.reading, and copied into the list at its end.
 * Must never mix the values of two of them. */
#include "conf/reader.h"

#include <string.h>

static bool is_of_identity(const struct option *option)
{
    return strcmp(option->section, "identity") == 0;
}

static void begin(struct reader *reader, const char *title)
{
    for (size_t i = 0; i < option_count; i++)
        if (is_of_identity(&options[i])) {
            option_reset(reader->arena, reader->settings, &options[i]);
            reader->seen[i] = (struct seen_option){.line = 0};
        }
    char *domain = arena_strdup(reader->arena, title);
    ascii_lower_text(domain);
    reader->title = domain;
    reader->settings->report.reading.domain = domain;
}

/* The first place is for section report: see check.c. */
static void append(struct reader *reader)
{
    struct report_settings *report = &reader->settings->report;
    size_t count = report->identity_count > 0 ? report->identity_count : 1;
    struct identity_settings *longer = arena_alloc(reader->arena, (count + 1) * sizeof(*longer));
    if (report->identity_count > 0)
        memcpy(longer, report->identities, count * sizeof(*longer));
    longer[count] = report->reading;
    report->identities = longer;
    report->identity_count = count + 1;
}

void reader_end_identity(struct reader *reader)
{
    if (reader->title == NULL)
        return;
    append(reader);
    begin(reader, "");
    reader->title = NULL;
}

void reader_turn_to_identity(struct reader *reader, const char *title)
{
    if (reader->title != NULL && slice_equal_nocase(slice_of(reader->title), slice_of(title)))
        return;
    reader_end_identity(reader);
    begin(reader, title);
}
