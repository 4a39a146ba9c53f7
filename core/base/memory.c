/* Checked allocation and arenas. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    /* A count of 0 must not give NULL, which means out of memory. */
    return calloc(count ? count : 1, size ? size : 1);
}

int memory_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return 0;
    size_t more = *capacity > SIZE_MAX / 2 ? count : *capacity * 2;
    if (more < count)
        more = count;
    if (more < 8)
        more = 8;
    if (size && more > SIZE_MAX / size)
        return -1;
    void *old;
    memcpy(&old, array, sizeof old); /* a pointer to a pointer of any type */
    void *grown = realloc(old, more * (size ? size : 1));
    if (!grown)
        return -1;
    memcpy(array, &grown, sizeof grown);
    *capacity = more;
    return 0;
}

void *memory_aligned(size_t bytes)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 64, bytes ? bytes : 64))
        return NULL;
    memset(memory, 0, bytes);
    return memory;
}

#define ARENA_ALIGNMENT 16
#define ARENA_BLOCK 8192
#define ARENA_BLOCK_MAX (1024 * 1024)

struct block {
    struct block *next;
    size_t used, size; /* of the bytes after the header */
};

#define BLOCK_HEADER ((sizeof(struct block) + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT)

struct arena {
    struct block *blocks;
    size_t next_size;
};

struct arena *arena_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->next_size = ARENA_BLOCK;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

static void *arena_bytes(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - BLOCK_HEADER - ARENA_ALIGNMENT)
        return NULL;
    bytes = (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    struct block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        const size_t size = bytes > arena->next_size ? bytes : arena->next_size;
        struct block *fresh = calloc(1, BLOCK_HEADER + size);
        if (!fresh)
            return NULL;
        fresh->size = size;
        if (block && bytes > arena->next_size) {
            /* A large piece has a block of its own; the current one stays in use. */
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->blocks = fresh;
            if (arena->next_size < ARENA_BLOCK_MAX)
                arena->next_size *= 2;
        }
        block = fresh;
    }
    void *bytes_at = (char *)block + BLOCK_HEADER + block->used;
    block->used += bytes;
    return bytes_at;
}

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    const size_t bytes = count * size;
    return arena_bytes(arena, bytes > 0 ? bytes : 1);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = arena_bytes(arena, length + 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : arena_bytes(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
