/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a stated maximum and a sticky failure. */
#ifndef TKP_MOCK_BUFFER_H
#define TKP_MOCK_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that someone else owns. */
struct tkp_mock_slice {
    const char *data;
    size_t len;
};

/* Zero-initialised plus max_bytes is a valid empty buffer. Once `failed` is set (no memory, or the
 * maximum reached) appends do nothing: the user checks it once, before the bytes are used. */
struct tkp_mock_buffer {
    char *data;
    size_t len;
    size_t cap;
    size_t max_bytes;
    bool failed;
};

void tkp_mock_buffer_init(struct tkp_mock_buffer *buffer, size_t max_bytes);
void tkp_mock_buffer_finish(struct tkp_mock_buffer *buffer);
/* Empties it; gives memory above keep_bytes back. */
void tkp_mock_buffer_reset(struct tkp_mock_buffer *buffer, size_t keep_bytes);
/* Makes room for free_bytes more after len; false when that is impossible. */
bool tkp_mock_buffer_reserve(struct tkp_mock_buffer *buffer, size_t free_bytes);
/* Removes the first n bytes (n <= len). */
void tkp_mock_buffer_drop(struct tkp_mock_buffer *buffer, size_t n);

void tkp_mock_buffer_add(struct tkp_mock_buffer *buffer, const char *data, size_t len);
void tkp_mock_buffer_add_text(struct tkp_mock_buffer *buffer, const char *text);
void tkp_mock_buffer_add_u64(struct tkp_mock_buffer *buffer, uint64_t value);
void tkp_mock_buffer_add_hex(struct tkp_mock_buffer *buffer, uint64_t value);
void tkp_mock_buffer_add_format(struct tkp_mock_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Writes value right-aligned into width bytes at `at`, filled with spaces. */
void tkp_mock_buffer_put_padded(char *at, size_t width, uint64_t value);

#endif
