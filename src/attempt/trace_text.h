/* trace_text: JSON as text without spaces, as json_dumps with JSON_COMPACT would give it, in a fraction of its time:
 * json_dumps looks for cycles in every object, and a trace, which is made for every message, has none.
 * Owns: nothing.
 * Must never be given what holds itself, nor texts that are not UTF-8. */
#ifndef DANEWAY_ATTEMPT_TRACE_TEXT_H
#define DANEWAY_ATTEMPT_TRACE_TEXT_H

#include <jansson.h>

#include "base/alloc.h"

/* In the arena. */
char *json_text(struct arena *arena, const json_t *json);

#endif
