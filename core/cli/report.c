/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf report DIR`: computes every result of a run again from its record log, after kill -9
 * too, and writes every export into DIR; without a log it takes the final snapshot's numbers, which
 * know no single requests. Exits 0 whenever it could compute. A log is data that may
 * come from elsewhere: plugin files that it names are not opened, only those of the command line.
 */
#include <cli/commands.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <cli/output.h>
#include <cli/report_tokens.h>
#include <config/resolve.h>
#include <record/token_counts.h>
#include <report/export.h>
#include <report/phase_files.h>
#include <report/run_file.h>
#include <report/rundir.h>
#include <report/snapshot.h>
#include <report/summary.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a snapshot may take: its largest text, unescaped, several times over. */
enum { SNAPSHOT_ARENA_BYTES = 128 * 1024 * 1024 };

struct rebuild {
    const char *dir;
    const char **plugin_files, **registry_files; /* each with room for every argument */
    uint32_t plugin_file_count, registry_file_count;
    struct tkp_arena arena;
    const char *tokenizer; /* --tokenizer, or NULL */
    struct tkp_log_reader *reader;
    struct tkp_token_counts *counts;
    struct tkp_run_facts facts;
    struct tkp_plan plan;
    struct tkp_host host;
    struct tkp_flag terminal_failed;
    struct tkp_registry *registry;
    struct tkp_exports exports;
    struct tkp_summarizer *summarizer;
    struct tkp_cursor *cursor;
    bool from_snapshot;          /* there is no log */
    bool was_said;               /* what failed */
    struct tokperf_error no_log; /* why */
    struct tkp_arena snapshot_arena;
    struct tkp_snapshot snapshot;
};

/* Its log grows on, and its own exports will replace these. */
static void say_if_live(struct rebuild *r)
{
    struct tkp_run_file file;
    struct tokperf_error ignored;
    if (tkp_run_file_read(r->dir, &r->arena, &file, &ignored) == TOKPERF_OK &&
        tkp_run_file_is_live(&file))
        tkp_log(TKP_LOG_WARNING,
                "the run in '%s' still goes on (process %lld): this reports what its log holds by "
                "now",
                r->dir, (long long)file.pid);
}

/* The run header is the first block. */
static tokperf_status read_header(struct rebuild *r, struct tokperf_error *error)
{
    struct tkp_log_entry entry;
    char path[TKP_RUNDIR_PATH_BYTES];
    struct stat info;
    if (!tkp_files_join(path, sizeof path, r->dir, "records.tkr"))
        return tkp_fail(error, TOKPERF_E_INVALID, "the path '%s' is too long", r->dir);
    if (access(path, R_OK))
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "'%s' has no readable records.tkr", r->dir);
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && !info.st_size)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "there is nothing to report: '%s' is empty, as a run leaves it that ended "
                        "before it wrote down what it is",
                        path);
    tokperf_status status = tkp_log_open(path, &r->reader, error);
    if (status != TOKPERF_OK)
        return status;
    status = tkp_log_next(r->reader, &entry, error);
    if (status != TOKPERF_OK || entry.kind != TKP_LOG_RUN)
        return tkp_fail(error, TOKPERF_E_PARSE, "'%s' does not begin with the header of a run",
                        path);
    return tkp_run_facts_parse(entry.payload, &r->arena, &r->facts, error);
}

/* Where the numbers come from: the record log, else the final snapshot. */
static tokperf_status find_source(struct rebuild *r, struct tokperf_error *error)
{
    struct tokperf_error first, lack;
    tokperf_status status = read_header(r, error);
    if (status == TOKPERF_OK)
        return status;
    first = *error;
    tokperf_status found = tkp_snapshot_read(r->dir, &r->snapshot_arena, &r->snapshot, &lack);
    if (found == TOKPERF_E_NOT_FOUND && status == TOKPERF_E_NOT_FOUND)
        return tkp_fail(error, TOKPERF_E_INVALID, "%.400s: it is not the directory of a run",
                        first.message);
    if (found == TOKPERF_E_NOT_FOUND)
        return status;
    if (found != TOKPERF_OK)
        return tkp_fail(error, found, "%.400s, and %.400s", first.message, lack.message);
    if (r->tokenizer)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "--tokenizer: '%s' has no record log with answers that could be counted",
                        r->dir);
    r->no_log = first;
    tkp_log_reader_close(r->reader);
    r->reader = NULL;
    r->from_snapshot = true;
    r->facts = r->snapshot.facts;
    return TOKPERF_OK;
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
        .plugin_files = r->plugin_files,
        .plugin_file_count = r->plugin_file_count,
        .registry_files = r->registry_files,
        .registry_file_count = r->registry_file_count,
        .environment = (const char *const *)environ,
    };
    tkp_host_init(&r->host);
    tkp_crash_handler_install();
    r->host.output_dir = r->dir;
    r->host.terminal_fd = STDOUT_FILENO;
    r->host.terminal_failed = &r->terminal_failed;
    tokperf_status status = tkp_registry_open(&options, &r->registry, error);
    if (status != TOKPERF_OK)
        return status;
    return tkp_exports_create(&r->plan, r->registry, &r->host.api, true, &r->exports, error);
}

/* Names of phases become folders: they are those of the configuration, which are checked. */
static bool has_phases_of(const struct tokperf_summary *summary, const struct tkp_plan *plan)
{
    bool same = summary->phase_count >= plan->phase_count;
    for (uint32_t i = 0; same && i < plan->phase_count; i++)
        same = tkp_span_is(summary->phases[i]->name, plan->phases[i].name);
    return same;
}

static tokperf_status take_snapshot(struct rebuild *r, const struct tokperf_summary **summary,
                                    struct tokperf_error *error)
{
    if (!has_phases_of(&r->snapshot.summary, &r->plan))
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "'%s/%s': its phases are not those of its configuration", r->dir,
                        TKP_SNAPSHOT_PATH);
    tkp_summary_identify(&r->snapshot.summary, &r->plan, &r->facts, r->dir);
    tkp_log(TKP_LOG_WARNING, "the report is made from %s, which knows no single requests: %s",
            TKP_SNAPSHOT_PATH, r->no_log.message);
    r->snapshot.summary.report_source = tkp_span("final_snapshot");
    tkp_exports_drop_records(&r->exports);
    *summary = &r->snapshot.summary;
    return TOKPERF_OK;
}

/* Only a run that ended by itself has a final snapshot: what is missing was lost later. */
static void point_at_snapshot(const struct rebuild *r)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    if (tkp_log_is_torn(r->reader) &&
        tkp_files_join(path, sizeof path, r->dir, TKP_SNAPSHOT_PATH) && access(path, R_OK) == 0)
        tkp_log(TKP_LOG_WARNING,
                "records.tkr is not whole, but %s has the numbers of all requests: move "
                "records.tkr away and report again to have those",
                TKP_SNAPSHOT_PATH);
}

static tokperf_status compute(struct rebuild *r, const struct tokperf_summary **summary,
                              struct tokperf_error *error)
{
    struct tkp_summary_inputs inputs = {
        .plan = &r->plan, .facts = &r->facts, .artifact_dir = r->dir};
    tokperf_status status = tkp_summarizer_create(&inputs, &r->summarizer, error);
    if (status == TOKPERF_OK)
        status = tkp_report_tokens(r->dir, &r->facts, r->tokenizer, &r->counts, error);
    tkp_log_join(r->reader, r->counts);
    tkp_log_rewind(r->reader);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_read(r->summarizer, r->reader, error);
    if (status == TOKPERF_OK) {
        point_at_snapshot(r);
        status = tkp_summarizer_select(r->summarizer, r->reader, error);
    }
    if (status == TOKPERF_OK)
        status = tkp_summarizer_result(r->summarizer, summary, error);
    return status;
}

static tokperf_status rebuild(struct rebuild *r, struct tokperf_error *error)
{
    static const struct tkp_metric_context no_context = {0}; /* of no requests */
    const struct tokperf_summary *summary = NULL;
    tokperf_status status = tkp_interrupt_ignore_failed_writes(error);
    if (status == TOKPERF_OK)
        status = find_source(r, error);
    if (status == TOKPERF_OK)
        say_if_live(r);
    if (status == TOKPERF_OK)
        status = resolve_plan(r, error);
    if (status == TOKPERF_OK)
        status = open_exporters(r, error);
    if (status == TOKPERF_OK && r->from_snapshot)
        status = take_snapshot(r, &summary, error);
    else if (status == TOKPERF_OK)
        status = compute(r, &summary, error);
    if (status == TOKPERF_OK)
        status = tkp_cursor_create(
            r->reader, r->summarizer ? tkp_summarizer_context(r->summarizer) : &no_context,
            r->facts.id_seed, &r->cursor, error);
    if (status != TOKPERF_OK)
        return status;
    status = tkp_results_write(&(struct tkp_result_job){.plan = &r->plan,
                                                        .exports = &r->exports,
                                                        .host = &r->host,
                                                        .summary = summary,
                                                        .cursor = r->cursor},
                               error);
    r->was_said = status != TOKPERF_OK;
    if (status == TOKPERF_OK && tkp_flag_is_raised(&r->terminal_failed))
        status = tkp_fail(error, TOKPERF_E_IO, "the results could not be printed");
    return status;
}

static void finish(struct rebuild *r)
{
    tkp_cursor_destroy(r->cursor);
    tkp_summarizer_destroy(r->summarizer);
    tkp_exports_finish(&r->exports);
    tkp_registry_close(r->registry);
    tkp_log_reader_close(r->reader);
    tkp_token_counts_close(r->counts);
    tkp_plan_finish(&r->plan);
    tkp_arena_finish(&r->arena);
    tkp_arena_finish(&r->snapshot_arena);
    free(r->plugin_files);
    free(r->registry_files);
}

static tokperf_status take_flag(struct rebuild *r, const char *word, const char *next,
                                struct tokperf_error *error)
{
    static const char *const names[] = {"--plugin", "--registry", "--tokenizer", NULL};
    size_t len = strcspn(word, "=");
    const char *value = word[len] ? word + len + 1 : next;
    for (int i = 0; names[i]; i++) {
        if (strlen(names[i]) != len || memcmp(names[i], word, len) != 0)
            continue;
        if (!value || !*value)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s needs a %s", names[i],
                            i == 2 ? "PATH" : "FILE");
        if (i == 0)
            r->plugin_files[r->plugin_file_count++] = value;
        else if (i == 1)
            r->registry_files[r->registry_file_count++] = value;
        else
            r->tokenizer = value;
        return TOKPERF_OK;
    }
    const char *closest = tkp_text_closest(word, names);
    return tkp_fail(error, TOKPERF_E_INVALID, "tokperf report has no flag %s%s%s%s", word,
                    closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
}

static tokperf_status parse(struct rebuild *r, int argc, char **argv, struct tokperf_error *error)
{
    size_t room = (size_t)argc + 1;
    r->plugin_files = calloc(room, sizeof *r->plugin_files);
    r->registry_files = calloc(room, sizeof *r->registry_files);
    if (!r->plugin_files || !r->registry_files)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the arguments");
    tokperf_status status = TOKPERF_OK;
    bool too_many = false;
    for (int i = 0; status == TOKPERF_OK && i < argc; i++) {
        if (argv[i][0] == '-') {
            status = take_flag(r, argv[i], i + 1 < argc ? argv[i + 1] : NULL, error);
            i += !strchr(argv[i], '=');
            continue;
        }
        too_many |= r->dir != NULL;
        r->dir = argv[i];
    }
    if (status == TOKPERF_OK && (too_many || !r->dir))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "report takes one argument, the directory of a run: tokperf report DIR "
                        "[--tokenizer PATH] [--plugin FILE.so] [--registry FILE]");
    return status;
}

int tkp_cmd_report(int argc, char **argv)
{
    struct tokperf_error error = {0};
    struct rebuild r = {.dir = NULL};
    tkp_arena_init(&r.arena, 0);
    tkp_arena_init(&r.snapshot_arena, SNAPSHOT_ARENA_BYTES);
    tokperf_status status = parse(&r, argc, argv, &error);
    if (status == TOKPERF_OK)
        status = rebuild(&r, &error);
    int code = status == TOKPERF_OK || r.was_said ? tkp_exit_of(status)
                                                  : tkp_output_refuse(status, &error);
    finish(&r);
    return code;
}
