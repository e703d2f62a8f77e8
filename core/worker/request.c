/* SPDX-License-Identifier: Apache-2.0 */
/* A request until its answer begins: rendering, connecting, sending, deadlines, the retry. */
#include <worker/request.h>

#include <base/text.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <worker/answer.h>
#include <worker/conversation.h>
#include <worker/follow_up.h>
#include <worker/curl_transport.h>
#include <worker/handshake.h>
#include <worker/idle.h>
#include <worker/row_text.h>

/* A request whose outcome is decided reads on, to keep its connection, for at most this long. */
#define DRAIN_NS (2 * TKP_NS_PER_S)
/* The same for an answer that its plugin has called complete: the end of its HTTP body comes with
 * it, within the time of a delayed acknowledgement, or not at all. */
#define COMPLETE_DRAIN_NS (250 * TKP_NS_PER_MS)
/* A slot whose connect failed waits this long, doubling. */
#define FIRST_BACKOFF_NS (10 * TKP_NS_PER_MS)
#define MAX_BACKOFF_NS   (1 * TKP_NS_PER_S)
/* A connect to a UNIX socket whose backlog is full is tried again after this, doubling. */
#define FIRST_FULL_NS (1 * TKP_NS_PER_MS)
#define MAX_FULL_NS   (64 * TKP_NS_PER_MS)

static uint64_t read_clock(struct tkp_worker *w)
{
    return w->now_ns = tkp_clock_now_ns();
}

static const struct tkp_target *target_of(const struct tkp_worker *w, const struct tkp_slot *slot)
{
    return &w->shared->targets[slot->event.url_index];
}

static void init_row(struct tkp_worker *w, struct tkp_slot *slot)
{
    const struct tkp_issue *issue = tkp_issue_of(w, slot);
    struct tkp_row *row = &slot->row;
    *row = (struct tkp_row){
        .ordinal = slot->event.ordinal,
        .draw = slot->event.draw,
        .dataset_row = slot->event.row,
        .phase = issue->phase->schedule.phase_index,
        .worker = w->index,
        .url_index = slot->event.url_index,
        .turn_index = slot->turn,
        .intended_ns = slot->intended_ns,
        .ready_ns = slot->ready_ns,
        .input_tokens_asked = -1,
        .output_tokens_asked = -1,
        .first_chunk_tokens = -1,
        .error = &w->errors.empty,
        .counted_input = -1,
        .counted_output = -1,
        .counted_reasoning = -1,
    };
    memset(&row->usage, 0xff, sizeof row->usage); /* -1: not stated */
    if (w->shared->plan->streaming && w->endpoint.flags & TOKPERF_ENDPOINT_STREAMS)
        row->flags |= TKP_ROW_STREAM_ASKED;
    if (slot->phase_number != issue->phase_number)
        row->flags |= TKP_ROW_FIRST_OF_SLOT;
    slot->phase_number = issue->phase_number;
}

/* ---- deadlines ---- */

enum deadline {
    DEADLINE_TOTAL,
    DEADLINE_DRAIN,
    DEADLINE_CONNECT,
    DEADLINE_FIRST_BYTE,
    DEADLINE_IDLE
};

static uint64_t next_deadline(const struct tkp_worker *w, const struct tkp_slot *slot,
                              enum deadline *which)
{
    const struct tkp_plan *plan = w->shared->plan;
    const struct tkp_row *row = &slot->row;
    uint64_t total_ns = tkp_clock_after_ns(row->start_ns, plan->request_timeout_ns);
    uint64_t step_ns = TKP_NEVER_NS;
    if (row->outcome != TKP_OUTCOME_NONE) {
        *which = DEADLINE_DRAIN;
        step_ns = tkp_clock_after_ns(slot->decided_ns,
                                     row->outcome == TKP_OUTCOME_OK ? COMPLETE_DRAIN_NS : DRAIN_NS);
    } else if (row->first_byte_ns) {
        *which = DEADLINE_IDLE;
        step_ns = tkp_clock_after_ns(slot->last_read_ns, plan->idle_timeout_ns);
    } else if (row->send_start_ns) {
        *which = DEADLINE_FIRST_BYTE;
        step_ns = tkp_clock_after_ns(row->send_end_ns ? row->send_end_ns : row->send_start_ns,
                                     plan->first_byte_timeout_ns);
    } else if (row->connect_start_ns) {
        *which = DEADLINE_CONNECT;
        step_ns = tkp_clock_after_ns(row->connect_start_ns, plan->connect_timeout_ns);
    }
    if (total_ns <= step_ns && row->outcome == TKP_OUTCOME_NONE)
        *which = DEADLINE_TOTAL;
    return total_ns < step_ns ? total_ns : step_ns;
}

