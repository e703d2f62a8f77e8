/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies of the OpenAI dialect. Writes straight into the sink; allocates nothing. Members
 * that the user or the dataset row gives (request->extra) win: the built-in of that name is left
 * out. A raw payload goes out as it stands.
 */
#include "openai.h"

#include <stdio.h>

/* What one call renders with. */
struct body {
    const struct openai *self;
    const struct tokperf_request *request;
    const struct tokperf_turn *last; /* the turn to send */
    const struct tokperf_request_sink *sink;
    struct openai_salt salt;
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

static const struct tokperf_member *find_extra(const struct body *body, struct tokperf_span key)
{
    for (uint32_t i = 0; i < body->request->extra_count; i++) {
        const struct tokperf_member *member = &body->request->extra[i];
        if (member->key.len == key.len && memcmp(member->key.data, key.data, key.len) == 0)
            return member;
    }
    return NULL;
}

/* Writes the key of a built-in member, unless an extra of that name takes its place. */
static bool begin_member(struct body *body, struct tokperf_span key)
{
    if (find_extra(body, key) != NULL)
        return false;
    body->self->writer->key(&body->json, key);
    return true;
}

static void write_pair(struct body *body, struct tokperf_span key, struct tokperf_span text)
{
    body->self->writer->key(&body->json, key);
    body->self->writer->string(&body->json, text);
}

/* {"type": kind, kind: {"url": value}} */
static void write_url_part(struct body *body, struct tokperf_span kind, struct tokperf_span url)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    writer->object_begin(&body->json);
    write_pair(body, TOKPERF_SPAN("type"), kind);
    writer->key(&body->json, kind);
    writer->object_begin(&body->json);
    write_pair(body, TOKPERF_SPAN("url"), url);
    writer->object_end(&body->json);
    writer->object_end(&body->json);
}

/* value is "format,base64". */
static tokperf_status write_audio_part(struct body *body, struct tokperf_span value,
                                       struct tokperf_error *error)
{
    const char *comma = value.len == 0 ? NULL : memchr(value.data, ',', value.len);
    if (comma == NULL)
        return fail(error, TOKPERF_E_INVALID,
                    "audio content is not \"format,base64\", for example \"wav,UklGR...\"");
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const uint64_t format_len = (uint64_t)(comma - value.data);
    writer->object_begin(&body->json);
    write_pair(body, TOKPERF_SPAN("type"), TOKPERF_SPAN("input_audio"));
    writer->key(&body->json, TOKPERF_SPAN("input_audio"));
    writer->object_begin(&body->json);
    write_pair(body, TOKPERF_SPAN("data"),
               (struct tokperf_span){comma + 1, value.len - format_len - 1});
    write_pair(body, TOKPERF_SPAN("format"), (struct tokperf_span){value.data, format_len});
    writer->object_end(&body->json);
    writer->object_end(&body->json);
    return TOKPERF_OK;
}

/* A text as a JSON string, with the marker if it carries it. */
static void write_text(struct body *body, uint32_t turn, uint32_t content)
{
    const struct tokperf_span text = body->request->turns[turn]->contents[content]->value;
    if (openai_is_salted(&body->salt, turn, content))
        openai_write_salted(body->self, &body->json, body->sink, &body->salt, text);
    else
        body->self->writer->string(&body->json, text);
}

static tokperf_status write_part(struct body *body, uint32_t turn, uint32_t at,
                                 struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const struct tokperf_content *content = body->request->turns[turn]->contents[at];
    if (content->input == TOKPERF_INPUT_AUDIO)
        return write_audio_part(body, content->value, error);
    if (content->input == TOKPERF_INPUT_IMAGE) {
        write_url_part(body, TOKPERF_SPAN("image_url"), content->value);
        return TOKPERF_OK;
    }
    if (content->input == TOKPERF_INPUT_VIDEO) {
        write_url_part(body, TOKPERF_SPAN("video_url"), content->value);
        return TOKPERF_OK;
    }
    if (content->input != TOKPERF_INPUT_TEXT)
        return fail(error, TOKPERF_E_UNSUPPORTED,
                    "chat messages hold text, image, audio and video only");
    writer->object_begin(&body->json);
    write_pair(body, TOKPERF_SPAN("type"), TOKPERF_SPAN("text"));
    writer->key(&body->json, TOKPERF_SPAN("text"));
    write_text(body, turn, at);
    writer->object_end(&body->json);
    return TOKPERF_OK;
}

/* A lone text is a string, which every server takes; anything else is a list of parts. */
static tokperf_status write_content(struct body *body, uint32_t at, struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const struct tokperf_turn *turn = body->request->turns[at];
    writer->key(&body->json, TOKPERF_SPAN("content"));
    if (turn->content_count == 0) {
        if (turn->tool_calls.len > 0)
            writer->null(&body->json);
        else
            writer->string(&body->json, TOKPERF_SPAN(""));
        return TOKPERF_OK;
    }
    if (turn->content_count == 1 && turn->contents[0]->input == TOKPERF_INPUT_TEXT) {
        write_text(body, at, 0);
        return TOKPERF_OK;
    }
    writer->array_begin(&body->json);
    for (uint32_t i = 0; i < turn->content_count; i++) {
        const tokperf_status status = write_part(body, at, i, error);
        if (status != TOKPERF_OK)
            return status;
    }
    writer->array_end(&body->json);
    return TOKPERF_OK;
}

