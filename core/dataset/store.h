/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dataset plugin produced: a copy of every conversation, in order, checked against what the
 * endpoint can send. Filled on the main thread, then immutable.
 */
#ifndef TKP_DATASET_STORE_H
#define TKP_DATASET_STORE_H

#include <base/arena.h>
#include <dataset/dataset.h>

/* Both the conversations and the rendered requests may take that much. */
#define TKP_DATASET_MAX_BYTES ((size_t)16 << 30)

struct tkp_stored_turn {
    const struct tokperf_turn *turn;     /* NULL after tkp_store_drop_source() */
    const struct tkp_rendered *rendered; /* ahead; NULL: not sent, or needs live answers */
    uint64_t delay_ns;
    int64_t prompt_tokens; /* of its texts and those of the turns before it, -1: not counted */
    bool needs_answers;    /* rendered with live answers of earlier turns */
    bool has_answer;       /* a recorded answer follows */
};

struct tkp_stored_conversation {
    struct tkp_conversation api;
    uint64_t first;       /* of all its turns, into store->turns */
    uint64_t first_sent;  /* into store->sent */
    uint32_t total_count; /* of its turns, answers and system messages included */
};

struct tkp_store {
    const char *endpoint_name; /* for messages */
    uint32_t inputs;           /* TOKPERF_INPUT_* that the endpoint can send */
    struct tkp_arena ids;      /* what lives as long as the store */
    struct tkp_arena source;   /* the turns */
    struct tkp_stored_conversation *conversations;
    uint64_t conversation_count, conversation_capacity;
    struct tkp_stored_turn *turns;
    uint64_t turn_count, turn_capacity;
    uint32_t *sent; /* of the turns that are sent: the position in their conversation */
    uint64_t sent_count;
    uint32_t max_total_count, max_extra_count; /* of one conversation, of one turn */
    struct tokperf_error failure;              /* the first one */
};

void tkp_store_init(struct tkp_store *store, const char *endpoint_name, uint32_t inputs);
void tkp_store_finish(struct tkp_store *store);

/* The sink that a dataset plugin writes into; every call returns the first failure from then on. */
struct tokperf_dataset_sink tkp_store_sink(struct tkp_store *store);

/* After the plugin is done: checks the last conversation and finds out which turns need live
 * answers. Fails with the first failure of the sink. */
tokperf_status tkp_store_complete(struct tkp_store *store,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

/* Where the sent turn `turn` (0, 1, ...) stands among all turns of its conversation. */
uint32_t tkp_store_position(const struct tkp_store *store,
                            const struct tkp_stored_conversation *conversation, uint32_t turn);
/* Forgets the turns; only where everything was rendered ahead. */
void tkp_store_drop_source(struct tkp_store *store);

#endif
