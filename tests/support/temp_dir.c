/* SPDX-License-Identifier: Apache-2.0 */
/* A private folder for one test. Whatever fails here ends the test program. */
#include "temp_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS = 8, PATH_BYTES = 1024, OPEN_FOLDERS = 16 };

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

void temp_dir_make(struct temp_dir *dir)
{
    char pattern[] = "/tmp/tokperf-test-XXXXXX";
    char real[4096];
    must(mkdtemp(pattern) != NULL, "mkdtemp");
    must(realpath(pattern, real) != NULL && strlen(real) < sizeof dir->path, "realpath");
    memcpy(dir->path, real, strlen(real) + 1);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *dir)
{
    (void)nftw(dir->path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

const char *temp_dir_path(const struct temp_dir *dir, const char *name)
{
    static char paths[PATHS][PATH_BYTES];
    static unsigned turn;
    char *path = paths[turn++ % PATHS];
    must(snprintf(path, PATH_BYTES, "%s/%s", dir->path, name) < PATH_BYTES, "path");
    return path;
}

static void make_parents(const char *path)
{
    char part[PATH_BYTES];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        memcpy(part, path, len);
        part[len] = '\0';
        (void)mkdir(part, 0755);
    }
}

const char *temp_dir_folder(const struct temp_dir *dir, const char *name)
{
    const char *path = temp_dir_path(dir, name);
    make_parents(path);
    (void)mkdir(path, 0755);
    must(access(path, F_OK) == 0, path);
    return path;
}

const char *temp_dir_write(const struct temp_dir *dir, const char *name, const char *text)
{
    const char *path = temp_dir_path(dir, name);
    make_parents(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0, path);
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    must(fchmod(fd, 0644) == 0 && close(fd) == 0, path);
    return path;
}
