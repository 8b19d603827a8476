/* render_report: TLS reports as pages for people: the list, and the summary.
 * Owns: nothing; the keys are those of src/report/summary.h.
 * The failures come before what went well: they are what the page is read for.
 * Must never print more than SHOWN names of a kind: --json has them all. */
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "cli/format.h"
#include "cli/render.h"

enum { SHOWN = 5, NAME_WIDTH = 36, LABEL_WIDTH = 13 };

/* Columns are counted in characters, as names of organisations have letters of all kinds. */
static void put_padded(FILE *out, const char *text, int width)
{
    struct slice rest = slice_of(text);
    format_put(out, text);
    for (uint32_t code; rest.len > 0; width--) {
        unsigned length = utf8_character(rest, &code);
        rest = slice_drop(rest, length > 0 ? length : 1);
    }
    fprintf(out, "%*s", width > 0 ? width : 0, "");
}

static const char *known(const char *text)
{
    return text != NULL && *text != '\0' ? text : "not said";
}

static void put_failed(FILE *out, json_int_t failed)
{
    fprintf(out, "%s%10lld%s", failed > 0 ? colour(RED) : "", (long long)failed,
            failed > 0 ? colour(PLAIN) : "");
}

static const char *plural(json_int_t count)
{
    return count == 1 ? "" : "s";
}

/* --- list --------------------------------------------------------------------------------------- */

void render_report_list(FILE *out, json_t *list)
{
    json_t *report;
    size_t i;
    fprintf(out, "%s%-11s %-36s %-24s %10s %10s%s\n", colour(BOLD), "Day", "Domain", "Reported by",
            "succeeded", "failed", colour(PLAIN));
    json_array_foreach(list, i, report) {
        put_padded(out, known(json_text(report, "day")), 12);
        put_padded(out, known(json_text(report, "domain")), 37);
        put_padded(out, known(json_text(report, "organization")), 24);
        fprintf(out, " %10lld ", (long long)json_number(report, "success"));
        put_failed(out, json_number(report, "failure"));
        fputc('\n', out);
    }
}

/* --- tables of the summary ---------------------------------------------------------------------- */

static void put_days(FILE *out, json_t *object)
{
    const char *first = json_text(object, "first_day"), *last = json_text(object, "last_day");
    fputs(known(first), out);
    if (first != NULL && last != NULL && strcmp(first, last) != 0)
        fprintf(out, " to %s", last);
}

static void put_table(FILE *out, const char *title, json_t *rows)
{
    json_t *row;
    size_t i;
    if (json_array_size(rows) == 0)
        return;
    fprintf(out, "\n%s", colour(BOLD));
    put_padded(out, title, NAME_WIDTH);
    fprintf(out, "%10s %10s %10s  %s%s\n", "reports", "succeeded", "failed", "days", colour(PLAIN));
    json_array_foreach(rows, i, row) {
        put_padded(out, known(json_text(row, "name")), NAME_WIDTH);
        fprintf(out, "%10lld %10lld ", (long long)json_number(row, "reports"),
                (long long)json_number(row, "success"));
        put_failed(out, json_number(row, "failure"));
        fputs("  ", out);
        put_days(out, row);
        fputc('\n', out);
    }
}

/* "mx1.example.com (20), mx2.example.com (3) and 4 more" */
static void put_names(FILE *out, const char *label, json_t *names)
{
    json_t *name;
    size_t i, count = json_array_size(names);
    if (count == 0)
        return;
    fprintf(out, "    %-*s ", LABEL_WIDTH, label);
    json_array_foreach(names, i, name) {
        if (i == SHOWN)
            break;
        fputs(i > 0 ? ", " : "", out);
        format_put(out, json_text(name, "name"));
        fprintf(out, " (%lld)", (long long)json_number(name, "count"));
    }
    if (count > SHOWN)
        fprintf(out, " and %zu more", count - SHOWN);
    fputc('\n', out);
}

