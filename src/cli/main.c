/* main: the `daneway` command: finds the subcommand and runs it.
 * Owns: nothing.
 * daneway [-c FILE] COMMAND ...; daneway help [COMMAND].
 * Must never do a subcommand's work. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

enum { NAMES_WIDTH = 25 };

static const char usage[] = "usage: daneway [-c FILE] COMMAND ...\n";

static void print_overview(FILE *out)
{
    size_t count;
    const struct command *commands = command_table(&count);
    fprintf(out, "%s\n", usage);
    for (size_t i = 0; i < count; i++) {
        const char *second = commands[i].second != NULL ? commands[i].second : "";
        int used = fprintf(out, "  %s %s", commands[i].name, second);
        fprintf(out, "%*s %s\n", used < NAMES_WIDTH ? NAMES_WIDTH - used : 0, "",
                commands[i].summary);
    }
    fputs("\ndaneway help COMMAND says more; so does the manual page daneway(8).\n", out);
}

/* By the first word alone: "config" stands for "config check" here. */
static const struct command *find_for_help(const char *name)
{
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    return command_failed(STATUS_USAGE, "there is no command \"%s\"; daneway help lists them",
                          name);
}

/* All that the first word begins: "report" has three. */
static void print_help_of(const char *name, FILE *out)
{
    size_t count;
    const struct command *commands = command_table(&count);
    unsigned printed = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        fputs(printed++ > 0 ? "\n" : "", out);
        command_print_help(&commands[i], out);
    }
}

/* The second word is missing, or is none of those that may follow the first one. */
static int unknown_second(int argc, char **argv)
{
    size_t count;
    const struct command *commands = command_table(&count);
    if (argc > 1)
        command_failed(0, "there is no command \"%s %s\"", argv[0], argv[1]);
    else
        command_failed(0, "\"%s\" needs a second word", argv[0]);
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i].name, argv[0]) == 0)
            command_print_usage(&commands[i], stderr);
    return STATUS_USAGE;
}

static int print_help(int argc, char **argv)
{
    if (argc == 0) {
        print_overview(stdout);
        return STATUS_YES;
    }
    if (find_for_help(argv[0]) == NULL)
        return unknown(argv[0]);
    int words = 1;
    const struct command *command = command_find(argc, argv, &words);
    if (command != NULL && words == 2)
        command_print_help(command, stdout);
    else
        print_help_of(argv[0], stdout);
    return STATUS_YES;
}

/* "--help" anywhere behind the command, before a "--". */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* getopt's complaints begin with it. */
static char program[] = "daneway";

static int run(const char *configuration, int argc, char **argv)
{
    int words;
    if (strcmp(argv[0], "help") == 0)
        return print_help(argc - 1, argv + 1);
    if (asks_for_help(argc, argv))
        return print_help(argc, argv);
    const struct command *command = command_find(argc, argv, &words);
    if (command == NULL && find_for_help(argv[0]) != NULL)
        return unknown_second(argc, argv);
    if (command == NULL)
        return unknown(argv[0]);
    argv[words - 1] = program;
    optind = 0; /* glibc: a new command line */
    return command->run(configuration, argc - words + 1, argv + words - 1);
}

int main(int argc, char **argv)
{
    const char *configuration = DANEWAY_CONFDIR "/daneway.conf";
    int option;
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    if (argc > 0)
        argv[0] = program;
    while ((option = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            configuration = optarg;
            break;
        case 'h':
            print_overview(stdout);
            return STATUS_YES;
        case 'V':
            puts("daneway " PACKAGE_VERSION);
            return STATUS_YES;
        default:
            fprintf(stderr, "%sdaneway help lists the commands\n", usage);
            return STATUS_USAGE;
        }
    }
    if (optind == argc) {
        print_overview(stderr);
        return STATUS_USAGE;
    }
    return run(configuration, argc - optind, argv + optind);
}
