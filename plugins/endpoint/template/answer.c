/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of any shape: what response_field finds, or the first of embeddings, rankings and texts
 * that is there; bytes that are no JSON are text. Strings are text, other values content without
 * tokens. An "error" is one, a "usage" counts. [worker], allocates nothing.
 */
#include "template.h"

#include <string.h>

/* In this order: the first that gives something is it. */
static const struct {
    const char *path;
    bool is_text; /* strings only */
} automatic[TEMPLATE_AUTO_QUERIES] = {
    {"data[].embedding", false},
    {"embeddings", false},
    {"embedding", false},
    {"rankings", false},
    {"results", false},
    {"text", true},
    {"content", true},
    {"response", true},
    {"output", true},
    {"result", true},
    {"choices[0].text || choices[0].message.content", true},
    {"choices[0].delta.content", true}, /* of a stream */
};

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

tokperf_status template_set_queries(struct template_instance *instance, struct tokperf_error *error)
{
    tokperf_status status =
        query_compile(&instance->error_query, instance->json, TOKPERF_SPAN("error"), error);
    if (status == TOKPERF_OK)
        status =
            query_compile(&instance->usage_query, instance->json, TOKPERF_SPAN("usage"), error);
    for (size_t i = 0; i < TEMPLATE_AUTO_QUERIES && status == TOKPERF_OK; i++)
        status =
            query_compile(&instance->automatic[i], instance->json, span(automatic[i].path), error);
    return status;
}

struct reading {
    const struct template_instance *instance;
    const struct tokperf_emit *emit;
    struct template_scratch *scratch;
    bool texts_only;
    uint64_t found;
    struct tokperf_span first; /* what an asking gave first */
};

/* ---- content ---- */

static void emit_string(struct reading *r, struct tokperf_span value)
{
    const struct tokperf_span text = {value.data + 1, value.len - 2};
    if (text.len == 0)
        return;
    r->found++;
    r->emit->text(r->emit->context, TOKPERF_TEXT_OUTPUT, text, TOKPERF_ENCODING_JSON);
}

/* The strings of a list; false: its first item is none. */
static bool emit_strings(struct reading *r, struct tokperf_json *scan, struct tokperf_span item)
{
    if (item.data[0] != '"')
        return false;
    do
        if (item.data[0] == '"')
            emit_string(r, item);
    while (r->instance->json->skip(scan, &item) == TOKPERF_OK);
    return true;
}

/* A list of strings is texts; any other list, a number or an object is content as it stands, if it
 * is not empty. */
static void take_content(void *context, struct tokperf_span value)
{
    struct reading *r = context;
    const struct tokperf_json_v1 *json = r->instance->json;
    struct tokperf_json scan;
    struct tokperf_span item;
    if (value.data[0] == '"') {
        emit_string(r, value);
        return;
    }
    json->open(&scan, value.data, value.len);
    if (r->texts_only || (json->next(&scan) == TOKPERF_JSON_ARRAY_BEGIN &&
                          (json->skip(&scan, &item) != TOKPERF_OK || emit_strings(r, &scan, item))))
        return;
    r->found++;
    r->emit->text(r->emit->context, TOKPERF_TEXT_OTHER, value, TOKPERF_ENCODING_RAW);
}

/* A list at the top of an answer: vectors, scores or texts. */
static void take_items(struct reading *r, struct tokperf_span list)
{
    const struct tokperf_json_v1 *json = r->instance->json;
    struct tokperf_json scan;
    struct tokperf_span item;
    json->open(&scan, list.data, list.len);
    if (json->next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    while (json->skip(&scan, &item) == TOKPERF_OK)
        take_content(r, item);
}

static void detect(struct reading *r, struct tokperf_span value)
{
    for (size_t i = 0; i < TEMPLATE_AUTO_QUERIES && r->found == 0; i++) {
        r->texts_only = automatic[i].is_text;
        query_ask(&r->instance->automatic[i], r->instance->json, value, take_content, r);
    }
}

/* ---- what is beside it ---- */

static void keep_first(void *context, struct tokperf_span value)
{
    struct reading *r = context;
    if (r->first.len == 0)
        r->first = value;
}

/* A value's text, unescaped and cut between two escapes; another value as it stands. */
static struct tokperf_span plain(const struct reading *r, struct tokperf_span value, char *out)
{
    if (value.len == 0 || value.data[0] != '"') {
        value.len = value.len < JSON_ERROR_TEXT_BYTES ? value.len : JSON_ERROR_TEXT_BYTES;
        return value;
    }
    struct tokperf_span text = {value.data + 1, value.len - 2};
    return json_plain(r->instance->json, text, out);
}

/* "error": text, or {"message", "type", "code"}. null, false and "" are none. */
static void read_error(struct reading *r, struct tokperf_span whole)
{
    const struct tokperf_json_v1 *json = r->instance->json;
    struct tokperf_json scan;
    struct tokperf_span member, message = {NULL, 0}, type = {NULL, 0}, code = {NULL, 0};
    r->first = message;
    query_ask(&r->instance->error_query, json, whole, keep_first, r);
    const struct tokperf_span value = r->first;
    if (value.len == 0 || value.data[0] == 'f' || (value.len == 2 && value.data[0] == '"'))
        return;
    json->open(&scan, value.data, value.len);
    if (json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        message = value;
    while (message.data != value.data && json->next(&scan) == TOKPERF_JSON_KEY) {
        struct tokperf_span *out = NULL;
        if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("message")))
            out = &message;
        else if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("type")))
            out = &type;
        else if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("code")))
            out = &code;
        if (json->skip(&scan, &member) != TOKPERF_OK)
            break;
        if (out != NULL && member.data[0] != 'n')
            *out = member;
    }
    r->emit->error(r->emit->context, plain(r, code, r->scratch->code),
                   plain(r, type, r->scratch->type), plain(r, message, r->scratch->message));
}

