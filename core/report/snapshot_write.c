/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of snapshots. What is not there, or is not finite, has no key. Any thread. */
#include <report/snapshot.h>

#include <base/json_write.h>
#include <base/secrets.h>
#include <base/text.h>
#include <math.h>
#include <metrics/percentile.h>
#include <record/row.h>
#include <report/snapshot_collectors.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_text(struct tokperf_json_writer *w, const char *key, struct tokperf_span text)
{
    json->key(w, tkp_span(key));
    json->string(w, text);
}

static void put_count(struct tokperf_json_writer *w, const char *key, uint64_t value)
{
    json->key(w, tkp_span(key));
    json->integer(w, (int64_t)value);
}

static void put_number(struct tokperf_json_writer *w, const char *key, double value)
{
    if (!isfinite(value))
        return;
    json->key(w, tkp_span(key));
    json->number(w, value);
}

static void put_boolean(struct tokperf_json_writer *w, const char *key, bool value)
{
    json->key(w, tkp_span(key));
    json->boolean(w, value);
}

static void begin_object(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
    json->object_begin(w);
}

static void begin_array(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
    json->array_begin(w);
}

/* ---- metrics ---- */

static bool has(const struct tokperf_metric *metric, uint32_t stat)
{
    return (metric->stats & 1u << stat) && isfinite(metric->value[stat]);
}

static void put_stat(struct tokperf_json_writer *w, const struct tokperf_metric *metric,
                     uint32_t stat, const char *name)
{
    if (has(metric, stat))
        put_number(w, name, metric->value[stat]);
}

static bool is_counter(const struct tokperf_metric *metric)
{
    return metric->kind == TOKPERF_METRIC_RUN && (metric->flags & TOKPERF_METRIC_INTEGER);
}

static void put_counters(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_object(w, "counters");
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (is_counter(phase->metrics[i]) && has(phase->metrics[i], TOKPERF_STAT_AVG))
            put_count(w, phase->metrics[i]->tag,
                      (uint64_t)phase->metrics[i]->value[TOKPERF_STAT_AVG]);
    json->object_end(w);
}

static void put_values(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_object(w, "values");
    for (uint32_t i = 0; i < phase->metric_count; i++) {
        const struct tokperf_metric *metric = phase->metrics[i];
        if (metric->kind != TOKPERF_METRIC_RUN || is_counter(metric) ||
            !has(metric, TOKPERF_STAT_AVG))
            continue;
        begin_object(w, metric->tag);
        tkp_json_write_pair(w, "unit", metric->unit);
        put_number(w, "value", metric->value[TOKPERF_STAT_AVG]);
        json->object_end(w);
    }
    json->object_end(w);
}

static void put_buckets(struct tokperf_json_writer *w, const struct tokperf_buckets *buckets)
{
    begin_object(w, "histogram");
    begin_array(w, "bounds");
    for (uint32_t i = 0; i <= buckets->count; i++)
        json->number(w, buckets->bounds[i]);
    json->array_end(w);
    begin_array(w, "counts");
    for (uint32_t i = 0; i < buckets->count; i++)
        json->integer(w, (int64_t)buckets->counts[i]);
    json->array_end(w);
    json->object_end(w);
}

static void put_series(struct tokperf_json_writer *w, const struct tokperf_metric *metric)
{
    begin_object(w, metric->tag);
    tkp_json_write_pair(w, "unit", metric->unit);
    if (has(metric, TOKPERF_STAT_COUNT))
        put_count(w, "count", (uint64_t)metric->value[TOKPERF_STAT_COUNT]);
    put_stat(w, metric, TOKPERF_STAT_SUM, "sum");
    put_stat(w, metric, TOKPERF_STAT_AVG, "avg");
    put_stat(w, metric, TOKPERF_STAT_MIN, "min");
    put_stat(w, metric, TOKPERF_STAT_MAX, "max");
    put_stat(w, metric, TOKPERF_STAT_STD, "std");
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++)
        put_stat(w, metric, tkp_percentiles[i].stat, tkp_percentiles[i].name);
    tkp_json_write_pair(w, "unbounded_from", metric->unbounded_from);
    if (metric->flags & TOKPERF_METRIC_FROM_HISTOGRAM)
        tkp_json_write_pair(w, "percentiles_from", "histogram");
    if (metric->buckets)
        put_buckets(w, metric->buckets);
    json->object_end(w);
}

static void put_all_series(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_object(w, "series");
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (phase->metrics[i]->kind != TOKPERF_METRIC_RUN)
            put_series(w, phase->metrics[i]);
    json->object_end(w);
}

/* ---- verdicts ---- */

