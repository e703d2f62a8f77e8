/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrivals on a worker, over real loopback sockets: by the kernel's stamps, by the process, and
 * where stamps are missing because the kernel refuses them (setsockopt is wrapped by the linker).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <base/clock.h>
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>
#include <worker/receive_stamp.h>

#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED  SSE_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define TWO      "24\r\ndata: t:a\n\ndata: t:b\n\ndata: [DONE]\n\n\r\n0\r\n\r\n"

static const struct script scripts[] = {
    {"together", {{SCRIPT_SEND, CHUNKED TWO, 0}}, false},
    {"bytewise", {{SCRIPT_SEND_BY_BYTE, CHUNKED TWO, 0}}, false},
    {"apart",
     {{SCRIPT_SEND, CHUNKED "b\r\ndata: t:a\n\n\r\n", 0},
      {SCRIPT_WAIT, 0, 5},
      {SCRIPT_SEND, "19\r\ndata: t:b\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", 0}},
     false},
    {"until_close",
     {{SCRIPT_SEND, SSE_HEAD "\r\ndata: t:a\n\ndata: [DONE]", 0}, {SCRIPT_CLOSE, 0, 0}},
     false},
    {"last_is_cut",
     {{SCRIPT_SEND, SSE_HEAD "\r\ndata: [DONE]\n\n", 0},
      {SCRIPT_SEND, "data: t:a", 0},
      {SCRIPT_WAIT, 0, 20},
      {SCRIPT_CLOSE, 0, 0}},
     false},
    {"error500", {{SCRIPT_SEND, "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n", 0}}, false},
    {"whole",
     {{SCRIPT_SEND,
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nt:a", 0}},
     false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

static const struct fake_conversation conversations[] = {
    {{"together"}, 0},    {{"bytewise"}, 0}, {{"apart"}, 0}, {{"until_close"}, 0},
    {{"last_is_cut"}, 0}, {{"error500"}, 0}, {{"whole"}, 0}};
enum { CONVERSATIONS = sizeof conversations / sizeof conversations[0] };

static atomic_bool refuses_stamps;
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING && atomic_load(&refuses_stamps)) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return __real_setsockopt(fd, level, name, value, len);
}

static struct worker_run *play(struct scripted_server *server, bool kernel_clock, uint64_t requests)
{
    struct worker_run *run = worker_run_create(conversations, CONVERSATIONS);
    run->kernel_clock = kernel_clock;
    run->phase_plan.request_count = requests;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    return run;
}

/* Until the worker is not too late to see what the server keeps apart, as it is where it stood
 * still meanwhile. */
static struct worker_run *play_in_time(struct scripted_server *server, bool kernel_clock,
                                       bool (*is_in_time)(const struct worker_run *run))
{
    uint64_t until_ns = tkp_clock_now_ns() + WORKER_RUN_PATIENCE_S * TKP_NS_PER_S;
    for (;;) {
        struct worker_run *run = play(server, kernel_clock, CONVERSATIONS);
        if (is_in_time(run) || tkp_clock_now_ns() > until_ns)
            return run;
        worker_run_destroy(run);
    }
}

/* A socket that keeps the kernel stamping; skips the test where it does not. */
static int need_stamps(void)
{
    struct tokperf_error error;
    int fd = -1;
    if (tkp_receive_stamp_probe(&fd, &error) != TOKPERF_OK) {
        print_message("%s\n", error.message);
        skip();
    }
    return fd;
}

static void check_stamped(const struct tkp_row *row)
{
    assert_false(row->flags & TKP_ROW_UNSTAMPED);
    assert_true(row->first_byte_ns >= row->send_start_ns && row->first_byte_ns < row->end_ns);
    assert_true(row->read_delay_ns > 0 && row->read_delay_ns <= row->end_ns - row->first_byte_ns);
    if (!row->chunk_count)
        return;
    assert_true(row->first_token_ns >= row->first_byte_ns);
    assert_true(row->last_token_ns >= row->first_token_ns && row->last_token_ns < row->end_ns);
}

static bool reads_apart(const struct worker_run *run)
{
    return worker_run_row(run, 2, 0)->coalesced_count == 0;
}

static void stamps_lie_between_send_and_read(void **state)
{
    (void)state;
    int fd = need_stamps();
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = play_in_time(server, true, reads_apart);
    const struct tkp_phase_part *part = &run->phase->parts[0];
    assert_int_equal(run->row_count, CONVERSATIONS);
    uint64_t longest_ns = 0;
    for (uint32_t i = 0; i < run->row_count; i++) {
        check_stamped(&run->rows[i]);
        if (run->rows[i].read_delay_ns > longest_ns)
            longest_ns = run->rows[i].read_delay_ns;
    }
    assert_int_equal(tkp_gauge_get(&part->unstamped_reads), 0);
    uint64_t p99_ns = tkp_gauge_get(&part->read_delay_p99_ns);
    assert_true(p99_ns > 0 && p99_ns <= longest_ns);

    const struct tkp_row *together = worker_run_row(run, 0, 0), *apart = worker_run_row(run, 2, 0);
    assert_int_equal(together->chunk_count, 2);
    assert_int_equal(together->coalesced_count, 1);
    assert_true(together->first_token_ns == together->last_token_ns);
    assert_int_equal(apart->chunk_count, 2);
    assert_int_equal(apart->coalesced_count, 0);
    assert_true(apart->last_token_ns - apart->first_token_ns > TKP_NS_PER_MS);
    worker_run_destroy(run);
    scripted_server_stop(server);
    close(fd);
}

static void the_process_clock_knows_no_delay(void **state)
{
    (void)state;
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = play(server, false, CONVERSATIONS);
    const struct tkp_phase_part *part = &run->phase->parts[0];
    for (uint32_t i = 0; i < run->row_count; i++) {
        assert_true(run->rows[i].first_byte_ns >= run->rows[i].send_end_ns);
        assert_true(run->rows[i].read_delay_ns == 0);
        assert_false(run->rows[i].flags & TKP_ROW_UNSTAMPED);
    }
    assert_int_equal(tkp_gauge_get(&part->read_delay_p99_ns), 0);
    assert_int_equal(tkp_gauge_get(&part->unstamped_reads), 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* The server closes 20 ms after it sent the bytes. */
static bool reads_before_the_close(const struct worker_run *run)
{
    const struct tkp_row *row = worker_run_row(run, 4, 0);
    return row->end_ns - row->last_token_ns >= 15 * TKP_NS_PER_MS;
}

/* What the body's end completes arrived with its bytes, not with the close after them. */
static void what_the_close_completes_came_before_it(void **state)
{
    (void)state;
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = play_in_time(server, false, reads_before_the_close);
    assert_int_equal(worker_run_row(run, 4, 0)->chunk_count, 1);
    assert_true(reads_before_the_close(run));
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void without_stamps_there_are_no_times(void **state)
{
    (void)state;
    struct scripted_server *server = scripted_server_start(scripts);
    atomic_store(&refuses_stamps, true);
    struct worker_run *run = play(server, true, CONVERSATIONS);
    atomic_store(&refuses_stamps, false);
    const struct tkp_phase_part *part = &run->phase->parts[0];
    assert_int_equal(run->row_count, CONVERSATIONS);
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct tkp_row *row = &run->rows[i];
        assert_true(row->flags & TKP_ROW_UNSTAMPED);
        assert_true(!row->first_byte_ns && !row->first_token_ns && !row->second_token_ns);
        assert_true(!row->first_output_token_ns && !row->last_token_ns && !row->read_delay_ns);
        assert_true(row->end_ns > row->send_end_ns && row->received_bytes);
    }
    assert_int_equal(worker_run_row(run, 0, 0)->outcome, TKP_OUTCOME_OK);
    assert_int_equal(worker_run_row(run, 0, 0)->chunk_count, 2);
    assert_int_equal(worker_run_row(run, 0, 0)->coalesced_count, 1);
    assert_int_equal(worker_run_row(run, 5, 0)->outcome, TKP_OUTCOME_HTTP_ERROR);
    assert_true(tkp_gauge_get(&part->unstamped_reads) >= CONVERSATIONS);
    assert_int_equal(tkp_gauge_get(&part->read_delay_p99_ns), 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* The answer of a connection that has stamps is not touched by another's that has none. */
static void holes_stay_with_their_request(void **state)
{
    (void)state;
    int fd = need_stamps();
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, CONVERSATIONS);
    run->kernel_clock = true;
    run->plan.reuse = TKP_REUSE_NEVER;
    run->phase_plan.request_count = 2;
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    atomic_store(&refuses_stamps, true);
    worker_run_phase(run);
    atomic_store(&refuses_stamps, false);
    worker_run_phase(run);
    assert_int_equal(run->row_count, 6);
    for (uint32_t i = 0; i < run->row_count; i++) {
        bool hole = i == 2 || i == 3;
        assert_int_equal((run->rows[i].flags & TKP_ROW_UNSTAMPED) != 0, hole);
        if (!hole)
            check_stamped(&run->rows[i]);
    }
    worker_run_destroy(run);
    scripted_server_stop(server);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_lie_between_send_and_read),
        cmocka_unit_test(the_process_clock_knows_no_delay),
        cmocka_unit_test(what_the_close_completes_came_before_it),
        cmocka_unit_test(without_stamps_there_are_no_times),
        cmocka_unit_test(holes_stay_with_their_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
