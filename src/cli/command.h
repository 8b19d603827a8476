/* command: what the subcommands of `daneway` share: their table, exit statuses, how help and
 * complaints are printed.
 * Owns: nothing. A subcommand gets its own words as argv, its name first, as main does; options
 * are read with getopt_long.
 * Must never print anything but what was asked for on standard output: complaints go to standard
 * error. */
#ifndef DANEWAY_CLI_COMMAND_H
#define DANEWAY_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "daneway/settings.h"

enum {
    STATUS_YES = 0,      /* done; the answer is yes */
    STATUS_NO = 1,       /* the answer is no; it failed */
    STATUS_USAGE = 2,    /* wrong usage, or input that cannot be read */
    STATUS_UNUSABLE = 3, /* verify-chain: no record is usable */
    STATUS_SILENT = 4,   /* the daemon, or one of its workers, did not answer */
};

struct command {
    const char *name;   /* "queue" */
    const char *second; /* "list"; NULL: a command of one word */
    bool second_optional;
    const char *arguments; /* "[--json]" */
    const char *summary;   /* one line for the overview */
    const char *help;      /* what else there is to say; lines end in \n */
    int (*run)(const char *configuration, int argc, char **argv);
};

/* The command that argv[0], and perhaps argv[1], name; *words_r: how many of them. NULL: none. */
const struct command *command_find(int argc, char **argv, int *words_r);
const struct command *command_table(size_t *count_r);

/* One line: "usage: daneway [-c FILE] queue list ...". */
void command_print_usage(const struct command *command, FILE *out);
void command_print_help(const struct command *command, FILE *out);
/* After getopt: are there as many words as the command takes? `what` names them, as "DOMAIN" or "FILE". 0; -1 after a
 * complaint. */
int command_expect_words(int argc, char **argv, int count, const char *what);
/* The same for a command that knows no option: the words begin at argv[optind]. */
int command_take_words(int argc, char **argv, int count, const char *what);
/* The same, but for --json. */
int command_take_json(int argc, char **argv, int count, const char *what, bool *as_json_r);
/* Prints on standard error how the command is used, in a line or two that leave the complaint above them in sight, and
 * returns STATUS_USAGE. */
int command_misused(const char *name, const char *second);
/* "daneway: ..." on standard error; returns `status`. */
int command_failed(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The configuration; NULL after a complaint. */
struct settings *command_settings(const char *configuration);
/* Indented JSON with a line end on standard output. */
void command_print_json(const json_t *json);

int run_top(const char *configuration, int argc, char **argv);
int run_completion(const char *configuration, int argc, char **argv);
int run_doctor(const char *configuration, int argc, char **argv);
int run_status(const char *configuration, int argc, char **argv);
int run_queue_list(const char *configuration, int argc, char **argv);
int run_queue_summary(const char *configuration, int argc, char **argv);
int run_hold(const char *configuration, int argc, char **argv);
int run_release(const char *configuration, int argc, char **argv);
int run_delete(const char *configuration, int argc, char **argv);
int run_requeue(const char *configuration, int argc, char **argv);
int run_flush(const char *configuration, int argc, char **argv);
int run_explain(const char *configuration, int argc, char **argv);
int run_probe(const char *configuration, int argc, char **argv);
int run_report_submit(const char *configuration, int argc, char **argv);
int run_report_submissions(const char *configuration, int argc, char **argv);
int run_report_resume(const char *configuration, int argc, char **argv);
int run_report_check(const char *configuration, int argc, char **argv);
int run_report_show(const char *configuration, int argc, char **argv);
int run_report_list(const char *configuration, int argc, char **argv);
int run_report_summary(const char *configuration, int argc, char **argv);
int run_config_check(const char *configuration, int argc, char **argv);
int run_verify_chain(const char *configuration, int argc, char **argv);
int run_table_match(const char *configuration, int argc, char **argv);
int run_downgrades(const char *configuration, int argc, char **argv);
int run_downgrades_acknowledge(const char *configuration, int argc, char **argv);
int run_shadow(const char *configuration, int argc, char **argv);
int run_shadow_reset(const char *configuration, int argc, char **argv);
int run_sts_list(const char *configuration, int argc, char **argv);
int run_sts_show(const char *configuration, int argc, char **argv);
int run_sts_refetch(const char *configuration, int argc, char **argv);
int run_sts_drop(const char *configuration, int argc, char **argv);
int run_sts_record(const char *configuration, int argc, char **argv);
int run_sts_policy(const char *configuration, int argc, char **argv);
int run_sts_match(const char *configuration, int argc, char **argv);
int run_reasons(const char *configuration, int argc, char **argv);

#endif
