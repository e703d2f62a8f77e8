/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of the record log from any bytes. What is accepted writes and reads back as itself. */
#include <report/facts.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void try_run(struct tokperf_span json, struct tkp_buffer *out)
{
    struct tkp_run_facts facts, again;
    struct tkp_arena arena;
    struct tokperf_error error;
    tkp_arena_init(&arena, 0);
    if (tkp_run_facts_parse(json, &arena, &facts, &error) == TOKPERF_OK) {
        tkp_run_facts_write(&facts, out);
        must(!out->failed);
        must(tkp_run_facts_parse(tkp_buffer_span(out), &arena, &again, &error) == TOKPERF_OK);
        must(facts.seed == again.seed && strcmp(facts.model, again.model) == 0);
        must(strcmp(facts.config_yaml, again.config_yaml) == 0);
    }
    tkp_arena_finish(&arena);
}

static void try_notes(struct tokperf_span json, struct tkp_buffer *out)
{
    struct tkp_phase_note phase, phase_again;
    struct tkp_stop_note stop, stop_again;
    struct tokperf_error error;
    if (tkp_phase_note_parse(json, &phase, &error) == TOKPERF_OK) {
        tkp_buffer_clear(out);
        tkp_phase_note_write(&phase, out);
        must(tkp_phase_note_parse(tkp_buffer_span(out), &phase_again, &error) == TOKPERF_OK);
        must(memcmp(&phase, &phase_again, sizeof phase) == 0);
    }
    if (tkp_stop_note_parse(json, &stop, &error) == TOKPERF_OK) {
        tkp_buffer_clear(out);
        tkp_stop_note_write(&stop, out);
        must(tkp_stop_note_parse(tkp_buffer_span(out), &stop_again, &error) == TOKPERF_OK);
        must(memcmp(&stop, &stop_again, sizeof stop) == 0);
    }
}

static void try_collectors(struct tokperf_span json, struct tkp_buffer *out)
{
    struct tkp_gate_note gate, gate_again;
    struct tkp_collector_note collector, collector_again;
    struct tkp_arena arena;
    struct tokperf_error error;
    tkp_arena_init(&arena, 0);
    if (tkp_gate_note_parse(json, &arena, &gate, &error) == TOKPERF_OK) {
        tkp_buffer_clear(out);
        tkp_gate_note_write(&gate, out);
        must(tkp_gate_note_parse(tkp_buffer_span(out), &arena, &gate_again, &error) == TOKPERF_OK);
        must(gate.phase == gate_again.phase && gate.asked == gate_again.asked);
        must(strcmp(gate.error, gate_again.error) == 0);
    }
    if (tkp_collector_note_parse(json, &arena, &collector, &error) == TOKPERF_OK) {
        tkp_buffer_clear(out);
        tkp_collector_note_write(&collector, out);
        must(tkp_collector_note_parse(tkp_buffer_span(out), &arena, &collector_again, &error) ==
             TOKPERF_OK);
        must(strcmp(collector.service, collector_again.service) == 0);
        must(collector.is_baseline == collector_again.is_baseline);
    }
    tkp_arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tokperf_span json = {(const char *)data, size};
    struct tkp_buffer out;
    tkp_buffer_init(&out, 16 * size + 65536);
    try_run(json, &out);
    try_notes(json, &out);
    try_collectors(json, &out);
    tkp_buffer_finish(&out);
    return 0;
}
