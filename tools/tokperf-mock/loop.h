/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's event loop: its listening socket, its connections, its timers, its counters. */
#ifndef TKP_MOCK_LOOP_H
#define TKP_MOCK_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "connection.h"
#include "counters.h"
#include "options.h"
#include "stamp_log.h"
#include "timer.h"

/* What all loops share. Only next_number is written after the start. */
struct tkp_mock_shared {
    const struct tkp_mock_options *options;
    uint64_t start_ns;
    int stamp_fd;                 /* of the stamp log, or -1 */
    _Atomic uint64_t next_number; /* of inference requests */
    struct tkp_mock_counters **counters;
    size_t counter_sets;
};

struct tkp_mock_loop {
    struct tkp_mock_shared *shared;
    struct tkp_mock_counters counters;
    struct tkp_mock_timer_heap timers;
    struct tkp_mock_workspace workspace;
    struct tkp_mock_stamp_log stamps;
    struct tkp_mock_connection *open; /* doubly linked */
    struct tkp_mock_connection *free; /* singly linked; their memory is used again */
    int epoll_fd;
    int listen_fd;
    int stop_fd;  /* an eventfd: readable means stop */
    int spare_fd; /* closed to have a descriptor for refusing when there is none left */
};

uint64_t tkp_mock_now_ns(void); /* CLOCK_MONOTONIC */

/* Takes over listen_fd also on failure; false with errno. */
bool tkp_mock_loop_init(struct tkp_mock_loop *loop, struct tkp_mock_shared *shared, int listen_fd);
/* False when the stamp log lost a line. */
bool tkp_mock_loop_finish(struct tkp_mock_loop *loop);
/* Runs until tkp_mock_loop_stop. */
void tkp_mock_loop_run(struct tkp_mock_loop *loop);
/* From any thread. */
void tkp_mock_loop_stop(struct tkp_mock_loop *loop);

#endif
