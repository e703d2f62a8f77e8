/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tokenizer's file once more, in pieces. */
#include <count/identity.h>

#include <base/crc32c.h>
#include <base/error.h>
#include <base/files.h>
#include <base/json_write.h>
#include <base/text.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static tokperf_status sum_up(const char *path, int64_t *bytes, uint32_t *crc,
                             struct tokperf_error *error)
{
    static char piece[64 * 1024]; /* main only */
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a FIFO or a device has no end */
        return tkp_fail(error, TOKPERF_E_INVALID, "cannot read '%s': it is not a regular file",
                        path);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot open '%s'", path);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0; *bytes += (int64_t)n)
        *crc = tkp_crc32c(*crc, piece, n);
    bool failed = ferror(file);
    fclose(file);
    return failed ? tkp_fail(error, TOKPERF_E_IO, "cannot read '%s'", path) : TOKPERF_OK;
}

tokperf_status tkp_count_identity(const char *path, struct tkp_buffer *out,
                                  struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    char file[PATH_MAX];
    struct stat st;
    int64_t bytes = 0;
    uint32_t crc = 0;
    bool is_file = strcmp(path, "builtin") != 0;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (!tkp_files_join(file, sizeof file, path, "tokenizer.json"))
            return tkp_fail(error, TOKPERF_E_LIMIT, "the path '%s' is too long", path);
    } else {
        snprintf(file, sizeof file, "%s", path);
    }
    tokperf_status status = is_file ? sum_up(file, &bytes, &crc, error) : TOKPERF_OK;
    if (status != TOKPERF_OK)
        return status;
    json->open(&w, &sink, 0);
    json->object_begin(&w);
    json->key(&w, tkp_span("bytes"));
    json->integer(&w, bytes);
    json->key(&w, tkp_span("crc32c"));
    json->integer(&w, crc);
    json->object_end(&w);
    return out->failed ? tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the tokenizer's name")
                       : TOKPERF_OK;
}
