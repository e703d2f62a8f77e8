/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of events. A sample's members are listed once and written in either format; the payload of
 * the other topics is JSON already, of which the text shows what is neither object nor array, and
 * of a snapshot the figures that one would look for first.
 */
#include <bus/event_line.h>

#include <base/clock.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/printable.h>
#include <base/text.h>
#include <bus/sample.h>
#include <bus/snapshot_line.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { NS_PER_US = 1000, TIME_BYTES = 40 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

struct line {
    struct tkp_buffer *out;
    struct tokperf_json_writer w;
    const struct tkp_event_context *context;
    bool is_text;
};

static void put_printable(struct tkp_buffer *out, struct tokperf_span text)
{
    char *room = tkp_buffer_reserve(out, TKP_PRINTABLE_GROWTH * text.len + 1);
    if (room)
        tkp_buffer_advance(out, tkp_printable_copy(room, text.data, text.len, true));
}

/* As it is where a reader can tell its end, else as a JSON string. Fit for a terminal. */
static void put_word(struct tkp_buffer *out, struct tokperf_span text)
{
    bool is_plain = text.len > 0;
    for (uint64_t i = 0; i < text.len && is_plain; i++)
        is_plain = (unsigned char)text.data[i] > ' ' && !strchr("\"\\=", text.data[i]);
    if (is_plain) {
        put_printable(out, text);
        return;
    }
    struct tokperf_json_writer w;
    struct tkp_buffer quoted;
    tkp_buffer_init(&quoted, out->max_bytes);
    struct tokperf_sink sink = tkp_buffer_sink(&quoted);
    json->open(&w, &sink, 0);
    json->string(&w, text);
    put_printable(out, tkp_buffer_span(&quoted));
    tkp_buffer_finish(&quoted);
}

static void put_text(struct line *line, const char *key, struct tokperf_span value)
{
    if (!value.len)
        return;
    if (line->is_text) {
        tkp_buffer_printf(line->out, " %s=", key);
        put_word(line->out, value);
        return;
    }
    json->key(&line->w, tkp_span(key));
    json->string(&line->w, value);
}

static void put_number(struct line *line, const char *key, int64_t value)
{
    if (line->is_text) {
        tkp_buffer_printf(line->out, " %s=%" PRId64, key, value);
        return;
    }
    json->key(&line->w, tkp_span(key));
    json->integer(&line->w, value);
}

static void put_count(struct line *line, const char *key, uint64_t value)
{
    put_number(line, key, (int64_t)value);
}

/* Unsigned, as a sum of numbers from outside has no bounds. */
static int64_t epoch_ns(const struct line *line, uint64_t monotonic_ns)
{
    return (int64_t)(monotonic_ns + (uint64_t)line->context->monotonic_to_realtime_ns);
}

/* A moment: in JSON only, as people read distances. */
static void put_moment(struct line *line, const char *key, uint64_t monotonic_ns)
{
    if (monotonic_ns && !line->is_text)
        put_number(line, key, epoch_ns(line, monotonic_ns));
}

/* The distance of two moments that were reached, in text only. */
static void put_distance(struct line *line, const char *key, uint64_t from_ns, uint64_t to_ns)
{
    if (line->is_text && from_ns && to_ns >= from_ns)
        tkp_buffer_printf(line->out, " %s=%.3f", key,
                          (double)(to_ns - from_ns) / (double)TKP_NS_PER_MS);
}

static void put_id(struct line *line, const struct tkp_sample_id *id)
{
    char worker[32];
    if (id->phase < line->context->phase_count)
        put_text(line, "phase", tkp_span(line->context->phases[id->phase]));
    if (!line->is_text || id->phase >= line->context->phase_count)
        put_count(line, "phase_index", id->phase);
    put_count(line, "session_num", id->ordinal);
    put_count(line, "turn_index", id->turn);
    snprintf(worker, sizeof worker, "worker_%" PRIu32, id->worker);
    put_text(line, "worker_id", tkp_span(worker));
    if (!line->is_text || id->url_index)
        put_count(line, "url_index", id->url_index);
}

static void put_outcome(struct line *line, uint32_t outcome, int32_t http_status)
{
    put_text(line, "outcome",
             tkp_span(tkp_outcome_name(outcome < TKP_OUTCOME_COUNT ? (enum tkp_outcome)outcome
                                                                   : TKP_OUTCOME_NONE)));
    if (http_status)
        put_number(line, "http_status", http_status);
}

static void put_tokens(struct line *line, const char *key, int64_t tokens)
{
    if (tokens >= 0)
        put_number(line, key, tokens);
}

/* "2026-11-22T12:03:04.123456Z", or "-" when the moment is not known. */
static void put_clock(struct tkp_buffer *out, int64_t at_ns)
{
    char text[TIME_BYTES];
    struct tm parts;
    time_t seconds = (time_t)(at_ns / (int64_t)TKP_NS_PER_S);
    if (at_ns <= 0 || !gmtime_r(&seconds, &parts) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)) {
        tkp_buffer_puts(out, "-");
        return;
    }
    tkp_buffer_printf(out, "%s.%06dZ", text, (int)(at_ns % (int64_t)TKP_NS_PER_S / NS_PER_US));
}

