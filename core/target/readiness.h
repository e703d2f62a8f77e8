/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the server there, and which model does it serve? Blocking requests before the load, by
 * libcurl. [main]
 */
#ifndef TKP_TARGET_READINESS_H
#define TKP_TARGET_READINESS_H

#include <base/atomic.h>
#include <config/plan.h>
#include <dataset/dataset.h>

/* Waits as --wait-for-model-timeout, -mode and -interval ask for; at once OK when they do not.
 * model may be NULL for the mode models. TOKPERF_E_TIMEOUT says what the last answer was;
 * TOKPERF_E_CANCELLED when cancel was raised; TOKPERF_E_INVALID at once when the endpoint cannot
 * send a request of its own making. */
tokperf_status tkp_readiness_wait(const struct tkp_plan *plan, const struct tkp_url *url,
                                  const struct tkp_instance *endpoint, const char *model,
                                  const struct tkp_flag *cancel,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* The id of the first entry of GET /v1/models, copied into arena. TOKPERF_E_TIMEOUT when the server
 * does not say it, TOKPERF_E_CANCELLED when cancel was raised. */
tokperf_status tkp_readiness_first_model(const struct tkp_plan *plan, const struct tkp_url *url,
                                         const struct tkp_flag *cancel, struct tkp_arena *arena,
                                         const char **model,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
