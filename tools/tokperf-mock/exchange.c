/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of a connection. A chunk of a stream is made only when everything before it is
 * in the kernel, so its send stamp is true and a slow reader costs no memory. */
#include "exchange.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "loop.h"
#include "route.h"

enum {
    FAST_BYTES = 64 * 1024, /* --fast: a stream's pieces are gathered up to here */
    LINGER_NS = 1000000000, /* how long the peer may take to see our end */
    STEPS_MAX = 32,         /* of one connection before the others get their turn */
};

static enum tkp_mock_counter completed_of(enum tkp_mock_api api)
{
    switch (api) {
    case TKP_MOCK_API_CHAT:
        return TKP_MOCK_COUNTER_COMPLETED_CHAT;
    case TKP_MOCK_API_EMBEDDINGS:
        return TKP_MOCK_COUNTER_COMPLETED_EMBEDDINGS;
    case TKP_MOCK_API_OLLAMA_CHAT:
    case TKP_MOCK_API_OLLAMA_GENERATE:
        return TKP_MOCK_COUNTER_COMPLETED_OLLAMA;
    case TKP_MOCK_API_TGI:
    case TKP_MOCK_API_TGI_STREAM:
        return TKP_MOCK_COUNTER_COMPLETED_TGI;
    case TKP_MOCK_API_COMPLETIONS:
        break;
    }
    return TKP_MOCK_COUNTER_COMPLETED_COMPLETIONS;
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
        tkp_mock_connection_end_stream(connection);
    }
    if (piece->then == TKP_MOCK_THEN_DONE && tkp_mock_fault_is_harmless(answer->fault)) {
        connection->completed = completed_of(answer->reply.api);
        tkp_mock_counters_add(counters, connection->completed, 1);
    }
}

/* Makes the next piece (all of them with --fast) and starts to send it. */
static enum tkp_mock_step send_piece(struct tkp_mock_connection *connection)
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
            return tkp_mock_connection_gone(connection);
        }
        count_piece(connection, &piece);
        now_ns = tkp_mock_now_ns();
        if (piece.stamped) {
            tkp_mock_buffer_put_padded(connection->out.data + piece.stamp_at, TKP_MOCK_STAMP_WIDTH,
                                       now_ns);
        }
        if (piece.content) {
            tkp_mock_stamp_log_chunk(&loop->stamps, &connection->stamps, now_ns);
        }
    } while (fast && piece.then == TKP_MOCK_THEN_MORE && connection->out.len < FAST_BYTES);
    connection->then = piece.then;
    if (piece.content && !fast) {
        tkp_mock_counters_lateness(&loop->counters,
                                   now_ns > intended_ns ? now_ns - intended_ns : 0);
    }
    enum tkp_mock_step step = tkp_mock_connection_flush(connection);
    if (step != TKP_MOCK_STEP_ON || !piece.content || answer->stage != TKP_MOCK_STAGE_CHUNKS ||
        fast) {
        return step;
    }
    /* The other connections' chunks come first, even when this one's next is due. */
    return tkp_mock_connection_set_timer(connection, answer->due_ns);
}

/* Our side ends; the peer gets time to read before a close could reset the connection. */
static enum tkp_mock_step linger(struct tkp_mock_connection *connection)
{
    connection->state = TKP_MOCK_STATE_LINGERING;
    tkp_mock_connection_end_stream(connection);
    (void)shutdown(connection->fd, SHUT_WR);
    connection->linger_ns = tkp_mock_now_ns() + LINGER_NS;
    return TKP_MOCK_STEP_ON;
}

static enum tkp_mock_step reset(struct tkp_mock_connection *connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return tkp_mock_connection_gone(connection);
}

/* Everything made so far is sent. */
static enum tkp_mock_step after_flush(struct tkp_mock_connection *connection)
{
    switch (connection->then) {
    case TKP_MOCK_THEN_MORE:
        if (connection->answer.due_ns > tkp_mock_now_ns()) {
            return tkp_mock_connection_set_timer(connection, connection->answer.due_ns);
        }
        return send_piece(connection);
    case TKP_MOCK_THEN_DONE:
        connection->completed = TKP_MOCK_COUNTER_COUNT;
        tkp_mock_stamp_log_end(&connection->loop->stamps, &connection->stamps);
        if (!connection->keep_alive) {
            return linger(connection);
        }
        connection->state = TKP_MOCK_STATE_READING;
        tkp_mock_connection_trim(&connection->out);
        return TKP_MOCK_STEP_ON;
    case TKP_MOCK_THEN_CLOSE:
        return linger(connection);
    case TKP_MOCK_THEN_RESET:
        return reset(connection);
    case TKP_MOCK_THEN_STALL:
        return TKP_MOCK_STEP_WAIT;
    }
    return TKP_MOCK_STEP_WAIT;
}

static void begin(struct tkp_mock_connection *connection)
{
    connection->state = TKP_MOCK_STATE_ANSWERING;
    connection->one_byte = false;
}

