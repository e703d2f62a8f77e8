/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a stated maximum, owned by one thread. */
#include <base/buffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY_BYTES = 256 };

/* Makes room for len more bytes and the NUL; on refusal sets failed. */
static bool grow(struct tkp_buffer *b, size_t len)
{
    if (b->failed || b->len > b->max_bytes || len > b->max_bytes - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + len;
    if (b->data && need < b->capacity)
        return true;
    size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY_BYTES;
    while (capacity <= need && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    if (capacity - 1 > b->max_bytes)
        capacity = b->max_bytes + 1; /* need <= max_bytes, so it holds the content and its NUL */
    char *data = capacity > need ? realloc(b->data, capacity) : NULL;
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

static void sink_write(void *context, const char *data, uint64_t len)
{
    tkp_buffer_append(context, data, len);
}

void tkp_buffer_init(struct tkp_buffer *b, size_t max_bytes)
{
    *b = (struct tkp_buffer){.max_bytes = max_bytes};
}

void tkp_buffer_finish(struct tkp_buffer *b)
{
    free(b->data);
    *b = (struct tkp_buffer){0};
}

void tkp_buffer_clear(struct tkp_buffer *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

void tkp_buffer_append_slowly(struct tkp_buffer *b, const char *data, size_t len)
{
    if (!len || !grow(b, len))
        return;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void tkp_buffer_printf(struct tkp_buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need < 0) {
        b->failed = true;
        return;
    }
    if (!grow(b, (size_t)need))
        return;
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}

char *tkp_buffer_reserve(struct tkp_buffer *b, size_t len)
{
    return grow(b, len) ? b->data + b->len : NULL;
}

void tkp_buffer_advance(struct tkp_buffer *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}

void tkp_buffer_consume(struct tkp_buffer *b, size_t len)
{
    if (!len)
        return;
    if (len > b->len)
        len = b->len;
    b->len -= len;
    if (b->data)
        memmove(b->data, b->data + len, b->len + 1);
}

const char *tkp_buffer_text(const struct tkp_buffer *b)
{
    return b->data ? b->data : "";
}

struct tokperf_span tkp_buffer_span(const struct tkp_buffer *b)
{
    return (struct tokperf_span){tkp_buffer_text(b), b->len};
}

struct tokperf_sink tkp_buffer_sink(struct tkp_buffer *b)
{
    return (struct tokperf_sink){b, sink_write};
}