static void put_reasons(struct tokperf_json_writer *w, const struct tokperf_reason *const *reasons,
                        uint32_t count, bool notes)
{
    begin_array(w, notes ? "notes" : "reasons");
    for (uint32_t i = 0; i < count; i++) {
        const struct tokperf_reason *reason = reasons[i];
        if (notes != (reason->severity == 0))
            continue;
        json->object_begin(w);
        put_text(w, "code", reason->code);
        if (!notes)
            tkp_json_write_pair(w, "severity", reason->severity == 1 ? "suspect" : "invalid");
        if (reason->phase.len)
            put_text(w, "phase", reason->phase);
        put_text(w, "message", reason->message);
        if (reason->has_value)
            put_number(w, "value", reason->value);
        if (reason->has_limit)
            put_number(w, "limit", reason->limit);
        json->object_end(w);
    }
    json->array_end(w);
}

static void put_verdict(struct tokperf_json_writer *w, struct tokperf_span status,
                        const struct tokperf_reason *const *reasons, uint32_t count)
{
    begin_object(w, "verdict");
    put_text(w, "status", status);
    put_reasons(w, reasons, count, false);
    put_reasons(w, reasons, count, true);
    json->object_end(w);
}

static void put_prompts(struct tokperf_json_writer *w, uint64_t sent, uint64_t distinct)
{
    begin_object(w, "prompts");
    put_count(w, "sent", sent);
    put_count(w, "distinct", distinct);
    json->object_end(w);
}

/* ---- the rest of a phase ---- */

static void put_outcomes(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_object(w, "errors_by_outcome");
    for (unsigned outcome = 1; outcome < TKP_OUTCOME_COUNT; outcome++) {
        const char *name = tkp_outcome_name((enum tkp_outcome)outcome);
        uint64_t count = 0;
        for (uint32_t i = 0; i < phase->error_count; i++)
            if (tkp_span_is(phase->errors[i]->type, name))
                count += phase->errors[i]->count;
        if (count && tkp_outcome_is_error((enum tkp_outcome)outcome))
            put_count(w, name, count);
    }
    json->object_end(w);
}

static void put_finish_reasons(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_object(w, "finish_reasons");
    for (uint32_t i = 0; i < phase->finish_reason_count; i++) {
        json->key(w, phase->finish_reasons[i]->name);
        json->integer(w, (int64_t)phase->finish_reasons[i]->count);
    }
    json->object_end(w);
}

static void put_errors(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_array(w, "errors");
    for (uint32_t i = 0; i < phase->error_count; i++) {
        const struct tokperf_error_count *error = phase->errors[i];
        json->object_begin(w);
        put_text(w, "type", error->type);
        if (error->code) {
            json->key(w, tkp_span("code"));
            json->integer(w, error->code);
        }
        put_text(w, "message", error->message);
        put_count(w, "count", error->count);
        json->object_end(w);
    }
    json->array_end(w);
}

static const char *percentile_name(uint32_t stat)
{
    uint32_t i = 0;
    while (i < TKP_PERCENTILE_COUNT - 1 && tkp_percentiles[i].stat != stat)
        i++;
    return tkp_percentiles[i].name;
}

static void put_support(struct tokperf_json_writer *w, const struct tokperf_phase *phase)
{
    begin_array(w, "percentile_support");
    for (uint32_t i = 0; i < phase->support_count; i++) {
        const struct tokperf_support *support = phase->support[i];
        json->object_begin(w);
        tkp_json_write_pair(w, "metric", support->tag);
        tkp_json_write_pair(w, "percentile", percentile_name(support->stat));
        put_count(w, "samples_needed", support->samples_needed);
        put_count(w, "samples", support->samples);
        if (support->has_upper_bound)
            put_number(w, "upper_bound_99", support->upper_bound_99);
        json->object_end(w);
    }
    json->array_end(w);
}

/* A monotonic time as epoch ns. */
static void put_time(struct tokperf_json_writer *w, const char *key, uint64_t time_ns,
                     int64_t to_realtime_ns)
{
    if (time_ns)
        put_count(w, key, time_ns + (uint64_t)to_realtime_ns);
}

