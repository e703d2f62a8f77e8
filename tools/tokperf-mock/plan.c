/* SPDX-License-Identifier: Apache-2.0 */
/* Token counts from options and request. The request's limit cuts in the order of sending. */
#include "plan.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t parts(uint64_t tokens, uint64_t size)
{
    return (tokens + size - 1) / size;
}

/* Tokens of prose before the limit cuts; `others` are reasoning and tool calls. */
static uint64_t natural_prose(const struct tkp_mock_options *options,
                              const struct tkp_mock_inference *inference, uint64_t others)
{
    uint64_t limit = inference->max_tokens;
    bool fills = limit != 0 && (options->osl_tokens == 0 || inference->ignore_eos);
    if (options->tool_calls_only) {
        return 0;
    }
    if (fills) {
        return limit > others ? limit - others : 0;
    }
    uint64_t prose = options->osl_tokens == 0 ? TKP_MOCK_OSL_DEFAULT : options->osl_tokens;
    uint64_t least = inference->min_tokens > others ? inference->min_tokens - others : 0;
    return larger(prose, least);
}

struct tkp_mock_plan tkp_mock_plan_make(const struct tkp_mock_options *options,
                                        const struct tkp_mock_inference *inference, bool chat,
                                        bool empty)
{
    struct tkp_mock_plan plan = {
        .tokens_per_chunk = options->tokens_per_chunk,
        .finish_reason = "stop",
    };
    if (empty) {
        return plan;
    }
    uint64_t limit = inference->max_tokens == 0 ? TKP_MOCK_TOKENS_MAX : inference->max_tokens;
    uint64_t reasoning = chat ? options->reasoning_tokens : 0;
    uint64_t tools = chat ? options->tool_calls * TKP_MOCK_TOOL_CALL_TOKENS : 0;
    uint64_t prose =
        chat ? natural_prose(options, inference, reasoning + tools)
             : natural_prose(&(struct tkp_mock_options){.osl_tokens = options->osl_tokens},
                             inference, 0);
    uint64_t left = smaller(limit, TKP_MOCK_TOKENS_MAX);
    plan.reasoning_tokens = smaller(reasoning, left);
    left -= plan.reasoning_tokens;
    plan.content_tokens = smaller(prose, left);
    left -= plan.content_tokens;
    plan.tool_tokens = smaller(tools, left);

    plan.reasoning_chunks = parts(plan.reasoning_tokens, plan.tokens_per_chunk);
    plan.content_chunks = parts(plan.content_tokens, plan.tokens_per_chunk);
    plan.chunks = plan.reasoning_chunks + plan.content_chunks + plan.tool_tokens;
    if (inference->max_tokens != 0 && reasoning + prose + tools >= inference->max_tokens &&
        (options->osl_tokens == 0 || inference->ignore_eos ||
         reasoning + prose + tools > inference->max_tokens)) {
        plan.finish_reason = "length";
    } else if (plan.tool_tokens > 0) {
        plan.finish_reason = "tool_calls";
    }
    return plan;
}

struct tkp_mock_chunk tkp_mock_plan_chunk(const struct tkp_mock_plan *plan, uint64_t index)
{
    struct tkp_mock_chunk chunk = {.kind = TKP_MOCK_CHUNK_REASONING};
    uint64_t of_kind = plan->reasoning_tokens;
    uint64_t size = plan->tokens_per_chunk;
    if (index >= plan->reasoning_chunks + plan->content_chunks) {
        chunk.kind = TKP_MOCK_CHUNK_TOOL;
        index -= plan->reasoning_chunks + plan->content_chunks;
        of_kind = plan->tool_tokens;
        size = 1;
    } else if (index >= plan->reasoning_chunks) {
        chunk.kind = TKP_MOCK_CHUNK_CONTENT;
        index -= plan->reasoning_chunks;
        of_kind = plan->content_tokens;
    }
    chunk.first = index * size;
    chunk.tokens = smaller(size, of_kind - chunk.first);
    return chunk;
}

uint64_t tkp_mock_plan_tokens(const struct tkp_mock_plan *plan)
{
    return plan->reasoning_tokens + plan->content_tokens + plan->tool_tokens;
}
