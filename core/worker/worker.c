/* SPDX-License-Identifier: Apache-2.0 */
/* All workers, as the main thread sees them. */
#include <worker/worker.h>

#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <worker/curl_transport.h>
#include <worker/thread.h>

struct tkp_workers {
    struct tkp_worker_shared shared;
    uint32_t count;
    int news_fd;
    struct tkp_worker *workers[TKP_PHASE_MAX_WORKERS];
};

/* ---- for the worker threads ---- */

void tkp_workers_wake_one(const struct tkp_workers *workers, uint32_t index)
{
    tkp_loop_wake(&workers->workers[index]->loop);
}

static void write_event(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one); /* a full counter is readable already */
    (void)written;
}

void tkp_workers_tell_main(const struct tkp_workers *workers)
{
    write_event(workers->news_fd);
}

/* ---- start ---- */

static tokperf_status add_worker(struct tkp_workers *workers, uint32_t index,
                                 struct tkp_block_channel *channel, struct tokperf_error *error)
{
    size_t bytes = (sizeof(struct tkp_worker) + 63) / 64 * 64; /* whole cache lines */
    struct tkp_worker *w = aligned_alloc(64, bytes);
    if (!w)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for worker %u", index);
    memset(w, 0, bytes);
    w->shared = &workers->shared;
    w->workers = workers;
    w->channel = channel;
    w->announcer = (struct tkp_announcer){channel, workers->shared.wants_events};
    w->index = index;
    workers->workers[workers->count++] = w;
    return tkp_worker_init(w, error);
}

static tokperf_status start_threads(struct tkp_workers *workers, struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < workers->count && status == TOKPERF_OK; i++)
        status = tkp_worker_start(workers->workers[i], error);
    return status;
}

static tokperf_status fill(struct tkp_workers *workers, struct tkp_block_channel *const *channels,
                           struct tokperf_error *error)
{
    if (!workers->shared.worker_count || workers->shared.worker_count > TKP_PHASE_MAX_WORKERS)
        return tkp_fail(error, TOKPERF_E_INVALID, "%u workers are not between 1 and %d",
                        workers->shared.worker_count, TKP_PHASE_MAX_WORKERS);
    workers->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (workers->news_fd < 0)
        return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot make an eventfd for the workers");
    for (uint32_t i = 0; i < workers->shared.worker_count; i++) {
        tokperf_status status = add_worker(workers, i, channels[i], error);
        if (status != TOKPERF_OK)
            return status;
    }
    return start_threads(workers, error);
}

tokperf_status tkp_workers_start(const struct tkp_worker_shared *shared,
                                 struct tkp_block_channel *const *channels,
                                 struct tkp_workers **workers, struct tokperf_error *error)
{
    struct tkp_workers *all = calloc(1, sizeof *all);
    if (!all)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the workers");
    all->shared = *shared;
    all->news_fd = -1;
    tokperf_status status = fill(all, channels, error);
    if (status != TOKPERF_OK) {
        tkp_workers_stop(all);
        return status;
    }
    *workers = all;
    return TOKPERF_OK;
}

uint64_t tkp_workers_stream_bytes(const struct tkp_instance *endpoint, bool uses_curl)
{
    const struct tokperf_endpoint_vtable *vtable = endpoint->vtable;
    return tkp_slot_bytes(vtable->state_bytes) + sizeof(struct tkp_timer *) +
           (uses_curl ? TKP_CURL_STREAM_BYTES : sizeof(struct tkp_connection));
}

/* ---- phases ---- */

/* CPU time of a worker's thread without its spinning, ns; 0 where the kernel does not say. */
static uint64_t cpu_ns(const struct tkp_worker *worker)
{
    clockid_t clock;
    struct timespec time;
    if (pthread_getcpuclockid(worker->thread, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    uint64_t all_ns = (uint64_t)time.tv_sec * TKP_NS_PER_S + (uint64_t)time.tv_nsec;
    uint64_t spun_ns = tkp_gauge_get(&worker->stats.spun_ns);
    return all_ns > spun_ns ? all_ns - spun_ns : 0;
}

uint64_t tkp_workers_busiest_ns(const struct tkp_workers *workers, const struct tkp_phase *phase)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < workers->count; i++) {
        uint64_t now = cpu_ns(workers->workers[i]), begin = phase->parts[i].cpu_ns;
        if (now > begin && now - begin > most)
            most = now - begin;
    }
    return most;
}

void tkp_workers_begin_phase(struct tkp_workers *workers, struct tkp_phase *phase)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        phase->parts[i].cpu_ns = cpu_ns(workers->workers[i]);
        workers->workers[i]->next_phase = phase;
    }
    for (uint32_t i = 0; i < workers->count; i++) {
        tkp_flag_raise(&workers->workers[i]->begin);
        tkp_workers_wake_one(workers, i);
    }
}

int tkp_workers_news_fd(const struct tkp_workers *workers)
{
    return workers->news_fd;
}

void tkp_workers_take_news(const struct tkp_workers *workers)
{
    uint64_t count;
    ssize_t got = read(workers->news_fd, &count, sizeof count); /* none: not readable already */
    (void)got;
}

void tkp_workers_wake(struct tkp_workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++)
        tkp_workers_wake_one(workers, i);
}

const struct tkp_worker_stats *tkp_workers_stats(const struct tkp_workers *workers, uint32_t worker)
{
    return &workers->workers[worker]->stats;
}

void tkp_workers_stop(struct tkp_workers *workers)
{
    if (!workers)
        return;
    for (uint32_t i = 0; i < workers->count; i++)
        tkp_worker_stop(workers->workers[i]);
    for (uint32_t i = 0; i < workers->count; i++) {
        tkp_worker_finish(workers->workers[i]);
        free(workers->workers[i]);
    }
    if (workers->news_fd >= 0)
        close(workers->news_fd);
    free(workers);
}
