/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run's side of collectors against real processes and real sockets: the processes are idle, and
 * the test speaks for them, rightly and wrongly.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/clock.h>
#include <base/log.h>
#include <bus/control.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <telemetry/collectors.h>
#include <telemetry/message.h>

#define IDLE "sh -c 'cat >/dev/null'"
#define ID   "6fa459ea-ee8a-4ca4-894e-db77e160355e"

enum { PATIENCE_MS = 60000, COUNT = 2 };
static const uint64_t long_ns = 600 * TKP_NS_PER_S;

struct scene {
    struct tkp_bus *bus;
    struct tkp_collectors *collectors;
    struct tkp_control_client *clients[COUNT];
};

static const struct tkp_service *service(const struct scene *s, uint32_t i)
{
    return &tkp_collectors_services(s->collectors)->list[i];
}

static void send(struct scene *s, uint32_t i, uint32_t kind, const char *json)
{
    struct tokperf_error error = {0};
    assert_int_equal(tkp_control_client_send(s->clients[i], kind,
                                             (struct tokperf_span){json, strlen(json)}, &error),
                     TOKPERF_OK);
}

/* Looks until the condition holds, woken by the one descriptor. */
#define LOOK_UNTIL(s, condition)                                                          \
    for (uint64_t until_ns_ = tkp_clock_now_ns() + PATIENCE_MS * TKP_NS_PER_MS;;) {       \
        tkp_collectors_look((s)->collectors);                                             \
        if (condition)                                                                    \
            break;                                                                        \
        struct pollfd fd_ = {.fd = tkp_collectors_fd((s)->collectors), .events = POLLIN}; \
        assert_true(tkp_clock_now_ns() < until_ns_);                                      \
        poll(&fd_, 1, PATIENCE_MS);                                                       \
    }

static int set_up(void **state)
{
    static struct scene scene;
    static const char *const commands[COUNT] = {IDLE, IDLE};
    static const char *const names[COUNT] = {"sh", "sh-2"};
    struct tokperf_error error = {0};
    scene = (struct scene){0};
    *state = &scene;
    tkp_log_set_level(TKP_LOG_ERROR);
    assert_int_equal(tkp_collectors_start(commands, COUNT, &scene.collectors, &error), TOKPERF_OK);
    assert_int_equal(tkp_bus_create(&scene.bus, &error), TOKPERF_OK);
    const struct tkp_collectors_run run = {scene.bus, "inproc://control", "", ID, "/tmp"};
    tkp_collectors_open(scene.collectors, &run);
    for (int i = 0; i < COUNT; i++) {
        assert_string_equal(service(&scene, (uint32_t)i)->name, names[i]);
        assert_int_equal(tkp_control_client_open(scene.bus, "inproc://control", names[i],
                                                 &scene.clients[i], &error),
                         TOKPERF_OK);
    }
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < COUNT; i++)
        tkp_control_client_close(s->clients[i], 0);
    tkp_collectors_destroy(s->collectors);
    tkp_bus_destroy(s->bus);
    return 0;
}

static void make_ready(struct scene *s)
{
    static const char hello[] =
        "{\"version\":1,\"capabilities\":[\"baseline_collector\",\"result_producer:telemetry\"]}";
    for (uint32_t i = 0; i < COUNT; i++) {
        send(s, i, TKP_MESSAGE_REGISTER, hello);
        send(s, i, TKP_MESSAGE_READY, "{}");
    }
    LOOK_UNTIL(s, !tkp_collectors_are_starting(s->collectors));
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(service(s, i)->state, TKP_SERVICE_READY);
}

/* Gives the message that the collector gets. */
static void expect(struct scene *s, uint32_t i, struct tkp_message *message)
{
    struct tkp_frame frame;
    struct tokperf_error error = {0};
    assert_int_equal(tkp_control_client_next(s->clients[i], PATIENCE_MS, &frame, &error),
                     TOKPERF_OK);
    assert_int_equal(tkp_message_parse(frame.kind, frame.payload, message, &error), TOKPERF_OK);
}

static void goes_through_a_run(void **state)
{
    struct scene *s = *state;
    struct tkp_message message;
    static const char ack[] = "{\"phase_id\":\"" ID "\",\"kind\":\"start\",\"success\":true}";
    assert_true(tkp_collectors_are_starting(s->collectors));
    make_ready(s);
    tkp_collectors_begin_gate(s->collectors, ID, "profiling", TKP_GATE_START, long_ns);
    for (uint32_t i = 0; i < COUNT; i++) {
        expect(s, i, &message);
        assert_int_equal(message.kind, TKP_MESSAGE_BASELINE);
        assert_string_equal(message.ack.phase_id, ID);
        assert_string_equal(message.phase, "profiling");
        assert_int_equal(message.timeout_ms, 600000);
        send(s, i, TKP_MESSAGE_BASELINE_ACK, ack);
    }
    LOOK_UNTIL(s, !tkp_collectors_gate_waits(s->collectors));
    assert_int_equal(tkp_collectors_gate(s->collectors)->succeeded, COUNT);
    tkp_collectors_begin_finish(s->collectors, long_ns);
    for (uint32_t i = 0; i < COUNT; i++) {
        expect(s, i, &message);
        assert_int_equal(message.kind, TKP_MESSAGE_FINISH);
        send(s, i, TKP_MESSAGE_RESULT, "{\"domain\":\"telemetry\"}");
    }
    LOOK_UNTIL(s, !tkp_collectors_finish_waits(s->collectors));
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(
            tkp_collectors_completion(s->collectors)->results[i][TKP_DOMAIN_TELEMETRY].state,
            TKP_RESULT_REPORTED);
}

