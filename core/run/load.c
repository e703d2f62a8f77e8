/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load, as the main thread sees it: begins each phase, waits for the workers, draws the live
 * line, and ends a run early when a signal comes or when it is hopeless.
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <run/interrupt.h>
#include <run/machine.h>
#include <stdlib.h>

enum {
    HEAD_START_MS = 20, /* all workers share a start that lies this far ahead (design) */
    LOOK_MS = 250,
    URLS_MAX_BYTES = 64 * 1024,
    MIN_SAMPLES = 10 /* of errors before a run is called hopeless: max(concurrency, 10) */
};

struct load_state {
    struct tkp_run *run;
    struct tkp_phase *phase;
    struct tkp_live_figures figures;
    struct tkp_phase_note before; /* totals when the phase began */
    struct tkp_machine machine;   /* when the phase began */
    uint64_t begin_ns;
};

static uint64_t sum(const struct tkp_run *run, size_t offset)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < run->plan->workers; i++) {
        const char *stats = (const char *)tkp_workers_stats(run->workers, i);
        total += tkp_gauge_get((const struct tkp_gauge *)(const void *)(stats + offset));
    }
    return total;
}

static uint64_t maximum(const struct tkp_run *run, size_t offset)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < run->plan->workers; i++) {
        const char *stats = (const char *)tkp_workers_stats(run->workers, i);
        uint64_t value = tkp_gauge_get((const struct tkp_gauge *)(const void *)(stats + offset));
        most = value > most ? value : most;
    }
    return most;
}
#define SUM(run, member)     sum(run, offsetof(struct tkp_worker_stats, member))
#define MAXIMUM(run, member) maximum(run, offsetof(struct tkp_worker_stats, member))

static void end_early(struct load_state *load, enum tkp_run_end why)
{
    if (load->run->end != TKP_RUN_COMPLETE)
        return;
    load->run->end = why;
    tkp_flag_raise(&load->phase->stop);
    tkp_flag_raise(&load->phase->cancel);
    tkp_workers_wake(load->run->workers);
}

static uint64_t patience(const struct tkp_phase_plan *phase)
{
    return phase->concurrency > MIN_SAMPLES ? phase->concurrency : MIN_SAMPLES;
}

/* "http://a:1, http://b:2"; the caller's buffer. */
static const char *name_urls(const struct tkp_run *run, struct tkp_buffer *out)
{
    for (uint32_t i = 0; i < run->plan->url_count; i++)
        tkp_buffer_printf(out, "%s%s", i ? ", " : "", run->urls[i].text);
    return tkp_buffer_text(out);
}

static void say_nobody_is_there(const struct tkp_run *run, uint64_t refused)
{
    struct tkp_buffer urls;
    const char *why = SUM(run, tls_errors) ? "does TLS fail? The failed requests say why"
                                           : "is the server running?";
    tkp_buffer_init(&urls, URLS_MAX_BYTES);
    tkp_log(TKP_LOG_ERROR, "%" PRIu64 " connections in a row to %s failed: %s", refused,
            name_urls(run, &urls), why);
    tkp_buffer_finish(&urls);
}

static void look_for_hopelessness(struct load_state *load)
{
    const struct tkp_plan *plan = load->run->plan;
    const struct tkp_live_figures *f = &load->figures;
    uint64_t limit = patience(load->phase->schedule.phase);
    uint64_t refused = SUM(load->run, connect_errors_in_row);
    if (load->run->end == TKP_RUN_COMPLETE && refused >= limit) {
        say_nobody_is_there(load->run, refused);
        end_early(load, TKP_RUN_HOPELESS);
    }
    uint64_t done = f->ok + f->errors;
    if (load->run->end != TKP_RUN_COMPLETE || done < limit ||
        (double)f->errors <= plan->failed_request_threshold * (double)done)
        return;
    tkp_log(TKP_LOG_ERROR,
            "%" PRIu64 " of %" PRIu64 " requests failed, more than --failed-request-threshold %g: "
            "the run ends here",
            f->errors, done, plan->failed_request_threshold);
    end_early(load, TKP_RUN_HOPELESS);
}

