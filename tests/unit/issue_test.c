/* SPDX-License-Identifier: Apache-2.0 */
/* When a worker looks at its schedule next, step by step on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/clock.h>
#include <stdlib.h>
#include <worker/thread.h>

#define START_NS 5000000

static const struct tkp_phase_plan open_loop = {
    .name = "profiling", .arrival = TKP_ARRIVAL_CONSTANT, .rate_per_s = 10, .request_count = 5};
static const struct tkp_phase_plan closed_loop = {
    .name = "profiling", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2, .request_count = 5};

/* A worker that has been told of a phase and has not taken a step in it. */
struct fixture {
    struct tkp_worker_shared shared;
    struct tkp_worker *worker;
    struct tkp_phase *phase;
};

static void begin(struct fixture *f, const struct tkp_phase_plan *plan)
{
    struct tkp_schedule schedule = {.phase = plan, .url_count = 1, .start_ns = START_NS};
    *f = (struct fixture){.shared = {.worker_count = 1}};
    f->worker = aligned_alloc(64, (sizeof *f->worker + 63) / 64 * 64);
    f->phase = aligned_alloc(64, (sizeof *f->phase + 63) / 64 * 64);
    assert_true(f->worker && f->phase);
    *f->worker = (struct tkp_worker){.shared = &f->shared};
    tkp_issue_init(f->worker);
    tkp_phase_init(f->phase, &schedule, 1);
    tkp_issue_begin_phase(f->worker, f->phase);
}

static void end(struct fixture *f)
{
    tkp_issue_finish(f->worker);
    free(f->worker);
    free(f->phase);
}

/* The clock may pass the start after a step was taken before it: the next one must not wait for an
 * event, since none would come. */
static void the_start_is_not_missed(void **state)
{
    (void)state;
    static const struct tkp_phase_plan *const plans[] = {&open_loop, &closed_loop};
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct fixture f;
        begin(&f, plans[i]);
        f.worker->now_ns = START_NS - 10;
        assert_true(tkp_issue_next_ns(f.worker) == START_NS);
        assert_true(tkp_issue_next_send_ns(f.worker) == START_NS);
        tkp_issue_step(f.worker, false);
        f.worker->now_ns = START_NS + 10;
        assert_true(tkp_issue_next_ns(f.worker) <= f.worker->now_ns);
        end(&f);
    }
}

static void a_send_is_timed_when_nothing_holds_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &open_loop);
    struct tkp_issue *issue = f.worker->issue;
    f.worker->now_ns = START_NS + 10;
    issue->has_pending = true;
    issue->pending.intended_ns = START_NS + 700;
    assert_true(tkp_issue_next_ns(f.worker) == START_NS + 700);
    assert_true(tkp_issue_next_send_ns(f.worker) == START_NS + 700);
    issue->waits_for_cap = true;
    assert_true(tkp_issue_next_send_ns(f.worker) == TKP_NEVER_NS);
    issue->waits_for_cap = false;
    issue->starved = true;
    assert_true(tkp_issue_next_send_ns(f.worker) == TKP_NEVER_NS);
    issue->starved = false;
    issue->stopped = true;
    assert_true(tkp_issue_next_send_ns(f.worker) == TKP_NEVER_NS);
    issue->stopped = false;
    issue->has_pending = false;
    issue->exhausted = true;
    assert_true(tkp_issue_next_send_ns(f.worker) == TKP_NEVER_NS);
    assert_true(tkp_issue_next_ns(f.worker) == TKP_NEVER_NS);
    issue->phase = NULL;
    assert_true(tkp_issue_next_send_ns(f.worker) == TKP_NEVER_NS);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_is_not_missed),
        cmocka_unit_test(a_send_is_timed_when_nothing_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
