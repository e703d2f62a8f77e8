/* SPDX-License-Identifier: Apache-2.0 */
/* Count, sum, mean, variance, least and greatest of a stream of finite numbers. One thread. */
#ifndef TKP_METRICS_MOMENTS_H
#define TKP_METRICS_MOMENTS_H

#include <stdint.h>

/* Zeroed: empty. */
struct tkp_moments {
    uint64_t count;
    double min, max;      /* valid when count > 0 */
    double mean, m2;      /* Welford 1962 */
    double sum, sum_lost; /* Neumaier 1974: what rounding took from sum */
};

void tkp_moments_add(struct tkp_moments *m, double value);
/* To the sum alone, for who asks for nothing else: half the time. */
void tkp_moments_add_sum(struct tkp_moments *m, double value);
double tkp_moments_sum(const struct tkp_moments *m);
double tkp_moments_mean(const struct tkp_moments *m); /* 0 when empty */
double tkp_moments_std(const struct tkp_moments *m);  /* population; 0 when empty */

#endif
