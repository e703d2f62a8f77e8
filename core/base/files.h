/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by safe rules: O_CLOEXEC always, no symbolic link where a path comes from a file, atomic
 * replacement of results. [main] and cold threads.
 */
#ifndef TKP_BASE_FILES_H
#define TKP_BASE_FILES_H

#include <base/buffer.h>
#include <stdbool.h>

enum tkp_files_flags {
    TKP_FILES_NO_SYMLINK = 1, /* no component below `base` may be a symbolic link */
    TKP_FILES_UTF8 = 2        /* the content must be UTF-8 */
};

/* Reads a regular file of at most max_bytes into out (cleared first). Errors name the path. */
tokperf_status tkp_files_read(const char *path, size_t max_bytes, unsigned flags,
                              struct tkp_buffer *out, struct tokperf_error *error) TOKPERF_MUST_USE;
/* Writes all of it, retrying short writes. */
tokperf_status tkp_files_write_all(int fd, const char *data, size_t len,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Puts content at dir/name: temporary file, fsync, rename, fsync of the directory. */
tokperf_status tkp_files_replace(const char *dir, const char *name, const char *data, size_t len,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* mkdir -p with mode 0755 for what is missing. */
tokperf_status tkp_files_make_dirs(const char *path, struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same, for what is written by fixed names below a directory of the user's: TOKPERF_E_DENIED
 * where path itself, without a '/' at its end, is a symbolic link. */
tokperf_status tkp_files_make_own_dir(const char *path,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* dir + "/" + name; PATH_MAX bound; returns false when it does not fit. */
bool tkp_files_join(char *out, size_t capacity, const char *dir, const char *name);
/* Whether name is a plain relative path without "." or ".." components, absolute part or NUL. */
bool tkp_files_is_safe_name(const char *name);

/* A buffered output file beside its final name; see tokperf/host.h output_file. */
struct tkp_outfile;
tokperf_status tkp_outfile_open(const char *dir, const char *name, struct tkp_outfile **file,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_outfile_write(struct tkp_outfile *file, const char *data, size_t len);
void tkp_outfile_printf(struct tkp_outfile *file, const char *format, ...) TOKPERF_PRINTF(2, 3);
tokperf_status tkp_outfile_commit(struct tkp_outfile *file,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_outfile_close(struct tkp_outfile *file);

#endif