/* A timer that is early is left alone: it looks again when it comes. */
void tkp_request_arm(struct tkp_worker *w, struct tkp_slot *slot)
{
    enum deadline which;
    uint64_t at_ns = next_deadline(w, slot, &which);
    if (slot->connect_again_ns && slot->connect_again_ns < at_ns)
        at_ns = slot->connect_again_ns;
    if (at_ns != TKP_NEVER_NS && (!slot->timer.place || slot->timer.at_ns > at_ns))
        tkp_loop_set_timer(&w->loop, &slot->timer, at_ns);
}

/* ---- connecting ---- */

static void note_connect_failure(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->connect_failed = true;
    slot->backoff_ns = slot->backoff_ns ? slot->backoff_ns * 2 : FIRST_BACKOFF_NS;
    if (slot->backoff_ns > MAX_BACKOFF_NS)
        slot->backoff_ns = MAX_BACKOFF_NS;
    if (slot->row.outcome != TKP_OUTCOME_CLIENT_ERROR)
        tkp_gauge_add(&w->stats.connect_errors_in_row, 1);
}

void tkp_request_fail_connect(struct tkp_worker *w, struct tkp_slot *slot)
{
    note_connect_failure(w, slot);
    tkp_request_end(w, slot, false);
}

static void fail_connect(struct tkp_worker *w, struct tkp_slot *slot, int reason)
{
    tkp_request_set_connect_error(w, slot, reason);
    tkp_request_fail_connect(w, slot);
}

static void send_more(struct tkp_worker *w, struct tkp_slot *slot);

void tkp_request_connected(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->row.connect_end_ns = read_clock(w);
    slot->backoff_ns = 0;
    tkp_gauge_set(&w->stats.connect_errors_in_row, 0);
    send_more(w, slot);
}

/* The socket is connected. */
static void connected(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (target_of(w, slot)->url->scheme == TKP_URL_HTTPS)
        tkp_handshake_begin(w, slot);
    else
        tkp_request_connected(w, slot);
}

/* The kernel makes TCP wait for room in the listener's backlog, but not a non-blocking UNIX socket.
 */
void tkp_request_wait_for_backlog(struct tkp_worker *w, struct tkp_slot *slot)
{
    uint64_t full_ns = slot->full_ns ? UINT64_C(2) * slot->full_ns : FIRST_FULL_NS;
    slot->full_ns = (uint32_t)(full_ns < MAX_FULL_NS ? full_ns : MAX_FULL_NS);
    slot->addresses_tried = 0;
    slot->connect_again_ns = tkp_clock_after_ns(read_clock(w), slot->full_ns);
    tkp_request_arm(w, slot);
}

/* Tries the target's addresses in turn, the one that worked last first. */
static void connect_next(struct tkp_worker *w, struct tkp_slot *slot, int reason)
{
    const struct tkp_target *target = target_of(w, slot);
    uint32_t index = slot->event.url_index;
    uint32_t good = w->connections.groups[index].good_address;
    w->connections.failed_source = NULL;
    while (slot->addresses_tried < target->address_count) {
        uint32_t address = (good + slot->addresses_tried++) % target->address_count;
        struct tkp_connection *c = tkp_connections_open(&w->connections, index, address, &reason);
        if (!c && (w->connections.failed_source || tkp_connection_is_client_fault(reason)))
            break;
        if (!c && reason == EAGAIN && target->addresses[address].ss_family == AF_UNIX) {
            tkp_request_wait_for_backlog(w, slot);
            return;
        }
        if (!c)
            continue;
        c->slot = slot;
        slot->connection = c;
        if (c->state == TKP_CONNECTION_BUSY)
            connected(w, slot);
        else
            tkp_request_arm(w, slot);
        return;
    }
    fail_connect(w, slot, reason);
}

static void open_connection(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->row.connect_start_ns = read_clock(w);
    slot->row.connect_end_ns = slot->row.tls_start_ns = 0;
    slot->addresses_tried = 0;
    connect_next(w, slot, EADDRNOTAVAIL);
}

static void finish_connect(struct tkp_worker *w, struct tkp_connection *c)
{
    struct tkp_slot *slot = c->slot;
    int reason = tkp_connection_establish(&w->connections, c);
    if (reason == 0) {
        connected(w, slot);
        return;
    }
    tkp_connections_close(&w->connections, c);
    slot->connection = NULL;
    connect_next(w, slot, reason);
}

/* ---- sending ---- */

static void begin_attempt(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->sent_bytes = 0;
    slot->sent_all = slot->send_failed = false;
    slot->row.send_start_ns = slot->row.send_end_ns = 0;
    tkp_http_response_begin(&slot->http, &w->spills, tkp_span_is(slot->rendered->method, "HEAD"),
                            &slot->row);
}

