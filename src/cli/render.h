/* render: what the daemon and the attempt say in JSON, as pages for people.
 * Owns: nothing; JSON in, text out to a stream, so that a test reads it.
 * Everything that comes from outside goes through format_put.
 * Must never need a field to be there: what is missing is left out. */
#ifndef DANEWAY_CLI_RENDER_H
#define DANEWAY_CLI_RENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* `now`: seconds since 1970, for ages. */
void render_status(FILE *out, json_t *status, int64_t now);
void render_policies(FILE *out, json_t *policies, int64_t now);
void render_downgrades(FILE *out, json_t *downgrades, int64_t now);
void render_shadow(FILE *out, json_t *shadow, int64_t now);
void render_queue(FILE *out, json_t *queue, int64_t now);
/* What GET /queue/summary answers, asked by that key. */
void render_queue_summary(FILE *out, json_t *summary, const char *by);
/* One decision trace, the answer first, then the proof; its keys are in src/attempt/trace.h. */
void render_trace(FILE *out, json_t *trace);
/* Would mail go on over this connection? Where the handshake failed and nobody asked for TLS, it
 * would, on a fresh one in clear. */
bool render_would_send(json_t *tried);

/* [{"day","domain","organization","success","failure"}] */
void render_report_list(FILE *out, json_t *list);
/* src/report/summary.h, with "complaints" of src/cli/report_input.h; own: about what we sent. */
void render_report_summary(FILE *out, json_t *summary, bool own);

/* --- for the files of render ------------------------------------------------------------------ */
void render_answer(FILE *out, json_t *trace);
/* `now`: seconds since 1970, when the evidence was gathered. */
void render_evidence(FILE *out, json_t *evidence, int64_t now);
/* render_policy.c: the domain's MTA-STS policy (NULL: was not asked for); the rules beside the first and what the message
 * demands; what each host of the plan is judged by; how that went after the handshake. */
void render_sts(FILE *out, json_t *sts, int64_t now);
void render_rules(FILE *out, json_t *trace);
void render_host_policies(FILE *out, json_t *host);
void render_policy_results(FILE *out, json_t *verdict);
void render_plan(FILE *out, json_t *trace);
/* A reason's name, its text, what is specific, who can mend it and how, on lines of their own after
 * `indent`. Text and advice of the reason `told` (NULL: none) stand in the answer already. */
void render_reason(FILE *out, const char *indent, const char *key, json_t *object,
                   const char *told);
/* The reason that render_answer tells in full; NULL: none. */
const char *render_told(json_t *trace);
/* "Who can mend it", and how. Nothing if the object does not say. */
void render_who(FILE *out, const char *indent, json_t *object);
/* A text of any length in lines of the page's width, each after `indent`; nothing for NULL or "".
 */
void render_folded(FILE *out, const char *indent, const char *text);
/* The same, with a label before the first line, below which the further ones do not reach. */
void render_labelled(FILE *out, const char *indent, const char *label, const char *text);
/* Texts with blanks between them, folded at the page's width, each further line after `indent`
 * blanks. */
void render_words(FILE *out, json_t *texts, unsigned indent);

static inline const char *json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static inline bool json_text_is(const json_t *object, const char *key, const char *text)
{
    const char *value = json_text(object, key);
    for (; value != NULL && *value != '\0' && *value == *text; value++)
        text++;
    return value != NULL && *value == *text;
}

static inline json_int_t json_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

#endif