/* Each wrong message changes nothing, and the right one behind it counts. */
static void ignores_what_is_against_the_protocol(void **state)
{
    static const struct {
        uint32_t kind;
        const char *json;
    } rows[] = {
        {TKP_MESSAGE_READY, "{}"}, /* before it registered */
        {TKP_MESSAGE_REGISTER, "{\"version\":1}"},
        {TKP_MESSAGE_REGISTER, ""},
        {TKP_MESSAGE_RESULT, "{\"domain\":\"telemetry\"}"}, /* it does not owe one yet */
        {TKP_MESSAGE_FINISH, "{\"timeout_ms\":1}"},
        {79, "later"},
        {1, "{}"},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"x\",\"kind\":\"end\",\"success\":true}"},
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        send(s, 0, rows[i].kind, rows[i].json);
    make_ready(s);
    send(s, 0, TKP_MESSAGE_REGISTER, "{\"version\":1,\"capabilities\":[]}");
    send(s, 0, TKP_MESSAGE_READY, "{}");
    send(s, 1, TKP_MESSAGE_LEAVE, "{}");
    LOOK_UNTIL(s, service(s, 1)->state == TKP_SERVICE_STOPPED);
    assert_int_equal(service(s, 0)->state, TKP_SERVICE_READY);
    assert_true(service(s, 0)->capabilities & TKP_CAPABILITY_BASELINE);
}

static void takes_a_garbled_answer_as_a_failure(void **state)
{
    struct scene *s = *state;
    make_ready(s);
    tkp_collectors_begin_gate(s->collectors, ID, "profiling", TKP_GATE_END, long_ns);
    send(s, 0, TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":7}");
    send(s, 1, TKP_MESSAGE_BASELINE_ACK,
         "{\"phase_id\":\"" ID "\",\"kind\":\"end\",\"success\":true}");
    LOOK_UNTIL(s, !tkp_collectors_gate_waits(s->collectors));
    assert_int_equal(tkp_collectors_gate(s->collectors)->answers[0], TKP_ANSWER_FAILURE);
    assert_int_equal(tkp_collectors_gate(s->collectors)->answers[1], TKP_ANSWER_SUCCESS);
}

static void refuses_another_version(void **state)
{
    struct scene *s = *state;
    send(s, 0, TKP_MESSAGE_REGISTER, "{\"version\":2,\"capabilities\":[\"baseline_collector\"]}");
    LOOK_UNTIL(s, service(s, 0)->state == TKP_SERVICE_FAILED);
    assert_non_null(strstr(service(s, 0)->reason, "version 2"));
}

/* A name that nobody was given cannot speak for anybody. */
static void ignores_strangers(void **state)
{
    struct scene *s = *state;
    struct tkp_control_client *stranger;
    struct tokperf_error error = {0};
    static const char json[] = "{\"error\":\"x\"}";
    make_ready(s);
    assert_int_equal(tkp_control_client_open(s->bus, "inproc://control", "sh-3", &stranger, &error),
                     TOKPERF_OK);
    assert_int_equal(tkp_control_client_send(stranger, TKP_MESSAGE_FAILED,
                                             (struct tokperf_span){json, sizeof json - 1}, &error),
                     TOKPERF_OK);
    send(s, 1, TKP_MESSAGE_LEAVE, "{}");
    LOOK_UNTIL(s, service(s, 1)->state == TKP_SERVICE_STOPPED);
    assert_int_equal(service(s, 0)->state, TKP_SERVICE_READY);
    tkp_control_client_close(stranger, 0);
}

