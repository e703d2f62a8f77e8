/* SPDX-License-Identifier: Apache-2.0 */
/* Starts workers, begins a phase, collects rows until it is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker_run.h"

#include <base/clock.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct worker_run *worker_run_create(const struct fake_conversation *conversations, uint32_t count)
{
    struct worker_run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->conversations = (struct fake_dataset){conversations, count};
    run->block_count = 16;
    run->phase_plan = (struct tkp_phase_plan){.name = "profiling",
                                              .request_count = count,
                                              .arrival = TKP_ARRIVAL_CLOSED,
                                              .concurrency = 1};
    run->plan = (struct tkp_plan){.url_count = 1,
                                  .endpoint_type = "fake",
                                  .streaming = true,
                                  .request_timeout_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S,
                                  .connect_timeout_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S,
                                  .first_byte_timeout_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S,
                                  .idle_timeout_ns = WORKER_RUN_PATIENCE_S * TKP_NS_PER_S,
                                  .reuse = TKP_REUSE_POOLED,
                                  .sampling = TKP_SAMPLING_SEQUENTIAL,
                                  .phase_count = 1,
                                  .seed = 42,
                                  .workers = 1};
    return run;
}

static void create_dataset(struct worker_run *run)
{
    struct tokperf_error error;
    struct tkp_instance source = fake_dataset_instance(&run->conversations);
    struct tkp_dataset_inputs inputs = {&run->plan, &source, &fake_endpoint_instance};
    if (tkp_dataset_create(&inputs, &run->dataset, &error) != TOKPERF_OK ||
        tkp_dataset_render(run->dataset, "model", &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
}

void worker_run_start(struct worker_run *run, uint16_t port)
{
    struct tokperf_error error;
    snprintf(run->host_port, sizeof run->host_port, "127.0.0.1:%u", port);
    run->url = (struct tkp_url){.scheme = TKP_URL_HTTP,
                                .text = run->host_port,
                                .host = "127.0.0.1",
                                .host_port = run->host_port,
                                .prefix = "",
                                .port = port};
    run->plan.urls = &run->url;
    run->plan.phases = &run->phase_plan;
    if (tkp_target_resolve(&run->url, "/fake", &run->plan, &run->target, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
    create_dataset(run);
    for (uint32_t i = 0; i < run->plan.workers; i++) {
        run->channels[i] = tkp_block_channel_create(i, run->block_count);
        run->reassembly[i] = tkp_reassembly_create();
        assert_true(run->channels[i] && run->reassembly[i]);
    }
    struct tkp_worker_shared shared = {.plan = &run->plan,
                                       .dataset = run->dataset,
                                       .endpoint = &fake_endpoint_instance,
                                       .targets = &run->target,
                                       .worker_count = run->plan.workers,
                                       .run_seed = 7,
                                       .spins = run->spins,
                                       .kernel_clock = run->kernel_clock,
                                       .wants_events = run->wants_events};
    if (tkp_workers_start(&shared, run->channels, &run->workers, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
}

static void check_times(const struct tkp_whole_row *whole)
{
    const struct tkp_row *row = whole->row;
    bool has_times = row->chunk_count && !(row->flags & TKP_ROW_UNSTAMPED);
    assert_int_equal(whole->chunk_ns_count, has_times ? row->chunk_count : 0);
    if (!has_times)
        return;
    assert_true(whole->chunk_ns[0] == row->first_token_ns);
    assert_true(whole->chunk_ns[row->chunk_count - 1] == row->last_token_ns);
}

static void take_row(struct worker_run *run, const struct tkp_whole_row *whole)
{
    assert_true(run->row_count < WORKER_RUN_MAX_ROWS);
    check_times(whole);
    run->rows[run->row_count] = *whole->row;
    if (whole->row->error) { /* is the reassembly's */
        run->errors[run->row_count] = *whole->row->error;
        run->rows[run->row_count].error = &run->errors[run->row_count];
    }
    run->events_before[run->row_count++] = run->event_count;
}

static void take_events(struct worker_run *run, const struct tkp_block *block)
{
    uint32_t count = block->used_bytes / (uint32_t)sizeof *run->events;
    assert_int_equal(block->used_bytes, count * sizeof *run->events);
    assert_true(run->event_count + count <= WORKER_RUN_MAX_EVENTS);
    memcpy(&run->events[run->event_count], block->data, block->used_bytes);
    run->event_count += count;
}

static void take_rows(struct worker_run *run, uint32_t worker, const struct tkp_block *block)
{
    struct tokperf_error error;
    struct tkp_whole_row whole;
    struct tokperf_span payload = {(const char *)block->data, block->used_bytes};
    assert_int_equal(tkp_reassembly_feed(run->reassembly[worker], block->kind, payload, &error),
                     TOKPERF_OK);
    while (tkp_reassembly_next(run->reassembly[worker], &whole, &error) == TOKPERF_OK)
        take_row(run, &whole);
}

static void take_blocks(struct worker_run *run)
{
    for (uint32_t i = 0; i < run->plan.workers; i++) {
        struct tkp_block *block;
        while ((block = tkp_block_take(run->channels[i]))) {
            if (block->kind == TKP_BLOCK_EVENTS)
                take_events(run, block);
            else
                take_rows(run, i, block);
            tkp_block_give_back(run->channels[i], block);
        }
    }
}

static uint64_t drawn(const struct worker_run *run)
{
    const struct tkp_phase *phase = run->phase;
    struct tkp_schedule_cursor cursor;
    tkp_schedule_cursor_init(&cursor, &phase->schedule);
    return tkp_schedule_count(&cursor, 0, tkp_ticket_peek(&phase->next_ordinal));
}

