/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a delta or message says: content, reasoning under both names, tool calls, spoken output.
 * [worker], allocates nothing.
 */
#include "reader.h"

static void emit_text(const struct reader *reader, uint32_t kind, struct tokperf_span text)
{
    if (text.len > 0)
        reader->emit->text(reader->emit->context, kind, text, TOKPERF_ENCODING_JSON);
}

/* Content as a list of parts (Mistral): {"type": "text", "text": ""} and {"type": "thinking",
 * "thinking": [{"type": "text", "text": ""}]}. `token` began the list; inside "thinking" `kind` is
 * reasoning. Two levels are known, deeper ones are passed over. */
static void read_parts(struct reader *reader, uint32_t kind, bool nested)
{
    uint32_t token;
    while ((token = next(reader)) > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END) {
        if (token != TOKPERF_JSON_OBJECT_BEGIN) {
            drain(reader, token);
            continue;
        }
        while (next(reader) == TOKPERF_JSON_KEY) {
            const bool thinking = IS(reader, "thinking");
            if (!thinking && !IS(reader, "text")) {
                skip(reader);
                continue;
            }
            const uint32_t inner = thinking ? TOKPERF_TEXT_REASONING : kind;
            token = next(reader);
            if (token == TOKPERF_JSON_STRING)
                emit_text(reader, inner, reader->scan.text);
            else if (token == TOKPERF_JSON_ARRAY_BEGIN && !nested)
                read_parts(reader, inner, true);
            else
                drain(reader, token);
        }
    }
}

void openai_read_text(struct reader *reader, uint32_t kind)
{
    const uint32_t token = next(reader);
    if (token == TOKPERF_JSON_STRING)
        emit_text(reader, kind, reader->scan.text);
    else if (token == TOKPERF_JSON_ARRAY_BEGIN)
        read_parts(reader, kind, false);
    else
        drain(reader, token);
}

/* reasoning_content and reasoning are two names for one text; servers that send both repeat it. */
static void read_reasoning(struct reader *reader, struct tokperf_span *seen)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_STRING) {
        drain(reader, token);
        return;
    }
    const struct tokperf_span text = reader->scan.text;
    if (seen->len == text.len && text.len > 0 && memcmp(seen->data, text.data, text.len) == 0)
        return;
    emit_text(reader, TOKPERF_TEXT_REASONING, text);
    *seen = text;
}

/* A call's "name" and "arguments"; some servers send the arguments as an object. */
struct call {
    struct tokperf_span name, arguments;
    uint32_t encoding;
    uint32_t index;
};

static void read_arguments(struct reader *reader, struct call *call)
{
    struct tokperf_span raw;
    if (reader->self->json->skip(&reader->scan, &raw) != TOKPERF_OK)
        return;
    if (raw.data[0] == '"') {
        call->arguments = (struct tokperf_span){raw.data + 1, raw.len - 2};
    } else if (raw.data[0] == '{') {
        call->arguments = raw;
        call->encoding = TOKPERF_ENCODING_RAW;
    }
}

static void read_function(struct reader *reader, struct call *call)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "name"))
            call->name = json_read_string(reader->self->json, &reader->scan);
        else if (IS(reader, "arguments"))
            read_arguments(reader, call);
        else
            skip(reader);
    }
}

static void emit_call(const struct reader *reader, const struct call *call)
{
    if (call->name.len > 0 || call->arguments.len > 0)
        reader->emit->tool_call(reader->emit->context, call->index, call->name, call->arguments,
                                call->encoding);
}

static void read_index(struct reader *reader, struct call *call)
{
    const uint32_t token = next(reader);
    int64_t index;
    if (token == TOKPERF_JSON_NUMBER &&
        reader->self->json->to_int(reader->scan.text, &index) == TOKPERF_OK && index >= 0 &&
        index <= UINT32_MAX)
        call->index = (uint32_t)index;
    drain(reader, token);
}

/* Calls of a whole message carry no index: their place in the list is it. */
static void read_tool_calls(struct reader *reader)
{
    uint32_t token = next(reader);
    if (token != TOKPERF_JSON_ARRAY_BEGIN) {
        drain(reader, token);
        return;
    }
    for (uint32_t place = 0; (token = next(reader)) > TOKPERF_JSON_ERROR; place++) {
        if (token == TOKPERF_JSON_ARRAY_END)
            return;
        if (token != TOKPERF_JSON_OBJECT_BEGIN) {
            drain(reader, token);
            continue;
        }
        struct call call = {.index = place, .encoding = TOKPERF_ENCODING_JSON};
        while (next(reader) == TOKPERF_JSON_KEY) {
            if (IS(reader, "index"))
                read_index(reader, &call);
            else if (IS(reader, "function"))
                read_function(reader, &call);
            else
                skip(reader);
        }
        emit_call(reader, &call);
    }
}

static void read_function_call(struct reader *reader)
{
    struct call call = {.encoding = TOKPERF_ENCODING_JSON};
    read_function(reader, &call);
    emit_call(reader, &call);
}

/* Spoken output: {"data": base64, "transcript": text}. It is content without tokens. */
static void read_audio(struct reader *reader)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "data"))
            emit_text(reader, TOKPERF_TEXT_OTHER,
                      json_read_string(reader->self->json, &reader->scan));
        else
            skip(reader);
    }
}

void openai_read_message(struct reader *reader)
{
    const uint32_t token = next(reader);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        drain(reader, token);
        return;
    }
    struct tokperf_span reasoning = {NULL, 0};
    while (next(reader) == TOKPERF_JSON_KEY) {
        if (IS(reader, "content") || IS(reader, "refusal"))
            openai_read_text(reader, TOKPERF_TEXT_OUTPUT);
        else if (IS(reader, "reasoning_content") || IS(reader, "reasoning"))
            read_reasoning(reader, &reasoning);
        else if (IS(reader, "tool_calls"))
            read_tool_calls(reader);
        else if (IS(reader, "function_call"))
            read_function_call(reader);
        else if (IS(reader, "audio"))
            read_audio(reader);
        else
            skip(reader);
    }
}
