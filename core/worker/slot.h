/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot carries one conversation at a time, one request after the other, and everything that is
 * known about the request in flight. Slots live in slabs that grow to the peak and stay. Owned by
 * one worker.
 */
#ifndef TKP_WORKER_SLOT_H
#define TKP_WORKER_SLOT_H

#include <load/schedule.h>
#include <worker/connection.h>
#include <worker/http_response.h>
#include <worker/reply.h>

enum tkp_slot_state {
    TKP_SLOT_FREE = 0,
    TKP_SLOT_NEXT_TURN,         /* in the run queue: its next turn is due */
    TKP_SLOT_NEXT_CONVERSATION, /* in the run queue: closed loop */
    TKP_SLOT_PAUSE,             /* between turns, until its timer */
    TKP_SLOT_BACKOFF,           /* after a failed connect, until its timer */
    TKP_SLOT_ACTIVE,            /* its request is on its way */
    TKP_SLOT_UNRECORDED         /* its request is over and waits for a block */
};

/* Where a live answer's text ends, and its tool calls behind it. */
struct tkp_answer_end {
    uint64_t text, calls;
};

struct tkp_slot {
    struct tkp_timer timer; /* first; in ACTIVE it may be earlier than the deadline, never later */
    struct tkp_slot *next;  /* in the queue of its state */
    uint32_t state;         /* enum tkp_slot_state */

    /* conversation */
    uint32_t turn;
    struct tkp_arrival_event event;
    uint64_t intended_ns, ready_ns; /* of the turn */
    uint64_t backoff_ns;            /* grows with each failed connect, 0 after a success */
    uint32_t phase_number;          /* the phase it last worked in */
    uint32_t full_ns;               /* the last wait for a UNIX socket's backlog */
    uint8_t addresses_tried;
    uint8_t issue; /* which of the worker's two phases it works in */
    bool needs_answers, more_turns, connect_failed, holds_cap;
    bool sent_all, send_failed;
    struct tkp_spill *history_ends; /* struct tkp_answer_end: of the live answers in reply.text */
    struct tkp_spill *live; /* a struct tkp_rendered and its bytes, rendered for this turn */

    /* request */
    struct tkp_curl_transfer *transfer; /* over libcurl, which has the connection */
    struct tkp_connection *connection;  /* NULL while none is open */
    const struct tkp_rendered *rendered;
    uint64_t sent_bytes; /* on this connection */
    uint64_t last_read_ns, decided_ns;
    union {
        uint64_t arrival_ns;       /* of the last read of the answer, by the run's receive clock */
        uint64_t waiting_since_ns; /* once UNRECORDED */
    };
    uint64_t connect_again_ns; /* connects after it, not 0: has no connection until then */
    struct tkp_http_response http;
    struct tkp_spill *follow_up; /* of a request of several exchanges (follow_up.h), or NULL */
    struct tkp_raw *raw;         /* with --export-level raw (raw.h); else NULL */
    struct tkp_reply reply;
    struct tkp_row row;
    /* the plugin's state follows, aligned to 16 */
};

struct tkp_slot_queue {
    struct tkp_slot *first, *last;
};
void tkp_slot_queue_push(struct tkp_slot_queue *queue, struct tkp_slot *slot);
struct tkp_slot *tkp_slot_queue_pop(struct tkp_slot_queue *queue); /* NULL when empty */

struct tkp_slot_pool {
    struct tkp_loop *loop;
    char **slabs;
    uint32_t slab_count;
    size_t slot_bytes;
    struct tkp_slot *free;
};

/* Of one slot with the plugin's state. */
size_t tkp_slot_bytes(uint32_t state_bytes);
void tkp_slot_pool_init(struct tkp_slot_pool *pool, struct tkp_loop *loop, uint32_t state_bytes);
void tkp_slot_pool_finish(struct tkp_slot_pool *pool); /* accepts a zeroed one */
/* The slot that was given back last, or NULL without memory. */
struct tkp_slot *tkp_slot_pool_take(struct tkp_slot_pool *pool);
void tkp_slot_pool_give(struct tkp_slot_pool *pool, struct tkp_slot *slot);
/* Every slot there is, free or not; index from 0; NULL past the last. */
struct tkp_slot *tkp_slot_pool_at(const struct tkp_slot_pool *pool, uint32_t index);

#endif
