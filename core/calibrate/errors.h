/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing list of timing errors and what it says: percentiles, and an upper bound of the p99 with
 * 99 % confidence where there are samples enough. One thread.
 */
#ifndef TKP_CALIBRATE_ERRORS_H
#define TKP_CALIBRATE_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

/* Sizes of errors, in ns. Zeroed is empty. */
struct tkp_error_list {
    double *values_ns;
    uint64_t count, room;
    bool failed; /* no memory: the list is incomplete */
};

/* What a list says. `independent` of the samples count for the bound: the chunks of one answer
 * depend on each other, so one of each answer does. */
struct tkp_error_figures {
    uint64_t samples, independent;
    double p50_us, p90_us, p99_us, max_us;
    bool has_bound;      /* independent >= 662: metrics/support.h */
    double p99_bound_us; /* p99 <= this with 99 % confidence, for independent samples */
};

void tkp_error_list_add(struct tkp_error_list *list, double error_ns); /* keeps its size */
void tkp_error_list_finish(struct tkp_error_list *list);
/* Sorts both lists. `independent` may be `all` itself. Without samples every number is 0. */
struct tkp_error_figures tkp_error_figures(struct tkp_error_list *all,
                                           struct tkp_error_list *independent);

#endif
