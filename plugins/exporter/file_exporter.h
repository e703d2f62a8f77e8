/* SPDX-License-Identifier: Apache-2.0 */
/* What an exporter that writes one file of the run directory is made of: its instance, and the file
 * from opening to its place. Compiled into each of them. */
#ifndef EXPORTER_FILE_EXPORTER_H
#define EXPORTER_FILE_EXPORTER_H

#include <tokperf/exporter.h>

/* The instance; a vtable's destroy is free(). */
struct file_exporter {
    const struct tokperf_host *host;
    const struct tokperf_output_file_v1 *files;
    const struct tokperf_json_writer_v1 *json; /* NULL where the plugin does not require it */
};

/* A vtable's create. */
tokperf_status file_exporter_create(const struct tokperf_host *host,
                                    const struct tokperf_config *config, void **self,
                                    struct tokperf_error *error);

/* A file at work. Writes are buffered; their first failure comes out of close. */
struct result_file {
    const struct tokperf_output_file_v1 *files;
    struct tokperf_output_file *file;
};

/* Opens "<prefix of the run>.<suffix>". */
tokperf_status result_file_open(struct result_file *out, const struct file_exporter *exporter,
                                const struct tokperf_summary *run, const char *suffix,
                                struct tokperf_error *error);
/* Opens "<prefix of the run><ending>". */
tokperf_status result_file_open_as(struct result_file *out, const struct file_exporter *exporter,
                                   const struct tokperf_summary *run, const char *ending,
                                   struct tokperf_error *error);
/* The write of a struct tokperf_sink whose context is the struct result_file. */
void result_file_write(void *context, const char *data, uint64_t len);
/* Puts the file in its place when status, the work so far, is OK; otherwise nothing of it is left.
 * Returns status or the failure. */
tokperf_status result_file_close(struct result_file *out, tokperf_status status,
                                 struct tokperf_error *error);

#endif
