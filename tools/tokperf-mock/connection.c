/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's state machine over non-blocking, edge-triggered I/O. A chunk of a stream is made
 * only when everything before it is in the kernel, so its send stamp is true and a slow reader
 * costs no memory. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "route.h"

enum {
    READ_BYTES = 4096,            /* smallest room offered to a read */
    READ_BYTES_MAX = 1024 * 1024, /* largest */
    READ_AHEAD_BYTES = 64 * 1024, /* taken from a client that does not wait for its answer */
    KEEP_BYTES = 64 * 1024,       /* of a buffer between requests */
    FAST_BYTES = 64 * 1024,       /* --fast: a stream's pieces are gathered up to here */
    OUT_BYTES_MAX = 8 * 1024 * 1024,
    LINGER_NS = 1000000000, /* how long the peer may take to see our end */
    STEPS_MAX = 32,         /* of one connection before the others get their turn */
};

/* What a step of the state machine found. */
enum step {
    STEP_ON,   /* go on with this connection */
    STEP_WAIT, /* nothing to do until an event or the timer */
    STEP_GONE, /* it was closed */
};

struct tkp_mock_connection *tkp_mock_connection_open(struct tkp_mock_loop *loop, int fd)
{
    struct tkp_mock_connection *connection = loop->free;
    if (connection != NULL) {
        loop->free = connection->next;
    } else {
        connection = calloc(1, sizeof *connection);
        if (connection == NULL) {
            return NULL;
        }
        tkp_mock_buffer_init(&connection->in, TKP_MOCK_HEAD_BYTES_MAX + TKP_MOCK_BODY_BYTES_MAX +
                                                  READ_AHEAD_BYTES + READ_BYTES_MAX);
        tkp_mock_buffer_init(&connection->out, OUT_BYTES_MAX);
        tkp_mock_answer_init(&connection->answer);
    }
    connection->loop = loop;
    connection->fd = fd;
    connection->state = TKP_MOCK_STATE_READING;
    connection->then = TKP_MOCK_THEN_DONE;
    connection->readable = false; /* epoll reports what is there already */
    connection->peer_done = false;
    connection->stream_open = false;
    connection->requests = 0;
    connection->sent_bytes = 0;
    connection->completed = TKP_MOCK_COUNTER_COUNT;
    connection->parser = (struct tkp_mock_http_parser){0};
    connection->previous = NULL;
    connection->next = loop->open;
    if (loop->open != NULL) {
        loop->open->previous = connection;
    }
    loop->open = connection;
    tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_CONNECTIONS, 1);
    return connection;
}

static void end_stream(struct tkp_mock_connection *connection)
{
    if (connection->stream_open) {
        connection->stream_open = false;
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_STREAMS, -1);
    }
}

void tkp_mock_connection_close(struct tkp_mock_connection *connection)
{
    struct tkp_mock_loop *loop = connection->loop;
    end_stream(connection);
    if (connection->completed != TKP_MOCK_COUNTER_COUNT) {
        tkp_mock_counters_add(&loop->counters, connection->completed, -1);
    }
    tkp_mock_timer_cancel(&loop->timers, &connection->timer);
    (void)close(connection->fd); /* leaves epoll too: nobody else has the descriptor */
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        loop->open = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    tkp_mock_buffer_reset(&connection->in, KEEP_BYTES);
    tkp_mock_buffer_reset(&connection->out, KEEP_BYTES);
    connection->next = loop->free;
    loop->free = connection;
    tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_CONNECTIONS, -1);
}

void tkp_mock_connection_destroy(struct tkp_mock_connection *connection)
{
    tkp_mock_buffer_finish(&connection->in);
    tkp_mock_buffer_finish(&connection->out);
    tkp_mock_answer_finish(&connection->answer);
    free(connection);
}

static enum step gone(struct tkp_mock_connection *connection)
{
    tkp_mock_connection_close(connection);
    return STEP_GONE;
}

/* The peer ended the connection; it counts unless it was idle or ending anyway. */
static enum step lost(struct tkp_mock_connection *connection)
{
    bool idle = connection->state == TKP_MOCK_STATE_READING && connection->in.len == 0;
    if (!idle && connection->state != TKP_MOCK_STATE_LINGERING) {
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_DISCONNECTS, 1);
    }
    return gone(connection);
}

