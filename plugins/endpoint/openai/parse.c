/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the OpenAI dialect: stream chunks and whole objects. [worker], allocates nothing. Only
 * members that matter are looked into; every other value is passed over by the scanner, which still
 * checks its grammar. Unknown `object` values are fine. With several choices (n > 1) the text of
 * all of them counts, and the first finish_reason makes the answer finished.
 */
#include "reader.h"

#include <stdio.h>

/* "" and null are how some servers say: not finished. */
static void read_finish_reason(struct reader *reader)
{
    const struct tokperf_span reason = json_read_string(reader->self->json, &reader->scan);
    if (reason.len == 0)
        return;
    reader->state->finished = 1;
    reader->emit->finish_reason(reader->emit->context, reason);
}

static void read_choice(struct reader *reader)
{
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "delta")) {
            reader->state->delta_seen = 1;
            openai_read_message(reader);
        } else if (IS(reader, "finish_reason")) {
            read_finish_reason(reader);
        } else if (IS(reader, "message") && !reader->state->delta_seen) {
            openai_read_message(reader);
        } else if (IS(reader, "text")) {
            openai_read_text(reader, TOKPERF_TEXT_OUTPUT);
        } else if (IS(reader, "usage")) { /* Moonshot puts it here */
            openai_read_usage(reader->self, &reader->scan, reader->emit);
        } else if (IS(reader, "error")) { /* OpenRouter */
            openai_read_error(reader->self, &reader->scan, &reader->error);
        } else {
            skip(reader);
        }
    }
}

static void read_choices(struct reader *reader)
{
    uint32_t token = next(reader);
    if (token != TOKPERF_JSON_ARRAY_BEGIN) {
        drain(reader, token);
        return;
    }
    while ((token = next(reader)) > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END) {
        if (token == TOKPERF_JSON_OBJECT_BEGIN)
            read_choice(reader);
        else
            drain(reader, token);
    }
}

static void read_object(struct reader *reader)
{
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "choices")) {
            read_choices(reader);
        } else if (IS(reader, "usage")) {
            openai_read_usage(reader->self, &reader->scan, reader->emit);
        } else if (IS(reader, "data")) {
            openai_read_embeddings(reader);
        } else if (IS(reader, "error")) {
            openai_read_error(reader->self, &reader->scan, &reader->error);
        } else if (IS(reader, "object")) {
            const uint32_t token = next(reader);
            if (token == TOKPERF_JSON_STRING && IS(reader, "error"))
                reader->flat.present = true;
            drain(reader, token);
        } else if (IS(reader, "message")) {
            reader->flat.message = json_read_string(reader->self->json, &reader->scan);
        } else if (IS(reader, "type") || IS(reader, "error_type")) {
            reader->flat.type = json_read_string(reader->self->json, &reader->scan);
        } else if (IS(reader, "code")) {
            reader->flat.code = json_read_scalar(reader->self->json, &reader->scan);
        } else {
            skip(reader);
        }
    }
}

/* TGI puts "error_type" beside a plain "error" text; that is what `flat` adds. */
static void report_error(struct reader *reader, void *scratch)
{
    struct openai_error found = reader->error.present ? reader->error : reader->flat;
    if (!found.present)
        return;
    if (found.type.len == 0)
        found.type = reader->flat.type;
    if (found.message.len == 0)
        found.message = reader->flat.message;
    openai_emit_error(reader->self, scratch, &found, reader->emit);
}

static tokperf_status fail(struct tokperf_error *error, uint64_t offset, const char *what,
                           const char *reason)
{
    if (error != NULL) {
        error->status = TOKPERF_E_PARSE;
        snprintf(error->message, sizeof error->message,
                 "the %s is not a JSON answer: byte %llu: %s", what, (unsigned long long)offset,
                 reason);
    }
    return TOKPERF_E_PARSE;
}

static tokperf_status read_event(struct reader *reader, const struct tokperf_event *event,
                                 void *scratch, struct tokperf_error *error)
{
    const struct tokperf_json_v1 *json = reader->self->json;
    const char *what = event->framing == TOKPERF_FRAMING_WHOLE ? "body" : "event";
    json->open(&reader->scan, event->data.data, event->data.len);
    const uint32_t token = next(reader);
    if (token == TOKPERF_JSON_OBJECT_BEGIN)
        read_object(reader);
    else if (token != TOKPERF_JSON_ERROR)
        return fail(error, 0, what,
                    token == TOKPERF_JSON_ARRAY_BEGIN ? "an object is expected, not an array"
                                                      : "an object is expected");
    if (next(reader) != TOKPERF_JSON_END)
        return fail(error, reader->scan.error_offset, what, json->error_text(&reader->scan));
    reader->state->complete = 1;
    report_error(reader, scratch);
    return TOKPERF_OK;
}

static struct tokperf_span trim(struct tokperf_span text)
{
    while (text.len > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (unsigned char)text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

static bool is_done(struct tokperf_span text)
{
    return text.len == 6 && memcmp(text.data, "[DONE]", 6) == 0;
}

/* "event: error" with data that is no JSON: the data is the message. */
static void report_text(const struct openai *self, void *scratch, struct tokperf_span text,
                        const struct tokperf_emit *emit)
{
    const struct openai_error found = {.message = text, .present = true};
    openai_emit_error(self, scratch, &found, emit);
}

void openai_begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    struct openai_state *openai_state = state;
    openai_state->framing = framing;
}

tokperf_status openai_event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    struct openai_state *openai_state = state;
    const struct tokperf_span text = trim(event->data);
    const bool streamed = event->framing != TOKPERF_FRAMING_WHOLE;
    if (openai_state->done || (streamed && text.len == 0))
        return TOKPERF_OK;
    if (streamed && is_done(text)) {
        openai_state->done = 1;
        if (TOKPERF_HAS(emit, complete))
            emit->complete(emit->context);
        return TOKPERF_OK;
    }
    const bool named_error = event->name.len == 5 && memcmp(event->name.data, "error", 5) == 0;
    if (named_error && text.data[0] != '{') {
        report_text(self, scratch, text, emit);
        return TOKPERF_OK;
    }
    struct reader reader = {.self = self, .state = openai_state, .emit = emit};
    reader.flat.present = named_error;
    return read_event(&reader, event, scratch, error);
}

uint32_t openai_finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    (void)self;
    (void)scratch;
    (void)end; /* what the answer itself said counts, not how the connection ended */
    (void)emit;
    const struct openai_state *openai_state = state;
    const bool whole = openai_state->framing == TOKPERF_FRAMING_WHOLE;
    const bool ended =
        whole ? openai_state->complete : openai_state->done || openai_state->finished;
    return ended ? TOKPERF_VERDICT_OK : TOKPERF_VERDICT_TRUNCATED;
}
