/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks that an endpoint under test writes to. They also notice breaches of endpoint.h. */
#include <cli/plugins_check_emit.h>

#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX_BYTES = 64 * 1024 * 1024 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static const char *const text_keys[] = {[TOKPERF_TEXT_OUTPUT] = "text",
                                        [TOKPERF_TEXT_REASONING] = "reasoning",
                                        [TOKPERF_TEXT_OTHER] = "other"};

static void breach(struct tkp_check_emissions *e, const char *rule)
{
    if (e->broken_rule == NULL)
        e->broken_rule = rule;
}

static void begin_line(struct tkp_check_emissions *e, struct tokperf_json_writer *w,
                       struct tokperf_sink *sink)
{
    *sink = tkp_buffer_sink(&e->lines);
    json->open(w, sink, 0);
    json->object_begin(w);
}

static void end_line(struct tkp_check_emissions *e, struct tokperf_json_writer *w)
{
    json->object_end(w);
    tkp_buffer_puts(&e->lines, "\n");
}

static void flush_text(struct tkp_check_emissions *e)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    if (e->pending_kind == 0)
        return;
    begin_line(e, &w, &sink);
    json->key(&w, tkp_span(text_keys[e->pending_kind]));
    json->string(&w, tkp_buffer_span(&e->pending));
    end_line(e, &w);
    e->pending_kind = 0;
    tkp_buffer_clear(&e->pending);
}

/* Plain UTF-8 of an emitted text, appended to out. */
static void append_plain(struct tkp_check_emissions *e, struct tokperf_span text, uint32_t encoding,
                         struct tkp_buffer *out)
{
    if (text.len > 0 && text.data == NULL) {
        breach(e, "a span has a length and no data");
        return;
    }
    if (encoding == TOKPERF_ENCODING_RAW) {
        tkp_buffer_append(out, text.data, text.len);
        return;
    }
    if (encoding != TOKPERF_ENCODING_JSON) {
        breach(e, "an encoding is neither RAW nor JSON");
        return;
    }
    uint64_t len = 0;
    char *room = tkp_buffer_reserve(out, 3 * text.len + 1);
    if (room == NULL)
        return;
    if (tkp_json_unescape(text, room, 3 * text.len + 1, &len) == TOKPERF_OK)
        tkp_buffer_advance(out, len);
    else
        breach(e, "a text said to be JSON-escaped cannot be unescaped");
}

static void emit_text(void *context, uint32_t kind, struct tokperf_span text, uint32_t encoding)
{
    struct tkp_check_emissions *e = context;
    if (kind < TOKPERF_TEXT_OUTPUT || kind > TOKPERF_TEXT_OTHER) {
        breach(e, "the kind of a text is not one of TOKPERF_TEXT_*");
        return;
    }
    if (e->pending_kind != kind || !e->joins_text)
        flush_text(e);
    e->pending_kind = kind;
    append_plain(e, text, encoding, &e->pending);
}

static void write_plain(struct tkp_check_emissions *e, struct tokperf_json_writer *w,
                        const char *key, struct tokperf_span text, uint32_t encoding)
{
    struct tkp_buffer plain;
    tkp_buffer_init(&plain, RECORD_MAX_BYTES);
    append_plain(e, text, encoding, &plain);
    json->key(w, tkp_span(key));
    json->string(w, tkp_buffer_span(&plain));
    tkp_buffer_finish(&plain);
}

static void emit_tool_call(void *context, uint32_t index, struct tokperf_span name,
                           struct tokperf_span arguments, uint32_t encoding)
{
    struct tkp_check_emissions *e = context;
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    flush_text(e);
    begin_line(e, &w, &sink);
    json->key(&w, TOKPERF_SPAN("tool_call"));
    json->object_begin(&w);
    json->key(&w, TOKPERF_SPAN("index"));
    json->integer(&w, index);
    write_plain(e, &w, "name", name, encoding);
    write_plain(e, &w, "arguments", arguments, encoding);
    json->object_end(&w);
    end_line(e, &w);
}

