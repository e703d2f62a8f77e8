/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies for Ollama. Writes straight into the sink; allocates nothing. Members that the
 * user or the dataset row gives win over those made here; a raw payload goes out as it stands.
 */
#include "../unquoted.h"
#include "ollama.h"

#include <stdio.h>

struct body {
    const struct ollama *self;
    const struct tokperf_request *request;
    const struct tokperf_turn *last; /* the turn to send */
    struct tokperf_json_writer json;
};

static tokperf_status fail(struct tokperf_error *error, tokperf_status status, const char *sentence)
{
    if (error != NULL) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", sentence);
    }
    return status;
}

/* Writes the key of a member, unless an extra of that name takes its place. */
static bool begin_member(struct body *body, struct tokperf_span key)
{
    for (uint32_t i = 0; i < body->request->extra_count; i++) {
        const struct tokperf_span extra = body->request->extra[i].key;
        if (extra.len == key.len && memcmp(extra.data, key.data, key.len) == 0)
            return false;
    }
    body->self->writer->key(&body->json, key);
    return true;
}

/* Ollama takes images as plain base64: of a data URL what is behind its comma. */
static bool write_image(struct body *body, struct tokperf_span value)
{
    const char *comma = value.len > 5 && memcmp(value.data, "data:", 5) == 0
                            ? memchr(value.data, ',', value.len)
                            : NULL;
    if (comma == NULL)
        return false;
    const uint64_t head = (uint64_t)(comma + 1 - value.data);
    body->self->writer->string(&body->json, (struct tokperf_span){comma + 1, value.len - head});
    return true;
}

static tokperf_status write_images(struct body *body, const struct tokperf_turn *turn,
                                   struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    bool begun = false;
    for (uint32_t i = 0; i < turn->content_count; i++) {
        const struct tokperf_content *content = turn->contents[i];
        if (content->input == TOKPERF_INPUT_TEXT)
            continue;
        if (content->input != TOKPERF_INPUT_IMAGE)
            return fail(error, TOKPERF_E_UNSUPPORTED, "ollama takes text and images only");
        if (!begun) {
            writer->key(&body->json, TOKPERF_SPAN("images"));
            writer->array_begin(&body->json);
            begun = true;
        }
        if (!write_image(body, content->value))
            return fail(error, TOKPERF_E_UNSUPPORTED,
                        "ollama takes images as data URLs (data:image/png;base64,...) only");
    }
    if (begun)
        writer->array_end(&body->json);
    return TOKPERF_OK;
}

/* All texts of turns [from, to), an empty line between them, as one string. */
static void write_texts(struct body *body, const struct tokperf_request_sink *sink, uint32_t from,
                        uint32_t to)
{
    bool first = true;
    body->self->writer->raw(&body->json, TOKPERF_SPAN("")); /* the value goes past the writer */
    const struct tokperf_sink bytes = {sink->context, sink->body};
    sink->body(sink->context, "\"", 1);
    for (uint32_t i = from; i < to; i++) {
        const struct tokperf_turn *turn = body->request->turns[i];
        for (uint32_t k = 0; k < turn->content_count; k++) {
            if (turn->contents[k]->input != TOKPERF_INPUT_TEXT)
                continue;
            if (!first)
                sink->body(sink->context, "\\n\\n", 4);
            first = false;
            unquoted_put(body->self->writer, &bytes, turn->contents[k]->value);
        }
    }
    sink->body(sink->context, "\"", 1);
}

static tokperf_status write_messages(struct body *body, const struct tokperf_request_sink *sink,
                                     struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    if (!begin_member(body, TOKPERF_SPAN("messages")))
        return TOKPERF_OK;
    writer->array_begin(&body->json);
    for (uint32_t i = 0; i < body->request->turn_count; i++) {
        const struct tokperf_turn *turn = body->request->turns[i];
        writer->object_begin(&body->json);
        writer->key(&body->json, TOKPERF_SPAN("role"));
        writer->string(&body->json, turn->role.len > 0 ? turn->role : TOKPERF_SPAN("user"));
        writer->key(&body->json, TOKPERF_SPAN("content"));
        write_texts(body, sink, i, i + 1);
        const tokperf_status status = write_images(body, turn, error);
        if (status != TOKPERF_OK)
            return status;
        if (turn->tool_calls.len > 0) {
            writer->key(&body->json, TOKPERF_SPAN("tool_calls"));
            writer->raw(&body->json, turn->tool_calls);
        }
        writer->object_end(&body->json);
    }
    writer->array_end(&body->json);
    return TOKPERF_OK;
}

/* /api/generate knows no messages: the conversation's texts are one prompt. */
static tokperf_status write_prompt(struct body *body, const struct tokperf_request_sink *sink,
                                   struct tokperf_error *error)
{
    if (begin_member(body, TOKPERF_SPAN("prompt")))
        write_texts(body, sink, 0, body->request->turn_count);
    return write_images(body, body->last, error);
}

/* Tools hold for the rest of a conversation: the latest turn that states them counts. */
static void write_tools(struct body *body)
{
    for (uint32_t i = body->request->turn_count; i > 0; i--) {
        const struct tokperf_span tools = body->request->turns[i - 1]->tools;
        if (tools.len == 0)
            continue;
        if (begin_member(body, TOKPERF_SPAN("tools")))
            body->self->writer->raw(&body->json, tools);
        return;
    }
}

/* Ollama streams unless told not to. */
static void write_tail(struct body *body)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const struct tokperf_request *request = body->request;
    if (begin_member(body, TOKPERF_SPAN("stream")))
        writer->boolean(&body->json, (request->flags & TOKPERF_REQUEST_STREAM) != 0);
    if (body->last->max_tokens >= 0 && begin_member(body, TOKPERF_SPAN("options"))) {
        writer->object_begin(&body->json);
        writer->key(&body->json, TOKPERF_SPAN("num_predict"));
        writer->integer(&body->json, body->last->max_tokens);
        writer->object_end(&body->json);
    }
    for (uint32_t i = 0; i < request->extra_count; i++) {
        writer->key(&body->json, request->extra[i].key);
        writer->raw(&body->json, request->extra[i].json);
    }
    writer->object_end(&body->json);
}

tokperf_status ollama_format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    if (request->turn_count == 0)
        return fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    struct body body = {
        .self = self, .request = request, .last = request->turns[request->turn_count - 1]};
    if (body.last->raw_payload.len > 0) {
        sink->body(sink->context, body.last->raw_payload.data, body.last->raw_payload.len);
        return TOKPERF_OK;
    }
    const struct tokperf_sink bytes = {sink->context, sink->body};
    body.self->writer->open(&body.json, &bytes, 0);
    body.self->writer->object_begin(&body.json);
    if (begin_member(&body, TOKPERF_SPAN("model")))
        body.self->writer->string(&body.json, request->model);
    const tokperf_status status =
        body.self->generate ? write_prompt(&body, sink, error) : write_messages(&body, sink, error);
    if (status != TOKPERF_OK)
        return status;
    if (!body.self->generate)
        write_tools(&body);
    write_tail(&body);
    return TOKPERF_OK;
}
