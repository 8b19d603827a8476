/* log: one line an event, key=value or JSON, to standard error (the journal's way in).
 * Owns: the process's log settings, its only global state.
 * Values are quoted when they need it; control octets are escaped, so that a peer cannot forge a line.
 * Must never print message content, or a secret. */
#ifndef DANEWAY_LOG_LOG_H
#define DANEWAY_LOG_LOG_H

#include <stdint.h>

#include "daneway/settings.h"

/* `role` stands in each line: "supervisor", "worker-0", "control". */
void log_setup(enum log_level level, bool json, const char *role);

/* struct log_line line; log_begin(&line, LOG_LEVEL_INFO, "delivered"); log_text(&line, "queue_id", id); log_end(&line); */
struct log_line {
    enum log_level level;
    unsigned used;
    char text[4096];
};
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value); /* NULL: the key is left out */
void log_number(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);
/* The short form for an event with only a message: event=... text="..." */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
