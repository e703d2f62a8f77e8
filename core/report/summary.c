/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and notes to a struct tokperf_summary. The token sources are decided by the first ok
 * request of the log, so that a live run and `tokperf report` decide alike.
 */
#include <report/summary.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <report/phase_set.h>
#include <pthread.h>
#include <report/collector_notes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONTROLS = 256 }; /* three for each of 85 servers; further ones are not shown */

struct tkp_summarizer {
    struct tkp_summary_inputs in;
    struct tkp_metric_context context;
    bool sources_known, torn, damaged, log_lost, interrupted, interrupted_late, ended_early;
    struct tkp_phase_set phases;
    pthread_mutex_t mutex; /* guards the notes, of phases too, which main gives while rows come */
    uint64_t end_realtime_ns;
    uint64_t ok, errors; /* of the phases that count */
    uint64_t texts;      /* answers that are kept for the tokenizer */
    struct tokperf_control controls[MAX_CONTROLS];
    const struct tokperf_control *control_list[MAX_CONTROLS];
    uint32_t control_count;
    struct tkp_collector_notes collector_notes;
    struct tkp_arena arena;
    struct tokperf_summary summary;
};

tokperf_status tkp_summarizer_create(const struct tkp_summary_inputs *inputs,
                                     struct tkp_summarizer **summarizer,
                                     struct tokperf_error *error)
{
    struct tkp_summarizer *s = calloc(1, sizeof *s);
    if (!s)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the summary");
    const struct tkp_plan *plan = inputs->plan;
    uint64_t flags = inputs->facts->endpoint_flags;
    s->in = *inputs;
    s->context = (struct tkp_metric_context){
        .streaming = plan->streaming,
        .produces_tokens = (flags & TOKPERF_ENDPOINT_PRODUCES_TOKENS) != 0,
        .tokenizes_input = (flags & TOKPERF_ENDPOINT_TOKENIZES_INPUT) != 0,
        .per_chunk_usage = plan->per_chunk_usage,
        .http_trace = plan->http_trace,
        .slos = plan->slos,
        .slo_count = plan->slo_count,
    };
    tkp_arena_init(&s->arena, 0);
    pthread_mutex_init(&s->mutex, NULL); /* cannot fail where a mutex is memory only */
    tokperf_status status = tkp_phase_set_init(&s->phases, plan, &s->context, error);
    if (status != TOKPERF_OK) {
        tkp_summarizer_destroy(s);
        return status;
    }
    *summarizer = s;
    return TOKPERF_OK;
}

void tkp_summarizer_destroy(struct tkp_summarizer *summarizer)
{
    if (!summarizer)
        return;
    tkp_phase_set_finish(&summarizer->phases);
    pthread_mutex_destroy(&summarizer->mutex);
    tkp_arena_finish(&summarizer->arena);
    free(summarizer);
}

void tkp_summarizer_row(struct tkp_summarizer *summarizer, const struct tkp_row *row,
                        const uint64_t *chunk_ns)
{
    struct tkp_summarizer *s = summarizer;
    if (row->phase >= s->in.plan->phase_count)
        return;
    if (!s->sources_known && row->outcome == TKP_OUTCOME_OK) {
        struct tkp_token_presence stated = {0};
        tkp_token_presence_add(&stated, row);
        tkp_token_sources_choose(s->in.plan->use_server_token_count, s->in.plan->tokenizer != NULL,
                                 s->in.plan->streaming, &stated, &s->context.isl_source,
                                 &s->context.osl_source);
        if (!s->context.produces_tokens)
            s->context.osl_source = TKP_TOKENS_NONE;
        s->sources_known = true;
    }
    if (tkp_phase_is_counted(&s->in.plan->phases[row->phase])) {
        s->ok += row->outcome == TKP_OUTCOME_OK;
        s->errors += tkp_outcome_is_error(row->outcome);
    }
    s->texts += s->in.plan->tokenizer && row->outcome == TKP_OUTCOME_OK && row->kept_bytes &&
                !(row->flags & TKP_ROW_TEXT_LOST);
    tkp_phase_set_row(&s->phases, row, chunk_ns);
}

void tkp_summarizer_phase_note(struct tkp_summarizer *summarizer, const struct tkp_phase_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    tkp_phase_set_note(&summarizer->phases, note);
    pthread_mutex_unlock(&summarizer->mutex);
}

static struct tokperf_span keep_text(struct tkp_summarizer *s, const char *text)
{
    const char *copy = tkp_arena_copy(&s->arena, text, strlen(text));
    return tkp_span(copy ? copy : "");
}

