/* trace_json: small helpers for the trace: values put into objects, evidence and plan as JSON.
 * Owns: nothing; new references go to the caller.
 * Absent values (NULL, false) leave their key out.
 * Must never fail on what a stranger wrote: it is made printable ASCII first. */
#ifndef DANEWAY_ATTEMPT_TRACE_JSON_H
#define DANEWAY_ATTEMPT_TRACE_JSON_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "daneway/evidence.h"
#include "daneway/plan.h"
#include "daneway/reason.h"

void put_text(json_t *object, const char *key, const char *text); /* NULL: left out */
void put_number(json_t *object, const char *key, int64_t number);
void put_flag(json_t *object, const char *key, bool flag); /* false: left out */
/* key: its name; beside it "text", "who" and "advice". */
void put_reason(json_t *object, const char *key, enum reason reason);
/* As text; a long one is cut. */
void put_record(json_t *object, const char *key, const struct tlsa_record *record);
json_t *texts_json(const char *const *texts, size_t count);

json_t *evidence_json(const struct evidence *evidence);
json_t *plan_json(const struct plan *plan);

#endif
