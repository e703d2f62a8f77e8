/* SPDX-License-Identifier: Apache-2.0 */
/* Renders chat.completion(.chunk), text_completion, model list and error objects. */
#include "render.h"

#include <string.h>

#include "dialect.h"
#include "draw.h"
#include "text.h"

#define ADD(out, literal) tkp_mock_buffer_add(out, literal, sizeof(literal) - 1)

/* The reasoning text begins at another word than the answer's. */
enum { REASONING_FIRST_WORD = 7 };

/* A call's arguments {"city": "Paris", "days": 3}, cut inside of a key's value. JSON-escaped. */
static const char *const argument_pieces[TKP_MOCK_TOOL_CALL_TOKENS - 1] = {
    "{\\\"city\\\":", " \\\"Par", "is\\\", \\\"days\\\":", " 3}"};

static void add_usage(const struct tkp_mock_reply *reply, uint64_t reasoning, uint64_t completion,
                      struct tkp_mock_buffer *out)
{
    ADD(out, "\"usage\":{\"prompt_tokens\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens);
    ADD(out, ",\"completion_tokens\":");
    tkp_mock_buffer_add_u64(out, completion);
    ADD(out, ",\"total_tokens\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens + completion);
    ADD(out, ",\"prompt_tokens_details\":{\"cached_tokens\":0},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":");
    tkp_mock_buffer_add_u64(out, reasoning);
    ADD(out, "}}");
}

/* Usage after the first `chunks` chunks. */
static void add_usage_after(const struct tkp_mock_reply *reply, uint64_t chunks,
                            struct tkp_mock_buffer *out)
{
    struct tkp_mock_chunk last = {0};
    uint64_t reasoning = 0;
    uint64_t completion = 0;
    if (chunks > 0) {
        last = tkp_mock_plan_chunk(&reply->plan, chunks - 1);
        uint64_t of_kind = last.first + last.tokens;
        bool still = last.kind == TKP_MOCK_CHUNK_REASONING;
        reasoning = still ? of_kind : reply->plan.reasoning_tokens;
        completion = still ? of_kind : reasoning + of_kind;
        completion += last.kind == TKP_MOCK_CHUNK_TOOL ? reply->plan.content_tokens : 0;
    }
    add_usage(reply, reasoning, completion, out);
}

/* What follows the choices of a chunk after which `chunks` chunks have been sent. */
static void add_chunk_usage(const struct tkp_mock_reply *reply, uint64_t chunks,
                            struct tkp_mock_buffer *out)
{
    if (reply->continuous_usage) {
        ADD(out, ",");
        add_usage_after(reply, chunks, out);
    } else if (reply->include_usage) {
        ADD(out, ",\"usage\":null");
    }
}

size_t tkp_mock_render_stamp(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    char blank[TKP_MOCK_STAMP_WIDTH];
    if (!reply->options->stamp) {
        return 0;
    }
    ADD(out, ",\"stamp\":{\"arrival_ns\":");
    tkp_mock_buffer_put_padded(blank, sizeof blank, reply->arrival_ns);
    tkp_mock_buffer_add(out, blank, sizeof blank);
    ADD(out, ",\"intended_ns\":");
    tkp_mock_buffer_put_padded(blank, sizeof blank, reply->intended_ns);
    tkp_mock_buffer_add(out, blank, sizeof blank);
    ADD(out, ",\"sent_ns\":");
    size_t at = out->len;
    tkp_mock_buffer_put_padded(blank, sizeof blank, 0);
    tkp_mock_buffer_add(out, blank, sizeof blank);
    ADD(out, "}");
    return at;
}

static void add_head(const struct tkp_mock_reply *reply, const char *object,
                     struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add_text(out, reply->chat ? "{\"id\":\"chatcmpl-" : "{\"id\":\"cmpl-");
    tkp_mock_buffer_add_hex(out, tkp_mock_draw_bits(reply->options->seed, reply->number, 0));
    ADD(out, "\",\"object\":\"");
    tkp_mock_buffer_add_text(out, object);
    ADD(out, "\",\"created\":");
    tkp_mock_buffer_add_u64(out, reply->created_s);
    ADD(out, ",\"model\":\"");
    tkp_mock_buffer_add(out, reply->model.data, reply->model.len);
    ADD(out, "\",\"choices\":[");
}

void tkp_mock_render_prefix(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    if (tkp_mock_dialect_has(reply->api)) {
        tkp_mock_dialect_prefix(reply, out);
        return;
    }
    add_head(reply, reply->chat ? "chat.completion.chunk" : "text_completion", out);
}

void tkp_mock_render_role(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                          struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add(out, prefix.data, prefix.len);
    ADD(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,"
             "\"finish_reason\":null}]");
    add_chunk_usage(reply, 0, out);
    ADD(out, "}");
}

/* One or both of the fields for reasoning, each followed by a comma. */
static void add_reasoning(const struct tkp_mock_reply *reply, uint64_t first, uint64_t tokens,
                          struct tkp_mock_buffer *out)
{
    if (reply->options->reasoning_field != TKP_MOCK_REASONING_FIELD_PLAIN) {
        ADD(out, "\"reasoning_content\":\"");
        tkp_mock_text_add(out, REASONING_FIRST_WORD + first, tokens);
        ADD(out, "\",");
    }
    if (reply->options->reasoning_field != TKP_MOCK_REASONING_FIELD_CONTENT) {
        ADD(out, "\"reasoning\":\"");
        tkp_mock_text_add(out, REASONING_FIRST_WORD + first, tokens);
        ADD(out, "\",");
    }
}

static void add_call_head(const struct tkp_mock_reply *reply, uint64_t call, bool indexed,
                          struct tkp_mock_buffer *out)
{
    ADD(out, "{");
    if (indexed) {
        ADD(out, "\"index\":");
        tkp_mock_buffer_add_u64(out, call);
        ADD(out, ",");
    }
    ADD(out, "\"id\":\"call_");
    tkp_mock_buffer_add_hex(out, tkp_mock_draw_bits(reply->options->seed, reply->number, call + 1));
    ADD(out, "\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"");
}

static void add_tool_delta(const struct tkp_mock_reply *reply, uint64_t token,
                           struct tkp_mock_buffer *out)
{
    uint64_t call = token / TKP_MOCK_TOOL_CALL_TOKENS;
    uint64_t piece = token % TKP_MOCK_TOOL_CALL_TOKENS;
    ADD(out, "\"tool_calls\":[");
    if (piece == 0) {
        add_call_head(reply, call, true, out);
    } else {
        ADD(out, "{\"index\":");
        tkp_mock_buffer_add_u64(out, call);
        ADD(out, ",\"function\":{\"arguments\":\"");
        tkp_mock_buffer_add_text(out, argument_pieces[piece - 1]);
    }
    ADD(out, "\"}}]");
}

static void add_delta(const struct tkp_mock_reply *reply, struct tkp_mock_chunk chunk,
                      struct tkp_mock_buffer *out)
{
    switch (chunk.kind) {
    case TKP_MOCK_CHUNK_REASONING:
        add_reasoning(reply, chunk.first, chunk.tokens, out);
        ADD(out, "\"content\":null");
        return;
    case TKP_MOCK_CHUNK_CONTENT:
        ADD(out, "\"content\":\"");
        tkp_mock_text_add(out, chunk.first, chunk.tokens);
        ADD(out, "\"");
        return;
    case TKP_MOCK_CHUNK_TOOL:
        add_tool_delta(reply, chunk.first, out);
        return;
    }
}

size_t tkp_mock_render_chunk(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                             uint64_t index, struct tkp_mock_buffer *out)
{
    struct tkp_mock_chunk chunk = tkp_mock_plan_chunk(&reply->plan, index);
    if (tkp_mock_dialect_has(reply->api)) {
        return tkp_mock_dialect_chunk(reply, prefix, index, out);
    }
    tkp_mock_buffer_add(out, prefix.data, prefix.len);
    if (reply->chat) {
        ADD(out, "{\"index\":0,\"delta\":{");
        add_delta(reply, chunk, out);
        ADD(out, "}");
    } else {
        ADD(out, "{\"index\":0,\"text\":\"");
        tkp_mock_text_add(out, chunk.first, chunk.tokens);
        ADD(out, "\"");
    }
    ADD(out, ",\"logprobs\":null,\"finish_reason\":null}]");
    add_chunk_usage(reply, index + 1, out);
    size_t stamp_at = tkp_mock_render_stamp(reply, out);
    ADD(out, "}");
    return stamp_at;
}

void tkp_mock_render_finish(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                            struct tkp_mock_buffer *out)
{
    if (tkp_mock_dialect_has(reply->api)) {
        tkp_mock_dialect_finish(reply, prefix, out);
        return;
    }
    tkp_mock_buffer_add(out, prefix.data, prefix.len);
    tkp_mock_buffer_add_text(out, reply->chat ? "{\"index\":0,\"delta\":{}"
                                              : "{\"index\":0,\"text\":\"\"");
    ADD(out, ",\"logprobs\":null,\"finish_reason\":\"");
    tkp_mock_buffer_add_text(out, reply->plan.finish_reason);
    ADD(out, "\"}]");
    add_chunk_usage(reply, reply->plan.chunks, out);
    ADD(out, "}");
}

void tkp_mock_render_usage(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                           struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add(out, prefix.data, prefix.len);
    ADD(out, "],");
    add_usage_after(reply, reply->plan.chunks, out);
    ADD(out, "}");
}

static void add_whole_calls(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    ADD(out, ",\"tool_calls\":[");
    for (uint64_t token = 0; token < reply->plan.tool_tokens; token++) {
        uint64_t piece = token % TKP_MOCK_TOOL_CALL_TOKENS;
        if (piece == 0) {
            tkp_mock_buffer_add_text(out, token == 0 ? "" : "\"}},");
            add_call_head(reply, token / TKP_MOCK_TOOL_CALL_TOKENS, false, out);
        } else {
            tkp_mock_buffer_add_text(out, argument_pieces[piece - 1]);
        }
    }
    ADD(out, "\"}}]");
}

static void add_message(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    ADD(out, "\"message\":{\"role\":\"assistant\",");
    if (reply->plan.reasoning_tokens > 0) {
        add_reasoning(reply, 0, reply->plan.reasoning_tokens, out);
    }
    if (reply->plan.content_tokens == 0 && reply->plan.tool_tokens > 0) {
        ADD(out, "\"content\":null");
    } else {
        ADD(out, "\"content\":\"");
        tkp_mock_text_add(out, 0, reply->plan.content_tokens);
        ADD(out, "\"");
    }
    if (reply->plan.tool_tokens > 0) {
        add_whole_calls(reply, out);
    }
    ADD(out, "}");
}

size_t tkp_mock_render_whole(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    if (tkp_mock_dialect_has(reply->api)) {
        return tkp_mock_dialect_whole(reply, out);
    }
    add_head(reply, reply->chat ? "chat.completion" : "text_completion", out);
    ADD(out, "{\"index\":0,");
    if (reply->chat) {
        add_message(reply, out);
    } else {
        ADD(out, "\"text\":\"");
        tkp_mock_text_add(out, 0, reply->plan.content_tokens);
        ADD(out, "\"");
    }
    ADD(out, ",\"logprobs\":null,\"finish_reason\":\"");
    tkp_mock_buffer_add_text(out, reply->plan.finish_reason);
    ADD(out, "\"}],");
    add_usage(reply, reply->plan.reasoning_tokens, tkp_mock_plan_tokens(&reply->plan), out);
    size_t stamp_at = tkp_mock_render_stamp(reply, out);
    ADD(out, "}");
    return stamp_at;
}
