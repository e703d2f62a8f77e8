/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and notes to a struct tokperf_summary. The token sources are decided by the first ok
 * request of the log, so that a live run and `tokperf report` decide alike.
 */
#include <report/summary.h>

#include <base/arena.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <metrics/phase_metrics.h>
#include <metrics/verdict.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONTROLS = 256 }; /* three for each of 85 servers; further ones are not shown */

struct tkp_summarizer {
    struct tkp_summary_inputs in;
    struct tkp_metric_context context;
    bool sources_known, torn, damaged, log_lost, interrupted, ended_early;
    struct tkp_phase_metrics **phases; /* by phase of the plan */
    pthread_mutex_t mutex; /* guards the notes, below, which main gives while rows come */
    struct tkp_phase_note *notes;
    uint64_t end_realtime_ns;
    uint64_t ok, errors; /* of the main phase */
    struct tokperf_control controls[MAX_CONTROLS];
    const struct tokperf_control *control_list[MAX_CONTROLS];
    uint32_t control_count;
    struct tkp_arena arena;
    struct tokperf_summary summary;
};

static uint32_t main_phase(const struct tkp_summarizer *s)
{
    return (uint32_t)(tkp_phases_last_counted(s->in.plan) - s->in.plan->phases);
}

static tokperf_status create_phases(struct tkp_summarizer *s, struct tokperf_error *error)
{
    const struct tkp_plan *plan = s->in.plan;
    s->phases = calloc(plan->phase_count, sizeof *s->phases);
    s->notes = calloc(plan->phase_count, sizeof *s->notes);
    if (!s->phases || !s->notes)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the summary");
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; status == TOKPERF_OK && i < plan->phase_count; i++)
        status = tkp_phase_metrics_create(&s->context, &plan->phases[i], &s->phases[i], error);
    return status;
}

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
    tokperf_status status = create_phases(s, error);
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
    for (uint32_t i = 0; summarizer->phases && i < summarizer->in.plan->phase_count; i++)
        tkp_phase_metrics_destroy(summarizer->phases[i]);
    free(summarizer->phases);
    free(summarizer->notes);
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
    if (row->phase == main_phase(s)) {
        s->ok += row->outcome == TKP_OUTCOME_OK;
        s->errors += tkp_outcome_is_error(row->outcome);
    }
    tkp_phase_metrics_add(s->phases[row->phase], row, chunk_ns);
}

