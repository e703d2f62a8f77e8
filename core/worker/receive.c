/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an answer: every read goes into the worker's one buffer, is stamped (by the kernel when
 * it came in, or right after the read returned) and parsed in place; what is left over waits in the
 * slot, so reading never pauses.
 */
#include <worker/request.h>

#include <errno.h>
#include <sys/socket.h>
#include <worker/answer.h>
#include <worker/receive_stamp.h>
#include <worker/row_text.h>

enum { READS_IN_A_ROW = 4 }; /* full buffers of one connection, then the others' turn */

/* Parses one read; returns the last step: MORE, DONE or BAD. *clean: nothing follows a DONE. */
static enum tkp_http_step parse(struct tkp_worker *w, struct tkp_slot *slot, size_t len,
                                bool *clean)
{
    char *at = w->read_buffer, *end = at + len;
    struct tokperf_span body;
    for (;;) {
        enum tkp_http_step step = tkp_http_response_next(&slot->http, &at, end, &body);
        switch (step) {
        case TKP_HTTP_HEAD:
            tkp_answer_begin(w, slot);
            break;
        case TKP_HTTP_BODY:
            /* the span is inside the read buffer, which is ours to write */
            tkp_answer_take(w, slot, at - body.len, body.len);
            break;
        case TKP_HTTP_DONE:
            tkp_answer_end(w, slot);
            *clean = at == end;
            return step;
        case TKP_HTTP_BAD:
        case TKP_HTTP_MORE:
            return step;
        }
    }
}

/* When the read that returned at now_ns had arrived, by the run's receive clock; wall_ns: its
 * stamp. TCP delivers in order, so that bytes are there when all before them are: a segment that
 * overtook another does not come before it. */
static void stamp_read(struct tkp_worker *w, struct tkp_slot *slot, uint64_t wall_ns)
{
    struct tkp_row *row = &slot->row;
    uint64_t at_ns = w->now_ns;
    if (w->arrivals.kernel)
        at_ns = tkp_arrivals_place(&w->arrivals, wall_ns, row->send_start_ns, w->now_ns);
    if (!at_ns) {
        row->flags |= TKP_ROW_UNSTAMPED; /* the times until then are for the deadlines only */
        tkp_gauge_add(&tkp_part_of(w, slot)->unstamped_reads, 1);
        at_ns = w->now_ns;
    }
    if (slot->arrival_ns < at_ns)
        slot->arrival_ns = at_ns;
    if (!w->arrivals.kernel || row->flags & TKP_ROW_UNSTAMPED)
        return;
    uint64_t delay_ns = w->now_ns - slot->arrival_ns;
    (void)tkp_histogram_count(&tkp_issue_of(w, slot)->delays_ns, delay_ns); /* for its quantile */
    if (delay_ns > row->read_delay_ns)
        row->read_delay_ns = delay_ns;
}

/* Works on one read. ended: the server has ended the connection, and no other event will say so. */
static void take_read(struct tkp_worker *w, struct tkp_slot *slot, size_t len, bool ended)
{
    struct tkp_row *row = &slot->row;
    bool first = row->first_byte_ns == 0, clean = false;
    row->received_bytes += len;
    row->read_count += w->shared->plan->http_trace;
    slot->last_read_ns = w->now_ns;
    if (first) {
        row->first_byte_ns = slot->arrival_ns;
        tkp_gauge_set(&w->stats.connect_errors_in_row, 0); /* also of a connection of before */
    }
    enum tkp_http_step step = parse(w, slot, len, &clean);
    if (tkp_answer_is_success(slot))
        tkp_answer_note_time(w, slot);
    if (step == TKP_HTTP_DONE) {
        bool reused = w->shared->plan->reuse != TKP_REUSE_NEVER && !ended &&
                      !tkp_connection_has_end(slot->connection);
        tkp_request_end(w, slot, reused && clean && slot->sent_all && slot->http.keep_alive);
    } else if (step == TKP_HTTP_BAD) {
        tkp_answer_refuse(slot, slot->http.error);
        tkp_request_end(w, slot, false);
    } else if (row->outcome != TKP_OUTCOME_NONE && !slot->decided_ns) {
        slot->decided_ns = w->now_ns;
        tkp_request_arm(w, slot);
    } else if (first) {
        tkp_request_arm(w, slot);
    }
}

/* A close of TCP alone may come from anybody: over TLS the server has to say that it ends. */
static bool is_cut(const struct tkp_slot *slot)
{
    return slot->connection->tls && !tkp_tls_is_closed(slot->connection->tls);
}

/* The connection ended, by a close (reason 0) or an error; EPROTO: of TLS. */
static void lose(struct tkp_worker *w, struct tkp_slot *slot, int reason)
{
    if (slot->row.received_bytes) {
        tkp_answer_lose(w, slot, tkp_http_response_end(&slot->http), reason || is_cut(slot));
    } else if (slot->row.flags & TKP_ROW_REUSED) {
        tkp_request_retry(w, slot); /* stale: the server had let go of it; the next one is new */
        return;
    } else if (reason == EPROTO && slot->connection->tls) {
        tkp_row_end_text(&slot->row, TKP_OUTCOME_TLS_ERROR, w->tls->failure.type,
                         w->tls->failure.message);
    } else {
        tkp_row_end_text(&slot->row, TKP_OUTCOME_NO_RESPONSE, reason ? "reset" : "closed",
                         reason ? "the connection was reset before any byte of the answer"
                                : "the connection was closed before any byte of the answer");
    }
    tkp_request_end(w, slot, false);
}

/* One read, with the kernel's stamp when the run uses it. *full: there may be more. */
static ssize_t read_some(struct tkp_worker *w, const struct tkp_connection *c, uint64_t *wall_ns,
                         bool *full)
{
    ssize_t n;
    *wall_ns = 0;
    if (c->tls)
        return tkp_tls_read(c->tls, w->read_buffer, wall_ns, full);
    if (w->arrivals.kernel)
        n = tkp_receive_stamp_read(c->fd, w->read_buffer, TKP_WORKER_READ_BYTES, wall_ns);
    else
        n = recv(c->fd, w->read_buffer, TKP_WORKER_READ_BYTES, 0);
    *full = n == TKP_WORKER_READ_BYTES;
    return n;
}

void tkp_request_receive(struct tkp_worker *w, struct tkp_connection *c, bool to_end)
{
    struct tkp_slot *slot = c->slot;
    for (int rounds = 0;;) {
        uint64_t wall_ns;
        bool full;
        ssize_t n = read_some(w, c, &wall_ns, &full);
        int reason = n < 0 ? errno : 0;
        if (reason == EINTR)
            continue;
        if (reason == EAGAIN || reason == EWOULDBLOCK)
            return;
        w->now_ns = tkp_clock_now_ns();
        if (n <= 0) {
            lose(w, slot, reason);
            return;
        }
        stamp_read(w, slot, wall_ns);
        take_read(w, slot, (size_t)n, to_end);
        if (c->slot != slot || c->state != TKP_CONNECTION_BUSY)
            return;
        /* edge-triggered: a short read has emptied the socket, and an end comes as an event */
        if (!full && !to_end && !tkp_connection_has_end(c))
            return;
        if (full && ++rounds == READS_IN_A_ROW) {
            tkp_loop_watch_again(&w->loop, c->fd, c);
            return;
        }
    }
}
