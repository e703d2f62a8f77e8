/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a run may write into a directory that the user names: it holds no other result, no file
 * of the user's under a name that the run writes, and no run that still goes on.
 */
#include <report/rundir.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <report/run_file.h>
#include <report/snapshot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_TEXTS_MAX_BYTES = 1024 * 1024 /* its texts, unescaped */ };

/* What a run writes, with the export prefix before those that begin with a dot
 * or underscore. */
static const char *const written[] = {
    "records.tkr", "run.json", TKP_SNAPSHOT_PATH, "config.yaml",      "inputs.json", ".json",
    ".csv",        ".jsonl",   "_raw.jsonl",      "logs/tokperf.log", "tokens.tkr"};
enum { WRITTEN = sizeof written / sizeof written[0], RESULTS = 3 /* the first of them */ };

/* The path of the i-th file that a run writes; false when it is too long. */
static bool name_of(const struct tkp_plan *plan, size_t i, char *path, size_t capacity)
{
    char name[TKP_RUNDIR_PATH_BYTES];
    const char *prefix = plan->export_prefix ? plan->export_prefix : "";
    snprintf(name, sizeof name, "%s%s", strchr("._", written[i][0]) ? prefix : "", written[i]);
    return tkp_files_join(path, capacity, plan->artifact_dir, name);
}

/* The process that run.json names, when it is there and is this program; 0: none. */
static int64_t live_process(const char *dir)
{
    struct tkp_arena arena;
    struct tkp_run_file file;
    struct tokperf_error ignored;
    tkp_arena_init(&arena, RUN_TEXTS_MAX_BYTES);
    bool is_live = tkp_run_file_read(dir, &arena, &file, &ignored) == TOKPERF_OK &&
                   tkp_run_file_is_live(&file) && file.pid != getpid();
    tkp_arena_finish(&arena);
    return is_live ? file.pid : 0;
}

static bool is_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return other && stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

bool tkp_rundir_is_input(const struct tkp_plan *plan, const char *path)
{
    return is_same_file(path, plan->input_file) || is_same_file(path, plan->config_file);
}

static tokperf_status check_file(const struct tkp_plan *plan, size_t i, const char *path,
                                 struct tokperf_error *error)
{
    struct stat info;
    if (lstat(path, &info))
        return TOKPERF_OK;
    if (tkp_rundir_is_input(plan, path))
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "--output-artifact-dir: the run reads '%s' and would write over it; choose "
                        "another directory",
                        path);
    if (plan->overwrite)
        return TOKPERF_OK;
    if (i < RESULTS)
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "--output-artifact-dir: '%s' holds the result of another run; choose "
                        "another directory or add --overwrite",
                        plan->artifact_dir);
    return tkp_fail(error, TOKPERF_E_EXISTS,
                    "--output-artifact-dir: '%s' is there already and the run would write over it; "
                    "choose another directory or add --overwrite",
                    path);
}

/* The files of one phase, or, with NULL, the list of all. */
static tokperf_status check_phase(const struct tkp_plan *plan, const struct tkp_phase_plan *phase,
                                  struct tokperf_error *error)
{
    static const char *const endings[] = {".json", ".csv"};
    char name[TKP_RUNDIR_PATH_BYTES], path[TKP_RUNDIR_PATH_BYTES];
    tokperf_status status = TOKPERF_OK;
    for (size_t i = 0; status == TOKPERF_OK && i < (phase ? 2 : 1); i++) {
        if (phase)
            snprintf(name, sizeof name, "%s/%s/%s%s", TKP_RUNDIR_PHASES, phase->name,
                     plan->export_prefix, endings[i]);
        else
            snprintf(name, sizeof name, "%s/%s", TKP_RUNDIR_PHASES, TKP_RUNDIR_MANIFEST);
        if (tkp_files_join(path, sizeof path, plan->artifact_dir, name))
            status = check_file(plan, WRITTEN, path, error);
    }
    return status;
}

tokperf_status tkp_rundir_check(const struct tkp_plan *plan, struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    tokperf_status status = TOKPERF_OK;
    if (!plan->artifact_dir)
        return TOKPERF_OK;
    int64_t pid = live_process(plan->artifact_dir);
    if (pid)
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "--output-artifact-dir: the run of process %lld is writing into '%s'; "
                        "choose another directory",
                        (long long)pid, plan->artifact_dir);
    for (size_t i = 0; status == TOKPERF_OK && i < WRITTEN; i++)
        if (name_of(plan, i, path, sizeof path))
            status = check_file(plan, i, path, error);
    if (!tkp_phases_have_files(plan))
        return status;
    if (status == TOKPERF_OK)
        status = check_phase(plan, NULL, error);
    for (uint32_t i = 0; status == TOKPERF_OK && i < plan->phase_count; i++)
        status = check_phase(plan, &plan->phases[i], error);
    return status;
}
