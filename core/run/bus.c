/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run tells other programs while it goes: opens the bus, names its addresses in run.json,
 * publishes the session's and the phases' events, and closes it again, bounded. Nothing here ends
 * a run: without a bus nobody listens, and the results are the same.
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/json_write.h>
#include <base/text.h>
#include <inttypes.h>
#include <report/run_file.h>
#include <run/events_log.h>
#include <run/exit_code.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LINGER_MS = 2000,           /* at the end, for what was published */
    QUEUE_EVENTS = 64 * 1024,   /* of a topic, that wait to be sent */
    QUEUE_BATCHES_MIN = 64,     /* however large a batch is */
    PAYLOAD_MAX_BYTES = 1 << 20 /* of a session's or phase's event */
};

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

/* What became of a phase's requests. */
struct tkp_phase_tally {
    uint64_t ok, errors, cancelled;
};

struct payload {
    struct tkp_buffer text;
    struct tokperf_json_writer w;
};

static void put_count(struct payload *payload, const char *key, uint64_t value)
{
    json->key(&payload->w, tkp_span(key));
    json->integer(&payload->w, (int64_t)value);
}

static void put_flag(struct payload *payload, const char *key, bool value)
{
    json->key(&payload->w, tkp_span(key));
    json->boolean(&payload->w, value);
}

/* An object, which begins with the moment of the event. */
static void begin_payload(struct payload *payload)
{
    tkp_buffer_init(&payload->text, PAYLOAD_MAX_BYTES);
    struct tokperf_sink sink = tkp_buffer_sink(&payload->text);
    json->open(&payload->w, &sink, 0);
    json->object_begin(&payload->w);
    put_count(payload, "time_ns", tkp_clock_realtime_ns());
}

/* Publishes it behind everything that was handed over before, and at once. */
static void publish(struct tkp_run *run, enum tkp_topic topic, enum tkp_frame_kind kind,
                    struct payload *payload)
{
    struct tkp_buffer frame;
    json->object_end(&payload->w);
    tkp_buffer_init(&frame, PAYLOAD_MAX_BYTES + 4096);
    if (!payload->text.failed)
        tkp_frame_put(&frame, kind, payload->text.data, payload->text.len);
    if (frame.len && !frame.failed) {
        tkp_publisher_flush(run->publisher);
        tkp_publisher_put(run->publisher, topic, tkp_buffer_span(&frame), 1);
        tkp_publisher_flush(run->publisher);
    }
    tkp_buffer_finish(&frame);
    tkp_buffer_finish(&payload->text);
}

/* Into an object that is open. */
static void put_phase(const struct tkp_run *run, struct payload *payload, uint32_t index)
{
    const struct tkp_phase_plan *phase = &run->plan->phases[index];
    put_count(payload, "index", index);
    tkp_json_write_pair(&payload->w, "name", phase->name);
    tkp_json_write_pair(&payload->w, "kind", phase->is_warmup ? "warmup" : "profiling");
    put_flag(payload, "exclude_from_results", phase->exclude_from_results);
    put_flag(payload, "seamless", phase->is_seamless);
}

static void publish_session_started(struct tkp_run *run)
{
    const struct tkp_run_facts *facts = &run->facts;
    struct payload payload;
    begin_payload(&payload);
    tkp_json_write_pair(&payload.w, "benchmark_id", facts->benchmark_id);
    tkp_json_write_pair(&payload.w, "version", facts->version);
    tkp_json_write_pair(&payload.w, "model", facts->model);
    tkp_json_write_pair(&payload.w, "endpoint_type", facts->endpoint_type);
    put_count(&payload, "pid", (uint64_t)getpid());
    put_count(&payload, "start_realtime_ns", facts->start_realtime_ns);
    json->key(&payload.w, TOKPERF_SPAN("monotonic_to_realtime_ns"));
    json->integer(&payload.w, facts->monotonic_to_realtime_ns);
    tkp_json_write_pair(&payload.w, "artifact_dir", run->dir.path);
    json->key(&payload.w, TOKPERF_SPAN("phases"));
    json->array_begin(&payload.w);
    for (uint32_t i = 0; i < run->plan->phase_count; i++) {
        json->object_begin(&payload.w);
        put_phase(run, &payload, i);
        json->object_end(&payload.w);
    }
    json->array_end(&payload.w);
    publish(run, TKP_TOPIC_SESSION, TKP_FRAME_SESSION_STARTED, &payload);
}

