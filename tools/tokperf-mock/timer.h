/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of absolute times. An event loop owns one; one entry per owner. */
#ifndef TKP_MOCK_TIMER_H
#define TKP_MOCK_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in its owner. A zeroed entry is not armed. */
struct tkp_mock_timer {
    uint64_t due_ns; /* CLOCK_MONOTONIC */
    size_t place;    /* index in the heap plus 1; 0 is not armed */
};

struct tkp_mock_timer_heap {
    struct tkp_mock_timer **items;
    size_t count;
    size_t cap;
};

void tkp_mock_timer_heap_finish(struct tkp_mock_timer_heap *heap);
/* Arms the timer or moves an armed one; false without memory. */
bool tkp_mock_timer_set(struct tkp_mock_timer_heap *heap, struct tkp_mock_timer *timer,
                        uint64_t due_ns);
/* Disarms; nothing happens to one that is not armed. */
void tkp_mock_timer_cancel(struct tkp_mock_timer_heap *heap, struct tkp_mock_timer *timer);
/* The earliest entry, or NULL. It stays armed. */
struct tkp_mock_timer *tkp_mock_timer_first(const struct tkp_mock_timer_heap *heap);

#endif
