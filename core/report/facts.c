/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts as JSON objects. Each struct has a table of its members, read by one writer and one parser;
 * unknown keys are skipped, so that an older tokperf reads a newer log.
 */
#include <report/facts.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stddef.h>
#include <string.h>

enum member_type { MEMBER_TEXT = 1, MEMBER_UINT64, MEMBER_INT64 };

struct member {
    const char *key;
    enum member_type type;
    size_t offset;
};

#define TEXT(type, name)                                \
    {                                                   \
#name, MEMBER_TEXT, offsetof(struct type, name) \
    }
#define COUNT(type, name)                                 \
    {                                                     \
#name, MEMBER_UINT64, offsetof(struct type, name) \
    }

static const struct member run_members[] = {
    TEXT(tkp_run_facts, benchmark_id),
    TEXT(tkp_run_facts, version),
    TEXT(tkp_run_facts, model),
    TEXT(tkp_run_facts, endpoint_type),
    TEXT(tkp_run_facts, title),
    TEXT(tkp_run_facts, cli_command),
    TEXT(tkp_run_facts, config_yaml),
    TEXT(tkp_run_facts, receive_clock),
    COUNT(tkp_run_facts, endpoint_flags),
    COUNT(tkp_run_facts, seed),
    COUNT(tkp_run_facts, start_realtime_ns),
    {"monotonic_to_realtime_ns", MEMBER_INT64,
     offsetof(struct tkp_run_facts, monotonic_to_realtime_ns)},
    COUNT(tkp_run_facts, dataset_size),
    TEXT(tkp_run_facts, governors),
    COUNT(tkp_run_facts, calibrated_requests_per_s),
    COUNT(tkp_run_facts, calibrated_streams),
    COUNT(tkp_run_facts, calibrated_events_per_s),
    COUNT(tkp_run_facts, id_seed),
    TEXT(tkp_run_facts, tokenizer),
    TEXT(tkp_run_facts, transport),
    {NULL, MEMBER_TEXT, 0},
};
static const struct member phase_members[] = {
    COUNT(tkp_phase_note, phase),
    COUNT(tkp_phase_note, unsent_turns),
    COUNT(tkp_phase_note, record_waits),
    COUNT(tkp_phase_note, record_wait_ns),
    COUNT(tkp_phase_note, loop_lag_p99_ns),
    COUNT(tkp_phase_note, plugin_call_max_ns),
    COUNT(tkp_phase_note, read_delay_p99_ns),
    COUNT(tkp_phase_note, unstamped_reads),
    COUNT(tkp_phase_note, clock_steps),
    COUNT(tkp_phase_note, cpu_ticks),
    COUNT(tkp_phase_note, steal_ticks),
    COUNT(tkp_phase_note, cpus),
    COUNT(tkp_phase_note, load_milli),
    COUNT(tkp_phase_note, worker_cpu_ns),
    COUNT(tkp_phase_note, length_ns),
    COUNT(tkp_phase_note, not_sent),
    {NULL, MEMBER_TEXT, 0},
};
static const struct member control_members[] = {
    TEXT(tkp_control_note, action),
    TEXT(tkp_control_note, url),
    TEXT(tkp_control_note, message),
    COUNT(tkp_control_note, ok),
    COUNT(tkp_control_note, http_status),
    COUNT(tkp_control_note, attempts),
    COUNT(tkp_control_note, start_realtime_ns),
    COUNT(tkp_control_note, duration_ns),
    {NULL, MEMBER_TEXT, 0},
};
static const struct member gate_members[] = {
    TEXT(tkp_gate_note, service),
    TEXT(tkp_gate_note, error),
    COUNT(tkp_gate_note, phase),
    COUNT(tkp_gate_note, is_end),
    COUNT(tkp_gate_note, asked),
    COUNT(tkp_gate_note, acknowledged),
    COUNT(tkp_gate_note, start_realtime_ns),
    COUNT(tkp_gate_note, duration_ns),
    {NULL, MEMBER_TEXT, 0},
};
static const struct member collector_members[] = {
    TEXT(tkp_collector_note, service),
    TEXT(tkp_collector_note, command),
    TEXT(tkp_collector_note, state),
    TEXT(tkp_collector_note, error),
    TEXT(tkp_collector_note, domain),
    COUNT(tkp_collector_note, is_baseline),
    {NULL, MEMBER_TEXT, 0},
};
static const struct member stop_members[] = {
    COUNT(tkp_stop_note, end_realtime_ns),
    COUNT(tkp_stop_note, interrupted),
    COUNT(tkp_stop_note, ended_early),
    COUNT(tkp_stop_note, interrupted_late),
    {NULL, MEMBER_TEXT, 0},
};

/* uint64 values travel as their two's complement: seeds use all 64 bits, JSON integers are int64.
 */
static void write_members(const struct member *members, const void *object, struct tkp_buffer *out)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer w;
    json->open(&w, &sink, 0);
    json->object_begin(&w);
    for (const struct member *m = members; m->key; m++) {
        const char *place = (const char *)object + m->offset;
        if (m->type == MEMBER_TEXT) {
            const char *text;
            memcpy(&text, place, sizeof text);
            tkp_json_write_pair(&w, m->key, text);
        } else {
            int64_t value;
            memcpy(&value, place, sizeof value);
            json->key(&w, tkp_span(m->key));
            json->integer(&w, value);
        }
    }
    json->object_end(&w);
}