static void read_usage(struct reading *r, struct tokperf_span whole)
{
    const struct tokperf_json_v1 *json = r->instance->json;
    struct tokperf_json scan;
    struct tokperf_span member;
    struct tokperf_usage usage;
    bool has_usage = false;
    memset(&usage, 0xff, sizeof usage); /* every count -1: not stated */
    r->first = (struct tokperf_span){NULL, 0};
    query_ask(&r->instance->usage_query, json, whole, keep_first, r);
    json->open(&scan, r->first.data, r->first.len);
    if (r->first.len == 0 || json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (json->next(&scan) == TOKPERF_JSON_KEY) {
        int64_t *count = NULL, value;
        if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("prompt_tokens")) ||
            json->equals(scan.text, scan.escaped, TOKPERF_SPAN("input_tokens")))
            count = &usage.prompt_tokens;
        else if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("completion_tokens")) ||
                 json->equals(scan.text, scan.escaped, TOKPERF_SPAN("output_tokens")))
            count = &usage.completion_tokens;
        else if (json->equals(scan.text, scan.escaped, TOKPERF_SPAN("total_tokens")))
            count = &usage.total_tokens;
        if (json->skip(&scan, &member) != TOKPERF_OK)
            return;
        if (count != NULL && json->to_int(member, &value) == TOKPERF_OK && value >= 0) {
            *count = value;
            has_usage = true;
        }
    }
    if (has_usage)
        r->emit->usage(r->emit->context, &usage);
}

/* ---- events ---- */

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

static bool is_json(const struct template_instance *instance, struct tokperf_span text)
{
    struct tokperf_json scan;
    instance->json->open(&scan, text.data, text.len);
    return instance->json->skip(&scan, NULL) == TOKPERF_OK &&
           instance->json->next(&scan) == TOKPERF_JSON_END;
}

static void read_json(struct reading *r, struct tokperf_span value)
{
    read_error(r, value);
    if (r->instance->has_query)
        query_ask(&r->instance->query, r->instance->json, value, take_content, r);
    else if (value.data[0] == '[')
        take_items(r, value);
    else if (value.data[0] == '"')
        emit_string(r, value);
    else
        detect(r, value);
    read_usage(r, value);
}

void template_begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    ((struct template_state *)state)->framing = framing;
}

tokperf_status template_event(const void *self, void *state, void *scratch,
                              const struct tokperf_event *event, const struct tokperf_emit *emit,
                              struct tokperf_error *error)
{
    struct template_state *template_state = state;
    struct reading reading = {.instance = self, .emit = emit, .scratch = scratch};
    const struct tokperf_span text = trim(event->data);
    const bool streamed = event->framing == TOKPERF_FRAMING_SSE;
    if (template_state->done)
        return TOKPERF_OK;
    if (streamed && text.len == 6 && memcmp(text.data, "[DONE]", 6) == 0) {
        template_state->done = 1;
        if (TOKPERF_HAS(emit, complete))
            emit->complete(emit->context);
        return TOKPERF_OK;
    }
    if (event->framing != TOKPERF_FRAMING_BYTES && is_json(self, text)) {
        read_json(&reading, text);
        return TOKPERF_OK;
    }
    if (reading.instance->has_query && event->framing != TOKPERF_FRAMING_BYTES)
        return template_fail(error, TOKPERF_E_PARSE,
                             "the answer is not JSON, in which response_field could be found");
    if (event->data.len > 0)
        emit->text(emit->context, TOKPERF_TEXT_OUTPUT, event->data, TOKPERF_ENCODING_RAW);
    return TOKPERF_OK;
}

/* No protocol is known: an answer is whole when the connection says so. */
uint32_t template_finish(const void *self, void *state, void *scratch, uint32_t end,
                         const struct tokperf_emit *emit)
{
    (void)self;
    (void)scratch;
    (void)emit;
    const struct template_state *template_state = state;
    return template_state->done || end != TOKPERF_END_CUT ? TOKPERF_VERDICT_OK
                                                          : TOKPERF_VERDICT_TRUNCATED;
}
