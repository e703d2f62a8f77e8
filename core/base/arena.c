/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: a list of zeroed chunks, the newest first. */
#include <base/arena.h>

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, CHUNK_BYTES = 64 * 1024 };

struct tkp_arena_chunk {
    struct tkp_arena_chunk *next;
    size_t used, capacity;
    alignas(ALIGNMENT) char data[];
};

static struct tkp_arena_chunk *add_chunk(struct tkp_arena *a, size_t len)
{
    size_t capacity = len > CHUNK_BYTES ? len : CHUNK_BYTES;
    struct tkp_arena_chunk *chunk = calloc(1, sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    chunk->capacity = capacity;
    /* A chunk for one large piece goes second, so that the room left in the first stays in use. */
    if (len > CHUNK_BYTES && a->chunks) {
        chunk->next = a->chunks->next;
        a->chunks->next = chunk;
    } else {
        chunk->next = a->chunks;
        a->chunks = chunk;
    }
    return chunk;
}

void tkp_arena_init(struct tkp_arena *a, size_t max_bytes)
{
    *a = (struct tkp_arena){.max_bytes = max_bytes};
}

void tkp_arena_finish(struct tkp_arena *a)
{
    for (struct tkp_arena_chunk *chunk = a->chunks; chunk;) {
        struct tkp_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *a = (struct tkp_arena){0};
}

void *tkp_arena_alloc(struct tkp_arena *a, size_t len)
{
    if (len > SIZE_MAX / 2)
        return NULL;
    size_t size = len ? (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
    if (a->max_bytes && (a->used_bytes > a->max_bytes || size > a->max_bytes - a->used_bytes))
        return NULL;
    struct tkp_arena_chunk *chunk = a->chunks;
    if (!chunk || chunk->capacity - chunk->used < size)
        chunk = add_chunk(a, size);
    if (!chunk)
        return NULL;
    void *piece = chunk->data + chunk->used;
    chunk->used += size;
    a->used_bytes += size;
    return piece;
}

char *tkp_arena_copy(struct tkp_arena *a, const char *data, size_t len)
{
    char *copy = len < SIZE_MAX ? tkp_arena_alloc(a, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, data, len);
    return copy;
}

struct tokperf_span tkp_arena_span(struct tkp_arena *a, struct tokperf_span span)
{
    return (struct tokperf_span){tkp_arena_copy(a, span.data, span.len), span.len};
}

char *tkp_arena_printf(struct tkp_arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = need >= 0 ? tkp_arena_alloc(a, (size_t)need + 1) : NULL;
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)need + 1, format, args);
    va_end(args);
    return text;
}
