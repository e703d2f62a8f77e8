/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf report DIR`: computes every result of a run again from its record log, after kill -9
 * too, and writes every export into DIR. Exits 0 whenever it could compute.
 */
#include <cli/commands.h>

#include <base/error.h>
#include <base/files.h>
#include <cli/output.h>
#include <config/resolve.h>
#include <report/export.h>
#include <report/rundir.h>
#include <report/summary.h>
#include <run/exit_code.h>
#include <unistd.h>

struct rebuild {
    const char *dir;
    struct tkp_arena arena;
    struct tkp_log_reader *reader;
    struct tkp_run_facts facts;
    struct tkp_plan plan;
    struct tkp_host host;
    struct tkp_registry *registry;
    struct tkp_exports exports;
    struct tkp_summarizer *summarizer;
    struct tkp_cursor *cursor;
};

/* The run header is the first block. */
static tokperf_status read_header(struct rebuild *r, struct tokperf_error *error)
{
    struct tkp_log_entry entry;
    char path[TKP_RUNDIR_PATH_BYTES];
    if (!tkp_files_join(path, sizeof path, r->dir, "records.tkr"))
        return tkp_fail(error, TOKPERF_E_INVALID, "the path '%s' is too long", r->dir);
    if (access(path, R_OK))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "'%s' is not the directory of a run: it has no readable records.tkr",
                        r->dir);
    tokperf_status status = tkp_log_open(path, &r->reader, error);
    if (status != TOKPERF_OK)
        return status;
    status = tkp_log_next(r->reader, &entry, error);
    if (status != TOKPERF_OK || entry.kind != TKP_LOG_RUN)
        return tkp_fail(error, TOKPERF_E_PARSE, "'%s' does not begin with the header of a run",
                        path);
    return tkp_run_facts_parse(entry.payload, &r->arena, &r->facts, error);
}

static tokperf_status resolve_plan(struct rebuild *r, struct tokperf_error *error)
{
    static const char *const no_environment[] = {NULL};
    struct tkp_config_input input = {.environment = no_environment,
                                     .config_text = r->facts.config_yaml};
    return tkp_config_resolve(&input, &r->plan, error);
}

static tokperf_status open_exporters(struct rebuild *r, struct tokperf_error *error)
{
    struct tkp_registry_options options = {
        .plugin_files = r->plan.plugin_files,
        .plugin_file_count = r->plan.plugin_file_count,
        .registry_files = r->plan.registry_files,
        .registry_file_count = r->plan.registry_file_count,
        .environment = (const char *const *)environ,
    };
    tkp_host_init(&r->host);
    tkp_crash_handler_install();
    r->host.output_dir = r->dir;
    r->host.terminal_fd = STDOUT_FILENO;
    tokperf_status status = tkp_registry_open(&options, &r->registry, error);
    if (status != TOKPERF_OK)
        return status;
    return tkp_exports_create(&r->plan, r->registry, &r->host.api, &r->exports, error);
}

static tokperf_status compute(struct rebuild *r, const struct tokperf_summary **summary,
                              struct tokperf_error *error)
{
    struct tkp_summary_inputs inputs = {
        .plan = &r->plan, .facts = &r->facts, .artifact_dir = r->dir};
    tokperf_status status = tkp_summarizer_create(&inputs, &r->summarizer, error);
    tkp_log_rewind(r->reader);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_read(r->summarizer, r->reader, error);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_select(r->summarizer, r->reader, error);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_result(r->summarizer, summary, error);
    return status;
}

static tokperf_status rebuild(struct rebuild *r, struct tokperf_error *error)
{
    const struct tokperf_summary *summary = NULL;
    tokperf_status status = read_header(r, error);
    if (status == TOKPERF_OK)
        status = resolve_plan(r, error);
    if (status == TOKPERF_OK)
        status = open_exporters(r, error);
    if (status == TOKPERF_OK)
        status = compute(r, &summary, error);
    if (status == TOKPERF_OK)
        status = tkp_cursor_create(r->reader, tkp_summarizer_context(r->summarizer), r->facts.seed,
                                   &r->cursor, error);
    if (status == TOKPERF_OK)
        status = tkp_exports_run(&r->exports, summary, r->cursor, error);
    return status;
}

static void finish(struct rebuild *r)
{
    tkp_cursor_destroy(r->cursor);
    tkp_summarizer_destroy(r->summarizer);
    tkp_exports_finish(&r->exports);
    tkp_registry_close(r->registry);
    tkp_log_reader_close(r->reader);
    tkp_plan_finish(&r->plan);
    tkp_arena_finish(&r->arena);
}

int tkp_cmd_report(int argc, char **argv)
{
    struct tokperf_error error = {0};
    if (argc != 1 || argv[0][0] == '-') {
        tkp_log(TKP_LOG_ERROR, "report takes one argument, the directory of a run: tokperf report "
                               "DIR");
        return TKP_EXIT_USAGE;
    }
    struct rebuild r = {.dir = argv[0]};
    tkp_arena_init(&r.arena, 0);
    tokperf_status status = rebuild(&r, &error);
    int code = status == TOKPERF_OK ? TKP_EXIT_OK : tkp_output_refuse(status, &error);
    finish(&r);
    return code;
}
