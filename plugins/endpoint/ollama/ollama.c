/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The component "ollama": Ollama's own API, whose streams are lines of JSON. This file says what it
 * is; format.c renders requests, parse.c reads answers.
 */
#include "ollama.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const apis[] = {"chat", "generate", NULL};
static const struct tokperf_option api_row = {
    .struct_size = sizeof api_row,
    .type = TOKPERF_OPTION_ENUM,
    .key = "api",
    .default_value = "chat",
    .choices = apis,
    .help = "chat: messages to /api/chat; generate: one prompt to /api/generate.",
};
static const struct tokperf_option *const options[] = {&api_row, NULL};

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    struct ollama *ollama = malloc(sizeof *ollama);
    if (ollama == NULL) {
        error->status = TOKPERF_E_NO_MEMORY;
        snprintf(error->message, sizeof error->message, "no memory for the ollama endpoint");
        return TOKPERF_E_NO_MEMORY;
    }
    ollama->json = host->service(host, TOKPERF_SERVICE_JSON);
    ollama->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    ollama->generate = config->values[0]->integer == 1;
    *self = ollama;
    return TOKPERF_OK;
}

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    const struct ollama *ollama = self;
    (void)error;
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                  TOKPERF_ENDPOINT_TOKENIZES_INPUT;
    info->inputs =
        TOKPERF_INPUT_TEXT | TOKPERF_INPUT_IMAGE | TOKPERF_INPUT_TOOLS | TOKPERF_INPUT_RAW;
    info->stream_framing = TOKPERF_FRAMING_NDJSON;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->title, sizeof info->title, "LLM Metrics");
    snprintf(info->path, sizeof info->path, "%s", ollama->generate ? "/api/generate" : "/api/chat");
    return TOKPERF_OK;
}

static void begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    (void)state;
    (void)framing;
}

static const struct tokperf_endpoint_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct ollama_state),
    .scratch_bytes = sizeof(struct ollama_scratch),
    .describe = describe,
    .format = ollama_format,
    .begin = begin,
    .event = ollama_event,
    .finish = ollama_finish,
};

static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "ollama",
    .summary = "Ollama's own API: /api/chat and /api/generate",
    .options = options,
    .vtable = &vtable,
};

static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                                NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.ollama",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Ollama's own API",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
