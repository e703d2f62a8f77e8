/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: one thread that takes blocks from all workers, appends them to records.tkr and
 * shows each row to a listener (live metrics). write() at least every second, fsync at phase ends.
 * If the log cannot be written the run goes on and the failure is kept.
 */
#ifndef TKP_RECORD_RECORDER_H
#define TKP_RECORD_RECORDER_H

#include <record/block.h>
#include <record/log.h>

/* [recorder thread] Called for every row, and about every tick_ns; no more once stop returned. All
 * may be NULL; tick_ns 0: no ticks. chunk_ns is NULL when chunk_count is 0: the row has no chunk
 * times. What is passed is valid during the call. */
struct tkp_record_listener {
    void *context;
    void (*row)(void *context, const struct tkp_row *row, const uint64_t *chunk_ns,
                uint32_t chunk_count);
    /* An event, before the row of its request. It is not in the log. */
    void (*event)(void *context, const struct tkp_request_event *event);
    /* So many events of a worker were dropped, about here. */
    void (*events_lost)(void *context, uint64_t count);
    /* After rows and events that came together: a chance to work on them at once. Before a note
     * that follows them is in the log. */
    void (*batch_end)(void *context);
    void (*tick)(void *context, uint64_t now_ns);
    uint64_t tick_ns;
};

struct tkp_recorder;
/* channels[i] belongs to worker i; they must outlive the recorder. The recorder owns log from here
 * on, unless it fails. listener is copied and may be NULL. A failing log is said once, as a warning
 * of the program's log. One thread calls the functions below. [main] */
tokperf_status tkp_recorder_start(struct tkp_block_channel *const *channels, uint32_t channel_count,
                                  struct tkp_log_writer *log,
                                  const struct tkp_record_listener *listener,
                                  struct tkp_recorder **recorder,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* Keeps its thread on a CPU; -1: nothing. That it cannot (the CPU went away) is a log message. */
void tkp_recorder_pin(struct tkp_recorder *recorder, int32_t cpu);
/* A note that goes into the log in order (phase started, phase ended: payload is JSON): behind
 * every row that was handed over before the call. Returns when it is there; it may still wait for
 * the next write(). [main] */
void tkp_recorder_note(struct tkp_recorder *recorder, uint32_t kind, struct tokperf_span payload);
/* Waits until everything that was handed over before the call is recorded and synced. [main] */
void tkp_recorder_sync(struct tkp_recorder *recorder);
/* Drains what was handed over (at most one pool of every channel, so that a worker which does not
 * end cannot hold it), writes the end block, closes the log, joins, frees. TOKPERF_E_IO when the
 * log is incomplete. */
tokperf_status tkp_recorder_stop(struct tkp_recorder *recorder,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
