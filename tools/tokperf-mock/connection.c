/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life and its non-blocking, edge-triggered I/O. What is read and sent is decided in
 * exchange.c. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

enum {
    READ_BYTES = 4096,            /* smallest room offered to a read */
    READ_BYTES_MAX = 1024 * 1024, /* largest */
    KEEP_BYTES = 128 * 1024,      /* of a buffer between requests */
    OUT_BYTES_MAX = 8 * 1024 * 1024,
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
                                                  TKP_MOCK_READ_AHEAD_BYTES + READ_BYTES_MAX);
        tkp_mock_buffer_init(&connection->out, OUT_BYTES_MAX);
        tkp_mock_buffer_init(&connection->stamps, TKP_MOCK_STAMP_LINE_BYTES_MAX);
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
    connection->stamps.len = 0;
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

void tkp_mock_connection_trim(struct tkp_mock_buffer *buffer)
{
    tkp_mock_buffer_reset(buffer, KEEP_BYTES);
}

void tkp_mock_connection_end_stream(struct tkp_mock_connection *connection)
{
    if (connection->stream_open) {
        connection->stream_open = false;
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_STREAMS, -1);
    }
}

void tkp_mock_connection_close(struct tkp_mock_connection *connection)
{
    struct tkp_mock_loop *loop = connection->loop;
    tkp_mock_connection_end_stream(connection);
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
    tkp_mock_connection_trim(&connection->in);
    tkp_mock_connection_trim(&connection->out);
    connection->next = loop->free;
    loop->free = connection;
    tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_CONNECTIONS, -1);
}

void tkp_mock_connection_destroy(struct tkp_mock_connection *connection)
{
    tkp_mock_buffer_finish(&connection->in);
    tkp_mock_buffer_finish(&connection->out);
    tkp_mock_buffer_finish(&connection->stamps);
    tkp_mock_answer_finish(&connection->answer);
    free(connection);
}

enum tkp_mock_step tkp_mock_connection_gone(struct tkp_mock_connection *connection)
{
    tkp_mock_connection_close(connection);
    return TKP_MOCK_STEP_GONE;
}

/* The peer ended the connection; it counts unless it was idle or ending anyway. */
enum tkp_mock_step tkp_mock_connection_lost(struct tkp_mock_connection *connection)
{
    bool idle = connection->state == TKP_MOCK_STATE_READING && connection->in.len == 0;
    if (!idle && connection->state != TKP_MOCK_STATE_LINGERING) {
        tkp_mock_counters_add(&connection->loop->counters, TKP_MOCK_COUNTER_DISCONNECTS, 1);
    }
    return tkp_mock_connection_gone(connection);
}

enum tkp_mock_step tkp_mock_connection_set_timer(struct tkp_mock_connection *connection,
                                                 uint64_t due_ns)
{
    return tkp_mock_timer_set(&connection->loop->timers, &connection->timer, due_ns)
               ? TKP_MOCK_STEP_WAIT
               : tkp_mock_connection_gone(connection);
}

/* Reads once. WAIT: no bytes now. */
enum tkp_mock_step tkp_mock_connection_read(struct tkp_mock_connection *connection)
{
    struct tkp_mock_buffer *in = &connection->in;
    size_t room = in->len < READ_BYTES ? READ_BYTES : in->len;
    room = room > READ_BYTES_MAX ? READ_BYTES_MAX : room;
    if (!connection->readable) {
        return TKP_MOCK_STEP_WAIT;
    }
    if (!tkp_mock_buffer_reserve(in, room)) {
        return tkp_mock_connection_lost(connection);
    }
    ssize_t n = recv(connection->fd, in->data + in->len, room, 0);
    if (n > 0) {
        connection->read_ns = tkp_mock_now_ns();
        in->len += (size_t)n;
        /* Fewer bytes than asked for: the socket is empty, and the next edge will tell. An end of
         * stream that is already known makes no new edge. */
        connection->readable = (size_t)n == room || connection->peer_done;
        return TKP_MOCK_STEP_ON;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        connection->readable = errno == EINTR;
        return errno == EINTR ? TKP_MOCK_STEP_ON : TKP_MOCK_STEP_WAIT;
    }
    return tkp_mock_connection_lost(connection);
}

/* Sends what is left in `out`. WAIT: the socket is full. */
enum tkp_mock_step tkp_mock_connection_flush(struct tkp_mock_connection *connection)
{
    struct tkp_mock_buffer *out = &connection->out;
    while (connection->sent_bytes < out->len) {
        size_t len = connection->one_byte ? 1 : out->len - connection->sent_bytes;
        ssize_t n = send(connection->fd, out->data + connection->sent_bytes, len, MSG_NOSIGNAL);
        if (n >= 0) {
            connection->sent_bytes += (size_t)n;
        } else if (errno == EAGAIN) {
            return TKP_MOCK_STEP_WAIT;
        } else if (errno != EINTR) {
            return tkp_mock_connection_lost(connection);
        }
    }
    out->len = 0;
    connection->sent_bytes = 0;
    return TKP_MOCK_STEP_ON;
}
