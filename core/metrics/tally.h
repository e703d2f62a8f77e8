/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by name of what went wrong and how answers finished. Bounded: what comes after the table
 * is full is counted under its outcome alone, or as "(other)". One thread.
 */
#ifndef TKP_METRICS_TALLY_H
#define TKP_METRICS_TALLY_H

#include <base/arena.h>
#include <record/row.h>
#include <tokperf/exporter.h>

enum { TKP_TALLY_ERRORS = 100, TKP_TALLY_FINISHES = 64 };

struct tkp_tally_error {
    uint64_t count;
    uint32_t outcome;
    int32_t code;
    char message[TKP_ROW_MESSAGE_BYTES];
};
struct tkp_tally_finish {
    uint64_t count;
    char name[TKP_ROW_FINISH_BYTES];
};
/* Zeroed: empty. */
struct tkp_tally {
    struct tkp_tally_error errors[TKP_TALLY_ERRORS + TKP_OUTCOME_COUNT];
    struct tkp_tally_finish finishes[TKP_TALLY_FINISHES + 1];
    uint32_t error_count, finish_count;
};

void tkp_tally_row(struct tkp_tally *tally, const struct tkp_row *row);
/* Error groups and finish reasons, the most frequent first. false without memory. */
bool tkp_tally_result(const struct tkp_tally *tally, struct tkp_arena *arena,
                      struct tokperf_phase *result);

#endif
