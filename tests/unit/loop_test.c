/* SPDX-License-Identifier: Apache-2.0 */
/* Timers in order whatever happens to them, waits that are not too short, wake-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/rng.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <worker/loop.h>

enum { TIMERS = 200 };

/* In the place of libc's: refused with `refusal`, as a seccomp profile that does not know it does.
 */
static int refusal;
static int refused;
int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout,
                 const sigset_t *mask)
{
    if (refusal) {
        refused++;
        errno = refusal;
        return -1;
    }
    return (int)syscall(SYS_epoll_pwait2, fd, events, count, timeout, mask, sizeof(uint64_t));
}

static void open_loop(struct tkp_loop *loop)
{
    struct tokperf_error error;
    assert_int_equal(tkp_loop_init(loop, &error), TOKPERF_OK);
    assert_true(tkp_loop_reserve_timers(loop, TIMERS));
}

static void timers_come_in_order(void **state)
{
    (void)state;
    struct tkp_loop loop;
    struct tkp_timer timers[TIMERS] = {0};
    open_loop(&loop);
    for (uint64_t i = 0; i < 2000; i++) {
        struct tkp_timer *timer = &timers[tkp_rng_below(1, 1, i, TIMERS)];
        if (tkp_rng_below(1, 2, i, 4) == 0)
            tkp_loop_cancel_timer(&loop, timer);
        else
            tkp_loop_set_timer(&loop, timer, tkp_rng_below(1, 3, i, 1000));
    }
    uint32_t set = 0, taken = 0;
    for (int i = 0; i < TIMERS; i++)
        set += timers[i].place != 0;
    assert_int_equal(set, loop.timer_count);
    uint64_t before_ns = 0;
    for (struct tkp_timer *timer; (timer = tkp_loop_take_due(&loop, 999)); taken++) {
        assert_true(timer->at_ns >= before_ns && timer->place == 0);
        before_ns = timer->at_ns;
    }
    assert_int_equal(taken, set);
    assert_true(tkp_loop_next_timer_ns(&loop) == TKP_NEVER_NS);
    tkp_loop_finish(&loop);
}

static void a_timer_is_not_due_early(void **state)
{
    (void)state;
    struct tkp_loop loop;
    struct tkp_timer timer = {0};
    open_loop(&loop);
    tkp_loop_set_timer(&loop, &timer, 100);
    assert_null(tkp_loop_take_due(&loop, 99));
    assert_ptr_equal(tkp_loop_take_due(&loop, 100), &timer);
    tkp_loop_finish(&loop);
}

static void waits_reach_their_deadline(void **state)
{
    (void)state;
    struct tkp_loop loop;
    open_loop(&loop);
    for (int ms_only = 0; ms_only < 2; ms_only++) {
        loop.only_ms = ms_only != 0;
        uint64_t begin_ns = tkp_clock_now_ns();
        uint64_t deadline_ns = begin_ns + 1500 * TKP_NS_PER_US;
        assert_int_equal(tkp_loop_wait(&loop, begin_ns, deadline_ns), 0);
        assert_true(tkp_clock_now_ns() >= deadline_ns);
        assert_int_equal(tkp_loop_wait(&loop, deadline_ns, begin_ns), 0); /* past: returns */
    }
    tkp_loop_finish(&loop);
}

static void wakes_each_time(void **state)
{
    (void)state;
    struct tkp_loop loop;
    open_loop(&loop);
    for (int i = 0; i < 3; i++) {
        tkp_loop_wake(&loop);
        assert_int_equal(tkp_loop_wait(&loop, 0, TKP_NEVER_NS), 1);
        assert_null(loop.events[0].data.ptr);
        assert_int_equal(tkp_loop_wait(&loop, 0, 0), 0); /* consumed */
    }
    tkp_loop_finish(&loop);
}

/* Once, and then the older call. A signal is no refusal. */
static void a_refused_call_is_replaced(void **state)
{
    (void)state;
    static const int reasons[] = {EPERM, ENOSYS, EINTR};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct tkp_loop loop;
        open_loop(&loop);
        tkp_loop_wake(&loop);
        refusal = reasons[i];
        refused = 0;
        bool replaced = reasons[i] != EINTR;
        assert_int_equal(tkp_loop_wait(&loop, 0, TKP_NEVER_NS), replaced);
        assert_int_equal(tkp_loop_wait(&loop, 0, 0), 0);
        assert_int_equal(refused, replaced ? 1 : 2);
        assert_int_equal(loop.only_ms, replaced);
        refusal = 0;
        tkp_loop_finish(&loop);
    }
}

static void watches_edges(void **state)
{
    (void)state;
    struct tkp_loop loop;
    int pair[2];
    open_loop(&loop);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(tkp_loop_watch(&loop, pair[0], pair), 0);
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 1); /* writable at once */
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 1);
    assert_ptr_equal(loop.events[0].data.ptr, pair);
    assert_true(loop.events[0].events & EPOLLIN);
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 0); /* not read, not said again */
    tkp_loop_watch_again(&loop, pair[0], pair);
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 1);
    close(pair[1]);
    assert_int_equal(tkp_loop_wait(&loop, 0, 0), 1);
    assert_true(loop.events[0].events & EPOLLRDHUP);
    close(pair[0]);
    tkp_loop_finish(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_in_order),       cmocka_unit_test(a_timer_is_not_due_early),
        cmocka_unit_test(waits_reach_their_deadline), cmocka_unit_test(wakes_each_time),
        cmocka_unit_test(a_refused_call_is_replaced), cmocka_unit_test(watches_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
