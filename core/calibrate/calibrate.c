/* SPDX-License-Identifier: Apache-2.0 */
/* See calibrate.h. */
#include <calibrate/calibrate.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/text.h>
#include <calibrate/step.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    SEARCHES = 1 + TKP_CALIBRATION_SHAPES,
    DESCRIPTOR_RESERVE = 224, /* of profile beside its connections, by core/run/limits.h */
    CAP = 512,                /* requests in flight in open loop; an answer takes under 1 ms */
    STREAMS_MOST = 16384,     /* one source address has 28,232 ports to one destination */
    RATE_MOST = 262144,
    RAMP = 4,         /* each level against the one before, until one breaks */
    THREADS_MOST = 32 /* of load and server each, as profile's default */
};
/* A step is begun when this many times the length of the last one is left. */
#define STEP_SPARE 1.1

struct plan {
    const char *what;
    struct tkp_step_shape shape;
    double first, last;
    uint32_t bisections;
    uint64_t budget_ms;
};

static const struct plan thorough[SEARCHES] = {
    {.what = "requests/s",
     .shape = {.chunks = 1, .warmup_ms = 200, .duration_ms = 1000},
     .first = 250,
     .last = RATE_MOST,
     .bisections = 4,
     .budget_ms = 25000},
    {.what = "streams of 50 events/s",
     .shape = {.streams = true, .chunks = 20, .gap_ms = 20, .warmup_ms = 400, .duration_ms = 1600},
     .first = 16,
     .last = STREAMS_MOST,
     .bisections = 3,
     .budget_ms = 34000},
    {.what = "streams of 500 events/s",
     .shape = {.streams = true, .chunks = 20, .gap_ms = 2, .warmup_ms = 200, .duration_ms = 1000},
     .first = 4,
     .last = STREAMS_MOST,
     .bisections = 3,
     .budget_ms = 25000},
};
static const struct plan quick[SEARCHES] = {
    {.what = "requests/s",
     .shape = {.chunks = 1, .warmup_ms = 100, .duration_ms = 400},
     .first = 500,
     .last = RATE_MOST,
     .bisections = 2,
     .budget_ms = 5000},
    {.what = "streams of 50 events/s",
     .shape = {.streams = true, .chunks = 10, .gap_ms = 20, .warmup_ms = 200, .duration_ms = 500},
     .first = 32,
     .last = STREAMS_MOST,
     .bisections = 2,
     .budget_ms = 7000},
    {.what = "streams of 500 events/s",
     .shape = {.streams = true, .chunks = 10, .gap_ms = 2, .warmup_ms = 100, .duration_ms = 300},
     .first = 8,
     .last = STREAMS_MOST,
     .bisections = 2,
     .budget_ms = 5000},
};

/* One search under way. */
struct progress {
    const struct tkp_stepper *stepper;
    const struct plan *plan;
    struct tkp_calibration *calibration;
    struct tkp_calibrated_level *level;
    uint64_t deadline_ns, last_step_ns;
};

static void keep(struct progress *p, double level, const struct tkp_step_result *found)
{
    p->level->level = level;
    p->level->achieved = found->achieved;
    p->level->ttft = found->ttft;
    p->level->stamp = found->stamp;
    p->level->itl = found->itl;
}

static void tell(const struct progress *p, double level, const struct tkp_step_result *found)
{
    static const char *const names[] = {[TKP_STEP_HELD] = "held",
                                        [TKP_STEP_ERROR] = "over the bound",
                                        [TKP_STEP_SLOW] = "not reached"};
    tkp_log(TKP_LOG_INFO,
            "%.0f %s: %s; p99 in us: added TTFT %.1f, stamp %.1f, ITL %.1f (%" PRIu64 " requests)",
            level, p->plan->what, names[found->outcome], found->ttft.p99_us, found->stamp.p99_us,
            found->itl.p99_us, found->ttft.samples);
}

