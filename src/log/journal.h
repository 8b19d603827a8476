/* journal: a line of the log as the journal's own entry, so that its keys are fields: journalctl DANEWAY_QUEUE_ID=3f2a.
 * Owns: the connected socket, which whatever is forked afterwards inherits; a sandbox takes nothing from it.
 * systemd's native protocol: datagrams to /run/systemd/journal/socket. Any thread may send.
 * Must never wait longer for the journal than OUTLET_PATIENCE, and not again before it has moved. */
#ifndef DANEWAY_LOG_JOURNAL_H
#define DANEWAY_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* False: nobody is there, and lines go to standard error. A socket that was open before is closed. */
bool journal_open(const char *path);
bool journal_is_open(void);
/* Adds "DANEWAY_KEY=value\n" at text[*used], all of it or nothing; the value may hold any octets. */
void journal_field(char *text, unsigned *used, size_t size, const char *key, struct slice value);
/* One entry: syslog's priority, the line without its end, the fields. False: it has not left. */
bool journal_send(int priority, struct slice line, struct slice fields);

#endif
