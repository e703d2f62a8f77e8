/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of the answer in flight, gathered for the record log (record/kept_text.h) in a buffer of
 * the worker's pool. Owned by one thread.
 */
#ifndef TKP_WORKER_KEPT_H
#define TKP_WORKER_KEPT_H

#include <tokperf/base.h>
#include <worker/spill.h>

/* Adds text to the run of its tag that is at the end, or begins one; takes *kept when it is NULL.
 * false: without memory or beyond TKP_KEPT_MAX_BYTES; nothing changed. */
bool tkp_kept_add(struct tkp_spill_pool *pool, struct tkp_spill **kept, uint32_t tag,
                  struct tokperf_span text);
/* What is to follow the row in the log; empty for NULL. */
struct tokperf_span tkp_kept_texts(const struct tkp_spill *kept);

#endif
