/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool calls of a live answer, kept for the conversation's next turns: parts as they come, then
 * OpenAI's JSON array of calls in the order of their indices. The plugin gives no ids: call N of an
 * answer is "call_N". Owned by one thread.
 */
#ifndef TKP_WORKER_TOOL_CALLS_H
#define TKP_WORKER_TOOL_CALLS_H

#include <worker/spill.h>

enum { TKP_TOOL_CALLS_MAX = 128 }; /* of one answer; what is past them is left out */

/* Adds a part of a call to *parts; name and arguments may each be empty. encoding:
 * TOKPERF_ENCODING_*. false: no memory. */
bool tkp_tool_calls_add(struct tkp_spill_pool *pool, struct tkp_spill **parts, uint32_t index,
                        struct tokperf_span name, struct tokperf_span arguments, uint32_t encoding);
/* Appends the array of the calls in `parts` to *out. false: no memory. */
bool tkp_tool_calls_write(struct tkp_spill_pool *pool, const struct tkp_spill *parts,
                          struct tkp_spill **out);

#endif
