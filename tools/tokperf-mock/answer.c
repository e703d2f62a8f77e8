/* SPDX-License-Identifier: Apache-2.0 */
/* The sequence of an answer: a stream has a head and the pieces of answer_stream.c; any other
 * answer is one piece. */
#include "answer.h"

#include <string.h>

#include "answer_stream.h"
#include "dialect.h"
#include "schedule.h"

enum {
    SCRATCH_BYTES_MAX = 8 * 1024 * 1024, /* the longest answer, both reasoning fields, escapes */
};

void tkp_mock_workspace_init(struct tkp_mock_workspace *workspace)
{
    tkp_mock_buffer_init(&workspace->json, SCRATCH_BYTES_MAX);
    tkp_mock_buffer_init(&workspace->body, SCRATCH_BYTES_MAX);
}

void tkp_mock_workspace_finish(struct tkp_mock_workspace *workspace)
{
    tkp_mock_buffer_finish(&workspace->json);
    tkp_mock_buffer_finish(&workspace->body);
}

void tkp_mock_answer_init(struct tkp_mock_answer *answer)
{
    *answer = (struct tkp_mock_answer){0};
    tkp_mock_buffer_init(&answer->prefix, 4096);
}

void tkp_mock_answer_finish(struct tkp_mock_answer *answer)
{
    tkp_mock_buffer_finish(&answer->prefix);
}

static struct tkp_mock_slice as_slice(const struct tkp_mock_buffer *buffer)
{
    return (struct tkp_mock_slice){buffer->data, buffer->len};
}

static void add_head(struct tkp_mock_answer *answer, const char *type, const char *extra,
                     size_t body_bytes, struct tkp_mock_buffer *out)
{
    if (answer->reply.options->informational && !answer->http10) {
        tkp_mock_buffer_add_text(out, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                      "link: </style.css>; rel=preload\r\n\r\n");
    }
    tkp_mock_http_add_head(out, &(struct tkp_mock_head){.status = answer->status,
                                                        .content_type = type,
                                                        .extra = extra,
                                                        .framing = answer->framing,
                                                        .body_bytes = body_bytes,
                                                        .keep_alive = answer->keep_alive,
                                                        .http10 = answer->http10});
}

void tkp_mock_answer_failure(const struct tkp_mock_answer *answer, struct tkp_mock_buffer *json)
{
    static const char message[] = "The engine failed in the middle of the answer.";
    enum tkp_mock_api api = answer->reply.api;
    if (tkp_mock_dialect_has(api) && api != TKP_MOCK_API_EMBEDDINGS) {
        tkp_mock_dialect_error(api, message, json);
    } else {
        tkp_mock_render_error(500, message, NULL, json);
    }
}

static struct tkp_mock_piece next_of_stream(struct tkp_mock_answer *answer,
                                            struct tkp_mock_workspace *workspace,
                                            struct tkp_mock_buffer *out)
{
    workspace->body.len = 0;
    if (answer->stage == TKP_MOCK_STAGE_HEAD) {
        size_t bytes = answer->framing == TKP_MOCK_FRAMING_LENGTH
                           ? tkp_mock_answer_stream_measure(answer, workspace)
                           : 0;
        bool lines = tkp_mock_dialect_is_lines(answer->reply.api);
        add_head(answer, lines ? "application/x-ndjson" : "text/event-stream; charset=utf-8",
                 "cache-control: no-cache\r\n", bytes, out);
    }
    struct tkp_mock_piece piece = tkp_mock_answer_stream_next(answer, workspace);
    size_t at = out->len;
    at += tkp_mock_http_add_body(out, answer->framing, as_slice(&workspace->body));
    piece.stamp_at += at;
    if (piece.then == TKP_MOCK_THEN_DONE) {
        tkp_mock_http_add_end(out, answer->framing);
    }
    return piece;
}

/* An answer of status 429, 500 or 503, or of half a head. */
static struct tkp_mock_piece next_of_refusal(struct tkp_mock_answer *answer,
                                             struct tkp_mock_workspace *workspace,
                                             struct tkp_mock_buffer *out)
{
    if (answer->fault == TKP_MOCK_FAULT_HALF_HEADERS) {
        tkp_mock_buffer_add_text(out, "HTTP/1.1 200 OK\r\nserver: tokperf-mock\r\ncontent-ty");
        return (struct tkp_mock_piece){.then = TKP_MOCK_THEN_CLOSE};
    }
    tkp_mock_render_error(answer->status, "This fault was asked for.", NULL, &workspace->json);
    add_head(answer, "application/json", answer->status == 429 ? "retry-after: 1\r\n" : "",
             workspace->json.len, out);
    tkp_mock_http_add_body(out, answer->framing, as_slice(&workspace->json));
    return (struct tkp_mock_piece){.then = TKP_MOCK_THEN_DONE};
}

