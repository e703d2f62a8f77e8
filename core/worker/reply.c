/* SPDX-License-Identifier: Apache-2.0 */
/* From body bytes through the endpoint plugin to the row. */
#include <worker/reply.h>

#include <base/json_scan.h>
#include <base/text.h>
#include <record/kept_text.h>
#include <stdio.h>
#include <string.h>
#include <worker/kept.h>
#include <worker/row_text.h>
#include <worker/tool_calls.h>

/* Of a follow-up request: far above what an API needs; a delay that does not spin. */
enum { MAX_FOLLOW_METHOD_BYTES = 16, MAX_FOLLOW_PATH_BYTES = 8192, MIN_FOLLOW_DELAY_NS = 1000000 };

static void client_error(struct tkp_reply *reply, const char *type, const char *message)
{
    tkp_row_end_text(reply->row, TKP_OUTCOME_CLIENT_ERROR, type, message);
}

/* ---- what the plugin emits ---- */

static void refuse_long_answer(struct tkp_reply *reply)
{
    client_error(reply, "answer_too_long",
                 "the answer is too long to be carried into the conversation's next turn (at most "
                 "4 MiB)");
}

static void refuse_without_memory(struct tkp_reply *reply)
{
    client_error(reply, "memory", "there is no memory to keep the answer for the next turn");
}

static void keep_text(struct tkp_reply_context *c, struct tkp_reply *reply,
                      struct tokperf_span text, uint32_t encoding)
{
    uint64_t most = encoding == TOKPERF_ENCODING_JSON ? 3 * text.len : text.len;
    if (!reply->text)
        reply->text = tkp_spill_take(c->spills);
    if (!reply->text || text.len > TKP_REPLY_MAX_TEXT_BYTES ||
        reply->text->len + text.len > TKP_REPLY_MAX_TEXT_BYTES) {
        refuse_long_answer(reply);
        return;
    }
    char *room = tkp_spill_reserve(c->spills, reply->text, most);
    uint64_t len = text.len;
    if (!room) {
        refuse_without_memory(reply);
        return;
    }
    if (encoding == TOKPERF_ENCODING_RAW)
        memcpy(room, text.data, text.len);
    else if (tkp_json_unescape(text, room, most, &len) != TOKPERF_OK)
        len = 0;
    reply->text->len += len;
}

/* For the record log. A text that there is no room for is lost whole, not in part. */
static void log_text(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t tag,
                     struct tokperf_span text, uint32_t encoding)
{
    if (encoding == TOKPERF_ENCODING_JSON)
        tag |= TKP_KEPT_ENCODED;
    if (text.len && !tkp_kept_add(c->spills, &reply->kept, tag, text))
        reply->row->flags |= TKP_ROW_TEXT_LOST;
}

static void emit_text(void *context, uint32_t kind, struct tokperf_span text, uint32_t encoding)
{
    struct tkp_reply_context *c = context;
    struct tkp_reply *reply = c->current;
    if (!text.len)
        return;
    reply->has_content = true;
    reply->has_output |= kind != TOKPERF_TEXT_REASONING;
    reply->row->text_bytes += text.len;
    if (kind == TOKPERF_TEXT_OUTPUT && reply->keeps_text)
        keep_text(c, reply, text, encoding);
    if (c->logs_text && kind != TOKPERF_TEXT_OTHER)
        log_text(c, reply, kind == TOKPERF_TEXT_REASONING ? TKP_KEPT_REASONING : TKP_KEPT_OUTPUT,
                 text, encoding);
}