static void put_phase(struct tokperf_json_writer *w, const struct tokperf_summary *summary,
                      const struct tokperf_phase *phase)
{
    json->object_begin(w);
    put_text(w, "name", phase->name);
    tkp_json_write_pair(w, "kind",
                        phase->is_total    ? "total"
                        : phase->is_warmup ? "warmup"
                                           : "profiling");
    if (phase->is_excluded)
        put_boolean(w, "excluded", true);
    if (phase->is_seamless)
        put_boolean(w, "seamless", true);
    put_time(w, "start_time_ns", phase->start_ns, summary->monotonic_to_realtime_ns);
    put_time(w, "end_time_ns", phase->end_ns, summary->monotonic_to_realtime_ns);
    put_counters(w, phase);
    put_outcomes(w, phase);
    put_finish_reasons(w, phase);
    put_values(w, phase);
    put_all_series(w, phase);
    put_errors(w, phase);
    if (phase->verdict.len)
        put_verdict(w, phase->verdict, phase->reasons, phase->reason_count);
    put_prompts(w, phase->prompts_sent, phase->prompts_distinct);
    tkp_snapshot_put_gates(w, phase);
    if (phase->support_count)
        put_support(w, phase);
    json->object_end(w);
}

/* ---- the run ---- */

static void put_controls(struct tokperf_json_writer *w, const struct tokperf_summary *summary)
{
    begin_array(w, "server_control");
    for (uint32_t i = 0; i < summary->control_count; i++) {
        const struct tokperf_control *control = summary->controls[i];
        json->object_begin(w);
        put_text(w, "action", control->action);
        put_text(w, "url", control->url);
        put_boolean(w, "ok", control->ok);
        put_count(w, "status_code", (uint64_t)control->status_code);
        put_count(w, "attempts", control->attempts);
        put_count(w, "start_time_ns", control->start_realtime_ns);
        put_count(w, "duration_ns", control->duration_ns);
        put_text(w, "message", control->message);
        json->object_end(w);
    }
    json->array_end(w);
}

static void put_run(struct tokperf_json_writer *w, const struct tkp_run_facts *facts)
{
    struct tkp_buffer run;
    tkp_buffer_init(&run, TKP_SNAPSHOT_MAX_BYTES);
    tkp_run_facts_write(facts, &run);
    json->key(w, tkp_span("run"));
    if (run.failed) /* too long or no memory: nothing to make a report from */
        json->null(w);
    else
        json->raw(w, tkp_buffer_span(&run));
    tkp_buffer_finish(&run);
}

/* Why there is no report: the sentence of an error, which may quote what the user or a server gave.
 */
static void put_failure(struct tokperf_json_writer *w, const char *failure)
{
    char clean[sizeof((struct tokperf_error *)0)->message];
    if (!failure)
        return;
    (void)tkp_secrets_copy(clean, sizeof clean, tkp_span(failure)); /* cut is cut */
    tkp_json_write_pair(w, "failure", clean);
}

static void put_header(struct tokperf_json_writer *w, const struct tkp_snapshot_header *header,
                       const struct tokperf_summary *summary, const char *failure)
{
    tkp_json_write_pair(w, "schema_version", TKP_SNAPSHOT_SCHEMA_VERSION);
    put_text(w, "benchmark_id", summary->benchmark_id);
    put_count(w, "sequence", header->sequence);
    put_count(w, "time_ns", header->time_ns);
    tkp_json_write_pair(w, "state", tkp_session_state_name(header->state));
    put_failure(w, failure);
    put_count(w, "pending_tokenizations", header->pending_tokenizations);
    put_count(w, "in_flight", header->in_flight);
    if (header->state == TKP_SESSION_LIVE && header->phases_begun)
        put_count(w, "running_phase", header->phases_begun - 1);
    put_count(w, "start_time_ns", summary->start_realtime_ns);
    if (summary->end_realtime_ns)
        put_count(w, "end_time_ns", summary->end_realtime_ns);
    put_boolean(w, "was_cancelled", summary->was_cancelled);
}

void tkp_snapshot_write(const struct tkp_snapshot_header *header,
                        const struct tokperf_summary *summary, const struct tkp_run_facts *facts,
                        const char *failure, struct tkp_buffer *out)
{
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer writer, *w = &writer;
    json->open(w, &sink, 0);
    json->object_begin(w);
    put_header(w, header, summary, failure);
    put_verdict(w, summary->verdict, summary->reasons, summary->reason_count);
    put_count(w, "main_phase", summary->main_phase);
    begin_array(w, "phases");
    for (uint32_t i = 0; i < summary->phase_count; i++)
        put_phase(w, summary, summary->phases[i]);
    json->array_end(w);
    begin_object(w, "token_sources");
    put_text(w, "isl", summary->isl_source);
    put_text(w, "osl", summary->osl_source);
    json->object_end(w);
    put_prompts(w, summary->prompts_sent, summary->prompts_distinct);
    put_controls(w, summary);
    tkp_snapshot_put_collectors(w, summary);
    if (facts) {
        put_text(w, "report_source", summary->report_source);
        put_run(w, facts);
    }
    json->object_end(w);
}
