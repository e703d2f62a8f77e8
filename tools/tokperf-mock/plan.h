/* SPDX-License-Identifier: Apache-2.0 */
/* How many tokens an answer has, of which kind, and how they are cut into chunks. */
#ifndef TKP_MOCK_PLAN_H
#define TKP_MOCK_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "inference.h"
#include "options.h"

/* Tokens of one tool call: one for its name, the others for pieces of its arguments. */
enum { TKP_MOCK_TOOL_CALL_TOKENS = 5 };

/* In the order of sending: reasoning, prose, tool calls. */
struct tkp_mock_plan {
    uint64_t reasoning_tokens;
    uint64_t content_tokens;
    uint64_t tool_tokens;
    uint64_t tokens_per_chunk;
    uint64_t reasoning_chunks;
    uint64_t content_chunks;
    uint64_t chunks; /* of all kinds; a tool token is a chunk */
    const char *finish_reason;
};

enum tkp_mock_chunk_kind {
    TKP_MOCK_CHUNK_REASONING,
    TKP_MOCK_CHUNK_CONTENT,
    TKP_MOCK_CHUNK_TOOL,
};

struct tkp_mock_chunk {
    enum tkp_mock_chunk_kind kind;
    uint64_t first; /* token number among those of its kind */
    uint64_t tokens;
};

/* `empty` plans an answer without a single token. */
struct tkp_mock_plan tkp_mock_plan_make(const struct tkp_mock_options *options,
                                        const struct tkp_mock_inference *inference, bool chat,
                                        bool empty);
/* Chunk number index, below plan->chunks. */
struct tkp_mock_chunk tkp_mock_plan_chunk(const struct tkp_mock_plan *plan, uint64_t index);
uint64_t tkp_mock_plan_tokens(const struct tkp_mock_plan *plan);

#endif
