/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_file/1: results of the run directory, by the rules of base/files. file/1: whole reads of
 * what a user named. [main] and the exporter thread.
 */
#include <plugin/host_files.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <errno.h>
#include <limits.h>
#include <plugin/host.h>
#include <stdlib.h>
#include <string.h>

static struct tkp_outfile *outfile_of(struct tokperf_output_file *file)
{
    return (struct tkp_outfile *)(void *)file;
}

static tokperf_status output_open(const struct tokperf_host *host, const char *name,
                                  struct tokperf_output_file **file, struct tokperf_error *error)
{
    const struct tkp_host *self = (const struct tkp_host *)(const void *)host;
    *file = NULL;
    if (self->output_dir == NULL)
        return tkp_fail(error, TOKPERF_E_STATE,
                        "cannot open %s: there is no run directory to write to", name);
    if (!tkp_files_is_safe_name(name))
        return tkp_fail(error, TOKPERF_E_DENIED,
                        "cannot open %s: the name of a result is relative and has no \"..\"", name);
    struct tkp_outfile *out = NULL;
    tokperf_status status = tkp_outfile_open(self->output_dir, name, &out, error);
    *file = (struct tokperf_output_file *)(void *)out;
    return status;
}

static void output_write(struct tokperf_output_file *file, const char *data, uint64_t len)
{
    if (file != NULL)
        tkp_outfile_write(outfile_of(file), data, len);
}

static tokperf_status output_commit(struct tokperf_output_file *file, struct tokperf_error *error)
{
    if (file == NULL)
        return tkp_fail(error, TOKPERF_E_STATE, "cannot commit a file that was not opened");
    return tkp_outfile_commit(outfile_of(file), error);
}

static void output_close(struct tokperf_output_file *file)
{
    if (file != NULL)
        tkp_outfile_close(outfile_of(file));
}

/* The path with its folder resolved: links on the way are the user's own, the last part is not
 * followed. */
static tokperf_status resolve_folder(const char *path, char out[PATH_MAX],
                                     struct tokperf_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof folder)
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path %.64s... is too long", path);
    tkp_text_copy(folder, sizeof folder, (struct tokperf_span){path, len});
    if (slash == NULL)
        tkp_text_copy(folder, sizeof folder, TOKPERF_SPAN("."));
    else if (len == 0)
        tkp_text_copy(folder, sizeof folder, TOKPERF_SPAN("/"));
    char real[PATH_MAX];
    if (realpath(folder, real) == NULL)
        return tkp_fail_errno(error, TOKPERF_E_NOT_FOUND, errno, "cannot open '%s'", path);
    if (!tkp_files_join(out, PATH_MAX, real, name))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path %.64s... is too long", path);
    return TOKPERF_OK;
}

static tokperf_status file_read(const struct tokperf_host *host, const char *path,
                                uint64_t max_bytes, struct tokperf_span *content,
                                struct tokperf_error *error)
{
    (void)host;
    *content = (struct tokperf_span){NULL, 0};
    char real[PATH_MAX];
    tokperf_status status = resolve_folder(path, real, error);
    if (status != TOKPERF_OK)
        return status;
    struct tkp_buffer buffer;
    tkp_buffer_init(&buffer, max_bytes < SIZE_MAX / 2 ? (size_t)max_bytes : SIZE_MAX / 2);
    status = tkp_files_read(real, buffer.max_bytes, TKP_FILES_NO_SYMLINK, &buffer, error);
    if (status != TOKPERF_OK) {
        tkp_buffer_finish(&buffer);
        return status;
    }
    *content = (struct tokperf_span){buffer.data, buffer.len}; /* taken: release() frees it */
    return TOKPERF_OK;
}

static void file_release(const struct tokperf_host *host, struct tokperf_span content)
{
    (void)host;
    void *taken; /* it was the host's own buffer */
    memcpy(&taken, &content.data, sizeof taken);
    free(taken);
}

const struct tokperf_output_file_v1 tkp_host_output_file_service = {
    sizeof tkp_host_output_file_service, 0, output_open, output_write, output_commit, output_close};
const struct tokperf_file_v1 tkp_host_file_service = {sizeof tkp_host_file_service, 0, file_read,
                                                      file_release};
