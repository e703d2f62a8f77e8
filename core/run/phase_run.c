/* SPDX-License-Identifier: Apache-2.0 */
/* See phase_run.h. */
#include <run/phase_run.h>

#include <base/clock.h>
#include <base/error.h>

enum {
    HEAD_START_MS = 20, /* all workers share a start that lies this far ahead (design) */
    JOIN_START_MS = 5   /* that of workers which are at work: they look more often than that */
};

/* ---- begin ---- */

/* Each worker sees each. */
static uint64_t clock_steps(const struct tkp_run *run)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < run->plan->workers; i++) {
        uint64_t steps = tkp_gauge_get(&tkp_workers_stats(run->workers, i)->clock_steps);
        most = steps > most ? steps : most;
    }
    return most;
}

static void read_machine(const struct tkp_run *run, struct tkp_machine *machine)
{
    struct tokperf_error error;
    if (tkp_machine_read(run->plan->host_root, machine, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_DEBUG, "CPU steal is not known: %s", error.message);
}

void tkp_phase_run_begin(struct tkp_phase_run *phase_run, struct tkp_run *run, uint32_t index,
                         uint64_t first_draw, bool joins)
{
    const struct tkp_plan *plan = run->plan;
    run->load_began = true;
    tkp_snapshots_live(run->snapshots, index);
    read_machine(run, &phase_run->machine);
    phase_run->clock_steps = clock_steps(run);
    phase_run->begin_ns = tkp_clock_now_ns();
    uint64_t head_start_ms = joins ? JOIN_START_MS : HEAD_START_MS;
    struct tkp_schedule schedule = {
        .phase = &plan->phases[index],
        .dataset = run->dataset,
        .seed = plan->seed,
        .phase_index = index,
        .url_count = plan->url_count,
        .first_draw = first_draw,
        .start_ns = phase_run->begin_ns + head_start_ms * TKP_NS_PER_MS,
    };
    tkp_phase_init(&phase_run->phase, &schedule, plan->workers);
    phase_run->phase.is_followed =
        index + 1 < plan->phase_count && plan->phases[index + 1].is_seamless;
    tkp_schedule_cursor_init(&phase_run->draws, &phase_run->phase.schedule);
    phase_run->drawn = 0;
    tkp_run_publish_phase_begun(run, index, schedule.start_ns);
    tkp_log(TKP_LOG_DEBUG, "phase %s begins", schedule.phase->name);
    tkp_workers_begin_phase(run->workers, &phase_run->phase);
}

/* Workers ask for more than there is. */
static void count_draws(struct tkp_phase_run *phase_run)
{
    uint64_t asked = tkp_ticket_peek(&phase_run->phase.next_ordinal);
    phase_run->drawn = tkp_schedule_count(&phase_run->draws, phase_run->drawn, asked);
}

void tkp_phase_run_follow(struct tkp_phase_run *phase_run)
{
    if (phase_run->phase.is_followed)
        count_draws(phase_run);
}

uint64_t tkp_phase_run_next_draw(struct tkp_phase_run *phase_run)
{
    count_draws(phase_run);
    return phase_run->phase.schedule.first_draw + phase_run->drawn;
}

/* ---- the note ---- */

static uint64_t value(const struct tkp_phase_part *part, size_t offset)
{
    return tkp_gauge_get((const struct tkp_gauge *)(const void *)((const char *)part + offset));
}

static uint64_t sum(const struct tkp_phase *phase, size_t offset)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < phase->workers; i++)
        total += value(&phase->parts[i], offset);
    return total;
}

static uint64_t maximum(const struct tkp_phase *phase, size_t offset)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < phase->workers; i++) {
        uint64_t one = value(&phase->parts[i], offset);
        most = one > most ? one : most;
    }
    return most;
}
#define SUM(phase, member)     sum(phase, offsetof(struct tkp_phase_part, member))
#define MAXIMUM(phase, member) maximum(phase, offsetof(struct tkp_phase_part, member))

struct tkp_phase_note tkp_phase_run_so_far(const struct tkp_phase_run *phase_run)
{
    const struct tkp_phase *phase = &phase_run->phase;
    return (struct tkp_phase_note){
        .phase = phase->schedule.phase_index,
        .unsent_turns = SUM(phase, unsent_turns),
        .not_sent = SUM(phase, slots_unused),
        .record_waits = SUM(phase, record_wait_count),
        .record_wait_ns = SUM(phase, record_waits_ns),
        .loop_lag_p99_ns = MAXIMUM(phase, loop_lag_p99_ns),
        .plugin_call_max_ns = MAXIMUM(phase, plugin_call_max_ns),
        .read_delay_p99_ns = MAXIMUM(phase, read_delay_p99_ns),
        .unstamped_reads = SUM(phase, unstamped_reads),
    };
}

/* What the machine did since the phase began. Counts of a CPU that went away may go down. */
static void note_machine(const struct tkp_phase_run *phase_run, const struct tkp_run *run,
                         struct tkp_phase_note *note)
{
    const struct tkp_machine *begin = &phase_run->machine;
    struct tkp_machine end;
    note->clock_steps = clock_steps(run) - phase_run->clock_steps;
    note->worker_cpu_ns = tkp_workers_busiest_ns(run->workers, &phase_run->phase);
    note->length_ns = tkp_clock_now_ns() - phase_run->begin_ns;
    read_machine(run, &end);
    note->cpus = end.cpus;
    note->load_milli = end.load_milli > begin->load_milli ? end.load_milli : begin->load_milli;
    if (!begin->cpu_ticks || end.cpu_ticks < begin->cpu_ticks ||
        end.steal_ticks < begin->steal_ticks)
        return;
    note->cpu_ticks = end.cpu_ticks - begin->cpu_ticks;
    note->steal_ticks = end.steal_ticks - begin->steal_ticks;
}

void tkp_phase_run_note(const struct tkp_phase_run *phase_run, struct tkp_run *run)
{
    struct tkp_phase_note note = tkp_phase_run_so_far(phase_run);
    note_machine(phase_run, run, &note);
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    tkp_phase_note_write(&note, &json);
    tkp_recorder_note(run->recorder, TKP_LOG_PHASE, tkp_buffer_span(&json));
    tkp_recorder_sync(run->recorder);
    tkp_summarizer_phase_note(run->summarizer, &note);
    tkp_run_publish_phase_ended(run, &note);
    tkp_buffer_finish(&json);
    tkp_log(TKP_LOG_DEBUG, "phase %s ended", phase_run->phase.schedule.phase->name);
}
