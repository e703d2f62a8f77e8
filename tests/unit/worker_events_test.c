/* SPDX-License-Identifier: Apache-2.0 */
/* What workers announce of their requests: each once, in order, before the row, and only if asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct script scripts[] = {
    {"good", {{SCRIPT_SEND, CHUNKED "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", 0}}, false},
    {"cut", {{SCRIPT_SEND, CHUNKED "19\r\ndata: t:a\n\n", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"whole",
     {{SCRIPT_SEND,
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nt:AB", 0}},
     false},
    {"error", {{SCRIPT_SEND, "HTTP/1.1 500 E\r\nContent-Length: 2\r\n\r\n{}", 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};
static const struct fake_conversation conversations[] = {
    {{"good", "good", "good"}, 0}, {{"cut"}, 0}, {{"whole"}, 0}, {{"error"}, 0}};
enum { CONVERSATIONS = 4, ROUNDS = 40, REQUESTS = 6 * ROUNDS }; /* a round has each turn once */

/* The only event of a row of that kind, which came before it; NULL: none. */
static const struct tkp_request_event *event_of(const struct worker_run *run, uint32_t index,
                                                enum tkp_request_event_kind kind)
{
    const struct tkp_row *row = &run->rows[index];
    const struct tkp_request_event *found = NULL;
    for (uint32_t i = 0; i < run->event_count; i++) {
        const struct tkp_request_event *e = &run->events[i];
        if (e->kind != (uint32_t)kind || e->ordinal != row->ordinal ||
            e->turn_index != row->turn_index)
            continue;
        assert_null(found);
        assert_true(i < run->events_before[index]);
        assert_true(e->draw == row->draw && e->phase == row->phase && e->worker == row->worker &&
                    e->url_index == row->url_index && !e->reserved);
        found = e;
    }
    return found;
}

/* Returns how many events belong to rows. */
static uint32_t check_rows(const struct worker_run *run)
{
    uint32_t events = 0, whole = 0;
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct tkp_row *row = &run->rows[i];
        const struct tkp_request_event *issued = event_of(run, i, TKP_REQUEST_ISSUED);
        const struct tkp_request_event *first = event_of(run, i, TKP_REQUEST_FIRST_TOKEN);
        assert_non_null(issued);
        assert_true(issued->time_ns == row->start_ns && issued->intended_ns == row->intended_ns);
        assert_int_equal(first != NULL, row->first_token_ns != 0);
        assert_true(!first || (first > issued && first->time_ns == row->first_token_ns &&
                               !first->intended_ns));
        events += first ? 2 : 1;
        whole += !first;
    }
    assert_int_equal(whole, 2 * ROUNDS); /* neither "whole" nor "error" is a stream */
    return events;
}

static uint64_t events_lost(const struct worker_run *run)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < run->plan.workers; i++)
        lost += tkp_block_events_lost(run->channels[i]);
    return lost;
}

/* False when this thread stood still for so long that events were lost, which they may be then. */
static bool check_run(uint32_t workers, enum tkp_arrival arrival)
{
    struct tkp_flag wanted = {0};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, CONVERSATIONS);
    run->wants_events = &wanted;
    run->plan.workers = workers;
    run->phase_plan.concurrency = 4;
    run->phase_plan.request_count = REQUESTS;
    run->phase_plan.arrival = arrival;
    run->phase_plan.rate_per_s = 4000;
    tkp_flag_raise(&wanted);
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(run->row_count, REQUESTS);
    bool has_all = !events_lost(run);
    if (has_all)
        assert_int_equal(check_rows(run), run->event_count);
    worker_run_destroy(run);
    scripted_server_stop(server);
    return has_all;
}

static void each_request_is_announced_before_its_row(void **state)
{
    (void)state;
    static const enum tkp_arrival arrivals[] = {TKP_ARRIVAL_CLOSED, TKP_ARRIVAL_POISSON};
    for (int i = 0; i < 2; i++)
        for (uint32_t workers = 1; workers <= 4; workers += 3) {
            int tries = 10;
            while (!check_run(workers, arrivals[i]))
                assert_true(--tries > 0);
        }
}

static uint32_t events_of_a_phase(struct worker_run *run)
{
    uint32_t before = run->event_count;
    worker_run_phase(run);
    return run->event_count - before;
}

static void nothing_is_announced_unasked(void **state)
{
    (void)state;
    struct tkp_flag wanted = {0};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->wants_events = &wanted;
    worker_run_start(run, scripted_server_port(server));
    assert_int_equal(events_of_a_phase(run), 0);
    tkp_flag_raise(&wanted);
    assert_int_equal(events_of_a_phase(run), 2);
    tkp_flag_lower(&wanted);
    assert_int_equal(events_of_a_phase(run), 0);
    worker_run_destroy(run);
    run = worker_run_create(conversations, 1);
    worker_run_start(run, scripted_server_port(server));
    assert_int_equal(events_of_a_phase(run), 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_request_is_announced_before_its_row),
                                       cmocka_unit_test(nothing_is_announced_unasked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