static void begin(struct worker_run *run, const struct tkp_schedule *schedule, bool followed)
{
    run->phase = aligned_alloc(64, sizeof *run->phase);
    assert_non_null(run->phase);
    tkp_phase_init(run->phase, schedule, run->plan.workers);
    run->phase->is_followed = followed;
    tkp_workers_begin_phase(run->workers, run->phase);
}

/* Whether the run is there; the older phase is let go of when it is. */
typedef bool reached(struct worker_run *run);

static bool is_sent(struct worker_run *run)
{
    if (run->older && tkp_phase_is_done(run->older)) {
        free(run->older);
        run->older = NULL;
    }
    return !run->older && tkp_phase_is_sent(run->phase);
}

static bool is_done(struct worker_run *run)
{
    return is_sent(run) && tkp_phase_is_done(run->phase);
}

static bool is_newest_done(struct worker_run *run)
{
    return tkp_phase_is_done(run->phase);
}

static bool has_rows(struct worker_run *run)
{
    take_blocks(run);
    return run->row_count >= run->rows_awaited;
}

static bool has_in_flight(struct worker_run *run)
{
    return tkp_slots_used(&run->phase->in_flight) >= run->in_flight_awaited;
}

static void take_unless_held(struct worker_run *run)
{
    size_t waits = offsetof(struct tkp_phase_part, record_wait_count);
    if (run->holds_blocks && worker_run_phase_total(run, waits) > 0)
        run->holds_blocks = false;
    if (!run->holds_blocks)
        take_blocks(run);
}

static void wait_for(struct worker_run *run, reached *is_reached)
{
    uint64_t until_ns = tkp_clock_now_ns() + WORKER_RUN_PATIENCE_S * TKP_NS_PER_S;
    while (!is_reached(run)) {
        struct pollfd fd = {.fd = tkp_workers_news_fd(run->workers), .events = POLLIN};
        poll(&fd, 1, 5);
        tkp_workers_take_news(run->workers);
        take_unless_held(run);
        if (tkp_clock_now_ns() > until_ns)
            fail_msg("the phase is not done after %d s, %u rows came", WORKER_RUN_PATIENCE_S,
                     run->row_count);
    }
    take_unless_held(run);
}

void worker_run_begin(struct worker_run *run, const struct tkp_phase_plan *plan, bool followed)
{
    if (run->phase)
        run->next_draw += drawn(run);
    run->older = run->phase;
    struct tkp_schedule schedule = {.phase = plan,
                                    .dataset = run->dataset,
                                    .seed = run->plan.seed,
                                    .phase_index = run->phase_count++,
                                    .url_count = 1,
                                    .first_draw = run->next_draw,
                                    .start_ns =
                                        tkp_clock_now_ns() + 5 * TKP_NS_PER_MS - run->late_ns};
    begin(run, &schedule, followed);
}

void worker_run_until_sent(struct worker_run *run)
{
    wait_for(run, is_sent);
}

void worker_run_until_done(struct worker_run *run)
{
    wait_for(run, is_done);
}

void worker_run_until_newest_done(struct worker_run *run)
{
    wait_for(run, is_newest_done);
}

void worker_run_until_rows(struct worker_run *run, uint32_t count)
{
    run->rows_awaited = count;
    wait_for(run, has_rows);
}

void worker_run_until_in_flight(struct worker_run *run, uint64_t count)
{
    run->in_flight_awaited = count;
    wait_for(run, has_in_flight);
}

void worker_run_cancel(struct worker_run *run, struct tkp_phase *phase)
{
    tkp_flag_raise(&phase->stop);
    tkp_flag_raise(&phase->cancel);
    tkp_workers_wake(run->workers);
}

void worker_run_phase(struct worker_run *run)
{
    struct tkp_schedule schedule = {.phase = &run->phase_plan,
                                    .dataset = run->dataset,
                                    .seed = run->plan.seed,
                                    .url_count = 1,
                                    .start_ns =
                                        tkp_clock_now_ns() + 5 * TKP_NS_PER_MS - run->late_ns};
    free(run->phase);
    begin(run, &schedule, false);
    worker_run_until_done(run);
}

const struct tkp_row *worker_run_row(const struct worker_run *run, uint64_t ordinal, uint32_t turn)
{
    for (uint32_t i = 0; i < run->row_count; i++)
        if (run->rows[i].ordinal == ordinal && run->rows[i].turn_index == turn)
            return &run->rows[i];
    fail_msg("no row for ordinal %" PRIu64 ", turn %u", ordinal, turn);
    return NULL;
}

uint32_t worker_run_count(const struct worker_run *run, enum tkp_outcome outcome)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < run->row_count; i++)
        found += run->rows[i].outcome == outcome;
    return found;
}

uint64_t worker_run_total(const struct worker_run *run, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < run->plan.workers; i++) {
        const char *stats = (const char *)tkp_workers_stats(run->workers, i);
        sum += tkp_gauge_get((const struct tkp_gauge *)(const void *)(stats + offset));
    }
    return sum;
}

uint64_t worker_run_phase_total(const struct worker_run *run, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < run->plan.workers; i++) {
        const char *part = (const char *)&run->phase->parts[i];
        sum += tkp_gauge_get((const struct tkp_gauge *)(const void *)(part + offset));
    }
    return sum;
}

void worker_run_destroy(struct worker_run *run)
{
    tkp_workers_stop(run->workers);
    free(run->older);
    for (uint32_t i = 0; i < run->plan.workers; i++) {
        tkp_block_channel_destroy(run->channels[i]);
        tkp_reassembly_destroy(run->reassembly[i]);
    }
    tkp_dataset_destroy(run->dataset);
    free(run->phase);
    free(run);
}
