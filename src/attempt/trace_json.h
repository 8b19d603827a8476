/* trace_json: the parts of a trace that tell of facts and plans.
 * Owns: nothing; all is put into what is open in the writer.
 * See trace.h for the keys.
 * Must never list without a bound what a stranger can make long. */
#ifndef DANEWAY_ATTEMPT_TRACE_JSON_H
#define DANEWAY_ATTEMPT_TRACE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attempt/trace_writer.h"
#include "daneway/evidence.h"
#include "daneway/plan.h"
#include "daneway/policy.h"
#include "daneway/reason.h"

/* key: its name; beside it "text" (the reason's own, if NULL), "who" and "advice". */
void put_reason(struct writer *writer, const char *key, enum reason reason, const char *text);
/* As text; a long one is cut. */
void put_record(struct writer *writer, const char *key, const struct tlsa_record *record);
/* "records", the first 20. */
void put_records(struct writer *writer, const struct tlsa_record *records, size_t count);
void put_texts(struct writer *writer, const char *key, const char *const *texts, size_t count);
/* The first 20, and how many are left out. */
void put_some_texts(struct writer *writer, const char *key, const char *const *texts, size_t count);

void put_evidence(struct writer *writer, const char *key, const struct evidence *evidence);
void put_sts(struct writer *writer, const char *key, const struct sts_evidence *sts);
void put_plan(struct writer *writer, const char *key, const struct plan *plan);
void put_demands(struct writer *writer, const char *key, const struct demands *demands);
/* "recipients", the first 20; NULL: left out. */
void put_recipients(struct writer *writer, const char *const *recipients);
void put_fact(struct writer *writer, const char *key, const struct dns_fact *fact);
const char *policy_name(enum policy_type type);

#endif
