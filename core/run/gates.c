/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collectors beside a run: when they start and are waited for, the gates at the ends of a
 * phase, the results that they owe; and how that gets into the record log and the summary. Nothing
 * of it ends a run: what fails is a warning and in the result. [main]
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/rng.h>
#include <base/secrets.h>
#include <base/text.h>
#include <config/redact.h>
#include <poll.h>
#include <run/interrupt.h>

enum {
    LOOK_MS = 250,
    INTERRUPTED_RESULTS_MS = 2000, /* instead of TKP_COLLECTORS_RESULTS_MS after a signal */
    NOTE_BYTES = 64 * 1024,
    COMMAND_BYTES = 4096, /* of a note; a longer one is cut */
    NAMES_BYTES = 1024
};

static bool is_interrupted(void)
{
    return tkp_flag_is_raised(tkp_interrupt_flag());
}

tokperf_status tkp_run_start_collectors(struct tkp_run *run, struct tokperf_error *error)
{
    if (!run->plan->collector_count)
        return TOKPERF_OK;
    return tkp_collectors_start(run->plan->collectors, run->plan->collector_count, &run->collectors,
                                error);
}

void tkp_run_open_collectors(struct tkp_run *run)
{
    struct tokperf_error error;
    if (!run->collectors)
        return;
    bool has_folder = run->bus && run->bus_folder.path[0];
    if (has_folder)
        tkp_bus_folder_address(&run->bus_folder, TKP_BUS_CONTROL, run->control_address);
    const struct tkp_collectors_run told = {
        .bus = has_folder ? run->bus : NULL,
        .control = run->control_address,
        .events = has_folder && run->publisher ? run->events_address : "",
        .benchmark_id = run->benchmark_id,
        .artifact_dir = run->dir.path};
    tkp_collectors_open(run->collectors, &told);
    if (has_folder && tkp_run_write_run_file(run, 0, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_DEBUG, "run.json does not name the control address: %s", error.message);
}

int tkp_run_collectors_fd(const struct tkp_run *run)
{
    return run->collectors ? tkp_collectors_fd(run->collectors) : -1;
}

void tkp_run_look_at_collectors(struct tkp_run *run)
{
    if (run->collectors)
        tkp_collectors_look(run->collectors);
}

/* Said when it is seen, though a bound may still be waited for. */
static void take_interruption(struct tkp_run *run)
{
    if (!is_interrupted() || run->end != TKP_RUN_COMPLETE)
        return;
    run->end = TKP_RUN_INTERRUPTED;
    tkp_log(TKP_LOG_WARNING, "interrupted: the results are written; a second signal ends at once");
}

/* Waits for news of the collectors or a signal, once, and takes notice. limit_ns: of the wait;
 * what: is shown when nothing comes soon. */
static void wait_for_news(struct tkp_run *run, uint64_t limit_ns, const char *what)
{
    struct pollfd fds[2] = {{.fd = tkp_run_collectors_fd(run), .events = POLLIN},
                            {.fd = tkp_interrupt_fd(), .events = POLLIN}};
    uint64_t now_ns = tkp_clock_now_ns();
    uint64_t left_ms = now_ns < limit_ns ? (limit_ns - now_ns) / TKP_NS_PER_MS + 1 : 0;
    /* After the signal its descriptor stays readable. */
    if (poll(fds, is_interrupted() ? 1 : 2, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) == 0)
        tkp_live_line_wait(&run->line, what);
    take_interruption(run);
    tkp_collectors_look(run->collectors);
}

/* ---- notes: into the record log, and the same into the summary ---- */

/* A collector may say the run's credentials back. */
static const char *hide_secrets(const char *text, char *out, size_t capacity)
{
    (void)tkp_secrets_copy(out, capacity, tkp_span(text));
    return out;
}

static void note_gate(struct tkp_run *run, struct tkp_gate_note note)
{
    char error[TKP_SERVICE_REASON_BYTES];
    struct tkp_buffer json;
    note.error = hide_secrets(note.error, error, sizeof error);
    tkp_buffer_init(&json, NOTE_BYTES);
    tkp_gate_note_write(&note, &json);
    if (!json.failed)
        tkp_recorder_note(run->recorder, TKP_LOG_GATE, tkp_buffer_span(&json));
    tkp_summarizer_gate_note(run->summarizer, &note);
    tkp_buffer_finish(&json);
}

static void note_collector(struct tkp_run *run, struct tkp_collector_note note)
{
    char error[TKP_SERVICE_REASON_BYTES], command[COMMAND_BYTES];
    struct tkp_buffer json;
    tkp_buffer_init(&json, NOTE_BYTES);
    tkp_redact_command(note.command, &json);
    note.command = hide_secrets(tkp_buffer_text(&json), command, sizeof command);
    note.error = hide_secrets(note.error, error, sizeof error);
    tkp_buffer_clear(&json);
    tkp_collector_note_write(&note, &json);
    if (!json.failed)
        tkp_recorder_note(run->recorder, TKP_LOG_COLLECTOR, tkp_buffer_span(&json));
    tkp_summarizer_collector_note(run->summarizer, &note);
    tkp_buffer_finish(&json);
}

static void note_collectors(struct tkp_run *run)
{
    const struct tkp_services *services = tkp_collectors_services(run->collectors);
    const struct tkp_completion *completion = tkp_collectors_completion(run->collectors);
    for (uint32_t i = 0; i < services->count; i++) {
        const struct tkp_service *service = &services->list[i];
        struct tkp_collector_note note = {.service = service->name,
                                          .command = tkp_collectors_command(run->collectors, i),
                                          .state = tkp_service_state_name(service->state),
                                          .error = service->reason,
                                          .domain = "",
                                          .is_baseline =
                                              service->capabilities & TKP_CAPABILITY_BASELINE};
        note_collector(run, note);
        for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++) {
            const struct tkp_result *result = &completion->results[i][domain];
            note.state = tkp_result_state_name(result->state);
            note.error = result->error;
            note.domain = tkp_domain_name((enum tkp_domain)domain);
            if (result->state != TKP_RESULT_NONE)
                note_collector(run, note);
        }
    }
}

