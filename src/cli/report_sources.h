/* report_sources: the options that report list, show and summary share, and where they read from.
 * Owns: nothing.
 * Without a file: our own reports, those of past days under reports/ in the state directory and, from the
 * daemon, those of today and yesterday, which may not be closed yet.
 * Must never ask the daemon, or for a configuration, when files are named. */
#ifndef DANEWAY_CLI_REPORT_SOURCES_H
#define DANEWAY_CLI_REPORT_SOURCES_H

#include "cli/report_input.h"

struct report_options {
    bool json, own; /* own: the files are this gateway's reports */
    const char *domain, *day;
    char *const *paths;
    int path_count;
};

/* 0, or -1: the words are wrong. */
int report_options_parse(struct report_options *options_r, int argc, char **argv);
/* Was it made for that day and domain? */
bool report_options_want(const struct report_options *options, const struct tls_report *report);
/* Reads all that the options name. The exit status; STATUS_NO: something could not be read. */
int report_sources_read(const struct report_options *options, const char *configuration,
                        struct report_input *input);
/* What is wrong with what was read, on standard error, a line each. */
void report_sources_complain(const struct report_input *input);

#endif
