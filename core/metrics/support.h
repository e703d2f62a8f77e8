/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well a number of samples supports a percentile, at 99 % confidence and for independent
 * samples: the early-stopping estimate of MLPerf Inference. Pure. [any]
 */
#ifndef TKP_METRICS_SUPPORT_H
#define TKP_METRICS_SUPPORT_H

#include <stdint.h>

/* I_x(a, b), the regularised incomplete beta function; a, b > 0, 0 <= x <= 1. */
double tkp_incomplete_beta(double a, double b, double x);
/* The least h with I_p(h, t + 1) < 0.01: with t samples above a bound, so many at or below it show
 * that at least the share p lies there. 0 < p < 1. */
uint64_t tkp_support_h_min(double p, uint64_t t);
/* The least number of samples that gives an upper bound of the percentile p. */
uint64_t tkp_support_needed(double p);
/* The largest t >= 1 with n >= h_min(t) + t: the t-th largest of n samples is the upper bound. 0
 * when n is too small. */
uint64_t tkp_support_t(double p, uint64_t n);

#endif