static void emit_usage(void *context, const struct tokperf_usage *usage)
{
    struct tkp_check_emissions *e = context;
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {
        {"prompt_tokens", usage->prompt_tokens},
        {"completion_tokens", usage->completion_tokens},
        {"total_tokens", usage->total_tokens},
        {"reasoning_tokens", usage->reasoning_tokens},
        {"prompt_cache_read_tokens", usage->prompt_cache_read_tokens},
        {"prompt_cache_write_tokens", usage->prompt_cache_write_tokens},
        {"prompt_cache_miss_tokens", usage->prompt_cache_miss_tokens},
        {"prompt_audio_tokens", usage->prompt_audio_tokens},
        {"completion_audio_tokens", usage->completion_audio_tokens},
        {"accepted_prediction_tokens", usage->accepted_prediction_tokens},
        {"rejected_prediction_tokens", usage->rejected_prediction_tokens},
        {"tool_use_prompt_tokens", usage->tool_use_prompt_tokens},
        {"prompt_audio_ms", usage->prompt_audio_ms},
    };
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    flush_text(e);
    begin_line(e, &w, &sink);
    json->key(&w, TOKPERF_SPAN("usage"));
    json->object_begin(&w);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].value < -1)
            breach(e, "a usage count is below -1");
        if (counts[i].value < 0)
            continue;
        json->key(&w, tkp_span(counts[i].key));
        json->integer(&w, counts[i].value);
    }
    json->object_end(&w);
    end_line(e, &w);
    for (size_t i = 0; i < sizeof usage->reserved / sizeof usage->reserved[0]; i++)
        if (usage->reserved[i] != -1)
            breach(e, "a reserved count of the usage is not -1");
}

static void emit_finish_reason(void *context, struct tokperf_span reason)
{
    struct tkp_check_emissions *e = context;
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    flush_text(e);
    begin_line(e, &w, &sink);
    write_plain(e, &w, "finish_reason", reason, TOKPERF_ENCODING_RAW);
    end_line(e, &w);
}

static void emit_error(void *context, struct tokperf_span code, struct tokperf_span type,
                       struct tokperf_span message)
{
    struct tkp_check_emissions *e = context;
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    flush_text(e);
    begin_line(e, &w, &sink);
    json->key(&w, TOKPERF_SPAN("error"));
    json->object_begin(&w);
    write_plain(e, &w, "code", code, TOKPERF_ENCODING_RAW);
    write_plain(e, &w, "type", type, TOKPERF_ENCODING_RAW);
    write_plain(e, &w, "message", message, TOKPERF_ENCODING_RAW);
    json->object_end(&w);
    end_line(e, &w);
}

static void emit_complete(void *context)
{
    struct tkp_check_emissions *e = context;
    flush_text(e);
    tkp_buffer_puts(&e->lines, "{\"complete\":true}\n");
    e->completed = true;
}

static void emit_follow_up(void *context, struct tokperf_span method, struct tokperf_span path,
                           uint64_t delay_ns)
{
    struct tkp_check_emissions *e = context;
    struct tokperf_json_writer w;
    struct tokperf_sink sink;
    flush_text(e);
    if (method.len == 0 || path.len == 0 || path.data[0] != '/')
        breach(e, "follow_up() has no method, or a path that does not begin with /");
    begin_line(e, &w, &sink);
    json->key(&w, TOKPERF_SPAN("follow_up"));
    json->object_begin(&w);
    write_plain(e, &w, "method", method, TOKPERF_ENCODING_RAW);
    write_plain(e, &w, "path", path, TOKPERF_ENCODING_RAW);
    json->key(&w, TOKPERF_SPAN("delay_ms"));
    json->number(&w, (double)delay_ns / 1e6);
    json->object_end(&w);
    end_line(e, &w);
    e->asked = true;
}

void tkp_check_emissions_init(struct tkp_check_emissions *e, bool joins_text)
{
    *e = (struct tkp_check_emissions){
        .emit = {sizeof e->emit, 0, e, emit_text, emit_tool_call, emit_usage, emit_finish_reason,
                 emit_error, emit_complete, emit_follow_up},
        .joins_text = joins_text,
    };
    tkp_buffer_init(&e->lines, RECORD_MAX_BYTES);
    tkp_buffer_init(&e->pending, RECORD_MAX_BYTES);
}

void tkp_check_emissions_clear(struct tkp_check_emissions *e)
{
    tkp_buffer_clear(&e->lines);
    tkp_buffer_clear(&e->pending);
    e->pending_kind = 0;
    e->completed = e->asked = false;
}

void tkp_check_emissions_finish(struct tkp_check_emissions *e)
{
    tkp_buffer_finish(&e->lines);
    tkp_buffer_finish(&e->pending);
}