static enum step set_timer(struct tkp_mock_connection *connection, uint64_t due_ns)
{
    return tkp_mock_timer_set(&connection->loop->timers, &connection->timer, due_ns)
               ? STEP_WAIT
               : gone(connection);
}

/* Reads once. WAIT: no bytes now. */
static enum step read_some(struct tkp_mock_connection *connection)
{
    struct tkp_mock_buffer *in = &connection->in;
    size_t room = in->len < READ_BYTES ? READ_BYTES : in->len;
    room = room > READ_BYTES_MAX ? READ_BYTES_MAX : room;
    if (!connection->readable) {
        return STEP_WAIT;
    }
    if (!tkp_mock_buffer_reserve(in, room)) {
        return lost(connection);
    }
    ssize_t n = recv(connection->fd, in->data + in->len, room, 0);
    if (n > 0) {
        connection->read_ns = tkp_mock_now_ns();
        in->len += (size_t)n;
        /* Fewer bytes than asked for: the socket is empty, and the next edge will tell. An end of
         * stream that is already known makes no new edge. */
        connection->readable = (size_t)n == room || connection->peer_done;
        return STEP_ON;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        connection->readable = errno == EINTR;
        return errno == EINTR ? STEP_ON : STEP_WAIT;
    }
    return lost(connection);
}

/* Sends what is left in `out`. WAIT: the socket is full. */
static enum step flush(struct tkp_mock_connection *connection)
{
    struct tkp_mock_buffer *out = &connection->out;
    while (connection->sent_bytes < out->len) {
        size_t len = connection->one_byte ? 1 : out->len - connection->sent_bytes;
        ssize_t n = send(connection->fd, out->data + connection->sent_bytes, len, MSG_NOSIGNAL);
        if (n >= 0) {
            connection->sent_bytes += (size_t)n;
        } else if (errno == EAGAIN) {
            return STEP_WAIT;
        } else if (errno != EINTR) {
            return lost(connection);
        }
    }
    out->len = 0;
    connection->sent_bytes = 0;
    return STEP_ON;
}

/* Counts a piece just before it goes out: who has seen an answer finds it counted. */
static void count_piece(struct tkp_mock_connection *connection, const struct tkp_mock_piece *piece)
{
    struct tkp_mock_counters *counters = &connection->loop->counters;
    const struct tkp_mock_answer *answer = &connection->answer;
    if (piece->content) {
        tkp_mock_counters_add(counters, TKP_MOCK_COUNTER_OUTPUT_TOKENS, (int64_t)piece->tokens);
        tkp_mock_counters_add(counters, TKP_MOCK_COUNTER_CHUNKS, answer->streamed);
    }
    if (piece->then == TKP_MOCK_THEN_MORE) {
        return;
    }
    if (piece->then != TKP_MOCK_THEN_STALL) {
        end_stream(connection);
    }
    if (piece->then == TKP_MOCK_THEN_DONE && tkp_mock_fault_is_harmless(answer->fault)) {
        connection->completed = answer->reply.chat ? TKP_MOCK_COUNTER_COMPLETED_CHAT
                                                   : TKP_MOCK_COUNTER_COMPLETED_COMPLETIONS;
        tkp_mock_counters_add(counters, connection->completed, 1);
    }
}

