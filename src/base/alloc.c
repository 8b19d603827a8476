/* alloc: see alloc.h. An arena is a list of blocks, the first ones small; a large object gets a block of its own.
 * Owns: nothing beyond the blocks.
 * Must never return NULL.
 */
#include "base/alloc.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_FIRST = 512, ARENA_BLOCK = 4096, ARENA_ALIGN = 16 };

static void *present(void *ptr)
{
    if (ptr == NULL) {
        fputs("daneway: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *x_malloc(size_t size)
{
    return present(malloc(size > 0 ? size : 1));
}

void *x_calloc(size_t count, size_t size)
{
    return present(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *x_realloc(void *ptr, size_t size)
{
    return present(realloc(ptr, size > 0 ? size : 1));
}

char *x_strdup(const char *text)
{
    return present(strdup(text));
}

char *x_strndup(const char *text, size_t length)
{
    return present(strndup(text, length));
}

void *x_memdup(const void *data, size_t length)
{
    void *copy = x_malloc(length);
    if (length > 0)
        memcpy(copy, data, length);
    return copy;
}

char *x_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return present(length < 0 ? NULL : text);
}

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the first one is the one in use */
};

struct arena *arena_create(void)
{
    return x_calloc(1, sizeof(struct arena));
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;
    for (struct block *block = (*arena)->blocks; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(*arena);
    *arena = NULL;
}

static struct block *block_create(size_t size)
{
    struct block *block = x_calloc(1, sizeof(*block) + size);
    block->size = size;
    return block;
}

/* Twice as large each time: what is small stays small, and what grows has few blocks. */
static size_t next_size(const struct block *block)
{
    return block->size >= ARENA_BLOCK / 2   ? ARENA_BLOCK
           : block->size <= ARENA_FIRST / 2 ? ARENA_FIRST
                                            : 2 * block->size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    assert(size < SIZE_MAX / 2);
    size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct block *first = arena->blocks;
    if (first != NULL && first->size - first->used >= size) {
        void *ptr = first->data + first->used;
        first->used += size;
        return ptr;
    }
    size_t usual = first == NULL ? ARENA_FIRST : next_size(first);
    bool large = size > (first == NULL ? usual : usual / 4);
    struct block *block = block_create(large ? size : usual);
    block->used = size;
    if (large && first != NULL) { /* keep filling the block in use */
        block->next = first->next;
        first->next = block;
    } else {
        block->next = first;
        arena->blocks = block;
    }
    return block->data;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

void *arena_memdup(struct arena *arena, const void *data, size_t length)
{
    void *copy = arena_alloc(arena, length);
    if (length > 0)
        memcpy(copy, data, length);
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