static void look(struct load_state *load)
{
    struct tkp_run *run = load->run;
    if (tkp_flag_is_raised(tkp_interrupt_flag()) && run->end == TKP_RUN_COMPLETE) {
        tkp_live_line_clear(&run->line);
        tkp_log(TKP_LOG_WARNING, "interrupted: what is in flight is cancelled and the results are "
                                 "written; a second signal ends at once");
        end_early(load, TKP_RUN_INTERRUPTED);
    }
    tkp_live_read(run->live, &load->figures);
    if (load->figures.phase != load->phase->schedule.phase_index)
        load->figures = (struct tkp_live_figures){.phase = load->phase->schedule.phase_index};
    look_for_hopelessness(load);
}

/* Until every worker is done with the phase. */
static void watch(struct load_state *load)
{
    struct tkp_run *run = load->run;
    struct pollfd fds[] = {{.fd = tkp_workers_done_fd(run->workers), .events = POLLIN},
                           {.fd = tkp_run_collectors_fd(run), .events = POLLIN},
                           {.fd = tkp_interrupt_fd(), .events = POLLIN}};
    while (!tkp_workers_phase_done(run->workers)) {
        /* Once the signal was seen its descriptor stays readable: look at the others only. */
        nfds_t watched = run->end == TKP_RUN_INTERRUPTED ? 2 : 3;
        if (poll(fds, watched, LOOK_MS) < 0 && errno != EINTR)
            tkp_log(TKP_LOG_ERROR, "poll failed in the controller");
        tkp_run_look_at_collectors(run);
        look(load);
        tkp_live_line_draw(&run->line, load->phase->schedule.phase, load->phase->schedule.start_ns,
                           SUM(run, in_flight), tkp_run_counted(run), &load->figures);
    }
}

/* Totals of all workers so far. */
static struct tkp_phase_note totals(const struct tkp_run *run, uint32_t phase)
{
    return (struct tkp_phase_note){
        .phase = phase,
        .unsent_turns = SUM(run, unsent_turns),
        .not_sent = SUM(run, slots_unused),
        .record_waits = SUM(run, record_wait_count),
        .record_wait_ns = SUM(run, record_waits_ns),
        .loop_lag_p99_ns = MAXIMUM(run, loop_lag_p99_ns),
        .plugin_call_max_ns = MAXIMUM(run, plugin_call_max_ns),
        .read_delay_p99_ns = MAXIMUM(run, read_delay_p99_ns),
        .unstamped_reads = SUM(run, unstamped_reads),
        .clock_steps = MAXIMUM(run, clock_steps), /* each worker sees each */
    };
}

