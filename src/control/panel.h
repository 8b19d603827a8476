/* panel: the control role's side of the channels: asks all workers one question and gathers their
 * answers.
 * Owns: a channel to each worker, questions under way, the tally store that workers' counts go to.
 * A worker that does not answer within PANEL_PATIENCE is named as missing; what the others said is
 * shown.
 * Must never wait for one worker longer than that. */
#ifndef DANEWAY_CONTROL_PANEL_H
#define DANEWAY_CONTROL_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "loop/loop.h"
#include "report/tally_store.h"

enum { PANEL_PATIENCE = 5000 /* ms */ };

struct panel;
/* `fds`: this role's ends of the channels, by worker. `store` is borrowed. Says hello to the
 * workers. */
struct panel *panel_create(struct loop *loop, const int *fds, size_t workers,
                           struct tally_store *store);
void panel_free(struct panel **panel);

/* `answers`: array, one item a worker that answered, in their order; `missing`: array of the
 * numbers of the others. Both borrowed. Never from inside panel_ask. */
typedef void panel_done_fn(void *arg, json_t *answers, json_t *missing);
/* `question` is an object with "op" and its parameters; the reference is taken over. */
void panel_ask(struct panel *panel, json_t *question, panel_done_fn *fn, void *arg);
/* The same for what may take long. */
void panel_ask_all(struct panel *panel, json_t *question, int64_t patience, panel_done_fn *fn,
                   void *arg);
/* Asks one of the workers, by its number modulo how many there are, and waits up to `patience` ms. */
void panel_ask_one(struct panel *panel, size_t worker, json_t *question, int64_t patience,
                   panel_done_fn *fn, void *arg);
/* A mailed report has been delivered to its recipient, or was given up. */
typedef void panel_report_mail_fn(void *arg, const char *recipient, bool delivered,
                                  const char *text);
void panel_on_report_mail(struct panel *panel, panel_report_mail_fn *fn, void *arg);
/* Decisions of one worker's deliveries, an array of objects (agent_decision), borrowed; `lost`: that many more were made, and
 * did not come through. Only for so long as the workers have been asked for: {"op":"events","for":SECONDS}. */
typedef void panel_decisions_fn(void *arg, json_t *decisions, uint64_t lost);
void panel_on_decisions(struct panel *panel, panel_decisions_fn *fn, void *arg);
/* Takes the counts that have arrived: before the role ends. */
void panel_receive(struct panel *panel);

#endif
