/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load, as the main thread sees it: phase after phase, each begun when the ones before it are
 * far enough, watched, and noted in the record log when it is done. A run ends early when a signal
 * comes or when it is hopeless.
 *
 * A seamless phase begins once the one before it has sent everything, while its last requests are
 * in flight. Phases that overlap this way are a chain: what is done around phases, outside of the
 * load, is done around the chain.
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <poll.h>
#include <run/hopeless.h>
#include <run/interrupt.h>
#include <run/phase_run.h>
#include <stdlib.h>

enum { LOOK_MS = 250, OVERLAP = 2 /* phases at a time, at the most */ };

struct load {
    struct tkp_run *run;
    uint32_t begun, ended;                 /* phases so far; [ended, begun) are there */
    struct tkp_phase_run *phases;          /* OVERLAP of them, phase i at i % OVERLAP */
    bool is_open;                          /* a chain: its first gate is passed, its last is not */
    const struct tkp_phase_plan *profiled; /* the servers' profilers run since before it; or NULL */
    struct tkp_live_figures figures;       /* of the newest phase */
};

enum until { UNTIL_SENT, UNTIL_DONE };

static struct tkp_phase_run *phase_at(const struct load *load, uint32_t index)
{
    return &load->phases[index % OVERLAP];
}

static const struct tkp_phase *newest(const struct load *load)
{
    return &phase_at(load, load->begun - 1)->phase;
}

/* ---- an early end ---- */

static void cancel(struct load *load)
{
    for (uint32_t i = load->ended; i < load->begun; i++) {
        tkp_flag_raise(&phase_at(load, i)->phase.stop);
        tkp_flag_raise(&phase_at(load, i)->phase.cancel);
    }
    tkp_workers_wake(load->run->workers);
}

static void end_early(struct load *load, enum tkp_run_end why)
{
    load->run->end = why;
    cancel(load);
}

static void read_figures(struct load *load)
{
    uint32_t index = load->begun - 1;
    tkp_live_read(load->run->live, &load->figures);
    if (load->figures.phase != index)
        load->figures = tkp_live_nothing(index);
}

static void look(struct load *load)
{
    struct tkp_run *run = load->run;
    read_figures(load);
    if (run->end != TKP_RUN_COMPLETE)
        return;
    if (tkp_flag_is_raised(tkp_interrupt_flag())) {
        tkp_live_line_clear(&run->line);
        tkp_log(TKP_LOG_WARNING, "interrupted: what is in flight is cancelled and the results are "
                                 "written; a second signal ends at once");
        end_early(load, TKP_RUN_INTERRUPTED);
    } else if (tkp_run_is_hopeless(run, newest(load)->schedule.phase, &load->figures)) {
        end_early(load, TKP_RUN_HOPELESS);
    }
}

/* ---- watching ---- */

static void wait_for_news(const struct load *load)
{
    const struct tkp_run *run = load->run;
    struct pollfd fds[] = {{.fd = tkp_workers_news_fd(run->workers), .events = POLLIN},
                           {.fd = tkp_run_collectors_fd(run), .events = POLLIN},
                           {.fd = tkp_interrupt_fd(), .events = POLLIN}};
    /* What ends early is not ended by a signal as well, whose descriptor would stay readable. */
    nfds_t watched = run->end == TKP_RUN_COMPLETE ? 3 : 2;
    if (poll(fds, watched, LOOK_MS) < 0 && errno != EINTR)
        tkp_log(TKP_LOG_ERROR, "poll failed in the controller");
    tkp_workers_take_news(run->workers);
}

/* On the live line, and for snapshots. */
static void show(struct load *load)
{
    struct tkp_run *run = load->run;
    const struct tkp_schedule *schedule = &newest(load)->schedule;
    struct tkp_phase_note so_far = tkp_phase_run_so_far(phase_at(load, load->begun - 1));
    uint64_t in_flight = 0;
    for (uint32_t i = 0; i < run->plan->workers; i++)
        in_flight += tkp_gauge_get(&tkp_workers_stats(run->workers, i)->in_flight);
    tkp_snapshots_note(run->snapshots, &so_far, in_flight);
    tkp_live_line_draw(&run->line, schedule->phase, schedule->start_ns, in_flight,
                       tkp_run_counted(run), &load->figures);
}

/* In the order of the phases, whichever is done first. */
static void end_done_phases(struct load *load)
{
    while (load->ended < load->begun && tkp_phase_is_done(&phase_at(load, load->ended)->phase)) {
        tkp_phase_run_note(phase_at(load, load->ended), load->run);
        load->ended++;
    }
}

/* Whether all phases are done, or all but the newest, which is sent. */
static bool is_far_enough(const struct load *load, enum until until)
{
    uint32_t left = load->begun - load->ended;
    return left == 0 || (until == UNTIL_SENT && left == 1 && tkp_phase_is_sent(newest(load)));
}