static struct tkp_mock_piece next_of_whole(struct tkp_mock_answer *answer,
                                           struct tkp_mock_workspace *workspace,
                                           struct tkp_mock_buffer *out)
{
    struct tkp_mock_buffer *json = &workspace->json;
    struct tkp_mock_piece piece = {.then = TKP_MOCK_THEN_DONE};
    size_t mark = 0;
    if (answer->fault == TKP_MOCK_FAULT_STREAM_ERROR) {
        tkp_mock_answer_failure(answer, json);
    } else {
        mark = tkp_mock_render_whole(&answer->reply, json);
        piece.tokens = tkp_mock_plan_tokens(&answer->reply.plan);
        piece.content = piece.tokens > 0;
    }
    if (answer->fault == TKP_MOCK_FAULT_BAD_JSON) {
        json->len /= 2;
    }
    add_head(answer, "application/json", "", json->len, out);
    if (tkp_mock_fault_cuts_body(answer->fault)) {
        json->len /= 2;
        piece.then = answer->fault == TKP_MOCK_FAULT_RESET   ? TKP_MOCK_THEN_RESET
                     : answer->fault == TKP_MOCK_FAULT_STALL ? TKP_MOCK_THEN_STALL
                                                             : TKP_MOCK_THEN_CLOSE;
    }
    piece.stamped = mark > 0 && mark + TKP_MOCK_STAMP_WIDTH <= json->len;
    piece.stamp_at = out->len + mark;
    tkp_mock_http_add_body(out, answer->framing, as_slice(json));
    return piece;
}

static int status_of(enum tkp_mock_fault fault)
{
    return fault == TKP_MOCK_FAULT_HTTP_429   ? 429
           : fault == TKP_MOCK_FAULT_HTTP_500 ? 500
           : fault == TKP_MOCK_FAULT_HTTP_503 ? 503
                                              : 200;
}

static bool is_refusal(const struct tkp_mock_answer *answer)
{
    return answer->status != 200 || answer->fault == TKP_MOCK_FAULT_HALF_HEADERS;
}

static enum tkp_mock_framing framing_of(const struct tkp_mock_question *question, bool streamed)
{
    const struct tkp_mock_options *options = question->options;
    bool short_length = question->fault == TKP_MOCK_FAULT_SHORT_LENGTH;
    if (options->close_delimited && !short_length) {
        return TKP_MOCK_FRAMING_CLOSE;
    }
    if (!streamed || options->content_length || short_length) {
        return TKP_MOCK_FRAMING_LENGTH;
    }
    return question->http10 ? TKP_MOCK_FRAMING_CLOSE : TKP_MOCK_FRAMING_CHUNKED;
}

void tkp_mock_answer_begin(struct tkp_mock_answer *answer, const struct tkp_mock_question *question)
{
    const struct tkp_mock_inference *inference = question->inference;
    const struct tkp_mock_options *options = question->options;
    struct tkp_mock_buffer prefix = answer->prefix;
    prefix.len = 0;
    *answer = (struct tkp_mock_answer){.fault = question->fault, .http10 = question->http10};
    answer->status = status_of(question->fault);
    answer->streamed =
        inference->stream && question->fault != TKP_MOCK_FAULT_NOT_STREAMED && !is_refusal(answer);
    answer->framing = framing_of(question, answer->streamed);
    answer->keep_alive = question->keep_alive && answer->framing != TKP_MOCK_FRAMING_CLOSE;

    bool empty =
        question->fault == TKP_MOCK_FAULT_EMPTY || question->api == TKP_MOCK_API_EMBEDDINGS;
    struct tkp_mock_slice model = inference->model;
    if (model.len == 0) {
        model = (struct tkp_mock_slice){options->models[0], strlen(options->models[0])};
    }
    /* The buffer keeps the prefix of a stream, or else the model's name. */
    answer->reply = (struct tkp_mock_reply){
        .options = options,
        .plan = tkp_mock_plan_make(options, inference, question->api == TKP_MOCK_API_CHAT, empty),
        .model = model,
        .number = question->number,
        .created_s = question->created_s,
        .prompt_tokens = inference->prompt_tokens,
        .arrival_ns = question->arrival_ns,
        .api = question->api,
        .chat = question->api == TKP_MOCK_API_CHAT,
        .inputs = question->fault == TKP_MOCK_FAULT_EMPTY ? 0 : inference->inputs,
        .include_usage = inference->include_usage,
        .continuous_usage = inference->continuous_usage,
    };
    if (answer->streamed) {
        tkp_mock_render_prefix(&answer->reply, &prefix);
        answer->reply.model = (struct tkp_mock_slice){0};
    } else {
        tkp_mock_buffer_add(&prefix, model.data, model.len);
        answer->reply.model = as_slice(&prefix);
    }
    answer->prefix = prefix;
    uint64_t half = answer->reply.plan.chunks / 2;
    answer->fault_at = half > 0 ? half : answer->reply.plan.chunks;
    answer->due_ns = answer->streamed || is_refusal(answer)
                         ? question->arrival_ns
                         : tkp_mock_schedule_last_ns(&answer->reply);
    answer->reply.intended_ns = answer->due_ns;
}

struct tkp_mock_piece tkp_mock_answer_next(struct tkp_mock_answer *answer,
                                           struct tkp_mock_workspace *workspace,
                                           struct tkp_mock_buffer *out)
{
    workspace->json.len = 0;
    if (answer->streamed) {
        return next_of_stream(answer, workspace, out);
    }
    return is_refusal(answer) ? next_of_refusal(answer, workspace, out)
                              : next_of_whole(answer, workspace, out);
}
