/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run directories: naming, refusal to overwrite, first files. The name follows AIPerf:
 * artifacts/<model>-<endpoint type>-<stimulus>, then -2, -3.
 */
#include <report/rundir.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <report/run_file.h>
#include <report/snapshot.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SAME_NAME = 9999, MAX_NAME_BYTES = 160 };

/* Files that make a directory a result. */
static const char *const result_files[] = {"records.tkr", "run.json", TKP_SNAPSHOT_PATH};

static bool holds_result(const char *path)
{
    for (size_t i = 0; i < sizeof result_files / sizeof result_files[0]; i++) {
        char name[TKP_RUNDIR_PATH_BYTES];
        struct stat info;
        if (tkp_files_join(name, sizeof name, path, result_files[i]) && lstat(name, &info) == 0)
            return true;
    }
    return false;
}

static bool begins_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* Whether a run writes files of this name: the fixed ones, PREFIX.anything, and what exporters
 * write by the usual prefix, which an earlier run may have had. */
static bool is_ours(const char *name, const char *prefix)
{
    static const char *const fixed[] = {"records.tkr", "run.json",   "config.yaml",
                                        "inputs.json", "tokens.tkr", "tokens.tkr.new"};
    static const char *const endings[] = {".json", ".csv", ".jsonl"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(name, fixed[i]) == 0)
            return true;
    if (prefix && begins_with(name, prefix) &&
        (name[strlen(prefix)] == '.' || strcmp(name + strlen(prefix), "_raw.jsonl") == 0))
        return true;
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (begins_with(name, "profile_export") && strcmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Removes the regular files of a run directly in path, so that no file of an earlier run is taken
 * for one of this run. Whatever else is there stays, and so do folders and links. */
static tokperf_status clear_files(const char *path, const char *prefix, struct tokperf_error *error)
{
    DIR *dir = opendir(path);
    if (!dir)
        return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot read the directory '%s'", path);
    tokperf_status status = TOKPERF_OK;
    for (struct dirent *entry; status == TOKPERF_OK && (entry = readdir(dir));) {
        struct stat info;
        if (!is_ours(entry->d_name, prefix) ||
            fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(info.st_mode))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0))
            status = tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot replace '%s/%s'", path,
                                    entry->d_name);
    }
    closedir(dir);
    return status;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The same for the folders of phases, which are removed when nothing else is in them. */
static tokperf_status clear_phases(const char *path, const char *prefix,
                                   struct tokperf_error *error)
{
    char phases[TKP_RUNDIR_PATH_BYTES], below[TKP_RUNDIR_PATH_BYTES];
    tokperf_status status = TOKPERF_OK;
    if (!tkp_files_join(phases, sizeof phases, path, TKP_RUNDIR_PHASES) || !is_directory(phases))
        return TOKPERF_OK;
    DIR *dir = opendir(phases);
    if (!dir)
        return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot read the directory '%s'", phases);
    for (struct dirent *entry; status == TOKPERF_OK && (entry = readdir(dir));) {
        if (!tkp_files_join(below, sizeof below, phases, entry->d_name))
            continue;
        if (strcmp(entry->d_name, TKP_RUNDIR_MANIFEST) == 0 && unlink(below))
            status = tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot replace '%s'", below);
        if (!tkp_phase_name_is_valid(entry->d_name) || !is_directory(below))
            continue;
        status = clear_files(below, prefix, error);
        (void)rmdir(below); /* not when the user keeps something there */
    }
    closedir(dir);
    (void)rmdir(phases);
    return status;
}

/* The same of the final snapshot, in its folder. */
static tokperf_status clear_snapshot(const char *path, struct tokperf_error *error)
{
    char folder[TKP_RUNDIR_PATH_BYTES];
    if (!tkp_files_join(folder, sizeof folder, path, TKP_SNAPSHOT_FOLDER))
        return TOKPERF_OK; /* too long to be there */
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return TOKPERF_OK;
    struct stat info;
    bool there = fstatat(dir, TKP_SNAPSHOT_FILE, &info, AT_SYMLINK_NOFOLLOW) == 0;
    int failed = there && S_ISREG(info.st_mode) && unlinkat(dir, TKP_SNAPSHOT_FILE, 0) ? errno : 0;
    close(dir);
    if (failed)
        return tkp_fail_errno(error, TOKPERF_E_IO, failed, "cannot replace '%s/%s'", folder,
                              TKP_SNAPSHOT_FILE);
    return TOKPERF_OK;
}

/* A path component from free text: anything but [A-Za-z0-9._-] becomes '_'. */
static void append_component(struct tkp_buffer *out, const char *text)
{
    for (size_t i = 0; text[i] && i < MAX_NAME_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        char safe = isalnum(c) || c == '-' || c == '_' || (c == '.' && i) ? (char)c : '_';
        tkp_buffer_append(out, &safe, 1);
    }
}

static void append_stimulus(struct tkp_buffer *out, const struct tkp_phase_plan *phase)
{
    if (phase->arrival == TKP_ARRIVAL_CLOSED) {
        tkp_buffer_printf(out, "concurrency%llu", (unsigned long long)phase->concurrency);
        return;
    }
    char rate[32];
    tkp_text_from_double(rate, sizeof rate, phase->rate_per_s);
    tkp_buffer_printf(out, "request_rate%s", rate);
    if (phase->concurrency)
        tkp_buffer_printf(out, "-concurrency%llu", (unsigned long long)phase->concurrency);
}

