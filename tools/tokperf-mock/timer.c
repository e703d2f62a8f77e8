/* SPDX-License-Identifier: Apache-2.0 */
/* The timer heap. Moving the first entry, the common case, costs one sift and no allocation. */
#include "timer.h"

#include <stdlib.h>

static void place(struct tkp_mock_timer_heap *heap, size_t at, struct tkp_mock_timer *timer)
{
    heap->items[at] = timer;
    timer->place = at + 1;
}

static size_t sift_up(struct tkp_mock_timer_heap *heap, size_t at, struct tkp_mock_timer *timer)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->items[parent]->due_ns <= timer->due_ns) {
            break;
        }
        place(heap, at, heap->items[parent]);
        at = parent;
    }
    return at;
}

static size_t sift_down(struct tkp_mock_timer_heap *heap, size_t at, struct tkp_mock_timer *timer)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) {
            return at;
        }
        if (child + 1 < heap->count &&
            heap->items[child + 1]->due_ns < heap->items[child]->due_ns) {
            child++;
        }
        if (timer->due_ns <= heap->items[child]->due_ns) {
            return at;
        }
        place(heap, at, heap->items[child]);
        at = child;
    }
}

static void settle(struct tkp_mock_timer_heap *heap, size_t at, struct tkp_mock_timer *timer)
{
    place(heap, sift_down(heap, sift_up(heap, at, timer), timer), timer);
}

void tkp_mock_timer_heap_finish(struct tkp_mock_timer_heap *heap)
{
    free(heap->items);
    *heap = (struct tkp_mock_timer_heap){0};
}

bool tkp_mock_timer_set(struct tkp_mock_timer_heap *heap, struct tkp_mock_timer *timer,
                        uint64_t due_ns)
{
    if (timer->place == 0) {
        if (heap->count == heap->cap) {
            size_t cap = heap->cap == 0 ? 64 : heap->cap * 2;
            struct tkp_mock_timer **items = realloc(heap->items, cap * sizeof(void *));
            if (items == NULL) {
                return false;
            }
            heap->items = items;
            heap->cap = cap;
        }
        timer->place = ++heap->count;
    }
    timer->due_ns = due_ns;
    settle(heap, timer->place - 1, timer);
    return true;
}

void tkp_mock_timer_cancel(struct tkp_mock_timer_heap *heap, struct tkp_mock_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    size_t at = timer->place - 1;
    timer->place = 0;
    struct tkp_mock_timer *last = heap->items[--heap->count];
    if (last != timer) {
        settle(heap, at, last);
    }
}

struct tkp_mock_timer *tkp_mock_timer_first(const struct tkp_mock_timer_heap *heap)
{
    return heap->count == 0 ? NULL : heap->items[0];
}
