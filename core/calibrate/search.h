/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for the highest level that holds: up by a factor until a step breaks, then bisection
 * in the logarithm. A step that breaks is tried three times before it counts, because a machine is
 * disturbed now and then. Pure but for what the step does. [main]
 */
#ifndef TKP_CALIBRATE_SEARCH_H
#define TKP_CALIBRATE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum tkp_step_outcome {
    TKP_STEP_HELD = 1,
    TKP_STEP_ERROR,  /* the error broke the bound */
    TKP_STEP_SLOW,   /* client and server together did not reach the level; the error held */
    TKP_STEP_NO_TIME /* not tried: the search's time is over */
};

/* Why the level is not higher. */
enum tkp_calibrated_by {
    TKP_CALIBRATED_BY_ERROR = 1,
    TKP_CALIBRATED_BY_THROUGHPUT,
    TKP_CALIBRATED_BY_RANGE, /* the highest level that is tried held */
    TKP_CALIBRATED_BY_TIME
};
const char *tkp_calibrated_by_name(enum tkp_calibrated_by by); /* "error", ... */

struct tkp_search {
    double first, last; /* levels, whole numbers >= 1 */
    double factor;      /* of the ramp, > 1 */
    uint32_t bisections;
    void *context;
    tokperf_status (*step)(void *context, double level, enum tkp_step_outcome *outcome,
                           struct tokperf_error *error);
};

struct tkp_search_result {
    double level; /* the highest that held; 0: none did */
    enum tkp_calibrated_by by;
    uint32_t steps; /* taken */
};

/* Held levels come in rising order. A failure of a step ends the search. */
tokperf_status tkp_search_run(const struct tkp_search *search, struct tkp_search_result *result,
                              struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
