/* SPDX-License-Identifier: Apache-2.0 */
/* When which conversation is sent: closed and open loop, caps, stops, full record pools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <base/clock.h>
#include <string.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GOOD    CHUNKED "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n0\r\n\r\n"

static const struct script scripts[] = {
    {"good", {{SCRIPT_SEND, GOOD, 0}}, false},
    {"slow", {{SCRIPT_WAIT, 0, 5}, {SCRIPT_SEND, GOOD, 0}}, false},
    {"silent", {{SCRIPT_WAIT, 0, 600000}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

#define TOTAL(run, member) worker_run_total(run, offsetof(struct tkp_worker_stats, member))
#define PHASE_TOTAL(run, member) \
    worker_run_phase_total(run, offsetof(struct tkp_phase_part, member))

/* Most requests in flight at a time, by the rows' own stamps: one clock for all workers. */
static uint32_t most_in_flight(const struct worker_run *run)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < run->row_count; i++) {
        uint64_t at_ns = run->rows[i].start_ns;
        uint32_t overlapping = 0;
        for (uint32_t k = 0; k < run->row_count; k++)
            overlapping += run->rows[k].start_ns <= at_ns && at_ns < run->rows[k].end_ns;
        most = overlapping > most ? overlapping : most;
    }
    return most;
}

/* Every ordinal exactly once. */
static void check_ordinals(const struct worker_run *run, uint32_t expected)
{
    assert_int_equal(run->row_count, expected);
    for (uint32_t i = 0; i < expected; i++)
        assert_int_equal(worker_run_row(run, i, 0)->draw, i);
}

/* Traps 16 and 39: exact budgets, caps and connections for any number of workers. */
static void closed_loop_is_exact(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    static const uint32_t workers[] = {1, 2, 3, 7};
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        struct scripted_server *server = scripted_server_start(scripts);
        struct worker_run *run = worker_run_create(conversations, 1);
        run->plan.workers = workers[i];
        run->phase_plan.concurrency = 5;
        run->phase_plan.request_count = 300;
        worker_run_start(run, scripted_server_port(server));
        worker_run_phase(run);
        check_ordinals(run, 300);
        assert_int_equal(worker_run_count(run, TKP_OUTCOME_OK), 300);
        assert_int_equal(scripted_server_requests(server), 300);
        assert_in_range(scripted_server_connections(server), 1, 5);
        assert_in_range(most_in_flight(run), 1, 5);
        assert_int_equal(TOTAL(run, issued), 300);
        assert_int_equal(TOTAL(run, in_flight), 0);
        uint32_t firsts = 0;
        for (uint32_t k = 0; k < run->row_count; k++)
            firsts += (run->rows[k].flags & TKP_ROW_FIRST_OF_SLOT) != 0;
        assert_in_range(firsts, 1, 5);
        worker_run_destroy(run);
        scripted_server_stop(server);
    }
}

