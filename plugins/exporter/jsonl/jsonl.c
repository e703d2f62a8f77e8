/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "jsonl": <prefix>.jsonl, one line per request in AIPerf's shape, in the order in which
 * requests ended; failed ones too. Times in metadata are epoch ns; what tokperf adds stands under
 * "tokperf". Absent values are absent keys.
 */
#include "../file_exporter.h"
#include "../json_pairs.h"
#include "../record_pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void write_value(struct json_out *out, const struct tokperf_record_metric *metric,
                        double value)
{
    if (!isfinite(value))
        return;
    if (metric->flags & TOKPERF_METRIC_INTEGER)
        out->api->integer(&out->w, (int64_t)value);
    else
        out->api->number(&out->w, value);
}

static void write_list(struct json_out *out, const struct tokperf_record_metric *metric)
{
    json_array(out, "value");
    for (uint64_t i = 0; i < metric->count; i++)
        write_value(out, metric, metric->values[i]);
    out->api->array_end(&out->w);
}

static void write_metrics(struct json_out *out, const struct tokperf_record *record)
{
    json_object(out, "metrics");
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const struct tokperf_record_metric *metric = &record->metrics[i];
        uint32_t is_list = metric->flags & TOKPERF_METRIC_LIST;
        if (!is_list && (metric->count != 1 || !isfinite(metric->values[0])))
            continue;
        json_object(out, metric->tag);
        if (is_list) {
            write_list(out, metric);
        } else {
            json_key(out, "value");
            write_value(out, metric, metric->values[0]);
        }
        json_text_if(out, "unit", json_span(metric->unit));
        out->api->object_end(&out->w);
    }
    out->api->object_end(&out->w);
}

/* Nanoseconds from one time to another, where both happened. */
static void write_span(struct json_out *out, const char *name, uint64_t from_ns, uint64_t to_ns)
{
    if (from_ns && to_ns)
        json_count(out, name, to_ns > from_ns ? to_ns - from_ns : 0);
}

/* What AIPerf's trace_data has of an exchange, under its names, as far as tokperf keeps it. */
static void write_trace(struct json_out *out, const struct tokperf_summary *run,
                        const struct tokperf_record *record)
{
    if (!TOKPERF_HAS(record, send_start_ns) || !record->has_trace)
        return;
    int reused = record->connection_reused != 0;
    uint64_t last_ns = TOKPERF_HAS(record, last_byte_ns) ? record->last_byte_ns : record->end_ns;
    uint64_t ready_ns = reused ? record->send_start_ns : record->connect_start_ns;
    json_object(out, "trace_data");
    json_text_if(out, "trace_type", json_span("tokperf"));
    record_time(out, run, "connection_pool_wait_start_ns", record->start_ns);
    record_time(out, run, "connection_pool_wait_end_ns", ready_ns);
    record_time(out, run, "connection_reused_ns", reused ? record->send_start_ns : 0);
    record_time(out, run, "tcp_connect_start_ns", record->connect_start_ns);
    record_time(out, run, "tcp_connect_end_ns", record->connect_end_ns);
    record_time(out, run, "request_send_start_ns", record->send_start_ns);
    record_time(out, run, "request_send_end_ns", record->send_end_ns);
    record_time(out, run, "response_receive_start_ns", record->first_byte_ns);
    record_time(out, run, "response_receive_end_ns", last_ns);
    record_time(out, run, "error_timestamp_ns", record->is_error ? record->end_ns : 0);
    if (record->status_code)
        json_integer(out, "response_status_code", record->status_code);
    write_span(out, "blocked_ns", record->start_ns, ready_ns);
    json_count(out, "dns_lookup_ns", 0); /* names are resolved before the load */
    if (reused)
        json_count(out, "connecting_ns", 0);
    else
        write_span(out, "connecting_ns", record->connect_start_ns, record->connect_end_ns);
    write_span(out, "sending_ns", record->send_start_ns, record->send_end_ns);
    write_span(out, "waiting_ns", record->send_end_ns, record->first_byte_ns);
    if (record->first_byte_ns) {
        write_span(out, "receiving_ns", record->first_byte_ns, last_ns);
        write_span(out, "duration_ns", record->send_start_ns, record->end_ns);
    }
    out->api->object_end(&out->w);
}

static void write_ours(struct json_out *out, const struct tokperf_summary *run,
                       const struct tokperf_record *record)
{
    char hash[32];
    snprintf(hash, sizeof hash, "%016" PRIx64, record->prompt_hash);
    json_object(out, "tokperf");
    record_phase_name(out, run, record);
    json_text_if(out, "outcome", record->outcome);
    json_text_if(out, "finish_reason", record->finish_reason);
    json_count(out, "retries", record->retries);
    json_count(out, "url_index", record->url_index);
    json_count(out, "dataset_row", record->dataset_row);
    json_text_if(out, "prompt_hash", json_span(hash));
    json_boolean(out, "connection_reused", record->connection_reused);
    record_time(out, run, "intended_ns", record->intended_ns);
    record_time(out, run, "ready_ns", record->ready_ns);
    record_time(out, run, "start_ns", record->start_ns);
    out->api->object_end(&out->w);
}

static tokperf_status write_lines(const struct file_exporter *exporter, struct result_file *file,
                                  const struct tokperf_summary *summary,
                                  const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    struct tokperf_sink sink = {file, result_file_write};
    struct json_out out = {.api = exporter->json};
    const struct tokperf_record *record;
    tokperf_status status;
    while ((status = cursor->next(cursor->context, &record, error)) == TOKPERF_OK) {
        out.api->open(&out.w, &sink, 0);
        out.api->object_begin(&out.w);
        record_metadata(&out, summary, record);
        write_metrics(&out, record);
        write_trace(&out, summary, record);
        record_error(&out, record);
        write_ours(&out, summary, record);
        out.api->object_end(&out.w);
        result_file_write(file, "\n", 1);
    }
    return status == TOKPERF_E_NOT_FOUND ? TOKPERF_OK : status;
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    const struct file_exporter *exporter = self;
    struct result_file file;
    tokperf_status status = result_file_open(&file, exporter, summary, "jsonl", error);
    if (status != TOKPERF_OK)
        return status;
    status = write_lines(exporter, &file, summary, cursor, error);
    return result_file_close(&file, status, error);
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = file_exporter_create,
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
