/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes event streams and lines: the first byte is the size of the pieces that the rest is read
 * in. Reading whole and reading in pieces must give the same events.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <worker/lines.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mix(uint64_t *hash, struct tokperf_span span)
{
    for (uint64_t i = 0; i < span.len; i++)
        *hash = *hash * 31 + (unsigned char)span.data[i];
    *hash = *hash * 31 + span.len + 1;
}

/* Pieces are copies, because events are joined in place. */
static uint64_t events_in(const char *bytes, size_t len, size_t piece)
{
    struct tkp_spill_pool pool;
    struct tkp_event_stream s;
    struct tkp_stream_event event;
    uint64_t hash = 0;
    tkp_spill_pool_init(&pool, 1 << 22);
    tkp_event_stream_begin(&s, &pool);
    char *copy = malloc(piece);
    for (size_t offset = 0; copy && offset < len; offset += piece) {
        size_t n = piece < len - offset ? piece : len - offset;
        memcpy(copy, bytes + offset, n);
        for (char *at = copy;
             tkp_event_stream_next(&s, &at, copy + n, &event) == TKP_EVENT_READY;) {
            mix(&hash, event.name);
            mix(&hash, event.data);
        }
    }
    if (tkp_event_stream_last(&s, &event) == TKP_EVENT_READY)
        mix(&hash, event.data);
    tkp_event_stream_finish(&s);
    tkp_spill_pool_finish(&pool);
    free(copy);
    return hash;
}

static uint64_t lines_in(const char *bytes, size_t len, size_t piece)
{
    struct tkp_spill_pool pool;
    struct tkp_lines lines;
    struct tokperf_span line;
    uint64_t hash = 0;
    tkp_spill_pool_init(&pool, 1 << 22);
    tkp_lines_begin(&lines, &pool);
    char *copy = malloc(piece);
    for (size_t offset = 0; copy && offset < len; offset += piece) {
        size_t n = piece < len - offset ? piece : len - offset;
        memcpy(copy, bytes + offset, n);
        for (char *at = copy; tkp_lines_next(&lines, &at, copy + n, &line) == TKP_EVENT_READY;)
            mix(&hash, line);
    }
    if (tkp_lines_last(&lines, &line) == TKP_EVENT_READY)
        mix(&hash, line);
    tkp_lines_finish(&lines);
    tkp_spill_pool_finish(&pool);
    free(copy);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t len = size - 1, piece = data[0] ? data[0] : 1;
    if (events_in(bytes, len, len) != events_in(bytes, len, piece) ||
        lines_in(bytes, len, len) != lines_in(bytes, len, piece))
        abort();
    return 0;
}