/* Makes the next piece (all of them with --fast) and starts to send it. */
static enum step send_piece(struct tkp_mock_connection *connection)
{
    struct tkp_mock_loop *loop = connection->loop;
    struct tkp_mock_answer *answer = &connection->answer;
    bool fast = loop->shared->options->fast;
    struct tkp_mock_piece piece;
    uint64_t intended_ns = answer->due_ns;
    uint64_t now_ns;
    do {
        piece = tkp_mock_answer_next(answer, &loop->workspace, &connection->out);
        if (connection->out.failed || loop->workspace.json.failed || loop->workspace.body.failed ||
            answer->prefix.failed) {
            loop->workspace.json.failed = false;
            loop->workspace.body.failed = false;
            return gone(connection);
        }
        count_piece(connection, &piece);
        now_ns = tkp_mock_now_ns();
        if (piece.stamped) {
            tkp_mock_buffer_put_padded(connection->out.data + piece.stamp_at, TKP_MOCK_STAMP_WIDTH,
                                       now_ns);
        }
    } while (fast && piece.then == TKP_MOCK_THEN_MORE && connection->out.len < FAST_BYTES);
    connection->then = piece.then;
    if (piece.content && !fast) {
        tkp_mock_counters_lateness(&loop->counters,
                                   now_ns > intended_ns ? now_ns - intended_ns : 0);
    }
    enum step step = flush(connection);
    if (step != STEP_ON || !piece.content || answer->stage != TKP_MOCK_STAGE_CHUNKS || fast) {
        return step;
    }
    /* The other connections' chunks come first, even when this one's next is due. */
    return set_timer(connection, answer->due_ns);
}

/* Our side ends; the peer gets time to read before a close could reset the connection. */
static enum step linger(struct tkp_mock_connection *connection)
{
    connection->state = TKP_MOCK_STATE_LINGERING;
    end_stream(connection);
    (void)shutdown(connection->fd, SHUT_WR);
    connection->linger_ns = tkp_mock_now_ns() + LINGER_NS;
    return STEP_ON;
}

static enum step reset(struct tkp_mock_connection *connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return gone(connection);
}

/* Everything made so far is sent. */
static enum step after_flush(struct tkp_mock_connection *connection)
{
    switch (connection->then) {
    case TKP_MOCK_THEN_MORE:
        if (connection->answer.due_ns > tkp_mock_now_ns()) {
            return set_timer(connection, connection->answer.due_ns);
        }
        return send_piece(connection);
    case TKP_MOCK_THEN_DONE:
        connection->completed = TKP_MOCK_COUNTER_COUNT;
        if (!connection->keep_alive) {
            return linger(connection);
        }
        connection->state = TKP_MOCK_STATE_READING;
        tkp_mock_buffer_reset(&connection->out, KEEP_BYTES);
        return STEP_ON;
    case TKP_MOCK_THEN_CLOSE:
        return linger(connection);
    case TKP_MOCK_THEN_RESET:
        return reset(connection);
    case TKP_MOCK_THEN_STALL:
        return STEP_WAIT;
    }
    return STEP_WAIT;
}

static void begin(struct tkp_mock_connection *connection)
{
    connection->state = TKP_MOCK_STATE_ANSWERING;
    connection->one_byte = false;
}

void tkp_mock_connection_reply(struct tkp_mock_connection *connection,
                               const struct tkp_mock_head *head, struct tkp_mock_slice body)
{
    begin(connection);
    connection->then = TKP_MOCK_THEN_DONE;
    connection->keep_alive = head->keep_alive;
    enum tkp_mock_counter class = head->status < 300   ? TKP_MOCK_COUNTER_ANSWERS_2XX
                                  : head->status < 500 ? TKP_MOCK_COUNTER_ANSWERS_4XX
                                                       : TKP_MOCK_COUNTER_ANSWERS_5XX;
    tkp_mock_counters_add(&connection->loop->counters, class, 1);
    tkp_mock_http_add_head(&connection->out, head);
    tkp_mock_buffer_add(&connection->out, body.data, body.len);
    if (connection->out.failed) {
        tkp_mock_connection_drop(connection, true);
    }
}

void tkp_mock_connection_infer(struct tkp_mock_connection *connection)
{
    struct tkp_mock_counters *counters = &connection->loop->counters;
    int status = connection->answer.status;
    begin(connection);
    connection->then = TKP_MOCK_THEN_MORE;
    connection->keep_alive = connection->answer.keep_alive;
    connection->one_byte = connection->loop->shared->options->one_byte_writes;
    tkp_mock_counters_add(counters,
                          status < 300   ? TKP_MOCK_COUNTER_ANSWERS_2XX
                          : status < 500 ? TKP_MOCK_COUNTER_ANSWERS_4XX
                                         : TKP_MOCK_COUNTER_ANSWERS_5XX,
                          1);
    if (connection->answer.streamed) {
        connection->stream_open = true;
        tkp_mock_counters_add(counters, TKP_MOCK_COUNTER_STREAMS, 1);
    }
}

