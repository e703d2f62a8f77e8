/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a stated maximum. Appends past the maximum or without memory set
 * `failed` and change nothing more, so that a writer checks once at its end. The content is always
 * followed by a NUL that does not count. Owned by one thread.
 */
#ifndef TKP_BASE_BUFFER_H
#define TKP_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <tokperf/json.h>

struct tkp_buffer {
    char *data; /* NULL until the first append */
    size_t len, capacity, max_bytes;
    bool failed;
};

void tkp_buffer_init(struct tkp_buffer *b, size_t max_bytes);
void tkp_buffer_finish(struct tkp_buffer *b); /* frees; accepts a zeroed one */
void tkp_buffer_clear(struct tkp_buffer *b);  /* keeps the memory, clears failed */
void tkp_buffer_append_slowly(struct tkp_buffer *b, const char *data, size_t len); /* any length */
/* Inline where there is room, as always in a buffer that is used again. */
static inline void tkp_buffer_append(struct tkp_buffer *b, const char *data, size_t len)
{
    if (!len || b->failed || len >= b->capacity - b->len) {
        tkp_buffer_append_slowly(b, data, len);
        return;
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}
/* Inline, so that a literal's length is a constant. */
static inline void tkp_buffer_puts(struct tkp_buffer *b, const char *text)
{
    tkp_buffer_append(b, text, strlen(text));
}
void tkp_buffer_printf(struct tkp_buffer *b, const char *format, ...) TOKPERF_PRINTF(2, 3);
/* Room for len more bytes behind the content, or NULL; tkp_buffer_advance() then counts them. */
char *tkp_buffer_reserve(struct tkp_buffer *b, size_t len);
void tkp_buffer_advance(struct tkp_buffer *b, size_t len);
/* Takes the first len bytes away. */
void tkp_buffer_consume(struct tkp_buffer *b, size_t len);
/* The content as text ("" when empty); valid until the next append. */
const char *tkp_buffer_text(const struct tkp_buffer *b);
struct tokperf_span tkp_buffer_span(const struct tkp_buffer *b);
/* A sink that appends to b. */
struct tokperf_sink tkp_buffer_sink(struct tkp_buffer *b);

#endif
