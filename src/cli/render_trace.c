/* render_trace: a decision trace as a page: the answer (render_answer.c), facts and plan
 * (render_facts.c), then each host tried.
 * Owns: nothing. The keys are those of src/attempt/trace.h.
 * Must never need a field to be there. */
#include <string.h>
#include <time.h>

#include "cli/format.h"
#include "cli/render.h"

/* --- hosts tried ------------------------------------------------------------------------------ */

static void put_date(FILE *out, json_int_t when)
{
    char text[sizeof "2026-11-23"];
    time_t seconds = (time_t)when;
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL && strftime(text, sizeof text, "%Y-%m-%d", &parts) > 0)
        fputs(text, out);
}

static void put_certificate(FILE *out, json_t *certificate, size_t depth)
{
    fprintf(out, "      certificate %zu  ", depth);
    format_put(out, json_text(certificate, "subject"));
    fputs("\n                     from ", out);
    put_date(out, json_number(certificate, "not_before"));
    fputs(" to ", out);
    put_date(out, json_number(certificate, "not_after"));
    fputs(", issued by ", out);
    format_put(out, json_text(certificate, "issuer"));
    if (json_array_size(json_object_get(certificate, "names")) > 0) {
        fputs("\n                     names ", out);
        render_words(out, json_object_get(certificate, "names"), 27);
    }
    if (json_text(certificate, "spki_sha256") != NULL && depth == 0) {
        fputs("\n                     as TLSA: 3 1 1 ", out);
        format_put(out, json_text(certificate, "spki_sha256"));
    }
    fputc('\n', out);
}

static void put_tls(FILE *out, json_t *tls)
{
    static const char *const keys[] = {"protocol", "cipher", "group", "signature"};
    json_t *certificate;
    size_t i;
    if (tls == NULL)
        return;
    fputs("      TLS           ", out);
    for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (json_text(tls, keys[i]) == NULL)
            continue;
        fputc(' ', out);
        format_put(out, json_text(tls, keys[i]));
    }
    fputs(json_is_true(json_object_get(tls, "resumed")) ? " resumed\n" : "\n", out);
    json_array_foreach(json_object_get(tls, "chain"), i, certificate) {
        put_certificate(out, certificate, i);
    }
}

static void put_verdict(FILE *out, json_t *verdict, const char *told)
{
    bool verified = json_is_true(json_object_get(verdict, "verified"));
    bool go_on = json_text_is(verdict, "action", "go-on");
    bool clear = json_text_is(verdict, "action", "reconnect-clear");
    if (verdict == NULL || json_text_is(verdict, "action", "starttls"))
        return; /* none was reached: the ending says why */
    fprintf(out, "      verdict        %s",
            colour(verified         ? GREEN
                   : go_on || clear ? YELLOW
                                    : RED));
    if (go_on)
        format_put(out, json_text(verdict, "protection"));
    else
        fputs(clear ? "no TLS here: goes on in clear, on a fresh connection" : "refused", out);
    fprintf(out, "%s", colour(PLAIN));
    if (json_text(verdict, "matched") != NULL) {
        fprintf(out, ": certificate %lld matches\n                     ",
                (long long)json_number(verdict, "depth"));
        format_put(out, json_text(verdict, "matched"));
    }
    fputc('\n', out);
    render_policy_results(out, verdict);
    if (!go_on) {
        render_reason(out, "        ", "reason", verdict, told);
    } else if (json_text(verdict, "reason") != NULL) {
        fputs("                     would not do where TLS is required: ", out);
        format_put(out, json_text(verdict, "reason"));
        fputc('\n', out);
    }
}

enum { LABEL = 40 };

/* "connected", "tls TLSv1.3 ...": of neither side. */
static void put_happening(FILE *out, const char *label, const char *what, const char *text)
{
    char line[512];
    what = what != NULL ? what : "";
    snprintf(line, sizeof line, "%s%s%s", what, text != NULL && *text != '\0' ? " " : "",
             text != NULL ? text : "");
    render_labelled(out, "      ", label, line);
}

static void put_events(FILE *out, json_t *events)
{
    json_t *event;
    size_t i;
    if (json_array_size(events) > 0)
        fprintf(out, "      %sdialogue%s\n", colour(DIM), colour(PLAIN));
    json_array_foreach(events, i, event) {
        char label[LABEL];
        bool ours = json_text_is(event, "what", "command");
        bool theirs =
            json_text_is(event, "what", "reply") || json_text_is(event, "what", "greeting");
        const char *text = json_text(event, "text");
        snprintf(label, sizeof label, "%7.3f s  %s", (double)json_number(event, "ms") / 1000,
                 ours     ? "> "
                 : theirs ? "< "
                          : "  ");
        fprintf(out, "%s", colour(DIM));
        if (!ours && !theirs)
            put_happening(out, label, json_text(event, "what"), text);
        else
            render_labelled(out, "      ", label, text);
        fprintf(out, "%s", colour(PLAIN));
    }
}

