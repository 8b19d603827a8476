/* log: one line an event, key=value or JSON, to standard error (the journal's way in).
 * Owns: the process's log settings, its only global state. Values are quoted when they need it;
 * control octets are escaped, so that a peer cannot forge a line.
 * Where standard error is the journal's, each key is a field of the entry as well: DANEWAY_QUEUE_ID and so on.
 * Must never print message content, or a secret. */
#ifndef DANEWAY_LOG_LOG_H
#define DANEWAY_LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "daneway/settings.h"

/* `role` stands in each line: "supervisor", "worker-0", "control". Before it is called: info, text,
 * "daneway". */
void log_setup(enum log_level level, bool json, const char *role);
/* For the daemon, once, before it forks: from now on a reader of the log that stands still costs lines, and not the time of
 * a worker. The next line that leaves is followed by "log-gap", which says how many were lost. Opens the journal, too:
 * before a sandbox closes the way to it. */
void log_never_wait(void);
/* For what is costly to prepare: would a line of this level be written? */
bool log_wants(enum log_level level);

/* struct log_line line; log_begin(&line, LOG_LEVEL_INFO, "delivered"); log_text(&line, "queue_id",
 * id); log_end(&line); Keys are our own words; values may be anything. A value longer than 1,000
 * octets is cut, and so is the line at 4,096 octets; `truncated=yes` at the end says so. Each line
 * is one write, so lines of several processes never mix. */
struct log_line {
    enum log_level level;
    bool truncated;
    unsigned used;
    char text[4096];
    unsigned fields_used;
    char fields[4096]; /* the same for the journal; nothing while it is not open */
};
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key,
              const char *value); /* NULL: the key is left out */
void log_slice(struct log_line *line, const char *key, struct slice value);
void log_number(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);
/* The short form for an event with only a message: event=... text="..." */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
