/* SPDX-License-Identifier: Apache-2.0 */
/* See raw.h. The times of an answer are kept beside its bytes, so that a secret is found also where
 * a read cut it. */
#include <worker/raw.h>

#include <base/secrets.h>
#include <base/text.h>
#include <record/kept_text.h>
#include <stdlib.h>
#include <string.h>
#include <worker/kept.h>
#include <worker/thread.h>

enum { MAX_LINE_BYTES = 16 * 1024 }; /* of a request line; a path has at most 8 KiB and its URL's */

static const struct tokperf_span hidden = {"<redacted>", 10};

/* Beyond a quarter of the pool nothing grows for this: the rest is for reading answers. */
static bool append(struct tkp_worker *w, struct tkp_spill **spill, const void *data, size_t len)
{
    size_t room = *spill ? (*spill)->capacity - (*spill)->len : 0;
    if (len > room && w->spills.total_bytes > w->spills.max_total_bytes / 4)
        return false;
    return tkp_spill_append(&w->spills, spill, data, len);
}

/* ---- the request ---- */

/* Appends bytes of the message: first the head, up to its empty line, then the body. */
static void take_part(struct tkp_worker *w, struct tkp_raw *raw, bool *in_body, const char *data,
                      size_t len)
{
    const char *end = *in_body ? NULL : memmem(data, len, "\r\n\r\n", 4);
    size_t head = *in_body ? 0 : end ? (size_t)(end - data) + 4 : len;
    if (head && !append(w, &raw->head, data, head))
        raw->flags |= TKP_KEPT_RAW_REQUEST_CUT;
    *in_body |= end != NULL;
    size_t have = raw->body ? raw->body->len : 0, rest = len - head;
    size_t room = TKP_RAW_MAX_BODY_BYTES - have;
    if (rest > room || (rest && !append(w, &raw->body, data + head, rest)))
        raw->flags |= TKP_KEPT_RAW_REQUEST_CUT;
    if (rest > room)
        (void)append(w, &raw->body, data + head, room);
}

void tkp_raw_begin(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_message_key key = {slot->event.url_index, slot->turn, slot->event.draw};
    struct tkp_raw *raw = w->raws.free;
    if (raw)
        w->raws.free = raw->next;
    else
        raw = malloc(sizeof *raw);
    slot->raw = raw;
    if (!raw)
        return;
    *raw = (struct tkp_raw){.next = NULL};
    if (!tkp_message_make(&w->message, &key, slot->rendered))
        return; /* which ends the request */
    bool in_body = false;
    for (uint32_t i = 0; i < w->message.part_count; i++)
        take_part(w, raw, &in_body, w->message.parts[i].iov_base, w->message.parts[i].iov_len);
}

/* ---- the answer ---- */

void tkp_raw_take(struct tkp_worker *w, struct tkp_slot *slot, const char *data, size_t len)
{
    struct tkp_raw *raw = slot->raw;
    size_t have = raw->answer ? raw->answer->len : 0;
    if (raw->flags & TKP_KEPT_RAW_ANSWER_CUT)
        return;
    if (len > TKP_RAW_MAX_BODY_BYTES - have) {
        raw->flags |= TKP_KEPT_RAW_ANSWER_CUT;
        len = TKP_RAW_MAX_BODY_BYTES - have;
    }
    if (!append(w, &raw->answer, data, len)) {
        raw->flags |= TKP_KEPT_RAW_ANSWER_CUT;
        return;
    }
    struct tkp_kept_piece piece = {slot->arrival_ns, raw->answer->len};
    struct tkp_kept_piece *last = NULL;
    if (raw->pieces && raw->pieces->len)
        last = (void *)(raw->pieces->data + raw->pieces->len - sizeof piece);
    if (last && last->time_ns == piece.time_ns)
        last->end_bytes = piece.end_bytes;
    else if (!append(w, &raw->pieces, &piece, sizeof piece))
        raw->flags |= TKP_KEPT_RAW_ANSWER_CUT;
}

/* ---- into the log ---- */

static void keep(struct tkp_worker *w, struct tkp_slot *slot, uint32_t tag,
                 struct tokperf_span text)
{
    if (!tkp_kept_add(&w->spills, &slot->reply.kept, tag, text))
        slot->row.flags |= TKP_ROW_RAW_LOST;
}

/* Ends of pieces, moved along as secrets before them become marks. */
struct ends {
    struct tkp_kept_piece *at, *end;
    uint64_t grown_bytes; /* modulo 2^64: what the text so far has gained */
};

static void move_ends(struct ends *ends, uint64_t until)
{
    for (; ends->at < ends->end && ends->at->end_bytes <= until; ends->at++)
        ends->at->end_bytes += ends->grown_bytes;
}

/* A secret of len bytes is at `at` of the text; a mark takes its place. */
static void move_past_secret(struct ends *ends, uint64_t at, uint64_t len)
{
    move_ends(ends, at);
    for (; ends->at < ends->end && ends->at->end_bytes < at + len; ends->at++)
        ends->at->end_bytes = at + ends->grown_bytes + hidden.len; /* with its first read */
    ends->grown_bytes += hidden.len - len;
}

