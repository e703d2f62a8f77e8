/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run asks of the servers around its load, and how that gets into the result: a note of the
 * record log for each request, which the summary and `tokperf report` read alike.
 */
#include <run/parts.h>

#include <base/error.h>
#include <run/interrupt.h>
#include <stdlib.h>
#include <string.h>
#include <target/server_control.h>

enum { NOTE_BYTES = 64 * 1024 };

static struct tkp_control_note note_of(const struct tkp_control_call *call)
{
    return (struct tkp_control_note){
        .action = call->action,
        .url = call->url,
        .message = call->message,
        .ok = call->ok,
        .http_status = (uint64_t)call->http_status,
        .attempts = call->attempts,
        .start_realtime_ns = call->start_realtime_ns,
        .duration_ns = call->duration_ns,
    };
}

/* There is no record log yet. Without memory the note is missing in the result. */
static void keep_note(void *context, const struct tkp_control_call *call)
{
    struct tkp_run *run = context;
    if (run->control_count == run->control_capacity) {
        uint32_t capacity = run->control_capacity ? 2 * run->control_capacity : 8;
        struct tkp_control_note *longer = realloc(run->controls, capacity * sizeof *longer);
        if (!longer)
            return;
        run->controls = longer;
        run->control_capacity = capacity;
    }
    struct tkp_control_note note = note_of(call);
    note.message = tkp_arena_copy(&run->arena, call->message, strlen(call->message));
    if (note.message)
        run->controls[run->control_count++] = note;
}

static void record_note(void *context, const struct tkp_control_call *call)
{
    struct tkp_run *run = context;
    struct tkp_control_note note = note_of(call);
    struct tkp_buffer json;
    tkp_buffer_init(&json, NOTE_BYTES);
    tkp_control_note_write(&note, &json);
    if (!json.failed)
        tkp_recorder_note(run->recorder, TKP_LOG_CONTROL, tkp_buffer_span(&json));
    tkp_summarizer_control_note(run->summarizer, &note);
    tkp_buffer_finish(&json);
}

static struct tkp_server_group group_of(struct tkp_run *run,
                                        void (*called)(void *, const struct tkp_control_call *))
{
    return (struct tkp_server_group){.plan = run->plan,
                                     .urls = run->urls,
                                     .cancel = tkp_interrupt_flag(),
                                     .arena = &run->arena,
                                     .context = run,
                                     .called = called};
}

tokperf_status tkp_run_reset_cache(struct tkp_run *run, struct tokperf_error *error)
{
    if (!run->plan->reset_kv_cache.enabled)
        return TOKPERF_OK;
    struct tkp_server_group group = group_of(run, keep_note);
    return tkp_servers_reset_cache(&group, error);
}

void tkp_run_note_controls(struct tkp_run *run, struct tkp_log_writer *log)
{
    struct tkp_buffer json;
    tkp_buffer_init(&json, NOTE_BYTES);
    for (uint32_t i = 0; i < run->control_count; i++) {
        tkp_buffer_clear(&json);
        tkp_control_note_write(&run->controls[i], &json);
        if (!json.failed)
            tkp_log_append(log, TKP_LOG_CONTROL, json.data, (uint32_t)json.len);
        tkp_summarizer_control_note(run->summarizer, &run->controls[i]);
    }
    tkp_buffer_finish(&json);
    free(run->controls);
    run->controls = NULL;
    run->control_count = run->control_capacity = 0;
}

tokperf_status tkp_run_start_profiler(struct tkp_run *run, const struct tkp_phase_plan *phase,
                                      struct tokperf_error *error)
{
    if (!run->plan->server_profiler.enabled || phase->is_warmup)
        return TOKPERF_OK;
    struct tkp_server_group group = group_of(run, record_note);
    return tkp_servers_start_profiler(&group, error);
}

void tkp_run_stop_profiler(struct tkp_run *run, const struct tkp_phase_plan *phase)
{
    struct tokperf_error error = {0};
    if (!run->plan->server_profiler.enabled || phase->is_warmup)
        return;
    struct tkp_server_group group = group_of(run, record_note);
    if (tkp_servers_stop_profiler(&group, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_ERROR, "%s; the server may be profiling still", error.message);
}
