/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of an endpoint plugin, for tests. */
#include "transcript.h"

#include <plugin/host.h>

/* plugin.h gives it this name in the test's build. */
const struct tokperf_plugin *openai_plugin(void);

const struct tokperf_endpoint_vtable *openai_test_vtable(const char *component)
{
    for (const struct tokperf_component *const *c = openai_plugin()->components; *c != NULL; c++)
        if (strcmp((*c)->name, component) == 0)
            return (*c)->vtable;
    abort();
}

void *openai_test_create(const struct tokperf_endpoint_vtable *vtable)
{
    static struct tkp_host host;
    const struct tokperf_config config = {.struct_size = sizeof config};
    struct tokperf_error error;
    void *self = NULL;
    tkp_host_init(&host);
    if (vtable->create(&host.api, &config, &self, &error) != TOKPERF_OK)
        abort();
    return self;
}

static void add(struct transcript *transcript, const char *prefix, struct tokperf_span text,
                const char *suffix)
{
    const size_t room = sizeof transcript->text - transcript->len;
    const int wanted = snprintf(transcript->text + transcript->len, room, "%s%.*s%s", prefix,
                                (int)text.len, text.data, suffix);
    if (wanted > 0)
        transcript->len += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void add_line(struct transcript *transcript, const char *line)
{
    add(transcript, line, TOKPERF_SPAN(""), "\n");
}

static void on_text(void *context, uint32_t kind, struct tokperf_span text, uint32_t encoding)
{
    add(context,
        encoding == TOKPERF_ENCODING_RAW ? "raw:"
        : kind == TOKPERF_TEXT_OUTPUT    ? "out:"
        : kind == TOKPERF_TEXT_REASONING ? "reason:"
                                         : "other:",
        text, "\n");
}

static void on_tool_call(void *context, uint32_t index, struct tokperf_span name,
                         struct tokperf_span arguments, uint32_t encoding)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%stool %u:", encoding == TOKPERF_ENCODING_RAW ? "raw " : "",
             (unsigned)index);
    add(context, prefix, name, "(");
    add(context, "", arguments, ")\n");
}

static void on_usage(void *context, const struct tokperf_usage *usage)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"prompt", usage->prompt_tokens},
        {"completion", usage->completion_tokens},
        {"total", usage->total_tokens},
        {"reasoning", usage->reasoning_tokens},
        {"cached", usage->prompt_cache_read_tokens},
        {"written", usage->prompt_cache_write_tokens},
        {"missed", usage->prompt_cache_miss_tokens},
        {"prompt_audio", usage->prompt_audio_tokens},
        {"completion_audio", usage->completion_audio_tokens},
        {"accepted", usage->accepted_prediction_tokens},
        {"rejected", usage->rejected_prediction_tokens},
        {"tool_use", usage->tool_use_prompt_tokens},
        {"audio_ms", usage->prompt_audio_ms},
    };
    add(context, "usage:", TOKPERF_SPAN(""), "");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, " %s=%lld", counts[i].name, (long long)counts[i].value);
        if (counts[i].value >= 0)
            add(context, line, TOKPERF_SPAN(""), "");
    }
    add_line(context, "");
}

static void on_finish_reason(void *context, struct tokperf_span reason)
{
    add(context, "finish:", reason, "\n");
}

/* The events that follow are given all the same: what the parser makes of them is tested too. */
static void on_complete(void *context)
{
    (void)context;
}

static void on_error(void *context, struct tokperf_span code, struct tokperf_span type,
                     struct tokperf_span message)
{
    add(context, "error code=", code, "");
    add(context, " type=", type, "");
    add(context, " message=", message, "\n");
}

static struct tokperf_emit emit_to(struct transcript *transcript)
{
    return (struct tokperf_emit){
        .struct_size = sizeof(struct tokperf_emit),
        .context = transcript,
        .text = on_text,
        .tool_call = on_tool_call,
        .usage = on_usage,
        .finish_reason = on_finish_reason,
        .error = on_error,
        .complete = on_complete,
    };
}

void transcript_begin(struct transcript *transcript, const char *component, uint32_t framing)
{
    transcript->vtable = openai_test_vtable(component);
    transcript->self = openai_test_create(transcript->vtable);
    transcript->state = calloc(1, transcript->vtable->state_bytes);
    transcript->scratch = calloc(1, transcript->vtable->scratch_bytes);
    transcript->framing = framing;
    if (transcript->state == NULL || transcript->scratch == NULL)
        abort();
    transcript->vtable->begin(transcript->self, transcript->state, framing);
}

static tokperf_status give(struct transcript *transcript, struct tokperf_span name,
                           struct tokperf_span data)
{
    const struct tokperf_emit emit = emit_to(transcript);
    const struct tokperf_event event = {sizeof event, transcript->framing, data, name};
    struct tokperf_error error = {0};
    const tokperf_status status = transcript->vtable->event(
        transcript->self, transcript->state, transcript->scratch, &event, &emit, &error);
    if (status != TOKPERF_OK) {
        add(transcript, "parse: ", TOKPERF_SPAN(""), "");
        add_line(transcript, error.message);
    }
    return status;
}

void transcript_event(struct transcript *transcript, const char *event)
{
    const char *bar = event[0] != '{' ? strchr(event, '|') : NULL;
    const size_t name_len = bar != NULL ? (size_t)(bar - event) : 0;
    const char *data = bar != NULL ? bar + 1 : event;
    give(transcript, (struct tokperf_span){event, name_len},
         (struct tokperf_span){data, strlen(data)});
}

tokperf_status transcript_bytes(struct transcript *transcript, const char *data, size_t len)
{
    return give(transcript, (struct tokperf_span){NULL, 0}, (struct tokperf_span){data, len});
}

void transcript_end(struct transcript *transcript)
{
    const struct tokperf_emit emit = emit_to(transcript);
    const uint32_t verdict = transcript->vtable->finish(
        transcript->self, transcript->state, transcript->scratch, TOKPERF_END_COMPLETE, &emit);
    add_line(transcript, verdict == TOKPERF_VERDICT_OK ? "ok" : "truncated");
    transcript->vtable->destroy(transcript->self);
    free(transcript->state);
    free(transcript->scratch);
}
