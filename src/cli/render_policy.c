/* render_policy: the parts of a decision trace about policies: the domain's MTA-STS policy, the rules that took part, what
 * the message itself demands, and by which policies each host is judged.
 * Owns: nothing.
 * The keys are those of src/attempt/trace.h.
 * Must never need a field to be there. */
#include <string.h>

#include "cli/format.h"
#include "cli/render.h"

enum { INDENT = 17 };

static void put_label(FILE *out, const char *label)
{
    fprintf(out, "  %-*s", INDENT - 2, label);
}

static void put_pair(FILE *out, const char *before, const char *text, const char *after)
{
    if (text == NULL)
        return;
    fputs(before, out);
    format_put(out, text);
    fputs(after, out);
}

/* --- MTA-STS -------------------------------------------------------------------------------------- */

static enum colour mode_colour(json_t *sts)
{
    if (json_text_is(sts, "mode", "enforce"))
        return GREEN;
    return json_text_is(sts, "mode", "testing") ? YELLOW : DIM;
}

static void put_policy(FILE *out, json_t *sts, int64_t now)
{
    char age[FORMAT_TEXT], end[FORMAT_TEXT];
    fprintf(out, "%s", colour(mode_colour(sts)));
    put_pair(out, "mode ", json_text(sts, "mode"), "");
    fprintf(out, "%s", colour(PLAIN));
    put_pair(out, ", id ", json_text(sts, "id"), "");
    if (json_text_is(sts, "source", "fetched") || now <= json_number(sts, "fetched"))
        fputs(", fetched just now", out);
    else
        fprintf(out, ", fetched %s ago", format_duration(now - json_number(sts, "fetched"), age));
    fprintf(out, ", in force until %s\n", format_time(json_number(sts, "expires"), end));
    if (json_array_size(json_object_get(sts, "mx")) == 0)
        return;
    fprintf(out, "%*sallows ", INDENT, "");
    render_words(out, json_object_get(sts, "mx"), INDENT + 7);
    fputc('\n', out);
}

static void put_absence(FILE *out, json_t *sts)
{
    json_t *record = json_object_get(sts, "record");
    if (json_text_is(sts, "source", "lookup-failed")) {
        fprintf(out, "%snot known%s", colour(RED), colour(PLAIN));
        put_pair(out, ": the record could not be looked up: ", json_text(record, "why"), "");
    } else if (json_text(sts, "record_id") != NULL) {
        fprintf(out, "%sannounced, but the policy could not be had%s", colour(YELLOW),
                colour(PLAIN));
    } else {
        fputs("the domain has none", out);
        put_pair(out, ": ", json_text(record, "why"), "");
    }
    fputc('\n', out);
}

void render_sts(FILE *out, json_t *sts, int64_t now)
{
    if (sts == NULL)
        return;
    put_label(out, "MTA-STS");
    const char *mode = json_text(sts, "mode"), *id = json_text(sts, "id");
    const char *announced = json_text(sts, "record_id");
    if (mode != NULL)
        put_policy(out, sts, now);
    else
        put_absence(out, sts);
    if (mode != NULL && announced == NULL)
        fprintf(out, "%*sthe record is gone or invalid; the policy stays until it expires\n",
                INDENT, "");
    else if (id != NULL && strcmp(id, announced) != 0) {
        fprintf(out, "%*s", INDENT, "");
        put_pair(out, "the record announces another id: ", announced, "\n");
    }
    if (json_text(sts, "failure") == NULL)
        return;
    fprintf(out, "%*s%sthe latest fetch failed:%s ", INDENT, "", colour(YELLOW), colour(PLAIN));
    format_put(out, json_text(sts, "failure"));
    put_pair(out, ": ", json_text(sts, "failure_text"), "");
    fputc('\n', out);
}

/* --- rules and demands ---------------------------------------------------------------------------- */

static void put_exception(FILE *out, json_t *demands)
{
    const char *until = json_text(demands, "until");
    if (until != NULL) {
        fprintf(out, "  %sby exception, until ", colour(YELLOW));
        format_put(out, until);
        fprintf(out, "%s", colour(PLAIN));
        put_pair(out, ": ", json_text(demands, "reason"), "");
        put_pair(out, ", owner ", json_text(demands, "owner"), "");
        fputc('\n', out);
    }
    put_pair(out, "  set aside: ", json_text(demands, "set_aside"), "\n");
}

