/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint whose answer has to be fetched: POST /jobs gives {"id": "...", "status": "queued"},
 * GET /jobs/ID then says "running" until it says "done" with a "result", or "failed". Tests of
 * follow-up requests use it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/endpoint.h>

enum { MAX_ID = 64, POLL_NS = 20 * 1000 * 1000 };

struct job {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
};

struct state {
    char path[16 + MAX_ID]; /* "/jobs/ID", once it is known */
    uint32_t done, parsed;
};

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct job *job = malloc(sizeof *job);
    if (job == NULL) {
        snprintf(error->message, sizeof error->message, "no memory");
        return TOKPERF_E_NO_MEMORY;
    }
    job->json = host->service(host, TOKPERF_SERVICE_JSON);
    job->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    *self = job;
    return TOKPERF_OK;
}

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    (void)self;
    (void)error;
    info->inputs = TOKPERF_INPUT_TEXT;
    info->stream_framing = info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->path, sizeof info->path, "/jobs");
    snprintf(info->title, sizeof info->title, "Job Metrics");
    return TOKPERF_OK;
}

static tokperf_status format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = ((const struct job *)self)->writer;
    const struct tokperf_sink bytes = {sink->context, sink->body};
    struct tokperf_json_writer w;
    (void)error;
    writer->open(&w, &bytes, 0);
    writer->object_begin(&w);
    writer->key(&w, TOKPERF_SPAN("turns"));
    writer->integer(&w, request->turn_count);
    writer->object_end(&w);
    return TOKPERF_OK;
}

static void begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    (void)state;
    (void)framing;
}

static int is(const struct tokperf_json_v1 *json, struct tokperf_span text,
              struct tokperf_span plain)
{
    return json->equals(text, 1, plain) != 0;
}

static void take(const struct job *job, struct state *state, const struct tokperf_emit *emit,
                 struct tokperf_span key, struct tokperf_span value)
{
    const struct tokperf_span none = {NULL, 0};
    if (is(job->json, key, TOKPERF_SPAN("id")) && state->path[0] == '\0' && value.len <= MAX_ID)
        snprintf(state->path, sizeof state->path, "/jobs/%.*s", (int)value.len, value.data);
    if (is(job->json, key, TOKPERF_SPAN("result")) && value.len > 0)
        emit->text(emit->context, TOKPERF_TEXT_OTHER, value, TOKPERF_ENCODING_JSON);
    if (!is(job->json, key, TOKPERF_SPAN("status")))
        return;
    state->done = is(job->json, value, TOKPERF_SPAN("done")) ? 1 : 0;
    if (is(job->json, value, TOKPERF_SPAN("failed")))
        emit->error(emit->context, none, TOKPERF_SPAN("job"), TOKPERF_SPAN("the job failed"));
}

static tokperf_status event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    const struct job *job = self;
    struct tokperf_json scan;
    (void)scratch;
    job->json->open(&scan, event->data.data, event->data.len);
    if (job->json->next(&scan) == TOKPERF_JSON_OBJECT_BEGIN)
        while (job->json->next(&scan) == TOKPERF_JSON_KEY) {
            const struct tokperf_span key = scan.text;
            struct tokperf_span raw;
            if (job->json->skip(&scan, &raw) == TOKPERF_OK && raw.data[0] == '"')
                take(job, state, emit, key, (struct tokperf_span){raw.data + 1, raw.len - 2});
        }
    if (job->json->next(&scan) == TOKPERF_JSON_END) {
        ((struct state *)state)->parsed = 1;
        return TOKPERF_OK;
    }
    snprintf(error->message, sizeof error->message, "the body is no JSON object");
    return TOKPERF_E_PARSE;
}

static uint32_t finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    struct state *s = state;
    (void)self;
    (void)scratch;
    if (end == TOKPERF_END_CUT || !s->parsed || s->path[0] == '\0')
        return TOKPERF_VERDICT_TRUNCATED;
    s->parsed = 0;
    if (s->done)
        return TOKPERF_VERDICT_OK;
    if (!TOKPERF_HAS(emit, follow_up))
        return TOKPERF_VERDICT_TRUNCATED;
    emit->follow_up(emit->context, TOKPERF_SPAN("GET"),
                    (struct tokperf_span){s->path, strlen(s->path)}, POLL_NS);
    return TOKPERF_VERDICT_FOLLOW_UP;
}

static const struct tokperf_endpoint_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct state),
    .describe = describe,
    .format = format,
    .begin = begin,
    .event = event,
    .finish = finish,
};

static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "job",
    .summary = "A job that is polled",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                                NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.test.job",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Test of follow-up requests",
    .components = components,
    .requires_services = requires_services,
};
TOKPERF_PLUGIN(plugin)
