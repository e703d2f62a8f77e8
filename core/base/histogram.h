/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histogram of uint64 values (ns, tokens): relative error of a bucket at most 0.1 %
 * (2^10 linear steps per power of two). Memory grows in pages as values appear; counting into a
 * page that exists allocates nothing. One writer; read on the same thread, or after the writer
 * handed it over.
 */
#ifndef TKP_BASE_HISTOGRAM_H
#define TKP_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum { TKP_HISTOGRAM_PRECISION_BITS = 10, TKP_HISTOGRAM_PAGES = 64 };

struct tkp_histogram {
    uint64_t *pages[TKP_HISTOGRAM_PAGES]; /* counts; page p covers one power of two */
    uint64_t count, min, max;             /* min is UINT64_MAX while empty */
    uint64_t lost;                        /* values without memory for their page */
};

void tkp_histogram_init(struct tkp_histogram *h);
void tkp_histogram_finish(struct tkp_histogram *h);
void tkp_histogram_clear(struct tkp_histogram *h); /* keeps the pages */
/* false, and counted as lost, without memory for the value's page. Sum and variance are for who
 * wants them to keep beside it (metrics/moments.h). */
bool tkp_histogram_count(struct tkp_histogram *h, uint64_t value);
/* Value at a fraction 0..1 by linear interpolation between order statistics (each known to its
 * bucket's middle, clamped to min and max). 0 when empty. */
double tkp_histogram_quantile(const struct tkp_histogram *h, double fraction);
/* The half-open range [*low, *high) of the bucket that holds the order statistic of 0-based rank,
 * and how many recorded values lie in buckets below it. false when rank >= count. */
bool tkp_histogram_rank_bucket(const struct tkp_histogram *h, uint64_t rank, uint64_t *low,
                               uint64_t *high, uint64_t *below);
/* How many recorded values lie in each of `count` ranges: from edges[i] up to, but not including,
 * edges[i + 1]. The edges ascend; each but the first and the last is the low bound of a bucket. One
 * pass over the buckets. */
void tkp_histogram_split(const struct tkp_histogram *h, const uint64_t *edges, uint32_t count,
                         uint64_t *counts);
/* Bounds of the bucket that a value falls into. */
void tkp_histogram_bucket(uint64_t value, uint64_t *low, uint64_t *high);

#endif
