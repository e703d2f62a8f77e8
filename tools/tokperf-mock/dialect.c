/* SPDX-License-Identifier: Apache-2.0 */
/* Renders the objects of the APIs that are not chat or completions. */
#include "dialect.h"

#include <string.h>

#include "draw.h"
#include "text.h"

#define ADD(out, literal) tkp_mock_buffer_add(out, literal, sizeof(literal) - 1)

enum { VECTOR_NUMBERS = 8, VECTOR_LANE = 0x4000 };

bool tkp_mock_dialect_has(enum tkp_mock_api api)
{
    return api != TKP_MOCK_API_COMPLETIONS && api != TKP_MOCK_API_CHAT;
}

bool tkp_mock_dialect_is_lines(enum tkp_mock_api api)
{
    return api == TKP_MOCK_API_OLLAMA_CHAT || api == TKP_MOCK_API_OLLAMA_GENERATE;
}

void tkp_mock_dialect_prefix(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    if (!tkp_mock_dialect_is_lines(reply->api)) {
        return;
    }
    ADD(out, "{\"model\":\"");
    tkp_mock_buffer_add(out, reply->model.data, reply->model.len);
    ADD(out, "\",\"created_at\":\"2026-01-01T00:00:00Z\",");
}

static void add_ollama_text(const struct tkp_mock_reply *reply, uint64_t first, uint64_t tokens,
                            struct tkp_mock_buffer *out)
{
    bool chat = reply->api == TKP_MOCK_API_OLLAMA_CHAT;
    tkp_mock_buffer_add_text(out, chat ? "\"message\":{\"role\":\"assistant\",\"content\":\""
                                       : "\"response\":\"");
    tkp_mock_text_add(out, first, tokens);
    tkp_mock_buffer_add_text(out, chat ? "\"}" : "\"");
}

static void add_ollama_end(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    ADD(out, ",\"done\":true,\"done_reason\":\"");
    tkp_mock_buffer_add_text(out, reply->plan.finish_reason);
    ADD(out, "\",\"total_duration\":1,\"load_duration\":0,\"prompt_eval_count\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens);
    ADD(out, ",\"eval_count\":");
    tkp_mock_buffer_add_u64(out, tkp_mock_plan_tokens(&reply->plan));
}

static void add_details(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    bool length = strcmp(reply->plan.finish_reason, "length") == 0;
    ADD(out, "\"details\":{\"finish_reason\":\"");
    tkp_mock_buffer_add_text(out, length ? "length" : "eos_token");
    ADD(out, "\",\"generated_tokens\":");
    tkp_mock_buffer_add_u64(out, tkp_mock_plan_tokens(&reply->plan));
    ADD(out, ",\"input_length\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens);
    ADD(out, ",\"seed\":null}");
}

size_t tkp_mock_dialect_chunk(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                              uint64_t index, struct tkp_mock_buffer *out)
{
    struct tkp_mock_chunk chunk = tkp_mock_plan_chunk(&reply->plan, index);
    if (tkp_mock_dialect_is_lines(reply->api)) {
        tkp_mock_buffer_add(out, prefix.data, prefix.len);
        add_ollama_text(reply, chunk.first, chunk.tokens, out);
        ADD(out, ",\"done\":false");
    } else {
        ADD(out, "{\"index\":");
        tkp_mock_buffer_add_u64(out, index + 1);
        ADD(out, ",\"token\":{\"id\":");
        tkp_mock_buffer_add_u64(out, chunk.first);
        ADD(out, ",\"text\":\"");
        tkp_mock_text_add(out, chunk.first, chunk.tokens);
        ADD(out, "\",\"logprob\":-0.5,\"special\":false},\"generated_text\":null,\"details\":null");
    }
    size_t stamp_at = tkp_mock_render_stamp(reply, out);
    ADD(out, "}");
    return stamp_at;
}

void tkp_mock_dialect_finish(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                             struct tkp_mock_buffer *out)
{
    if (tkp_mock_dialect_is_lines(reply->api)) {
        tkp_mock_buffer_add(out, prefix.data, prefix.len);
        add_ollama_text(reply, 0, 0, out);
        add_ollama_end(reply, out);
    } else {
        ADD(out, "{\"index\":");
        tkp_mock_buffer_add_u64(out, reply->plan.chunks + 1);
        ADD(out, ",\"token\":{\"id\":2,\"text\":\"</s>\",\"logprob\":-0.1,\"special\":true},"
                 "\"generated_text\":\"");
        tkp_mock_text_add(out, 0, reply->plan.content_tokens);
        ADD(out, "\",");
        add_details(reply, out);
    }
    ADD(out, "}");
}

/* Numbers between -1 and 1, the same for the same request. */
static void add_vector(const struct tkp_mock_reply *reply, uint64_t index,
                       struct tkp_mock_buffer *out)
{
    ADD(out, "{\"object\":\"embedding\",\"index\":");
    tkp_mock_buffer_add_u64(out, index);
    ADD(out, ",\"embedding\":[");
    for (uint64_t i = 0; i < VECTOR_NUMBERS; i++) {
        uint64_t bits = tkp_mock_draw_bits(reply->options->seed, reply->number,
                                           VECTOR_LANE + index * VECTOR_NUMBERS + i);
        tkp_mock_buffer_add_text(out, i > 0 ? "," : "");
        tkp_mock_buffer_add_text(out, bits & 1 ? "-0." : "0.");
        tkp_mock_buffer_add_u64(out, 1000 + (bits >> 1) % 9000);
    }
    ADD(out, "]}");
}

static void add_embeddings(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    ADD(out, "{\"object\":\"list\",\"data\":[");
    for (uint64_t i = 0; i < reply->inputs; i++) {
        tkp_mock_buffer_add_text(out, i > 0 ? "," : "");
        add_vector(reply, i, out);
    }
    ADD(out, "],\"model\":\"");
    tkp_mock_buffer_add(out, reply->model.data, reply->model.len);
    ADD(out, "\",\"usage\":{\"prompt_tokens\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens);
    ADD(out, ",\"total_tokens\":");
    tkp_mock_buffer_add_u64(out, reply->prompt_tokens);
    ADD(out, "}");
}

size_t tkp_mock_dialect_whole(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out)
{
    if (reply->api == TKP_MOCK_API_EMBEDDINGS) {
        add_embeddings(reply, out);
    } else if (tkp_mock_dialect_is_lines(reply->api)) {
        tkp_mock_dialect_prefix(reply, out);
        add_ollama_text(reply, 0, reply->plan.content_tokens, out);
        add_ollama_end(reply, out);
    } else {
        ADD(out, "{\"generated_text\":\"");
        tkp_mock_text_add(out, 0, reply->plan.content_tokens);
        ADD(out, "\",");
        add_details(reply, out);
    }
    size_t stamp_at = tkp_mock_render_stamp(reply, out);
    ADD(out, "}");
    return stamp_at;
}

void tkp_mock_dialect_error(enum tkp_mock_api api, const char *message, struct tkp_mock_buffer *out)
{
    ADD(out, "{\"error\":\"");
    tkp_mock_buffer_add_text(out, message);
    tkp_mock_buffer_add_text(
        out, tkp_mock_dialect_is_lines(api) ? "\"}" : "\",\"error_type\":\"generation\"}");
}
