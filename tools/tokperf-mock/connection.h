/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection: its socket and buffers. Belongs to one event loop and its thread.
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
#include "stamp_log.h"
#include "timer.h"

struct tkp_mock_loop;

enum {
    TKP_MOCK_READ_AHEAD_BYTES = 64 * 1024
}; /* from a client that does not wait for its answer */

/* What a step on a connection found. */
enum tkp_mock_step {
    TKP_MOCK_STEP_ON,   /* go on with this connection */
    TKP_MOCK_STEP_WAIT, /* nothing to do until an event or the timer */
    TKP_MOCK_STEP_GONE, /* it was closed */
};

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
    size_t sent_bytes;             /* of out */
    struct tkp_mock_buffer stamps; /* the answer's line of the stamp log */
    /* The count taken back if the last bytes of an answer do not get out; COUNT: none. */
    enum tkp_mock_counter completed;
};

/* Takes over the descriptor; NULL without memory (the descriptor stays the caller's). */
struct tkp_mock_connection *tkp_mock_connection_open(struct tkp_mock_loop *loop, int fd);
/* Closes the socket and hands the object back to the loop's free list. */
void tkp_mock_connection_close(struct tkp_mock_connection *connection);
/* Frees a closed connection's memory. */
void tkp_mock_connection_destroy(struct tkp_mock_connection *connection);

/* The peer ended the connection: counts that unless it was idle or ending anyway, and closes. */
enum tkp_mock_step tkp_mock_connection_lost(struct tkp_mock_connection *connection);
/* Closes it; returns TKP_MOCK_STEP_GONE. */
enum tkp_mock_step tkp_mock_connection_gone(struct tkp_mock_connection *connection);
/* Calls tkp_mock_exchange_on_timer at due_ns; WAIT. */
enum tkp_mock_step tkp_mock_connection_set_timer(struct tkp_mock_connection *connection,
                                                 uint64_t due_ns);
/* Reads once into `in`. WAIT: there are no bytes now. */
enum tkp_mock_step tkp_mock_connection_read(struct tkp_mock_connection *connection);
/* Sends what is left in `out`. WAIT: the socket is full. */
enum tkp_mock_step tkp_mock_connection_flush(struct tkp_mock_connection *connection);
/* The stream in progress, if there is one, no longer counts as open. */
void tkp_mock_connection_end_stream(struct tkp_mock_connection *connection);
/* Empties a buffer between requests and gives back what is much. */
void tkp_mock_connection_trim(struct tkp_mock_buffer *buffer);

#endif
