/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the results of a run go: its directory, the record log and who follows it, opened before
 * the load and closed at the end. The recorder thread feeds the summary's first pass and the live
 * figures.
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/json_write.h>
#include <base/rng.h>
#include <base/version.h>
#include <run/events_log.h>
#include <run/machine.h>
#include <stdlib.h>

enum {
    BLOCKS_PER_WORKER = 64,       /* 4 MiB */
    SESSION_IDS_PER_BLOCK = 8192, /* of the record log */
    HEADER_MAX_BYTES = 8 * 1024 * 1024,
    TICK_MS = 250
};

static void on_row(void *context, const struct tkp_row *row, const uint64_t *chunk_ns,
                   uint32_t chunk_count)
{
    struct tkp_run *run = context;
    tkp_summarizer_row(run->summarizer, row, chunk_ns);
    tkp_live_row(run->live, row, chunk_ns, chunk_count);
    tkp_run_tally_row(run, row);
    tkp_sample_feed_row(&run->samples, row);
}

static void on_event(void *context, const struct tkp_request_event *event)
{
    struct tkp_run *run = context;
    tkp_sample_feed_event(&run->samples, event);
}

static void on_events_lost(void *context, uint64_t count)
{
    struct tkp_run *run = context;
    tkp_sample_feed_lost(&run->samples, count);
}

static void on_batch_end(void *context)
{
    struct tkp_run *run = context;
    tkp_sample_feed_put(&run->samples);
}

static void on_tick(void *context, uint64_t now_ns)
{
    struct tkp_run *run = context;
    tkp_snapshots_tick(run->snapshots, now_ns);
    if (now_ns < run->next_live_ns)
        return;
    tkp_live_tick(run->live, now_ns);
    if (run->tick_ns < TICK_MS * TKP_NS_PER_MS) /* else each tick is one of its */
        run->next_live_ns = tkp_clock_after_ns(now_ns, TICK_MS * TKP_NS_PER_MS);
}

static void fill_facts(struct tkp_run *run)
{
    const struct tkp_plan *plan = run->plan;
    struct tkp_machine_cpus cpus;
    tkp_machine_allowed(&cpus);
    tkp_machine_governors(plan->host_root, &cpus, run->governors, sizeof run->governors);
    uint64_t fresh = tkp_rng_fresh_seed();
    tkp_rng_uuid(fresh, TKP_RNG_MODEL, 0, run->benchmark_id);
    run->facts = (struct tkp_run_facts){
        .benchmark_id = run->benchmark_id,
        .version = TKP_VERSION,
        .model = run->model,
        .endpoint_type = plan->endpoint_type,
        .title = run->endpoint_info.title,
        .cli_command = plan->cli_command,
        .config_yaml = plan->config_yaml,
        .receive_clock = run->kernel_clock ? "kernel" : "process",
        .transport = plan->uses_curl ? "curl" : "native",
        .tokenizer = run->tokenizer_identity ? run->tokenizer_identity : "",
        .endpoint_flags = run->endpoint_info.flags,
        .seed = plan->seed,
        .id_seed = fresh,
        .start_realtime_ns = tkp_clock_realtime_ns(),
        .monotonic_to_realtime_ns = tkp_clock_realtime_offset_ns(),
        .dataset_size = tkp_dataset_size(run->dataset),
        .governors = run->governors,
    };
}

/* The run header, then the session ids in the order of dataset rows. Written out at once: a run
 * that is killed before its first rows are says what it was. */
static tokperf_status write_header(struct tkp_run *run, struct tkp_log_writer *log,
                                   struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    struct tkp_buffer buffer;
    tkp_buffer_init(&buffer, HEADER_MAX_BYTES);
    tkp_run_facts_write(&run->facts, &buffer);
    tkp_log_append(log, TKP_LOG_RUN, buffer.data, (uint32_t)buffer.len);
    bool failed = buffer.failed;
    uint64_t size = tkp_dataset_size(run->dataset);
    for (uint64_t row = 0; row < size && !failed;) {
        struct tokperf_json_writer w;
        struct tokperf_sink sink = tkp_buffer_sink(&buffer);
        tkp_buffer_clear(&buffer);
        json->open(&w, &sink, 0);
        json->array_begin(&w);
        for (int i = 0; i < SESSION_IDS_PER_BLOCK && row < size; i++, row++)
            json->string(&w, tkp_dataset_conversation(run->dataset, row)->session_id);
        json->array_end(&w);
        tkp_log_append(log, TKP_LOG_DATASET, buffer.data, (uint32_t)buffer.len);
        failed = buffer.failed;
    }
    tkp_log_write_out(log);
    tkp_buffer_finish(&buffer);
    if (failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the configuration or the session ids of the dataset are too long for the "
                        "record log (8 MiB a block)");
    return TOKPERF_OK;
}

static tokperf_status make_channels(struct tkp_run *run, struct tokperf_error *error)
{
    uint32_t workers = run->plan->workers;
    run->channels = calloc(workers, sizeof *run->channels);
    for (uint32_t i = 0; run->channels && i < workers; i++) {
        run->channels[i] = tkp_block_channel_create(i, BLOCKS_PER_WORKER);
        if (!run->channels[i])
            return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the workers' record blocks");
    }
    if (!run->channels)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the workers");
    return TOKPERF_OK;
}

