/* SPDX-License-Identifier: Apache-2.0 */
/* Gates with a clock of the test's own: who is asked, what releases them, which answers count. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <telemetry/gate.h>

enum { TIMEOUT = 5000 };
#define PHASE "6fa459ea-ee8a-4ca4-894e-db77e160355e"
#define OTHER "00000000-ee8a-4ca4-894e-db77e160355e"

struct scene {
    struct tkp_services services;
    struct tkp_gates gates;
};

static uint32_t add(struct scene *s, const char *name, uint32_t capabilities, bool ready)
{
    uint32_t index;
    assert_int_equal(tkp_services_add(&s->services, name, &index), TOKPERF_OK);
    assert_int_equal(tkp_service_register(&s->services.list[index], capabilities), TOKPERF_OK);
    if (ready)
        assert_int_equal(tkp_service_ready(&s->services.list[index]), TOKPERF_OK);
    return index;
}

static enum tkp_ack_fate answer(struct scene *s, uint32_t service, const char *phase_id,
                                enum tkp_gate_kind kind, bool success, const char *error,
                                uint64_t now_ns)
{
    struct tkp_gate_ack ack = {.kind = kind, .success = success};
    snprintf(ack.phase_id, sizeof ack.phase_id, "%s", phase_id);
    snprintf(ack.error, sizeof ack.error, "%s", error);
    return tkp_gates_acknowledge(&s->gates, service, &ack, now_ns);
}

static void asks_who_is_ready(void **state)
{
    static struct scene s;
    (void)state;
    uint32_t gpu = add(&s, "gpu", TKP_CAPABILITY_BASELINE, true);
    uint32_t slow = add(&s, "slow", TKP_CAPABILITY_BASELINE, false);
    uint32_t mute = add(&s, "mute", tkp_capability_result(TKP_DOMAIN_TELEMETRY), true);
    tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_START, 100, TIMEOUT);
    assert_int_equal(s.gates.current.answers[gpu], TKP_ANSWER_WAITING);
    assert_int_equal(s.gates.current.answers[slow], TKP_ANSWER_NONE);
    assert_int_equal(s.gates.current.answers[mute], TKP_ANSWER_NONE);
    assert_true(tkp_gates_wait(&s.gates, 101));
    assert_int_equal(answer(&s, gpu, PHASE, TKP_GATE_START, true, "", 103), TKP_ACK_TAKEN);
    assert_false(tkp_gates_wait(&s.gates, 104));
    assert_int_equal(s.gates.current.end_ns, 103);
    assert_int_equal(s.gates.current.succeeded, 1);
}

static void has_nobody_to_ask(void **state)
{
    static struct scene s;
    (void)state;
    tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_END, 100, TIMEOUT);
    assert_false(tkp_gates_wait(&s.gates, 100));
    assert_int_equal(s.gates.current.asked, 0);
    assert_int_equal(s.gates.current.end_ns, 100);
}

/* Trap 37, and the rules beside it: b is asked too and answers last. */
static void takes_answers_once(void **state)
{
    static const struct {
        const char *what, *phase_id;
        enum tkp_gate_kind kind;
        bool success;
        const char *error;
        enum tkp_ack_fate fate;
        enum tkp_gate_answer answer;
    } rows[] = {
        {"success", PHASE, TKP_GATE_START, true, "", TKP_ACK_TAKEN, TKP_ANSWER_SUCCESS},
        {"error", PHASE, TKP_GATE_START, false, "lost", TKP_ACK_TAKEN, TKP_ANSWER_FAILURE},
        {"both", PHASE, TKP_GATE_START, true, "x", TKP_ACK_CONTRADICTORY, TKP_ANSWER_FAILURE},
        {"neither", PHASE, TKP_GATE_START, false, "", TKP_ACK_CONTRADICTORY, TKP_ANSWER_FAILURE},
        {"kind", PHASE, TKP_GATE_END, true, "", TKP_ACK_UNKNOWN, TKP_ANSWER_WAITING},
        {"phase", OTHER, TKP_GATE_START, true, "", TKP_ACK_UNKNOWN, TKP_ANSWER_WAITING},
        {"no phase", "", TKP_GATE_START, true, "", TKP_ACK_UNKNOWN, TKP_ANSWER_WAITING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct scene s;
        s = (struct scene){0};
        print_message("%s\n", rows[i].what);
        uint32_t a = add(&s, "a", TKP_CAPABILITY_BASELINE, true);
        uint32_t b = add(&s, "b", TKP_CAPABILITY_BASELINE, true);
        tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_START, 100, TIMEOUT);
        assert_int_equal(
            answer(&s, a, rows[i].phase_id, rows[i].kind, rows[i].success, rows[i].error, 101),
            rows[i].fate);
        assert_int_equal(s.gates.current.answers[a], rows[i].answer);
        if (rows[i].answer != TKP_ANSWER_WAITING) /* the first answer stays */
            assert_int_equal(answer(&s, a, PHASE, TKP_GATE_START, true, "", 102),
                             TKP_ACK_DUPLICATE);
        assert_int_equal(s.gates.current.answers[a], rows[i].answer);
        assert_int_equal(answer(&s, b, PHASE, TKP_GATE_START, true, "", 103), TKP_ACK_TAKEN);
        assert_int_equal(tkp_gates_wait(&s.gates, 104), rows[i].answer == TKP_ANSWER_WAITING);
        assert_int_equal(s.gates.unknown, rows[i].fate == TKP_ACK_UNKNOWN);
        if (rows[i].answer == TKP_ANSWER_FAILURE)
            assert_true(strlen(s.gates.current.errors[a]) > 0);
    }
}

