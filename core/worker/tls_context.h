/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every TLS connection of a run begins with: whom to trust, the client's certificate,
 * versions. Made once on the main thread, so that files are read and refused before any load;
 * workers only read it.
 */
#ifndef TKP_WORKER_TLS_CONTEXT_H
#define TKP_WORKER_TLS_CONTEXT_H

#include <config/plan.h>

struct tkp_tls_context;

/* Reads the files of the plan. Errors name the option and the file; TOKPERF_E_INVALID: a file is
 * missing or not what it should be. [main] */
tokperf_status tkp_tls_context_create(const struct tkp_tls_plan *plan,
                                      struct tkp_tls_context **context,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_tls_context_destroy(struct tkp_tls_context *context); /* accepts NULL */

#endif
