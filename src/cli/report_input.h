/* report_input: TLS reports out of files, directories, Maildirs and standard input.
 * Owns: what is wrong with each file, until it is asked for.
 * What the subcommands report list, show and summary share.
 * Must never change a file or move a mail: the mailbox is its owner's. */
#ifndef DANEWAY_CLI_REPORT_INPUT_H
#define DANEWAY_CLI_REPORT_INPUT_H

#include "report/read.h"

/* file: as it was named or found; where: in it, "message 3, part 2", or "". */
typedef void report_input_fn(void *arg, const char *file, const char *where,
                             const struct tls_report *report);

struct report_input;
struct report_input *report_input_create(report_input_fn *fn, void *arg);
void report_input_free(struct report_input **input);

/* A file; a directory, with those below it; a Maildir, of which cur and new; "-": standard input. What
 * cannot be read is kept as a complaint. */
void report_input_path(struct report_input *input, const char *path);
/* What is in memory already; `file` is only its name. */
void report_input_octets(struct report_input *input, const char *file, struct slice octets);

/* Files, or messages in them, that should be reports and could not be read. */
unsigned report_input_unreadable(const struct report_input *input);
/* Files or messages that are something else. */
unsigned report_input_others(const struct report_input *input);
/* [{"file", "complaints": [{"where", "text", "unreadable", "count"}]}], only files that have some. Borrowed. */
json_t *report_input_complaints(const struct report_input *input);

#endif
