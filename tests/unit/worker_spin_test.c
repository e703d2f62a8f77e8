/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that spin before due sends, against a server over sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <base/clock.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GOOD    CHUNKED "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n0\r\n\r\n"

static const struct script scripts[] = {
    {"first", {{SCRIPT_SEND, GOOD, 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

static uint64_t spun_ns(const struct worker_run *run)
{
    uint64_t sum_ns = 0;
    for (uint32_t i = 0; i < run->plan.workers; i++)
        sum_ns += tkp_gauge_get(&tkp_workers_stats(run->workers, i)->spun_ns);
    return sum_ns;
}

/* Spinning changes when a send leaves by microseconds, and nothing else: nothing is early. */
static void spinning_sends_nothing_early(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {
        {{"first", "two", "three"}, 2 * TKP_NS_PER_MS}};
    for (int spins = 0; spins < 2; spins++) {
        struct scripted_server *server = scripted_server_start(scripts);
        struct worker_run *run = worker_run_create(conversations, 1);
        run->spins = spins;
        run->plan.workers = 2;
        run->phase_plan.arrival = TKP_ARRIVAL_POISSON;
        run->phase_plan.concurrency = 0;
        run->phase_plan.rate_per_s = 500;
        run->phase_plan.request_count = 90;
        worker_run_start(run, scripted_server_port(server));
        worker_run_phase(run);
        while (spins && !spun_ns(run) && run->row_count < WORKER_RUN_MAX_ROWS - 90)
            worker_run_phase(run); /* who wakes late for each of its sends has no time to spin */
        assert_true(run->row_count >= 90);
        for (uint32_t i = 0; i < run->row_count; i++) {
            const struct tkp_row *row = &run->rows[i];
            assert_int_equal(row->outcome, TKP_OUTCOME_OK);
            assert_true(row->start_ns >= row->intended_ns && row->ready_ns == row->intended_ns);
        }
        assert_int_equal(spun_ns(run) > 0, spins);
        worker_run_destroy(run);
        scripted_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spinning_sends_nothing_early)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