static void emit_tool_call(void *context, uint32_t index, struct tokperf_span name,
                           struct tokperf_span arguments, uint32_t encoding)
{
    struct tkp_reply_context *c = context;
    struct tkp_reply *reply = c->current;
    if (!name.len && !arguments.len)
        return;
    reply->has_content = reply->has_output = true;
    reply->row->text_bytes += name.len + arguments.len;
    if (c->logs_text) {
        log_text(c, reply, TKP_KEPT_TOOL_CALL, name, encoding);
        log_text(c, reply, TKP_KEPT_TOOL_CALL, arguments, encoding);
    }
    if (!reply->keeps_text)
        return;
    size_t before = reply->calls ? reply->calls->len : 0;
    if (before > TKP_REPLY_MAX_TEXT_BYTES || name.len > TKP_REPLY_MAX_TEXT_BYTES - before ||
        arguments.len > TKP_REPLY_MAX_TEXT_BYTES - before)
        refuse_long_answer(reply);
    else if (!tkp_tool_calls_add(c->spills, &reply->calls, index, name, arguments, encoding))
        refuse_without_memory(reply);
}

static void emit_usage(void *context, const struct tokperf_usage *usage)
{
    struct tkp_reply *reply = ((struct tkp_reply_context *)context)->current;
    reply->row->usage = *usage;
    reply->has_usage = true;
}

static void emit_finish_reason(void *context, struct tokperf_span reason)
{
    if (reason.len)
        tkp_row_set_finish_reason(((struct tkp_reply_context *)context)->current->row, reason);
}

static void emit_error(void *context, struct tokperf_span code, struct tokperf_span type,
                       struct tokperf_span message)
{
    struct tkp_reply *reply = ((struct tkp_reply_context *)context)->current;
    tkp_row_end(reply->row, TKP_OUTCOME_STREAM_ERROR, type.len ? type : code,
                message.len ? message : code);
}

static void emit_complete(void *context)
{
    ((struct tkp_reply_context *)context)->current->completed = true;
}

/* RFC 9110: a method is a token; a path here begins with / and has no space or control byte. */
static bool is_request(struct tokperf_span method, struct tokperf_span path)
{
    bool good = method.len > 0 && method.len <= MAX_FOLLOW_METHOD_BYTES && path.len > 0 &&
                path.len <= MAX_FOLLOW_PATH_BYTES && path.data[0] == '/';
    for (uint64_t i = 0; good && i < method.len; i++)
        good = (method.data[i] >= 'A' && method.data[i] <= 'Z') || method.data[i] == '-';
    for (uint64_t i = 0; good && i < path.len; i++)
        good = path.data[i] > ' ' && path.data[i] < 0x7f;
    return good;
}

static void emit_follow_up(void *context, struct tokperf_span method, struct tokperf_span path,
                           uint64_t delay_ns)
{
    struct tkp_reply_context *c = context;
    struct tkp_reply *reply = c->current;
    tkp_spill_give(c->spills, reply->asked);
    reply->asked = NULL;
    if (!is_request(method, path)) {
        client_error(reply, "follow_up",
                     "the endpoint plugin's follow-up has no proper method or path");
        return;
    }
    struct tkp_follow_request asked = {
        .delay_ns = delay_ns < MIN_FOLLOW_DELAY_NS ? MIN_FOLLOW_DELAY_NS : delay_ns,
        .method_len = (uint32_t)method.len,
        .path_len = (uint32_t)path.len};
    if (!tkp_spill_append(c->spills, &reply->asked, (const char *)&asked, sizeof asked) ||
        !tkp_spill_append(c->spills, &reply->asked, method.data, method.len) ||
        !tkp_spill_append(c->spills, &reply->asked, path.data, path.len))
        client_error(reply, "memory", "there is no memory for a follow-up request");
}

/* ---- stamps ---- */

static void stamp_content(struct tkp_reply_context *c, struct tkp_reply *reply)
{
    struct tkp_row *row = reply->row;
    uint64_t now_ns = c->now_ns;
    if (!tkp_chunk_times_add(&reply->times, c->chunks, now_ns)) {
        client_error(reply, "memory",
                     "there is no memory for the times of its chunks, or it has over 4 million");
        return;
    }
    if (++row->chunk_count == 1) {
        row->first_token_ns = now_ns;
        if (c->announcer)
            tkp_announce_first_token(c->announcer, row);
        if (reply->has_usage)
            row->first_chunk_tokens = row->usage.completion_tokens;
    } else {
        if (row->chunk_count == 2)
            row->second_token_ns = now_ns;
        row->coalesced_count += row->last_token_ns == now_ns;
    }
    if (reply->has_output && !row->first_output_token_ns)
        row->first_output_token_ns = now_ns;
    row->last_token_ns = now_ns;
}

