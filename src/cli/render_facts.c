/* render_facts: the first half of a decision trace: what DNS says, and what follows from it for
 * each host. Owns: nothing. Each fact stands with its DNSSEC status and TTL, as these decide
 * whether it counts. Must never judge: a fact is shown as the trace has it. */
#include <string.h>

#include "cli/format.h"
#include "cli/render.h"

enum { WIDTH = 100 };

void render_words(FILE *out, json_t *texts, unsigned indent)
{
    unsigned column = indent;
    json_t *text;
    size_t i;
    json_array_foreach(texts, i, text) {
        size_t length = json_string_length(text);
        if (i > 0 && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (i > 0) {
            fputc(' ', out);
            column++;
        }
        format_put(out, json_string_value(text));
        column += (unsigned)length;
    }
}

static void put_line(FILE *out, const char *indent, const char *label, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    fprintf(out, "%s%s", indent, label);
    format_put(out, text);
    fputc('\n', out);
}

void render_reason(FILE *out, const char *indent, const char *key, json_t *object)
{
    const char *name = json_text(object, key), *who = json_text(object, "who");
    if (name == NULL)
        return;
    fprintf(out, "%s%s", indent, colour(RED));
    format_put(out, name);
    fprintf(out, "%s: ", colour(PLAIN));
    format_put(out, json_text(object, "text"));
    fputc('\n', out);
    put_line(out, indent, "", json_text(object, "detail"));
    put_line(out, indent, "the host said: ", json_text(object, "reply"));
    if (who == NULL)
        return;
    fprintf(out, "%s%s", indent, colour(BOLD));
    fputs("can be mended by ", out);
    format_put(out, who);
    fprintf(out, ":%s ", colour(PLAIN));
    format_put(out, json_text(object, "advice"));
    fputc('\n', out);
}

/* --- evidence -----------------------------------------------------------------------------------
 */

static enum colour status_colour(const char *status)
{
    if (strcmp(status, "secure") == 0)
        return GREEN;
    if (strcmp(status, "bogus") == 0 || strcmp(status, "failed") == 0)
        return RED;
    return strcmp(status, "insecure") == 0 ? YELLOW : DIM;
}

/* "secure, TTL 300 s", "secure: there are none", "bogus: why" */
static void put_fact(FILE *out, json_t *fact)
{
    const char *status = json_text(fact, "status");
    if (status == NULL)
        return;
    fprintf(out, "%s", colour(status_colour(status)));
    format_put(out, strcmp(status, "not-asked") == 0 ? "not asked" : status);
    fprintf(out, "%s", colour(PLAIN));
    if (json_text_is(fact, "presence", "no-data"))
        fputs(", there are none", out);
    if (json_text_is(fact, "presence", "no-name"))
        fputs(", the name does not exist", out);
    if (json_object_get(fact, "ttl") != NULL)
        fprintf(out, ", TTL %lld s", (long long)json_number(fact, "ttl"));
    if (json_text(fact, "why") != NULL) {
        fputs(": ", out);
        format_put(out, json_text(fact, "why"));
    }
}

static void put_addresses(FILE *out, json_t *host)
{
    fputs("      addresses  ", out);
    put_fact(out, json_object_get(host, "addresses_status"));
    if (json_array_size(json_object_get(host, "addresses")) > 0) {
        fputs("\n                 ", out);
        render_words(out, json_object_get(host, "addresses"), 17);
    }
    fputc('\n', out);
}

static void put_tlsa(FILE *out, json_t *tlsa)
{
    json_t *record;
    size_t i;
    fputs("      TLSA       ", out);
    put_fact(out, tlsa);
    if (json_text(tlsa, "base") != NULL) {
        fputs(", at ", out);
        format_put(out, json_text(tlsa, "base"));
    }
    fputc('\n', out);
    json_array_foreach(json_object_get(tlsa, "records"), i, record) {
        fputs("                 ", out);
        format_put(out, json_string_value(record));
        fputc('\n', out);
    }
}

static void put_host(FILE *out, json_t *host, bool has_mx)
{
    fprintf(out, "  %s", colour(BOLD));
    if (has_mx)
        fprintf(out, "%lld ", (long long)json_number(host, "preference"));
    format_put(out, json_text(host, "name"));
    fprintf(out, "%s", colour(PLAIN));
    if (json_text(host, "expanded") != NULL) {
        fputs(", an alias of ", out);
        format_put(out, json_text(host, "expanded"));
    }
    fputs(json_is_true(json_object_get(host, "literal")) ? ", an address\n" : "\n", out);
    if (json_object_get(host, "alias") != NULL) {
        fputs("      alias      ", out);
        put_fact(out, json_object_get(host, "alias"));
        fputc('\n', out);
    }
    put_addresses(out, host);
    put_tlsa(out, json_object_get(host, "tlsa"));
}

static void put_mx(FILE *out, json_t *evidence)
{
    json_t *mx = json_object_get(evidence, "mx");
    fputs("  MX             ", out);
    if (json_text_is(mx, "status", "not-asked"))
        fputs("not asked: the host is named", out);
    else
        put_fact(out, mx);
    if (json_is_true(json_object_get(evidence, "null_mx")))
        fputs(": null MX, the domain accepts no mail", out);
    if (json_is_true(json_object_get(evidence, "implicit_mx")))
        fputs(": the domain itself is the mail host", out);
    if (json_text(evidence, "expanded") != NULL) {
        fputs("\n                 the domain is an alias of ", out);
        format_put(out, json_text(evidence, "expanded"));
    }
    fputc('\n', out);
}

void render_evidence(FILE *out, json_t *evidence)
{
    json_t *host;
    size_t i;
    fprintf(out, "\n%sFACTS%s\n", colour(BOLD), colour(PLAIN));
    if (json_is_true(json_object_get(evidence, "name_invalid"))) {
        fputs("  This is no valid domain name.\n", out);
        return;
    }
    if (!json_is_true(json_object_get(evidence, "validating"))) {
        fprintf(out, "  %sThe resolver does not validate DNSSEC:%s ", colour(RED), colour(PLAIN));
        format_put(out, json_text(evidence, "not_validating_why"));
        fputc('\n', out);
    }
    put_mx(out, evidence);
    bool has_mx = json_text_is(json_object_get(evidence, "mx"), "presence", "found") &&
                  !json_is_true(json_object_get(evidence, "implicit_mx"));
    if (!json_is_true(json_object_get(evidence, "null_mx")))
        json_array_foreach(json_object_get(evidence, "hosts"), i, host) {
            put_host(out, host, has_mx);
        }
}

/* --- plan ---------------------------------------------------------------------------------------
 */

static void put_need(FILE *out, json_t *host)
{
    bool dane = json_text_is(host, "applied", "tlsa"), sts = json_text_is(host, "applied", "sts");
    if (json_text_is(host, "need", "authenticated"))
        fprintf(out, "TLS, %sauthenticated by %s%s", colour(GREEN),
                dane  ? "DANE"
                : sts ? "MTA-STS"
                      : "its certificate",
                colour(PLAIN));
    else if (json_text_is(host, "need", "encrypt"))
        fprintf(out, "TLS, %sthe certificate is not checked%s", colour(YELLOW), colour(PLAIN));
    else if (json_text_is(host, "need", "may"))
        fprintf(out, "%sTLS if offered, else in clear%s", colour(YELLOW), colour(PLAIN));
    else if (json_text_is(host, "need", "none"))
        fprintf(out, "%sin clear%s", colour(YELLOW), colour(PLAIN));
}

static void put_plan_host(FILE *out, json_t *host)
{
    bool skipped = json_text(host, "skip") != NULL;
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(host, "name"));
    fprintf(out, "%s  ", colour(PLAIN));
    if (skipped)
        fprintf(out, "%sskipped%s", colour(RED), colour(PLAIN));
    else
        put_need(out, host);
    fputc('\n', out);
    render_reason(out, "      ", "skip", host);
    if (!skipped && json_array_size(json_object_get(host, "names")) > 0) {
        fputs("      names that count: ", out);
        render_words(out, json_object_get(host, "names"), 6);
        fputc('\n', out);
    }
}

