/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "json": <prefix>.json, the run summary in AIPerf's shape. Every metric tag is a
 * top-level key; what tokperf adds (verdict, token_sources, percentile_support, receive_clock,
 * finish_reasons, prompt_reuse) stands behind AIPerf's keys. The schema is versioned.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tokperf/exporter.h>

static const char schema_version[] = "1.0";

struct json_exporter {
    const struct tokperf_host *host;
    const struct tokperf_json_writer_v1 *json;
    const struct tokperf_output_file_v1 *files;
};

/* One file at work. */
struct document {
    const struct json_exporter *self;
    struct tokperf_json_writer w;
};

static struct tokperf_span text(const char *s)
{
    return (struct tokperf_span){s, strlen(s)};
}

static void key(struct document *d, const char *name)
{
    d->self->json->key(&d->w, text(name));
}

static void pair_span(struct document *d, const char *name, struct tokperf_span value)
{
    key(d, name);
    d->self->json->string(&d->w, value);
}

static void pair_integer(struct document *d, const char *name, uint64_t value)
{
    key(d, name);
    d->self->json->integer(&d->w, (int64_t)value);
}

static void pair_number(struct document *d, const char *name, double value)
{
    key(d, name);
    d->self->json->number(&d->w, value);
}

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

static void write_metric(struct document *d, const struct tokperf_metric *metric)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    key(d, metric->tag);
    json->object_begin(&d->w);
    pair_span(d, "unit", text(metric->unit));
    for (size_t i = 0; i < STAT_COUNT; i++) {
        uint32_t stat = stat_order[i].stat;
        if (!(metric->stats & (1u << stat)))
            continue;
        if (stat == TOKPERF_STAT_COUNT)
            pair_integer(d, stat_order[i].name, (uint64_t)metric->value[stat]);
        else
            pair_number(d, stat_order[i].name, metric->value[stat]);
    }
    if (metric->unbounded_from)
        pair_span(d, "unbounded_from", text(metric->unbounded_from));
    if (metric->flags & TOKPERF_METRIC_FROM_HISTOGRAM)
        pair_span(d, "percentiles_from", TOKPERF_SPAN("histogram"));
    json->object_end(&d->w);
}

static void write_metrics(struct document *d, const struct tokperf_phase *phase)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        write_metric(d, phase->metrics[i]);
}

static void write_errors(struct document *d, const struct tokperf_phase *phase)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    key(d, "error_summary");
    json->array_begin(&d->w);
    for (uint32_t i = 0; i < phase->error_count; i++) {
        const struct tokperf_error_count *error = phase->errors[i];
        json->object_begin(&d->w);
        key(d, "error_details");
        json->object_begin(&d->w);
        if (error->code) {
            key(d, "code");
            json->integer(&d->w, error->code);
        }
        pair_span(d, "type", error->type);
        pair_span(d, "message", error->message);
        json->object_end(&d->w);
        pair_integer(d, "count", error->count);
        json->object_end(&d->w);
    }
    json->array_end(&d->w);
}

static void write_reasons(struct document *d, const char *name, const struct tokperf_summary *run,
                          uint32_t notes)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    key(d, name);
    json->array_begin(&d->w);
    for (uint32_t i = 0; i < run->reason_count; i++) {
        const struct tokperf_reason *reason = run->reasons[i];
        if ((reason->severity == 0) != notes)
            continue;
        json->object_begin(&d->w);
        pair_span(d, "code", reason->code);
        pair_span(d, "message", reason->message);
        if (reason->has_value)
            pair_number(d, "value", reason->value);
        if (reason->has_limit)
            pair_number(d, "limit", reason->limit);
        json->object_end(&d->w);
    }
    json->array_end(&d->w);
}

static void write_verdict(struct document *d, const struct tokperf_summary *run)
{
    key(d, "verdict");
    d->self->json->object_begin(&d->w);
    pair_span(d, "status", run->verdict);
    write_reasons(d, "reasons", run, 0);
    write_reasons(d, "notes", run, 1);
    d->self->json->object_end(&d->w);
}

/* Rows of one metric stand together. */
static void write_support(struct document *d, const struct tokperf_phase *phase)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    const char *open_tag = NULL;
    key(d, "percentile_support");
    json->object_begin(&d->w);
    pair_span(d, "assumes", TOKPERF_SPAN("independent samples"));
    for (uint32_t i = 0; i < phase->support_count; i++) {
        const struct tokperf_support *row = phase->support[i];
        if (!open_tag || strcmp(open_tag, row->tag) != 0) {
            if (open_tag)
                json->object_end(&d->w);
            key(d, row->tag);
            json->object_begin(&d->w);
            open_tag = row->tag;
        }
        key(d, stat_name(row->stat));
        json->object_begin(&d->w);
        pair_integer(d, "samples_needed", row->samples_needed);
        pair_integer(d, "samples", row->samples);
        if (row->has_upper_bound)
            pair_number(d, "upper_bound_99", row->upper_bound_99);
        json->object_end(&d->w);
    }
    if (open_tag)
        json->object_end(&d->w);
    json->object_end(&d->w);
}