static void note_content(struct tkp_reply_context *c, struct tkp_reply *reply)
{
    if (!reply->has_content)
        return;
    reply->seen_content = true;
    if (reply->row->flags & TKP_ROW_STREAMED)
        stamp_content(c, reply);
}

/* ---- events ---- */

static bool is_over(const struct tkp_reply *reply)
{
    return reply->row->outcome != TKP_OUTCOME_NONE;
}

/* A parse_error, with the note on what kind of answer came. */
static void end_misread(struct tkp_reply *reply, const char *type, const char *message)
{
    char text[2 * TKP_ROW_MESSAGE_BYTES];
    const char *note = tkp_row_error_message(reply->row);
    snprintf(text, sizeof text, "%s%s%s", message, note[0] ? "; " : "", note);
    tkp_row_end_text(reply->row, TKP_OUTCOME_PARSE_ERROR, type, text);
}

/* unfinished: the event lacks its end, so that it may be cut; that it cannot be parsed then says
 * no more than that, and finish() decides. */
static void give_event(struct tkp_reply_context *c, struct tkp_reply *reply,
                       struct tokperf_span data, struct tokperf_span name, bool unfinished)
{
    struct tokperf_event event = {sizeof event, reply->framing, data, name};
    reply->has_content = reply->has_output = reply->has_usage = false;
    c->error.message[0] = '\0';
    tokperf_status status =
        c->vtable->event(c->self, reply->state, c->scratch, &event, &c->emit, &c->error);
    note_content(c, reply);
    if (status == TOKPERF_OK || unfinished)
        return;
    end_misread(reply, "response",
                c->error.message[0] ? c->error.message
                                    : "the endpoint plugin cannot parse the answer");
}

static void note_failed_step(struct tkp_reply *reply, enum tkp_event_step step)
{
    if (step == TKP_EVENT_TOO_LONG)
        tkp_row_end_text(reply->row, TKP_OUTCOME_PARSE_ERROR, "event_too_long",
                         "an event of the stream is longer than 16 MiB");
    else if (step == TKP_EVENT_NO_MEMORY)
        client_error(reply, "memory", "there is no memory for an event of the stream");
}

static void take_events(struct tkp_reply_context *c, struct tkp_reply *reply, char *at, char *end)
{
    struct tkp_stream_event event;
    enum tkp_event_step step;
    while ((step = tkp_event_stream_next(&reply->reader.events, &at, end, &event)) ==
           TKP_EVENT_READY) {
        give_event(c, reply, event.data, event.name, false);
        if (is_over(reply) || reply->completed)
            return;
    }
    note_failed_step(reply, step);
}

static void take_lines(struct tkp_reply_context *c, struct tkp_reply *reply, char *at, char *end)
{
    struct tokperf_span line;
    enum tkp_event_step step;
    while ((step = tkp_lines_next(&reply->reader.lines, &at, end, &line)) == TKP_EVENT_READY) {
        give_event(c, reply, line, (struct tokperf_span){0}, false);
        if (is_over(reply) || reply->completed)
            return;
    }
    note_failed_step(reply, step);
}

static void take_whole(struct tkp_reply_context *c, struct tkp_reply *reply, const char *data,
                       size_t len)
{
    size_t before = reply->whole ? reply->whole->len : 0;
    if (before + len > TKP_REPLY_MAX_WHOLE_BYTES)
        tkp_row_end_text(reply->row, TKP_OUTCOME_PARSE_ERROR, "body_too_long",
                         "the answer is longer than 64 MiB");
    else if (!tkp_spill_append(c->spills, &reply->whole, data, len))
        client_error(reply, "memory", "there is no memory for the body of the answer");
}