void tkp_run_publish_phase_begun(struct tkp_run *run, uint32_t index, uint64_t start_ns)
{
    const struct tkp_phase_plan *phase = &run->plan->phases[index];
    struct payload payload;
    if (!run->publisher)
        return;
    begin_payload(&payload);
    put_phase(run, &payload, index);
    put_count(&payload, "start_ns", start_ns + (uint64_t)run->facts.monotonic_to_realtime_ns);
    if (phase->request_count)
        put_count(&payload, "request_count", phase->request_count);
    if (phase->session_count)
        put_count(&payload, "session_count", phase->session_count);
    if (phase->duration_ns)
        put_count(&payload, "duration_ns", phase->duration_ns);
    publish(run, TKP_TOPIC_PHASE, TKP_FRAME_PHASE_BEGUN, &payload);
}

void tkp_run_publish_phase_ended(struct tkp_run *run, const struct tkp_phase_note *note)
{
    struct payload payload;
    uint32_t index = (uint32_t)note->phase;
    if (!run->publisher)
        return;
    const struct tkp_phase_tally *tally = &run->tallies[index];
    begin_payload(&payload);
    put_phase(run, &payload, index);
    put_count(&payload, "ok", tally->ok);
    put_count(&payload, "errors", tally->errors);
    put_count(&payload, "cancelled", tally->cancelled);
    put_count(&payload, "not_sent", note->not_sent);
    put_count(&payload, "unsent_turns", note->unsent_turns);
    put_flag(&payload, "interrupted", run->end == TKP_RUN_INTERRUPTED);
    put_flag(&payload, "ended_early", run->end == TKP_RUN_HOPELESS);
    publish(run, TKP_TOPIC_PHASE, TKP_FRAME_PHASE_ENDED, &payload);
}

static const char *reason(const struct tkp_run *run, int code)
{
    if (code == TKP_EXIT_INTERRUPTED)
        return "a signal";
    if (run->failure)
        return run->failure;
    return code == TKP_EXIT_OK ? "every phase ended" : "a failure that the run's log names";
}

void tkp_run_publish_session_ended(struct tkp_run *run, int code)
{
    struct payload payload;
    if (!run->publisher)
        return;
    begin_payload(&payload);
    tkp_json_write_pair(&payload.w, "benchmark_id", run->benchmark_id);
    tkp_json_write_pair(&payload.w, "state",
                        code == TKP_EXIT_OK            ? "complete"
                        : code == TKP_EXIT_INTERRUPTED ? "interrupted"
                                                       : "failed");
    put_count(&payload, "exit_code", (uint64_t)code);
    tkp_json_write_pair(&payload.w, "reason", reason(run, code));
    publish(run, TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, &payload);
}

void tkp_run_tally_row(struct tkp_run *run, const struct tkp_row *row)
{
    if (!run->tallies || row->phase >= run->plan->phase_count)
        return;
    struct tkp_phase_tally *tally = &run->tallies[row->phase];
    tally->ok += row->outcome == TKP_OUTCOME_OK;
    tally->cancelled += row->outcome == TKP_OUTCOME_CANCELLED;
    tally->errors += tkp_outcome_is_error((enum tkp_outcome)row->outcome);
}

tokperf_status tkp_run_write_run_file(struct tkp_run *run, uint64_t end_ns,
                                      struct tokperf_error *error)
{
    bool is_named = run->publisher && run->bus_folder.path[0] && !end_ns;
    struct tkp_run_file file = {
        .benchmark_id = run->benchmark_id,
        .start_ns = run->facts.start_realtime_ns,
        .end_ns = end_ns,
        .monotonic_to_realtime_ns = run->facts.monotonic_to_realtime_ns,
        .events = is_named ? run->events_address : NULL,
        .control = is_named && run->control_address[0] ? run->control_address : NULL,
    };
    tkp_run_file_set_process(&file);
    for (; file.phase_count < run->plan->phase_count; file.phase_count++)
        file.phases[file.phase_count] = run->plan->phases[file.phase_count].name;
    return tkp_run_file_write(run->dir.path, &file, error);
}

