/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies of "template" and "raw". A template is tried with two sample requests when it is
 * given, so that one which does not make JSON is refused before the run. format() allocates
 * nothing.
 */
#include "template.h"

#include <stdlib.h>
#include <string.h>

/* ---- what was given ---- */

static bool is_inline(struct tokperf_span body)
{
    uint64_t i = 0;
    while (i < body.len && (unsigned char)body.data[i] <= ' ')
        i++;
    return i == body.len || body.data[i] == '{' || body.data[i] == '[';
}

/* The length of the UTF-8 sequence at p, or 0. */
static uint64_t sequence(const unsigned char *p, uint64_t left)
{
    const uint64_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len == 0 || p[0] > 0xf4 || len > left)
        return 0;
    for (uint64_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    const bool beyond = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || beyond ? 0 : len;
}

static bool is_utf8(struct tokperf_span text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (uint64_t i = 0; i < text.len;) {
        const uint64_t step = sequence(bytes + i, text.len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

/* ---- samples ---- */

struct sample {
    char *data;
    uint64_t len, capacity;
    bool failed;
};

static void add_to_sample(void *context, const char *data, uint64_t len)
{
    struct sample *sample = context;
    if (sample->len + len > sample->capacity && !sample->failed) {
        const uint64_t capacity = 2 * (sample->len + len);
        char *grown = realloc(sample->data, capacity);
        sample->failed = grown == NULL;
        if (grown != NULL) {
            sample->data = grown;
            sample->capacity = capacity;
        }
    }
    if (sample->failed)
        return;
    memcpy(sample->data + sample->len, data, len);
    sample->len += len;
}

#define CONTENT(kind, text, label)                                      \
    {                                                                   \
        .struct_size = sizeof(struct tokperf_content), .input = (kind), \
        .value = {(text), sizeof(text) - 1}, .name = {                  \
            (label),                                                    \
            sizeof(label) - 1                                           \
        }                                                               \
    }

/* A request with every field, of two turns; or with hardly any. */
static void render_sample(const struct template_instance *instance, bool full,
                          struct sample *sample)
{
    static const struct tokperf_content contents[] = {
        CONTENT(TOKPERF_INPUT_TEXT, "a \"query\"", "query"),
        CONTENT(TOKPERF_INPUT_TEXT, "a passage", "passages"),
        CONTENT(TOKPERF_INPUT_TEXT, "another\n", "passages"),
        CONTENT(TOKPERF_INPUT_IMAGE, "data:image/png;base64,AA==", ""),
        CONTENT(TOKPERF_INPUT_AUDIO, "wav,AA==", ""),
        CONTENT(TOKPERF_INPUT_VIDEO, "data:video/mp4;base64,AA==", ""),
    };
    static const struct tokperf_content plain[] = {CONTENT(TOKPERF_INPUT_TEXT, "a", "")};
    const struct tokperf_content *all[6], *one[] = {plain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        all[i] = &contents[i];
    const struct tokperf_turn rich = {
        .struct_size = sizeof rich, .content_count = 6, .contents = all, .max_tokens = 16};
    const struct tokperf_turn poor = {
        .struct_size = sizeof poor, .content_count = 1, .contents = one, .max_tokens = -1};
    const struct tokperf_turn *turns[] = {full ? &rich : &poor, &rich};
    const struct tokperf_request request = {.struct_size = sizeof request,
                                            .flags = full ? TOKPERF_REQUEST_STREAM : 0,
                                            .turn_count = full ? 2 : 1,
                                            .turns = turns,
                                            .model = TOKPERF_SPAN("model")};
    const struct tokperf_sink sink = {sample, add_to_sample};
    text_render(&instance->text, instance->writer, &request, &sink);
}

/* Whether the sample is JSON; *members: whether it is an object that is not empty. */
static tokperf_status check_sample(const struct template_instance *instance,
                                   const struct sample *sample, bool *members,
                                   struct tokperf_error *error)
{
    struct tokperf_json scan;
    struct tokperf_span raw;
    if (sample->failed)
        return template_fail(error, TOKPERF_E_NO_MEMORY, "no memory to try the template");
    instance->json->open(&scan, sample->data, sample->len);
    if (instance->json->skip(&scan, &raw) == TOKPERF_OK &&
        instance->json->next(&scan) == TOKPERF_JSON_END) {
        instance->json->open(&scan, sample->data, sample->len);
        const uint32_t first = instance->json->next(&scan);
        const uint32_t second = instance->json->next(&scan);
        *members = first == TOKPERF_JSON_OBJECT_BEGIN && second == TOKPERF_JSON_KEY;
        return TOKPERF_OK;
    }
    const uint64_t at = scan.error_offset < sample->len ? scan.error_offset : sample->len;
    const uint64_t from = at > 40 ? at - 40 : 0;
    return template_fail(error, TOKPERF_E_INVALID,
                         "the template does not make JSON: byte %llu: %s, behind: %.*s",
                         (unsigned long long)at, instance->json->error_text(&scan),
                         (int)(at - from), sample->len > 0 ? sample->data + from : "");
}

/* Where members can be added: before the object's end, if the template says it outside of sections.
 * It is cut off the last literal. */
static void cut_ending(struct template_instance *instance)
{
    struct text_node *last = &instance->text.nodes[instance->text.count - 1];
    if (last->kind != TEXT_LITERAL)
        return;
    uint64_t at = last->literal.len;
    while (at > 0 && (unsigned char)last->literal.data[at - 1] <= ' ')
        at--;
    if (at == 0 || last->literal.data[at - 1] != '}')
        return;
    instance->ending =
        (struct tokperf_span){last->literal.data + at - 1, last->literal.len - (at - 1)};
    last->literal.len = at - 1;
}

static tokperf_status try_template(struct template_instance *instance, struct tokperf_error *error)
{
    struct sample full = {0}, poor = {0};
    bool poor_members = false;
    render_sample(instance, true, &full);
    render_sample(instance, false, &poor);
    tokperf_status status = check_sample(instance, &full, &instance->has_members, error);
    if (status == TOKPERF_OK)
        status = check_sample(instance, &poor, &poor_members, error);
    instance->may_lack_members = instance->has_members != poor_members;
    instance->sample = full.data; /* kept */
    instance->sample_bytes = full.len;
    free(poor.data);
    if (status == TOKPERF_OK)
        cut_ending(instance);
    return status;
}

static tokperf_status compile(struct template_instance *instance, struct tokperf_span source,
                              struct tokperf_error *error)
{
    if (!is_utf8(source))
        return template_fail(error, TOKPERF_E_INVALID, "the template is not UTF-8");
    const tokperf_status status = text_compile(&instance->text, source, error);
    if (status != TOKPERF_OK)
        return status;
    if (instance->text.count == 0)
        return template_fail(error, TOKPERF_E_INVALID, "the template is empty");
    instance->has_text = true;
    return try_template(instance, error);
}

tokperf_status template_set_body(struct template_instance *instance,
                                 const struct tokperf_host *host, struct tokperf_span body,
                                 struct tokperf_error *error)
{
    static const char embedqa[] = "nv-embedqa";
    char reason[sizeof error->message];
    struct tokperf_span content;
    if (body.len == sizeof embedqa - 1 && memcmp(body.data, embedqa, body.len) == 0)
        return compile(instance, TOKPERF_SPAN("{\"text\": {{texts}}}"), error);
    if (is_inline(body))
        return compile(instance, body, error);
    tokperf_status status = instance->file->read(host, body.data, TEXT_MAX_BYTES, &content, error);
    if (status == TOKPERF_OK) {
        status = compile(instance, content, error);
        instance->file->release(host, content);
    }
    if (status == TOKPERF_OK)
        return TOKPERF_OK;
    memcpy(reason, error->message, sizeof reason);
    return template_fail(error, TOKPERF_E_INVALID,
                         "the template file '%.*s' (what begins with { or [ is a template itself): "
                         "%s",
                         (int)(body.len < 256 ? body.len : 256), body.data, reason);
}

/* ---- rendering ---- */

static bool sample_has(const struct template_instance *instance, struct tokperf_span key)
{
    struct tokperf_json scan;
    instance->json->open(&scan, instance->sample, instance->sample_bytes);
    if (instance->json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return false;
    while (instance->json->next(&scan) == TOKPERF_JSON_KEY) {
        if (instance->json->equals(scan.text, scan.escaped, key) != 0)
            return true;
        if (instance->json->skip(&scan, NULL) != TOKPERF_OK)
            return false;
    }
    return false;
}

static tokperf_status check_extra(const struct template_instance *instance,
                                  const struct tokperf_request *request,
                                  struct tokperf_error *error)
{
    if (request->extra_count > 0 && (instance->ending.len == 0 || instance->may_lack_members))
        return template_fail(error, TOKPERF_E_INVALID,
                             "members cannot be added (--extra-inputs, or a row's extra) to a "
                             "template that is no object with members in every request; put them "
                             "into the template");
    for (uint32_t i = 0; i < request->extra_count; i++) {
        const struct tokperf_span key = request->extra[i].key;
        if (sample_has(instance, key))
            return template_fail(error, TOKPERF_E_INVALID,
                                 "the template has a member '%.*s' already: change it there, or "
                                 "leave it out of --extra-inputs and of the row's extra",
                                 (int)(key.len < 128 ? key.len : 128), key.data);
    }
    return TOKPERF_OK;
}

static void write_extra(const struct template_instance *instance,
                        const struct tokperf_request *request,
                        const struct tokperf_request_sink *sink)
{
    const struct tokperf_sink bytes = {sink->context, sink->body};
    for (uint32_t i = 0; i < request->extra_count; i++) {
        struct tokperf_json_writer writer;
        if (i > 0 || instance->has_members)
            sink->body(sink->context, ", ", 2);
        instance->writer->open(&writer, &bytes, 0);
        instance->writer->string(&writer, request->extra[i].key);
        sink->body(sink->context, ": ", 2);
        sink->body(sink->context, request->extra[i].json.data, request->extra[i].json.len);
    }
}

tokperf_status template_format_raw(const void *self, const struct tokperf_request *request,
                                   const struct tokperf_request_sink *sink,
                                   struct tokperf_error *error)
{
    (void)self;
    const struct tokperf_turn *last =
        request->turn_count > 0 ? request->turns[request->turn_count - 1] : NULL;
    if (last == NULL || last->raw_payload.len == 0)
        return template_fail(error, TOKPERF_E_UNSUPPORTED,
                             "--endpoint-type raw sends whole request bodies only: give them with "
                             "--input-file in the format raw_payload or inputs_json");
    sink->body(sink->context, last->raw_payload.data, last->raw_payload.len);
    return TOKPERF_OK;
}

tokperf_status template_format(const void *self, const struct tokperf_request *request,
                               const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    const struct template_instance *instance = self;
    if (request->turn_count == 0)
        return template_fail(error, TOKPERF_E_INVALID, "a request without a turn cannot be sent");
    if (request->turns[request->turn_count - 1]->raw_payload.len > 0)
        return template_format_raw(self, request, sink, error);
    if (!instance->has_text)
        return template_fail(error, TOKPERF_E_INVALID,
                             "--endpoint-type template needs a template: --set template.body=FILE, "
                             "or endpoint.template.body in YAML");
    const tokperf_status status = check_extra(instance, request, error);
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_sink bytes = {sink->context, sink->body};
    text_render(&instance->text, instance->writer, request, &bytes);
    write_extra(instance, request, sink);
    if (instance->ending.len > 0)
        sink->body(sink->context, instance->ending.data, instance->ending.len);
    return TOKPERF_OK;
}
