/* SPDX-License-Identifier: Apache-2.0 */
/* See file_exporter.h. */
#include "file_exporter.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 512 };

tokperf_status file_exporter_create(const struct tokperf_host *host,
                                    const struct tokperf_config *config, void **self,
                                    struct tokperf_error *error)
{
    (void)config;
    struct file_exporter *made = malloc(sizeof *made);
    if (!made) {
        snprintf(error->message, sizeof error->message, "no memory for an exporter");
        return error->status = TOKPERF_E_NO_MEMORY;
    }
    made->host = host;
    made->files = host->service(host, TOKPERF_SERVICE_OUTPUT_FILE);
    made->json = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    *self = made;
    return TOKPERF_OK;
}

tokperf_status result_file_open(struct result_file *out, const struct file_exporter *exporter,
                                const struct tokperf_summary *run, const char *suffix,
                                struct tokperf_error *error)
{
    char ending[NAME_BYTES];
    snprintf(ending, sizeof ending, ".%s", suffix);
    return result_file_open_as(out, exporter, run, ending, error);
}

tokperf_status result_file_open_as(struct result_file *out, const struct file_exporter *exporter,
                                   const struct tokperf_summary *run, const char *ending,
                                   struct tokperf_error *error)
{
    char name[NAME_BYTES];
    *out = (struct result_file){.files = exporter->files};
    int n = snprintf(name, sizeof name, "%.*s%s", (int)run->file_prefix.len, run->file_prefix.data,
                     ending);
    if (n < 0 || n >= NAME_BYTES) {
        snprintf(error->message, sizeof error->message, "the name %.64s... is too long for a file",
                 name);
        return error->status = TOKPERF_E_LIMIT;
    }
    return out->files->open(exporter->host, name, &out->file, error);
}

void result_file_write(void *context, const char *data, uint64_t len)
{
    const struct result_file *out = context;
    out->files->write(out->file, data, len);
}

tokperf_status result_file_close(struct result_file *out, tokperf_status status,
                                 struct tokperf_error *error)
{
    if (status == TOKPERF_OK)
        status = out->files->commit(out->file, error);
    out->files->close(out->file);
    return status;
}