static const struct member *find_member(const struct member *members,
                                        const struct tokperf_json *scan)
{
    for (const struct member *m = members; m->key; m++)
        if (tkp_json_equals(scan->text, scan->escaped, tkp_span(m->key)))
            return m;
    return NULL;
}

static bool read_text(struct tokperf_json *scan, struct tkp_arena *arena, char *place)
{
    char *copy = arena ? tkp_arena_alloc(arena, 3 * scan->text.len + 1) : NULL;
    uint64_t len;
    if (!copy || tkp_json_unescape(scan->text, copy, 3 * scan->text.len, &len) != TOKPERF_OK)
        return false;
    copy[len] = '\0';
    const char *text = copy;
    memcpy(place, &text, sizeof text);
    return true;
}

static bool read_value(struct tokperf_json *scan, const struct member *m, struct tkp_arena *arena,
                       void *object)
{
    if (!m)
        return tkp_json_skip(scan, NULL) == TOKPERF_OK;
    char *place = (char *)object + m->offset;
    uint32_t token = tkp_json_next(scan);
    if (m->type == MEMBER_TEXT)
        return token == TOKPERF_JSON_STRING && read_text(scan, arena, place);
    int64_t value;
    if (token != TOKPERF_JSON_NUMBER || tkp_json_to_int(scan->text, &value) != TOKPERF_OK)
        return false;
    memcpy(place, &value, sizeof value);
    return true;
}

static tokperf_status parse_members(struct tokperf_span json, const struct member *members,
                                    struct tkp_arena *arena, void *object,
                                    struct tokperf_error *error)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, json.data, json.len);
    bool good = tkp_json_next(&scan) == TOKPERF_JSON_OBJECT_BEGIN;
    while (good) {
        uint32_t token = tkp_json_next(&scan);
        if (token == TOKPERF_JSON_OBJECT_END) {
            if (tkp_json_next(&scan) == TOKPERF_JSON_END)
                return TOKPERF_OK;
            break;
        }
        good = token == TOKPERF_JSON_KEY &&
               read_value(&scan, find_member(members, &scan), arena, object);
    }
    return tkp_fail(error, TOKPERF_E_PARSE,
                    "a note of the record log is damaged: unexpected JSON at byte %llu of it",
                    (unsigned long long)(scan.position - scan.begin));
}

void tkp_run_facts_write(const struct tkp_run_facts *facts, struct tkp_buffer *out)
{
    write_members(run_members, facts, out);
}

tokperf_status tkp_run_facts_parse(struct tokperf_span json, struct tkp_arena *arena,
                                   struct tkp_run_facts *facts, struct tokperf_error *error)
{
    *facts = (struct tkp_run_facts){
        .benchmark_id = "",
        .version = "",
        .model = "",
        .endpoint_type = "",
        .title = "",
        .cli_command = "",
        .config_yaml = "",
        .receive_clock = "process",
        .transport = "",
        .tokenizer = "",
        .governors = "",
    };
    return parse_members(json, run_members, arena, facts, error);
}

void tkp_phase_note_write(const struct tkp_phase_note *note, struct tkp_buffer *out)
{
    write_members(phase_members, note, out);
}

tokperf_status tkp_phase_note_parse(struct tokperf_span json, struct tkp_phase_note *note,
                                    struct tokperf_error *error)
{
    *note = (struct tkp_phase_note){0};
    return parse_members(json, phase_members, NULL, note, error);
}

void tkp_control_note_write(const struct tkp_control_note *note, struct tkp_buffer *out)
{
    write_members(control_members, note, out);
}

tokperf_status tkp_control_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                      struct tkp_control_note *note, struct tokperf_error *error)
{
    *note = (struct tkp_control_note){.action = "", .url = "", .message = ""};
    return parse_members(json, control_members, arena, note, error);
}

void tkp_gate_note_write(const struct tkp_gate_note *note, struct tkp_buffer *out)
{
    write_members(gate_members, note, out);
}

tokperf_status tkp_gate_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                   struct tkp_gate_note *note, struct tokperf_error *error)
{
    *note = (struct tkp_gate_note){.service = "", .error = ""};
    return parse_members(json, gate_members, arena, note, error);
}

void tkp_collector_note_write(const struct tkp_collector_note *note, struct tkp_buffer *out)
{
    write_members(collector_members, note, out);
}

tokperf_status tkp_collector_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                        struct tkp_collector_note *note,
                                        struct tokperf_error *error)
{
    *note = (struct tkp_collector_note){
        .service = "", .command = "", .state = "", .error = "", .domain = ""};
    return parse_members(json, collector_members, arena, note, error);
}

void tkp_stop_note_write(const struct tkp_stop_note *note, struct tkp_buffer *out)
{
    write_members(stop_members, note, out);
}

tokperf_status tkp_stop_note_parse(struct tokperf_span json, struct tkp_stop_note *note,
                                   struct tokperf_error *error)
{
    *note = (struct tkp_stop_note){0};
    return parse_members(json, stop_members, NULL, note, error);
}