static void take(struct tkp_reply_context *c, struct tkp_reply *reply, char *data, size_t len)
{
    switch (reply->framing) {
    case TOKPERF_FRAMING_SSE:
        take_events(c, reply, data, data + len);
        break;
    case TOKPERF_FRAMING_NDJSON:
        take_lines(c, reply, data, data + len);
        break;
    case TOKPERF_FRAMING_BYTES:
        give_event(c, reply, (struct tokperf_span){data, len}, (struct tokperf_span){0}, false);
        break;
    default:
        take_whole(c, reply, data, len);
        break;
    }
}

/* What the framing holds back until the body's end. */
static void give_last(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t end)
{
    struct tkp_stream_event event = {0};
    if (reply->framing == TOKPERF_FRAMING_SSE) {
        if (tkp_event_stream_last(&reply->reader.events, &event) == TKP_EVENT_READY)
            give_event(c, reply, event.data, event.name, true);
    } else if (reply->framing == TOKPERF_FRAMING_NDJSON) {
        if (tkp_lines_last(&reply->reader.lines, &event.data) == TKP_EVENT_READY)
            give_event(c, reply, event.data, event.name, end == TOKPERF_END_CUT);
    } else if (reply->framing == TOKPERF_FRAMING_WHOLE && reply->whole && reply->whole->len) {
        give_event(c, reply, (struct tokperf_span){reply->whole->data, reply->whole->len},
                   event.name, end == TOKPERF_END_CUT);
    }
}

/* The answer is whole: puts its tool calls behind its text. */
static void keep_calls(struct tkp_reply_context *c, struct tkp_reply *reply)
{
    reply->text_end = reply->text ? reply->text->len : 0;
    if (reply->calls && !tkp_tool_calls_write(c->spills, reply->calls, &reply->text))
        refuse_without_memory(reply);
}

static void decide(struct tkp_reply *reply, uint32_t verdict, uint32_t end)
{
    bool nothing_came = !reply->seen_bytes && end != TOKPERF_END_CUT;
    bool is_other =
        !reply->seen_content && end != TOKPERF_END_CUT && tkp_row_error_message(reply->row)[0];
    if (verdict != TOKPERF_VERDICT_OK && !nothing_came && is_other)
        end_misread(reply, "content_type", "the answer is not what was asked for");
    else if (verdict != TOKPERF_VERDICT_OK && !nothing_came)
        tkp_row_end_text(
            reply->row, TKP_OUTCOME_TRUNCATED, end == TOKPERF_END_CUT ? "cut" : "unfinished",
            end == TOKPERF_END_CUT ? "the connection ended in the middle of the answer"
                                   : "the answer ended without its last event or a finish reason");
    else if (!reply->seen_content)
        tkp_row_end_text(reply->row, TKP_OUTCOME_EMPTY, "",
                         "the answer is complete and has no content");
    else
        tkp_row_end_text(reply->row, TKP_OUTCOME_OK, "", "");
}

static void conclude(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t end)
{
    reply->has_content = reply->has_output = reply->has_usage = false;
    uint32_t verdict = c->vtable->finish(c->self, reply->state, c->scratch, end, &c->emit);
    note_content(c, reply);
    if (verdict == TOKPERF_VERDICT_FOLLOW_UP && !is_over(reply)) {
        reply->follows = reply->asked != NULL;
        if (!reply->follows)
            client_error(reply, "follow_up",
                         "the endpoint plugin wants a follow-up and has not said which");
        return;
    }
    keep_calls(c, reply);
    decide(reply, verdict, end);
}

/* ---- public ---- */

