/* SPDX-License-Identifier: Apache-2.0 */
/* Turns of a conversation: when each is sent, and which answers of before it carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <base/clock.h>
#include <stdio.h>
#include <string.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GOOD    CHUNKED "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n0\r\n\r\n"

static const struct script scripts[] = {
    {"good", {{SCRIPT_SEND, GOOD, 0}}, false},
    {"first",
     {{SCRIPT_SEND, CHUNKED "1f\r\ndata: j:A\\u0042\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", 0}},
     false},
    {"until_close",
     {{SCRIPT_SEND, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\nt:AB", 0},
      {SCRIPT_CLOSE, 0, 0}},
     false},
    {"calls",
     {{SCRIPT_SEND,
       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
       "data: n:1g={\\\"b\\\":\n\ndata: n:0f=\n\ndata: n:1=2}\n\ndata: n:0={}\n\ndata: [DONE]\n\n",
       0},
      {SCRIPT_CLOSE, 0, 0}},
     false},
    {"broken", {{SCRIPT_SEND, CHUNKED "b\r\ndata: bad\n\n\r\n0\r\n\r\n", 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

#define PHASE_TOTAL(run, member) \
    worker_run_phase_total(run, offsetof(struct tkp_phase_part, member))

static void turns_follow_each_other_with_live_answers(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {
        {{"first", "two", "three"}, 15 * TKP_NS_PER_MS}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->phase_plan.request_count = 3;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(run->row_count, 3);
    for (uint32_t turn = 0; turn < 3; turn++) {
        const struct tkp_row *row = worker_run_row(run, 0, turn);
        assert_int_equal(row->outcome, TKP_OUTCOME_OK);
        assert_int_equal((row->flags & TKP_ROW_LAST_TURN) != 0, turn == 2);
        if (turn) {
            uint64_t before_ns = worker_run_row(run, 0, turn - 1)->end_ns;
            assert_true(row->intended_ns == before_ns + 15 * TKP_NS_PER_MS);
            assert_true(row->start_ns >= row->intended_ns && row->flags & TKP_ROW_REUSED);
        }
    }
    assert_non_null(strstr(scripted_server_last(server), "\r\n\r\nfirst|AB|two|AB|three"));
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Runs a conversation of three turns twice; the last request has the turns and answers before. */
static void check_last_request(const struct fake_conversation *conversation, const char *expected)
{
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversation, 1);
    run->phase_plan.request_count = 6;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(worker_run_count(run, TKP_OUTCOME_OK), 6);
    assert_non_null(strstr(scripted_server_last(server), expected));
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Answers that the connection's end delimits are carried on like any others. */
static void closed_answers_are_in_the_next_turn(void **state)
{
    (void)state;
    static const struct fake_conversation conversation = {{"until_close", "two", "three"}, 0};
    check_last_request(&conversation, "\r\n\r\nuntil_close|AB|two|AB|three");
}

#define CALL(id, name, arguments)                                                  \
    "{\"id\":\"call_" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
    "\",\"arguments\":\"" arguments "\"}}"

/* An answer of nothing but tool calls, whose parts come mixed. */
static void tool_calls_are_in_the_next_turn(void **state)
{
    (void)state;
    static const struct fake_conversation conversation = {{"calls", "two", "three"}, 0};
    const char *calls = "[" CALL("0", "f", "{}") "," CALL("1", "g", "{\\\"b\\\":2}") "]";
    char expected[512];
    snprintf(expected, sizeof expected, "\r\n\r\ncalls|%s|two|%s|three", calls, calls);
    check_last_request(&conversation, expected);
}

static void a_failed_turn_ends_its_conversation(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"broken", "b", "c"}, 0},
                                                             {{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 2);
    run->phase_plan.request_count = 0;
    run->phase_plan.session_count = 2;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(run->row_count, 2);
    assert_int_equal(worker_run_row(run, 0, 0)->outcome, TKP_OUTCOME_PARSE_ERROR);
    assert_true(worker_run_row(run, 0, 0)->flags & TKP_ROW_LAST_TURN);
    assert_int_equal(worker_run_row(run, 1, 0)->outcome, TKP_OUTCOME_OK);
    assert_int_equal(PHASE_TOTAL(run, unsent_turns), 2);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_follow_each_other_with_live_answers),
        cmocka_unit_test(closed_answers_are_in_the_next_turn),
        cmocka_unit_test(tool_calls_are_in_the_next_turn),
        cmocka_unit_test(a_failed_turn_ends_its_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
