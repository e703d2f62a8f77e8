/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Ollama: each line of a stream, and the whole of an answer that is none, is one object
 * {"message": {"content", "thinking", "tool_calls"}, "done"} or {"response", "thinking", "done"}.
 * The one with "done": true has the counts and ends the answer. [worker], allocates nothing.
 */
#include "ollama.h"

#include <stdio.h>

struct reader {
    const struct ollama *self;
    const struct tokperf_emit *emit;
    struct tokperf_json scan;
    struct tokperf_usage usage;
    struct tokperf_span reason, failure;
    bool done, has_usage, failed;
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

static void read_text(struct reader *reader, uint32_t kind)
{
    const struct tokperf_span text = read_string(reader);
    if (text.len > 0)
        reader->emit->text(reader->emit->context, kind, text, TOKPERF_ENCODING_JSON);
}

/* {"function": {"name", "arguments": {}}}; the arguments are an object, not its text. */
static void read_function(struct reader *reader, uint32_t index)
{
    struct tokperf_span name = {NULL, 0}, arguments = {NULL, 0};
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "name"))
            name = read_string(reader);
        else if (IS(reader, "arguments"))
            reader->self->json->skip(&reader->scan, &arguments);
        else
            skip(reader);
    }
    const struct tokperf_span none = {NULL, 0};
    if (name.len > 0)
        reader->emit->tool_call(reader->emit->context, index, name, none, TOKPERF_ENCODING_JSON);
    if (arguments.len > 0)
        reader->emit->tool_call(reader->emit->context, index, none, arguments,
                                TOKPERF_ENCODING_RAW);
}

static void read_tool_calls(struct reader *reader)
{
    uint32_t token = next(reader);
    if (token != TOKPERF_JSON_ARRAY_BEGIN) {
        drain(reader, token);
        return;
    }
    for (uint32_t i = 0;
         (token = next(reader)) > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END; i++) {
        if (token != TOKPERF_JSON_OBJECT_BEGIN) {
            drain(reader, token);
            continue;
        }
        while (next(reader) == TOKPERF_JSON_KEY) {
            if (IS(reader, "function"))
                read_function(reader, i);
            else
                skip(reader);
        }
    }
}

static void read_message(struct reader *reader)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "content"))
            read_text(reader, TOKPERF_TEXT_OUTPUT);
        else if (IS(reader, "thinking"))
            read_text(reader, TOKPERF_TEXT_REASONING);
        else if (IS(reader, "tool_calls"))
            read_tool_calls(reader);
        else
            skip(reader);
    }
}

static void read_failure(struct reader *reader)
{
    const uint32_t token = next(reader);
    reader->failed = token != TOKPERF_JSON_NULL && token != TOKPERF_JSON_FALSE;
    if (token == TOKPERF_JSON_STRING)
        reader->failure = reader->scan.text;
    drain(reader, token);
}

static void read_object(struct reader *reader)
{
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "message"))
            read_message(reader);
        else if (IS(reader, "response"))
            read_text(reader, TOKPERF_TEXT_OUTPUT);
        else if (IS(reader, "thinking"))
            read_text(reader, TOKPERF_TEXT_REASONING);
        else if (IS(reader, "done_reason"))
            reader->reason = read_string(reader);
        else if (IS(reader, "prompt_eval_count")) /* left out when the prompt was cached */
            read_count(reader, &reader->usage.prompt_tokens);
        else if (IS(reader, "eval_count"))
            read_count(reader, &reader->usage.completion_tokens);
        else if (IS(reader, "error"))
            read_failure(reader);
        else if (IS(reader, "done")) {
            const uint32_t token = next(reader);
            reader->done = token == TOKPERF_JSON_TRUE;
            drain(reader, token);
        } else
            skip(reader);
    }
}

static void report_failure(const struct reader *reader, struct ollama_scratch *scratch)
{
    const struct tokperf_span none = {NULL, 0};
    reader->emit->error(reader->emit->context, none, none,
                        json_plain(reader->self->json, reader->failure, scratch->message));
}

static void report_end(struct reader *reader, struct ollama_state *state)
{
    const struct tokperf_emit *emit = reader->emit;
    if (!reader->done)
        return;
    state->done = 1;
    if (reader->reason.len > 0)
        emit->finish_reason(emit->context, reader->reason);
    if (reader->has_usage)
        emit->usage(emit->context, &reader->usage);
    if (TOKPERF_HAS(emit, complete))
        emit->complete(emit->context);
}

static tokperf_status fail(struct tokperf_error *error, const struct tokperf_event *event,
                           uint64_t offset, const char *reason)
{
    if (error != NULL) {
        error->status = TOKPERF_E_PARSE;
        snprintf(error->message, sizeof error->message,
                 "the %s is not a JSON object of Ollama: byte %llu: %s",
                 event->framing == TOKPERF_FRAMING_WHOLE ? "body" : "line",
                 (unsigned long long)offset, reason);
    }
    return TOKPERF_E_PARSE;
}

tokperf_status ollama_event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    struct ollama_state *ollama_state = state;
    struct reader reader = {.self = self, .emit = emit};
    if (ollama_state->done)
        return TOKPERF_OK;
    memset(&reader.usage, 0xff, sizeof reader.usage); /* every count -1: not stated */
    reader.self->json->open(&reader.scan, event->data.data, event->data.len);
    const uint32_t token = next(&reader);
    if (token == TOKPERF_JSON_OBJECT_BEGIN)
        read_object(&reader);
    else if (token != TOKPERF_JSON_ERROR)
        return fail(error, event, 0, "an object is expected");
    if (next(&reader) != TOKPERF_JSON_END)
        return fail(error, event, reader.scan.error_offset,
                    reader.self->json->error_text(&reader.scan));
    if (reader.failed)
        report_failure(&reader, scratch);
    report_end(&reader, ollama_state);
    return TOKPERF_OK;
}

uint32_t ollama_finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    (void)self;
    (void)scratch;
    (void)end; /* what the answer itself said counts, not how the connection ended */
    (void)emit;
    const struct ollama_state *ollama_state = state;
    return ollama_state->done ? TOKPERF_VERDICT_OK : TOKPERF_VERDICT_TRUNCATED;
}
