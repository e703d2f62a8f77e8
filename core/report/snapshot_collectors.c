/* SPDX-License-Identifier: Apache-2.0 */
/* Collectors and gates of a snapshot. Any thread. */
#include <report/snapshot_collectors.h>

#include <base/json_write.h>
#include <base/text.h>

/* Bounds of lists: collectors are at most 32, gates of a phase 2. */
enum { MAX_COLLECTORS = 256, MAX_RESULTS = 256, MAX_GATES = 16, MAX_FAILURES = 256 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

/* ---- writing ---- */

static void put_text(struct tokperf_json_writer *w, const char *key, struct tokperf_span text)
{
    json->key(w, tkp_span(key));
    json->string(w, text);
}

static void put_text_if(struct tokperf_json_writer *w, const char *key, struct tokperf_span text)
{
    if (text.len)
        put_text(w, key, text);
}

static void put_count(struct tokperf_json_writer *w, const char *key, uint64_t value)
{
    json->key(w, tkp_span(key));
    json->integer(w, (int64_t)value);
}

static void begin_array(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
    json->array_begin(w);
}

static void put_gate(struct tokperf_json_writer *w, const struct tokperf_gate *gate)
{
    json->object_begin(w);
    tkp_json_write_pair(w, "kind", gate->is_end ? "end" : "start");
    if (gate->off.len) {
        put_text(w, "off", gate->off);
        json->object_end(w);
        return;
    }
    put_count(w, "asked", gate->asked);
    put_count(w, "acknowledged", gate->acknowledged);
    put_count(w, "start_time_ns", gate->start_realtime_ns);
    put_count(w, "duration_ns", gate->duration_ns);
    begin_array(w, "failures");
    for (uint32_t i = 0; i < gate->failure_count; i++) {
        json->object_begin(w);
        put_text(w, "service", gate->failures[i]->service);
        put_text(w, "error", gate->failures[i]->error);
        json->object_end(w);
    }
    json->array_end(w);
    json->object_end(w);
}

void tkp_snapshot_put_gates(struct tokperf_json_writer *writer, const struct tokperf_phase *phase)
{
    if (!phase->gate_count)
        return;
    begin_array(writer, "gates");
    for (uint32_t i = 0; i < phase->gate_count; i++)
        put_gate(writer, phase->gates[i]);
    json->array_end(writer);
}

static void put_collector(struct tokperf_json_writer *w, const struct tokperf_collector *collector)
{
    json->object_begin(w);
    put_text(w, "service", collector->service);
    put_text(w, "command", collector->command);
    put_text(w, "state", collector->state);
    put_text_if(w, "error", collector->error);
    json->key(w, tkp_span("baseline"));
    json->boolean(w, collector->is_baseline);
    begin_array(w, "results");
    for (uint32_t i = 0; i < collector->result_count; i++) {
        const struct tokperf_collector_result *result = collector->results[i];
        json->object_begin(w);
        put_text(w, "domain", result->domain);
        put_text(w, "state", result->state);
        put_text_if(w, "error", result->error);
        json->object_end(w);
    }
    json->array_end(w);
    json->object_end(w);
}

void tkp_snapshot_put_collectors(struct tokperf_json_writer *writer,
                                 const struct tokperf_summary *summary)
{
    if (!summary->collector_count)
        return;
    begin_array(writer, "collectors");
    for (uint32_t i = 0; i < summary->collector_count; i++)
        put_collector(writer, summary->collectors[i]);
    json->array_end(writer);
}

/* ---- reading ---- */

static bool read_failures(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"service", tkp_reading_text, offsetof(struct tokperf_gate_failure, service)},
        {"error", tkp_reading_text, offsetof(struct tokperf_gate_failure, error)},
        {0}};
    struct tokperf_gate *gate = place;
    const struct tokperf_gate_failure **list = tkp_reading_list(r, MAX_FAILURES * sizeof *list);
    if (!list)
        return false;
    gate->failures = list;
    gate->failure_count = 0;
    for (struct tokperf_gate_failure *failure;
         (failure = tkp_reading_item(r, sizeof *failure, gate->failure_count, MAX_FAILURES));) {
        *failure = (struct tokperf_gate_failure){
            .struct_size = sizeof *failure, .service = {"", 0}, .error = {"", 0}};
        if (!tkp_reading_members(r, members, failure))
            return false;
        list[gate->failure_count++] = failure;
    }
    return !r->problem;
}

