/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: each a thread with an epoll loop that owns its sockets, timers and request slots, sends
 * the conversations that the phase's schedule gives it, parses the answers and records them. It
 * allocates nothing once warm and shares only what load/phase.h names.
 */
#ifndef TKP_WORKER_WORKER_H
#define TKP_WORKER_WORKER_H

#include <base/atomic.h>
#include <dataset/dataset.h>
#include <load/phase.h>
#include <netinet/in.h>
#include <record/block.h>
#include <sys/socket.h>

/* A target: a URL of the plan with its addresses, resolved on the main thread. */
struct tkp_target {
    const struct tkp_url *url;
    const char *path; /* request path, prefix included */
    struct sockaddr_storage addresses[4];
    socklen_t address_lengths[4];
    uint32_t address_count;
};
/* Name resolution with a deadline of its own would need a thread: getaddrinfo, on main, before any
 * load. The plan's --resolve stands in for it, and its --ip-version says which kind is tried first.
 */
tokperf_status tkp_target_resolve(const struct tkp_url *url, const char *path,
                                  const struct tkp_plan *plan, struct tkp_target *target,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

/* Drops the addresses of a target that none of the source addresses is of the family of. */
tokperf_status tkp_target_keep_reachable(struct tkp_target *target,
                                         const struct tkp_source_address *sources, uint32_t count,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;

/* Live state of a worker over all phases: one writer (the worker), any reader. What it says of a
 * phase is in the phase (load/phase.h). */
struct tkp_worker_stats {
    struct tkp_gauge issued;                /* requests taken up */
    struct tkp_gauge in_flight;             /* requests */
    struct tkp_gauge connect_errors_in_row; /* without one success in between */
    struct tkp_gauge tls_errors;            /* connections that TLS failed on */
    struct tkp_gauge retries;
    struct tkp_gauge clock_steps; /* of the wall clock, seen by the worker */
    struct tkp_gauge spun_ns;     /* time spent looking at the clock before due sends */
};

struct tkp_worker_shared {
    const struct tkp_plan *plan;
    const struct tkp_dataset *dataset;
    const struct tkp_instance *endpoint;
    const struct tkp_target *targets; /* one per URL */
    struct tkp_tls_context *tls;      /* NULL: no target is https */
    uint32_t worker_count;
    uint64_t run_seed;              /* new for each run: of the ids and salts of its requests */
    const struct tkp_target *proxy; /* between here and the targets, or NULL */
    bool kernel_clock;   /* the kernel stamps arrivals (receive_stamp.h), not the process */
    bool spins;          /* before a send that is due */
    const int32_t *cpus; /* worker i's, or -1; NULL: no worker is pinned */
    const struct tkp_flag *wants_events; /* raised while request events are to be put into the
                                            channels; NULL: never */
};

struct tkp_workers;

/* Memory of one request in flight before its answer begins, without the kernel's. */
uint64_t tkp_workers_stream_bytes(const struct tkp_instance *endpoint, bool uses_curl);

/* Creates worker_count workers and their threads, idle. channels[i] is worker i's. [main] */
tokperf_status tkp_workers_start(const struct tkp_worker_shared *shared,
                                 struct tkp_block_channel *const *channels,
                                 struct tkp_workers **workers,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* Begins a phase on all workers; it lives until tkp_phase_is_done(). The phase before it is sent
 * (tkp_phase_is_sent()) and may still be in flight, the one before that is done. [main] */
void tkp_workers_begin_phase(struct tkp_workers *workers, struct tkp_phase *phase);
/* An eventfd that becomes readable when a worker has sent all of a phase, and when it is done with
 * it; for the main loop's poll. */
int tkp_workers_news_fd(const struct tkp_workers *workers);
/* Makes it unreadable: call it before looking at the phases. */
void tkp_workers_take_news(const struct tkp_workers *workers);
/* Wakes all workers, so that they look at the phase's flags. */
void tkp_workers_wake(struct tkp_workers *workers);
const struct tkp_worker_stats *tkp_workers_stats(const struct tkp_workers *workers,
                                                 uint32_t worker);
/* CPU time that the busiest worker has used since the phase began, ns; for whatever phase. [main]
 */
uint64_t tkp_workers_busiest_ns(const struct tkp_workers *workers, const struct tkp_phase *phase);
/* Ends the threads (they must be idle or cancelled), closes every connection. */
void tkp_workers_stop(struct tkp_workers *workers);

#endif