/* ---- before the load, gates, and after the load ---- */

void tkp_run_await_collectors(struct tkp_run *run)
{
    if (!run->collectors)
        return;
    run->load_began = true; /* from here on the run's directory says what the collectors did */
    uint64_t limit_ns = tkp_clock_now_ns() + TKP_COLLECTORS_READY_MS * TKP_NS_PER_MS;
    tkp_collectors_look(run->collectors);
    tkp_live_line_init(&run->line, run->plan);
    while (!is_interrupted() && tkp_collectors_are_starting(run->collectors))
        wait_for_news(run, limit_ns, "waiting for collectors to be ready");
    tkp_live_line_clear(&run->line);
    note_collectors(run);
}

/* Of whoever did not succeed. That a collector is over was said when it happened. */
static void tell_gate(struct tkp_run *run, uint32_t phase)
{
    const struct tkp_gate *gate = tkp_collectors_gate(run->collectors);
    const struct tkp_services *services = tkp_collectors_services(run->collectors);
    struct tkp_gate_note note = {.service = "",
                                 .error = "",
                                 .phase = phase,
                                 .is_end = gate->kind == TKP_GATE_END,
                                 .asked = gate->asked,
                                 .acknowledged = gate->succeeded,
                                 .start_realtime_ns =
                                     gate->begin_ns + (uint64_t)run->facts.monotonic_to_realtime_ns,
                                 .duration_ns = gate->end_ns - gate->begin_ns};
    note_gate(run, note);
    for (uint32_t i = 0; i < services->count; i++) {
        enum tkp_gate_answer answer = gate->answers[i];
        if (answer == TKP_ANSWER_NONE || answer == TKP_ANSWER_SUCCESS)
            continue;
        note.service = services->list[i].name;
        note.error = gate->errors[i];
        note_gate(run, note);
        tkp_log(answer == TKP_ANSWER_OVER ? TKP_LOG_DEBUG : TKP_LOG_WARNING,
                "the collector '%s' has no reference sample %s phase %s: %s", note.service,
                note.is_end ? "after" : "before", run->plan->phases[phase].name, note.error);
    }
}

bool tkp_run_gate(struct tkp_run *run, uint32_t phase, enum tkp_gate_kind kind)
{
    struct tkp_collectors *collectors = run->collectors;
    uint64_t timeout_ns = run->plan->baseline_timeout_ns;
    char phase_id[TKP_PHASE_ID_BYTES];
    if (!collectors)
        return true;
    bool is_start = kind == TKP_GATE_START;
    if (timeout_ns && !(is_start && is_interrupted())) {
        tkp_rng_uuid(run->facts.id_seed, TKP_RNG_PHASE_ID, phase, phase_id);
        tkp_collectors_begin_gate(collectors, phase_id, run->plan->phases[phase].name, kind,
                                  timeout_ns);
        tkp_live_line_init(&run->line, run->plan);
        while (tkp_collectors_gate_waits(collectors)) {
            if (is_start && is_interrupted())
                tkp_collectors_give_up_gate(collectors, "the run was interrupted");
            else
                wait_for_news(run, tkp_collectors_gate(collectors)->deadline_ns,
                              "waiting for reference samples of collectors");
        }
        tkp_live_line_clear(&run->line);
        tell_gate(run, phase);
    }
    take_interruption(run);
    return !is_start || !is_interrupted();
}

/* What is missing, in one sentence. */
static void tell_results(const struct tkp_run *run)
{
    char names[NAMES_BYTES];
    const struct tkp_completion *completion = tkp_collectors_completion(run->collectors);
    if (tkp_completion_name(completion, tkp_collectors_services(run->collectors), false, names,
                            sizeof names))
        tkp_log(TKP_LOG_WARNING, "results of collectors are missing: %s", names);
}

void tkp_run_finish_collectors(struct tkp_run *run)
{
    struct tkp_collectors *collectors = run->collectors;
    if (!collectors)
        return;
    uint64_t timeout_ns = TKP_COLLECTORS_RESULTS_MS * TKP_NS_PER_MS;
    bool was_shortened = false;
    tkp_collectors_begin_finish(collectors, timeout_ns);
    tkp_live_line_init(&run->line, run->plan);
    while (tkp_collectors_finish_waits(collectors)) {
        if (is_interrupted() && !was_shortened) {
            tkp_collectors_begin_finish(collectors, INTERRUPTED_RESULTS_MS * TKP_NS_PER_MS);
            was_shortened = true;
        }
        wait_for_news(run, tkp_collectors_completion(collectors)->deadline_ns,
                      "waiting for results of collectors");
    }
    tkp_live_line_clear(&run->line);
    take_interruption(run);
    tell_results(run);
    tkp_collectors_end(collectors);
    note_collectors(run);
}
