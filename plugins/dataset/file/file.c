/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dataset "file": conversations of a JSONL or inputs.json file. Reads all of it at once, strictly:
 * what cannot be honoured is an error with file, line and column.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

/* The whole file is held in memory while it is read. */
static const uint64_t max_file_bytes = UINT64_C(1) << 30;

static tokperf_status fail(struct tokperf_error *error, tokperf_status status, const char *sentence)
{
    if (error != NULL) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", sentence);
    }
    return status;
}

static struct tokperf_span without_mark(struct tokperf_span content)
{
    if (content.len >= 3 && memcmp(content.data, "\xef\xbb\xbf", 3) == 0)
        return (struct tokperf_span){content.data + 3, content.len - 3};
    return content;
}

static bool is_empty(struct tokperf_span content)
{
    for (uint64_t i = 0; i < content.len; i++)
        if (content.data[i] != ' ' && content.data[i] != '\t' && content.data[i] != '\r' &&
            content.data[i] != '\n')
            return false;
    return true;
}

static tokperf_status read_all(struct reading *reading)
{
    const struct tokperf_dataset_request *request = reading->request;
    enum format format = FORMAT_NONE;
    tokperf_status status = TOKPERF_OK;
    if (request->format.len > 0)
        status = format_of_name(request->format, &format, reading->error);
    if (status == TOKPERF_OK && is_empty(reading->content))
        return reading_fail(reading, TOKPERF_E_INVALID, reading->content.data, "the file is empty");
    if (status == TOKPERF_OK)
        status = reading_check_utf8(reading);
    if (status == TOKPERF_OK && format == FORMAT_NONE)
        status = format_detect(reading, &format);
    if (status == TOKPERF_OK)
        status = format == FORMAT_INPUTS_JSON ? inputs_read(reading) : rows_read(reading, format);
    if (status == TOKPERF_OK)
        status = session_check(reading);
    if (status == TOKPERF_OK && reading->conversations == 0)
        status = reading_fail(reading, TOKPERF_E_INVALID, reading->content.data,
                              "the file has no conversation");
    return status;
}

static tokperf_status produce(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error)
{
    const struct file_services *services = self;
    struct tokperf_span content;
    if (request->path.len == 0)
        return fail(error, TOKPERF_E_INVALID, "the file dataset needs --input-file");
    tokperf_status status =
        services->file->read(services->host, request->path.data, max_file_bytes, &content, error);
    if (status != TOKPERF_OK)
        return status;
    struct reading reading = {
        .services = services,
        .request = request,
        .sink = sink,
        .error = error,
        .path = request->path.data,
        .content = without_mark(content),
    };
    status = read_all(&reading);
    reading_finish(&reading);
    services->file->release(services->host, content);
    return status;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct file_services *services = malloc(sizeof *services);
    if (services == NULL)
        return fail(error, TOKPERF_E_NO_MEMORY, "no memory for the file dataset");
    services->host = host;
    services->json = host->service(host, TOKPERF_SERVICE_JSON);
    services->rng = host->service(host, TOKPERF_SERVICE_RNG);
    services->file = host->service(host, TOKPERF_SERVICE_FILE);
    services->cancelled = host->service(host, TOKPERF_SERVICE_CANCELLED);
    *self = services;
    return TOKPERF_OK;
}

static const struct tokperf_dataset_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .produce = produce,
};

static const struct tokperf_component file = {
    .struct_size = sizeof file,
    .kind = TOKPERF_KIND_DATASET,
    .name = "file",
    .summary = "Conversations from a JSONL or inputs.json file",
    .vtable = &vtable,
};

static const struct tokperf_component *const components[] = {&file, NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_RNG,
                                                TOKPERF_SERVICE_FILE, NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.file",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Conversations from files",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
