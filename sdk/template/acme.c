/* SPDX-License-Identifier: 0BSD */
/* An endpoint to copy: text completions, streamed or whole. The headers say the rest. */
#include <tokperf/endpoint.h>

#include <stdlib.h>
#include <string.h>

/* One instance: what create() learned. Shared by all workers, never changed. */
struct acme {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
    double temperature;
    uint32_t has_temperature;
};

/* One request in flight, zeroed by the host. */
struct answer {
    uint32_t framing, complete;
};

static const struct tokperf_option temperature = {
    .struct_size = sizeof temperature,
    .type = TOKPERF_OPTION_DOUBLE,
    .flags = TOKPERF_OPTION_RANGE,
    .key = "temperature",
    .minimum = 0,
    .maximum = 2,
    .help = "Sampling temperature sent with every request; the server's own when unset.",
};
static const struct tokperf_option *const options[] = {&temperature, NULL};

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    static const char text[] = "out of memory";
    struct acme *acme = calloc(1, sizeof *acme);
    if (acme == NULL) {
        memcpy(error->message, text, sizeof text);
        return TOKPERF_E_NO_MEMORY;
    }
    acme->json = host->service(host, TOKPERF_SERVICE_JSON);
    acme->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    acme->has_temperature = config->values[0]->is_set;
    acme->temperature = config->values[0]->number;
    *self = acme;
    return TOKPERF_OK;
}

static void destroy(void *self)
{
    free(self);
}

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    static const char path[] = "/v1/completions";
    static const char title[] = "Acme Metrics";
    (void)self;
    (void)error;
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                  TOKPERF_ENDPOINT_TOKENIZES_INPUT;
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_RAW;
    info->stream_framing = TOKPERF_FRAMING_SSE;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    memcpy(info->path, path, sizeof path);
    memcpy(info->title, title, sizeof title);
    return TOKPERF_OK;
}

/* ---- the request ---- */

/* Begins a member of ours, unless the user gave one of that name. */
static int begin_member(const struct acme *acme, struct tokperf_json_writer *w,
                        const struct tokperf_request *request, struct tokperf_span key)
{
    for (uint32_t i = 0; i < request->extra_count; i++)
        if (acme->json->equals(request->extra[i].key, 0, key))
            return 0;
    acme->writer->key(w, key);
    return 1;
}

/* The turn's texts as one string; a chat API would render all turns. */
static void write_prompt(const struct acme *acme, struct tokperf_json_writer *w,
                         const struct tokperf_turn *turn)
{
    if (turn->content_count == 1 && turn->contents[0]->input == TOKPERF_INPUT_TEXT) {
        acme->writer->string(w, turn->contents[0]->value);
        return;
    }
    acme->writer->array_begin(w);
    for (uint32_t i = 0; i < turn->content_count; i++)
        if (turn->contents[i]->input == TOKPERF_INPUT_TEXT)
            acme->writer->string(w, turn->contents[i]->value);
    acme->writer->array_end(w);
}

static void write_body(const struct acme *acme, struct tokperf_json_writer *w,
                       const struct tokperf_request *request, const struct tokperf_turn *turn)
{
    const struct tokperf_json_writer_v1 *json = acme->writer;
    json->object_begin(w);
    if (begin_member(acme, w, request, TOKPERF_SPAN("model")))
        json->string(w, request->model);
    if (begin_member(acme, w, request, TOKPERF_SPAN("prompt")))
        write_prompt(acme, w, turn);
    if (turn->max_tokens >= 0 && begin_member(acme, w, request, TOKPERF_SPAN("max_tokens")))
        json->integer(w, turn->max_tokens);
    if (acme->has_temperature && begin_member(acme, w, request, TOKPERF_SPAN("temperature")))
        json->number(w, acme->temperature);
    if ((request->flags & TOKPERF_REQUEST_STREAM) != 0) {
        if (begin_member(acme, w, request, TOKPERF_SPAN("stream")))
            json->boolean(w, 1);
        if (begin_member(acme, w, request, TOKPERF_SPAN("stream_options")))
            json->raw(w, TOKPERF_SPAN("{\"include_usage\":true}"));
    }
    for (uint32_t i = 0; i < request->extra_count; i++) {
        json->key(w, request->extra[i].key);
        json->raw(w, request->extra[i].json);
    }
    json->object_end(w);
}

static tokperf_status format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    const struct acme *acme = self;
    const struct tokperf_turn *turn = request->turns[request->turn_count - 1];
    const struct tokperf_sink body = {sink->context, sink->body};
    struct tokperf_json_writer w;
    (void)error;
    if (turn->raw_payload.len > 0) {
        sink->body(sink->context, turn->raw_payload.data, turn->raw_payload.len);
        return TOKPERF_OK;
    }
    acme->writer->open(&w, &body, 0);
    write_body(acme, &w, request, turn);
    return TOKPERF_OK;
}

/* ---- the response ---- */

/* The next member of the object that scan is in: its key, and its value as it stands. */
static int next_member(const struct tokperf_json_v1 *json, struct tokperf_json *scan,
                       struct tokperf_span *key, struct tokperf_span *value)
{
    if (json->next(scan) != TOKPERF_JSON_KEY)
        return 0;
    *key = scan->text;
    return json->skip(scan, value) == TOKPERF_OK;
}