void tkp_check_emissions_verdict(struct tkp_check_emissions *e, uint32_t verdict)
{
    static const char *const names[] = {[TOKPERF_VERDICT_OK] = "ok",
                                        [TOKPERF_VERDICT_TRUNCATED] = "truncated",
                                        [TOKPERF_VERDICT_FOLLOW_UP] = "follow_up"};
    bool is_known = verdict >= TOKPERF_VERDICT_OK && verdict <= TOKPERF_VERDICT_FOLLOW_UP;
    flush_text(e);
    if (!is_known)
        breach(e, "finish() returned none of TOKPERF_VERDICT_*");
    if (verdict == TOKPERF_VERDICT_FOLLOW_UP && !e->asked)
        breach(e, "finish() returned TOKPERF_VERDICT_FOLLOW_UP without follow_up()");
    tkp_buffer_printf(&e->lines, "{\"verdict\":\"%s\"}\n", is_known ? names[verdict] : "unknown");
    e->completed = e->asked = false;
}

void tkp_check_emissions_parse_error(struct tkp_check_emissions *e, const char *message)
{
    flush_text(e);
    if (message[0] == '\0')
        breach(e, "event() returned TOKPERF_E_PARSE without a sentence");
    tkp_buffer_puts(&e->lines, "{\"verdict\":\"parse_error\"}\n");
}

static void put_method(void *context, struct tokperf_span method)
{
    struct tkp_check_rendered *r = context;
    if (tkp_text_copy(r->method, sizeof r->method, method) >= sizeof r->method)
        r->broken_rule = "the method is too long";
}

static void put_path(void *context, struct tokperf_span path)
{
    struct tkp_check_rendered *r = context;
    if (tkp_text_copy(r->path, sizeof r->path, path) >= sizeof r->path || path.len == 0 ||
        path.data[0] != '/')
        r->broken_rule = "the path does not begin with / or is too long";
}

static void put_header(void *context, struct tokperf_span name, struct tokperf_span value)
{
    struct tkp_check_rendered *r = context;
    bool is_bad = name.len == 0 || memchr(name.data, ':', name.len) != NULL;
    for (uint64_t i = 0; i < value.len; i++)
        is_bad = is_bad || value.data[i] == '\r' || value.data[i] == '\n';
    if (is_bad)
        r->broken_rule = "a header has no proper name or a line end in its value";
    tkp_buffer_append(&r->headers, name.data, name.len);
    tkp_buffer_puts(&r->headers, ": ");
    tkp_buffer_append(&r->headers, value.data, value.len);
    tkp_buffer_puts(&r->headers, "\n");
}

static void put_content_type(void *context, struct tokperf_span type)
{
    struct tkp_check_rendered *r = context;
    if (tkp_text_copy(r->content_type, sizeof r->content_type, type) >= sizeof r->content_type)
        r->broken_rule = "the content type is too long";
}

static void put_body(void *context, const char *data, uint64_t len)
{
    struct tkp_check_rendered *r = context;
    tkp_buffer_append(&r->body, data, len);
}

static void put_hole(void *context, uint32_t hole)
{
    static const int widths[] = {0, 36, 55, 16}; /* TOKPERF_HOLE_*, endpoint.h */
    struct tkp_check_rendered *r = context;
    if (hole < TOKPERF_HOLE_REQUEST_ID || hole > TOKPERF_HOLE_SALT)
        r->broken_rule = "a hole is not one of TOKPERF_HOLE_*";
    else
        tkp_buffer_printf(&r->body, "%0*d", widths[hole], 0);
}

void tkp_check_rendered_init(struct tkp_check_rendered *r)
{
    *r = (struct tkp_check_rendered){
        .sink = {sizeof r->sink, 0, r, put_method, put_path, put_header, put_content_type, put_body,
                 put_hole},
    };
    tkp_buffer_init(&r->headers, RECORD_MAX_BYTES);
    tkp_buffer_init(&r->body, RECORD_MAX_BYTES);
}

void tkp_check_rendered_clear(struct tkp_check_rendered *r)
{
    tkp_buffer_clear(&r->headers);
    tkp_buffer_clear(&r->body);
    r->method[0] = '\0';
    r->path[0] = '\0';
    r->content_type[0] = '\0';
}

void tkp_check_rendered_finish(struct tkp_check_rendered *r)
{
    tkp_buffer_finish(&r->headers);
    tkp_buffer_finish(&r->body);
}