static tokperf_status write_messages(struct body *body, struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    if (!begin_member(body, TOKPERF_SPAN("messages")))
        return TOKPERF_OK;
    writer->array_begin(&body->json);
    for (uint32_t i = 0; i < body->request->turn_count; i++) {
        const struct tokperf_turn *turn = body->request->turns[i];
        writer->object_begin(&body->json);
        write_pair(body, TOKPERF_SPAN("role"),
                   turn->role.len > 0 ? turn->role : TOKPERF_SPAN("user"));
        const tokperf_status status = write_content(body, i, error);
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

/* Whether the body as merged asks for a stream: an extra "stream" changes the body. */
static bool asks_for_stream(const struct body *body)
{
    const struct tokperf_member *extra = find_extra(body, TOKPERF_SPAN("stream"));
    if (extra != NULL)
        return extra->json.len == 4 && memcmp(extra->json.data, "true", 4) == 0;
    return (body->request->flags & TOKPERF_REQUEST_STREAM) != 0;
}

/* Without include_usage a stream ends without token counts. */
static void write_stream_members(struct body *body)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    if (begin_member(body, TOKPERF_SPAN("stream")))
        writer->boolean(&body->json, (body->request->flags & TOKPERF_REQUEST_STREAM) != 0);
    if (!asks_for_stream(body) || !begin_member(body, TOKPERF_SPAN("stream_options")))
        return;
    writer->object_begin(&body->json);
    writer->key(&body->json, TOKPERF_SPAN("include_usage"));
    writer->boolean(&body->json, 1);
    if ((body->request->flags & TOKPERF_REQUEST_PER_CHUNK_USAGE) != 0) {
        writer->key(&body->json, TOKPERF_SPAN("continuous_usage_stats"));
        writer->boolean(&body->json, 1);
    }
    writer->object_end(&body->json);
}

static void write_model(struct body *body)
{
    if (begin_member(body, TOKPERF_SPAN("model")))
        body->self->writer->string(&body->json, body->request->model);
}

/* Ends the body. */
static void write_extra(struct body *body)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    const struct tokperf_request *request = body->request;
    for (uint32_t i = 0; i < request->extra_count; i++) {
        writer->key(&body->json, request->extra[i].key);
        writer->raw(&body->json, request->extra[i].json);
    }
    writer->object_end(&body->json);
}

/* The members that chat and completions share, then the extras. */
static void write_tail(struct body *body, struct tokperf_span max_tokens_key)
{
    write_model(body);
    write_stream_members(body);
    if (body->last->max_tokens >= 0 && begin_member(body, max_tokens_key))
        body->self->writer->integer(&body->json, body->last->max_tokens);
    write_extra(body);
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

/* Fills body and begins the object. False: a raw payload, already sent. */
static bool begin_body(struct body *body, const void *self, const struct tokperf_request *request,
                       const struct tokperf_request_sink *sink)
{
    body->self = self;
    body->request = request;
    body->last = request->turns[request->turn_count - 1];
    body->sink = sink;
    body->salt = openai_find_salt(request);
    if (body->last->raw_payload.len > 0) {
        sink->body(sink->context, body->last->raw_payload.data, body->last->raw_payload.len);
        return false;
    }
    const struct tokperf_sink bytes = {sink->context, sink->body};
    body->self->writer->open(&body->json, &bytes, 0);
    body->self->writer->object_begin(&body->json);
    return true;
}

tokperf_status openai_format_chat(const void *self, const struct tokperf_request *request,
                                  const struct tokperf_request_sink *sink,
                                  struct tokperf_error *error)
{
    if (request->turn_count == 0)
        return fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    struct body body = {0};
    if (!begin_body(&body, self, request, sink))
        return TOKPERF_OK;
    const tokperf_status status = write_messages(&body, error);
    if (status != TOKPERF_OK)
        return status;
    write_tools(&body);
    const bool legacy = (request->flags & TOKPERF_REQUEST_LEGACY_MAX_TOKENS) != 0;
    write_tail(&body, legacy ? TOKPERF_SPAN("max_tokens") : TOKPERF_SPAN("max_completion_tokens"));
    return TOKPERF_OK;
}

tokperf_status openai_format_completions(const void *self, const struct tokperf_request *request,
                                         const struct tokperf_request_sink *sink,
                                         struct tokperf_error *error)
{
    if (request->turn_count == 0)
        return fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    struct body body = {0};
    if (!begin_body(&body, self, request, sink))
        return TOKPERF_OK;
    if (begin_member(&body, TOKPERF_SPAN("prompt")) &&
        !openai_write_prompt(self, &body.json, request, sink))
        return fail(error, TOKPERF_E_UNSUPPORTED,
                    "text completions take text only; use --endpoint-type chat");
    write_tail(&body, TOKPERF_SPAN("max_tokens"));
    return TOKPERF_OK;
}

/* The texts of the turn to send, a list also of one. */
static bool write_input(struct body *body)
{
    const struct tokperf_json_writer_v1 *writer = body->self->writer;
    if (!begin_member(body, TOKPERF_SPAN("input")))
        return true;
    writer->array_begin(&body->json);
    for (uint32_t i = 0; i < body->last->content_count; i++) {
        if (body->last->contents[i]->input != TOKPERF_INPUT_TEXT)
            return false;
        writer->string(&body->json, body->last->contents[i]->value);
    }
    writer->array_end(&body->json);
    return true;
}

tokperf_status openai_format_embeddings(const void *self, const struct tokperf_request *request,
                                        const struct tokperf_request_sink *sink,
                                        struct tokperf_error *error)
{
    if (request->turn_count == 0)
        return fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    struct body body = {0};
    if (!begin_body(&body, self, request, sink))
        return TOKPERF_OK;
    write_model(&body);
    if (!write_input(&body))
        return fail(error, TOKPERF_E_UNSUPPORTED, "embeddings are made of text only");
    write_extra(&body);
    return TOKPERF_OK;
}
