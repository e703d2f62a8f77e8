/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a run may write into a directory that the user names: it holds no other result, no file
 * of the user's under a name that the run writes, and no run that still goes on.
 */
#include <report/rundir.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_JSON_MAX_BYTES = 64 * 1024, PROGRAM_BYTES = 64 };

/* What a run writes, with the export prefix before those that begin with a dot
 * or underscore. */
static const char *const written[] = {
    "records.tkr", "run.json", "config.yaml", "inputs.json",      ".json",
    ".csv",        ".jsonl",   "_raw.jsonl",  "logs/tokperf.log", "tokens.tkr"};
enum { WRITTEN = sizeof written / sizeof written[0], RESULTS = 2 /* the first of them */ };

/* The path of the i-th file that a run writes; false when it is too long. */
static bool name_of(const struct tkp_plan *plan, size_t i, char *path, size_t capacity)
{
    char name[TKP_RUNDIR_PATH_BYTES];
    const char *prefix = plan->export_prefix ? plan->export_prefix : "";
    snprintf(name, sizeof name, "%s%s", strchr("._", written[i][0]) ? prefix : "", written[i]);
    return tkp_files_join(path, capacity, plan->artifact_dir, name);
}

/* The process that run.json names, when it is there and is this program; 0: none. */
static long live_process(const char *dir)
{
    static const char key[] = "\"pid\":";
    char path[TKP_RUNDIR_PATH_BYTES], program[PROGRAM_BYTES];
    struct tkp_buffer text;
    struct tokperf_error ignored;
    long pid = 0;
    tkp_buffer_init(&text, RUN_JSON_MAX_BYTES);
    if (tkp_files_join(path, sizeof path, dir, "run.json") &&
        tkp_files_read(path, RUN_JSON_MAX_BYTES - 1, 0, &text, &ignored) == TOKPERF_OK) {
        const char *at = strstr(tkp_buffer_text(&text), key);
        pid = at ? strtol(at + sizeof key - 1, NULL, 10) : 0;
    }
    tkp_buffer_clear(&text);
    if (pid <= 0 || pid == (long)getpid() || pid != (long)(pid_t)pid ||
        (kill((pid_t)pid, 0) && errno != EPERM))
        pid = 0;
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *comm = pid ? fopen(path, "re") : NULL;
    if (!comm || !fgets(program, sizeof program, comm) || strcmp(program, "tokperf\n") != 0)
        pid = 0;
    if (comm)
        fclose(comm);
    tkp_buffer_finish(&text);
    return pid;
}

static bool is_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return other && stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static tokperf_status check_file(const struct tkp_plan *plan, size_t i, const char *path,
                                 struct tokperf_error *error)
{
    struct stat info;
    if (lstat(path, &info))
        return TOKPERF_OK;
    if (is_same_file(path, plan->input_file) || is_same_file(path, plan->config_file))
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

tokperf_status tkp_rundir_check(const struct tkp_plan *plan, struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    tokperf_status status = TOKPERF_OK;
    if (!plan->artifact_dir)
        return TOKPERF_OK;
    long pid = live_process(plan->artifact_dir);
    if (pid)
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "--output-artifact-dir: the run of process %ld is writing into '%s'; "
                        "choose another directory",
                        pid, plan->artifact_dir);
    for (size_t i = 0; status == TOKPERF_OK && i < WRITTEN; i++)
        if (name_of(plan, i, path, sizeof path))
            status = check_file(plan, i, path, error);
    return status;
}
