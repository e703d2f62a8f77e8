/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK, kind "dataset": makes conversations, once, before the run. Storage, sampling, order
 * and rendering are the core's.
 */
#ifndef TOKPERF_DATASET_H
#define TOKPERF_DATASET_H

#include <tokperf/conversation.h>
#include <tokperf/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the run asks for. Means and deviations are in tokens. */
struct tokperf_dataset_request {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t seed;
    uint64_t entries;         /* conversations to make (synthetic), 0: as many as there are */
    double input_tokens_mean; /* --isl */
    double input_tokens_stddev;
    double output_tokens_mean; /* --osl, or -1 when unset */
    double output_tokens_stddev;
    struct tokperf_span path;   /* --input-file, NUL-terminated behind its end; or empty */
    struct tokperf_span format; /* --custom-dataset-type, or empty: tell by the content */
    double turns_mean;          /* turns of a conversation, 1 */
    double turns_stddev;
    double turn_delay_mean_ms;
    double turn_delay_stddev_ms;
    /* Of synthetic prompts, 0: none. Each prompt begins with one of prefix_pool texts of
     * prefix_tokens; every conversation with the same system message of system_tokens, then with a
     * user message of its own of context_tokens. */
    uint64_t prefix_pool, prefix_tokens, system_tokens, context_tokens;
};

/* Everything is copied. The first failure is kept: later calls return it again. */
struct tokperf_dataset_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    /* Begins a conversation; an empty id gets a generated one. */
    tokperf_status (*conversation)(void *context, struct tokperf_span session_id);
    /* Adds a turn to it. System messages are turns with role "system" and come first; they are
     * context and are never sent alone (set is_answer). */
    tokperf_status (*turn)(void *context, const struct tokperf_turn *turn);
};

struct tokperf_dataset_vtable {
    TOKPERF_VTABLE_HEAD
    /* [main] Makes all conversations. May block and allocate. Errors about a file name it with line
     * and column. */
    tokperf_status (*produce)(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error);
};

#ifdef __cplusplus
}
#endif
#endif