static void never_reusing_opens_each_time(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.reuse = TKP_REUSE_NEVER;
    run->phase_plan.request_count = 20;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(worker_run_count(run, TKP_OUTCOME_OK), 20);
    assert_int_equal(scripted_server_connections(server), 20);
    assert_non_null(strstr(scripted_server_last(server), "\r\nConnection: close\r\n"));
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void phases_keep_connections(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.workers = 2;
    run->phase_plan.concurrency = 2;
    run->phase_plan.request_count = 20;
    worker_run_start(run, scripted_server_port(server));
    for (uint32_t phase = 1; phase <= 3; phase++) {
        worker_run_phase(run);
        assert_int_equal(run->row_count, 20 * phase);
    }
    assert_in_range(scripted_server_connections(server), 1, 2);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* One lane's connection of before goes on while the other cannot connect: not a server that is
 * gone. */
static void a_reused_connection_counts_as_a_success(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"slow"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    scripted_server_refuse(server);
    run->phase_plan.concurrency = 2;
    run->phase_plan.request_count = 100;
    worker_run_phase(run);
    assert_int_equal(run->row_count, 101);
    assert_true(worker_run_count(run, TKP_OUTCOME_CONNECT_ERROR) >= 3);
    assert_true(TOTAL(run, connect_errors_in_row) <= 1);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* By the plan's times, however late workers are for them. */
static void check_ramp(uint64_t late_ns)
{
    static const struct fake_conversation conversations[] = {{{"silent"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.workers = 2;
    run->phase_plan.concurrency = 4;
    run->phase_plan.concurrency_ramp_ns = 90 * TKP_NS_PER_MS;
    run->phase_plan.request_count = 80;
    run->late_ns = late_ns;
    worker_run_start(run, scripted_server_port(server));
    worker_run_begin(run, &run->phase_plan, false);
    worker_run_until_in_flight(run, 4); /* a lane that is late finds a request left */
    worker_run_cancel(run, run->phase);
    worker_run_until_done(run);
    uint64_t start_ns = run->phase->schedule.start_ns, steps = 0;
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct tkp_row *row = &run->rows[i];
        uint64_t offset_ns = row->intended_ns - start_ns;
        if (!(row->flags & TKP_ROW_FIRST_OF_SLOT))
            continue;
        assert_int_equal(offset_ns % (30 * TKP_NS_PER_MS), 0);
        steps |= UINT64_C(1) << offset_ns / (30 * TKP_NS_PER_MS);
        assert_true(row->start_ns >= row->intended_ns);
    }
    assert_int_equal(steps, 15); /* one lane at each of 0, 30, 60 and 90 ms */
    check_ordinals(run, 4);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void a_ramp_opens_lanes_one_by_one(void **state)
{
    (void)state;
    check_ramp(0);
    check_ramp(75 * TKP_NS_PER_MS);
    check_ramp(TKP_NS_PER_S);
}

/* The second worker's lane would open after the test's patience, when nothing is left to send. */
static void a_worker_does_not_wait_for_its_lane(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.workers = 2;
    run->phase_plan.concurrency = 2;
    run->phase_plan.concurrency_ramp_ns = 10 * TKP_NS_PER_S * WORKER_RUN_PATIENCE_S;
    run->phase_plan.request_count = 5;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    check_ordinals(run, 5);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void open_loop_keeps_its_times(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"slow"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.workers = 3;
    run->phase_plan.arrival = TKP_ARRIVAL_CONSTANT;
    run->phase_plan.concurrency = 0;
    run->phase_plan.rate_per_s = 1000;
    run->phase_plan.request_count = 60;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    check_ordinals(run, 60);
    for (uint32_t i = 0; i < 60; i++) {
        const struct tkp_row *row = worker_run_row(run, i, 0);
        assert_true(row->intended_ns == run->phase->schedule.start_ns + i * TKP_NS_PER_MS);
        assert_true(row->ready_ns == row->intended_ns && row->start_ns >= row->intended_ns);
    }
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Trap 2: above capacity the wait for the cap is seen, between intended and ready. */
static void a_cap_holds_open_loop_back(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"slow"}, 0}};
    static const uint32_t workers[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        struct scripted_server *server = scripted_server_start(scripts);
        struct worker_run *run = worker_run_create(conversations, 1);
        run->plan.workers = workers[i];
        run->phase_plan.arrival = TKP_ARRIVAL_POISSON;
        run->phase_plan.concurrency = 2;
        run->phase_plan.rate_per_s = 2000;
        run->phase_plan.request_count = 40;
        worker_run_start(run, scripted_server_port(server));
        worker_run_phase(run);
        check_ordinals(run, 40);
        assert_int_equal(worker_run_count(run, TKP_OUTCOME_OK), 40);
        assert_in_range(most_in_flight(run), 1, 2);
        const struct tkp_row *last = worker_run_row(run, 39, 0);
        assert_true(last->ready_ns - last->intended_ns > 30 * TKP_NS_PER_MS);
        worker_run_destroy(run);
        scripted_server_stop(server);
    }
}

/* A burst is sent in parts: the worker looks at events before the last of it has begun, so that the
 * first are connected by then. */
static void a_burst_does_not_keep_from_reading(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"slow"}, 0}};
    for (int open_loop = 0; open_loop < 2; open_loop++) {
        struct scripted_server *server = scripted_server_start(scripts);
        struct worker_run *run = worker_run_create(conversations, 1);
        run->plan.reuse = TKP_REUSE_NEVER;
        run->phase_plan.concurrency = open_loop ? 0 : 64;
        run->phase_plan.arrival = open_loop ? TKP_ARRIVAL_CONSTANT : TKP_ARRIVAL_CLOSED;
        run->phase_plan.rate_per_s = 1e9;
        run->phase_plan.request_count = 64;
        worker_run_start(run, scripted_server_port(server));
        worker_run_phase(run);
        assert_int_equal(worker_run_count(run, TKP_OUTCOME_OK), 64);
        uint64_t first_ns = TKP_NEVER_NS, last_ns = 0;
        for (uint32_t i = 0; i < 64; i++) {
            const struct tkp_row *row = worker_run_row(run, i, 0);
            first_ns = row->connect_end_ns < first_ns ? row->connect_end_ns : first_ns;
            last_ns = row->start_ns > last_ns ? row->start_ns : last_ns;
            assert_true(row->ready_ns == row->intended_ns && row->start_ns >= row->ready_ns);
        }
        assert_true(first_ns < last_ns);
        worker_run_destroy(run);
        scripted_server_stop(server);
    }
}

/* What is due before the duration's end is sent, also by a worker that comes late, as whoever sends
 * the last one must: it is due a microsecond before. */
static void an_open_loop_with_a_duration_is_exact(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    static const uint32_t workers[] = {1, 8, 8, 8};
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        struct scripted_server *server = scripted_server_start(scripts);
        struct worker_run *run = worker_run_create(conversations, 1);
        run->plan.workers = workers[i];
        run->phase_plan.arrival = TKP_ARRIVAL_CONSTANT;
        run->phase_plan.concurrency = 0;
        run->phase_plan.rate_per_s = 1000;
        run->phase_plan.request_count = 0;
        run->phase_plan.duration_ns = 299 * TKP_NS_PER_MS + TKP_NS_PER_US;
        run->phase_plan.grace_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S;
        worker_run_start(run, scripted_server_port(server));
        worker_run_phase(run);
        check_ordinals(run, 300);
        assert_int_equal(PHASE_TOTAL(run, slots_unused), 0);
        worker_run_destroy(run);
        scripted_server_stop(server);
    }
}

/* Trap 22: what is still in flight when the grace is over is cancelled and counted. A closed loop
 * whose workers stood still for the whole duration has sent nothing: it is tried for longer. */
static void a_duration_stops_and_cancels(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"silent"}, 0}, {{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 2);
    run->plan.workers = 2;
    run->phase_plan.concurrency = 2;
    run->phase_plan.request_count = 0;
    run->phase_plan.duration_ns = 60 * TKP_NS_PER_MS;
    run->phase_plan.grace_ns = 40 * TKP_NS_PER_MS;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    while (!run->row_count && run->phase_plan.duration_ns < WORKER_RUN_PATIENCE_S * TKP_NS_PER_S) {
        run->phase_plan.duration_ns *= 4;
        worker_run_phase(run);
    }
    uint64_t stop_ns = tkp_schedule_stop_ns(&run->phase->schedule);
    assert_in_range(worker_run_count(run, TKP_OUTCOME_CANCELLED), 1, 2);
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct tkp_row *row = &run->rows[i];
        assert_true(row->intended_ns < stop_ns);
        if (row->outcome == TKP_OUTCOME_CANCELLED)
            assert_true(row->end_ns >= stop_ns + 40 * TKP_NS_PER_MS);
    }
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void open_loop_counts_who_never_got_a_slot(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"silent"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.workers = 3;
    run->phase_plan.arrival = TKP_ARRIVAL_CONSTANT;
    run->phase_plan.concurrency = 1;
    run->phase_plan.rate_per_s = 1000;
    run->phase_plan.request_count = 0;
    run->phase_plan.duration_ns = 50 * TKP_NS_PER_MS;
    run->phase_plan.grace_ns = TKP_NEVER_NS;
    worker_run_start(run, scripted_server_port(server));
    worker_run_begin(run, &run->phase_plan, true);
    worker_run_until_sent(run);
    worker_run_cancel(run, run->phase);
    worker_run_until_done(run);
    assert_int_equal(run->row_count, 1);
    assert_int_equal(PHASE_TOTAL(run, slots_unused), 49);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* One block, which nobody takes until a request waits for it. Nothing is lost. */
static void rows_wait_for_a_block(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->block_count = 1;
    run->holds_blocks = true;
    run->phase_plan.concurrency = 4;
    run->phase_plan.request_count = 2000;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    check_ordinals(run, 2000);
    assert_true(PHASE_TOTAL(run, record_wait_count) > 0 && PHASE_TOTAL(run, record_waits_ns) > 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_loop_is_exact),
        cmocka_unit_test(never_reusing_opens_each_time),
        cmocka_unit_test(phases_keep_connections),
        cmocka_unit_test(a_reused_connection_counts_as_a_success),
        cmocka_unit_test(a_ramp_opens_lanes_one_by_one),
        cmocka_unit_test(a_worker_does_not_wait_for_its_lane),
        cmocka_unit_test(open_loop_keeps_its_times),
        cmocka_unit_test(a_cap_holds_open_loop_back),
        cmocka_unit_test(a_burst_does_not_keep_from_reading),
        cmocka_unit_test(an_open_loop_with_a_duration_is_exact),
        cmocka_unit_test(a_duration_stops_and_cancels),
        cmocka_unit_test(open_loop_counts_who_never_got_a_slot),
        cmocka_unit_test(rows_wait_for_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