static bool make_message(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_message_key key = {slot->event.url_index, slot->turn, slot->event.draw};
    if (tkp_message_make(&w->message, &key, slot->rendered))
        return true;
    tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, "memory",
                     "there is no memory for the head of the request, or it exceeds 256 KiB");
    tkp_request_end(w, slot, false);
    return false;
}

static ssize_t write_some(struct tkp_worker *w, const struct tkp_connection *c, uint64_t sent_bytes)
{
    if (c->tls)
        return tkp_tls_send(c->tls, w->message.parts, w->message.part_count, sent_bytes);
    return tkp_message_send(&w->message, c->fd, sent_bytes);
}

/* A server may answer and close before it has read everything: its answer is read first. */
static void send_more(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_connection *c = slot->connection;
    if (!make_message(w, slot))
        return;
    if (!slot->row.send_start_ns)
        slot->row.send_start_ns = read_clock(w);
    while (!slot->sent_all) {
        ssize_t n = write_some(w, c, slot->sent_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            slot->send_failed = true;
            tkp_request_arm(w, slot);
            tkp_request_receive(w, c, true);
            return;
        }
        slot->sent_bytes += (uint64_t)n;
        slot->row.sent_bytes += (uint64_t)n;
        slot->row.write_count += w->shared->plan->http_trace;
        slot->sent_all = slot->sent_bytes == w->message.total_bytes;
    }
    if (slot->sent_all)
        slot->row.send_end_ns = read_clock(w);
    tkp_request_arm(w, slot);
}

/* Sends slot->rendered on a connection that is there, or opens one. */
static void begin_exchange(struct tkp_worker *w, struct tkp_slot *slot)
{
    begin_attempt(w, slot);
    if (w->curl) {
        tkp_curl_start(w, slot);
        return;
    }
    struct tkp_connection *c = tkp_idle_take(w, slot);
    if (!c) {
        open_connection(w, slot);
        return;
    }
    c->slot = slot;
    slot->connection = c;
    slot->row.flags |= TKP_ROW_REUSED;
    slot->row.send_start_ns = w->now_ns; /* with the making of the message */
    send_more(w, slot);
}

/* ---- public, in the order of a request's life ---- */

void tkp_request_start(struct tkp_worker *w, struct tkp_slot *slot)
{
    init_row(w, slot);
    slot->state = TKP_SLOT_ACTIVE;
    slot->connect_failed = false;
    slot->connect_again_ns = 0;
    slot->full_ns = 0;
    slot->last_read_ns = slot->decided_ns = slot->arrival_ns = 0;
    slot->reply.row = &slot->row;
    tkp_gauge_add(&w->stats.issued, 1);
    tkp_gauge_add(&w->stats.in_flight, 1);
    bool rendered = tkp_conversation_render(w, slot);
    slot->row.start_ns = read_clock(w);
    tkp_announce_issued(&w->announcer, &slot->row);
    if (!rendered) {
        tkp_request_end(w, slot, false);
        return;
    }
    if (w->keeps_raw)
        tkp_raw_begin(w, slot);
    begin_exchange(w, slot);
}

void tkp_request_retry(struct tkp_worker *w, struct tkp_slot *slot)
{
    tkp_connections_close(&w->connections, slot->connection);
    slot->connection = NULL;
    slot->row.retries++;
    slot->row.flags &= ~(uint32_t)TKP_ROW_REUSED;
    tkp_gauge_add(&w->stats.retries, 1);
    tkp_http_response_finish(&slot->http);
    begin_attempt(w, slot);
    open_connection(w, slot);
}

void tkp_request_ready(struct tkp_worker *w, struct tkp_connection *c, uint32_t events)
{
    const uint32_t ended = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    switch ((enum tkp_connection_state)c->state) {
    case TKP_CONNECTION_CLOSED: /* earlier in this batch */
        break;
    case TKP_CONNECTION_IDLE:
    case TKP_CONNECTION_KEPT:
        if (events & (EPOLLIN | ended))
            tkp_idle_look(w, c, (events & ended) != 0);
        break;
    case TKP_CONNECTION_CURL:
        tkp_curl_ready(w, c, events);
        break;
    case TKP_CONNECTION_HANDSHAKE:
        tkp_handshake_go_on(w, c, (events & ended) != 0);
        break;
    case TKP_CONNECTION_CONNECTING:
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            finish_connect(w, c);
        break;
    case TKP_CONNECTION_BUSY:
        if (events & (EPOLLIN | ended))
            tkp_request_receive(w, c, (events & ended) != 0);
        if (c->state == TKP_CONNECTION_BUSY && events & EPOLLOUT && !c->slot->sent_all &&
            !c->slot->send_failed)
            send_more(w, c->slot);
        break;
    }
}

