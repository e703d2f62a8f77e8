/* SPDX-License-Identifier: Apache-2.0 */
/* From head, body and end of an answer to the row's outcome. */
#include <worker/answer.h>

#include <base/text.h>
#include <string.h>
#include <worker/row_text.h>

enum { MAX_ERROR_BODY_BYTES = 64 * 1024 }; /* of an http_error, to find its message in */

/* Whether the answer is read as a stream. Asked for one, a server that sends JSON has not done it;
 * one that sends events or lines unasked is believed. */
static bool is_stream(const struct tkp_worker *w, const struct tkp_slot *slot)
{
    if (slot->row.flags & TKP_ROW_STREAM_ASKED)
        return slot->http.content != TKP_HTTP_CONTENT_JSON;
    if (w->endpoint.stream_framing == TOKPERF_FRAMING_NDJSON)
        return slot->http.content == TKP_HTTP_CONTENT_NDJSON;
    return slot->http.content == TKP_HTTP_CONTENT_EVENT_STREAM &&
           w->endpoint.stream_framing == TOKPERF_FRAMING_SSE;
}

void tkp_answer_begin(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->row.http_status = (int32_t)slot->http.status;
    if (!tkp_answer_is_success(slot)) {
        /* the message follows with the body; until then its room holds the parser's note */
        slot->row.outcome = TKP_OUTCOME_HTTP_ERROR;
        return;
    }
    if (slot->follow_up) {
        tkp_reply_continue(&w->reply, &slot->reply, w->endpoint.whole_framing);
        return;
    }
    bool stream = is_stream(w, slot);
    if (stream)
        slot->row.flags |= TKP_ROW_STREAMED;
    slot->reply.keeps_text = slot->needs_answers && slot->turn + 1 < slot->event.turns;
    tkp_reply_begin(&w->reply, &slot->reply,
                    stream ? w->endpoint.stream_framing : w->endpoint.whole_framing);
}

void tkp_answer_take(struct tkp_worker *w, struct tkp_slot *slot, char *data, size_t len)
{
    if (slot->raw)
        tkp_raw_take(w, slot, data, len);
    if (tkp_answer_is_success(slot)) {
        if (tkp_http_response_has_all(&slot->http))
            tkp_reply_take_last(&w->reply, &slot->reply, data, len, slot->arrival_ns);
        else
            tkp_reply_take(&w->reply, &slot->reply, data, len, slot->arrival_ns);
        return;
    }
    size_t have = slot->reply.whole ? slot->reply.whole->len : 0;
    size_t kept = len < MAX_ERROR_BODY_BYTES - have ? len : MAX_ERROR_BODY_BYTES - have;
    if (kept && !tkp_spill_append(&w->spills, &slot->reply.whole, data, kept))
        return; /* without memory the message is shorter */
}

/* RFC 9110, 10.2.3: seconds, or a date, whose text is in the message alone. Never waited for. */
static void note_retry_after(struct tkp_row *row, const char *note)
{
    uint64_t seconds = 0;
    if (row->http_status < 400 || !note[0])
        return;
    row->flags |= TKP_ROW_RETRY_AFTER;
    for (const char *p = note; *p && seconds <= UINT32_MAX; p++)
        seconds =
            *p >= '0' && *p <= '9' ? seconds * 10 + (uint64_t)(*p - '0') : (uint64_t)UINT32_MAX + 1;
    if (seconds <= UINT32_MAX)
        row->retry_after_s = seconds;
}

void tkp_answer_read_error(struct tkp_slot *slot)
{
    char note[TKP_ROW_MESSAGE_BYTES];
    struct tokperf_span body = {0};
    if (slot->row.outcome != TKP_OUTCOME_HTTP_ERROR)
        return;
    if (slot->reply.whole)
        body = (struct tokperf_span){slot->reply.whole->data, slot->reply.whole->len};
    tkp_text_copy(note, sizeof note, tkp_span(tkp_row_error_message(&slot->row)));
    note_retry_after(&slot->row, note);
    tkp_row_set_http_error(&slot->row, body, note);
}

void tkp_answer_end(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (tkp_answer_is_success(slot))
        tkp_reply_end(&w->reply, &slot->reply, TOKPERF_END_COMPLETE, slot->arrival_ns);
    else
        tkp_answer_read_error(slot);
}

static void truncate_row(struct tkp_slot *slot, const char *type, const char *message)
{
    tkp_row_end_text(&slot->row, TKP_OUTCOME_TRUNCATED, type, message);
}

void tkp_answer_lose(struct tkp_worker *w, struct tkp_slot *slot, enum tkp_http_end where,
                     bool reset)
{
    uint32_t end = TOKPERF_END_CUT;
    switch (where) {
    case TKP_HTTP_END_BEFORE_STATUS:
        tkp_row_end_text(&slot->row, TKP_OUTCOME_NO_RESPONSE, reset ? "reset" : "closed",
                         "the connection ended before the status line was complete");
        return;
    case TKP_HTTP_END_IN_HEAD:
        truncate_row(slot, "head", "the connection ended in the headers of the answer");
        return;
    case TKP_HTTP_END_SHORT:
        if (tkp_answer_is_success(slot))
            truncate_row(slot, "content_length",
                         "the connection ended before Content-Length bytes had come");
        break;
    case TKP_HTTP_END_CLOSED:
        end = reset ? TOKPERF_END_CUT : TOKPERF_END_CLOSED;
        if (reset && tkp_answer_is_success(slot))
            truncate_row(slot, "cut",
                         "only its connection's end ends this answer, and that was an error or, "
                         "over TLS, not announced (close_notify)");
        break;
    case TKP_HTTP_END_CUT:
    case TKP_HTTP_END_AFTER:
        break;
    }
    if (!tkp_answer_is_success(slot))
        tkp_answer_read_error(slot);
    else
        tkp_reply_end(&w->reply, &slot->reply, end, slot->arrival_ns);
}

void tkp_answer_refuse(struct tkp_slot *slot, const char *error)
{
    tkp_answer_read_error(slot);
    tkp_row_end_text(&slot->row, TKP_OUTCOME_PARSE_ERROR, "http", error);
}
