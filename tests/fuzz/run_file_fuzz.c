/* SPDX-License-Identifier: Apache-2.0 */
/* run.json from any bytes. What is accepted is written and reads back as itself. */
#include <base/files.h>
#include <report/run_file.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void check(const char *dir, struct tkp_arena *arena)
{
    struct tkp_run_file file, again;
    struct tokperf_error error;
    if (tkp_run_file_read(dir, arena, &file, &error) != TOKPERF_OK)
        return;
    must(file.pid > 0 && file.phase_count <= TKP_RUN_FILE_MAX_PHASES);
    (void)tkp_run_file_is_live(&file);
    if (tkp_run_file_write(dir, &file, &error) != TOKPERF_OK)
        return; /* escapes made it too long */
    must(tkp_run_file_read(dir, arena, &again, &error) == TOKPERF_OK);
    must(file.pid == again.pid && file.start_ns == again.start_ns && file.end_ns == again.end_ns);
    must(file.phase_count == again.phase_count && is_same(file.events, again.events) &&
         is_same(file.control, again.control) && is_same(file.benchmark_id, again.benchmark_id));
    for (uint32_t i = 0; i < file.phase_count; i++)
        must(is_same(file.phases[i], again.phases[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/tokperf-fuzz-XXXXXX", path[64];
    struct tkp_arena arena;
    struct tokperf_error error;
    must(mkdtemp(dir) != NULL);
    must(tkp_files_join(path, sizeof path, dir, "run.json"));
    must(tkp_files_replace(dir, "run.json", (const char *)data, size, &error) == TOKPERF_OK);
    tkp_arena_init(&arena, 0);
    check(dir, &arena);
    tkp_arena_finish(&arena);
    unlink(path);
    rmdir(dir);
    return 0;
}
