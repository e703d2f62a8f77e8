/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAI API as OpenAI, vLLM, SGLang, llama.cpp, TGI and many others serve it: components
 * "chat" (/v1/chat/completions), "completions" (/v1/completions) and "embeddings" (/v1/embeddings).
 * This file says what they are; format.c renders requests, parse.c and usage.c read answers.
 */
#include "openai.h"

#include <stdio.h>
#include <stdlib.h>

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct openai *openai = malloc(sizeof *openai);
    if (openai == NULL) {
        if (error != NULL) {
            error->status = TOKPERF_E_NO_MEMORY;
            snprintf(error->message, sizeof error->message, "no memory for the openai endpoint");
        }
        return TOKPERF_E_NO_MEMORY;
    }
    openai->json = host->service(host, TOKPERF_SERVICE_JSON);
    openai->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    *self = openai;
    return TOKPERF_OK;
}

static void describe_common(struct tokperf_endpoint_info *info)
{
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                  TOKPERF_ENDPOINT_TOKENIZES_INPUT | TOKPERF_ENDPOINT_CARRIES_SALT;
    info->stream_framing = TOKPERF_FRAMING_SSE;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->title, sizeof info->title, "LLM Metrics");
}

static tokperf_status describe_chat(const void *self, struct tokperf_endpoint_info *info,
                                    struct tokperf_error *error)
{
    (void)self;
    (void)error;
    describe_common(info);
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_IMAGE | TOKPERF_INPUT_AUDIO |
                   TOKPERF_INPUT_VIDEO | TOKPERF_INPUT_TOOLS | TOKPERF_INPUT_RAW;
    snprintf(info->path, sizeof info->path, "/v1/chat/completions");
    return TOKPERF_OK;
}

static tokperf_status describe_completions(const void *self, struct tokperf_endpoint_info *info,
                                           struct tokperf_error *error)
{
    (void)self;
    (void)error;
    describe_common(info);
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_RAW;
    snprintf(info->path, sizeof info->path, "/v1/completions");
    return TOKPERF_OK;
}

static tokperf_status describe_embeddings(const void *self, struct tokperf_endpoint_info *info,
                                          struct tokperf_error *error)
{
    (void)self;
    (void)error;
    info->flags = TOKPERF_ENDPOINT_TOKENIZES_INPUT;
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_RAW;
    info->stream_framing = info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->title, sizeof info->title, "Embeddings Metrics");
    snprintf(info->path, sizeof info->path, "/v1/embeddings");
    return TOKPERF_OK;
}

static const struct tokperf_endpoint_vtable chat_vtable = {
    .struct_size = sizeof chat_vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct openai_state),
    .scratch_bytes = sizeof(struct openai_scratch),
    .describe = describe_chat,
    .format = openai_format_chat,
    .begin = openai_begin,
    .event = openai_event,
    .finish = openai_finish,
};

static const struct tokperf_endpoint_vtable completions_vtable = {
    .struct_size = sizeof completions_vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct openai_state),
    .scratch_bytes = sizeof(struct openai_scratch),
    .describe = describe_completions,
    .format = openai_format_completions,
    .begin = openai_begin,
    .event = openai_event,
    .finish = openai_finish,
};

static const struct tokperf_endpoint_vtable embeddings_vtable = {
    .struct_size = sizeof embeddings_vtable,
    .create = create,
    .destroy = free,
    .state_bytes = sizeof(struct openai_state),
    .scratch_bytes = sizeof(struct openai_scratch),
    .describe = describe_embeddings,
    .format = openai_format_embeddings,
    .begin = openai_begin,
    .event = openai_event,
    .finish = openai_finish,
};

static const struct tokperf_component chat = {
    .struct_size = sizeof chat,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "chat",
    .summary = "OpenAI chat completions",
    .vtable = &chat_vtable,
};

static const struct tokperf_component completions = {
    .struct_size = sizeof completions,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "completions",
    .summary = "OpenAI text completions",
    .vtable = &completions_vtable,
};

static const struct tokperf_component embeddings = {
    .struct_size = sizeof embeddings,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "embeddings",
    .summary = "OpenAI embeddings",
    .vtable = &embeddings_vtable,
};

static const struct tokperf_component *const components[] = {&chat, &completions, &embeddings,
                                                             NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                                NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.openai",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "The OpenAI dialect: chat, text completions, embeddings",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
