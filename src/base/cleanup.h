/* cleanup: local resources end with their scope: `CLEANUP(x_free) char *text = ...;`
 * Owns: the one macro for it.
 * The function named takes a pointer to the variable, as all our x_free(struct x **) do.
 * Must never be put on what is handed on: take it out of the variable first (set it to NULL).
 */
#ifndef DANEWAY_BASE_CLEANUP_H
#define DANEWAY_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void text_free(char **text)
{
    free(*text);
    *text = NULL;
}

static inline void file_close(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
    *file = NULL;
}

#endif