static void count_status(struct tkp_mock_connection *connection, int status)
{
    enum tkp_mock_counter class = status < 300   ? TKP_MOCK_COUNTER_ANSWERS_2XX
                                  : status < 500 ? TKP_MOCK_COUNTER_ANSWERS_4XX
                                                 : TKP_MOCK_COUNTER_ANSWERS_5XX;
    tkp_mock_counters_add(&connection->loop->counters, class, 1);
}

void tkp_mock_exchange_reply(struct tkp_mock_connection *connection,
                             const struct tkp_mock_head *head, struct tkp_mock_slice body)
{
    begin(connection);
    connection->then = TKP_MOCK_THEN_DONE;
    connection->keep_alive = head->keep_alive;
    count_status(connection, head->status);
    tkp_mock_http_add_head(&connection->out, head);
    tkp_mock_buffer_add(&connection->out, body.data, body.len);
    if (connection->out.failed) {
        tkp_mock_exchange_drop(connection, true);
    }
}

void tkp_mock_exchange_infer(struct tkp_mock_connection *connection)
{
    const struct tkp_mock_answer *answer = &connection->answer;
    begin(connection);
    connection->then = TKP_MOCK_THEN_MORE;
    connection->keep_alive = answer->keep_alive;
    connection->one_byte = connection->loop->shared->options->one_byte_writes;
    if (answer->fault != TKP_MOCK_FAULT_HALF_HEADERS) {
        count_status(connection, answer->status);
    }
    if (answer->streamed) {
        connection->stream_open = true;
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_STREAMS, 1);
    }
}

void tkp_mock_exchange_drop(struct tkp_mock_connection *connection, bool with_reset)
{
    begin(connection);
    connection->out.len = 0;
    connection->then = with_reset ? TKP_MOCK_THEN_RESET : TKP_MOCK_THEN_CLOSE;
}

/* Parses what is there and starts an answer when a request is whole. */
static enum tkp_mock_step read_request(struct tkp_mock_connection *connection)
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
            return TKP_MOCK_STEP_ON;
        }
        return tkp_mock_connection_read(connection);
    }
    connection->requests++;
    connection->keep_alive = request.keep_alive && (most == 0 || connection->requests < most);
    if (result == TKP_MOCK_PARSE_BAD) {
        connection->keep_alive = false;
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_REQUESTS_OTHER, 1);
        tkp_mock_route_error(connection, request.status, request.trouble, NULL, "");
        connection->in.len = 0;
        return TKP_MOCK_STEP_ON;
    }
    tkp_mock_route_request(connection, &request);
    tkp_mock_buffer_drop(&connection->in, parser->consumed);
    if (connection->in.len == 0) {
        tkp_mock_connection_trim(&connection->in);
    }
    *parser = (struct tkp_mock_http_parser){0};
    return TKP_MOCK_STEP_ON;
}

/* While an answer is under way: takes pipelined bytes, and sees the peer go. */
static enum tkp_mock_step watch_peer(struct tkp_mock_connection *connection)
{
    enum tkp_mock_step step = TKP_MOCK_STEP_ON;
    while (step == TKP_MOCK_STEP_ON && connection->in.len < TKP_MOCK_READ_AHEAD_BYTES) {
        step = tkp_mock_connection_read(connection);
    }
    return step == TKP_MOCK_STEP_GONE ? TKP_MOCK_STEP_GONE : TKP_MOCK_STEP_WAIT;
}

static enum tkp_mock_step discard(struct tkp_mock_connection *connection)
{
    connection->in.len = 0;
    enum tkp_mock_step step = tkp_mock_connection_read(connection);
    return step == TKP_MOCK_STEP_WAIT
               ? tkp_mock_connection_set_timer(connection, connection->linger_ns)
               : step;
}

static void run(struct tkp_mock_connection *connection)
{
    enum tkp_mock_step step = TKP_MOCK_STEP_ON;
    for (int i = 0; step == TKP_MOCK_STEP_ON && i < STEPS_MAX; i++) {
        step = tkp_mock_connection_flush(connection);
        if (step != TKP_MOCK_STEP_ON) {
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
    if (step == TKP_MOCK_STEP_WAIT && connection->state == TKP_MOCK_STATE_ANSWERING) {
        step = watch_peer(connection);
    }
    if (step == TKP_MOCK_STEP_ON) { /* more to do, after the others */
        (void)tkp_mock_connection_set_timer(connection, 0);
    }
}

void tkp_mock_exchange_on_events(struct tkp_mock_connection *connection, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        (void)tkp_mock_connection_lost(connection);
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

void tkp_mock_exchange_on_timer(struct tkp_mock_connection *connection)
{
    if (connection->state == TKP_MOCK_STATE_LINGERING &&
        tkp_mock_now_ns() >= connection->linger_ns) {
        tkp_mock_connection_close(connection);
    } else {
        run(connection);
    }
}