/* Its process ends because its input does, once it has said that it is over. Traps 30 and 34. */
static void does_not_wait_for_the_dead(void **state)
{
    struct scene *s = *state;
    make_ready(s);
    tkp_collectors_begin_gate(s->collectors, ID, "profiling", TKP_GATE_START, long_ns);
    send(s, 0, TKP_MESSAGE_DISABLED, "{\"error\":\"no device\"}");
    LOOK_UNTIL(s, service(s, 0)->state == TKP_SERVICE_DISABLED);
    assert_int_equal(tkp_collectors_gate(s->collectors)->answers[0], TKP_ANSWER_OVER);
    assert_true(tkp_collectors_gate_waits(s->collectors));
    tkp_collectors_give_up_gate(s->collectors, "enough");
    assert_false(tkp_collectors_gate_waits(s->collectors));
    send(s, 0, TKP_MESSAGE_RESULT, "{\"domain\":\"telemetry\"}"); /* counts no more */
    send(s, 1, TKP_MESSAGE_FAILED, "{\"error\":\"\"}");
    LOOK_UNTIL(s, service(s, 1)->state == TKP_SERVICE_FAILED);
    tkp_collectors_begin_finish(s->collectors, long_ns);
    assert_false(tkp_collectors_finish_waits(s->collectors));
    assert_int_equal(
        tkp_collectors_completion(s->collectors)->results[0][TKP_DOMAIN_TELEMETRY].state,
        TKP_RESULT_NONE);
}

/* Trap 34: nobody is waited for who says that it is over, in whatever words. */
static void believes_who_says_that_it_is_over(void **state)
{
    static const struct {
        uint32_t kind;
        const char *json;
        enum tkp_service_state state;
    } rows[] = {
        {TKP_MESSAGE_DISABLED, "{}", TKP_SERVICE_DISABLED},
        {TKP_MESSAGE_FAILED, "{}", TKP_SERVICE_FAILED},
        {TKP_MESSAGE_DISABLED, "{\"error\":null}", TKP_SERVICE_DISABLED},
        {TKP_MESSAGE_FAILED, "", TKP_SERVICE_FAILED},
        {TKP_MESSAGE_LEAVE, "", TKP_SERVICE_STOPPED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(set_up(state), 0);
        struct scene *s = *state;
        send(s, 0, rows[i].kind, rows[i].json); /* instead of ready */
        send(s, 1, rows[i].kind, rows[i].json);
        LOOK_UNTIL(s,
                   service(s, 0)->state == rows[i].state && service(s, 1)->state == rows[i].state);
        assert_false(tkp_collectors_are_starting(s->collectors));
        assert_true(service(s, 0)->reason[0] != '\0');
        assert_int_equal(tear_down(state), 0);

        assert_int_equal(set_up(state), 0);
        make_ready(s); /* and at a gate */
        tkp_collectors_begin_gate(s->collectors, ID, "profiling", TKP_GATE_START, long_ns);
        for (uint32_t k = 0; k < COUNT; k++)
            send(s, k, rows[i].kind, rows[i].json);
        LOOK_UNTIL(s, !tkp_collectors_gate_waits(s->collectors));
        assert_int_equal(service(s, 1)->state, rows[i].state);
        assert_int_equal(tear_down(state), 0);
    }
}

static void does_without_a_bus(void **state)
{
    static const char *const commands[] = {IDLE};
    static const struct tkp_collectors_run nothing = {.control = "", .events = ""};
    struct tkp_collectors *collectors;
    struct tokperf_error error = {0};
    (void)state;
    tkp_log_set_level(TKP_LOG_ERROR);
    assert_int_equal(tkp_collectors_start(commands, 1, &collectors, &error), TOKPERF_OK);
    tkp_collectors_open(collectors, &nothing);
    assert_false(tkp_collectors_are_starting(collectors));
    assert_int_equal(tkp_collectors_services(collectors)->list[0].state, TKP_SERVICE_FAILED);
    tkp_collectors_begin_gate(collectors, ID, "profiling", TKP_GATE_START, long_ns);
    assert_false(tkp_collectors_gate_waits(collectors));
    tkp_collectors_begin_finish(collectors, long_ns);
    assert_false(tkp_collectors_finish_waits(collectors));
    tkp_collectors_destroy(collectors);
}

static void refuses_commands(void **state)
{
    const char *many[TKP_SERVICES_MAX + 1];
    struct tkp_collectors *collectors = NULL;
    struct tokperf_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = IDLE;
    assert_int_equal(tkp_collectors_check(many, TKP_SERVICES_MAX + 1, &error), TOKPERF_E_INVALID);
    assert_int_equal(tkp_collectors_check(many, TKP_SERVICES_MAX, &error), TOKPERF_OK);
    many[1] = "/nonexistent/collector";
    assert_int_equal(tkp_collectors_start(many, 2, &collectors, &error), TOKPERF_E_INVALID);
    assert_null(collectors);
    assert_non_null(strstr(error.message, "--collector: there is no program '/nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_through_a_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ignores_what_is_against_the_protocol, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_a_garbled_answer_as_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_another_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ignores_strangers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_wait_for_the_dead, set_up, tear_down),
        cmocka_unit_test(believes_who_says_that_it_is_over),
        cmocka_unit_test(does_without_a_bus),
        cmocka_unit_test(refuses_commands),
    };
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
