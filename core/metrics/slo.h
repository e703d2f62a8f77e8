/* SPDX-License-Identifier: Apache-2.0 */
/* Service level objectives, `--goodput tag:value`: which requests are good. Pure. [any] */
#ifndef TKP_METRICS_SLO_H
#define TKP_METRICS_SLO_H

#include <metrics/values.h>

/* Whether every tag is a metric with one value per request. TOKPERF_E_INVALID otherwise, with the
 * closest tag that is. */
tokperf_status tkp_slos_check(const struct tkp_slo *slos, uint32_t count,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether an ok request meets every SLO of the context: at least the threshold where larger is
 * better, at most otherwise. *missing: one of the metrics is not there, which fails it. */
bool tkp_slos_met(const struct tkp_metric_context *context, const struct tkp_values *values,
                  bool *missing);

#endif
