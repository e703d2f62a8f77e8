/* SPDX-License-Identifier: Apache-2.0 */
/* run.json from any bytes. What is accepted is printed and reads back as itself. */
#include <report/run_file.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same(const struct tkp_run_file *a, const struct tkp_run_file *b)
{
    must(a->pid == b->pid && a->start_ns == b->start_ns && a->end_ns == b->end_ns);
    must(a->process_begin_ticks == b->process_begin_ticks);
    must(a->monotonic_to_realtime_ns == b->monotonic_to_realtime_ns);
    must(is_same(a->events, b->events) && is_same(a->control, b->control));
    must(is_same(a->benchmark_id, b->benchmark_id) && a->phase_count == b->phase_count);
    for (uint32_t i = 0; i < a->phase_count; i++)
        must(is_same(a->phases[i], b->phases[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_run_file file, again;
    struct tkp_arena arena;
    struct tkp_buffer out;
    struct tokperf_span text = {(const char *)data, size};
    tkp_arena_init(&arena, 0);
    tkp_buffer_init(&out, 16 * size + 65536);
    if (tkp_run_file_parse(text, &arena, &file) == TOKPERF_OK) {
        must(file.pid > 0 && file.phase_count <= TKP_RUN_FILE_MAX_PHASES);
        (void)tkp_run_file_is_live(&file);
        tkp_run_file_print(&file, &out);
        must(!out.failed);
        must(tkp_run_file_parse(tkp_buffer_span(&out), &arena, &again) == TOKPERF_OK);
        check_same(&file, &again);
    }
    tkp_buffer_finish(&out);
    tkp_arena_finish(&arena);
    return 0;
}
