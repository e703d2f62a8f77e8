/* SPDX-License-Identifier: Apache-2.0 */
/* The growing byte buffer. Grows by doubling and never beyond its maximum. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 1024 };

void tkp_mock_buffer_init(struct tkp_mock_buffer *buffer, size_t max_bytes)
{
    *buffer = (struct tkp_mock_buffer){.max_bytes = max_bytes};
}

void tkp_mock_buffer_finish(struct tkp_mock_buffer *buffer)
{
    free(buffer->data);
    tkp_mock_buffer_init(buffer, buffer->max_bytes);
}

void tkp_mock_buffer_reset(struct tkp_mock_buffer *buffer, size_t keep_bytes)
{
    if (buffer->cap > keep_bytes) {
        tkp_mock_buffer_finish(buffer);
    }
    buffer->len = 0;
    buffer->failed = false;
}

bool tkp_mock_buffer_reserve(struct tkp_mock_buffer *buffer, size_t free_bytes)
{
    if (buffer->cap - buffer->len >= free_bytes) {
        return true;
    }
    if (free_bytes > buffer->max_bytes || buffer->len > buffer->max_bytes - free_bytes) {
        buffer->failed = true;
        return false;
    }
    size_t need = buffer->len + free_bytes;
    size_t cap = buffer->cap == 0 ? FIRST_BYTES : buffer->cap;
    while (cap < need) {
        cap *= 2;
    }
    cap = cap > buffer->max_bytes ? buffer->max_bytes : cap;
    char *data = realloc(buffer->data, cap);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->cap = cap;
    return true;
}

void tkp_mock_buffer_drop(struct tkp_mock_buffer *buffer, size_t n)
{
    if (n < buffer->len) {
        memmove(buffer->data, buffer->data + n, buffer->len - n);
    }
    buffer->len -= n;
}

void tkp_mock_buffer_add(struct tkp_mock_buffer *buffer, const char *data, size_t len)
{
    if (len == 0 || buffer->failed || !tkp_mock_buffer_reserve(buffer, len)) {
        return;
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

void tkp_mock_buffer_add_text(struct tkp_mock_buffer *buffer, const char *text)
{
    tkp_mock_buffer_add(buffer, text, strlen(text));
}

void tkp_mock_buffer_add_u64(struct tkp_mock_buffer *buffer, uint64_t value)
{
    char digits[20]; /* 2^64 has 20 decimal digits */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    tkp_mock_buffer_add(buffer, digits + at, sizeof digits - at);
}

void tkp_mock_buffer_add_hex(struct tkp_mock_buffer *buffer, uint64_t value)
{
    char digits[16];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    tkp_mock_buffer_add(buffer, digits + at, sizeof digits - at);
}

void tkp_mock_buffer_add_format(struct tkp_mock_buffer *buffer, const char *format, ...)
{
    va_list args;
    char text[1024];
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        buffer->failed = true;
        return;
    }
    tkp_mock_buffer_add(buffer, text, (size_t)n);
}

void tkp_mock_buffer_put_padded(char *at, size_t width, uint64_t value)
{
    while (width > 0) {
        at[--width] = (char)('0' + value % 10);
        value /= 10;
        if (value == 0) {
            break;
        }
    }
    memset(at, ' ', width);
}
