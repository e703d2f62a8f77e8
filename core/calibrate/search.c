/* SPDX-License-Identifier: Apache-2.0 */
/* See search.h. */
#include <calibrate/search.h>

#include <math.h>

enum { TRIES = 3 };

const char *tkp_calibrated_by_name(enum tkp_calibrated_by by)
{
    static const char *const names[] = {[TKP_CALIBRATED_BY_ERROR] = "error",
                                        [TKP_CALIBRATED_BY_THROUGHPUT] = "throughput",
                                        [TKP_CALIBRATED_BY_RANGE] = "range",
                                        [TKP_CALIBRATED_BY_TIME] = "time"};
    return names[by];
}

static enum tkp_calibrated_by reason_of(enum tkp_step_outcome outcome)
{
    if (outcome == TKP_STEP_NO_TIME)
        return TKP_CALIBRATED_BY_TIME;
    return outcome == TKP_STEP_SLOW ? TKP_CALIBRATED_BY_THROUGHPUT : TKP_CALIBRATED_BY_ERROR;
}

/* One level. */
static tokperf_status try_level(const struct tkp_search *search, double level,
                                struct tkp_search_result *result, enum tkp_step_outcome *outcome,
                                struct tokperf_error *error)
{
    for (int tries = 0; tries < TRIES; tries++) {
        enum tkp_step_outcome found = TKP_STEP_NO_TIME;
        tokperf_status status = search->step(search->context, level, &found, error);
        if (status != TOKPERF_OK)
            return status;
        if (tries && found == TKP_STEP_NO_TIME)
            return TOKPERF_OK; /* the outcome of the try before stands */
        *outcome = found;
        if (found == TKP_STEP_NO_TIME)
            return TOKPERF_OK;
        result->steps++;
        if (found == TKP_STEP_HELD) {
            result->level = level;
            return TOKPERF_OK;
        }
    }
    return TOKPERF_OK;
}

/* Between the level that held and the one that broke. */
static tokperf_status bisect(const struct tkp_search *search, double broken,
                             struct tkp_search_result *result, struct tokperf_error *error)
{
    for (uint32_t i = 0; i < search->bisections; i++) {
        enum tkp_step_outcome outcome = TKP_STEP_NO_TIME;
        double held = result->level, level = round(sqrt(held * broken));
        if (level <= held || level >= broken)
            return TOKPERF_OK;
        tokperf_status status = try_level(search, level, result, &outcome, error);
        if (status != TOKPERF_OK)
            return status;
        if (outcome == TKP_STEP_NO_TIME)
            return TOKPERF_OK; /* what broke above is why it is not higher */
        if (outcome != TKP_STEP_HELD) {
            result->by = reason_of(outcome);
            broken = level;
        }
    }
    return TOKPERF_OK;
}

tokperf_status tkp_search_run(const struct tkp_search *search, struct tkp_search_result *result,
                              struct tokperf_error *error)
{
    *result = (struct tkp_search_result){.by = TKP_CALIBRATED_BY_RANGE};
    double level = search->first;
    for (;;) {
        enum tkp_step_outcome outcome = TKP_STEP_NO_TIME;
        tokperf_status status = try_level(search, level, result, &outcome, error);
        if (status != TOKPERF_OK)
            return status;
        if (outcome != TKP_STEP_HELD) {
            result->by = reason_of(outcome);
            bool bracketed = result->level > 0 && outcome != TKP_STEP_NO_TIME;
            return bracketed ? bisect(search, level, result, error) : TOKPERF_OK;
        }
        if (level >= search->last)
            return TOKPERF_OK;
        level = fmin(round(level * search->factor), search->last);
    }
}
