/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See phase_files.h. A phase's files are made by the exporters that ask for phases, on a summary
 * that has this phase alone.
 */
#include <report/phase_files.h>

#include <base/error.h>
#include <base/files.h>
#include <base/json_write.h>
#include <base/log.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <dirent.h>
#include <report/rundir.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_MAX_BYTES = 1 << 20 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

/* Logs a failure, and keeps it when it is the first. */
static void note_failure(tokperf_status status, const struct tokperf_error *failure,
                         tokperf_status *first, struct tokperf_error *error)
{
    if (status == TOKPERF_OK)
        return;
    tkp_log(TKP_LOG_ERROR, "%s", failure->message);
    if (*first == TOKPERF_OK && error)
        *error = *failure;
    if (*first == TOKPERF_OK)
        *first = status;
}

/* The folder of a phase, by the name in the plan, or of all, with NULL. */
static tokperf_status path_of(const struct tkp_result_job *job, const struct tkp_phase_plan *phase,
                              char *path, struct tokperf_error *error)
{
    char name[sizeof TKP_RUNDIR_PHASES + TKP_PHASE_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s%s%s", TKP_RUNDIR_PHASES, phase ? "/" : "",
             phase ? phase->name : "");
    if (tkp_files_join(path, TKP_RUNDIR_PATH_BYTES, job->host->output_dir, name))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_LIMIT, "the path of the run directory is too long");
}

/* The run's summary with one phase in it. */
static struct tokperf_summary view_of(const struct tokperf_summary *run,
                                      const struct tokperf_phase *const *phase)
{
    struct tokperf_summary view = *run;
    const struct tokperf_phase *only = *phase;
    view.phases = phase;
    view.phase_count = 1;
    view.main_phase = 0;
    view.verdict = only->verdict;
    view.reasons = only->reasons;
    view.reason_count = only->reason_count;
    view.prompts_sent = only->prompts_sent;
    view.prompts_distinct = only->prompts_distinct;
    if (only->start_ns) {
        view.start_realtime_ns = only->start_ns + (uint64_t)run->monotonic_to_realtime_ns;
        view.end_realtime_ns = only->end_ns + (uint64_t)run->monotonic_to_realtime_ns;
    }
    return view;
}

/* Those of the plan: the total behind them is the run. A summary may come from outside. */
static uint32_t phase_count(const struct tkp_result_job *job)
{
    uint32_t known = job->summary->phase_count, planned = job->plan->phase_count;
    return known < planned ? known : planned;
}

static bool has_begun(const struct tokperf_phase *phase)
{
    return phase->verdict.len > 0;
}

static tokperf_status export_phase(const struct tkp_result_job *job, uint32_t index,
                                   struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    const char *run_dir = job->host->output_dir;
    tokperf_status status = path_of(job, &job->plan->phases[index], path, error);
    if (status == TOKPERF_OK)
        status = tkp_files_make_own_dir(path, error);
    if (status != TOKPERF_OK)
        return status;
    struct tokperf_summary view = view_of(job->summary, &job->summary->phases[index]);
    view.artifact_dir = tkp_span(path);
    job->host->output_dir = path;
    status = tkp_exports_run_phase(job->exports, &view, job->cursor, error);
    job->host->output_dir = run_dir;
    return status;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The files of a phase, relative to the run's directory. */
static void put_files(struct tokperf_json_writer *w, const struct tkp_result_job *job,
                      const struct tkp_phase_plan *phase)
{
    char path[TKP_RUNDIR_PATH_BYTES], name[TKP_RUNDIR_PATH_BYTES];
    struct dirent **entries = NULL;
    struct tokperf_error ignored;
    json->key(w, tkp_span("files"));
    json->array_begin(w);
    int count = path_of(job, phase, path, &ignored) == TOKPERF_OK
                    ? scandir(path, &entries, is_shown, alphasort)
                    : 0;
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%s/%s", TKP_RUNDIR_PHASES, phase->name, entries[i]->d_name);
        json->string(w, tkp_span(name));
        free(entries[i]);
    }
    free(entries);
    json->array_end(w);
}

