/* alloc: memory that is there, or the process ends.
 * Owns: the rule that running out of memory aborts (design: errors, 2).
 * Also the arena: many small objects with one end, as in a delivery attempt.
 * Must never return NULL, and never log: the message goes to standard error.
 * Everything a stranger can make grow is bounded by its owner, not here. */
#ifndef DANEWAY_BASE_ALLOC_H
#define DANEWAY_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#define NEVER_NULL __attribute__((returns_nonnull))

/* As malloc, calloc, realloc, strdup; abort when there is no memory. The caller frees with free(). */
void *x_malloc(size_t size) NEVER_NULL;
void *x_calloc(size_t count, size_t size) NEVER_NULL;
void *x_realloc(void *ptr, size_t size) NEVER_NULL;
char *x_strdup(const char *text) NEVER_NULL;
char *x_strndup(const char *text, size_t length) NEVER_NULL;
void *x_memdup(const void *data, size_t length) NEVER_NULL;
/* As asprintf; the caller frees the text. */
char *x_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An arena: allocations live until the arena is freed. Memory is zeroed. */
struct arena;
struct arena *arena_create(void);
void arena_free(struct arena **arena);
void *arena_alloc(struct arena *arena, size_t size) NEVER_NULL;
char *arena_strdup(struct arena *arena, const char *text) NEVER_NULL;
char *arena_strndup(struct arena *arena, const char *text, size_t length) NEVER_NULL;
void *arena_memdup(struct arena *arena, const void *data, size_t length) NEVER_NULL;
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