static void add_control(struct tkp_summarizer *s, const struct tkp_control_note *note)
{
    if (s->control_count == MAX_CONTROLS)
        return;
    struct tokperf_control *control = &s->controls[s->control_count];
    *control = (struct tokperf_control){
        .struct_size = sizeof *control,
        .ok = note->ok != 0,
        .status_code = (int32_t)note->http_status,
        .attempts = (uint32_t)note->attempts,
        .start_realtime_ns = note->start_realtime_ns,
        .duration_ns = note->duration_ns,
        .action = keep_text(s, note->action),
        .url = keep_text(s, note->url),
        .message = keep_text(s, note->message),
    };
    s->control_list[s->control_count++] = control;
}

void tkp_summarizer_control_note(struct tkp_summarizer *summarizer,
                                 const struct tkp_control_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    add_control(summarizer, note);
    pthread_mutex_unlock(&summarizer->mutex);
}

void tkp_summarizer_gate_note(struct tkp_summarizer *summarizer, const struct tkp_gate_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    tkp_collector_notes_add_gate(&summarizer->collector_notes, &summarizer->arena, note);
    pthread_mutex_unlock(&summarizer->mutex);
}

void tkp_summarizer_collector_note(struct tkp_summarizer *summarizer,
                                   const struct tkp_collector_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    tkp_collector_notes_add(&summarizer->collector_notes, &summarizer->arena, note);
    pthread_mutex_unlock(&summarizer->mutex);
}

void tkp_summarizer_stop_note(struct tkp_summarizer *summarizer, const struct tkp_stop_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    summarizer->end_realtime_ns = note->end_realtime_ns;
    summarizer->interrupted = note->interrupted != 0;
    summarizer->interrupted_late = note->interrupted_late != 0;
    summarizer->ended_early = note->ended_early != 0;
    pthread_mutex_unlock(&summarizer->mutex);
}

static tokperf_status take_collector_note(struct tkp_summarizer *s,
                                          const struct tkp_log_entry *entry,
                                          struct tokperf_error *error)
{
    struct tkp_gate_note gate;
    struct tkp_collector_note collector;
    tokperf_status status;
    if (entry->kind == TKP_LOG_GATE) {
        status = tkp_gate_note_parse(entry->payload, &s->arena, &gate, error);
        if (status == TOKPERF_OK)
            tkp_summarizer_gate_note(s, &gate);
        return status;
    }
    status = tkp_collector_note_parse(entry->payload, &s->arena, &collector, error);
    if (status == TOKPERF_OK)
        tkp_summarizer_collector_note(s, &collector);
    return status;
}

static tokperf_status take_note(struct tkp_summarizer *s, const struct tkp_log_entry *entry,
                                struct tokperf_error *error)
{
    struct tkp_phase_note phase;
    struct tkp_stop_note end;
    tokperf_status status = TOKPERF_OK;
    if (entry->kind == TKP_LOG_PHASE) {
        status = tkp_phase_note_parse(entry->payload, &phase, error);
        if (status == TOKPERF_OK)
            tkp_summarizer_phase_note(s, &phase);
    } else if (entry->kind == TKP_LOG_CONTROL) {
        struct tkp_control_note control;
        status = tkp_control_note_parse(entry->payload, &s->arena, &control, error);
        if (status == TOKPERF_OK)
            tkp_summarizer_control_note(s, &control);
    } else if (entry->kind == TKP_LOG_GATE || entry->kind == TKP_LOG_COLLECTOR) {
        status = take_collector_note(s, entry, error);
    } else if (entry->kind == TKP_LOG_STOP) {
        status = tkp_stop_note_parse(entry->payload, &end, error);
        if (status == TOKPERF_OK)
            tkp_summarizer_stop_note(s, &end);
    }
    return status;
}

tokperf_status tkp_summarizer_read(struct tkp_summarizer *summarizer, struct tkp_log_reader *reader,
                                   struct tokperf_error *error)
{
    struct tkp_log_entry entry;
    tokperf_status status;
    while ((status = tkp_log_next(reader, &entry, error)) == TOKPERF_OK) {
        if (entry.kind == TKP_LOG_ROWS)
            tkp_summarizer_row(summarizer, &entry.row, entry.chunk_ns);
        else
            status = take_note(summarizer, &entry, error);
        if (status != TOKPERF_OK)
            return status;
    }
    summarizer->torn = tkp_log_is_torn(reader);
    summarizer->damaged = status == TOKPERF_E_PARSE;
    return summarizer->torn || status == TOKPERF_E_NOT_FOUND ? TOKPERF_OK : status;
}

