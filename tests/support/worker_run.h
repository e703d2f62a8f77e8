/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of the workers for tests: real threads and sockets, the fake endpoint and dataset, and the
 * test in the place of controller and recorder.
 */
#ifndef WORKER_RUN_H
#define WORKER_RUN_H

#include "fake_endpoint.h"

#include <record/reassembly.h>
#include <worker/worker.h>

enum {
    WORKER_RUN_PATIENCE_S = 60, /* only a defect waits so long */
    WORKER_RUN_MAX_ROWS = 4096,
    WORKER_RUN_MAX_EVENTS = 2 * WORKER_RUN_MAX_ROWS,
    WORKER_RUN_MAX_WORKERS = 8
};

struct worker_run {
    /* set before start */
    struct tkp_plan plan;
    struct tkp_phase_plan phase_plan;
    struct fake_dataset conversations;
    uint32_t block_count;
    bool spins;        /* before due sends */
    bool kernel_clock; /* arrivals by the kernel's stamps */
    const struct tkp_flag *wants_events;
    uint64_t late_ns;  /* phases began so long before, for workers that stood still */
    bool holds_blocks; /* until a finished request waits for one: cleared then */
    /* after start */
    struct tkp_url url;
    char host_port[32];
    struct tkp_target target;
    struct tkp_dataset *dataset;
    struct tkp_block_channel *channels[WORKER_RUN_MAX_WORKERS];
    struct tkp_workers *workers;
    struct tkp_phase *phase; /* the newest */
    struct tkp_phase *older; /* which it overlaps, or NULL */
    uint32_t phase_count;
    uint32_t rows_awaited;
    uint64_t in_flight_awaited;
    uint64_t next_draw;
    struct tkp_reassembly *reassembly[WORKER_RUN_MAX_WORKERS];
    /* what came; a row's chunk times are checked against its own stamps */
    struct tkp_row rows[WORKER_RUN_MAX_ROWS];
    struct tkp_row_error errors[WORKER_RUN_MAX_ROWS]; /* of the rows that have one */
    uint32_t row_count;
    struct tkp_request_event events[WORKER_RUN_MAX_EVENTS];
    uint32_t events_before[WORKER_RUN_MAX_ROWS]; /* the row came */
    uint32_t event_count;
};

/* Defaults: one worker, closed loop of one, pooled, streaming, long timeouts. */
struct worker_run *worker_run_create(const struct fake_conversation *conversations, uint32_t count);
void worker_run_start(struct worker_run *run, uint16_t port);
/* One phase by run->phase_plan; fails the test when it is not done after WORKER_RUN_PATIENCE_S, as
 * all that wait do. */
void worker_run_phase(struct worker_run *run);
/* Its parts, for phases that overlap: each has a plan of its own, which outlives it, and the draws
 * go on from the phase before. followed: the next one begins when this one is sent. */
void worker_run_begin(struct worker_run *run, const struct tkp_phase_plan *plan, bool followed);
/* Until the newest phase is sent and the one before it done; until all are done; until the newest
 * is done, whatever the one before it does; until so many rows are there. */
void worker_run_until_sent(struct worker_run *run);
void worker_run_until_done(struct worker_run *run);
void worker_run_until_newest_done(struct worker_run *run);
void worker_run_until_rows(struct worker_run *run, uint32_t count);
/* Until so many conversations of the newest phase are in flight. */
void worker_run_until_in_flight(struct worker_run *run, uint64_t count);
/* Stops a phase and cancels what is in flight of it. */
void worker_run_cancel(struct worker_run *run, struct tkp_phase *phase);
/* The row of a turn; fails the test when there is none. */
const struct tkp_row *worker_run_row(const struct worker_run *run, uint64_t ordinal, uint32_t turn);
/* How many rows have this outcome. */
uint32_t worker_run_count(const struct worker_run *run, enum tkp_outcome outcome);
/* Of all workers: a gauge of struct tkp_worker_stats; of struct tkp_phase_part, of run->phase. */
uint64_t worker_run_total(const struct worker_run *run, size_t offset);
uint64_t worker_run_phase_total(const struct worker_run *run, size_t offset);
void worker_run_destroy(struct worker_run *run);

#endif
