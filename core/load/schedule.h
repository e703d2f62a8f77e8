/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phase sends and when, as pure functions of (seed, ordinal): the exact same load for any
 * number of workers. A cursor walks ordinals upwards and gives each conversation's row, turns, URL
 * and intended time; it refuses ordinals past the phase's budget. No sharing: each worker has its
 * own cursor over the same immutable schedule. [any]
 */
#ifndef TKP_LOAD_SCHEDULE_H
#define TKP_LOAD_SCHEDULE_H

#include <dataset/dataset.h>

struct tkp_schedule {
    const struct tkp_phase_plan *phase;
    const struct tkp_dataset *dataset;
    uint64_t seed;
    uint32_t phase_index, url_count;
    uint64_t first_draw; /* draws of the phases before: the next conversation of the run */
    uint64_t start_ns;   /* shared by all workers, 20 ms ahead of the phase's launch */
};

/* One conversation to send. */
struct tkp_arrival_event {
    uint64_t ordinal, draw, row;
    uint64_t intended_ns; /* open loop; 0 in closed loop */
    uint32_t url_index;
    uint32_t turns;         /* turns to send: fewer than the row has when the budget ends in it */
    uint32_t turns_planned; /* turns the row has */
};

struct tkp_schedule_cursor {
    const struct tkp_schedule *schedule;
    uint64_t next_ordinal; /* ordinals below it have been accumulated */
    uint64_t turns_before; /* turns of all conversations below next_ordinal */
    double gap_phase;      /* open loop: state of the arrival process, in nominal intervals */
};

void tkp_schedule_cursor_init(struct tkp_schedule_cursor *cursor,
                              const struct tkp_schedule *schedule);
/* The conversation of an ordinal, which must not be below an earlier call's. false: past the budget
 * (count, conversations, or in open loop the duration); so are all later ones. */
bool tkp_schedule_cursor_at(struct tkp_schedule_cursor *cursor, uint64_t ordinal,
                            struct tkp_arrival_event *event);

/* Conversations that the phase sends, looking at no more than `limit` ordinals: what ends by a
 * count has one answer for any number of workers. counted: what the cursor's last call returned, or
 * 0; it is used for nothing else. */
uint64_t tkp_schedule_count(struct tkp_schedule_cursor *cursor, uint64_t counted, uint64_t limit);

/* Conversations allowed in flight at a time: the cap with its ramp (1 -> N in even steps). 0: no
 * cap. */
uint64_t tkp_schedule_cap(const struct tkp_schedule *schedule, uint64_t now_ns);
/* When the cap grows to `cap`, which is at most its last value. */
uint64_t tkp_schedule_cap_reached_ns(const struct tkp_schedule *schedule, uint64_t cap);
/* When the cap next grows, or TKP_NEVER_NS. */
uint64_t tkp_schedule_cap_change_ns(const struct tkp_schedule *schedule, uint64_t now_ns);
/* A worker's part of the cap in closed loop: parts of all workers sum up to exactly the cap. */
uint64_t tkp_schedule_share(uint64_t cap, uint32_t worker, uint32_t workers);
/* When a worker's part grows to more than `lane`, whenever the worker looks. */
uint64_t tkp_schedule_lane_ns(const struct tkp_schedule *schedule, uint64_t lane, uint32_t worker,
                              uint32_t workers);
/* When issuing ends by the duration rule, or TKP_NEVER_NS. */
uint64_t tkp_schedule_stop_ns(const struct tkp_schedule *schedule);
/* When requests still in flight are cancelled, or TKP_NEVER_NS. */
uint64_t tkp_schedule_cancel_ns(const struct tkp_schedule *schedule);

#endif
