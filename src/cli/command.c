/* command: the table of the subcommands, and what they share.
 * Owns: the texts of the help.
 * The manual page daneway(8) says more; names and options are the same there.
 * Must never print anything but what was asked for on standard output. */
#include "cli/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* Of the commands that choose messages. */
#define FILTERS                                                                                    \
    "  FILTER: all that are given must match\n"                                                    \
    "  --id ID         this message\n"                                                             \
    "  --domain D      what goes to this domain\n"                                                 \
    "  --sender A      what this envelope sender sent; \"<>\" is the null sender\n"                \
    "  --reason R      what waits for this reason; daneway reasons lists them\n"                   \
    "  --older-than T  that came in at least so long ago: 90s, 30m, 4h, 2d\n"                      \
    "  --newer-than T  at most so long ago\n"
#define SHOWN                                                                                      \
    "  --recipient A   for this recipient, among others\n"                                         \
    "  --state S       held: by an operator; down: its destination is; deferred: until its next\n" \
    "                  attempt; due: it is its turn, or it is being delivered\n"
#define ACTS                                                                                       \
    "  --all      everything\n"                                                                    \
    "  --dry-run  only say how many that would be\n"                                               \
    "  --json     as a JSON object\n"

static const struct command commands[] = {
    {"status", NULL, false, "[--json]",
     "how the gateway is: resolver, queue, deliveries, destinations",
     "  --json  what the daemon answers, as JSON\n", run_status},
    {"top", NULL, false, "[--json] [--interval N]", "the gateway at work, live",
     "  Keys: q quits, p pauses, a blank asks at once. Where standard output is no terminal: one "
     "page.\n"
     "  --interval N  seconds between two looks (default: 2)\n"
     "  --json        one look, as JSON\n",
     run_top},
    {"doctor", NULL, false, "[--json] [--to DOMAIN]",
     "is all well, and if not, what is to be done?",
     "  Configuration, tables, certificates, clock, disk, resolver, names, reports, daemon.\n"
     "  --to DOMAIN  connect to its mail hosts, to see whether port 25 is open; nothing is sent\n"
     "  --json       as a JSON array of findings\n"
     "  Exit status 0: nothing is wrong, 1: something is to be mended.\n",
     run_doctor},
    {"queue", "summary", false, "[--json] [--by domain|reason|sender|host] [FILTER]... [--limit N]",
     "how many wait, by domain or reason, and since when",
     "  --by KEY   domain (default), reason of the last attempt, sender, or host of the last "
     "attempt\n"
     "  --limit N  the N largest (default: 30)\n"
     "  --json     as a JSON object, all of them\n" FILTERS SHOWN,
     run_queue_summary},
    /* the last of its name: the word "list" may be left out */
    {"queue", "list", true, "[--json] [FILTER]... [--limit N]", "the messages that wait, and why",
     "  --limit N   the N oldest (default: all, at most 10000 of each worker)\n"
     "  --json      as a JSON array\n" FILTERS SHOWN,
     run_queue_list},
    {"hold", NULL, false, "[--json] [--dry-run] FILTER... | --all",
     "do not try, and do not give up, until it is released", ACTS FILTERS, run_hold},
    {"release", NULL, false, "[--json] [--dry-run] FILTER... | --all",
     "what was on hold is due now", ACTS FILTERS, run_release},
    {"delete", NULL, false, "[--json] [--dry-run] [--yes] [--bounce] FILTER... | --all",
     "take messages out of the queue, without notice or with it",
     "  --yes      do it; needed unless --id names the message\n"
     "  --bounce   return them to their senders with a notice\n" ACTS FILTERS,
     run_delete},
    {"requeue", NULL, false, "[--json] [--dry-run] FILTER... | --all",
     "as if it had just come in: forget what was learnt, try now", ACTS FILTERS, run_requeue},
    {"flush", NULL, false, "[--json] [--dry-run] FILTER... | --all", "try again now",
     "  A destination that was held as down is so no longer. What is on hold stays so.\n" ACTS
         FILTERS,
     run_flush},
    {"explain", NULL, false,
     "[--json] [--all] QUEUE-ID | [--json] [--from SENDER] [--requiretls] ADDRESS | DOMAIN",
     "why a message was treated so, or how a domain would be",
     "  QUEUE-ID           what was found and decided at the last attempt for each of its domains\n"
     "  ADDRESS or DOMAIN  the same as it is now: looked up, but nobody is connected to; a domain\n"
     "                     without a dot is written @DOMAIN\n"
     "  --all          every attempt for the message\n"
     "  --from SENDER  as mail of this sender would be treated (mailboxes: from:)\n"
     "  --requiretls   as mail that demands REQUIRETLS would be treated\n"
     "  --json         the decision trace as JSON; for a message, an array of traces\n",
     run_explain},
    {"probe", NULL, false, "[--json] [--from SENDER] [--requiretls] DOMAIN | ADDRESS | [HOST]:PORT",
     "connect to every mail host of a domain and judge its TLS",
     "  Looks up, connects, says EHLO and STARTTLS, shows certificates and verdict, and quits.\n"
     "  Sends no envelope and no message. Exit status 0: mail would be sent now, 1: it would not.\n"
     "  --from, --requiretls  as for explain\n"
     "  --json                the decision trace as JSON\n",
     run_probe},
    {"report", "summary", false,
     "[--json] [--day YYYY-MM-DD] [--domain D] [--own] [FILE | DIR | -]...",
     "who fails, why, since when and who can mend it, over many TLS reports",
     "  FILE        a report that somebody sent: JSON, gzip, a whole mail, or an mbox of mails\n"
     "  DIR         all files in it; of a Maildir the mails in cur and new\n"
     "  -           standard input\n"
     "              none of these: the reports of this gateway, of all days that are kept\n"
     "  --own       the files are reports of this gateway too: it is the recipient who mends\n"
     "  --day D     only reports of this UTC day\n"
     "  --domain D  only this domain\n"
     "  --json      as a JSON object\n"
     "  Exit status 0: all was read, 1: something could not be, and is named.\n",
     run_report_summary},
    {"report", "list", false, "[--json] [--day YYYY-MM-DD] [--domain D] [FILE | DIR | -]...",
     "the TLS reports there are: day, domain, sessions",
     "  As report summary, a line for each report.\n", run_report_list},
    {"report", "submit", false, "[--dry-run] [--day YYYY-MM-DD] [--json]",
     "send the TLS reports of a closed day now",
     "  --dry-run   send nothing: look up who wants the reports, and say who would get them and "
     "who not\n"
     "  --day D     a UTC day; default: yesterday\n"
     "  --json      as JSON\n",
     run_report_submit},
    {"report", "submissions", false, "[--day YYYY-MM-DD] [--json]",
     "what became of the TLS reports that were to be sent",
     "  And which receivers keep refusing them.\n"
     "  --day D  only this UTC day\n"
     "  --json   as a JSON object\n",
     run_report_submissions},
    {"report", "resume", false, "[--json] RECEIVER", "send reports to a suspended receiver again",
     "  RECEIVER is a URI as report submissions shows it.\n"
     "  --json  as a JSON object\n",
     run_report_resume},
    {"report", "check", false, "[--json]", "are the DKIM keys for TLS reports in the DNS?",
     "  --json  as a JSON array, one object a key\n"
     "  Exit status 0: all are, 1: not; it says what to publish.\n",
     run_report_check},
    /* the last of its name: the word "show" may be left out */
    {"report", "show", true, "[--day YYYY-MM-DD] [--domain D] [FILE | DIR | -]...",
     "what TLS-RPT would report (RFC 8460), as JSON",
     "  --day D     a UTC day; default: today\n"
     "  --domain D  only this domain\n"
     "  FILE, DIR   what somebody sent, unpacked and written anew as RFC 8460 has it\n",
     run_report_show},
    {"downgrades", "acknowledge", false, "[--json] NEXT-HOP",
     "what a destination shows now is meant so",
     "  NEXT-HOP as `daneway downgrades` prints it. Mail that was held for it is tried again.\n"
     "  --json  as a JSON object\n"
     "  Exit status 0: done, 1: there was nothing to acknowledge.\n",
     run_downgrades_acknowledge},
    {"downgrades", "list", true, "[--json]", "destinations that showed better protection before",
     "  DANE, MTA-STS in mode enforce, TLS: what was seen before and is not there now.\n"
     "  --json  as a JSON array\n",
     run_downgrades},
    {"shadow", "reset", false, "[--json]", "count anew what the second rules would have done",
     "  Forgets what has been counted so far: for instance after a change of tls_policy_shadow.\n"
     "  --json  as a JSON object\n",
     run_shadow_reset},
    {"shadow", "list", true, "[--json]",
     "what tls_policy_shadow or shadow_level would have held up",
     "  By destination and reason: deliveries that went out and would not have, by the second "
     "rules.\n"
     "  A delivery counts once, in the attempt that ends it.\n"
     "  --json  as a JSON object\n",
     run_shadow},
    {"sts", "show", false, "[--json] DOMAIN", "the MTA-STS policy of a domain, as it was fetched",
     "  --json  as a JSON object\n", run_sts_show},
    {"sts", "refetch", false, "[--json] DOMAIN", "fetch the MTA-STS policy of a domain now",
     "  Whatever was fetched, or failed, before. A fetch that fails leaves the policy in force.\n"
     "  Exit status 0: fetched, 1: not.\n",
     run_sts_refetch},
    {"sts", "drop", false, "[--json] DOMAIN", "forget the MTA-STS policy of a domain",
     "  The next delivery looks for its record, and fetches the policy if there is one.\n",
     run_sts_drop},
    /* the last of its name: the word "list" may be left out */
    {"sts", "list", true, "[--json]", "the MTA-STS policies that are known, and how fresh they are",
     "  --json  as a JSON array\n", run_sts_list},
    {"config", "check", false, "[--json]", "is the configuration good, with its tables and keys?",
     "  The same as danewayd -t. Exit status 0: it is good, 1: it is not.\n"
     "  --json  as a JSON object\n",
     run_config_check},
    {"verify-chain", NULL, false,
     "--mode dane|pkix [--tlsa 'U S M HEX']... --name NAME... [--roots FILE] [--at TIME] CHAIN.pem",
     "offline: judge a certificate chain",
     "  --mode dane   against TLSA records (RFC 7672); the first --name is the TLSA base domain\n"
     "  --mode pkix   against trusted roots; the names are DNS names of the host\n"
     "  --tlsa RR     a record: usage, selector, matching type, data in hex; may be repeated\n"
     "  --roots FILE  PEM (default: the system's)\n"
     "  --at TIME     seconds since 1970, or 2026-11-23T12:00:00Z (default: now)\n"
     "  Prints {\"result\",\"reason\",\"matched\",\"depth\"}; exit status 0 ok, 1 fail, 3 no "
     "usable record.\n",
     run_verify_chain},
    {"sts-record", NULL, false, "--txt STRING [--txt STRING]...",
     "offline: is this a valid MTA-STS record?",
     "  --txt STRING  each TXT record found at _mta-sts.DOMAIN, its strings joined\n"
     "  Prints {\"id\"}, or why there is none; exit status 0 valid, 1 not.\n",
     run_sts_record},
    {"sts-policy", NULL, false, "FILE | -", "offline: is this a valid MTA-STS policy?",
     "  Prints {\"mode\",\"mx\",\"max_age\"}, or what is wrong; exit status 0 valid, 1 not.\n",
     run_sts_policy},
    {"sts-match", NULL, false, "--mx PATTERN [--mx PATTERN]... HOST",
     "offline: does an MTA-STS policy allow this mail host?",
     "  Prints {\"match\"} and the pattern; exit status 0 allowed, 1 not.\n", run_sts_match},
    {"table-match", NULL, false, "[--table FILE] NEXT-HOP",
     "offline: which row of tls_policy applies",
     "  NEXT-HOP is a domain or a host: example.com, [mx.example.com]:587\n"
     "  --table FILE  default: the configured one\n"
     "  Prints the row with its line; exit status 0 found, 1 no row applies.\n",
     run_table_match},
    {"reasons", NULL, false, "[--json | --mdoc]", "every reason why mail is not sent as asked",
     "  --json  as a JSON array\n"
     "  --mdoc  as the list in the manual page daneway-reasons(7)\n",
     run_reasons},
    {"completion", NULL, false, "bash | zsh", "what a shell needs to complete commands",
     "  make install puts it where bash and zsh look for it; or: eval \"$(daneway completion "
     "bash)\"\n",
     run_completion},
};