static void put_message_demands(FILE *out, json_t *demands)
{
    const char *requiretls = json_text(demands, "requiretls");
    if (requiretls != NULL) {
        fprintf(out, "  %sthe message demands REQUIRETLS%s", colour(BOLD), colour(PLAIN));
        if (strcmp(requiretls, "enforce") != 0)
            put_pair(out, ", which the table relaxes: ", requiretls, "");
        fputc('\n', out);
    }
    if (json_is_true(json_object_get(demands, "tls_optional")))
        fprintf(out,
                "  %sthe message says TLS-Required: No%s: policies are judged and counted, and "
                "stop nothing\n",
                colour(BOLD), colour(PLAIN));
}

/* The first rule stands in the headline. */
void render_rules(FILE *out, json_t *trace)
{
    json_t *demands = json_object_get(trace, "demands"), *rule;
    size_t i;
    json_array_foreach(json_object_get(trace, "rules"), i, rule) {
        if (i > 0)
            put_pair(out, "  and at least: ", json_string_value(rule), "\n");
    }
    put_exception(out, demands);
    put_message_demands(out, demands);
}

/* --- a host of the plan --------------------------------------------------------------------------- */

static const char *policy_title(json_t *policy)
{
    return json_text_is(policy, "type", "tlsa") ? "DANE" : "MTA-STS";
}

/* One policy that is met is told by the headline of the host. */
void render_host_policies(FILE *out, json_t *host)
{
    json_t *policies = json_object_get(host, "policies"), *policy;
    size_t i;
    json_array_foreach(policies, i, policy) {
        bool enforced = json_is_true(json_object_get(policy, "enforced"));
        const char *failure = json_text(policy, "failure");
        if (enforced && failure == NULL && json_array_size(policies) == 1)
            continue;
        fprintf(out, "      %-7s %s", policy_title(policy),
                enforced ? "must be met" : "is judged for reports only");
        if (failure != NULL) {
            fprintf(out, "%s", colour(enforced ? RED : YELLOW));
            put_pair(out, enforced ? ", and is not: " : ", and is not met: ", failure, "");
            fprintf(out, "%s", colour(PLAIN));
            if (!json_text_is(host, "skip", failure))
                put_pair(out, ": ", json_text(policy, "detail"), "");
        }
        fputc('\n', out);
    }
    if (json_text_is(host, "requiretls", "must"))
        fputs("      must list REQUIRETLS under TLS\n", out);
    else if (json_text_is(host, "requiretls", "under-tls"))
        fputs("      TLS is a must; REQUIRETLS is passed on if the host lists it under TLS\n", out);
    else if (json_text_is(host, "requiretls", "if-offered"))
        fputs("      REQUIRETLS is passed on if the host lists it under TLS\n", out);
    put_pair(out, "      TLS restricted to ", json_text(host, "priority"), "\n");
}

/* What else was wrong. */
static void render_further(FILE *out, json_t *further)
{
    json_t *fault;
    size_t i;
    json_array_foreach(further, i, fault) {
        put_pair(out, "                also: ", json_text(fault, "reason"), "");
        put_pair(out, ": ", json_text(fault, "detail"), "");
        fputc('\n', out);
    }
}

/* How they fared, after the handshake. What the verdict goes on to tell is left out here. */
void render_policy_results(FILE *out, json_t *verdict)
{
    const char *told = json_text(verdict, "reason");
    json_t *result;
    size_t i;
    json_array_foreach(json_object_get(verdict, "policies"), i, result) {
        bool met = json_is_true(json_object_get(result, "met"));
        bool is_told = told != NULL && json_text_is(result, "reason", told);
        if (json_text_is(result, "policy", "no-policy-found"))
            continue;
        fprintf(out, "        %-7s %s%s%s",
                json_text_is(result, "policy", "tlsa") ? "DANE" : "MTA-STS",
                colour(met ? GREEN : RED), met ? "met" : "not met", colour(PLAIN));
        if (!is_told) {
            put_pair(out, ": ", json_text(result, "reason"), "");
            put_pair(out, ": ", json_text(result, "detail"), "");
        }
        fputc('\n', out);
        if (!is_told)
            render_further(out, json_object_get(result, "further"));
    }
    if (json_is_true(json_object_get(verdict, "requiretls")))
        fputs("        MAIL carries REQUIRETLS\n", out);
}