/* Up to where an event's own members begin. at_ns: epoch; 0: not known. */
static void begin(struct line *line, enum tkp_topic topic, const struct tkp_frame *frame,
                  int64_t at_ns)
{
    const char *name = tkp_frame_kind_name(frame->kind);
    if (line->is_text) {
        put_clock(line->out, at_ns);
        tkp_buffer_printf(line->out, " %s", name);
        return;
    }
    struct tokperf_sink sink = tkp_buffer_sink(line->out);
    json->open(&line->w, &sink, 0);
    json->object_begin(&line->w);
    tkp_json_write_pair(&line->w, "event", name);
    tkp_json_write_pair(&line->w, "topic", tkp_topic_name(topic));
    put_count(line, "sequence", frame->sequence);
    if (at_ns)
        put_number(line, "time_ns", at_ns);
    json->key(&line->w, tkp_span("data"));
}

static void end(struct line *line)
{
    if (!line->is_text)
        json->object_end(&line->w);
    tkp_buffer_puts(line->out, "\n");
}

static void begin_sample(struct line *line, const struct tkp_frame *frame,
                         const struct tkp_sample_id *id, uint64_t time_ns)
{
    begin(line, TKP_TOPIC_SAMPLE, frame, time_ns ? epoch_ns(line, time_ns) : 0);
    if (!line->is_text)
        json->object_begin(&line->w);
    put_id(line, id);
}

static void end_sample(struct line *line)
{
    if (!line->is_text)
        json->object_end(&line->w);
    end(line);
}

static bool put_issued(struct line *line, const struct tkp_frame *frame)
{
    struct tkp_sample_issued issued;
    struct tokperf_error ignored;
    if (tkp_sample_read_issued(frame->payload, &issued, &ignored) != TOKPERF_OK)
        return false;
    begin_sample(line, frame, &issued.id, issued.start_ns);
    put_moment(line, "intended_ns", issued.intended_ns);
    put_moment(line, "start_ns", issued.start_ns);
    put_distance(line, "late_ms", issued.intended_ns, issued.start_ns);
    end_sample(line);
    return true;
}

static bool put_first_token(struct line *line, const struct tkp_frame *frame)
{
    struct tkp_sample_first_token token;
    struct tokperf_error ignored;
    if (tkp_sample_read_first_token(frame->payload, &token, &ignored) != TOKPERF_OK)
        return false;
    begin_sample(line, frame, &token.id, token.time_ns);
    put_moment(line, "first_token_ns", token.time_ns);
    end_sample(line);
    return true;
}

static bool put_error(struct line *line, const struct tkp_frame *frame)
{
    struct tkp_sample_error failure;
    struct tokperf_span type, message;
    struct tokperf_error ignored;
    if (tkp_sample_read_error(frame->payload, &failure, &type, &message, &ignored) != TOKPERF_OK)
        return false;
    begin_sample(line, frame, &failure.id, failure.time_ns);
    put_outcome(line, failure.outcome, failure.http_status);
    put_text(line, "type", type);
    put_text(line, "message", message);
    end_sample(line);
    return true;
}

static void put_times(struct line *line, const struct tkp_sample_complete *done)
{
    put_moment(line, "intended_ns", done->intended_ns);
    put_moment(line, "start_ns", done->start_ns);
    put_moment(line, "first_token_ns", done->first_token_ns);
    put_moment(line, "last_token_ns", done->last_token_ns);
    put_moment(line, "end_ns", done->end_ns);
    put_distance(line, "ttft_ms", done->start_ns, done->first_token_ns);
    put_distance(line, "latency_ms", done->start_ns, done->end_ns);
}

static bool put_complete(struct line *line, const struct tkp_frame *frame)
{
    struct tkp_sample_complete done;
    struct tokperf_error ignored;
    if (tkp_sample_read_complete(frame->payload, &done, &ignored) != TOKPERF_OK)
        return false;
    begin_sample(line, frame, &done.id, done.end_ns);
    put_outcome(line, done.outcome, done.http_status);
    put_text(line, "finish_reason", tkp_span(done.finish_reason));
    put_times(line, &done);
    put_count(line, "sent_bytes", done.sent_bytes);
    put_count(line, "received_bytes", done.received_bytes);
    put_tokens(line, "prompt_tokens", done.prompt_tokens);
    put_tokens(line, "completion_tokens", done.completion_tokens);
    put_count(line, "chunk_count", done.chunk_count);
    put_count(line, "retries", done.retries);
    end_sample(line);
    return true;
}