/* What refused the host is said once, although verdict and ending both name it. */
static bool same_reason(json_t *verdict, json_t *ending)
{
    const char *reason = json_text(ending, "reason");
    return reason != NULL && json_text_is(verdict, "reason", reason);
}

/* Times of its events are those of this message; what TLS showed was shown when it was opened. */
static void put_reuse(FILE *out, json_t *reused)
{
    char when[FORMAT_TEXT];
    if (reused == NULL)
        return;
    fprintf(out, "      reused session, opened at %s, message %lld of it\n",
            format_time(json_number(reused, "opened"), when),
            (long long)json_number(reused, "message"));
}

static void put_try(FILE *out, json_t *tried, const char *told)
{
    json_t *verdict = json_object_get(tried, "verdict"), *ending = json_object_get(tried, "ending");
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(tried, "host"));
    fprintf(out, "%s [", colour(PLAIN));
    format_put(out, json_text(tried, "address"));
    fprintf(out, "]:%lld%s\n", (long long)json_number(tried, "port"),
            json_is_true(json_object_get(tried, "clear")) ? ", without TLS" : "");
    put_reuse(out, json_object_get(tried, "reused"));
    put_tls(out, json_object_get(tried, "tls"));
    put_verdict(out, verdict, told);
    if (!same_reason(verdict, ending))
        render_reason(out, "        ", "reason", ending, told);
    put_events(out, json_object_get(tried, "events"));
}

/* What the destination showed before and does not show now. */
static void put_memory(FILE *out, json_t *plan)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(plan, "downgrades"), i, entry) {
        bool proven = json_is_true(json_object_get(entry, "proven"));
        fprintf(out, "\n%sMEMORY%s  %s%s%s: ", colour(BOLD), colour(PLAIN),
                colour(proven ? YELLOW : RED), proven ? "changed" : "DOWNGRADE", colour(PLAIN));
        format_put(out, json_text(entry, "says"));
        fputc('\n', out);
    }
    json_array_foreach(json_object_get(plan, "hosts"), i, entry) {
        if (json_text(entry, "memory") == NULL)
            continue;
        fprintf(out, "\n%sMEMORY%s  ", colour(BOLD), colour(PLAIN));
        format_put(out, json_text(entry, "name"));
        fputs(": ", out);
        format_put(out, json_text(entry, "memory"));
        fputs(json_is_true(json_object_get(entry, "held_by_memory"))
                  ? "; without it, mail waits (on_downgrade)\n"
                  : "; mail without it is told in the log\n",
              out);
    }
}

/* One line: what the second rules would have done. */
static void put_shadow(FILE *out, json_t *shadow)
{
    static const char *const words[][2] = {
        {"passes", "would go out all the same"},
        {"waits", "would wait"},
        {"returned", "would be returned"},
        {"unknown", "not known"},
        {"not-judged", "nothing to judge, as nothing was let pass"},
    };
    if (shadow == NULL)
        return;
    fprintf(out, "\n%sSECOND RULES%s  ", colour(BOLD), colour(PLAIN));
    if (json_text(shadow, "rule") != NULL) {
        format_put(out, json_text(shadow, "rule"));
        fputc(' ', out);
        format_put(out, json_text(shadow, "level"));
        fputs(": ", out);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (json_text_is(shadow, "outcome", words[i][0]))
            fputs(words[i][1], out);
    if (json_text(shadow, "reason") != NULL) {
        fputs(", ", out);
        format_put(out, json_text(shadow, "reason"));
    }
    if (json_text(shadow, "says") != NULL) {
        fputs(": ", out);
        format_put(out, json_text(shadow, "says"));
    }
    fputc('\n', out);
}

/* --- the page --------------------------------------------------------------------------------- */

void render_trace(FILE *out, json_t *trace)
{
    char when[FORMAT_TEXT];
    json_t *tried = json_object_get(trace, "tried"), *connection;
    size_t i;
    fprintf(out, "%s", colour(BOLD));
    format_put(out, json_text(trace, "next_hop"));
    fprintf(out, "%s  %s\n", colour(PLAIN), format_time(json_number(trace, "time"), when));
    if (json_text(trace, "route") != NULL) {
        fputs("by way of ", out);
        format_put(out, json_text(trace, "route"));
        fputc('\n', out);
    }
    render_answer(out, trace);
    if (json_object_get(trace, "evidence") != NULL)
        render_evidence(out, json_object_get(trace, "evidence"), json_number(trace, "time"));
    render_plan(out, trace);
    if (json_array_size(tried) > 0)
        fprintf(out, "\n%sTRIED%s\n", colour(BOLD), colour(PLAIN));
    json_array_foreach(tried, i, connection) {
        put_try(out, connection, render_told(trace));
    }
    put_memory(out, json_object_get(trace, "plan"));
    put_shadow(out, json_object_get(trace, "shadow"));
}
