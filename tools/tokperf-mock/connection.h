/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection: reads requests, sends answers. Belongs to one event loop and its thread.
 */
#ifndef TKP_MOCK_CONNECTION_H
#define TKP_MOCK_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "buffer.h"
#include "counters.h"
#include "http_request.h"
#include "timer.h"

struct tkp_mock_loop;

enum tkp_mock_state {
    TKP_MOCK_STATE_READING,   /* waits for a request or the rest of one */
    TKP_MOCK_STATE_ANSWERING, /* an answer is being made or sent */
    TKP_MOCK_STATE_LINGERING, /* our side is shut; reads until the peer closes or time is up */
};

struct tkp_mock_connection {
    struct tkp_mock_timer timer; /* first: a timer is its connection */
    struct tkp_mock_loop *loop;
    struct tkp_mock_connection *next; /* in the loop's list of open or of free ones */
    struct tkp_mock_connection *previous;
    int fd;
    enum tkp_mock_state state;
    enum tkp_mock_then then; /* when `out` is sent (TKP_MOCK_STATE_ANSWERING) */
    bool readable;           /* the socket may have bytes that were not read (edge-triggered) */
    bool peer_done;          /* the peer has shut its side; read until its end shows */
    bool keep_alive;         /* after the answer in progress */
    bool stream_open;        /* counted as an open stream */
    bool one_byte;           /* each byte of `out` is its own write */
    uint64_t requests;       /* begun on this connection */
    uint64_t read_ns;        /* the latest read that gave bytes */
    uint64_t linger_ns;      /* when lingering ends */
    struct tkp_mock_http_parser parser;
    struct tkp_mock_answer answer;
    struct tkp_mock_buffer in;
    struct tkp_mock_buffer out;
    size_t sent_bytes; /* of out */
    /* The count taken back if the last bytes of an answer do not get out; COUNT: none. */
    enum tkp_mock_counter completed;
};

/* Takes over the descriptor; NULL without memory (the descriptor stays the caller's). */
struct tkp_mock_connection *tkp_mock_connection_open(struct tkp_mock_loop *loop, int fd);
/* Closes the socket and hands the object back to the loop's free list. */
void tkp_mock_connection_close(struct tkp_mock_connection *connection);
/* Frees a closed connection's memory. */
void tkp_mock_connection_destroy(struct tkp_mock_connection *connection);

/* epoll reported these events. The connection may be closed on return. */
void tkp_mock_connection_on_events(struct tkp_mock_connection *connection, uint32_t events);
/* Its timer is due (and no longer armed). The connection may be closed on return. */
void tkp_mock_connection_on_timer(struct tkp_mock_connection *connection);

/* For routes: sends a plain response, whole. body is copied. */
void tkp_mock_connection_reply(struct tkp_mock_connection *connection,
                               const struct tkp_mock_head *head, struct tkp_mock_slice body);
/* For routes: starts the inference answer in connection->answer. */
void tkp_mock_connection_infer(struct tkp_mock_connection *connection);
/* For routes: ends the connection without a byte, by a reset or a plain close. */
void tkp_mock_connection_drop(struct tkp_mock_connection *connection, bool reset);

#endif
