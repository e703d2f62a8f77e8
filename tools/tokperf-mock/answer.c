/* SPDX-License-Identifier: Apache-2.0 */
/* The sequence of an answer: a stream is head and role, chunks, tail; any other answer is one
 * piece. Faults of the body strike half-way. */
#include "answer.h"

#include <math.h>
#include <string.h>

#include "draw.h"
#include "sse.h"

enum {
    SCRATCH_BYTES_MAX = 8 * 1024 * 1024, /* the longest answer, both reasoning fields, escapes */
    ITL_LANE = 16,                       /* lanes of tkp_mock_draw_factor: 0 is the first chunk */
    NS_PER_MS = 1000000,
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

static uint64_t to_ns(double ms)
{
    return (uint64_t)llround(ms * NS_PER_MS);
}

/* Due time of chunk 0. */
static uint64_t first_due_ns(const struct tkp_mock_reply *reply)
{
    const struct tkp_mock_options *options = reply->options;
    return reply->arrival_ns +
           to_ns(options->ttft_ms *
                 tkp_mock_draw_factor(options->seed, reply->number, 0, options->ttft_jitter));
}

/* Time between chunk index - 1 and chunk index; rounded once, so that without jitter the schedule
 * is arrival + ttft + index * itl. */
static uint64_t gap_ns(const struct tkp_mock_reply *reply, uint64_t index)
{
    const struct tkp_mock_options *options = reply->options;
    return to_ns(options->itl_ms * tkp_mock_draw_factor(options->seed, reply->number,
                                                        ITL_LANE + index, options->itl_jitter));
}

/* Due time of the last chunk, which an answer in one piece waits for. */
static uint64_t last_due_ns(const struct tkp_mock_reply *reply)
{
    uint64_t due_ns = first_due_ns(reply);
    if (reply->options->itl_jitter <= 0 && reply->plan.chunks > 0) {
        return due_ns + (reply->plan.chunks - 1) * gap_ns(reply, 1);
    }
    for (uint64_t i = 1; i < reply->plan.chunks; i++) {
        due_ns += gap_ns(reply, i);
    }
    return due_ns;
}

static struct tkp_mock_slice as_slice(const struct tkp_mock_buffer *buffer)
{
    return (struct tkp_mock_slice){buffer->data, buffer->len};
}

/* Frames workspace->json as one event and appends it to workspace->body. */
static void add_event(struct tkp_mock_answer *answer, struct tkp_mock_workspace *workspace,
                      size_t *mark)
{
    tkp_mock_sse_add(&workspace->body, (enum tkp_mock_dialect)answer->reply.options->dialect,
                     answer->events++, as_slice(&workspace->json), mark);
    workspace->json.len = 0;
}

static void add_done(struct tkp_mock_answer *answer, struct tkp_mock_workspace *workspace)
{
    if (!answer->reply.options->no_done) {
        tkp_mock_buffer_add_text(&workspace->json, "[DONE]");
        add_event(answer, workspace, NULL);
    }
}

/* The piece that a fault puts at its place in a stream; MORE when it is not the end. */
static struct tkp_mock_piece strike(struct tkp_mock_answer *answer,
                                    struct tkp_mock_workspace *workspace)
{
    struct tkp_mock_piece piece = {.then = TKP_MOCK_THEN_MORE};
    switch (answer->fault) {
    case TKP_MOCK_FAULT_STREAM_ERROR:
        tkp_mock_render_error(500, "The engine failed in the middle of the answer.", NULL,
                              &workspace->json);
        add_event(answer, workspace, NULL);
        add_done(answer, workspace);
        piece.then = TKP_MOCK_THEN_DONE;
        break;
    case TKP_MOCK_FAULT_TRUNCATE:
        piece.then = TKP_MOCK_THEN_DONE;
        break;
    case TKP_MOCK_FAULT_RESET:
        piece.then = TKP_MOCK_THEN_RESET;
        break;
    case TKP_MOCK_FAULT_STALL:
        piece.then = TKP_MOCK_THEN_STALL;
        break;
    case TKP_MOCK_FAULT_SHORT_LENGTH:
        piece.then = TKP_MOCK_THEN_CLOSE;
        break;
    case TKP_MOCK_FAULT_BAD_JSON:
        tkp_mock_buffer_add(&workspace->json, answer->prefix.data, answer->prefix.len);
        tkp_mock_buffer_add_text(&workspace->json, "{\"index\":0,\"delta\":{\"content\":\"cu");
        add_event(answer, workspace, NULL);
        break;
    case TKP_MOCK_FAULT_CLOSE_IDLE:
    case TKP_MOCK_FAULT_HTTP_429:
    case TKP_MOCK_FAULT_HTTP_500:
    case TKP_MOCK_FAULT_HTTP_503:
    case TKP_MOCK_FAULT_HALF_HEADERS:
    case TKP_MOCK_FAULT_EMPTY:
    case TKP_MOCK_FAULT_NOT_STREAMED:
    case TKP_MOCK_FAULT_NONE:
        break;
    }
    return piece;
}

/* Renders the body bytes of a stream's next piece into workspace->body. */
static struct tkp_mock_piece stream_next(struct tkp_mock_answer *answer,
                                         struct tkp_mock_workspace *workspace)
{
    struct tkp_mock_piece piece = {.then = TKP_MOCK_THEN_MORE};
    struct tkp_mock_reply *reply = &answer->reply;
    if (answer->stage == TKP_MOCK_STAGE_HEAD) {
        if (reply->chat) {
            tkp_mock_render_role(reply, as_slice(&answer->prefix), &workspace->json);
            add_event(answer, workspace, NULL);
        }
        answer->due_ns = first_due_ns(reply);
        answer->stage = reply->plan.chunks > 0 ? TKP_MOCK_STAGE_CHUNKS : TKP_MOCK_STAGE_TAIL;
        return piece;
    }
    if (answer->next == answer->fault_at) {
        piece = strike(answer, workspace);
        if (piece.then != TKP_MOCK_THEN_MORE) {
            return piece;
        }
        answer->fault_at = UINT64_MAX;
    }
    if (answer->stage == TKP_MOCK_STAGE_CHUNKS) {
        reply->intended_ns = answer->due_ns;
        size_t mark =
            tkp_mock_render_chunk(reply, as_slice(&answer->prefix), answer->next, &workspace->json);
        piece.content = true;
        piece.tokens = tkp_mock_plan_chunk(&reply->plan, answer->next).tokens;
        piece.stamped = mark > 0;
        add_event(answer, workspace, &mark);
        piece.stamp_at = mark;
        answer->next++;
        if (answer->next == reply->plan.chunks) {
            answer->stage = TKP_MOCK_STAGE_TAIL;
        } else {
            answer->due_ns += gap_ns(reply, answer->next);
        }
        return piece;
    }
    tkp_mock_render_finish(reply, as_slice(&answer->prefix), &workspace->json);
    add_event(answer, workspace, NULL);
    if (reply->include_usage) {
        tkp_mock_render_usage(reply, as_slice(&answer->prefix), &workspace->json);
        add_event(answer, workspace, NULL);
    }
    add_done(answer, workspace);
    piece.then = TKP_MOCK_THEN_DONE;
    return piece;
}

/* Bytes of the whole stream, found by rendering it once; a fault that breaks the announced length
 * does not count. */
static size_t measure_stream(const struct tkp_mock_answer *answer,
                             struct tkp_mock_workspace *workspace)
{
    struct tkp_mock_answer copy = *answer;
    struct tkp_mock_piece piece;
    size_t bytes = 0;
    if (tkp_mock_fault_cuts_body(copy.fault)) {
        copy.fault = TKP_MOCK_FAULT_NONE;
    }
    do {
        workspace->body.len = 0;
        piece = stream_next(&copy, workspace);
        bytes += workspace->body.len;
    } while (piece.then == TKP_MOCK_THEN_MORE);
    workspace->body.len = 0;
    return bytes;
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

static struct tkp_mock_piece next_of_stream(struct tkp_mock_answer *answer,
                                            struct tkp_mock_workspace *workspace,
                                            struct tkp_mock_buffer *out)
{
    workspace->body.len = 0;
    if (answer->stage == TKP_MOCK_STAGE_HEAD) {
        size_t bytes =
            answer->framing == TKP_MOCK_FRAMING_LENGTH ? measure_stream(answer, workspace) : 0;
        add_head(answer, "text/event-stream; charset=utf-8", "cache-control: no-cache\r\n", bytes,
                 out);
    }
    struct tkp_mock_piece piece = stream_next(answer, workspace);
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
        tkp_mock_render_error(500, "The engine failed in the middle of the answer.", NULL, json);
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

    struct tkp_mock_slice model = inference->model;
    if (model.len == 0) {
        model = (struct tkp_mock_slice){options->models[0], strlen(options->models[0])};
    }
    /* The buffer keeps the prefix of a stream, or else the model's name. */
    answer->reply = (struct tkp_mock_reply){
        .options = options,
        .plan = tkp_mock_plan_make(options, inference, question->chat,
                                   question->fault == TKP_MOCK_FAULT_EMPTY),
        .model = model,
        .number = question->number,
        .created_s = question->created_s,
        .prompt_tokens = inference->prompt_tokens,
        .arrival_ns = question->arrival_ns,
        .chat = question->chat,
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
    answer->due_ns =
        answer->streamed || is_refusal(answer) ? question->arrival_ns : last_due_ns(&answer->reply);
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