/* Makes the first free of base, base-2, base-3, ... */
static tokperf_status make_numbered(const char *base, struct tkp_rundir *dir,
                                    struct tokperf_error *error)
{
    tokperf_status status = tkp_files_make_dirs("artifacts", error);
    for (int number = 1; status == TOKPERF_OK && number <= MAX_SAME_NAME; number++) {
        int n = number == 1
                    ? snprintf(dir->path, sizeof dir->path, "artifacts/%s", base)
                    : snprintf(dir->path, sizeof dir->path, "artifacts/%s-%d", base, number);
        if (n < 0 || (size_t)n >= sizeof dir->path)
            return tkp_fail(error, TOKPERF_E_LIMIT, "the name of the run directory is too long");
        dir->made = mkdir(dir->path, 0755) == 0;
        if (dir->made)
            return TOKPERF_OK;
        if (errno != EEXIST)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno,
                                  "cannot make the run directory '%s'; name another with "
                                  "--output-artifact-dir",
                                  dir->path);
    }
    if (status != TOKPERF_OK)
        return status;
    return tkp_fail(error, TOKPERF_E_LIMIT,
                    "there are %d run directories named artifacts/%s; remove some or use "
                    "--output-artifact-dir",
                    MAX_SAME_NAME, base);
}

static tokperf_status make_given(const struct tkp_plan *plan, struct tkp_rundir *dir,
                                 struct tokperf_error *error)
{
    tokperf_status status = tkp_rundir_check(plan, error);
    if (status != TOKPERF_OK)
        return status;
    if (strlen(plan->artifact_dir) >= sizeof dir->path)
        return tkp_fail(error, TOKPERF_E_LIMIT, "--output-artifact-dir: the path is too long");
    tkp_text_copy(dir->path, sizeof dir->path, tkp_span(plan->artifact_dir));
    struct stat info;
    dir->made = stat(dir->path, &info) != 0;
    status = tkp_files_make_dirs(dir->path, error);
    if (status == TOKPERF_OK && holds_result(dir->path))
        status = clear_files(dir->path, plan->export_prefix, error);
    if (status == TOKPERF_OK && plan->overwrite)
        status = clear_phases(dir->path, plan->export_prefix, error);
    if (status == TOKPERF_OK)
        status = clear_snapshot(dir->path, error);
    return status;
}

tokperf_status tkp_rundir_create(const struct tkp_plan *plan, const char *model,
                                 struct tkp_rundir *dir, struct tokperf_error *error)
{
    tokperf_status status;
    if (plan->artifact_dir) {
        status = make_given(plan, dir, error);
    } else {
        struct tkp_buffer base;
        tkp_buffer_init(&base, 1024);
        append_component(&base, model);
        tkp_buffer_puts(&base, "-");
        append_component(&base, plan->endpoint_type);
        tkp_buffer_puts(&base, "-");
        if (tkp_phases_counted(plan) > 1)
            tkp_buffer_printf(&base, "phases%u", plan->phase_count);
        else
            append_stimulus(&base, tkp_phases_last_counted(plan));
        status = make_numbered(tkp_buffer_text(&base), dir, error);
        tkp_buffer_finish(&base);
    }
    char logs[TKP_RUNDIR_PATH_BYTES];
    if (status == TOKPERF_OK && tkp_files_join(logs, sizeof logs, dir->path, "logs")) {
        struct stat info;
        dir->made_logs = stat(logs, &info) != 0;
        status = tkp_files_make_own_dir(logs, error);
    }
    return status;
}

void tkp_rundir_discard(const struct tkp_rundir *dir)
{
    static const char *const begun[] = {"records.tkr",     "run.json",   "config.yaml",
                                        "inputs.json",     "tokens.tkr", "tokens.tkr.new",
                                        "logs/tokperf.log"};
    char path[TKP_RUNDIR_PATH_BYTES];
    if (!dir->path[0])
        return;
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++)
        if (tkp_files_join(path, sizeof path, dir->path, begun[i]))
            (void)unlink(path); /* what is not there is gone already */
    if (dir->made_logs && tkp_files_join(path, sizeof path, dir->path, "logs"))
        (void)rmdir(path);
    if (dir->made)
        (void)rmdir(dir->path);
}

static tokperf_status open_log_file(const struct tkp_rundir *dir, struct tokperf_error *error)
{
    char path[TKP_RUNDIR_PATH_BYTES];
    if (!tkp_files_join(path, sizeof path, dir->path, "logs/tokperf.log"))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path of the run directory is too long");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot write '%s'", path);
    tkp_log_set_file(fd);
    return TOKPERF_OK;
}

tokperf_status tkp_rundir_begin(const struct tkp_rundir *dir, const struct tkp_plan *plan,
                                const char *benchmark_id, uint64_t start_realtime_ns,
                                struct tokperf_error *error)
{
    tokperf_status status = open_log_file(dir, error);
    if (status == TOKPERF_OK)
        status = tkp_files_replace(dir->path, "config.yaml", plan->config_yaml,
                                   strlen(plan->config_yaml), error);
    struct tkp_run_file run = {.benchmark_id = benchmark_id, .start_ns = start_realtime_ns};
    tkp_run_file_set_process(&run);
    return status ? status : tkp_run_file_write(dir->path, &run, error);
}

bool tkp_rundir_is_own_name(const struct tkp_plan *plan, const char *name)
{
    return is_ours(name, plan->export_prefix);
}

bool tkp_rundir_log_path(const struct tkp_rundir *dir, char *out, size_t capacity)
{
    return tkp_files_join(out, capacity, dir->path, "records.tkr");
}
