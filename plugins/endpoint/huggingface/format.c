/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies for Text Generation Inference: {"inputs": text, "parameters": {...}}. Members of
 * the dataset row go to the top level and win over those made here; those of --extra-inputs are
 * parameters. Writes straight into the sink; allocates nothing.
 */
#include "../unquoted.h"
#include "huggingface.h"

#include <stdio.h>

struct body {
    const struct huggingface *self;
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

static bool has(const struct tokperf_member *members, uint32_t count, struct tokperf_span key)
{
    for (uint32_t i = 0; i < count; i++)
        if (members[i].key.len == key.len && memcmp(members[i].key.data, key.data, key.len) == 0)
            return true;
    return false;
}

/* A member of the row's own: request->extra has it merged with those of --extra-inputs. */
static bool is_of_row(const struct body *body, struct tokperf_span key)
{
    return has(body->last->extra, body->last->extra_count, key);
}

/* The texts of the turn, a space between them. False: a content is not text. */
static bool write_inputs(struct body *body, const struct tokperf_request_sink *sink)
{
    body->self->writer->key(&body->json, TOKPERF_SPAN("inputs"));
    body->self->writer->raw(&body->json, TOKPERF_SPAN("")); /* the value goes past the writer */
    const struct tokperf_sink bytes = {sink->context, sink->body};
    sink->body(sink->context, "\"", 1);
    for (uint32_t i = 0; i < body->last->content_count; i++) {
        if (body->last->contents[i]->input != TOKPERF_INPUT_TEXT)
            return false;
        if (i > 0)
            sink->body(sink->context, " ", 1);
        unquoted_put(body->self->writer, &bytes, body->last->contents[i]->value);
    }
    sink->body(sink->context, "\"", 1);
    return true;
}

static void write_parameters(struct body *body)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const struct tokperf_request *request = body->request;
    const struct tokperf_span limit = TOKPERF_SPAN("max_new_tokens");
    writer->key(&body->json, TOKPERF_SPAN("parameters"));
    writer->object_begin(&body->json);
    if (body->last->max_tokens >= 0 && !has(request->extra, request->extra_count, limit)) {
        writer->key(&body->json, limit);
        writer->integer(&body->json, body->last->max_tokens);
    }
    for (uint32_t i = 0; i < request->extra_count; i++) {
        if (is_of_row(body, request->extra[i].key))
            continue;
        writer->key(&body->json, request->extra[i].key);
        writer->raw(&body->json, request->extra[i].json);
    }
    writer->object_end(&body->json);
}

tokperf_status huggingface_format(const void *self, const struct tokperf_request *request,
                                  const struct tokperf_request_sink *sink,
                                  struct tokperf_error *error)
{
    if (request->turn_count == 0)
        return fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    struct body body = {
        .self = self, .request = request, .last = request->turns[request->turn_count - 1]};
    if (body.last->raw_payload.len > 0) {
        sink->body(sink->context, body.last->raw_payload.data, body.last->raw_payload.len);
        return TOKPERF_OK;
    }
    const struct tokperf_json_writer_v1 *writer = body.self->writer;
    const struct tokperf_sink bytes = {sink->context, sink->body};
    writer->open(&body.json, &bytes, 0);
    writer->object_begin(&body.json);
    if (!is_of_row(&body, TOKPERF_SPAN("inputs")) && !write_inputs(&body, sink))
        return fail(error, TOKPERF_E_UNSUPPORTED,
                    "huggingface_generate takes text only; use --endpoint-type chat");
    if (!is_of_row(&body, TOKPERF_SPAN("parameters")))
        write_parameters(&body);
    for (uint32_t i = 0; i < body.last->extra_count; i++) {
        writer->key(&body.json, body.last->extra[i].key);
        writer->raw(&body.json, body.last->extra[i].json);
    }
    writer->object_end(&body.json);
    return TOKPERF_OK;
}
