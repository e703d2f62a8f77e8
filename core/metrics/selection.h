/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact order statistics of a stream that can be read again, without sorting or keeping it. The
 * first reading filled a histogram of integer keys (monotonic in the value); a selection takes the
 * buckets that hold the wanted ranks and, in each further reading, either keeps the values that
 * fall into them or, while those are too many, splits the buckets finer. One thread.
 */
#ifndef TKP_METRICS_SELECTION_H
#define TKP_METRICS_SELECTION_H

#include <base/histogram.h>

enum {
    TKP_SELECTION_MAX_RANKS = 48,
    TKP_SELECTION_KEEP = 65536, /* values kept at most: 512 KiB */
    TKP_SELECTION_STEPS = 1024  /* parts a bucket is split into */
};

struct tkp_selection;
/* ranks: 0-based, ascending, below the histogram's count, at most MAX_RANKS. whole_keys: a key is
 * its value. NULL without memory. */
struct tkp_selection *tkp_selection_create(const struct tkp_histogram *histogram,
                                           const uint64_t *ranks, uint32_t rank_count,
                                           bool whole_keys);
void tkp_selection_destroy(struct tkp_selection *selection);
/* Whether values are still wanted; most selections of whole numbers are settled from the start. */
bool tkp_selection_is_reading(const struct tkp_selection *selection);
/* Every value of the stream, once per reading, in any order. */
void tkp_selection_add(struct tkp_selection *selection, uint64_t key, double value);
/* After each reading, and before the first one: whether (another) reading is needed. *failed is
 * set without memory; the selection is then over and incomplete. */
bool tkp_selection_needs_reading(struct tkp_selection *selection, bool *failed);
/* The value at one of the ranks; false when the readings did not suffice. */
bool tkp_selection_value(const struct tkp_selection *selection, uint64_t rank, double *value);

#endif