void tkp_mock_connection_drop(struct tkp_mock_connection *connection, bool with_reset)
{
    begin(connection);
    connection->out.len = 0;
    connection->then = with_reset ? TKP_MOCK_THEN_RESET : TKP_MOCK_THEN_CLOSE;
}

/* Parses what is there and starts an answer when a request is whole. */
static enum step read_request(struct tkp_mock_connection *connection)
{
    struct tkp_mock_http_request request = {0};
    struct tkp_mock_http_parser *parser = &connection->parser;
    uint64_t most = connection->loop->shared->options->requests_per_connection;
    enum tkp_mock_parse result = connection->in.len == 0
                                     ? TKP_MOCK_PARSE_MORE
                                     : tkp_mock_http_parse(parser, &connection->in, &request);
    if (result == TKP_MOCK_PARSE_MORE) {
        if (parser->expects_continue) {
            parser->expects_continue = false;
            tkp_mock_buffer_add_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
            return STEP_ON;
        }
        return read_some(connection);
    }
    connection->requests++;
    connection->keep_alive = request.keep_alive && (most == 0 || connection->requests < most);
    if (result == TKP_MOCK_PARSE_BAD) {
        connection->keep_alive = false;
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_REQUESTS_OTHER, 1);
        tkp_mock_route_error(connection, request.status, request.trouble, NULL, "");
        connection->in.len = 0;
        return STEP_ON;
    }
    tkp_mock_route_request(connection, &request);
    tkp_mock_buffer_drop(&connection->in, parser->consumed);
    if (connection->in.len == 0) {
        tkp_mock_buffer_reset(&connection->in, KEEP_BYTES);
    }
    *parser = (struct tkp_mock_http_parser){0};
    return STEP_ON;
}

/* While an answer is under way: takes pipelined bytes, and sees the peer go. */
static enum step watch_peer(struct tkp_mock_connection *connection)
{
    enum step step = STEP_ON;
    while (step == STEP_ON && connection->in.len < READ_AHEAD_BYTES) {
        step = read_some(connection);
    }
    return step == STEP_GONE ? STEP_GONE : STEP_WAIT;
}

static enum step discard(struct tkp_mock_connection *connection)
{
    connection->in.len = 0;
    enum step step = read_some(connection);
    return step == STEP_WAIT ? set_timer(connection, connection->linger_ns) : step;
}

static void run(struct tkp_mock_connection *connection)
{
    enum step step = STEP_ON;
    for (int i = 0; step == STEP_ON && i < STEPS_MAX; i++) {
        step = flush(connection);
        if (step != STEP_ON) {
            break;
        }
        switch (connection->state) {
        case TKP_MOCK_STATE_READING:
            step = read_request(connection);
            break;
        case TKP_MOCK_STATE_ANSWERING:
            step = after_flush(connection);
            break;
        case TKP_MOCK_STATE_LINGERING:
            step = discard(connection);
            break;
        }
    }
    if (step == STEP_WAIT && connection->state == TKP_MOCK_STATE_ANSWERING) {
        step = watch_peer(connection);
    }
    if (step == STEP_ON) { /* more to do, after the others */
        (void)set_timer(connection, 0);
    }
}

void tkp_mock_connection_on_events(struct tkp_mock_connection *connection, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        (void)lost(connection);
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP)) {
        connection->readable = true;
        connection->peer_done = connection->peer_done || (events & EPOLLRDHUP);
    }
    if (connection->state == TKP_MOCK_STATE_ANSWERING && connection->timer.place != 0) {
        (void)watch_peer(connection); /* the next piece has its time */
        return;
    }
    run(connection);
}

void tkp_mock_connection_on_timer(struct tkp_mock_connection *connection)
{
    if (connection->state == TKP_MOCK_STATE_LINGERING &&
        tkp_mock_now_ns() >= connection->linger_ns) {
        tkp_mock_connection_close(connection);
    } else {
        run(connection);
    }
}