void tkp_summarizer_phase_note(struct tkp_summarizer *summarizer, const struct tkp_phase_note *note)
{
    if (note->phase >= summarizer->in.plan->phase_count)
        return;
    pthread_mutex_lock(&summarizer->mutex);
    summarizer->notes[note->phase] = *note;
    tkp_phase_metrics_not_sent(summarizer->phases[note->phase], note->not_sent);
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

void tkp_summarizer_stop_note(struct tkp_summarizer *summarizer, const struct tkp_stop_note *note)
{
    pthread_mutex_lock(&summarizer->mutex);
    summarizer->end_realtime_ns = note->end_realtime_ns;
    summarizer->interrupted = note->interrupted != 0;
    summarizer->ended_early = note->ended_early != 0;
    pthread_mutex_unlock(&summarizer->mutex);
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

/* Ends a reading of all phases. Whether any wants to see its rows once more. */
static bool wants_more(struct tkp_summarizer *s)
{
    bool more = false;
    for (uint32_t i = 0; i < s->in.plan->phase_count; i++)
        more |= tkp_phase_metrics_next_pass(s->phases[i]);
    return more;
}

tokperf_status tkp_summarizer_select(struct tkp_summarizer *summarizer,
                                     struct tkp_log_reader *reader, struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    struct tkp_log_entry entry;
    while (wants_more(s)) {
        tokperf_status status;
        tkp_log_rewind(reader);
        while ((status = tkp_log_next(reader, &entry, error)) == TOKPERF_OK)
            if (entry.kind == TKP_LOG_ROWS && entry.row.phase < s->in.plan->phase_count)
                tkp_phase_metrics_add(s->phases[entry.row.phase], &entry.row, entry.chunk_ns);
        if (!s->torn && status != TOKPERF_E_NOT_FOUND)
            return status;
    }
    return TOKPERF_OK;
}

void tkp_summarizer_without_log(struct tkp_summarizer *summarizer)
{
    summarizer->log_lost = true;
}

static void add_run_facts(const struct tkp_summarizer *s, const struct tkp_phase_note *note,
                          struct tkp_phase_facts *facts)
{
    facts->unsent_turns = note->unsent_turns;
    facts->record_waits = note->record_waits;
    facts->record_wait_s = (double)note->record_wait_ns / (double)TKP_NS_PER_S;
    facts->loop_lag_p99_ns = (double)note->loop_lag_p99_ns;
    facts->plugin_call_max_ns = (double)note->plugin_call_max_ns;
    facts->read_delay_p99_ns = (double)note->read_delay_p99_ns;
    facts->unstamped_reads = note->unstamped_reads;
    facts->clock_steps = note->clock_steps;
    facts->log_not_written = s->log_lost;
    facts->cpu_ticks = note->cpu_ticks;
    facts->steal_ticks = note->steal_ticks;
    facts->cpus = note->cpus;
    facts->load_milli = note->load_milli;
    facts->worker_cpu_share =
        note->length_ns ? (double)note->worker_cpu_ns / (double)note->length_ns : NAN;
    facts->governors = s->in.facts->governors;
    const struct tkp_phase_plan *planned = &s->in.plan->phases[main_phase(s)];
    facts->planned_rate_per_s = planned->rate_per_s;
    facts->planned_streams = facts->streaming ? (double)planned->concurrency : 0;
    facts->calibrated_requests_per_s = (double)s->in.facts->calibrated_requests_per_s;
    facts->calibrated_streams = (double)s->in.facts->calibrated_streams;
    facts->calibrated_events_per_s = (double)s->in.facts->calibrated_events_per_s;
    facts->tls_not_verified = s->in.plan->tls.insecure;
    facts->interrupted = s->interrupted;
    facts->ended_early = s->ended_early;
    facts->log_torn = s->torn && !s->damaged;
    facts->log_damaged = s->damaged;
}

/* What a summary is made in: the finished one's memory is the summarizer's. */
struct making {
    struct tkp_arena *arena;
    struct tokperf_summary *summary;
    bool so_far;                  /* the first pass still goes on */
    struct tkp_phase_facts facts; /* of the main phase */
};

static tokperf_status make_phase(struct tkp_phase_metrics *metrics, const struct making *making,
                                 struct tokperf_phase *phase, struct tkp_phase_facts *facts,
                                 struct tokperf_error *error)
{
    if (making->so_far)
        return tkp_phase_metrics_peek(metrics, making->arena, phase, facts, error);
    return tkp_phase_metrics_result(metrics, making->arena, phase, facts, error);
}

static tokperf_status make_phases(const struct tkp_summarizer *s, struct making *making,
                                  struct tokperf_error *error)
{
    uint32_t count = s->in.plan->phase_count;
    struct tokperf_phase *phases = tkp_arena_alloc(making->arena, count * sizeof *phases);
    const struct tokperf_phase **list = tkp_arena_alloc(making->arena, count * sizeof *list);
    if (!phases || !list)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the summary");
    for (uint32_t i = 0; i < count; i++) {
        struct tkp_phase_facts facts = {0};
        tokperf_status status = make_phase(s->phases[i], making, &phases[i], &facts, error);
        if (status != TOKPERF_OK)
            return status;
        phases[i].name = tkp_span(s->in.plan->phases[i].name);
        list[i] = &phases[i];
        if (i == main_phase(s))
            making->facts = facts;
    }
    making->summary->phases = list;
    making->summary->phase_count = count;
    making->summary->main_phase = main_phase(s);
    return TOKPERF_OK;
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
    summary->was_cancelled = s->interrupted;
    summary->report_source = tkp_span(s->log_lost ? "histograms" : "record_log");
    summary->controls = s->control_list;
    summary->control_count = s->control_count;
}

/* note: of the main phase. */
static tokperf_status make_summary(struct tkp_summarizer *s, struct making *making,
                                   const struct tkp_phase_note *note, struct tokperf_error *error)
{
    struct tokperf_summary *summary = making->summary;
    struct tkp_verdict verdict = {0};
    tokperf_status status = make_phases(s, making, error);
    if (status != TOKPERF_OK)
        return status;
    add_run_facts(s, note, &making->facts);
    status = tkp_verdict_judge(&making->facts, &s->in.plan->limits, making->arena, &verdict, error);
    if (status != TOKPERF_OK)
        return status;
    fill_identity(s, summary);
    summary->verdict = tkp_span(verdict.status);
    summary->reasons = verdict.reasons;
    summary->reason_count = verdict.reason_count;
    summary->prompts_distinct = making->facts.prompts_distinct;
    summary->prompts_sent = making->facts.prompts_sent;
    return TOKPERF_OK;
}

tokperf_status tkp_summarizer_result(struct tkp_summarizer *summarizer,
                                     const struct tokperf_summary **summary,
                                     struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    struct making making = {.arena = &s->arena, .summary = &s->summary};
    tokperf_status status = make_summary(s, &making, &s->notes[main_phase(s)], error);
    if (status == TOKPERF_OK)
        *summary = &s->summary;
    return status;
}

tokperf_status tkp_summarizer_peek(struct tkp_summarizer *summarizer,
                                   const struct tkp_phase_note *so_far, struct tkp_arena *arena,
                                   struct tokperf_summary *summary, struct tokperf_error *error)
{
    struct tkp_summarizer *s = summarizer;
    struct making making = {.arena = arena, .summary = summary, .so_far = true};
    *summary = (struct tokperf_summary){.struct_size = sizeof *summary};
    pthread_mutex_lock(&s->mutex);
    tokperf_status status =
        make_summary(s, &making, so_far ? so_far : &s->notes[main_phase(s)], error);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

uint64_t tkp_summarizer_uncounted(const struct tkp_summarizer *summarizer)
{
    uint64_t uncounted = 0;
    for (uint32_t i = 0; i < summarizer->in.plan->phase_count; i++)
        uncounted += tkp_phase_metrics_uncounted(summarizer->phases[i]);
    return uncounted;
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
