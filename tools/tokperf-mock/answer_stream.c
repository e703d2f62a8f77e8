/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed answers. A fault of the body strikes half-way. */
#include "answer_stream.h"

#include "dialect.h"
#include "schedule.h"
#include "sse.h"

static struct tkp_mock_slice as_slice(const struct tkp_mock_buffer *buffer)
{
    return (struct tkp_mock_slice){buffer->data, buffer->len};
}

/* Frames workspace->json as one event and appends it to workspace->body. */
static void add_event(struct tkp_mock_answer *answer, struct tkp_mock_workspace *workspace,
                      size_t *mark)
{
    if (tkp_mock_dialect_is_lines(answer->reply.api)) {
        size_t at = workspace->body.len;
        tkp_mock_buffer_add(&workspace->body, workspace->json.data, workspace->json.len);
        tkp_mock_buffer_add_text(&workspace->body, "\n");
        workspace->json.len = 0;
        if (mark != NULL) {
            *mark += at;
        }
        return;
    }
    tkp_mock_sse_add(&workspace->body, (enum tkp_mock_dialect)answer->reply.options->dialect,
                     answer->events++, as_slice(&workspace->json), mark);
    workspace->json.len = 0;
}

static void add_done(struct tkp_mock_answer *answer, struct tkp_mock_workspace *workspace)
{
    if (!answer->reply.options->no_done && !tkp_mock_dialect_has(answer->reply.api)) {
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
        tkp_mock_answer_failure(answer, &workspace->json);
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

static struct tkp_mock_piece next_chunk(struct tkp_mock_answer *answer,
                                        struct tkp_mock_workspace *workspace)
{
    struct tkp_mock_reply *reply = &answer->reply;
    reply->intended_ns = answer->due_ns;
    size_t mark =
        tkp_mock_render_chunk(reply, as_slice(&answer->prefix), answer->next, &workspace->json);
    struct tkp_mock_piece piece = {
        .then = TKP_MOCK_THEN_MORE,
        .content = true,
        .tokens = tkp_mock_plan_chunk(&reply->plan, answer->next).tokens,
        .stamped = mark > 0,
    };
    add_event(answer, workspace, &mark);
    piece.stamp_at = mark;
    answer->next++;
    if (answer->next == reply->plan.chunks) {
        answer->stage = TKP_MOCK_STAGE_TAIL; /* at the same time as the last chunk */
    } else {
        answer->due_ns += tkp_mock_schedule_gap_ns(reply, answer->next);
    }
    return piece;
}

struct tkp_mock_piece tkp_mock_answer_stream_next(struct tkp_mock_answer *answer,
                                                  struct tkp_mock_workspace *workspace)
{
    struct tkp_mock_piece piece = {.then = TKP_MOCK_THEN_MORE};
    struct tkp_mock_reply *reply = &answer->reply;
    if (answer->stage == TKP_MOCK_STAGE_HEAD) {
        if (reply->chat) {
            tkp_mock_render_role(reply, as_slice(&answer->prefix), &workspace->json);
            add_event(answer, workspace, NULL);
        }
        answer->due_ns = tkp_mock_schedule_first_ns(reply);
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
        return next_chunk(answer, workspace);
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

size_t tkp_mock_answer_stream_measure(const struct tkp_mock_answer *answer,
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
        piece = tkp_mock_answer_stream_next(&copy, workspace);
        bytes += workspace->body.len;
    } while (piece.then == TKP_MOCK_THEN_MORE);
    workspace->body.len = 0;
    return bytes;
}