/* Trap 34: who is over is waited for no longer, and not asked again. */
static void is_released_by_an_end(void **state)
{
    (void)state;
    for (int end = TKP_SERVICE_FAILED; end <= TKP_SERVICE_DEAD; end++) {
        static struct scene s;
        s = (struct scene){0};
        uint32_t a = add(&s, "a", TKP_CAPABILITY_BASELINE, true);
        uint32_t b = add(&s, "b", TKP_CAPABILITY_BASELINE, true);
        tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_START, 100, TIMEOUT);
        assert_int_equal(answer(&s, b, PHASE, TKP_GATE_START, true, "", 101), TKP_ACK_TAKEN);
        assert_true(tkp_gates_wait(&s.gates, 102));
        assert_true(tkp_service_end(&s.services.list[a], (enum tkp_service_state)end, "gone"));
        tkp_gates_unregister(&s.gates, &s.services, a, 102);
        assert_false(tkp_gates_wait(&s.gates, 102));
        assert_int_equal(s.gates.current.end_ns, 102);
        assert_int_equal(s.gates.current.answers[a], TKP_ANSWER_OVER);
        assert_non_null(strstr(s.gates.current.errors[a], "gone"));
        tkp_gates_unregister(&s.gates, &s.services, a, 103); /* once more changes nothing */
        tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_END, 110, TIMEOUT);
        assert_int_equal(s.gates.current.asked, 1);
        assert_int_equal(answer(&s, b, PHASE, TKP_GATE_END, true, "", 111), TKP_ACK_TAKEN);
        assert_false(tkp_gates_wait(&s.gates, 111));
    }
}

static void times_out(void **state)
{
    static struct scene s;
    (void)state;
    uint32_t a = add(&s, "a", TKP_CAPABILITY_BASELINE, true);
    uint32_t b = add(&s, "b", TKP_CAPABILITY_BASELINE, true);
    tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_START, 100, TIMEOUT);
    assert_int_equal(answer(&s, a, PHASE, TKP_GATE_START, true, "", 101), TKP_ACK_TAKEN);
    assert_true(tkp_gates_wait(&s.gates, 100 + TIMEOUT - 1));
    assert_int_equal(answer(&s, b, PHASE, TKP_GATE_START, true, "", 100 + TIMEOUT), TKP_ACK_LATE);
    assert_false(tkp_gates_wait(&s.gates, 100 + TIMEOUT));
    assert_int_equal(s.gates.current.answers[a], TKP_ANSWER_SUCCESS);
    assert_int_equal(s.gates.current.answers[b], TKP_ANSWER_TIMEOUT);
    /* late for a gate that is over while the next one waits */
    tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_END, 9000, TIMEOUT);
    assert_int_equal(answer(&s, b, PHASE, TKP_GATE_START, true, "", 9001), TKP_ACK_DUPLICATE);
    assert_int_equal(answer(&s, a, PHASE, TKP_GATE_START, true, "", 9001), TKP_ACK_DUPLICATE);
    assert_int_equal(s.gates.late, 1);
    assert_int_equal(s.gates.duplicates, 2);
    assert_int_equal(s.gates.current.waiting, 2);
    tkp_gates_give_up(&s.gates, "interrupted", 9002);
    assert_false(tkp_gates_wait(&s.gates, 9002));
    assert_string_equal(s.gates.current.errors[b], "interrupted");
}

static void takes_what_cannot_be_read_as_a_failure(void **state)
{
    static struct scene s;
    (void)state;
    uint32_t a = add(&s, "a", TKP_CAPABILITY_BASELINE, true);
    tkp_gates_garbled(&s.gates, a, "no JSON", 90); /* no gate waits: nothing happens */
    tkp_gates_open(&s.gates, &s.services, PHASE, TKP_GATE_START, 100, TIMEOUT);
    tkp_gates_garbled(&s.gates, a, "no JSON", 101);
    assert_false(tkp_gates_wait(&s.gates, 101));
    assert_int_equal(s.gates.current.answers[a], TKP_ANSWER_FAILURE);
}

/* More gates than are remembered: the oldest ones are unknown then, and nothing else breaks. */
static void remembers_a_bounded_number(void **state)
{
    static struct scene s;
    char id[TKP_PHASE_ID_BYTES];
    (void)state;
    uint32_t a = add(&s, "a", TKP_CAPABILITY_BASELINE, true);
    for (int i = 0; i < TKP_GATES_MAX + 10; i++) {
        snprintf(id, sizeof id, "phase-%d", i);
        tkp_gates_open(&s.gates, &s.services, id, TKP_GATE_START, 100, TIMEOUT);
        assert_false(tkp_gates_wait(&s.gates, 100 + TIMEOUT));
    }
    assert_int_equal(answer(&s, a, "phase-0", TKP_GATE_START, true, "", 9000), TKP_ACK_UNKNOWN);
    assert_int_equal(answer(&s, a, id, TKP_GATE_START, true, "", 9000), TKP_ACK_LATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_who_is_ready),
        cmocka_unit_test(has_nobody_to_ask),
        cmocka_unit_test(takes_answers_once),
        cmocka_unit_test(is_released_by_an_end),
        cmocka_unit_test(times_out),
        cmocka_unit_test(takes_what_cannot_be_read_as_a_failure),
        cmocka_unit_test(remembers_a_bounded_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
