/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The component "huggingface_generate": the API of Text Generation Inference that is its own,
 * /generate and, for a stream, /generate_stream. This file says what it is; format.c renders
 * requests, parse.c reads answers.
 */
#include "huggingface.h"

#include <stdio.h>
#include <stdlib.h>

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct huggingface *made = malloc(sizeof *made);
    if (made == NULL) {
        error->status = TOKPERF_E_NO_MEMORY;
        snprintf(error->message, sizeof error->message,
                 "no memory for the huggingface_generate endpoint");
        return TOKPERF_E_NO_MEMORY;
    }
    made->json = host->service(host, TOKPERF_SERVICE_JSON);
    made->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    *self = made;
    return TOKPERF_OK;
}

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    (void)self;
    (void)error;
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                  TOKPERF_ENDPOINT_TOKENIZES_INPUT;
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_RAW;
    info->stream_framing = TOKPERF_FRAMING_SSE;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->title, sizeof info->title, "LLM Metrics");
    snprintf(info->path, sizeof info->path, "/generate");
    snprintf(info->stream_path, sizeof info->stream_path, "/generate_stream");
    return TOKPERF_OK;
}

static const struct tokperf_endpoint_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct huggingface_state),
    .scratch_bytes = sizeof(struct huggingface_scratch),
    .describe = describe,
    .format = huggingface_format,
    .begin = huggingface_begin,
    .event = huggingface_event,
    .finish = huggingface_finish,
};

static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "huggingface_generate",
    .summary = "Text Generation Inference: /generate and /generate_stream",
    .vtable = &vtable,
};

static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                                NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.huggingface",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Text Generation Inference's own API",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
