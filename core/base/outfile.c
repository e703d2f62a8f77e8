/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffered output file. It is written under a temporary name in its final directory and renamed
 * at commit, so that a reader sees the old file or the whole new one. One thread at a time.
 */
#include <base/files.h>

#include <base/error.h>
#include <base/rng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 * 1024, TEMPORARY_TRIES = 16 };

struct tkp_outfile {
    int fd; /* -1 once committed or given up */
    bool temporary_exists;
    size_t used;
    struct tokperf_error failure; /* the first; status OK while there is none */
    char path[PATH_MAX], temporary[PATH_MAX];
    char buffer[BUFFER_BYTES];
};

static tokperf_status open_temporary(struct tkp_outfile *file, struct tokperf_error *error)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        int n = snprintf(file->temporary, sizeof file->temporary, "%s.%08x.tmp", file->path,
                         (unsigned)tkp_rng_fresh_seed());
        if (n < 0 || (size_t)n >= sizeof file->temporary)
            return tkp_fail(error, TOKPERF_E_INVALID, "cannot write '%s': the path is too long",
                            file->path);
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd >= 0)
            return TOKPERF_OK;
        if (errno != EEXIST)
            break;
    }
    /* A directory that is not there was there before: nobody named one that is missing. */
    tokperf_status status =
        errno == EACCES || errno == EPERM || errno == EROFS ? TOKPERF_E_DENIED : TOKPERF_E_IO;
    return tkp_fail_errno(error, status, errno, "cannot create '%s'", file->temporary);
}

static void flush(struct tkp_outfile *file)
{
    if (file->failure.status || !file->used)
        return;
    if (tkp_files_write_all(file->fd, file->buffer, file->used, &file->failure))
        tkp_error_prefix(&file->failure, "%s", file->path);
    file->used = 0;
}

/* Makes the rename itself durable. Cuts path down to its directory. */
static tokperf_status sync_parent(char *path, struct tokperf_error *error)
{
    char *slash = strrchr(path, '/');
    const char *dir = !slash ? "." : slash == path ? "/" : path;
    if (slash)
        *slash = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (failed && failed != EINVAL) /* EINVAL: a file system without fsync of directories */
        return tkp_fail_errno(error, TOKPERF_E_IO, failed, "cannot sync the directory '%s'", dir);
    return TOKPERF_OK;
}

tokperf_status tkp_outfile_open(const char *dir, const char *name, struct tkp_outfile **file,
                                struct tokperf_error *error)
{
    *file = NULL;
    if (!tkp_files_is_safe_name(name))
        return tkp_fail(error, TOKPERF_E_DENIED,
                        "cannot write '%s' in '%s': the name must be relative, without '.' or '..'",
                        name, dir);
    struct tkp_outfile *made = malloc(sizeof *made);
    if (!made)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to write '%s'", name);
    made->fd = -1;
    made->temporary_exists = false;
    made->used = 0;
    made->failure.status = TOKPERF_OK;
    tokperf_status status;
    if (!tkp_files_join(made->path, sizeof made->path, dir, name))
        status = tkp_fail(error, TOKPERF_E_INVALID,
                          "cannot write '%s' in '%s': the path is too long", name, dir);
    else
        status = open_temporary(made, error);
    if (status) {
        free(made);
        return status;
    }
    made->temporary_exists = true;
    *file = made;
    return TOKPERF_OK;
}

void tkp_outfile_write(struct tkp_outfile *file, const char *data, size_t len)
{
    while (len && !file->failure.status) {
        size_t room = BUFFER_BYTES - file->used;
        size_t step = len < room ? len : room;
        memcpy(file->buffer + file->used, data, step);
        file->used += step;
        data += step;
        len -= step;
        if (file->used == BUFFER_BYTES)
            flush(file);
    }
}

void tkp_outfile_printf(struct tkp_outfile *file, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int need = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (need >= 0 && (size_t)need < sizeof line) {
        tkp_outfile_write(file, line, (size_t)need);
        return;
    }
    char *text = need > 0 ? malloc((size_t)need + 1) : NULL;
    if (!text) {
        if (!file->failure.status)
            tkp_fail(&file->failure, TOKPERF_E_NO_MEMORY, "no memory to write '%s'", file->path);
        return;
    }
    va_start(args, format);
    vsnprintf(text, (size_t)need + 1, format, args);
    va_end(args);
    tkp_outfile_write(file, text, (size_t)need);
    free(text);
}

tokperf_status tkp_outfile_commit(struct tkp_outfile *file, struct tokperf_error *error)
{
    if (file->fd < 0)
        return tkp_fail(error, TOKPERF_E_STATE, "'%s' was committed already", file->path);
    flush(file);
    if (!file->failure.status && fsync(file->fd) && errno != EINVAL)
        tkp_fail_errno(&file->failure, TOKPERF_E_IO, errno, "cannot sync '%s'", file->temporary);
    if (close(file->fd) && !file->failure.status)
        tkp_fail_errno(&file->failure, TOKPERF_E_IO, errno, "cannot close '%s'", file->temporary);
    file->fd = -1;
    if (!file->failure.status && rename(file->temporary, file->path))
        tkp_fail_errno(&file->failure, TOKPERF_E_IO, errno, "cannot put '%s' in place", file->path);
    if (file->failure.status) {
        if (error)
            *error = file->failure;
        return file->failure.status;
    }
    file->temporary_exists = false;
    return sync_parent(file->path, error);
}

void tkp_outfile_close(struct tkp_outfile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary_exists)
        unlink(file->temporary);
    free(file);
}
