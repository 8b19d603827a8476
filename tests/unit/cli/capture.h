/* capture: runs a subcommand in this process and keeps its exit status and what it wrote on
 * standard output. */
#ifndef DANEWAY_TESTS_CLI_CAPTURE_H
#define DANEWAY_TESTS_CLI_CAPTURE_H

struct captured {
    int status;
    char text[65536];
};
/* The words of the command line without "daneway"; NULL at the end. */
void capture(struct captured *captured_r, const char *configuration, const char *const *words);

#endif
