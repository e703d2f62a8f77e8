/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is allocated once warm: every allocation of the program goes through the counting
 * functions below (linker option --wrap). Timing decides how many buffers are in use at a time, so
 * a later phase may still reach a new peak; soon there must be one that allocates nothing at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { REQUESTS = 300, OVERLAP_REQUESTS = 40, MAX_PHASES = 13 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static _Atomic unsigned allocations;
static _Thread_local bool is_test; /* its own allocations are no matter */

static void count(void)
{
    if (!is_test)
        atomic_fetch_add(&allocations, 1);
}

void *__wrap_malloc(size_t size)
{
    count();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    count();
    return __real_calloc(number, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    count();
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __real_aligned_alloc(alignment, size);
}

#define HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Byte by byte, so that heads, chunks and events are cut everywhere and all pools are used. */
static const struct script scripts[] = {
    {"first",
     {{SCRIPT_SEND_BY_BYTE, HEAD "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", 0}},
     false},
    {"error", {{SCRIPT_SEND, "HTTP/1.1 500 E\r\nContent-Length: 2\r\n\r\n{}", 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

static void nothing_is_allocated_once_warm(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"first", "second"}, 0},
                                                             {{"error"}, 0}};
    is_test = true;
    struct tkp_flag watched = {0}; /* what it costs more to be watched is no memory either */
    tkp_flag_raise(&watched);
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 2);
    run->plan.workers = 2;
    run->wants_events = &watched;
    run->phase_plan.concurrency = 4;
    run->phase_plan.request_count = REQUESTS;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_true(atomic_load(&allocations) > 0); /* the counting works */
    uint32_t phases = 1;
    unsigned made = 1;
    for (; made && phases < MAX_PHASES; phases++) {
        atomic_store(&allocations, 0);
        worker_run_phase(run);
        made = atomic_load(&allocations);
    }
    assert_int_equal(run->row_count, phases * REQUESTS);
    assert_int_equal(made, 0);
    assert_true(run->event_count > run->row_count);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Nor where phases overlap, which use what a single one does not. */
static void nothing_is_allocated_in_an_overlap_once_warm(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"first", "second"}, 0},
                                                             {{"error"}, 0}};
    is_test = true;
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 2);
    run->plan.workers = 2;
    run->phase_plan.concurrency = 4;
    run->phase_plan.request_count = OVERLAP_REQUESTS;
    worker_run_start(run, scripted_server_port(server));
    uint32_t phases = 0;
    unsigned made = 1;
    for (; made && phases < 3 * MAX_PHASES; phases += 3) {
        atomic_store(&allocations, 0);
        for (uint32_t i = 0; i < 3; i++) {
            worker_run_begin(run, &run->phase_plan, true);
            worker_run_until_sent(run);
        }
        made = atomic_load(&allocations);
    }
    worker_run_until_done(run);
    assert_int_equal(run->row_count, phases * OVERLAP_REQUESTS);
    assert_int_equal(made, 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Without the kernel's, and with a plugin's state of up to 16 bytes, as those that come along have.
 */
static void a_stream_in_flight_fits_into_1_kib(void **state)
{
    (void)state;
    struct tokperf_endpoint_vtable vtable = {.state_bytes = 16};
    struct tkp_instance endpoint = {.vtable = &vtable};
    assert_in_range(tkp_workers_stream_bytes(&endpoint, false), 1, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_allocated_once_warm),
        cmocka_unit_test(nothing_is_allocated_in_an_overlap_once_warm),
        cmocka_unit_test(a_stream_in_flight_fits_into_1_kib)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
