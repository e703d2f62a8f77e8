/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "jsonl": <prefix>.jsonl, one line per request in AIPerf's shape, in the order in which
 * requests ended; failed ones too. Times in metadata are epoch ns; what tokperf adds stands under
 * "tokperf". Absent values are absent keys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/exporter.h>

struct jsonl_exporter {
    const struct tokperf_host *host;
    const struct tokperf_json_writer_v1 *json;
    const struct tokperf_output_file_v1 *files;
};

struct line {
    const struct tokperf_json_writer_v1 *json;
    const struct tokperf_summary *run;
    struct tokperf_json_writer w;
};

static void key(struct line *l, const char *name)
{
    l->json->key(&l->w, (struct tokperf_span){name, strlen(name)});
}

static void pair_span(struct line *l, const char *name, struct tokperf_span value)
{
    if (!value.len)
        return;
    key(l, name);
    l->json->string(&l->w, value);
}

static void pair_integer(struct line *l, const char *name, uint64_t value)
{
    key(l, name);
    l->json->integer(&l->w, (int64_t)value);
}

static void pair_boolean(struct line *l, const char *name, uint32_t value)
{
    key(l, name);
    l->json->boolean(&l->w, value);
}

/* A monotonic time as epoch ns; left out when it did not happen. */
static void pair_time(struct line *l, const char *name, uint64_t monotonic_ns)
{
    if (monotonic_ns)
        pair_integer(l, name, monotonic_ns + (uint64_t)l->run->monotonic_to_realtime_ns);
}

static void write_metadata(struct line *l, const struct tokperf_record *record)
{
    char worker[32];
    struct tokperf_span phase = {NULL, 0};
    if (record->phase < l->run->phase_count)
        phase = l->run->phases[record->phase]->name;
    snprintf(worker, sizeof worker, "worker_%u", record->worker);
    key(l, "metadata");
    l->json->object_begin(&l->w);
    pair_integer(l, "session_num", record->session_num);
    pair_span(l, "x_request_id", record->request_id);
    pair_span(l, "x_correlation_id", record->correlation_id);
    pair_span(l, "conversation_id", record->conversation_id);
    pair_integer(l, "turn_index", record->turn_index);
    pair_time(l, "credit_issued_ns", record->intended_ns);
    pair_time(l, "request_start_ns", record->start_ns);
    pair_time(l, "request_ack_ns", record->first_byte_ns);
    pair_time(l, "request_end_ns", record->end_ns);
    pair_span(l, "worker_id", (struct tokperf_span){worker, strlen(worker)});
    pair_span(l, "benchmark_phase", phase);
    pair_boolean(l, "was_cancelled", record->was_cancelled);
    if (record->was_cancelled)
        pair_time(l, "cancellation_time_ns", record->end_ns);
    l->json->object_end(&l->w);
}

static void write_value(struct line *l, const struct tokperf_record_metric *metric, double value)
{
    if (metric->flags & TOKPERF_METRIC_INTEGER)
        l->json->integer(&l->w, (int64_t)value);
    else
        l->json->number(&l->w, value);
}

static void write_metrics(struct line *l, const struct tokperf_record *record)
{
    key(l, "metrics");
    l->json->object_begin(&l->w);
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const struct tokperf_record_metric *metric = &record->metrics[i];
        key(l, metric->tag);
        l->json->object_begin(&l->w);
        key(l, "value");
        if (metric->flags & TOKPERF_METRIC_LIST)
            l->json->array_begin(&l->w);
        for (uint64_t v = 0; v < metric->count; v++)
            write_value(l, metric, metric->values[v]);
        if (metric->flags & TOKPERF_METRIC_LIST)
            l->json->array_end(&l->w);
        pair_span(l, "unit", (struct tokperf_span){metric->unit, strlen(metric->unit)});
        l->json->object_end(&l->w);
    }
    l->json->object_end(&l->w);
}

static void write_error(struct line *l, const struct tokperf_record *record)
{
    if (!record->has_error)
        return;
    key(l, "error");
    l->json->object_begin(&l->w);
    if (record->error_code) {
        key(l, "code");
        l->json->integer(&l->w, record->error_code);
    }
    pair_span(l, "type", record->error_type);
    pair_span(l, "message", record->error_message);
    l->json->object_end(&l->w);
}

static void write_ours(struct line *l, const struct tokperf_record *record)
{
    char hash[32];
    snprintf(hash, sizeof hash, "%016" PRIx64, record->prompt_hash);
    key(l, "tokperf");
    l->json->object_begin(&l->w);
    pair_span(l, "outcome", record->outcome);
    pair_span(l, "finish_reason", record->finish_reason);
    pair_integer(l, "retries", record->retries);
    pair_integer(l, "url_index", record->url_index);
    pair_integer(l, "dataset_row", record->dataset_row);
    pair_span(l, "prompt_hash", (struct tokperf_span){hash, strlen(hash)});
    pair_boolean(l, "connection_reused", record->connection_reused);
    pair_time(l, "intended_ns", record->intended_ns);
    pair_time(l, "ready_ns", record->ready_ns);
    pair_time(l, "start_ns", record->start_ns);
    l->json->object_end(&l->w);
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

static tokperf_status write_lines(const struct jsonl_exporter *exporter, struct file_sink *out,
                                  const struct tokperf_summary *summary,
                                  const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    struct tokperf_sink sink = {out, write_bytes};
    struct line l = {.json = exporter->json, .run = summary};
    const struct tokperf_record *record;
    tokperf_status status;
    while ((status = cursor->next(cursor->context, &record, error)) == TOKPERF_OK) {
        l.json->open(&l.w, &sink, 0);
        l.json->object_begin(&l.w);
        write_metadata(&l, record);
        write_metrics(&l, record);
        write_error(&l, record);
        write_ours(&l, record);
        l.json->object_end(&l.w);
        write_bytes(out, "\n", 1);
    }
    return status == TOKPERF_E_NOT_FOUND ? TOKPERF_OK : status;
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    const struct jsonl_exporter *exporter = self;
    struct file_sink out = {.files = exporter->files};
    char name[512];
    snprintf(name, sizeof name, "%.*s.jsonl", (int)summary->file_prefix.len,
             summary->file_prefix.data);
    tokperf_status status = out.files->open(exporter->host, name, &out.file, error);
    if (status != TOKPERF_OK)
        return status;
    status = write_lines(exporter, &out, summary, cursor, error);
    if (status == TOKPERF_OK)
        status = out.files->commit(out.file, error);
    out.files->close(out.file);
    return status;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct jsonl_exporter *made = malloc(sizeof *made);
    if (!made) {
        snprintf(error->message, sizeof error->message, "no memory for the JSONL exporter");
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
    .flags = TOKPERF_EXPORT_RECORDS,
    .export_run = export_run,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "jsonl",
    .summary = "One JSON line per request, AIPerf's shape",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_JSON_WRITER, TOKPERF_SERVICE_OUTPUT_FILE,
                                       NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.export.jsonl",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Requests of a run as JSON lines",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)
