/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: timers first, then sockets, in small batches so that neither waits long. */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exchange.h"

enum {
    EVENTS_MAX = 128, /* taken from epoll at once */
    TIMERS_MAX = 64,  /* served between two looks at the sockets */
    ACCEPTS_MAX = 64, /* the same for new connections */
    NS_PER_S = 1000000000,
    NS_PER_MS = 1000000,
};

uint64_t tkp_mock_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool watch(struct tkp_mock_loop *loop, int fd, uint32_t events, void *owner)
{
    struct epoll_event event = {.events = events, .data.ptr = owner};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool tkp_mock_loop_init(struct tkp_mock_loop *loop, struct tkp_mock_shared *shared, int listen_fd)
{
    *loop = (struct tkp_mock_loop){.shared = shared, .listen_fd = listen_fd};
    tkp_mock_workspace_init(&loop->workspace);
    tkp_mock_stamp_log_init(&loop->stamps, shared->stamp_fd);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->spare_fd = open_spare();
    return loop->epoll_fd >= 0 && loop->stop_fd >= 0 && loop->spare_fd >= 0 &&
           watch(loop, listen_fd, EPOLLIN, &loop->listen_fd) &&
           watch(loop, loop->stop_fd, EPOLLIN, &loop->stop_fd);
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

bool tkp_mock_loop_finish(struct tkp_mock_loop *loop)
{
    while (loop->open != NULL) {
        tkp_mock_connection_close(loop->open);
    }
    while (loop->free != NULL) {
        struct tkp_mock_connection *connection = loop->free;
        loop->free = connection->next;
        tkp_mock_connection_destroy(connection);
    }
    tkp_mock_timer_heap_finish(&loop->timers);
    tkp_mock_workspace_finish(&loop->workspace);
    close_if_open(loop->listen_fd);
    close_if_open(loop->epoll_fd);
    close_if_open(loop->stop_fd);
    close_if_open(loop->spare_fd);
    return tkp_mock_stamp_log_finish(&loop->stamps);
}

void tkp_mock_loop_stop(struct tkp_mock_loop *loop)
{
    const uint64_t one = 1;
    /* Cannot fail: the counter of an eventfd takes far more than one addition. */
    (void)!write(loop->stop_fd, &one, sizeof one);
}

/* No descriptor is left: takes one connection to end it, so that the listener is not stuck. */
static void refuse_one(struct tkp_mock_loop *loop)
{
    close_if_open(loop->spare_fd);
    int fd = accept4(loop->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) { /* the failure is also reported when nobody waits */
        (void)close(fd);
        tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_REFUSED, 1);
    }
    loop->spare_fd = open_spare();
}

static void accept_some(struct tkp_mock_loop *loop)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(loop->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            refuse_one(loop);
            return;
        }
        if (fd < 0) {
            return; /* none left, or one that is gone already */
        }
        struct tkp_mock_connection *connection = tkp_mock_connection_open(loop, fd);
        if (connection == NULL) {
            (void)close(fd);
            tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_REFUSED, 1);
            return;
        }
        tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_ACCEPTED, 1);
        if (!watch(loop, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection)) {
            tkp_mock_connection_close(connection);
        }
    }
}

/* Serves due timers; returns how long epoll may wait, or -1 for ever. */
static int64_t run_timers(struct tkp_mock_loop *loop)
{
    for (int i = 0; i < TIMERS_MAX; i++) {
        struct tkp_mock_timer *timer = tkp_mock_timer_first(&loop->timers);
        if (timer == NULL) {
            return -1;
        }
        uint64_t now_ns = tkp_mock_now_ns();
        if (timer->due_ns > now_ns) {
            return (int64_t)(timer->due_ns - now_ns);
        }
        tkp_mock_timer_cancel(&loop->timers, timer);
        tkp_mock_exchange_on_timer((struct tkp_mock_connection *)timer);
    }
    return 0;
}

static int wait_for_events(struct tkp_mock_loop *loop, struct epoll_event *events, int64_t wait_ns)
{
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int n = epoll_pwait2(loop->epoll_fd, events, EVENTS_MAX, wait_ns < 0 ? NULL : &wait, NULL);
    if (n < 0 && errno == ENOSYS) { /* Linux before 5.11: whole milliseconds, rounded down */
        int64_t wait_ms = wait_ns / NS_PER_MS;
        int most = 60000;
        n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX,
                       wait_ns < 0      ? -1
                       : wait_ms > most ? most
                                        : (int)wait_ms);
    }
    return n;
}

void tkp_mock_loop_run(struct tkp_mock_loop *loop)
{
    struct epoll_event events[EVENTS_MAX];
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the default of 50 us would show in every gap */
    for (;;) {
        int n = wait_for_events(loop, events, run_timers(loop));
        for (int i = 0; i < n; i++) {
            void *owner = events[i].data.ptr;
            if (owner == &loop->stop_fd) {
                return;
            }
            if (owner == &loop->listen_fd) {
                accept_some(loop);
            } else {
                tkp_mock_exchange_on_events(owner, events[i].events);
            }
        }
    }
}
