/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quantity that changes in steps over time (requests in flight), and its statistics weighted by
 * time. Memory is bounded: up to TKP_SWEEP_EXACT changes are kept (4 MiB) and the result is exact;
 * beyond, changes are counted in as many equal slices of the span (2 MiB), which rounds the time of
 * a change down to its slice: the mean stays exact, the other statistics are those of the rounded
 * curve. One thread.
 */
#ifndef TKP_METRICS_SWEEP_H
#define TKP_METRICS_SWEEP_H

#include <metrics/moments.h>
#include <stdbool.h>
#include <stdint.h>

enum { TKP_SWEEP_EXACT = 1 << 18 };

/* Zeroed: empty. */
struct tkp_sweep {
    uint64_t expected; /* changes announced */
    uint64_t from_ns, to_ns, slice_ns;
    uint64_t count;                   /* changes kept */
    struct tkp_sweep_change *changes; /* exact; or NULL */
    int64_t *slices;                  /* sum of the changes in each slice; or NULL */
    struct tkp_moments area;          /* of change * time left: its sum is the integral */
};
struct tkp_sweep_change {
    uint64_t at_ns;
    int64_t by;
};

/* What a sweep found over its span. */
struct tkp_sweep_stats {
    double avg, min, max, std, p50, p90, p95, p99;
};

void tkp_sweep_finish(struct tkp_sweep *sweep);
/* First reading: that so many changes will come. */
void tkp_sweep_expect(struct tkp_sweep *sweep, uint64_t changes);
/* After it: the span. false without memory. */
bool tkp_sweep_begin(struct tkp_sweep *sweep, uint64_t from_ns, uint64_t to_ns);
/* Second reading, in any order. Nothing before begin; times outside the span count at its ends. */
void tkp_sweep_change(struct tkp_sweep *sweep, uint64_t at_ns, int64_t by);
/* false when there was no change, no time, or no memory (*failed). */
bool tkp_sweep_result(struct tkp_sweep *sweep, struct tkp_sweep_stats *stats, bool *failed);

#endif