tokperf_status tkp_summarizer_select(struct tkp_summarizer *summarizer,
                                     struct tkp_log_reader *reader, struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    struct tkp_log_entry entry;
    while (tkp_phase_set_next_pass(&s->phases)) {
        tokperf_status status;
        tkp_log_rewind(reader);
        while ((status = tkp_log_next(reader, &entry, error)) == TOKPERF_OK)
            if (entry.kind == TKP_LOG_ROWS)
                tkp_phase_set_row(&s->phases, &entry.row, entry.chunk_ns);
        if (!s->torn && status != TOKPERF_E_NOT_FOUND)
            return status;
    }
    return TOKPERF_OK;
}

void tkp_summarizer_without_log(struct tkp_summarizer *summarizer)
{
    summarizer->log_lost = true;
}

void tkp_summary_identify(struct tokperf_summary *summary, const struct tkp_plan *plan,
                          const struct tkp_run_facts *facts, const char *artifact_dir)
{
    summary->struct_size = sizeof *summary;
    summary->benchmark_id = tkp_span(facts->benchmark_id);
    summary->tokperf_version = tkp_span(facts->version);
    summary->title = tkp_span(facts->title);
    summary->model = tkp_span(facts->model);
    summary->endpoint_type = tkp_span(facts->endpoint_type);
    summary->artifact_dir = tkp_span(artifact_dir);
    summary->file_prefix = tkp_span(plan->export_prefix);
    summary->cli_command = tkp_span(facts->cli_command);
    summary->input_config = tkp_span(plan->input_config_json);
    summary->receive_clock = tkp_span(facts->receive_clock);
    summary->transport = tkp_span(facts->transport);
    summary->random_seed = facts->seed;
    summary->start_realtime_ns = facts->start_realtime_ns;
    summary->monotonic_to_realtime_ns = facts->monotonic_to_realtime_ns;
    summary->export_records = plan->export_level != TKP_EXPORT_SUMMARY;
    summary->streaming = plan->streaming;
}

static void fill_identity(struct tkp_summarizer *s, struct tokperf_summary *summary)
{
    tkp_summary_identify(summary, s->in.plan, s->in.facts, s->in.artifact_dir);
    summary->isl_source = tkp_span(tkp_token_source_name(s->context.isl_source));
    summary->osl_source = tkp_span(tkp_token_source_name(s->context.osl_source));
    summary->end_realtime_ns = s->end_realtime_ns;
    summary->was_cancelled = s->interrupted || s->interrupted_late;
    summary->report_source = tkp_span(s->log_lost ? "histograms" : "record_log");
    summary->controls = s->control_list;
    summary->control_count = s->control_count;
}

static tokperf_status make_summary(struct tkp_summarizer *s, bool is_final,
                                   const struct tkp_phase_note *so_far, struct tkp_arena *arena,
                                   struct tokperf_summary *summary, struct tokperf_error *error)
{
    const struct tkp_phase_set_run run = {
        .facts = s->in.facts,
        .so_far = !is_final,
        .so_far_note = so_far,
        .torn = s->torn,
        .damaged = s->damaged,
        .log_lost = s->log_lost,
        .interrupted = s->interrupted,
        .interrupted_late = s->interrupted_late,
        .ended_early = s->ended_early,
        .collectors = &s->collector_notes,
    };
    tokperf_status status = tkp_phase_set_make(&s->phases, &run, arena, summary, error);
    if (status == TOKPERF_OK)
        fill_identity(s, summary);
    return status;
}

tokperf_status tkp_summarizer_result(struct tkp_summarizer *summarizer,
                                     const struct tokperf_summary **summary,
                                     struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    tokperf_status status = make_summary(s, true, NULL, &s->arena, &s->summary, error);
    if (status == TOKPERF_OK)
        *summary = &s->summary;
    return status;
}

tokperf_status tkp_summarizer_peek(struct tkp_summarizer *summarizer,
                                   const struct tkp_phase_note *so_far, struct tkp_arena *arena,
                                   struct tokperf_summary *summary, struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    *summary = (struct tokperf_summary){.struct_size = sizeof *summary};
    pthread_mutex_lock(&s->mutex);
    tokperf_status status = make_summary(s, false, so_far, arena, summary, error);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

uint64_t tkp_summarizer_uncounted(const struct tkp_summarizer *summarizer)
{
    return tkp_phase_set_uncounted(&summarizer->phases);
}

uint64_t tkp_summarizer_texts(const struct tkp_summarizer *summarizer)
{
    return summarizer->texts;
}

const struct tkp_metric_context *tkp_summarizer_context(const struct tkp_summarizer *summarizer)
{
    return &summarizer->context;
}

void tkp_summarizer_counts(const struct tkp_summarizer *summarizer, uint64_t *ok, uint64_t *errors)
{
    *ok = summarizer->ok;
    *errors = summarizer->errors;
}