const struct command *command_table(size_t *count_r)
{
    *count_r = sizeof commands / sizeof commands[0];
    return commands;
}

const struct command *command_find(int argc, char **argv, int *words_r)
{
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *command = &commands[i];
        if (strcmp(argv[0], command->name) != 0)
            continue;
        bool second = command->second != NULL && argc > 1 && strcmp(argv[1], command->second) == 0;
        *words_r = second ? 2 : 1;
        if (second || command->second == NULL || command->second_optional)
            return command;
    }
    return NULL;
}

void command_print_usage(const struct command *command, FILE *out)
{
    fprintf(out, "usage: daneway [-c FILE] %s%s%s%s%s\n", command->name,
            command->second != NULL ? " " : "", command->second != NULL ? command->second : "",
            *command->arguments != '\0' ? " " : "", command->arguments);
}

void command_print_help(const struct command *command, FILE *out)
{
    command_print_usage(command, out);
    fprintf(out, "\n%s\n%s%s", command->summary, *command->help != '\0' ? "\n" : "", command->help);
}

int command_expect_words(int argc, char **argv, int count, const char *what)
{
    if (argc - optind > count)
        return command_failed(-1, "\"%s\" is not expected here", argv[optind + count]);
    if (argc - optind < count)
        return command_failed(-1, "%s is missing", what);
    return 0;
}

int command_take_words(int argc, char **argv, int count, const char *what)
{
    static const struct option none[] = {{0}};
    if (getopt_long(argc, argv, "", none, NULL) != -1)
        return -1;
    return command_expect_words(argc, argv, count, what);
}

int command_take_json(int argc, char **argv, int count, const char *what, bool *as_json_r)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    int option;
    *as_json_r = false;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return -1;
        *as_json_r = true;
    }
    return command_expect_words(argc, argv, count, what);
}

int command_misused(const char *name, const char *second)
{
    char *words[] = {(char *)name, (char *)second};
    int count;
    const struct command *command = command_find(second != NULL ? 2 : 1, words, &count);
    if (command != NULL)
        command_print_usage(command, stderr);
    fprintf(stderr, "daneway help %s says more\n", name);
    return STATUS_USAGE;
}

int command_failed(int status, const char *format, ...)
{
    va_list arguments;
    fputs("daneway: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

struct settings *command_settings(const char *configuration)
{
    struct settings *settings;
    struct err err;
    if (conf_read(&settings, configuration, &err) == 0)
        return settings;
    command_failed(STATUS_USAGE, "%s", err.text);
    return NULL;
}

void command_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}