static void read_machine(const struct tkp_run *run, struct tkp_machine *machine)
{
    struct tokperf_error error;
    if (tkp_machine_read(run->plan->host_root, machine, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_DEBUG, "CPU steal is not known: %s", error.message);
}

/* What the machine did since the phase began. Counts of a CPU that went away may go down. */
static void note_machine(const struct load_state *load, struct tkp_phase_note *note)
{
    const struct tkp_machine *begin = &load->machine;
    struct tkp_machine end;
    note->worker_cpu_ns = tkp_workers_busiest_ns(load->run->workers);
    note->length_ns = tkp_clock_now_ns() - load->begin_ns;
    read_machine(load->run, &end);
    note->cpus = end.cpus;
    note->load_milli = end.load_milli > begin->load_milli ? end.load_milli : begin->load_milli;
    if (!begin->cpu_ticks || end.cpu_ticks < begin->cpu_ticks ||
        end.steal_ticks < begin->steal_ticks)
        return;
    note->cpu_ticks = end.cpu_ticks - begin->cpu_ticks;
    note->steal_ticks = end.steal_ticks - begin->steal_ticks;
}

static void note_phase(struct load_state *load)
{
    struct tkp_run *run = load->run;
    struct tkp_phase_note note = totals(run, load->phase->schedule.phase_index);
    note.unsent_turns -= load->before.unsent_turns;
    note.not_sent -= load->before.not_sent;
    note.record_waits -= load->before.record_waits;
    note.record_wait_ns -= load->before.record_wait_ns;
    note.unstamped_reads -= load->before.unstamped_reads;
    note.clock_steps -= load->before.clock_steps;
    note_machine(load, &note);
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    tkp_phase_note_write(&note, &json);
    tkp_recorder_note(run->recorder, TKP_LOG_PHASE, tkp_buffer_span(&json));
    tkp_recorder_sync(run->recorder);
    tkp_summarizer_phase_note(run->summarizer, &note);
    tkp_run_publish_phase_ended(run, &note);
    tkp_buffer_finish(&json);
}

/* Runs one phase; returns the draw with which the next one goes on. */
static uint64_t run_phase(struct tkp_run *run, struct tkp_phase *phase, uint32_t index,
                          uint64_t first_draw)
{
    struct load_state load = {.run = run, .phase = phase, .before = totals(run, index)};
    run->load_began = true;
    read_machine(run, &load.machine);
    load.begin_ns = tkp_clock_now_ns();
    struct tkp_schedule schedule = {
        .phase = &run->plan->phases[index],
        .dataset = run->dataset,
        .seed = run->plan->seed,
        .phase_index = index,
        .url_count = run->plan->url_count,
        .first_draw = first_draw,
        .start_ns = load.begin_ns + HEAD_START_MS * TKP_NS_PER_MS,
    };
    tkp_phase_init(phase, &schedule, run->plan->workers);
    tkp_run_publish_phase_begun(run, index, schedule.start_ns);
    tkp_log(TKP_LOG_DEBUG, "phase %s begins", schedule.phase->name);
    tkp_workers_begin_phase(run->workers, phase);
    watch(&load);
    tkp_live_line_clear(&run->line);
    note_phase(&load);
    tkp_log(TKP_LOG_DEBUG, "phase %s ended", schedule.phase->name);
    return first_draw + tkp_schedule_count(&schedule, tkp_ticket_peek(&phase->next_ordinal));
}

tokperf_status tkp_run_load(struct tkp_run *run, struct tokperf_error *error)
{
    struct tkp_phase *phase = aligned_alloc(_Alignof(struct tkp_phase), sizeof *phase);
    if (!phase)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the phase");
    uint64_t draw = 0;
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < run->plan->phase_count && run->end == TKP_RUN_COMPLETE; i++) {
        tkp_live_line_init(&run->line, run->plan);
        status = tkp_run_start_profiler(run, &run->plan->phases[i], error);
        if (status != TOKPERF_OK)
            break;
        if (tkp_run_gate(run, i, TKP_GATE_START)) {
            draw = run_phase(run, phase, i, draw);
            (void)tkp_run_gate(run, i, TKP_GATE_END);
        } else {
            run->end = TKP_RUN_INTERRUPTED;
        }
        tkp_run_stop_profiler(run, &run->plan->phases[i]);
    }
    tkp_workers_stop(run->workers);
    run->workers = NULL;
    tkp_run_finish_collectors(run);
    tkp_run_stop_recorder(run);
    free(phase);
    return status;
}

void tkp_run_stop_recorder(struct tkp_run *run)
{
    struct tkp_stop_note note = {.end_realtime_ns = tkp_clock_realtime_ns(),
                                 .interrupted = run->end == TKP_RUN_INTERRUPTED,
                                 .ended_early = run->end == TKP_RUN_HOPELESS};
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    tkp_stop_note_write(&note, &json);
    tkp_recorder_note(run->recorder, TKP_LOG_STOP, tkp_buffer_span(&json));
    tkp_buffer_finish(&json);
    if (run->summarizer)
        tkp_summarizer_stop_note(run->summarizer, &note);
    if (tkp_recorder_stop(run->recorder, &run->log_error) != TOKPERF_OK)
        tkp_log(TKP_LOG_ERROR, "%s", run->log_error.message);
    run->recorder = NULL;
}
