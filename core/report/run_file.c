/* SPDX-License-Identifier: Apache-2.0 */
/* See run_file.h. */
#include <report/run_file.h>

#include <base/error.h>
#include <base/files.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/process_begin.h>
#include <base/text.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { RUN_FILE_MAX_BYTES = 64 * 1024 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_integer(struct tokperf_json_writer *w, const char *key, int64_t value)
{
    if (!value)
        return;
    json->key(w, tkp_span(key));
    json->integer(w, value);
}

void tkp_run_file_set_process(struct tkp_run_file *file)
{
    file->pid = getpid();
    file->process_begin_ticks = tkp_process_begin_ticks(file->pid);
}

void tkp_run_file_print(const struct tkp_run_file *file, struct tkp_buffer *out)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    json->open(&w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(&w);
    tkp_json_write_pair(&w, "benchmark_id", file->benchmark_id);
    put_integer(&w, "pid", file->pid);
    put_integer(&w, "process_begin_ticks", (int64_t)file->process_begin_ticks);
    put_integer(&w, "start_ns", (int64_t)file->start_ns);
    put_integer(&w, "end_ns", (int64_t)file->end_ns);
    put_integer(&w, "monotonic_to_realtime_ns", file->monotonic_to_realtime_ns);
    tkp_json_write_pair(&w, "events", file->events);
    tkp_json_write_pair(&w, "control", file->control);
    if (file->phase_count) {
        json->key(&w, tkp_span("phases"));
        json->array_begin(&w);
        for (uint32_t i = 0; i < file->phase_count; i++)
            json->string(&w, tkp_span(file->phases[i]));
        json->array_end(&w);
    }
    json->object_end(&w);
    tkp_buffer_puts(out, "\n");
}

tokperf_status tkp_run_file_write(const char *dir, const struct tkp_run_file *file,
                                  struct tokperf_error *error)
{
    struct tkp_buffer text;
    tkp_buffer_init(&text, RUN_FILE_MAX_BYTES);
    tkp_run_file_print(file, &text);
    tokperf_status status =
        text.failed ? tkp_fail(error, TOKPERF_E_LIMIT, "run.json would be longer than 64 KiB")
                    : tkp_files_replace(dir, "run.json", text.data, text.len, error);
    tkp_buffer_finish(&text);
    return status;
}

static const char *take_text(const struct tokperf_json *scan, struct tkp_arena *arena)
{
    uint64_t len = 0;
    char *text = tkp_arena_alloc(arena, 3 * scan->text.len + 1);
    if (!text || tkp_json_unescape(scan->text, text, 3 * scan->text.len, &len) != TOKPERF_OK)
        return NULL;
    return memchr(text, '\0', len) ? NULL : text;
}

/* Reads the array that comes next; what is no list of texts is left out. */
static void take_phases(struct tokperf_json *scan, struct tkp_arena *arena,
                        struct tkp_run_file *file)
{
    if (tkp_json_next(scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    while (tkp_json_next(scan) == TOKPERF_JSON_STRING) {
        const char *name = take_text(scan, arena);
        if (name && file->phase_count < TKP_RUN_FILE_MAX_PHASES)
            file->phases[file->phase_count++] = name;
    }
}

static void take_integer(struct tokperf_json *scan, int64_t *value)
{
    if (tkp_json_next(scan) == TOKPERF_JSON_NUMBER &&
        tkp_json_to_int(scan->text, value) != TOKPERF_OK)
        *value = 0;
}

static void take_member(struct tokperf_json *scan, struct tkp_arena *arena,
                        struct tkp_run_file *file)
{
    struct {
        const char *key;
        const char **value;
    } texts[] = {{"benchmark_id", &file->benchmark_id},
                 {"events", &file->events},
                 {"control", &file->control}};
    int64_t start_ns = 0, end_ns = 0, ticks = 0;
    struct {
        const char *key;
        int64_t *value;
    } numbers[] = {{"pid", &file->pid},
                   {"process_begin_ticks", &ticks},
                   {"start_ns", &start_ns},
                   {"end_ns", &end_ns},
                   {"monotonic_to_realtime_ns", &file->monotonic_to_realtime_ns}};
    struct tokperf_json key = *scan;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (tkp_json_equals(key.text, key.escaped, tkp_span(texts[i].key))) {
            if (tkp_json_next(scan) == TOKPERF_JSON_STRING)
                *texts[i].value = take_text(scan, arena);
            return;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (tkp_json_equals(key.text, key.escaped, tkp_span(numbers[i].key))) {
            take_integer(scan, numbers[i].value);
            file->start_ns = start_ns > 0 ? (uint64_t)start_ns : file->start_ns;
            file->end_ns = end_ns > 0 ? (uint64_t)end_ns : file->end_ns;
            file->process_begin_ticks = ticks > 0 ? (uint64_t)ticks : file->process_begin_ticks;
            return;
        }
    if (tkp_json_equals(key.text, key.escaped, tkp_span("phases")))
        take_phases(scan, arena, file);
    else
        (void)tkp_json_skip(scan, NULL); /* a grammar error is seen by the caller */
}

tokperf_status tkp_run_file_parse(struct tokperf_span text, struct tkp_arena *arena,
                                  struct tkp_run_file *file)
{
    struct tokperf_json scan;
    uint32_t token;
    *file = (struct tkp_run_file){.pid = 0};
    tkp_json_open(&scan, text.data, text.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return TOKPERF_E_PARSE;
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY)
        take_member(&scan, arena, file);
    bool is_whole = token == TOKPERF_JSON_OBJECT_END && tkp_json_next(&scan) == TOKPERF_JSON_END;
    return is_whole && file->pid > 0 ? TOKPERF_OK : TOKPERF_E_PARSE;
}

tokperf_status tkp_run_file_read(const char *dir, struct tkp_arena *arena,
                                 struct tkp_run_file *file, struct tokperf_error *error)
{
    char path[PATH_MAX];
    struct tkp_buffer text;
    *file = (struct tkp_run_file){.pid = 0};
    if (!tkp_files_join(path, sizeof path, dir, "run.json"))
        return tkp_fail(error, TOKPERF_E_INVALID, "the path '%s' is too long", dir);
    tkp_buffer_init(&text, RUN_FILE_MAX_BYTES);
    tokperf_status status = tkp_files_read(path, RUN_FILE_MAX_BYTES - 1, 0, &text, error);
    if (status == TOKPERF_OK &&
        tkp_run_file_parse(tkp_buffer_span(&text), arena, file) != TOKPERF_OK)
        status = tkp_fail(error, TOKPERF_E_PARSE, "'%s' is not the file of a run", path);
    tkp_buffer_finish(&text);
    return status;
}

bool tkp_run_file_is_live(const struct tkp_run_file *file)
{
    return !file->end_ns && file->process_begin_ticks &&
           tkp_process_begin_ticks(file->pid) == file->process_begin_ticks;
}