static tokperf_status step(void *context, double level, enum tkp_step_outcome *outcome,
                           struct tokperf_error *error)
{
    struct progress *p = context;
    struct tkp_step_result found;
    uint64_t began_ns = tkp_clock_now_ns();
    *outcome = TKP_STEP_NO_TIME;
    if (began_ns + (uint64_t)(STEP_SPARE * (double)p->last_step_ns) > p->deadline_ns)
        return TOKPERF_OK;
    tokperf_status status = tkp_step_run(p->stepper, &p->plan->shape, level, &found, error);
    p->last_step_ns = tkp_clock_now_ns() - began_ns;
    /* What worked below and does not here is a limit of the machine: descriptors, memory, time. A
     * machine that stands still has no time at any level. */
    if (status == TOKPERF_E_TIMEOUT || (status == TOKPERF_E_UNSUPPORTED && p->level->level > 0)) {
        tkp_log(TKP_LOG_INFO, "%.0f %s: %s", level, p->plan->what, error->message);
        *outcome = TKP_STEP_SLOW;
        return TOKPERF_OK;
    }
    if (status != TOKPERF_OK)
        return status;
    tell(p, level, &found);
    tkp_text_copy(p->calibration->receive_clock, sizeof p->calibration->receive_clock,
                  tkp_span(found.receive_clock));
    if (found.outcome == TKP_STEP_HELD)
        keep(p, level, &found);
    *outcome = found.outcome;
    return TOKPERF_OK;
}

/* The connections that fit the hard limit of descriptors, up to `most`. */
static double most_connections(double most)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max == RLIM_INFINITY)
        return most;
    double room = (double)limit.rlim_max - DESCRIPTOR_RESERVE;
    if (room < 1)
        room = 1;
    return room < most ? room : most;
}

static tokperf_status search(const struct tkp_stepper *stepper, const struct plan *plan,
                             struct tkp_calibration *calibration,
                             struct tkp_calibrated_level *level, struct tokperf_error *error)
{
    struct progress progress = {
        .stepper = stepper,
        .plan = plan,
        .calibration = calibration,
        .level = level,
        .deadline_ns = tkp_clock_now_ns() + plan->budget_ms * TKP_NS_PER_MS,
    };
    double last = plan->shape.streams ? most_connections(plan->last) : plan->last;
    struct tkp_search inputs = {
        .first = plan->first < last ? plan->first : last,
        .last = last,
        .factor = RAMP,
        .bisections = plan->bisections,
        .context = &progress,
        .step = step,
    };
    struct tkp_search_result result;
    tokperf_status status = tkp_search_run(&inputs, &result, error);
    level->by = result.by;
    level->steps = result.steps;
    if (plan->shape.streams)
        level->events_per_s_per_stream = 1000 / plan->shape.gap_ms;
    return status;
}

static uint32_t thread_count(uint64_t cores)
{
    uint64_t most = cores < THREADS_MOST ? cores : THREADS_MOST;
    return most ? (uint32_t)most : 1;
}

tokperf_status tkp_calibrate(const struct tkp_calibrate_options *options, struct tkp_calibration *c,
                             struct tokperf_error *error)
{
    struct tkp_scratch scratch = {.path = ""};
    *c = (struct tkp_calibration){.created_realtime_ns = tkp_clock_realtime_ns(),
                                  .bound_ms = options->bound_ms,
                                  .quick = options->quick};
    tkp_calibrated_host_read(&c->host);
    if (getloadavg(&c->load_average, 1) != 1)
        c->load_average = 0;
    /* Half of the cores load, the others serve. */
    c->workers = thread_count(c->host.cores / 2);
    struct tkp_stepper stepper = {
        .environment = options->environment,
        .cancel = options->cancel,
        .scratch = &scratch,
        .workers = c->workers,
        .mock_threads = thread_count(c->host.cores - c->host.cores / 2),
        .cap = (uint32_t)most_connections(CAP),
        .bound_ms = options->bound_ms,
    };
    const struct plan *plans = options->quick ? quick : thorough;
    struct tkp_calibrated_level *levels[SEARCHES] = {&c->requests, &c->streams[0], &c->streams[1]};
    tokperf_status status = tkp_scratch_create(options->environment, &scratch, error);
    for (int i = 0; status == TOKPERF_OK && i < SEARCHES; i++)
        status = search(&stepper, &plans[i], c, levels[i], error);
    tkp_scratch_remove(&scratch);
    return status;
}