static tokperf_status start_threads(struct tkp_run *run, struct tkp_log_writer *log,
                                    struct tokperf_error *error)
{
    struct tkp_record_listener listener = {.context = run,
                                           .row = on_row,
                                           .event = on_event,
                                           .events_lost = on_events_lost,
                                           .batch_end = on_batch_end,
                                           .tick = on_tick,
                                           .tick_ns = run->tick_ns};
    tkp_sample_feed_init(&run->samples, run->publisher);
    struct tkp_worker_shared shared = {
        .plan = run->plan,
        .dataset = run->dataset,
        .endpoint = run->endpoint,
        .targets = run->targets,
        .tls = run->tls,
        .worker_count = run->plan->workers,
        .run_seed = run->facts.id_seed,
        .kernel_clock = run->kernel_clock,
        .proxy = run->plan->proxy ? &run->proxy : NULL,
        .spins = tkp_cpu_plan_spins(&run->cpus, run->plan->spin),
        .cpus = run->cpus.worker_cpus,
        .wants_events = run->samples.wanted,
    };
    tokperf_status status = make_channels(run, error);
    if (status == TOKPERF_OK)
        status = tkp_recorder_start(run->channels, run->plan->workers, log, &listener,
                                    &run->recorder, error);
    if (status != TOKPERF_OK) {
        tkp_log_close(log);
        return status;
    }
    tkp_recorder_pin(run->recorder, run->cpus.recorder_cpu);
    status = tkp_run_start_counting(run, error);
    return status ? status : tkp_workers_start(&shared, run->channels, &run->workers, error);
}

/* The recorder ticks for the live figures, and more often where snapshots want it. */
static void begin_snapshots(struct tkp_run *run)
{
    run->snapshots = tkp_snapshots_create(run);
    uint64_t tick_ns = tkp_snapshots_tick_ns(run->snapshots);
    run->tick_ns = tick_ns && tick_ns < TICK_MS * TKP_NS_PER_MS ? tick_ns : TICK_MS * TKP_NS_PER_MS;
}

tokperf_status tkp_run_open_results(struct tkp_run *run, struct tokperf_error *error)
{
    fill_facts(run);
    tokperf_status status = tkp_rundir_create(run->plan, run->model, &run->dir, error);
    if (status == TOKPERF_OK)
        status = tkp_rundir_begin(&run->dir, run->plan, run->benchmark_id,
                                  run->facts.start_realtime_ns, error);
    if (status == TOKPERF_OK && run->plan->events_log)
        status = tkp_events_log_open(run->plan, run->dir.path, &run->events_log, error);
    if (status == TOKPERF_OK)
        status = tkp_dataset_write_inputs(run->dataset, run->dir.path, error);
    if (status != TOKPERF_OK)
        return status;
    run->host.output_dir = run->dir.path;
    if (!tkp_rundir_log_path(&run->dir, run->log_path, sizeof run->log_path))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path of the run directory is too long");
    struct tkp_summary_inputs inputs = {
        .plan = run->plan, .facts = &run->facts, .artifact_dir = run->dir.path};
    status = tkp_summarizer_create(&inputs, &run->summarizer, error);
    if (status != TOKPERF_OK)
        return status;
    run->live = tkp_live_create(tkp_summarizer_context(run->summarizer));
    if (!run->live)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the live figures");
    begin_snapshots(run);
    tkp_run_look_up_calibration(run);
    struct tkp_log_writer *log = NULL;
    status = tkp_log_create(run->log_path, run->plan->overwrite, &log, error);
    if (status == TOKPERF_OK)
        status = write_header(run, log, error);
    if (status == TOKPERF_OK)
        tkp_run_note_controls(run, log);
    if (status == TOKPERF_OK)
        tkp_run_open_bus(run);
    if (status == TOKPERF_OK)
        tkp_run_open_collectors(run);
    if (status == TOKPERF_OK) {
        tkp_snapshots_begin(run->snapshots);
        return start_threads(run, log, error);
    }
    tkp_log_close(log);
    return status;
}

void tkp_run_end_threads(struct tkp_run *run)
{
    tkp_workers_stop(run->workers);
    run->workers = NULL;
    if (run->recorder)
        tkp_run_stop_recorder(run);
}

void tkp_run_close_results(struct tkp_run *run)
{
    tkp_run_end_threads(run);
    tkp_sample_feed_finish(&run->samples);
    for (uint32_t i = 0; run->channels && i < run->plan->workers; i++)
        tkp_block_channel_destroy(run->channels[i]);
    free(run->channels);
    tkp_collectors_destroy(run->collectors); /* its socket, before the bus */
    run->collectors = NULL;
    tkp_run_close_bus(run);
    tkp_snapshots_destroy(run->snapshots);
    tkp_live_destroy(run->live);
    tkp_summarizer_destroy(run->summarizer);
    tkp_log_set_file(-1);
}