/* A text without the run's secrets; the ends of its pieces (or NULL) go along. */
static void keep_redacted(struct tkp_worker *w, struct tkp_slot *slot, uint32_t tag,
                          struct tokperf_span text, struct tkp_spill *pieces)
{
    struct ends ends = {0};
    uint64_t done = 0; /* bytes of the text */
    if (pieces) {
        ends.at = (void *)pieces->data;
        ends.end = ends.at + pieces->len / sizeof *ends.at;
    }
    while (done < text.len) {
        struct tokperf_span rest = {text.data + done, text.len - done};
        uint64_t len, at = tkp_secrets_find(rest, &len);
        keep(w, slot, tag, (struct tokperf_span){rest.data, at});
        if (len) {
            keep(w, slot, tag, hidden);
            move_past_secret(&ends, done + at, len);
        }
        done += at + len;
    }
    move_ends(&ends, UINT64_MAX);
}

static struct tokperf_span span_of(const struct tkp_spill *spill)
{
    return spill ? (struct tokperf_span){spill->data, spill->len} : (struct tokperf_span){"", 0};
}

static bool is_secret(const struct tkp_worker *w, struct tokperf_span name)
{
    const struct tkp_plan *plan = w->shared->plan;
    if (tkp_text_is_secret_name(name))
        return true;
    for (uint32_t i = 0; i < plan->header_count; i++)
        if (plan->headers[i].secret && tkp_span_is_nocase(name, plan->headers[i].name))
            return true;
    return false;
}

/* "POST /path?query HTTP/1.1": the query may hold a secret. */
static void keep_request_line(struct tkp_worker *w, struct tkp_slot *slot, struct tokperf_span line)
{
    char shown[2 * MAX_LINE_BYTES], path[MAX_LINE_BYTES];
    const char *begin = memchr(line.data, ' ', line.len);
    const char *end = memrchr(line.data, ' ', line.len);
    if (!begin || end <= begin || end - begin >= MAX_LINE_BYTES) {
        keep(w, slot, TKP_KEPT_REQUEST_HEAD, TOKPERF_SPAN("<redacted>\r\n"));
        return;
    }
    tkp_text_copy(path, sizeof path, (struct tokperf_span){begin + 1, (uint64_t)(end - begin - 1)});
    tkp_text_redact_url(shown, sizeof shown, path);
    const uint64_t method = (uint64_t)(begin + 1 - line.data), rest = (uint64_t)(end - line.data);
    keep(w, slot, TKP_KEPT_REQUEST_HEAD, (struct tokperf_span){line.data, method});
    keep_redacted(w, slot, TKP_KEPT_REQUEST_HEAD, tkp_span(shown), NULL);
    keep(w, slot, TKP_KEPT_REQUEST_HEAD, (struct tokperf_span){end, line.len - rest});
}

/* Line by line, the values of secret headers left out. */
static void keep_head(struct tkp_worker *w, struct tkp_slot *slot, struct tokperf_span head)
{
    bool is_first = true;
    while (head.len) {
        const char *end = memchr(head.data, '\n', head.len);
        const uint64_t len = end ? (uint64_t)(end - head.data) + 1 : head.len;
        const char *colon = memchr(head.data, ':', len);
        struct tokperf_span line = {head.data, len};
        struct tokperf_span name = {head.data, colon ? (uint64_t)(colon - head.data) : 0};
        if (is_first) {
            keep_request_line(w, slot, line);
        } else if (colon && is_secret(w, name)) {
            keep(w, slot, TKP_KEPT_REQUEST_HEAD, name);
            keep(w, slot, TKP_KEPT_REQUEST_HEAD, TOKPERF_SPAN(": <redacted>\r\n"));
        } else {
            keep_redacted(w, slot, TKP_KEPT_REQUEST_HEAD, line, NULL);
        }
        is_first = false;
        head = (struct tokperf_span){head.data + len, head.len - len};
    }
}

void tkp_raw_end(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_raw *raw = slot->raw;
    const char facts[] = {(char)raw->flags, (char)slot->http.content,
                          (char)(slot->row.flags & TKP_ROW_STREAMED ? w->endpoint.stream_framing
                                                                    : w->endpoint.whole_framing)};
    bool unstamped = slot->row.flags & TKP_ROW_UNSTAMPED;
    keep(w, slot, TKP_KEPT_RAW, (struct tokperf_span){facts, sizeof facts});
    keep_head(w, slot, span_of(raw->head));
    keep_redacted(w, slot, TKP_KEPT_REQUEST_BODY, span_of(raw->body), NULL);
    keep_redacted(w, slot, TKP_KEPT_ANSWER, span_of(raw->answer), raw->pieces);
    if (raw->pieces && !unstamped)
        keep(w, slot, TKP_KEPT_ANSWER_PIECES,
             (struct tokperf_span){raw->pieces->data, raw->pieces->len});
    tkp_raw_give(w, raw);
    slot->raw = NULL;
}

void tkp_raw_give(struct tkp_worker *w, struct tkp_raw *raw)
{
    if (!raw)
        return;
    tkp_spill_give(&w->spills, raw->head);
    tkp_spill_give(&w->spills, raw->body);
    tkp_spill_give(&w->spills, raw->answer);
    tkp_spill_give(&w->spills, raw->pieces);
    raw->next = w->raws.free;
    w->raws.free = raw;
}

void tkp_raw_pool_finish(struct tkp_raw_pool *pool)
{
    while (pool->free) {
        struct tkp_raw *raw = pool->free;
        pool->free = raw->next;
        free(raw);
    }
}