static void put_failure(FILE *out, json_t *failure, bool own)
{
    json_int_t count = json_number(failure, "count");
    fprintf(out, "\n  %s%s", colour(RED), colour(BOLD));
    format_put(out, json_text(failure, "result_type"));
    fprintf(out, "%s  ", colour(PLAIN));
    format_put(out, known(json_text(failure, "domain")));
    fprintf(out, "  %lld time%s, ", (long long)count, plural(count));
    put_days(out, failure);
    fputc('\n', out);
    put_names(out, "Mail host", json_object_get(failure, "mx"));
    put_names(out, "at", json_object_get(failure, "receiving_ips"));
    if (own)
        put_names(out, "Mail to", json_object_get(failure, "for_domains"));
    else
        put_names(out, "Reported by", json_object_get(failure, "organizations"));
    put_names(out, own ? "Sent from" : "who sent from", json_object_get(failure, "sending_ips"));
    put_names(out, "Policy", json_object_get(failure, "policy_types"));
    put_names(out, "Reason code", json_object_get(failure, "codes"));
    put_names(out, "More at", json_object_get(failure, "information"));
    fprintf(out, "    %-*s ", LABEL_WIDTH, "Wrong");
    format_put(out, json_text(failure, "what"));
    fputc('\n', out);
    render_who(out, "    ", failure);
}

static void put_failures(FILE *out, json_t *failures, bool own)
{
    json_t *failure;
    size_t i;
    if (json_array_size(failures) > 0)
        fprintf(out, "\n%sWhat fails, and who can mend it%s\n", colour(BOLD), colour(PLAIN));
    json_array_foreach(failures, i, failure) {
        put_failure(out, failure, own);
    }
}

/* --- what is wrong with the reports themselves -------------------------------------------------- */

static void put_complaints(FILE *out, json_t *files, bool unreadable, const char *title)
{
    json_t *file, *complaint;
    size_t i, c, shown = 0;
    json_array_foreach(files, i, file) {
        json_array_foreach(json_object_get(file, "complaints"), c, complaint) {
            const char *where = json_text(complaint, "where");
            json_int_t count = json_number(complaint, "count");
            if (json_is_true(json_object_get(complaint, "unreadable")) != unreadable)
                continue;
            if (shown++ == 0)
                fprintf(out, "\n%s%s%s\n", colour(BOLD), title, colour(PLAIN));
            fputs("  ", out);
            format_put(out, json_text(file, "file"));
            fputs(*where != '\0' ? ", " : "", out);
            format_put(out, where);
            fputs(": ", out);
            format_put(out, json_text(complaint, "text"));
            if (count > 1)
                fprintf(out, " (%lld times)", (long long)count);
            fputc('\n', out);
        }
    }
}

static void put_head(FILE *out, json_t *summary, bool own)
{
    json_int_t reports = json_number(summary, "reports");
    json_int_t twice = json_number(summary, "duplicates");
    size_t senders = json_array_size(json_object_get(summary, "organizations"));
    fprintf(out, "%s%lld TLS report%s%s", colour(BOLD), (long long)reports, plural(reports),
            colour(PLAIN));
    if (own)
        fputs(" of this gateway", out);
    else
        fprintf(out, " from %zu sender%s", senders, plural((json_int_t)senders));
    if (reports > 0) {
        fputs(", ", out);
        put_days(out, summary);
    }
    if (twice > 0)
        fprintf(out, "; %lld came more than once and count once", (long long)twice);
    json_int_t success = json_number(summary, "success");
    fprintf(out, "\n%lld session%s succeeded, %lld failed\n", (long long)success, plural(success),
            (long long)json_number(summary, "failure"));
    if (json_number(summary, "others") > 0)
        fprintf(out, "%lld mails or files were no TLS reports\n",
                (long long)json_number(summary, "others"));
}

void render_report_summary(FILE *out, json_t *summary, bool own)
{
    json_t *files = json_object_get(summary, "complaints");
    put_head(out, summary, own);
    put_failures(out, json_object_get(summary, "failures"), own);
    put_table(out, "Policy domain", json_object_get(summary, "domains"));
    if (!own)
        put_table(out, "Reported by", json_object_get(summary, "organizations"));
    put_complaints(out, files, true, "Could not be read");
    put_complaints(out, files, false, "Read, but not as RFC 8460 has it");
}
