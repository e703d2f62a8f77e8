/* SPDX-License-Identifier: Apache-2.0 */
/* epoll, an eventfd and a binary heap of timers. */
#include <worker/loop.h>

#include <base/error.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

tokperf_status tkp_loop_init(struct tkp_loop *loop, struct tokperf_error *error)
{
    *loop = (struct tkp_loop){.epoll_fd = -1, .wake_fd = -1};
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
        int reason = errno;
        tkp_loop_finish(loop);
        return tkp_fail_errno(error, TOKPERF_E_IO, reason, "cannot set up a worker's event loop");
    }
    return TOKPERF_OK;
}

void tkp_loop_finish(struct tkp_loop *loop)
{
    if (loop->epoll_fd > 0)
        close(loop->epoll_fd);
    if (loop->wake_fd > 0)
        close(loop->wake_fd);
    free(loop->timers);
    *loop = (struct tkp_loop){.epoll_fd = -1, .wake_fd = -1};
}

int tkp_loop_watch(struct tkp_loop *loop, int fd, void *context)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = context};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void tkp_loop_watch_again(struct tkp_loop *loop, int fd, void *context)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = context};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event); /* cannot fail for a watched descriptor */
}

int tkp_loop_watch_level(struct tkp_loop *loop, int fd, uint32_t events, void *context, bool is_new)
{
    struct epoll_event event = {.events = events, .data.ptr = context};
    int call = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return epoll_ctl(loop->epoll_fd, call, fd, &event) == 0 ? 0 : errno;
}

void tkp_loop_unwatch(struct tkp_loop *loop, int fd)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* fails only for one that is closed */
}

/* Rounded up, so that nothing that is due at the deadline is found too early. */
static int wait_ms(struct tkp_loop *loop, uint64_t now_ns, uint64_t deadline_ns)
{
    int timeout_ms = -1;
    if (deadline_ns != TKP_NEVER_NS) {
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        uint64_t left_ms = (left_ns + TKP_NS_PER_MS - 1) / TKP_NS_PER_MS;
        timeout_ms = left_ms < 60000 ? (int)left_ms : 60000; /* looks again after a minute */
    }
    return epoll_wait(loop->epoll_fd, loop->events, TKP_LOOP_BATCH, timeout_ms);
}

static int wait_ns(struct tkp_loop *loop, uint64_t now_ns, uint64_t deadline_ns)
{
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec timeout = {(time_t)(left_ns / TKP_NS_PER_S), (long)(left_ns % TKP_NS_PER_S)};
    return epoll_pwait2(loop->epoll_fd, loop->events, TKP_LOOP_BATCH,
                        deadline_ns == TKP_NEVER_NS ? NULL : &timeout, NULL);
}

int tkp_loop_wait(struct tkp_loop *loop, uint64_t now_ns, uint64_t deadline_ns)
{
    int count = -1;
    if (!loop->only_ms) {
        count = wait_ns(loop, now_ns, deadline_ns);
        loop->only_ms = count < 0 && errno != EINTR;
    }
    if (loop->only_ms)
        count = wait_ms(loop, now_ns, deadline_ns);
    return count < 0 ? 0 : count;
}

void tkp_loop_wake(const struct tkp_loop *loop)
{
    /* Edge-triggered: each write is an event, so nobody reads; a full counter has woken already. */
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
}

bool tkp_loop_reserve_timers(struct tkp_loop *loop, uint32_t count)
{
    if (count <= loop->timer_capacity)
        return true;
    uint32_t twice = loop->timer_capacity < UINT32_MAX / 2 ? loop->timer_capacity * 2 : count;
    uint32_t capacity = count > twice ? count : twice; /* few moves, which would leave holes */
    struct tkp_timer **timers = realloc(loop->timers, capacity * sizeof(struct tkp_timer *));
    if (!timers)
        return false;
    loop->timers = timers;
    loop->timer_capacity = capacity;
    return true;
}

static void put(struct tkp_loop *loop, uint32_t place, struct tkp_timer *timer)
{
    loop->timers[place - 1] = timer;
    timer->place = place;
}

static void move_up(struct tkp_loop *loop, struct tkp_timer *timer)
{
    uint32_t place = timer->place;
    for (; place > 1 && loop->timers[place / 2 - 1]->at_ns > timer->at_ns; place /= 2)
        put(loop, place, loop->timers[place / 2 - 1]);
    put(loop, place, timer);
}

static void move_down(struct tkp_loop *loop, struct tkp_timer *timer)
{
    uint32_t place = timer->place;
    for (;;) {
        uint32_t child = place * 2;
        if (child > loop->timer_count)
            break;
        if (child < loop->timer_count &&
            loop->timers[child]->at_ns < loop->timers[child - 1]->at_ns)
            child++;
        if (loop->timers[child - 1]->at_ns >= timer->at_ns)
            break;
        put(loop, place, loop->timers[child - 1]);
        place = child;
    }
    put(loop, place, timer);
}

void tkp_loop_set_timer(struct tkp_loop *loop, struct tkp_timer *timer, uint64_t at_ns)
{
    timer->at_ns = at_ns;
    if (!timer->place)
        put(loop, ++loop->timer_count, timer);
    move_up(loop, timer);
    move_down(loop, timer);
}

void tkp_loop_cancel_timer(struct tkp_loop *loop, struct tkp_timer *timer)
{
    uint32_t place = timer->place;
    if (!place)
        return;
    timer->place = 0;
    struct tkp_timer *last = loop->timers[--loop->timer_count];
    if (last == timer)
        return;
    put(loop, place, last);
    move_up(loop, last);
    move_down(loop, last);
}

struct tkp_timer *tkp_loop_next_timer(const struct tkp_loop *loop)
{
    return loop->timer_count ? loop->timers[0] : NULL;
}

uint64_t tkp_loop_next_timer_ns(const struct tkp_loop *loop)
{
    return loop->timer_count ? loop->timers[0]->at_ns : TKP_NEVER_NS;
}

struct tkp_timer *tkp_loop_take_due(struct tkp_loop *loop, uint64_t now_ns)
{
    if (!loop->timer_count || loop->timers[0]->at_ns > now_ns)
        return NULL;
    struct tkp_timer *timer = loop->timers[0];
    tkp_loop_cancel_timer(loop, timer);
    return timer;
}
