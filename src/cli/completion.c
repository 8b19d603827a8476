/* completion: `daneway completion bash|zsh`: what the shell needs to complete commands, options and values.
 * Owns: nothing; all names come from the table of the commands and their help.
 * Values that the daemon knows (queue ids, destinations) are asked for when they are completed, and only then.
 * Must never make the shell wait for a daemon that does not run, nor complete what a stranger has written as a command. */
#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

enum { OPTIONS = 32, OPTION_LENGTH = 24 };

struct option_names {
    char names[OPTIONS][OPTION_LENGTH]; /* "--json" */
    size_t count;
};

static void add_option(struct option_names *options, const char *name, size_t length)
{
    if (length >= OPTION_LENGTH || options->count == OPTIONS)
        return;
    for (size_t i = 0; i < options->count; i++)
        if (strlen(options->names[i]) == length && memcmp(options->names[i], name, length) == 0)
            return;
    snprintf(options->names[options->count++], OPTION_LENGTH, "%.*s", (int)length, name);
}

/* Every --word of the usage and of the help's lines. */
static void add_options_of(struct option_names *options, const char *text)
{
    while ((text = strstr(text, "--")) != NULL) {
        size_t length = 2;
        while (islower((unsigned char)text[length]) || text[length] == '-')
            length++;
        if (length > 2)
            add_option(options, text, length);
        text += length;
    }
}

static struct option_names options_of(const struct command *command)
{
    struct option_names options = {.count = 0};
    add_options_of(&options, command->arguments);
    add_options_of(&options, command->help);
    add_option(&options, "--help", strlen("--help"));
    return options;
}

static bool is_first_of_its_name(const struct command *commands, size_t index)
{
    return index == 0 || strcmp(commands[index - 1].name, commands[index].name) != 0;
}

static void print_first_words(void)
{
    size_t count;
    const struct command *commands = command_table(&count);
    fputs("help", stdout);
    for (size_t i = 0; i < count; i++)
        if (is_first_of_its_name(commands, i))
            printf(" %s", commands[i].name);
}

/* "        queue) echo \"summary list\" ;;" */
static void print_second_words(void)
{
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (commands[i].second == NULL || !is_first_of_its_name(commands, i))
            continue;
        printf("    %s) echo '", commands[i].name);
        for (size_t k = i; k < count && strcmp(commands[k].name, commands[i].name) == 0; k++)
            printf("%s%s", k > i ? " " : "", commands[k].second);
        puts("' ;;");
    }
}

static void print_options(void)
{
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        struct option_names options = options_of(&commands[i]);
        printf("    '%s %s'%s%s%s) echo '", commands[i].name,
               commands[i].second != NULL ? commands[i].second : "",
               commands[i].second_optional ? "|'" : "",
               commands[i].second_optional ? commands[i].name : "",
               commands[i].second_optional ? " '" : "");
        for (size_t k = 0; k < options.count; k++)
            printf("%s%s", k > 0 ? " " : "", options.names[k]);
        puts("' ;;");
    }
}

/* Shared by both shells: functions of plain sh. */
static void print_functions(void)
{
    fputs("__daneway_commands() {\n    echo '", stdout);
    print_first_words();
    fputs("'\n}\n__daneway_second() {\n    case $1 in\n", stdout);
    print_second_words();
    fputs("    completion) echo 'bash zsh' ;;\n    esac\n}\n__daneway_options() {\n    case \"$1 "
          "$2\" in\n",
          stdout);
    print_options();
    fputs("    esac\n}\n"
          "# What the running daemon, or the program, knows; only characters that no shell looks "
          "at.\n"
          "__daneway_known() {\n"
          "    daneway \"${@:2}\" --json 2>/dev/null |\n"
          "        sed -n 's/^ *\"'\"$1\"'\": \"\\([A-Za-z0-9._-]*\\)\".*/\\1/p' | sort -u\n"
          "}\n"
          "__daneway_values() {\n"
          "    case $1 in\n"
          "    --id) __daneway_known queue_id queue list --limit 200 ;;\n"
          "    --domain) __daneway_known next_hop queue list --limit 200 ;;\n"
          "    --reason) __daneway_known reason reasons ;;\n"
          "    --by) echo domain reason sender host ;;\n"
          "    --state) echo held down deferred due ;;\n"
          "    --mode) echo dane pkix ;;\n"
          "    esac\n"
          "}\n"
          "__daneway_words() { # the word before, the command's words\n"
          "    local values\n"
          "    values=$(__daneway_values \"$1\")\n"
          "    if [ -n \"$values\" ]; then\n"
          "        echo \"$values\"\n"
          "    elif [ -z \"$2\" ]; then\n"
          "        __daneway_commands\n"
          "    elif [ \"$2\" = help ]; then\n"
          "        [ -n \"$3\" ] && __daneway_second \"$3\" || __daneway_commands\n"
          "    else\n"
          "        [ -z \"$3\" ] && __daneway_second \"$2\"\n"
          "        [ \"$2\" = explain ] && __daneway_known queue_id queue list --limit 200\n"
          "        __daneway_options \"$2\" \"$3\"\n"
          "    fi\n"
          "}\n",
          stdout);
}

