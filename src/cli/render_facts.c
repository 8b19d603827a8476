/* render_facts: the first half of a decision trace: what DNS says, and what follows from it for
 * each host.
 * Owns: nothing. Each fact stands with its DNSSEC status and TTL, as these decide whether it
 * counts.
 * Must never judge: a fact is shown as the trace has it. */
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

/* Printed columns of the word that text begins with. */
static size_t word_length(const char *text)
{
    return strcspn(text, " ");
}

void render_labelled(FILE *out, const char *indent, const char *label, const char *text)
{
    size_t column = strlen(indent) + strlen(label), start = column;
    if (text == NULL || *text == '\0')
        return;
    fprintf(out, "%s%s", indent, label);
    while (*text != '\0') {
        char word[WIDTH + 1];
        size_t length = word_length(text), part = length < WIDTH ? length : WIDTH;
        if (column > start && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", (int)start, "");
            column = start;
        } else if (column > start) {
            fputc(' ', out);
            column++;
        }
        memcpy(word, text, part);
        word[part] = '\0';
        format_put(out, word);
        column += part;
        text += part;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void render_folded(FILE *out, const char *indent, const char *text)
{
    render_labelled(out, indent, "", text);
}

void render_who(FILE *out, const char *indent, json_t *object)
{
    render_labelled(out, indent, "Who can mend it: ", json_text(object, "who"));
    render_labelled(out, indent, "How: ", json_text(object, "advice"));
}

void render_reason(FILE *out, const char *indent, const char *key, json_t *object, const char *told)
{
    const char *name = json_text(object, key);
    bool is_told = name != NULL && told != NULL && strcmp(name, told) == 0;
    if (name == NULL)
        return;
    fprintf(out, "%s%s", indent, colour(RED));
    format_put(out, name);
    fprintf(out, "%s\n", colour(PLAIN));
    if (!is_told)
        render_labelled(out, indent, "", json_text(object, "text"));
    render_labelled(out, indent, "", json_text(object, "detail"));
    render_labelled(out, indent, "The host said: ", json_text(object, "reply"));
    if (!is_told)
        render_who(out, indent, object);
}

/* --- evidence --------------------------------------------------------------------------------- */

static enum colour status_colour(const char *status)
{
    if (strcmp(status, "secure") == 0)
        return GREEN;
    if (strcmp(status, "bogus") == 0 || strcmp(status, "failed") == 0)
        return RED;
    return strcmp(status, "insecure") == 0 ? YELLOW : DIM;
}

/* The words of DNSSEC, and what they mean for somebody who does not use them daily. */
static const char *status_words(const char *status)
{
    static const struct {
        const char *status, *words;
    } table[] = {
        {"not-asked", "not asked"},
        {"insecure", "insecure (not signed)"},
        {"bogus", "bogus (fails DNSSEC validation)"},
        {"failed", "look-up failed"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(status, table[i].status) == 0)
            return table[i].words;
    return status;
}

/* "secure, TTL 300 s", "insecure (not signed), there are none", "bogus (...): why" */
static void put_fact(FILE *out, json_t *fact)
{
    const char *status = json_text(fact, "status");
    if (status == NULL)
        return;
    fprintf(out, "%s", colour(status_colour(status)));
    format_put(out, status_words(status));
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

/* The resolver asks for TLSA only below signed answers (RFC 7672 2.2.2): why it did not. */
static const char *why_not_asked(json_t *evidence, json_t *host)
{
    json_t *addresses = json_object_get(host, "addresses_status");
    if (json_is_true(json_object_get(host, "literal")))
        return "an address has none";
    if (json_text_is(json_object_get(evidence, "mx"), "status", "insecure"))
        return "the domain is not signed with DNSSEC, so DANE does not apply";
    if (json_text_is(addresses, "status", "insecure"))
        return "the mail host is not signed with DNSSEC, so DANE does not apply to it";
    if (json_array_size(json_object_get(host, "addresses")) > 0)
        return "the rules for this mail do not look at DANE";
    return "there is no address to connect to";
}

static void put_tlsa(FILE *out, json_t *evidence, json_t *host)
{
    json_t *tlsa = json_object_get(host, "tlsa"), *record;
    const char *base = json_text(tlsa, "base"), *name = json_text(host, "name");
    size_t i;
    fputs("      TLSA       ", out);
    put_fact(out, tlsa);
    if (json_text_is(tlsa, "status", "not-asked"))
        fprintf(out, ": %s", why_not_asked(evidence, host));
    if (base != NULL && name != NULL && strcmp(base, name) != 0) {
        fputs(", at ", out);
        format_put(out, base);
    }
    fputc('\n', out);
    json_array_foreach(json_object_get(tlsa, "records"), i, record) {
        fputs("                 ", out);
        format_put(out, json_string_value(record));
        fputc('\n', out);
    }
}

static void put_host(FILE *out, json_t *evidence, json_t *host, bool has_mx)
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
    put_tlsa(out, evidence, host);
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

void render_evidence(FILE *out, json_t *evidence, int64_t now)
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
    render_sts(out, json_object_get(evidence, "sts"), now);
    bool has_mx = json_text_is(json_object_get(evidence, "mx"), "presence", "found") &&
                  !json_is_true(json_object_get(evidence, "implicit_mx"));
    if (!json_is_true(json_object_get(evidence, "null_mx")))
        json_array_foreach(json_object_get(evidence, "hosts"), i, host) {
            put_host(out, evidence, host, has_mx);
        }
}

/* --- plan ------------------------------------------------------------------------------------- */

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
        fprintf(out, "TLS or nothing, %sthe certificate is not checked%s", colour(YELLOW),
                colour(PLAIN));
    else if (json_text_is(host, "need", "may"))
        fprintf(out, "%sTLS if offered, else in clear%s", colour(YELLOW), colour(PLAIN));
    else if (json_text_is(host, "need", "none"))
        fprintf(out, "%sin clear%s", colour(YELLOW), colour(PLAIN));
}

/* DANE-EE records bind the key alone: no name in the certificate counts (RFC 7672 3.1.1). */
static bool names_count(json_t *host)
{
    json_t *record, *records = json_object_get(host, "records");
    size_t i;
    json_array_foreach(records, i, record) {
        const char *text = json_string_value(record);
        if (text != NULL && *text == '2')
            return true;
    }
    return json_array_size(records) == 0;
}

/* What the certificate must show, in one sentence; the names that DANE accepts follow. */
static void put_proof(FILE *out, json_t *host)
{
    if (!json_text_is(host, "need", "authenticated"))
        return;
    if (json_text_is(host, "applied", "tlsa") &&
        json_array_size(json_object_get(host, "records")) > 0) {
        fputs(names_count(host)
                  ? "      its certificate must come from the authority that a TLSA record names\n"
                  : "      its key or certificate must be one that a TLSA record names\n",
              out);
    } else if (json_text_is(host, "applied", "sts")) {
        fputs("      its certificate must come from a public authority and name ", out);
        format_put(out, json_text(host, "name"));
        fputc('\n', out);
    }
}

static void put_plan_host(FILE *out, json_t *host, const char *told)
{
    bool skipped = json_text(host, "skip") != NULL;
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(host, "name"));
    fprintf(out, "%s  ", colour(PLAIN));
    if (skipped)
        fprintf(out, "%sis not used%s", colour(RED), colour(PLAIN));
    else
        put_need(out, host);
    fputc('\n', out);
    render_reason(out, "      ", "skip", host, told);
    if (!skipped)
        put_proof(out, host);
    if (!skipped && names_count(host) && json_array_size(json_object_get(host, "names")) > 0) {
        fputs("      names that count in its certificate: ", out);
        render_words(out, json_object_get(host, "names"), 6);
        fputc('\n', out);
    }
    render_host_policies(out, host);
}

/* For all recipients, or for some of whom the same is demanded. */
static void put_plan(FILE *out, json_t *object, const char *told)
{
    json_t *hosts = json_object_get(json_object_get(object, "plan"), "hosts"), *host;
    size_t i;
    if (json_array_size(hosts) == 0 && json_text(object, "level") == NULL)
        return;
    fprintf(out, "\n%sPLAN%s  ", colour(BOLD), colour(PLAIN));
    if (json_array_size(json_object_get(object, "recipients")) > 0) {
        fputs("for ", out);
        render_words(out, json_object_get(object, "recipients"), 10);
        fputs("\n      ", out);
    }
    fputs("level ", out);
    format_put(out, json_text(object, "level"));
    fputs(", by ", out);
    format_put(out, json_text(object, "rule"));
    fputs(json_text_is(object, "rule", "default_level") ? ": no line of tls_policy fits\n" : "\n",
          out);
    render_rules(out, object);
    json_array_foreach(hosts, i, host) {
        put_plan_host(out, host, told);
    }
}

void render_plan(FILE *out, json_t *trace)
{
    json_t *further;
    size_t i;
    put_plan(out, trace, render_told(trace));
    json_array_foreach(json_object_get(trace, "more_plans"), i, further) {
        put_plan(out, further, render_told(trace));
    }
}