static void write_time(struct document *d, const char *name, uint64_t realtime_ns)
{
    char buffer[64];
    struct tm parts;
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    if (!realtime_ns || !gmtime_r(&seconds, &parts))
        return;
    size_t n = strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(buffer + n, sizeof buffer - n, ".%06" PRIu64 "Z", realtime_ns % 1000000000u / 1000u);
    pair_span(d, name, text(buffer));
}

static void write_run_info(struct document *d, const struct tokperf_summary *run)
{
    key(d, "run_info");
    d->self->json->object_begin(&d->w);
    pair_span(d, "benchmark_id", run->benchmark_id);
    pair_integer(d, "random_seed", run->random_seed);
    pair_span(d, "model", run->model);
    pair_span(d, "endpoint_type", run->endpoint_type);
    pair_span(d, "cli_command", run->cli_command);
    d->self->json->object_end(&d->w);
}

static void write_ours(struct document *d, const struct tokperf_summary *run,
                       const struct tokperf_phase *phase)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    write_verdict(d, run);
    key(d, "token_sources");
    json->object_begin(&d->w);
    if (run->isl_source.len)
        pair_span(d, "isl", run->isl_source);
    if (run->osl_source.len)
        pair_span(d, "osl", run->osl_source);
    json->object_end(&d->w);
    write_support(d, phase);
    pair_span(d, "receive_clock", run->receive_clock);
    key(d, "finish_reasons");
    json->object_begin(&d->w);
    for (uint32_t i = 0; i < phase->finish_reason_count; i++) {
        json->key(&d->w, phase->finish_reasons[i]->name);
        json->integer(&d->w, (int64_t)phase->finish_reasons[i]->count);
    }
    json->object_end(&d->w);
    key(d, "prompt_reuse");
    json->object_begin(&d->w);
    pair_integer(d, "sent", run->prompts_sent);
    pair_integer(d, "distinct", run->prompts_distinct);
    json->object_end(&d->w);
}

static void write_document(struct document *d, const struct tokperf_summary *run)
{
    const struct tokperf_json_writer_v1 *json = d->self->json;
    const struct tokperf_phase *phase = run->phases[run->main_phase];
    json->object_begin(&d->w);
    pair_span(d, "schema_version", text(schema_version));
    pair_span(d, "tokperf_version", run->tokperf_version);
    pair_span(d, "benchmark_id", run->benchmark_id);
    write_metrics(d, phase);
    key(d, "input_config");
    json->raw(&d->w, run->input_config);
    write_run_info(d, run);
    key(d, "was_cancelled");
    json->boolean(&d->w, run->was_cancelled);
    write_errors(d, phase);
    for (uint32_t i = 0; i < run->phase_count; i++) {
        if (!run->phases[i]->is_warmup)
            continue;
        key(d, "warmup_metrics");
        json->object_begin(&d->w);
        write_metrics(d, run->phases[i]);
        json->object_end(&d->w);
    }
    write_time(d, "start_time", run->start_realtime_ns);
    write_time(d, "end_time", run->end_realtime_ns);
    write_ours(d, run, phase);
    json->object_end(&d->w);
}

struct file_sink {
    const struct tokperf_output_file_v1 *files;
    struct tokperf_output_file *file;
};

static void write_bytes(void *context, const char *data, uint64_t len)
{
    const struct file_sink *out = context;
    out->files->write(out->file, data, len);
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    (void)cursor;
    const struct json_exporter *exporter = self;
    struct file_sink out = {.files = exporter->files};
    char name[512];
    snprintf(name, sizeof name, "%.*s.json", (int)summary->file_prefix.len,
             summary->file_prefix.data);
    tokperf_status status = out.files->open(exporter->host, name, &out.file, error);
    if (status != TOKPERF_OK)
        return status;
    struct tokperf_sink sink = {&out, write_bytes};
    struct document d = {.self = exporter};
    exporter->json->open(&d.w, &sink, TOKPERF_JSON_INDENT);
    write_document(&d, summary);
    write_bytes(&out, "\n", 1);
    status = out.files->commit(out.file, error);
    out.files->close(out.file);
    return status;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct json_exporter *made = malloc(sizeof *made);
    if (!made) {
        snprintf(error->message, sizeof error->message, "no memory for the JSON exporter");
        return error->status = TOKPERF_E_NO_MEMORY;
    }
    made->host = host;
    made->json = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    made->files = host->service(host, TOKPERF_SERVICE_OUTPUT_FILE);
    *self = made;
    return TOKPERF_OK;
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
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
