/* SPDX-License-Identifier: Apache-2.0 */
/* See record_pairs.h. */
#include "record_pairs.h"

#include "phase_kind.h"

#include <stdio.h>

void record_time(struct json_out *out, const struct tokperf_summary *run, const char *name,
                 uint64_t monotonic_ns)
{
    if (monotonic_ns)
        json_count(out, name, monotonic_ns + (uint64_t)run->monotonic_to_realtime_ns);
}

void record_metadata(struct json_out *out, const struct tokperf_summary *run,
                     const struct tokperf_record *record)
{
    char worker[32];
    struct tokperf_span phase = {NULL, 0};
    if (record->phase < run->phase_count)
        phase = json_span(phase_kind(run->phases[record->phase]));
    snprintf(worker, sizeof worker, "worker_%u", record->worker);
    json_object(out, "metadata");
    json_count(out, "session_num", record->session_num);
    json_text_if(out, "x_request_id", record->request_id);
    json_text_if(out, "x_correlation_id", record->correlation_id);
    json_text_if(out, "conversation_id", record->conversation_id);
    json_count(out, "turn_index", record->turn_index);
    record_time(out, run, "credit_issued_ns", record->intended_ns);
    record_time(out, run, "request_start_ns", record->start_ns);
    record_time(out, run, "request_ack_ns", record->first_byte_ns);
    record_time(out, run, "request_end_ns", record->end_ns);
    json_text_if(out, "worker_id", json_span(worker));
    json_text_if(out, "benchmark_phase", phase);
    json_boolean(out, "was_cancelled", record->was_cancelled);
    if (record->was_cancelled)
        record_time(out, run, "cancellation_time_ns", record->end_ns);
    out->api->object_end(&out->w);
}

void record_phase_name(struct json_out *out, const struct tokperf_summary *run,
                       const struct tokperf_record *record)
{
    if (record->phase < run->phase_count && phases_are_named(run))
        json_text_if(out, "phase", run->phases[record->phase]->name);
}

void record_error(struct json_out *out, const struct tokperf_record *record)
{
    if (!record->has_error)
        return;
    json_object(out, "error");
    if (record->error_code)
        json_integer(out, "code", record->error_code);
    json_text_if(out, "type", record->error_type);
    json_text_if(out, "message", record->error_message);
    out->api->object_end(&out->w);
}
