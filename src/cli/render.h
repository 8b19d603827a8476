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
void render_queue(FILE *out, json_t *queue, int64_t now);
/* One decision trace; its keys are in src/attempt/trace.h. */
void render_trace(FILE *out, json_t *trace);

/* --- for the files of render
 * ---------------------------------------------------------------------- */
void render_evidence(FILE *out, json_t *evidence);
void render_plan(FILE *out, json_t *trace);
/* "tlsa-mismatch: text", then what is specific, who can mend it and how; each on a line of its own
 * after `indent`. */
void render_reason(FILE *out, const char *indent, const char *key, json_t *object);
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
