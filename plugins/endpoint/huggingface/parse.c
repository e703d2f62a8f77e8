/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Text Generation Inference. A stream: {"token": {"text", "special"}, "generated_text":
 * null} until one has the whole text and the details. Else one {"generated_text", "details"}, alone
 * or in a list. [worker], allocates nothing.
 */
#include "huggingface.h"

#include <stdio.h>

struct reader {
    const struct huggingface *self;
    struct huggingface_state *state;
    const struct tokperf_emit *emit;
    struct tokperf_json scan;
    struct tokperf_usage usage;
    struct tokperf_span reason, failure, failure_type;
    bool has_usage, failed;
};

static uint32_t next(struct reader *reader)
{
    return reader->self->json->next(&reader->scan);
}

static void skip(struct reader *reader)
{
    reader->self->json->skip(&reader->scan, NULL);
}

static void drain(struct reader *reader, uint32_t token)
{
    json_drain(reader->self->json, &reader->scan, token);
}

static struct tokperf_span read_string(struct reader *reader)
{
    return json_read_string(reader->self->json, &reader->scan);
}

static void read_count(struct reader *reader, int64_t *count)
{
    reader->has_usage |= json_read_count(reader->self->json, &reader->scan, count);
}

#define IS(reader, literal) JSON_IS((reader)->self->json, &(reader)->scan, literal)

static void emit_text(const struct reader *reader, struct tokperf_span text)
{
    if (text.len > 0)
        reader->emit->text(reader->emit->context, TOKPERF_TEXT_OUTPUT, text, TOKPERF_ENCODING_JSON);
}

/* Special tokens, such as the end of the sequence, are no part of the text. */
static void read_token(struct reader *reader)
{
    struct tokperf_span text = {NULL, 0};
    bool special = false;
    uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "text")) {
            text = read_string(reader);
        } else if (IS(reader, "special")) {
            token = next(reader);
            special = token == TOKPERF_JSON_TRUE;
            drain(reader, token);
        } else {
            skip(reader);
        }
    }
    if (!special)
        emit_text(reader, text);
}

/* The prompt's tokens are listed only when decoder_input_details asked for them. */
static void read_prefill(struct reader *reader)
{
    const uint32_t token = next(reader);
    int64_t count = 0;
    if (token != TOKPERF_JSON_ARRAY_BEGIN) {
        drain(reader, token);
        return;
    }
    while (reader->self->json->skip(&reader->scan, NULL) == TOKPERF_OK)
        count++;
    (void)next(reader); /* the end of the list, or the error that stopped it */
    if (count > 0) {
        reader->usage.prompt_tokens = count;
        reader->has_usage = true;
    }
}

static void read_details(struct reader *reader)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "finish_reason"))
            reader->reason = read_string(reader);
        else if (IS(reader, "generated_tokens"))
            read_count(reader, &reader->usage.completion_tokens);
        else if (IS(reader, "input_length")) /* in streams of newer versions */
            read_count(reader, &reader->usage.prompt_tokens);
        else if (IS(reader, "prefill"))
            read_prefill(reader);
        else
            skip(reader);
    }
}

/* In a stream it ends the answer and repeats what the tokens said. */
static void read_generated_text(struct reader *reader)
{
    const uint32_t token = next(reader);
    if (token == TOKPERF_JSON_STRING) {
        if (!reader->state->streamed)
            emit_text(reader, reader->scan.text);
        reader->state->done = 1;
    }
    drain(reader, token);
}

static void read_failure(struct reader *reader)
{
    const uint32_t token = next(reader);
    reader->failed = token != TOKPERF_JSON_NULL;
    if (token == TOKPERF_JSON_STRING)
        reader->failure = reader->scan.text;
    drain(reader, token);
}

static void read_object(struct reader *reader)
{
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "token"))
            read_token(reader);
        else if (IS(reader, "generated_text"))
            read_generated_text(reader);
        else if (IS(reader, "details"))
            read_details(reader);
        else if (IS(reader, "error"))
            read_failure(reader);
        else if (IS(reader, "error_type"))
            reader->failure_type = read_string(reader);
        else
            skip(reader);
    }
}

static void read_list(struct reader *reader)
{
    uint32_t token;
    while ((token = next(reader)) > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END) {
        if (token == TOKPERF_JSON_OBJECT_BEGIN)
            read_object(reader);
        else
            drain(reader, token);
    }
}

/* What was gathered over the event. */
static void report(struct reader *reader, struct huggingface_scratch *scratch)
{
    const struct tokperf_emit *emit = reader->emit;
    const struct tokperf_span none = {NULL, 0};
    if (reader->failed)
        emit->error(emit->context, none,
                    json_plain(reader->self->json, reader->failure_type, scratch->type),
                    json_plain(reader->self->json, reader->failure, scratch->message));
    if (reader->reason.len > 0)
        emit->finish_reason(emit->context, reader->reason);
    if (reader->has_usage)
        emit->usage(emit->context, &reader->usage);
    if (reader->state->done && TOKPERF_HAS(emit, complete))
        emit->complete(emit->context);
}

static tokperf_status fail(struct tokperf_error *error, const struct reader *reader,
                           uint64_t offset, const char *reason)
{
    if (error != NULL) {
        error->status = TOKPERF_E_PARSE;
        snprintf(error->message, sizeof error->message,
                 "the %s is not an answer of Text Generation Inference: byte %llu: %s",
                 reader->state->streamed ? "event" : "body", (unsigned long long)offset, reason);
    }
    return TOKPERF_E_PARSE;
}

void huggingface_begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    ((struct huggingface_state *)state)->streamed = framing != TOKPERF_FRAMING_WHOLE;
}

tokperf_status huggingface_event(const void *self, void *state, void *scratch,
                                 const struct tokperf_event *event, const struct tokperf_emit *emit,
                                 struct tokperf_error *error)
{
    struct reader reader = {.self = self, .state = state, .emit = emit};
    if (reader.state->done || (reader.state->streamed && event->data.len == 0))
        return TOKPERF_OK;
    memset(&reader.usage, 0xff, sizeof reader.usage); /* every count -1: not stated */
    reader.self->json->open(&reader.scan, event->data.data, event->data.len);
    const uint32_t token = next(&reader);
    if (token == TOKPERF_JSON_OBJECT_BEGIN)
        read_object(&reader);
    else if (token == TOKPERF_JSON_ARRAY_BEGIN && !reader.state->streamed)
        read_list(&reader);
    else if (token != TOKPERF_JSON_ERROR)
        return fail(error, &reader, 0, "an object is expected");
    if (next(&reader) != TOKPERF_JSON_END)
        return fail(error, &reader, reader.scan.error_offset,
                    reader.self->json->error_text(&reader.scan));
    report(&reader, scratch);
    return TOKPERF_OK;
}

uint32_t huggingface_finish(const void *self, void *state, void *scratch, uint32_t end,
                            const struct tokperf_emit *emit)
{
    (void)self;
    (void)scratch;
    (void)end; /* what the answer itself said counts, not how the connection ended */
    (void)emit;
    const struct huggingface_state *huggingface_state = state;
    return huggingface_state->done ? TOKPERF_VERDICT_OK : TOKPERF_VERDICT_TRUNCATED;
}