/* A metric of one value, under its tag. */
static void put_count(struct tokperf_json_writer *w, const struct tokperf_phase *phase,
                      const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++) {
        const struct tokperf_metric *metric = phase->metrics[i];
        if (strcmp(metric->tag, tag) != 0 || !(metric->stats & 1u << TOKPERF_STAT_AVG))
            continue;
        json->key(w, tkp_span(tag));
        json->integer(w, (int64_t)metric->value[TOKPERF_STAT_AVG]);
    }
}

static void put_time(struct tokperf_json_writer *w, const struct tokperf_summary *run,
                     const char *key, uint64_t monotonic_ns)
{
    if (!monotonic_ns)
        return;
    json->key(w, tkp_span(key));
    json->integer(w, (int64_t)monotonic_ns + run->monotonic_to_realtime_ns);
}

static void put_phase(struct tokperf_json_writer *w, const struct tkp_result_job *job,
                      uint32_t index)
{
    const struct tokperf_phase *phase = job->summary->phases[index];
    json->object_begin(w);
    json->key(w, tkp_span("name"));
    json->string(w, phase->name);
    tkp_json_write_pair(w, "kind", phase->is_warmup ? "warmup" : "profiling");
    json->key(w, tkp_span("excluded"));
    json->boolean(w, phase->is_excluded);
    json->key(w, tkp_span("seamless"));
    json->boolean(w, phase->is_seamless);
    json->key(w, tkp_span("began"));
    json->boolean(w, has_begun(phase));
    put_time(w, job->summary, "start_ns", phase->start_ns);
    put_time(w, job->summary, "end_ns", phase->end_ns);
    put_count(w, phase, "request_count");
    put_count(w, phase, "error_request_count");
    put_count(w, phase, "cancelled_request_count");
    if (has_begun(phase)) {
        json->key(w, tkp_span("verdict"));
        json->string(w, phase->verdict);
    }
    put_files(w, job, &job->plan->phases[index]);
    json->object_end(w);
}

static tokperf_status write_manifest(const struct tkp_result_job *job, struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    struct tkp_buffer text;
    tokperf_status status = path_of(job, NULL, path, error);
    tkp_buffer_init(&text, MANIFEST_MAX_BYTES);
    struct tokperf_sink sink = tkp_buffer_sink(&text);
    struct tokperf_json_writer writer, *w = &writer;
    json->open(w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(w);
    tkp_json_write_pair(w, "schema_version", "1.0");
    json->key(w, tkp_span("benchmark_id"));
    json->string(w, job->summary->benchmark_id);
    json->key(w, tkp_span("phases"));
    json->array_begin(w);
    for (uint32_t i = 0; i < phase_count(job); i++)
        put_phase(w, job, i);
    json->array_end(w);
    json->object_end(w);
    tkp_buffer_puts(&text, "\n");
    if (status == TOKPERF_OK && text.failed)
        status = tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the list of phases");
    if (status == TOKPERF_OK)
        status = tkp_files_replace(path, TKP_RUNDIR_MANIFEST, text.data, text.len, error);
    tkp_buffer_finish(&text);
    return status;
}

static tokperf_status write_phases(const struct tkp_result_job *job, struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    tokperf_status first = TOKPERF_OK;
    struct tokperf_error failure = {0};
    tokperf_status status = path_of(job, NULL, path, &failure);
    if (status == TOKPERF_OK)
        status = tkp_files_make_own_dir(path, &failure);
    if (status != TOKPERF_OK) {
        tkp_error_prefix(&failure, "the files of the phases are not written");
        note_failure(status, &failure, &first, error);
        return status;
    }
    bool exports_phases = tkp_exports_want_phases(job->exports);
    for (uint32_t i = 0; i < phase_count(job) && exports_phases; i++)
        if (has_begun(job->summary->phases[i]))
            note_failure(export_phase(job, i, &failure), &failure, &first, error);
    note_failure(write_manifest(job, &failure), &failure, &first, error);
    return first;
}

tokperf_status tkp_results_write(const struct tkp_result_job *job, struct tokperf_error *error)
{
    struct tokperf_error failure = {0};
    tokperf_status first = tkp_phases_have_files(job->plan) ? write_phases(job, error) : TOKPERF_OK;
    tokperf_status status =
        tkp_exports_run(job->exports, job->summary, job->cursor, first ? &failure : error);
    return first ? first : status;
}
