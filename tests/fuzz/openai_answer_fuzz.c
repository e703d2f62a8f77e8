/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The openai plugin's parser on hostile bytes. The first byte picks the framing, each line behind
 * it is an event; a line that begins with '!' is one of type "error".
 */
#include <plugin/host.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/endpoint.h>

const struct tokperf_plugin *openai_plugin(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte, so that a sanitizer sees a span that is not there. */
static void touch(struct tokperf_span text)
{
    uint32_t sum = 0;
    for (uint64_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.data[i];
    if (sum == UINT32_MAX)
        abort();
}

static void on_text(void *context, uint32_t kind, struct tokperf_span text, uint32_t encoding)
{
    (void)context;
    (void)kind;
    (void)encoding;
    touch(text);
}

static void on_tool_call(void *context, uint32_t index, struct tokperf_span name,
                         struct tokperf_span arguments, uint32_t encoding)
{
    (void)context;
    (void)index;
    (void)encoding;
    touch(name);
    touch(arguments);
}

static void on_usage(void *context, const struct tokperf_usage *usage)
{
    (void)context;
    if (usage->prompt_tokens < -1 || usage->completion_tokens < -1)
        abort();
}

static void on_finish_reason(void *context, struct tokperf_span reason)
{
    (void)context;
    touch(reason);
}

static void on_error(void *context, struct tokperf_span code, struct tokperf_span type,
                     struct tokperf_span message)
{
    (void)context;
    touch(code);
    touch(type);
    touch(message);
}

static void on_complete(void *context)
{
    (void)context;
}

static const struct tokperf_emit emit = {
    .struct_size = sizeof emit,
    .text = on_text,
    .tool_call = on_tool_call,
    .usage = on_usage,
    .finish_reason = on_finish_reason,
    .error = on_error,
    .complete = on_complete,
};

static void give(const struct tokperf_endpoint_vtable *vtable, void *self, void *state,
                 void *scratch, struct tokperf_event *event)
{
    struct tokperf_error error;
    char *exact = malloc(event->data.len + 1);
    if (exact == NULL)
        return;
    memcpy(exact, event->data.data, event->data.len);
    event->data.data = exact;
    vtable->event(self, state, scratch, event, &emit, &error);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tokperf_endpoint_vtable *vtable = openai_plugin()->components[0]->vtable;
    const struct tokperf_config config = {.struct_size = sizeof config};
    struct tkp_host host;
    void *self = NULL;
    tkp_host_init(&host);
    if (size == 0 || vtable->create(&host.api, &config, &self, NULL) != TOKPERF_OK)
        return 0;
    void *state = calloc(1, vtable->state_bytes), *scratch = calloc(1, vtable->scratch_bytes);
    const uint32_t framing = data[0] % 2 == 0 ? TOKPERF_FRAMING_SSE : TOKPERF_FRAMING_WHOLE;
    const char *p = (const char *)data + 1, *end = (const char *)data + size;
    if (state != NULL && scratch != NULL) {
        vtable->begin(self, state, framing);
        while (p < end) {
            const char *newline = memchr(p, '\n', (size_t)(end - p));
            const char *stop = newline != NULL ? newline : end;
            struct tokperf_event event = {.struct_size = sizeof event, .framing = framing};
            if (*p == '!') {
                event.name = TOKPERF_SPAN("error");
                p++;
            }
            event.data = (struct tokperf_span){p, p < stop ? (uint64_t)(stop - p) : 0};
            give(vtable, self, state, scratch, &event);
            p = stop + 1;
        }
        vtable->finish(self, state, scratch, TOKPERF_END_COMPLETE, &emit);
    }
    free(state);
    free(scratch);
    vtable->destroy(self);
    return 0;
}
