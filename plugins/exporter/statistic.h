/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a metric has a statistic that can be shown: it is there and finite. */
#ifndef EXPORTER_STATISTIC_H
#define EXPORTER_STATISTIC_H

#include <math.h>
#include <tokperf/exporter.h>

static inline int has_statistic(const struct tokperf_metric *metric, uint32_t stat)
{
    return (metric->stats & (1u << stat)) != 0 && isfinite(metric->value[stat]);
}

/* Whether it has any. */
static inline int has_statistics(const struct tokperf_metric *metric)
{
    for (uint32_t stat = 0; stat < TOKPERF_STAT_SLOTS; stat++)
        if (has_statistic(metric, stat))
            return 1;
    return 0;
}

#endif
