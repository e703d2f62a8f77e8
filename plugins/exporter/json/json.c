/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "json": <prefix>.json, the run summary in AIPerf's shape. Every metric tag is a
 * top-level key; what tokperf adds (verdict, token_sources, percentile_support, receive_clock,
 * finish_reasons, prompt_reuse) stands behind AIPerf's keys. The schema is versioned.
 */
#include "../file_exporter.h"
#include "../json_pairs.h"
#include "../phase_kind.h"
#include "../statistic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char schema_version[] = "1.0";

/* Order of the keys in a metric's object (AIPerf's, p99.9 beside its neighbours). */
static const struct {
    uint32_t stat;
    const char *name;
} stat_order[] = {
    {TOKPERF_STAT_AVG, "avg"}, {TOKPERF_STAT_P1, "p1"},      {TOKPERF_STAT_P5, "p5"},
    {TOKPERF_STAT_P10, "p10"}, {TOKPERF_STAT_P25, "p25"},    {TOKPERF_STAT_P50, "p50"},
    {TOKPERF_STAT_P75, "p75"}, {TOKPERF_STAT_P90, "p90"},    {TOKPERF_STAT_P95, "p95"},
    {TOKPERF_STAT_P99, "p99"}, {TOKPERF_STAT_P999, "p99.9"}, {TOKPERF_STAT_MIN, "min"},
    {TOKPERF_STAT_MAX, "max"}, {TOKPERF_STAT_STD, "std"},    {TOKPERF_STAT_COUNT, "count"},
    {TOKPERF_STAT_SUM, "sum"},
};
enum { STAT_COUNT = sizeof stat_order / sizeof stat_order[0] };

static const char *stat_name(uint32_t stat)
{
    for (size_t i = 0; i < STAT_COUNT; i++)
        if (stat_order[i].stat == stat)
            return stat_order[i].name;
    return "";
}

/* A metric without a value is an absent key. */
static void write_metric(struct json_out *out, const struct tokperf_metric *metric)
{
    if (!has_statistics(metric) && !metric->unbounded_from)
        return;
    json_object(out, metric->tag);
    json_text(out, "unit", json_span(metric->unit));
    for (size_t i = 0; i < STAT_COUNT; i++) {
        uint32_t stat = stat_order[i].stat;
        if (!has_statistic(metric, stat))
            continue;
        if (stat == TOKPERF_STAT_COUNT)
            json_count(out, stat_order[i].name, (uint64_t)metric->value[stat]);
        else
            json_number(out, stat_order[i].name, metric->value[stat]);
    }
    if (metric->unbounded_from)
        json_text(out, "unbounded_from", json_span(metric->unbounded_from));
    if (metric->flags & TOKPERF_METRIC_FROM_HISTOGRAM)
        json_text(out, "percentiles_from", TOKPERF_SPAN("histogram"));
    out->api->object_end(&out->w);
}

static void write_metrics(struct json_out *out, const struct tokperf_phase *phase)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        write_metric(out, phase->metrics[i]);
}

