/* top: the page of `daneway top`: flow, protection, destinations, reasons.
 * Owns: nothing; JSON in, text out, so that a test reads it without a terminal.
 * Fits the rows and columns that it is told, 80 x 24 at least.
 * Must never write a line that is wider: the terminal would break it, and the page would roll. */
#ifndef DANEWAY_CLI_TOP_H
#define DANEWAY_CLI_TOP_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct top_view {
    json_t *status,
        *before;     /* what /status says now, and said `elapsed_ms` ago; before NULL: first */
    json_t *history; /* what /history says; NULL: not known */
    int64_t elapsed_ms, now; /* now: seconds since 1970 */
    unsigned rows, columns;  /* rows 0: as many as it takes; columns 0: likewise */
    const char *line_end;    /* "\n", or "\033[K\r\n" on a terminal */
    const char *keys;        /* the last line; NULL: none */
};
void render_top(FILE *out, const struct top_view *view);

#endif