static int is(const struct tokperf_json_v1 *json, struct tokperf_span key, struct tokperf_span name)
{
    return json->equals(key, 0, name) != 0;
}

/* Between the quotes of a JSON string; empty for any other value. */
static struct tokperf_span inside(struct tokperf_span value)
{
    const struct tokperf_span none = {NULL, 0};
    if (value.len < 2 || value.data[0] != '"')
        return none;
    return (struct tokperf_span){value.data + 1, value.len - 2};
}

static void read_choice(const struct tokperf_json_v1 *json, struct tokperf_span choice,
                        const struct tokperf_emit *emit)
{
    struct tokperf_json scan;
    struct tokperf_span key, value;
    json->open(&scan, choice.data, choice.len);
    if (json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (next_member(json, &scan, &key, &value)) {
        struct tokperf_span text = inside(value);
        if (is(json, key, TOKPERF_SPAN("text")))
            emit->text(emit->context, TOKPERF_TEXT_OUTPUT, text, TOKPERF_ENCODING_JSON);
        else if (is(json, key, TOKPERF_SPAN("finish_reason")) && text.len > 0)
            emit->finish_reason(emit->context, text);
    }
}

static void read_usage(const struct tokperf_json_v1 *json, struct tokperf_span object,
                       const struct tokperf_emit *emit)
{
    struct tokperf_usage usage;
    struct tokperf_json scan;
    struct tokperf_span key, value;
    memset(&usage, 0xff, sizeof usage); /* every count -1: not stated */
    json->open(&scan, object.data, object.len);
    if (json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (next_member(json, &scan, &key, &value)) {
        int64_t count = -1;
        if (json->to_int(value, &count) != TOKPERF_OK || count < 0)
            continue;
        if (is(json, key, TOKPERF_SPAN("prompt_tokens")))
            usage.prompt_tokens = count;
        else if (is(json, key, TOKPERF_SPAN("completion_tokens")))
            usage.completion_tokens = count;
        else if (is(json, key, TOKPERF_SPAN("total_tokens")))
            usage.total_tokens = count;
    }
    emit->usage(emit->context, &usage);
}

static void read_error(const struct tokperf_json_v1 *json, struct tokperf_span object,
                       const struct tokperf_emit *emit)
{
    const struct tokperf_span none = {NULL, 0};
    struct tokperf_span type = none, message = none, key, value;
    struct tokperf_json scan;
    json->open(&scan, object.data, object.len);
    if (json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (next_member(json, &scan, &key, &value)) {
        if (is(json, key, TOKPERF_SPAN("type")))
            type = inside(value);
        else if (is(json, key, TOKPERF_SPAN("message")))
            message = inside(value);
    }
    emit->error(emit->context, none, type, message);
}

static void begin(const void *self, void *state, uint32_t framing)
{
    struct answer *answer = state;
    (void)self;
    answer->framing = framing;
}

static tokperf_status event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    const struct tokperf_json_v1 *json = ((const struct acme *)self)->json;
    struct answer *answer = state;
    struct tokperf_json scan, items;
    struct tokperf_span key, value, choice;
    (void)scratch;
    if (event->data.len == 6 && memcmp(event->data.data, "[DONE]", 6) == 0) {
        answer->complete = 1;
        if (TOKPERF_HAS(emit, complete))
            emit->complete(emit->context); /* whatever the HTTP framing still says */
        return TOKPERF_OK;
    }
    json->open(&scan, event->data.data, event->data.len);
    if (json->next(&scan) == TOKPERF_JSON_OBJECT_BEGIN)
        while (next_member(json, &scan, &key, &value)) {
            if (is(json, key, TOKPERF_SPAN("choices"))) {
                json->open(&items, value.data, value.len);
                if (json->next(&items) == TOKPERF_JSON_ARRAY_BEGIN)
                    while (json->skip(&items, &choice) == TOKPERF_OK)
                        read_choice(json, choice, emit);
            } else if (is(json, key, TOKPERF_SPAN("usage"))) {
                read_usage(json, value, emit);
            } else if (is(json, key, TOKPERF_SPAN("error"))) {
                read_error(json, value, emit);
            }
        }
    if (json->next(&scan) == TOKPERF_JSON_END) {
        answer->complete |= answer->framing == TOKPERF_FRAMING_WHOLE;
        return TOKPERF_OK;
    }
    strncpy(error->message, json->error_text(&scan), sizeof error->message - 1);
    error->message[sizeof error->message - 1] = '\0';
    return TOKPERF_E_PARSE;
}

static uint32_t finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    const struct answer *answer = state;
    (void)self;
    (void)scratch;
    (void)emit;
    return answer->complete && end != TOKPERF_END_CUT ? TOKPERF_VERDICT_OK
                                                      : TOKPERF_VERDICT_TRUNCATED;
}

static const struct tokperf_endpoint_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = destroy,
    .state_bytes = sizeof(struct answer),
    .describe = describe,
    .format = format,
    .begin = begin,
    .event = event,
    .finish = finish,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "acme_text",
    .summary = "Acme text completions",
    .options = options,
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER, NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "com.acme.tokperf",
    .version = "1.0.0",
    .license = "0BSD",
    .summary = "Acme endpoints",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)
