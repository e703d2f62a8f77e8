/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint and dataset of fake_endpoint.h. */
#include "fake_endpoint.h"

#include <base/text.h>
#include <stdlib.h>
#include <string.h>

struct state {
    uint32_t framing, done, follow; /* follow: 1 asks for one, 2 for a bad one, 3 forgets to ask */
};

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    (void)self;
    (void)error;
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS;
    info->inputs = TOKPERF_INPUT_TEXT;
    info->stream_framing = TOKPERF_FRAMING_SSE;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    memcpy(info->path, "/fake", 6);
    return TOKPERF_OK;
}

static tokperf_status format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    (void)self;
    (void)error;
    for (uint32_t i = 0; i < request->turn_count; i++) {
        const struct tokperf_turn *turn = request->turns[i];
        if (i)
            sink->body(sink->context, "|", 1);
        for (uint32_t k = 0; k < turn->content_count; k++)
            sink->body(sink->context, turn->contents[k]->value.data, turn->contents[k]->value.len);
        if (turn->tool_calls.len)
            sink->body(sink->context, turn->tool_calls.data, turn->tool_calls.len);
    }
    const struct tokperf_turn *last = request->turns[request->turn_count - 1];
    if (last->content_count && tkp_span_is(last->contents[0]->value, "holes")) {
        sink->hole(sink->context, TOKPERF_HOLE_REQUEST_ID);
        sink->body(sink->context, "-", 1);
        sink->hole(sink->context, TOKPERF_HOLE_SALT);
        sink->hole(sink->context, TOKPERF_HOLE_TRACE_PARENT);
        sink->body(sink->context, ".", 1);
    }
    return TOKPERF_OK;
}

static void begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    if ((uintptr_t)state % 16) /* what the SDK promises */
        abort();
    ((struct state *)state)->framing = framing;
}

static void emit_usage(const struct tokperf_emit *emit, int64_t tokens)
{
    struct tokperf_usage usage;
    memset(&usage, 0xff, sizeof usage);
    usage.completion_tokens = tokens;
    emit->usage(emit->context, &usage);
}

static void emit_call(const struct tokperf_emit *emit, struct tokperf_span text)
{
    const char *equals = memchr(text.data, '=', text.len);
    if (!equals || equals == text.data)
        return;
    struct tokperf_span name = {text.data + 1, (uint64_t)(equals - text.data - 1)};
    struct tokperf_span arguments = {equals + 1, text.len - name.len - 2};
    emit->tool_call(emit->context, (uint32_t)(text.data[0] - '0'), name, arguments,
                    TOKPERF_ENCODING_JSON);
}

static void emit_text(const struct tokperf_emit *emit, char kind, struct tokperf_span text)
{
    struct tokperf_span none = {0};
    switch (kind) {
    case 't':
        emit->text(emit->context, TOKPERF_TEXT_OUTPUT, text, TOKPERF_ENCODING_RAW);
        break;
    case 'j':
        emit->text(emit->context, TOKPERF_TEXT_OUTPUT, text, TOKPERF_ENCODING_JSON);
        break;
    case 'r':
        emit->text(emit->context, TOKPERF_TEXT_REASONING, text, TOKPERF_ENCODING_RAW);
        break;
    case 'o':
        emit->text(emit->context, TOKPERF_TEXT_OTHER, text, TOKPERF_ENCODING_RAW);
        break;
    case 'c':
        emit->tool_call(emit->context, 0, none, text, TOKPERF_ENCODING_RAW);
        break;
    case 'n': /* its first byte is the call's index, then name=arguments, JSON-escaped */
        emit_call(emit, text);
        break;
    case 'f':
        emit->finish_reason(emit->context, text);
        break;
    case 'e':
        emit->error(emit->context, none, TOKPERF_SPAN("server_error"), text);
        break;
    case 'u':
        emit_usage(emit, text.len ? text.data[0] - '0' : 0);
        break;
    }
}

