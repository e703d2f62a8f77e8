/* SPDX-License-Identifier: Apache-2.0 */
/* A final snapshot from any bytes. What is accepted writes and reads back as itself. */
#include <report/snapshot.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool rewrite(struct tokperf_span json, struct tkp_buffer *out)
{
    struct tkp_snapshot snapshot;
    struct tkp_arena arena;
    struct tokperf_error error;
    tkp_arena_init(&arena, ARENA_BYTES);
    bool good = tkp_snapshot_parse(json, &arena, &snapshot, &error) == TOKPERF_OK;
    if (good) {
        must(snapshot.summary.main_phase < snapshot.summary.phase_count);
        tkp_snapshot_write(&snapshot.header, &snapshot.summary, &snapshot.facts, NULL, out);
        must(!out->failed);
    } else {
        must(error.message[0] != '\0');
    }
    tkp_arena_finish(&arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_buffer once, again;
    tkp_buffer_init(&once, 32 * size + 65536);
    tkp_buffer_init(&again, 2 * (32 * size + 65536));
    if (rewrite((struct tokperf_span){(const char *)data, size}, &once)) {
        must(rewrite(tkp_buffer_span(&once), &again));
        must(once.len == again.len && memcmp(once.data, again.data, once.len) == 0);
    }
    tkp_buffer_finish(&once);
    tkp_buffer_finish(&again);
    return 0;
}
