/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker: what its thread owns. Private to this folder; worker.h is the way in.
 */
#ifndef TKP_WORKER_THREAD_H
#define TKP_WORKER_THREAD_H

#include <pthread.h>
#include <worker/arrival.h>
#include <worker/issue.h>
#include <worker/message.h>
#include <worker/raw.h>
#include <worker/row_error.h>

enum { TKP_WORKER_READ_BYTES = 256 * 1024 }; /* of one read, shared by all connections */

struct tkp_worker {
    const struct tkp_worker_shared *shared;
    struct tkp_workers *workers;
    struct tkp_block_channel *channel;
    struct tkp_announcer announcer; /* puts into it */
    uint32_t index;
    struct tkp_worker_stats stats;

    struct tkp_loop loop;
    struct tkp_connections connections;
    struct tkp_curl *curl;      /* carries the requests instead of the connections; or NULL */
    struct tkp_tls_worker *tls; /* NULL: no target is https */
    struct tkp_arrivals arrivals;
    struct tkp_slot_pool slots;
    struct tkp_message message;
    struct tkp_spill_pool spills;
    struct tkp_chunk_pool chunks;
    struct tkp_row_error_pool errors;
    struct tkp_reply_context reply;
    struct tokperf_endpoint_info endpoint;
    void *scratch; /* the plugin's */
    struct tkp_renderer *renderer;
    bool keeps_raw; /* --export-level raw */
    struct tkp_raw_pool raws;
    char *read_buffer;

    struct tkp_issue issues[2];
    struct tkp_issue *issue;          /* of the newest phase */
    struct tkp_issue *older;          /* of the phase before it, while that drains; else NULL */
    uint32_t phase_count;             /* phases so far */
    struct tkp_slot_queue unrecorded; /* in the order in which their requests ended */
    uint64_t now_ns;                  /* the clock when it was last read */
    uint64_t looked_ns; /* before the last look at events: what came until then is worked on */

    /* with the main thread */
    struct tkp_flag quit, begin;
    struct tkp_phase *next_phase; /* published by begin */
    pthread_t thread;
    bool has_thread;
};

/* The phase that a slot works in, as its worker sees it. */
static inline struct tkp_issue *tkp_issue_of(struct tkp_worker *w, const struct tkp_slot *slot)
{
    return &w->issues[slot->issue];
}

/* The worker's part in a slot's phase. */
static inline struct tkp_phase_part *tkp_part_of(struct tkp_worker *w, const struct tkp_slot *slot)
{
    return &w->issues[slot->issue].phase->parts[w->index];
}

/* Makes everything but the thread; what it made is released by finish, also after a failure.
 * [main] */
tokperf_status tkp_worker_init(struct tkp_worker *worker,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_worker_start(struct tkp_worker *worker,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_worker_stop(struct tkp_worker *worker); /* joins the thread, if there is one */
void tkp_worker_finish(struct tkp_worker *worker);

/* Wakes another worker. [worker] */
void tkp_workers_wake_one(const struct tkp_workers *workers, uint32_t index);
/* Has main look at its phases: this worker has sent all of one, or is done with it. [worker] */
void tkp_workers_tell_main(const struct tkp_workers *workers);

#endif
