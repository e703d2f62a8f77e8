/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many different 64-bit hashes there were. Exact up to TKP_DISTINCT_MAX (8 MiB); beyond, the
 * count stays there and says that it is a lower bound. One thread.
 */
#ifndef TKP_METRICS_DISTINCT_H
#define TKP_METRICS_DISTINCT_H

#include <stdbool.h>
#include <stdint.h>

enum { TKP_DISTINCT_MAX = 1 << 19 };

/* Zeroed: empty. */
struct tkp_distinct {
    uint64_t *slots; /* 0: free */
    uint64_t capacity, count;
    bool has_zero;
    bool is_floor; /* there were more */
    bool failed;   /* no memory: is_floor too */
};

void tkp_distinct_finish(struct tkp_distinct *set);
void tkp_distinct_add(struct tkp_distinct *set, uint64_t hash);
uint64_t tkp_distinct_count(const struct tkp_distinct *set);

#endif
