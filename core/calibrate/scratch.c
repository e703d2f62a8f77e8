/* SPDX-License-Identifier: Apache-2.0 */
/* See scratch.h. Symbolic links are removed, never followed. */
#include <calibrate/scratch.h>

#include <base/error.h>
#include <base/files.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_DIRECTORIES = 8 };

tokperf_status tkp_scratch_create(const char *const *environment, struct tkp_scratch *scratch,
                                  struct tokperf_error *error)
{
    const char *base = "/tmp";
    for (; environment && *environment; environment++)
        if (strncmp(*environment, "TMPDIR=/", strlen("TMPDIR=/")) == 0)
            base = *environment + strlen("TMPDIR=");
    if (!tkp_files_join(scratch->path, sizeof scratch->path, base, "tokperf-calibrate-XXXXXX")) {
        scratch->path[0] = '\0';
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path in TMPDIR is too long");
    }
    if (mkdtemp(scratch->path))
        return TOKPERF_OK;
    scratch->path[0] = '\0';
    return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot make a temporary directory in '%s'",
                          base);
}

static int remove_below(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    if (walk->level > 0)
        (void)remove(path);
    return 0;
}

void tkp_scratch_empty(const struct tkp_scratch *scratch)
{
    if (scratch->path[0])
        (void)nftw(scratch->path, remove_below, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}

void tkp_scratch_remove(struct tkp_scratch *scratch)
{
    tkp_scratch_empty(scratch);
    if (scratch->path[0])
        (void)rmdir(scratch->path);
    scratch->path[0] = '\0';
}
