/* capture: runs a subcommand in this process and keeps its exit status and what it wrote on
 * standard output. */
#include "capture.h"

#include <criterion/criterion.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"

void capture(struct captured *captured_r, const char *configuration, const char *const *words)
{
    char *argv[64];
    int argc = 0, count = 1;
    while (words[argc] != NULL && argc < 63) {
        argv[argc] = (char *)words[argc];
        argc++;
    }
    argv[argc] = NULL;
    const struct command *command = command_find(argc, argv, &count);
    cr_assert(command != NULL, "%s", argv[0]);
    FILE *file = tmpfile();
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    optind = 0;
    captured_r->status = command->run(configuration, argc - count + 1, argv + count - 1);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    captured_r->text[fread(captured_r->text, 1, sizeof captured_r->text - 1, file)] = '\0';
    fclose(file);
}