/* Finds the command's words among those before the cursor: options of the program, and the values of others, are none. */
static const char bash_end[] = "_daneway() {\n"
                               "    local current=${COMP_WORDS[COMP_CWORD]} "
                               "before=${COMP_WORDS[COMP_CWORD-1]} first='' second='' i\n"
                               "    COMPREPLY=()\n"
                               "    [ \"$before\" = -c ] && { compopt -o default; return; }\n"
                               "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                               "        case ${COMP_WORDS[i]} in\n"
                               "        -c) i=$((i + 1)) ;;\n"
                               "        -*) [ -n \"$first\" ] && break ;;\n"
                               "        *) if [ -z \"$first\" ]; then first=${COMP_WORDS[i]}; else "
                               "second=${COMP_WORDS[i]}; break; fi ;;\n"
                               "        esac\n"
                               "    done\n"
                               "    [ -n \"$second\" ] && [ \"$first\" != help ] &&\n"
                               "        case \" $(__daneway_second \"$first\" | tr '\\n' ' ') \" "
                               "in *\" $second \"*) ;; *) second='' ;; esac\n"
                               "    mapfile -t COMPREPLY < <(compgen -W \"$(__daneway_words "
                               "\"$before\" \"$first\" \"$second\")\" -- \"$current\")\n"
                               "    [ ${#COMPREPLY[@]} -eq 0 ] && compopt -o default\n"
                               "    return 0\n"
                               "}\n"
                               "complete -F _daneway daneway\n";

static const char zsh_end[] =
    "_daneway() {\n"
    "    local before=${words[CURRENT-1]} first='' second='' i\n"
    "    [[ $before == -c ]] && { _files; return; }\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        case ${words[i]} in\n"
    "        -c) i=$((i + 1)) ;;\n"
    "        -*) [[ -n $first ]] && break ;;\n"
    "        *) if [[ -z $first ]]; then first=${words[i]}; else second=${words[i]}; break; fi ;;\n"
    "        esac\n"
    "    done\n"
    "    [[ -n $second && $first != help && \" $(__daneway_second $first) \" != *\" $second \"* ]] "
    "&& second=''\n"
    "    compadd -- ${=\"$(__daneway_words \"$before\" \"$first\" \"$second\")\"} || _files\n"
    "}\n"
    "if [[ $funcstack[1] == _daneway ]]; then _daneway \"$@\"; else compdef _daneway daneway; fi\n";

int run_completion(const char *configuration, int argc, char **argv)
{
    (void)configuration;
    if (command_take_words(argc, argv, 1, "bash or zsh") != 0)
        return command_misused("completion", NULL);
    bool zsh = strcmp(argv[optind], "zsh") == 0;
    if (!zsh && strcmp(argv[optind], "bash") != 0) {
        command_failed(0, "\"%s\": expected bash or zsh", argv[optind]);
        return command_misused("completion", NULL);
    }
    fputs(zsh ? "#compdef daneway\n" : "# bash completion for daneway\n", stdout);
    print_functions();
    fputs(zsh ? zsh_end : bash_end, stdout);
    return STATUS_YES;
}