static bool read_end(struct tkp_reading *r, void *place)
{
    struct tokperf_span kind;
    if (!tkp_reading_text(r, &kind))
        return false;
    ((struct tokperf_gate *)place)->is_end = tkp_span_is(kind, "end");
    return true;
}

bool tkp_snapshot_read_gates(struct tkp_reading *r, struct tokperf_phase *phase)
{
    static const struct tkp_reading_member members[] = {
        {"kind", read_end, 0},
        {"off", tkp_reading_text, offsetof(struct tokperf_gate, off)},
        {"asked", tkp_reading_small, offsetof(struct tokperf_gate, asked)},
        {"acknowledged", tkp_reading_small, offsetof(struct tokperf_gate, acknowledged)},
        {"start_time_ns", tkp_reading_count, offsetof(struct tokperf_gate, start_realtime_ns)},
        {"duration_ns", tkp_reading_count, offsetof(struct tokperf_gate, duration_ns)},
        {"failures", read_failures, 0},
        {0}};
    const struct tokperf_gate **list = tkp_reading_list(r, MAX_GATES * sizeof *list);
    if (!list)
        return false;
    phase->gates = list;
    phase->gate_count = 0;
    for (struct tokperf_gate *gate;
         (gate = tkp_reading_item(r, sizeof *gate, phase->gate_count, MAX_GATES));) {
        *gate = (struct tokperf_gate){.struct_size = sizeof *gate, .off = {"", 0}};
        if (!tkp_reading_members(r, members, gate))
            return false;
        list[phase->gate_count++] = gate;
    }
    return !r->problem;
}

static bool read_results(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"domain", tkp_reading_text, offsetof(struct tokperf_collector_result, domain)},
        {"state", tkp_reading_text, offsetof(struct tokperf_collector_result, state)},
        {"error", tkp_reading_text, offsetof(struct tokperf_collector_result, error)},
        {0}};
    struct tokperf_collector *collector = place;
    const struct tokperf_collector_result **list = tkp_reading_list(r, MAX_RESULTS * sizeof *list);
    if (!list)
        return false;
    collector->results = list;
    collector->result_count = 0;
    for (struct tokperf_collector_result *result;
         (result = tkp_reading_item(r, sizeof *result, collector->result_count, MAX_RESULTS));) {
        *result = (struct tokperf_collector_result){.struct_size = sizeof *result};
        result->domain = result->state = result->error = tkp_span("");
        if (!tkp_reading_members(r, members, result))
            return false;
        list[collector->result_count++] = result;
    }
    return !r->problem;
}

bool tkp_snapshot_read_collectors(struct tkp_reading *r, struct tokperf_summary *summary)
{
    static const struct tkp_reading_member members[] = {
        {"service", tkp_reading_text, offsetof(struct tokperf_collector, service)},
        {"command", tkp_reading_text, offsetof(struct tokperf_collector, command)},
        {"state", tkp_reading_text, offsetof(struct tokperf_collector, state)},
        {"error", tkp_reading_text, offsetof(struct tokperf_collector, error)},
        {"baseline", tkp_reading_boolean, offsetof(struct tokperf_collector, is_baseline)},
        {"results", read_results, 0},
        {0}};
    const struct tokperf_collector **list = tkp_reading_list(r, MAX_COLLECTORS * sizeof *list);
    if (!list)
        return false;
    summary->collectors = list;
    summary->collector_count = 0;
    for (struct tokperf_collector *collector;
         (collector =
              tkp_reading_item(r, sizeof *collector, summary->collector_count, MAX_COLLECTORS));) {
        *collector = (struct tokperf_collector){.struct_size = sizeof *collector};
        collector->service = collector->command = collector->state = tkp_span("");
        collector->error = tkp_span("");
        if (!tkp_reading_members(r, members, collector))
            return false;
        list[summary->collector_count++] = collector;
    }
    return !r->problem;
}