static tokperf_status event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *e, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    (void)self;
    (void)scratch;
    struct tokperf_span data = e->data;
    if (data.len == 9 && memcmp(data.data, "[FOLLOW", 7) == 0) { /* [FOLLOW1] */
        ((struct state *)state)->follow = (uint32_t)(data.data[7] - '0');
        return TOKPERF_OK;
    }
    if (tkp_span_is(data, "[COMPLETE]")) {
        ((struct state *)state)->done = 1;
        emit->complete(emit->context);
        return TOKPERF_OK;
    }
    if (tkp_span_is(data, "[DONE]"))
        ((struct state *)state)->done = 1;
    if (tkp_span_is(data, "bad")) {
        tkp_text_copy(error->message, sizeof error->message, TOKPERF_SPAN("bad event"));
        return TOKPERF_E_PARSE;
    }
    if (data.len > 3 && memcmp(data.data, "tu:", 3) == 0) {
        emit_usage(emit, 7);
        emit_text(emit, 't', (struct tokperf_span){data.data + 3, data.len - 3});
    } else if (data.len >= 2 && data.data[1] == ':') {
        emit_text(emit, data.data[0], (struct tokperf_span){data.data + 2, data.len - 2});
    }
    return TOKPERF_OK;
}

static uint32_t finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    (void)self;
    (void)scratch;
    struct state *s = state;
    const uint32_t follow = s->follow;
    s->follow = 0;
    if (follow && follow < 3)
        emit->follow_up(emit->context, TOKPERF_SPAN("GET"),
                        follow == 1 ? TOKPERF_SPAN("/next") : TOKPERF_SPAN("next"), 5);
    if (follow)
        return TOKPERF_VERDICT_FOLLOW_UP;
    bool whole = s->framing == TOKPERF_FRAMING_WHOLE && end != TOKPERF_END_CUT;
    return s->done || whole ? TOKPERF_VERDICT_OK : TOKPERF_VERDICT_TRUNCATED;
}

const struct tokperf_endpoint_vtable fake_endpoint = {
    .struct_size = sizeof fake_endpoint,
    .state_bytes = sizeof(struct state),
    .scratch_bytes = 16,
    .describe = describe,
    .format = format,
    .begin = begin,
    .event = event,
    .finish = finish,
};

const struct tkp_instance fake_endpoint_instance = {
    .vtable = &fake_endpoint, .name = "fake", .plugin_id = "org.tokperf.test.fake"};

static tokperf_status add_turn(const struct tokperf_dataset_sink *sink, const char *text,
                               int64_t delay_ns)
{
    const struct tokperf_content content = {
        .struct_size = sizeof content, .input = TOKPERF_INPUT_TEXT, .value = tkp_span(text)};
    const struct tokperf_content *contents[] = {&content};
    const struct tokperf_turn turn = {.struct_size = sizeof turn,
                                      .content_count = 1,
                                      .contents = contents,
                                      .max_tokens = -1,
                                      .input_tokens = -1,
                                      .delay_ns = delay_ns};
    return sink->turn(sink->context, &turn);
}

static tokperf_status produce(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error)
{
    (void)request;
    (void)error;
    const struct fake_dataset *dataset = self;
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < dataset->count && status == TOKPERF_OK; i++) {
        const struct fake_conversation *c = &dataset->conversations[i];
        status = sink->conversation(sink->context, (struct tokperf_span){0});
        for (uint32_t k = 0; k < 4 && c->turns[k] && status == TOKPERF_OK; k++)
            status = add_turn(sink, c->turns[k], k ? c->delay_ns : -1);
    }
    return status;
}

struct tkp_instance fake_dataset_instance(struct fake_dataset *dataset)
{
    static const struct tokperf_dataset_vtable vtable = {.struct_size = sizeof vtable,
                                                         .produce = produce};
    return (struct tkp_instance){
        .vtable = &vtable, .self = dataset, .name = "fake", .plugin_id = "org.tokperf.test.fake"};
}