static bool put_sample(struct line *line, const struct tkp_frame *frame)
{
    static const struct {
        enum tkp_frame_kind kind;
        bool (*put)(struct line *line, const struct tkp_frame *frame);
    } samples[] = {{TKP_FRAME_ISSUED, put_issued},
                   {TKP_FRAME_FIRST_TOKEN, put_first_token},
                   {TKP_FRAME_ERROR, put_error},
                   {TKP_FRAME_COMPLETE, put_complete}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        if (samples[i].kind == frame->kind)
            return samples[i].put(line, frame);
    return false;
}

/* Whether it is one JSON object, in UTF-8; *at_ns: its time_ns, or 0. */
static bool look_at_object(struct tokperf_span payload, int64_t *at_ns)
{
    struct tokperf_json scan;
    uint32_t token;
    *at_ns = 0;
    tkp_json_open(&scan, payload.data, payload.len);
    if (!tkp_text_is_utf8(payload.data, payload.len) ||
        tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return false;
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        struct tokperf_span value;
        bool is_time = tkp_json_equals(scan.text, scan.escaped, TOKPERF_SPAN("time_ns"));
        if (tkp_json_skip(&scan, &value) != TOKPERF_OK)
            return false;
        if (is_time && tkp_json_to_int(value, at_ns) != TOKPERF_OK)
            *at_ns = 0;
    }
    return token == TOKPERF_JSON_OBJECT_END && tkp_json_next(&scan) == TOKPERF_JSON_END;
}

/* A member of an object in text. */
static void put_member(struct line *line, struct tokperf_span key, struct tokperf_span value)
{
    bool is_string = value.data[0] == '"' && !memchr(value.data, '\\', value.len);
    if (is_string)
        value = (struct tokperf_span){value.data + 1, value.len - 2};
    tkp_buffer_puts(line->out, " ");
    put_word(line->out, key);
    tkp_buffer_puts(line->out, "=");
    if (is_string || value.data[0] != '"')
        put_word(line->out, value);
    else
        put_printable(line->out, value); /* escaped already */
}

/* A figure of a snapshot: fractions as people read them. */
static void put_figure(void *context, const char *key, struct tokperf_span value)
{
    struct line *line = context;
    double number;
    if (memchr(value.data, '.', value.len) && tkp_json_to_double(value, &number) == TOKPERF_OK)
        tkp_buffer_printf(line->out, " %s=%.3f", key, number);
    else
        put_member(line, tkp_span(key), value);
}

/* The top-level members that are one value each. */
static void put_members(struct line *line, struct tokperf_span payload)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, payload.data, payload.len);
    (void)tkp_json_next(&scan);
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        struct tokperf_span key = scan.text, value;
        if (tkp_json_skip(&scan, &value) != TOKPERF_OK || !value.len)
            return;
        if (strchr("{[n", value.data[0]) || tkp_span_is(key, "time_ns"))
            continue;
        put_member(line, key, value);
    }
}

/* JSON without the spaces and line ends between its tokens. */
static void put_compact(struct tkp_buffer *out, struct tokperf_span text)
{
    bool in_string = false, escaped = false;
    uint64_t from = 0;
    for (uint64_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!in_string && (unsigned char)c <= ' ') {
            tkp_buffer_append(out, text.data + from, i - from);
            from = i + 1;
        }
        if (c == '"' && !escaped)
            in_string = !in_string;
        escaped = in_string && c == '\\' && !escaped;
    }
    tkp_buffer_append(out, text.data + from, text.len - from);
}

static bool is_object_of(enum tkp_topic topic, uint32_t kind)
{
    switch (topic) {
    case TKP_TOPIC_SESSION:
        return kind == TKP_FRAME_SESSION_STARTED || kind == TKP_FRAME_SESSION_ENDED;
    case TKP_TOPIC_PHASE:
        return kind == TKP_FRAME_PHASE_BEGUN || kind == TKP_FRAME_PHASE_ENDED;
    case TKP_TOPIC_SNAPSHOT:
        return kind == TKP_FRAME_SNAPSHOT;
    case TKP_TOPIC_SAMPLE:
    case TKP_TOPIC_COUNT:
        return false;
    }
    return false;
}

static bool put_object(struct line *line, enum tkp_topic topic, const struct tkp_frame *frame)
{
    int64_t at_ns;
    if (!is_object_of(topic, frame->kind) || !look_at_object(frame->payload, &at_ns))
        return false;
    begin(line, topic, frame, at_ns);
    if (line->is_text && topic == TKP_TOPIC_SNAPSHOT)
        tkp_snapshot_line_figures(frame->payload, put_figure, line);
    else if (line->is_text)
        put_members(line, frame->payload);
    else
        put_compact(line->out, frame->payload);
    end(line);
    return true;
}

bool tkp_event_line_put(struct tkp_buffer *out, enum tkp_event_format format,
                        const struct tkp_event_context *context, enum tkp_topic topic,
                        const struct tkp_frame *frame)
{
    struct line line = {.out = out, .context = context, .is_text = format == TKP_EVENT_TEXT};
    if (frame->version != TKP_FRAME_VERSION || !tkp_frame_kind_name(frame->kind))
        return false;
    return topic == TKP_TOPIC_SAMPLE ? put_sample(&line, frame) : put_object(&line, topic, frame);
}