void tkp_reply_context_init(struct tkp_reply_context *c, const struct tkp_instance *endpoint,
                            void *scratch, struct tkp_spill_pool *spills,
                            struct tkp_chunk_pool *chunks)
{
    *c = (struct tkp_reply_context){
        .vtable = endpoint->vtable,
        .self = endpoint->self,
        .scratch = scratch,
        .plugin = endpoint->plugin_id,
        .spills = spills,
        .chunks = chunks,
    };
    c->emit = (struct tokperf_emit){.struct_size = sizeof c->emit,
                                    .context = c,
                                    .text = emit_text,
                                    .tool_call = emit_tool_call,
                                    .usage = emit_usage,
                                    .finish_reason = emit_finish_reason,
                                    .error = emit_error,
                                    .complete = emit_complete,
                                    .follow_up = emit_follow_up};
}

/* Returns the note to put back: the outermost name stays. */
static const char *enter_plugin(struct tkp_reply_context *c, struct tkp_reply *reply,
                                uint64_t now_ns)
{
    const char *before = tkp_crash_note;
    if (!before)
        tkp_crash_note = c->plugin;
    c->current = reply;
    c->now_ns = now_ns;
    return before;
}

static void begin_body(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t framing)
{
    reply->framing = (uint8_t)framing;
    reply->seen_bytes = reply->completed = reply->follows = false;
    if (framing == TOKPERF_FRAMING_SSE)
        tkp_event_stream_begin(&reply->reader.events, c->spills);
    else if (framing == TOKPERF_FRAMING_NDJSON)
        tkp_lines_begin(&reply->reader.lines, c->spills);
}

void tkp_reply_begin(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t framing)
{
    begin_body(c, reply, framing);
    reply->seen_content = false;
    if (c->vtable->state_bytes)
        memset(reply->state, 0, c->vtable->state_bytes);
    const char *before = enter_plugin(c, reply, 0);
    c->vtable->begin(c->self, reply->state, framing);
    tkp_crash_note = before;
}

void tkp_reply_continue(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t framing)
{
    begin_body(c, reply, framing);
}

void tkp_reply_take(struct tkp_reply_context *c, struct tkp_reply *reply, char *data, size_t len,
                    uint64_t now_ns)
{
    reply->seen_bytes = true;
    if (is_over(reply) || reply->follows)
        return;
    const char *before = enter_plugin(c, reply, now_ns);
    take(c, reply, data, len);
    if (reply->completed && !is_over(reply))
        conclude(c, reply, TOKPERF_END_COMPLETE);
    tkp_crash_note = before;
}

void tkp_reply_take_last(struct tkp_reply_context *c, struct tkp_reply *reply, char *data,
                         size_t len, uint64_t now_ns)
{
    if (reply->framing != TOKPERF_FRAMING_WHOLE || reply->whole || is_over(reply) ||
        len > TKP_REPLY_MAX_WHOLE_BYTES) {
        tkp_reply_take(c, reply, data, len, now_ns);
        return;
    }
    reply->seen_bytes = true;
    const char *before = enter_plugin(c, reply, now_ns);
    give_event(c, reply, (struct tokperf_span){data, len}, (struct tokperf_span){0}, false);
    tkp_crash_note = before;
}

void tkp_reply_end(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t end,
                   uint64_t now_ns)
{
    if (is_over(reply) || reply->follows)
        return;
    const char *before = enter_plugin(c, reply, now_ns);
    give_last(c, reply, end);
    if (!is_over(reply))
        conclude(c, reply, end);
    tkp_crash_note = before;
}

void tkp_reply_pause(struct tkp_reply_context *c, struct tkp_reply *reply)
{
    if (reply->framing == TOKPERF_FRAMING_SSE)
        tkp_event_stream_finish(&reply->reader.events);
    else if (reply->framing == TOKPERF_FRAMING_NDJSON)
        tkp_lines_finish(&reply->reader.lines);
    tkp_spill_give(c->spills, reply->whole);
    tkp_spill_give(c->spills, reply->asked);
    reply->whole = reply->asked = NULL;
    reply->framing = 0;
}

void tkp_reply_finish(struct tkp_reply_context *c, struct tkp_reply *reply)
{
    tkp_reply_pause(c, reply);
    tkp_spill_give(c->spills, reply->calls);
    reply->calls = NULL;
    reply->follows = false;
}
