/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of collectors, gathered: which results are whose, and what a log with too many takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <report/collector_notes.h>
#include <stdio.h>

enum { MANY = TKP_COLLECTOR_NOTES_MAX / 2, ARENA_BYTES = 16 * 1024 * 1024 };

static void add(struct tkp_collector_notes *notes, struct tkp_arena *arena, const char *service,
                const char *domain, const char *state)
{
    const struct tkp_collector_note note = {
        .service = service, .command = "", .state = state, .error = "", .domain = domain};
    tkp_collector_notes_add(notes, arena, &note);
}

static void a_later_note_replaces_the_one_before(void **state)
{
    (void)state;
    struct tkp_collector_notes notes = {.count = 0};
    struct tokperf_summary summary = {0};
    struct tkp_arena arena;
    tkp_arena_init(&arena, 0);
    add(&notes, &arena, "a", "", "ready");
    add(&notes, &arena, "a", "telemetry", "pending");
    add(&notes, &arena, "b", "", "ready");
    add(&notes, &arena, "a", "profile", "reported");
    add(&notes, &arena, "a", "telemetry", "dead");
    tkp_collector_notes_fill(&notes, &arena, &summary);
    assert_int_equal(summary.collector_count, 2);
    assert_int_equal(summary.collectors[1]->result_count, 0);
    const struct tokperf_collector *a = summary.collectors[0];
    assert_int_equal(a->result_count, 2);
    assert_true(tkp_span_is(a->results[0]->domain, "telemetry"));
    assert_true(tkp_span_is(a->results[0]->state, "dead"));
    assert_true(tkp_span_is(a->results[1]->state, "reported"));
    tkp_arena_finish(&arena);
}

/* A record log may come from anywhere: memory grows with its notes, not with their square. */
static void as_many_as_there_can_be_fit(void **state)
{
    (void)state;
    struct tkp_collector_notes notes = {.count = 0};
    struct tokperf_summary summary = {0};
    struct tkp_arena arena;
    char name[32];
    tkp_arena_init(&arena, ARENA_BYTES);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "collector-%d", i);
        add(&notes, &arena, name, "", "ready");
        add(&notes, &arena, name, "telemetry", "reported");
    }
    tkp_collector_notes_fill(&notes, &arena, &summary);
    assert_int_equal(summary.collector_count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(summary.collectors[i]->result_count, 1);
    tkp_arena_finish(&arena);
}

/* Why a gate was off is known of a phase that began. */
static void gates_are_of_phases_that_began(void **state)
{
    (void)state;
    struct tkp_phase_plan phases[] = {{.name = "a"}, {.name = "b", .is_seamless = true}};
    const struct tkp_plan plan = {
        .phases = phases, .phase_count = 2, .baseline_timeout_ns = 1000000000};
    const struct tkp_plan without = {.phases = phases, .phase_count = 2};
    const struct tkp_gate_note asked = {
        .service = "", .error = "", .phase = 1, .is_end = 0, .asked = 2};
    struct tkp_collector_notes notes = {.count = 0};
    struct tokperf_phase phase = {.gate_count = 7};
    struct tkp_arena arena;
    tkp_arena_init(&arena, 0);
    tkp_collector_notes_fill_phase(&notes, &without, 0, true, &arena, &phase);
    assert_int_equal(phase.gate_count, 0); /* no collectors */
    add(&notes, &arena, "a", "", "ready");
    tkp_collector_notes_fill_phase(&notes, &plan, 0, true, &arena, &phase);
    assert_int_equal(phase.gate_count, 1);
    assert_int_equal(phase.gates[0]->is_end, 1);
    assert_true(tkp_span_is(phase.gates[0]->off, "seamless"));
    tkp_collector_notes_fill_phase(&notes, &without, 1, true, &arena, &phase);
    assert_int_equal(phase.gate_count, 2);
    assert_true(tkp_span_is(phase.gates[1]->off, "baseline_timeout"));
    tkp_collector_notes_fill_phase(&notes, &plan, 0, false, &arena, &phase);
    assert_int_equal(phase.gate_count, 0);
    tkp_collector_notes_fill_phase(&notes, &without, 1, false, &arena, &phase);
    assert_int_equal(phase.gate_count, 0);
    tkp_collector_notes_add_gate(&notes, &arena, &asked);
    tkp_collector_notes_fill_phase(&notes, &without, 1, false, &arena, &phase);
    assert_int_equal(phase.gate_count, 1);
    assert_int_equal(phase.gates[0]->asked, 2);
    tkp_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_note_replaces_the_one_before),
        cmocka_unit_test(gates_are_of_phases_that_began),
        cmocka_unit_test(as_many_as_there_can_be_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
