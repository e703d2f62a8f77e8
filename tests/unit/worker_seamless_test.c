/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases that overlap: a seamless one begins once the one before it has sent everything. The server
 * never answers what the older phase sends until the test has it cancelled, so that no test depends
 * on who is faster.
 */
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
    {"slow", {{SCRIPT_WAIT, 0, 3}, {SCRIPT_SEND, GOOD, 0}}, false},
    {"silent", {{SCRIPT_WAIT, 0, 600000}}, false},
    {"broken", {{SCRIPT_SEND, CHUNKED "b\r\ndata: bad\n\n\r\n0\r\n\r\n", 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

#define SILENT        \
    {                 \
        {"silent"}, 0 \
    }
#define FOUR_TIMES SILENT, SILENT, SILENT, SILENT
/* Draws of the first phase, then of the second; more of them begin anew. */
enum { SILENT_COUNT = 4 };

struct fixture {
    struct scripted_server *server;
    struct worker_run *run;
};

static struct fixture start(const struct fake_conversation *conversations, uint32_t count,
                            uint32_t workers)
{
    struct fixture f = {scripted_server_start(scripts), worker_run_create(conversations, count)};
    f.run->plan.workers = workers;
    worker_run_start(f.run, scripted_server_port(f.server));
    return f;
}

static void stop(struct fixture *f)
{
    worker_run_destroy(f->run);
    scripted_server_stop(f->server);
}

/* What the rows of a phase say. */
struct seen {
    uint32_t rows, ok, cancelled, firsts, most_in_flight;
    uint64_t first_start_ns, last_start_ns, last_end_ns;
};

static uint32_t in_flight_at(const struct worker_run *run, uint32_t phase, uint64_t at_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->row_count; i++)
        count += run->rows[i].phase == phase && run->rows[i].start_ns <= at_ns &&
                 at_ns < run->rows[i].end_ns;
    return count;
}

static struct seen see(const struct worker_run *run, uint32_t phase)
{
    struct seen seen = {.first_start_ns = TKP_NEVER_NS};
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct tkp_row *row = &run->rows[i];
        if (row->phase != phase)
            continue;
        seen.rows++;
        seen.ok += row->outcome == TKP_OUTCOME_OK;
        seen.cancelled += row->outcome == TKP_OUTCOME_CANCELLED;
        seen.firsts += (row->flags & TKP_ROW_FIRST_OF_SLOT) != 0;
        uint32_t in_flight = in_flight_at(run, phase, row->start_ns);
        if (in_flight > seen.most_in_flight)
            seen.most_in_flight = in_flight;
        if (row->start_ns < seen.first_start_ns)
            seen.first_start_ns = row->start_ns;
        if (row->start_ns > seen.last_start_ns)
            seen.last_start_ns = row->start_ns;
        if (row->end_ns > seen.last_end_ns)
            seen.last_end_ns = row->end_ns;
    }
    return seen;
}

/* Every draw from 0 exactly once. */
static void check_draws(const struct worker_run *run, uint32_t count)
{
    assert_int_equal(run->row_count, count);
    for (uint32_t draw = 0; draw < count; draw++) {
        uint32_t found = 0;
        for (uint32_t i = 0; i < count; i++)
            found += run->rows[i].draw == draw;
        assert_int_equal(found, 1);
    }
}

/* ---- phases ---- */

static struct tkp_phase_plan closed_loop(uint64_t concurrency, uint64_t requests)
{
    return (struct tkp_phase_plan){.name = "closed",
                                   .arrival = TKP_ARRIVAL_CLOSED,
                                   .concurrency = concurrency,
                                   .request_count = requests};
}

static struct tkp_phase_plan open_loop(uint64_t concurrency, uint64_t requests)
{
    return (struct tkp_phase_plan){.name = "open",
                                   .arrival = TKP_ARRIVAL_POISSON,
                                   .concurrency = concurrency,
                                   .rate_per_s = 5000,
                                   .request_count = requests};
}

static const struct fake_conversation silent_then_good[] = {
    FOUR_TIMES,    {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0},
    {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0},
    {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0},
    {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0}, {{"good"}, 0},
};
enum { ALL_COUNT = sizeof silent_then_good / sizeof silent_then_good[0] };

/* The whole of the second phase while all of the first is in flight. */
static void overtake(struct tkp_phase_plan first, struct tkp_phase_plan second, uint32_t workers)
{
    struct fixture f = start(silent_then_good, ALL_COUNT, workers);
    worker_run_begin(f.run, &first, true);
    worker_run_until_sent(f.run);
    assert_false(tkp_phase_is_done(f.run->phase));
    worker_run_begin(f.run, &second, false);
    worker_run_until_newest_done(f.run);
    assert_non_null(f.run->older);
    assert_int_equal(tkp_slots_used(&f.run->phase->in_flight), 0);
    worker_run_cancel(f.run, f.run->older);
    worker_run_until_done(f.run);

    struct seen older = see(f.run, 0), newer = see(f.run, 1);
    check_draws(f.run, ALL_COUNT);
    assert_int_equal(older.rows, SILENT_COUNT);
    assert_int_equal(older.cancelled, SILENT_COUNT);
    assert_int_equal(older.most_in_flight, SILENT_COUNT);
    assert_int_equal(newer.ok, ALL_COUNT - SILENT_COUNT);
    assert_in_range(newer.most_in_flight, 1, second.concurrency);
    assert_true(newer.first_start_ns >= older.last_start_ns);
    assert_true(newer.last_end_ns <= older.last_end_ns);
    assert_int_equal(older.firsts, SILENT_COUNT);
    if (second.arrival == TKP_ARRIVAL_CLOSED)
        assert_in_range(newer.firsts, 1, second.concurrency);
    stop(&f);
}

static void a_phase_begins_and_ends_while_the_one_before_is_in_flight(void **state)
{
    (void)state;
    static const uint32_t workers[] = {1, 4};
    const uint64_t rest = ALL_COUNT - SILENT_COUNT;
    for (int i = 0; i < 2; i++) {
        struct tkp_phase_plan first[] = {closed_loop(SILENT_COUNT, SILENT_COUNT),
                                         open_loop(0, SILENT_COUNT)};
        overtake(first[0], closed_loop(2, rest), workers[i]);
        overtake(first[0], open_loop(2, rest), workers[i]);
        overtake(first[1], closed_loop(3, rest), workers[i]);
        overtake(first[1], open_loop(2, rest), workers[i]);
    }
}

/* Three of four workers have nothing of the first phase, and one of them something of the next. */
static void a_worker_without_a_share_has_sent_it(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {SILENT, {{"good"}, 0}, {{"good"}, 0}};
    const struct tkp_phase_plan first = closed_loop(1, 1), second = closed_loop(2, 2);
    struct fixture f = start(conversations, 3, 4);
    worker_run_begin(f.run, &first, true);
    worker_run_until_sent(f.run);
    worker_run_begin(f.run, &second, false);
    worker_run_until_newest_done(f.run);
    assert_false(tkp_phase_is_done(f.run->older));
    worker_run_cancel(f.run, f.run->older);
    worker_run_until_done(f.run);
    check_draws(f.run, 3);
    assert_int_equal(see(f.run, 0).cancelled, 1);
    assert_int_equal(see(f.run, 1).ok, 2);
    stop(&f);
}

/* The older phase's own clock ends its requests and nobody else's. Returns whether all lanes of it
 * had begun before its end. */
static bool ends_by_its_clock(uint32_t workers, uint64_t duration_ns)
{
    static const struct fake_conversation conversations[] = {SILENT};
    struct tkp_phase_plan first = closed_loop(3, 0), second = closed_loop(2, 2);
    first.duration_ns = duration_ns;
    first.grace_ns = 60 * TKP_NS_PER_MS;
    struct fixture f = start(conversations, 1, workers);
    worker_run_begin(f.run, &first, true);
    worker_run_until_sent(f.run);
    uint64_t cancel_ns = tkp_schedule_cancel_ns(&f.run->phase->schedule);
    worker_run_begin(f.run, &second, true);
    worker_run_until_sent(f.run); /* the first is done */
    struct seen older = see(f.run, 0);
    assert_in_range(older.rows, 0, 3);
    assert_int_equal(older.cancelled, older.rows);
    assert_true(!older.rows || older.last_end_ns >= cancel_ns);
    assert_false(tkp_phase_is_done(f.run->phase));
    assert_int_equal(tkp_slots_used(&f.run->phase->in_flight), 2);
    worker_run_cancel(f.run, f.run->phase);
    worker_run_until_done(f.run);
    assert_int_equal(see(f.run, 1).cancelled, 2);
    stop(&f);
    return older.rows == 3;
}

static void a_duration_cancels_its_own_phase(void **state)
{
    (void)state;
    static const uint32_t workers[] = {1, 4};
    for (int i = 0; i < 2; i++) {
        uint64_t duration_ns = 30 * TKP_NS_PER_MS;
        while (!ends_by_its_clock(workers[i], duration_ns)) {
            duration_ns *= 4; /* a worker stood still all the while */
            assert_true(duration_ns < WORKER_RUN_PATIENCE_S * TKP_NS_PER_S);
        }
    }
}

/* Its pauses go on, too. */
static void a_cancelled_phase_ends_no_pauses_of_the_next(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {SILENT,
                                                             {{"good", "next"}, 20 * TKP_NS_PER_S}};
    const struct tkp_phase_plan first = closed_loop(1, 1), second = closed_loop(1, 2);
    struct fixture f = start(conversations, 2, 1);
    worker_run_begin(f.run, &first, true);
    worker_run_until_sent(f.run);
    worker_run_begin(f.run, &second, true);
    worker_run_until_rows(f.run, 1);
    worker_run_cancel(f.run, f.run->older);
    while (!tkp_phase_is_done(f.run->older))
        worker_run_until_rows(f.run, 2);
    assert_int_equal(tkp_slots_used(&f.run->phase->in_flight), 1);
    assert_false(tkp_phase_is_sent(f.run->phase)); /* a turn is left */
    worker_run_cancel(f.run, f.run->phase);
    worker_run_until_done(f.run);
    assert_int_equal(see(f.run, 0).cancelled, 1);
    assert_int_equal(see(f.run, 1).ok, 1);
    stop(&f);
}

/* A conversation is sent with its last turn. */
static void turns_belong_to_the_phase_of_their_conversation(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {
        {{"good", "two", "three"}, 10 * TKP_NS_PER_MS}};
    static const uint32_t workers[] = {1, 4};
    for (int open = 0; open < 2; open++)
        for (int i = 0; i < 2; i++) {
            struct tkp_phase_plan first = open ? open_loop(0, 14) : closed_loop(3, 14);
            struct tkp_phase_plan second = open ? closed_loop(2, 7) : open_loop(2, 7);
            struct fixture f = start(conversations, 1, workers[i]);
            worker_run_begin(f.run, &first, true);
            worker_run_until_sent(f.run);
            worker_run_begin(f.run, &second, false);
            worker_run_until_done(f.run);
            struct seen older = see(f.run, 0), newer = see(f.run, 1);
            assert_int_equal(older.ok, 14);
            assert_int_equal(newer.ok, 7);
            assert_true(newer.first_start_ns >= older.last_start_ns);
            for (uint32_t k = 0; k < f.run->row_count; k++)
                assert_int_equal(f.run->rows[k].draw >= 5, f.run->rows[k].phase);
            stop(&f);
        }
}

static void a_conversation_that_ends_early_has_sent_its_turns(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {
        {{"broken", "two", "three"}, 0}, SILENT, {{"good"}, 0}};
    struct tkp_phase_plan first = closed_loop(2, 0), second = closed_loop(1, 1);
    first.session_count = 2;
    struct fixture f = start(conversations, 3, 2);
    worker_run_begin(f.run, &first, true);
    worker_run_until_sent(f.run);
    assert_int_equal(worker_run_phase_total(f.run, offsetof(struct tkp_phase_part, unsent_turns)),
                     2);
    worker_run_begin(f.run, &second, false);
    worker_run_until_newest_done(f.run);
    assert_int_equal(worker_run_phase_total(f.run, offsetof(struct tkp_phase_part, unsent_turns)),
                     0);
    worker_run_cancel(f.run, f.run->older);
    worker_run_until_done(f.run);
    check_draws(f.run, 3);
    stop(&f);
}

/* What a signal does. */
static void both_phases_are_cancelled_at_once(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {SILENT};
    static const uint32_t workers[] = {1, 4};
    for (int i = 0; i < 2; i++) {
        const struct tkp_phase_plan first = open_loop(5, 5), second = closed_loop(3, 9);
        struct fixture f = start(conversations, 1, workers[i]);
        worker_run_begin(f.run, &first, true);
        worker_run_until_sent(f.run);
        worker_run_begin(f.run, &second, true);
        worker_run_until_in_flight(f.run, 3);
        worker_run_cancel(f.run, f.run->older);
        worker_run_cancel(f.run, f.run->phase);
        worker_run_until_done(f.run);
        assert_int_equal(see(f.run, 0).cancelled, 5);
        assert_in_range(see(f.run, 1).cancelled, 1, 3);
        assert_int_equal(f.run->row_count, 5 + see(f.run, 1).cancelled);
        assert_int_equal(worker_run_total(f.run, offsetof(struct tkp_worker_stats, in_flight)), 0);
        stop(&f);
    }
}

static void many_phases_in_a_row_are_exact(void **state)
{
    (void)state;
    enum { PHASES = 12, REQUESTS = 50 };
    static const struct fake_conversation conversations[] = {{{"slow"}, 0}, {{"good"}, 0}};
    static const uint32_t workers[] = {1, 4};
    for (int i = 0; i < 2; i++) {
        const struct tkp_phase_plan plans[] = {closed_loop(6, REQUESTS), open_loop(0, REQUESTS),
                                               open_loop(3, REQUESTS), closed_loop(2, REQUESTS)};
        struct fixture f = start(conversations, 2, workers[i]);
        for (uint32_t phase = 0; phase < PHASES; phase++) {
            worker_run_begin(f.run, &plans[phase % 4], phase + 1 < PHASES);
            worker_run_until_sent(f.run);
        }
        worker_run_until_done(f.run);
        check_draws(f.run, PHASES * REQUESTS);
        for (uint32_t phase = 0; phase < PHASES; phase++) {
            struct seen seen = see(f.run, phase);
            assert_int_equal(seen.ok, REQUESTS);
            if (plans[phase % 4].concurrency)
                assert_in_range(seen.most_in_flight, 1, plans[phase % 4].concurrency);
            if (phase)
                assert_true(seen.first_start_ns >= see(f.run, phase - 1).last_start_ns);
            if (phase > 1)
                assert_true(seen.first_start_ns >= see(f.run, phase - 2).last_end_ns);
        }
        stop(&f);
    }
}

/* The time between a phase's last arrival and its end is its own. */
static void an_open_loop_lasts_for_its_duration(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct tkp_phase_plan plan = open_loop(0, 0);
    plan.arrival = TKP_ARRIVAL_CONSTANT;
    plan.rate_per_s = 10;
    plan.duration_ns = 150 * TKP_NS_PER_MS;
    plan.grace_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S;
    struct fixture f = start(conversations, 1, 3);
    worker_run_begin(f.run, &plan, true);
    worker_run_until_sent(f.run);
    assert_true(tkp_clock_now_ns() >= tkp_schedule_stop_ns(&f.run->phase->schedule));
    worker_run_until_done(f.run);
    check_draws(f.run, 2);
    stop(&f);
}

/* Else every wake-up that a worker has no use for would go on to the others, and from them back. */
static void nobody_waits_for_the_cap_of_a_phase_that_is_sent(void **state)
{
    (void)state;
    struct fixture f = start(silent_then_good, ALL_COUNT, 2);
    struct tkp_phase_plan capped = open_loop(2, 0);
    capped.duration_ns = 50 * TKP_NS_PER_MS;
    capped.grace_ns = TKP_NEVER_NS;
    worker_run_begin(f.run, &capped, true);
    worker_run_until_sent(f.run);
    for (uint32_t i = 0; i < 2; i++)
        assert_false(tkp_flag_is_raised(&f.run->phase->waiting[i]));
    worker_run_cancel(f.run, f.run->phase);
    worker_run_until_done(f.run);
    assert_int_equal(see(f.run, 0).cancelled, 2);
    stop(&f);
}

/* One block, and nobody takes it until a row waits: rows of both phases wait behind each other. */
static void rows_of_both_phases_wait_for_a_block(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    const struct tkp_phase_plan first = open_loop(0, 300), second = closed_loop(4, 600);
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->block_count = 1;
    run->holds_blocks = true;
    worker_run_start(run, scripted_server_port(server));
    worker_run_begin(run, &first, true);
    worker_run_until_sent(run);
    worker_run_begin(run, &second, false);
    worker_run_until_done(run);
    check_draws(run, 900);
    assert_int_equal(see(run, 0).ok, 300);
    assert_int_equal(see(run, 1).ok, 600);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phase_begins_and_ends_while_the_one_before_is_in_flight),
        cmocka_unit_test(a_worker_without_a_share_has_sent_it),
        cmocka_unit_test(a_duration_cancels_its_own_phase),
        cmocka_unit_test(a_cancelled_phase_ends_no_pauses_of_the_next),
        cmocka_unit_test(turns_belong_to_the_phase_of_their_conversation),
        cmocka_unit_test(a_conversation_that_ends_early_has_sent_its_turns),
        cmocka_unit_test(both_phases_are_cancelled_at_once),
        cmocka_unit_test(many_phases_in_a_row_are_exact),
        cmocka_unit_test(an_open_loop_lasts_for_its_duration),
        cmocka_unit_test(nobody_waits_for_the_cap_of_a_phase_that_is_sent),
        cmocka_unit_test(rows_of_both_phases_wait_for_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
