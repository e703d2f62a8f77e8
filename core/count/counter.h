/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts tokens of the texts that a record log keeps, while it is being written or afterwards. The
 * log is the queue: a finished request is enqueued by being recorded, and what waits takes no
 * memory. One thread reads it in order and fills batches; it and the lanes count them; what is
 * counted is committed to tokens.tkr batch by batch in the order of the log, so that whatever ends
 * the counting loses at most the batches in work.
 */
#ifndef TKP_COUNT_COUNTER_H
#define TKP_COUNT_COUNTER_H

#include <base/atomic.h>
#include <token/tokenizer.h>

struct tkp_counter_progress {
    uint64_t rows;    /* of the log, counted or without a text */
    uint64_t texts;   /* requests whose text was counted */
    uint64_t failed;  /* whose text could not be counted */
    uint64_t tokens;  /* of them */
    uint64_t pending; /* texts that were not counted; set by drain */
};

struct tkp_counter_options { /* texts are borrowed until close */
    const char *log_path, *counts_path;
    const struct tkp_tokenizer *tokenizer;
    const char *identity; /* of the tokenizer (identity.h) */
    uint32_t live_lanes; /* threads that count while the log grows, at the lowest priority; 0: none,
                            everything is left to the drain */
    const int32_t *cpus; /* where they may run, each on its own; NULL: anywhere */
    bool resume;         /* goes on behind what counts_path has, if the same tokenizer made it; else
                            it is begun anew */
    /* [main] Called while it drains, up to 100 times a second; NULL: nobody looks. */
    void (*look)(void *context, const struct tkp_counter_progress *progress);
    void *look_context;
};

enum tkp_counter_end {
    TKP_COUNTER_COMPLETE = 1,
    TKP_COUNTER_OUT_OF_TIME,
    TKP_COUNTER_CANCELLED,
    TKP_COUNTER_FAILED /* tokens.tkr could not be written */
};

struct tkp_counter;
/* The log must exist; its rows may still be on their way. [main] */
tokperf_status tkp_counter_start(const struct tkp_counter_options *options,
                                 struct tkp_counter **counter,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* What is committed so far. [any] */
void tkp_counter_progress(struct tkp_counter *counter, struct tkp_counter_progress *progress);
/* The log is complete: counts what is left with this many threads, the caller's among them, until
 * it is done, the time has come (TKP_NEVER_NS: never) or cancel is raised. A batch in work is
 * finished first. error says why it FAILED. Once. [main] */
enum tkp_counter_end tkp_counter_drain(struct tkp_counter *counter, uint32_t threads,
                                       uint64_t until_ns, const struct tkp_flag *cancel,
                                       struct tkp_counter_progress *progress,
                                       struct tokperf_error *error);
/* Ends what runs, keeps what is committed; accepts NULL. [main] */
void tkp_counter_close(struct tkp_counter *counter);

#endif