static void time_out(struct tkp_worker *w, struct tkp_slot *slot, enum deadline which)
{
    static const char *const types[] = {[DEADLINE_TOTAL] = "total",
                                        [DEADLINE_DRAIN] = "",
                                        [DEADLINE_CONNECT] = "connect",
                                        [DEADLINE_FIRST_BYTE] = "first_byte",
                                        [DEADLINE_IDLE] = "idle"};
    static const char *const messages[] = {
        [DEADLINE_TOTAL] = "the request took longer than its timeout allows",
        [DEADLINE_DRAIN] = "",
        [DEADLINE_CONNECT] = "no connection within the connect timeout",
        [DEADLINE_FIRST_BYTE] = "no byte of the answer within the first-byte timeout",
        [DEADLINE_IDLE] = "no further byte of the answer within the idle timeout"};
    bool in_handshake = slot->connection && slot->connection->state == TKP_CONNECTION_HANDSHAKE;
    bool connecting =
        !slot->connection || in_handshake || slot->connection->state == TKP_CONNECTION_CONNECTING;
    if (slot->transfer)
        connecting = !slot->row.send_start_ns;
    tkp_answer_read_error(slot);
    tkp_row_end_text(&slot->row, TKP_OUTCOME_TIMEOUT, types[which],
                     in_handshake && which == DEADLINE_CONNECT
                         ? "no end of the TLS handshake within the connect timeout"
                         : messages[which]);
    if (connecting && !tkp_follow_up_waits(slot))
        note_connect_failure(w, slot);
    tkp_request_end(w, slot, false);
}

void tkp_request_timer(struct tkp_worker *w, struct tkp_slot *slot)
{
    enum deadline which = DEADLINE_TOTAL;
    if (next_deadline(w, slot, &which) <= w->now_ns) {
        time_out(w, slot, which);
    } else if (slot->connect_again_ns && slot->connect_again_ns <= w->now_ns) {
        slot->connect_again_ns = 0;
        if (tkp_follow_up_waits(slot)) {
            tkp_follow_up_begin(slot);
            begin_exchange(w, slot);
        } else if (w->curl)
            tkp_curl_start(w, slot);
        else
            connect_next(w, slot, EAGAIN);
    } else {
        tkp_request_arm(w, slot);
    }
}

void tkp_request_cancel(struct tkp_worker *w, struct tkp_slot *slot)
{
    tkp_answer_read_error(slot);
    tkp_row_end_text(&slot->row, TKP_OUTCOME_CANCELLED, "",
                     "cancelled by the benchmark before it was complete");
    tkp_request_end(w, slot, false);
}

/* A read without a stamp leaves a hole in the answer's arrival times. Times of another clock would
 * not fill it: the request has none. */
static void forget_arrivals(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_row *row = &slot->row;
    row->first_byte_ns = row->last_byte_ns = row->first_token_ns = row->second_token_ns = 0;
    row->first_output_token_ns = row->last_token_ns = 0;
    tkp_chunk_times_clear(&slot->reply.times, &w->chunks);
}

static void let_go(struct tkp_worker *w, struct tkp_slot *slot, bool keep)
{
    if (slot->transfer)
        tkp_curl_end(w, slot);
    else if (slot->connection && keep)
        tkp_connections_park(&w->connections, slot->connection);
    else if (slot->connection)
        tkp_connections_close(&w->connections, slot->connection);
    slot->connection = NULL;
}

void tkp_request_drop_kept(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (slot->connection)
        let_go(w, slot, false);
}

/* The connection is let go, or kept for the conversation. */
static void end_exchange(struct tkp_worker *w, struct tkp_slot *slot, bool keep)
{
    tkp_http_response_finish(&slot->http);
    if (keep && w->shared->plan->reuse == TKP_REUSE_STICKY)
        slot->connection->state = TKP_CONNECTION_KEPT; /* the conversation's end closes it */
    else
        let_go(w, slot, keep);
}

void tkp_request_end(struct tkp_worker *w, struct tkp_slot *slot, bool keep)
{
    if (tkp_follow_up_plan(w, slot)) {
        tkp_reply_pause(&w->reply, &slot->reply);
        end_exchange(w, slot, keep);
        tkp_request_arm(w, slot);
        return;
    }
    tkp_follow_up_finish(w, slot);
    /* an answer that was complete before its HTTP body has ended then */
    bool drained = slot->row.outcome == TKP_OUTCOME_OK && slot->decided_ns;
    slot->row.end_ns = drained ? slot->decided_ns : w->now_ns;
    if (w->shared->plan->http_trace && slot->row.first_byte_ns)
        slot->row.last_byte_ns = slot->arrival_ns;
    if (slot->row.flags & TKP_ROW_UNSTAMPED)
        forget_arrivals(w, slot);
    tkp_reply_finish(&w->reply, &slot->reply);
    end_exchange(w, slot, keep);
    tkp_gauge_set(&w->stats.in_flight, tkp_gauge_get(&w->stats.in_flight) - 1);
    tkp_conversation_request_ended(w, slot);
}