static void write_errors(struct json_out *out, const struct tokperf_phase *phase)
{
    json_array(out, "error_summary");
    for (uint32_t i = 0; i < phase->error_count; i++) {
        const struct tokperf_error_count *error = phase->errors[i];
        out->api->object_begin(&out->w);
        json_object(out, "error_details");
        if (error->code)
            json_integer(out, "code", error->code);
        json_text(out, "type", error->type);
        json_text(out, "message", error->message);
        out->api->object_end(&out->w);
        json_count(out, "count", error->count);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

static void write_reasons(struct json_out *out, const char *name, const struct tokperf_summary *run,
                          uint32_t notes)
{
    json_array(out, name);
    for (uint32_t i = 0; i < run->reason_count; i++) {
        const struct tokperf_reason *reason = run->reasons[i];
        if ((reason->severity == 0) != notes)
            continue;
        out->api->object_begin(&out->w);
        json_text(out, "code", reason->code);
        if (TOKPERF_HAS(reason, phase))
            json_text_if(out, "phase", reason->phase);
        json_text(out, "message", reason->message);
        if (reason->has_value)
            json_number(out, "value", reason->value);
        if (reason->has_limit)
            json_number(out, "limit", reason->limit);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

static void write_verdict(struct json_out *out, const struct tokperf_summary *run)
{
    json_object(out, "verdict");
    json_text(out, "status", run->verdict);
    write_reasons(out, "reasons", run, 0);
    write_reasons(out, "notes", run, 1);
    out->api->object_end(&out->w);
}

/* Rows of one metric stand together. */
static void write_support(struct json_out *out, const struct tokperf_phase *phase)
{
    const char *open_tag = NULL;
    json_object(out, "percentile_support");
    json_text(out, "assumes", TOKPERF_SPAN("independent samples"));
    for (uint32_t i = 0; i < phase->support_count; i++) {
        const struct tokperf_support *row = phase->support[i];
        if (!open_tag || strcmp(open_tag, row->tag) != 0) {
            if (open_tag)
                out->api->object_end(&out->w);
            json_object(out, row->tag);
            open_tag = row->tag;
        }
        json_object(out, stat_name(row->stat));
        json_count(out, "samples_needed", row->samples_needed);
        json_count(out, "samples", row->samples);
        if (row->has_upper_bound)
            json_number(out, "upper_bound_99", row->upper_bound_99);
        out->api->object_end(&out->w);
    }
    if (open_tag)
        out->api->object_end(&out->w);
    out->api->object_end(&out->w);
}

static void write_time(struct json_out *out, const char *name, uint64_t realtime_ns)
{
    char buffer[64];
    struct tm parts;
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    if (!realtime_ns || !gmtime_r(&seconds, &parts))
        return;
    size_t n = strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(buffer + n, sizeof buffer - n, ".%06" PRIu64 "Z", realtime_ns % 1000000000u / 1000u);
    json_text(out, name, json_span(buffer));
}

static void write_run_info(struct json_out *out, const struct tokperf_summary *run)
{
    json_object(out, "run_info");
    json_text(out, "benchmark_id", run->benchmark_id);
    json_count(out, "random_seed", run->random_seed);
    json_text(out, "model", run->model);
    json_text(out, "endpoint_type", run->endpoint_type);
    json_text(out, "cli_command", run->cli_command);
    out->api->object_end(&out->w);
}

/* Absent when no server was steered. */
static void write_controls(struct json_out *out, const struct tokperf_summary *run)
{
    if (!TOKPERF_HAS(run, controls) || !run->control_count)
        return;
    json_array(out, "server_control");
    for (uint32_t i = 0; i < run->control_count; i++) {
        const struct tokperf_control *control = run->controls[i];
        out->api->object_begin(&out->w);
        json_text(out, "action", control->action);
        json_text(out, "url", control->url);
        json_boolean(out, "ok", control->ok);
        if (control->status_code)
            json_integer(out, "status_code", control->status_code);
        json_text_if(out, "message", control->message);
        json_count(out, "attempts", control->attempts);
        write_time(out, "start_time", control->start_realtime_ns);
        json_number(out, "duration_ms", (double)control->duration_ns / 1e6);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

static void write_results(struct json_out *out, const struct tokperf_collector *collector)
{
    json_array(out, "results");
    for (uint32_t i = 0; i < collector->result_count; i++) {
        const struct tokperf_collector_result *result = collector->results[i];
        out->api->object_begin(&out->w);
        json_text(out, "domain", result->domain);
        json_text(out, "state", result->state);
        json_text_if(out, "error", result->error);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

/* Absent without --collector. */
static void write_collectors(struct json_out *out, const struct tokperf_summary *run)
{
    if (!TOKPERF_HAS(run, collectors) || !run->collector_count)
        return;
    json_array(out, "collectors");
    for (uint32_t i = 0; i < run->collector_count; i++) {
        const struct tokperf_collector *collector = run->collectors[i];
        out->api->object_begin(&out->w);
        json_text(out, "service", collector->service);
        json_text(out, "command", collector->command);
        json_text(out, "state", collector->state);
        json_text_if(out, "error", collector->error);
        json_boolean(out, "baseline", collector->is_baseline);
        write_results(out, collector);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

static void write_gate(struct json_out *out, const struct tokperf_phase *phase,
                       const struct tokperf_gate *gate)
{
    out->api->object_begin(&out->w);
    json_text(out, "phase", phase->name);
    json_text(out, "kind", json_span(gate->is_end ? "end" : "start"));
    json_text_if(out, "off", gate->off);
    if (!gate->off.len) {
        json_count(out, "asked", gate->asked);
        json_count(out, "acknowledged", gate->acknowledged);
        write_time(out, "start_time", gate->start_realtime_ns);
        json_number(out, "duration_ms", (double)gate->duration_ns / 1e6);
        json_array(out, "failures");
        for (uint32_t i = 0; i < gate->failure_count; i++) {
            out->api->object_begin(&out->w);
            json_text(out, "service", gate->failures[i]->service);
            json_text(out, "error", gate->failures[i]->error);
            out->api->object_end(&out->w);
        }
        out->api->array_end(&out->w);
    }
    out->api->object_end(&out->w);
}

static void write_gates(struct json_out *out, const struct tokperf_summary *run)
{
    if (!TOKPERF_HAS(run, collectors) || !run->collector_count)
        return;
    json_array(out, "gates");
    for (uint32_t i = 0; i < run->phase_count; i++) {
        const struct tokperf_phase *phase = run->phases[i];
        for (uint32_t k = 0; TOKPERF_HAS(phase, gates) && k < phase->gate_count; k++)
            write_gate(out, phase, phase->gates[k]);
    }
    out->api->array_end(&out->w);
}

static void write_value(struct json_out *out, const char *name, const struct tokperf_phase *phase,
                        const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, tag) == 0 &&
            has_statistic(phase->metrics[i], TOKPERF_STAT_AVG))
            json_count(out, name, (uint64_t)phase->metrics[i]->value[TOKPERF_STAT_AVG]);
}

static void write_phase_time(struct json_out *out, const struct tokperf_summary *run,
                             const char *name, uint64_t monotonic_ns)
{
    if (monotonic_ns)
        write_time(out, name, monotonic_ns + (uint64_t)run->monotonic_to_realtime_ns);
}

/* Which phases there were, in their order; absent when their kinds say it all. */
static void write_phases(struct json_out *out, const struct tokperf_summary *run)
{
    if (!phases_are_named(run))
        return;
    json_array(out, "phases");
    for (uint32_t i = 0; i < run->phase_count; i++) {
        const struct tokperf_phase *phase = run->phases[i];
        if (phase_is_total(phase))
            continue;
        out->api->object_begin(&out->w);
        json_text(out, "name", phase->name);
        json_text(out, "kind", json_span(phase_kind(phase)));
        json_boolean(out, "excluded", (uint32_t)phase_is_excluded(phase));
        if (TOKPERF_HAS(phase, is_seamless))
            json_boolean(out, "seamless", phase->is_seamless);
        write_value(out, "request_count", phase, "request_count");
        write_value(out, "error_request_count", phase, "error_request_count");
        write_phase_time(out, run, "start_time", phase->start_ns);
        write_phase_time(out, run, "end_time", phase->end_ns);
        if (TOKPERF_HAS(phase, verdict))
            json_text_if(out, "verdict", phase->verdict);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

/* AIPerf's: of the one warm-up. Where there are several, the files of each phase have them. */
static void write_warmup(struct json_out *out, const struct tokperf_summary *run)
{
    const struct tokperf_phase *found = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->phase_count; i++)
        if (run->phases[i]->is_warmup && i != run->main_phase) {
            found = run->phases[i];
            count++;
        }
    if (count != 1)
        return;
    json_object(out, "warmup_metrics");
    write_metrics(out, found);
    out->api->object_end(&out->w);
}

static void write_ours(struct json_out *out, const struct tokperf_summary *run,
                       const struct tokperf_phase *phase)
{
    write_verdict(out, run);
    write_phases(out, run);
    json_object(out, "token_sources");
    if (run->isl_source.len)
        json_text(out, "isl", run->isl_source);
    if (run->osl_source.len)
        json_text(out, "osl", run->osl_source);
    out->api->object_end(&out->w);
    write_support(out, phase);
    json_text(out, "receive_clock", run->receive_clock);
    if (TOKPERF_HAS(run, transport))
        json_text_if(out, "transport", run->transport);
    if (TOKPERF_HAS(run, report_source))
        json_text_if(out, "report_source", run->report_source);
    json_object(out, "finish_reasons");
    for (uint32_t i = 0; i < phase->finish_reason_count; i++) {
        out->api->key(&out->w, phase->finish_reasons[i]->name);
        out->api->integer(&out->w, (int64_t)phase->finish_reasons[i]->count);
    }
    out->api->object_end(&out->w);
    write_controls(out, run);
    write_collectors(out, run);
    write_gates(out, run);
    json_object(out, "prompt_reuse");
    json_count(out, "sent", run->prompts_sent);
    json_count(out, "distinct", run->prompts_distinct);
    out->api->object_end(&out->w);
}

static void write_document(struct json_out *out, const struct tokperf_summary *run)
{
    const struct tokperf_phase *phase = run->phases[run->main_phase];
    out->api->object_begin(&out->w);
    json_text(out, "schema_version", json_span(schema_version));
    json_text(out, "tokperf_version", run->tokperf_version);
    json_text(out, "benchmark_id", run->benchmark_id);
    write_metrics(out, phase);
    json_key(out, "input_config");
    out->api->raw(&out->w, run->input_config);
    write_run_info(out, run);
    json_boolean(out, "was_cancelled", run->was_cancelled);
    write_errors(out, phase);
    write_warmup(out, run);
    write_time(out, "start_time", run->start_realtime_ns);
    write_time(out, "end_time", run->end_realtime_ns);
    write_ours(out, run, phase);
    out->api->object_end(&out->w);
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    (void)cursor;
    const struct file_exporter *exporter = self;
    struct result_file file;
    tokperf_status status = result_file_open(&file, exporter, summary, "json", error);
    if (status != TOKPERF_OK)
        return status;
    struct json_out out = {.api = exporter->json};
    struct tokperf_sink sink = {&file, result_file_write};
    out.api->open(&out.w, &sink, TOKPERF_JSON_INDENT);
    write_document(&out, summary);
    result_file_write(&file, "\n", 1);
    return result_file_close(&file, TOKPERF_OK, error);
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = file_exporter_create,
    .destroy = free,
    .flags = TOKPERF_EXPORT_PHASES,
    .export_run = export_run,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "json",
    .summary = "Run summary as JSON, AIPerf's shape",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_JSON_WRITER, TOKPERF_SERVICE_OUTPUT_FILE,
                                       NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.export.json",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "JSON summary of a run",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)