static void watch(struct load *load, enum until until)
{
    tkp_live_line_init(&load->run->line, load->run->plan);
    for (end_done_phases(load); !is_far_enough(load, until); end_done_phases(load)) {
        wait_for_news(load);
        tkp_run_look_at_collectors(load->run);
        look(load);
        tkp_phase_run_follow(phase_at(load, load->begun - 1));
        show(load);
    }
    if (load->begun)
        show(load); /* nothing in flight, however long it is until the next phase */
    tkp_live_line_clear(&load->run->line);
}

/* ---- phase after phase ---- */

/* Does what is due before the first request of a chain. */
static void open_chain(struct load *load, uint32_t index)
{
    load->is_open = tkp_run_gate(load->run, index, TKP_GATE_START);
    if (!load->is_open)
        load->run->end = TKP_RUN_INTERRUPTED;
}

/* Waits for the last answer of the chain and does what is due behind it. */
static void close_chain(struct load *load)
{
    watch(load, UNTIL_DONE);
    if (load->is_open)
        (void)tkp_run_gate(load->run, load->begun - 1, TKP_GATE_END);
    load->is_open = false;
    if (load->profiled)
        tkp_run_stop_profiler(load->run, load->profiled);
    load->profiled = NULL;
}

/* Before the first phase of the chain that is no warm-up. */
static tokperf_status start_profiler(struct load *load, uint32_t index, struct tokperf_error *error)
{
    const struct tkp_phase_plan *phase = &load->run->plan->phases[index];
    if (load->profiled || phase->is_warmup)
        return TOKPERF_OK;
    tokperf_status status = tkp_run_start_profiler(load->run, phase, error);
    load->profiled = status == TOKPERF_OK ? phase : NULL;
    return status;
}

/* Begins a phase as soon as it may, unless the run ends before. */
static tokperf_status begin_phase(struct load *load, uint32_t index, struct tokperf_error *error)
{
    struct tkp_run *run = load->run;
    bool joins = index && run->plan->phases[index].is_seamless;
    if (joins)
        watch(load, UNTIL_SENT);
    else
        close_chain(load);
    if (run->end != TKP_RUN_COMPLETE)
        return TOKPERF_OK;
    tokperf_status status = start_profiler(load, index, error);
    if (status == TOKPERF_OK && !joins)
        open_chain(load, index);
    if (status != TOKPERF_OK || run->end != TKP_RUN_COMPLETE)
        return status;
    uint64_t draw = index ? tkp_phase_run_next_draw(phase_at(load, index - 1)) : 0;
    tkp_phase_run_begin(phase_at(load, index), run, index, draw, joins);
    load->begun++;
    return TOKPERF_OK;
}

static tokperf_status run_phases(struct load *load, struct tokperf_error *error)
{
    const struct tkp_run *run = load->run;
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0;
         i < run->plan->phase_count && run->end == TKP_RUN_COMPLETE && status == TOKPERF_OK; i++)
        status = begin_phase(load, i, error);
    if (status != TOKPERF_OK)
        cancel(load);
    close_chain(load);
    return status;
}

tokperf_status tkp_run_load(struct tkp_run *run, struct tokperf_error *error)
{
    size_t bytes = OVERLAP * sizeof(struct tkp_phase_run);
    struct load load = {.run = run};
    load.phases = aligned_alloc(_Alignof(struct tkp_phase_run), bytes);
    if (!load.phases)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the phases");
    tkp_run_await_collectors(run);
    tokperf_status status = run_phases(&load, error);
    tkp_workers_stop(run->workers);
    run->workers = NULL;
    tkp_run_finish_collectors(run);
    tkp_run_stop_recorder(run);
    tkp_snapshots_drain(run->snapshots);
    free(load.phases);
    return status;
}

void tkp_run_stop_recorder(struct tkp_run *run)
{
    run->stop = (struct tkp_stop_note){.end_realtime_ns = tkp_clock_realtime_ns(),
                                       .interrupted = run->end == TKP_RUN_INTERRUPTED,
                                       .ended_early = run->end == TKP_RUN_HOPELESS};
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    tkp_stop_note_write(&run->stop, &json);
    tkp_recorder_note(run->recorder, TKP_LOG_STOP, tkp_buffer_span(&json));
    tkp_buffer_finish(&json);
    if (run->summarizer)
        tkp_summarizer_stop_note(run->summarizer, &run->stop);
    if (tkp_recorder_stop(run->recorder, &run->log_error) != TOKPERF_OK)
        tkp_log(TKP_LOG_ERROR, "%s", run->log_error.message);
    run->recorder = NULL;
}