/* Without a folder for sockets the run's own log of events can still listen. */
static tokperf_status choose_address(struct tkp_run *run, struct tokperf_error *error)
{
    tokperf_status status = tkp_bus_folder_make(&run->bus_folder, error);
    if (status == TOKPERF_OK)
        tkp_bus_folder_address(&run->bus_folder, TKP_BUS_EVENTS, run->events_address);
    if (status == TOKPERF_OK || !run->events_log)
        return status;
    tkp_log(TKP_LOG_WARNING, "no other program can follow this run: %s", error->message);
    tkp_text_copy(run->events_address, sizeof run->events_address, TOKPERF_SPAN("inproc://events"));
    return TOKPERF_OK;
}

static tokperf_status open_publisher(struct tkp_run *run, struct tokperf_error *error)
{
    uint32_t queue = QUEUE_EVENTS / run->plan->events_batch;
    struct tkp_publisher_options options = {
        .address = run->events_address,
        .batch_frames = run->plan->events_batch,
        .max_age_ns = TKP_PUBLISHER_MAX_AGE_MS * TKP_NS_PER_MS,
        .queue_batches = queue > QUEUE_BATCHES_MIN ? queue : QUEUE_BATCHES_MIN,
    };
    tokperf_status status = tkp_bus_create_on(run->cpus.recorder_cpu, &run->bus, error);
    if (status == TOKPERF_OK)
        status = choose_address(run, error);
    if (status == TOKPERF_OK)
        status = tkp_publisher_open(run->bus, &options, &run->publisher, error);
    return status;
}

static tokperf_status start_events_log(struct tkp_run *run, struct tokperf_error *error)
{
    const char **phases = tkp_arena_alloc(&run->arena, run->plan->phase_count * sizeof *phases);
    if (!phases)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the log of events");
    for (uint32_t i = 0; i < run->plan->phase_count; i++)
        phases[i] = run->plan->phases[i].name;
    struct tkp_event_context context = {run->facts.monotonic_to_realtime_ns, phases,
                                        run->plan->phase_count};
    return tkp_events_log_start(run->events_log, run->bus, run->events_address, run->publisher,
                                &context, error);
}

void tkp_run_open_bus(struct tkp_run *run)
{
    struct tokperf_error error;
    run->tallies = calloc(run->plan->phase_count, sizeof *run->tallies);
    tokperf_status status =
        run->tallies ? open_publisher(run, &error)
                     : tkp_fail(&error, TOKPERF_E_NO_MEMORY, "no memory for the run's events");
    if (status != TOKPERF_OK) {
        tkp_log(TKP_LOG_WARNING, "nobody can follow this run%s: %s",
                run->events_log ? ", and its log of events stays empty" : "", error.message);
        return;
    }
    if (run->events_log && start_events_log(run, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_WARNING, "the log of events stays empty: %s", error.message);
    if (tkp_run_write_run_file(run, 0, &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_WARNING, "nobody finds this run's events: %s", error.message);
    publish_session_started(run);
}

void tkp_run_close_bus(struct tkp_run *run)
{
    struct tkp_publisher_losses losses;
    struct tokperf_error error;
    bool log_has_ended = tkp_events_log_close(run->events_log, !run->load_began);
    /* Ahead of the linger, when the addresses go. Where it cannot be written, the process is gone
     * soon, and that is what readers look at. */
    if (run->tallies && tkp_run_write_run_file(run, tkp_clock_realtime_ns(), &error) != TOKPERF_OK)
        tkp_log(TKP_LOG_DEBUG, "run.json still names the run's addresses: %s", error.message);
    tkp_publisher_close(run->publisher, LINGER_MS, &losses);
    if (losses.unsent)
        tkp_log(TKP_LOG_WARNING, "%" PRIu64 " events of the run were not sent to those who listen",
                losses.unsent);
    if (losses.untaken && log_has_ended) /* else it is the log of events that took none */
        tkp_log(TKP_LOG_WARNING,
                "a program that listens to the run did not take its last %" PRIu64
                " events within %d s: it does not get all of them",
                losses.untaken, LINGER_MS / 1000);
    run->publisher = NULL;
    run->events_log = NULL;
    tkp_bus_folder_remove(&run->bus_folder);
    tkp_bus_destroy(run->bus);
    run->bus = NULL;
    free(run->tallies);
    run->tallies = NULL;
}