/* The reason of the whole is often that of its only host: then it is said there. */
static bool said_by_a_host(json_t *plan)
{
    const char *reason = json_text(plan, "reason");
    json_t *host;
    size_t i;
    json_array_foreach(json_object_get(plan, "hosts"), i, host) {
        if (reason != NULL && json_text_is(host, "skip", reason))
            return true;
    }
    return false;
}

void render_plan(FILE *out, json_t *trace)
{
    json_t *plan = json_object_get(trace, "plan"), *host;
    size_t i;
    if (plan == NULL)
        return;
    fprintf(out, "\n%sPLAN%s  level ", colour(BOLD), colour(PLAIN));
    format_put(out, json_text(trace, "level"));
    fputs(", by ", out);
    format_put(out, json_text(trace, "rule"));
    fputc('\n', out);
    if (json_text_is(plan, "action", "defer"))
        fprintf(out, "  %skept and tried again later%s\n", colour(YELLOW), colour(PLAIN));
    if (json_text_is(plan, "action", "bounce"))
        fprintf(out, "  %sreturned to the sender%s\n", colour(RED), colour(PLAIN));
    if (!said_by_a_host(plan))
        render_reason(out, "  ", "reason", plan);
    json_array_foreach(json_object_get(plan, "hosts"), i, host) {
        put_plan_host(out, host);
    }
}
