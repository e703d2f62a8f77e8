/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The components "template" and "raw". This file says what they are and reads their options;
 * body.c renders requests, answer.c reads answers.
 */
#include "template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const framings[] = {"sse", "ndjson", "bytes", NULL};
static const uint32_t framing_values[] = {TOKPERF_FRAMING_SSE, TOKPERF_FRAMING_NDJSON,
                                          TOKPERF_FRAMING_BYTES};

static const struct tokperf_option field_row = {
    .struct_size = sizeof field_row,
    .type = TOKPERF_OPTION_STRING,
    .key = "response_field",
    .help = "Where an answer's content is, in a subset of JMESPath: a.b[0], a[*].b, a[-1] || b; "
            "without it embeddings, rankings and texts are looked for.",
};
static const struct tokperf_option framing_row = {
    .struct_size = sizeof framing_row,
    .type = TOKPERF_OPTION_ENUM,
    .key = "stream_framing",
    .default_value = "sse",
    .choices = framings,
    .help = "How a streamed answer is cut into events: sse, ndjson, or bytes for plain text.",
};
static const struct tokperf_option body_row = {
    .struct_size = sizeof body_row,
    .type = TOKPERF_OPTION_STRING,
    .key = "body",
    .help = "The request body: a template that begins with { or [, the name nv-embedqa, or the "
            "path of a file with a template.",
};
static const struct tokperf_option *const raw_options[] = {&field_row, &framing_row, NULL};
static const struct tokperf_option *const template_options[] = {&field_row, &framing_row, &body_row,
                                                                NULL};

tokperf_status template_fail(struct tokperf_error *error, tokperf_status status, const char *format,
                             ...)
{
    va_list arguments;
    if (error == NULL)
        return status;
    error->status = status;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

static void destroy(void *self)
{
    struct template_instance *instance = self;
    if (instance == NULL)
        return;
    text_finish(&instance->text);
    free(instance->sample);
    free(instance);
}

static tokperf_status set_field(struct template_instance *instance, struct tokperf_span field,
                                struct tokperf_error *error)
{
    char reason[sizeof error->message];
    if (query_compile(&instance->query, instance->json, field, error) == TOKPERF_OK) {
        instance->has_query = true;
        return TOKPERF_OK;
    }
    memcpy(reason, error->message, sizeof reason);
    return template_fail(error, TOKPERF_E_INVALID, "response_field '%.*s': %s",
                         (int)(field.len < 128 ? field.len : 128), field.data, reason);
}

static tokperf_status set_options(struct template_instance *instance,
                                  const struct tokperf_host *host,
                                  const struct tokperf_config *config, struct tokperf_error *error)
{
    const struct tokperf_value *field = config->values[0];
    const struct tokperf_value *body = config->value_count > 2 ? config->values[2] : NULL;
    instance->stream_framing = framing_values[config->values[1]->integer];
    tokperf_status status = template_set_queries(instance, error);
    if (status == TOKPERF_OK && field->is_set)
        status = set_field(instance, field->text, error);
    if (status == TOKPERF_OK && body != NULL && body->is_set)
        status = template_set_body(instance, host, body->text, error);
    return status;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    struct template_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return template_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the %s endpoint",
                             config->value_count > 2 ? "template" : "raw");
    instance->json = host->service(host, TOKPERF_SERVICE_JSON);
    instance->writer = host->service(host, TOKPERF_SERVICE_JSON_WRITER);
    instance->file = host->service(host, TOKPERF_SERVICE_FILE);
    const tokperf_status status = set_options(instance, host, config, error);
    if (status != TOKPERF_OK) {
        destroy(instance);
        return status;
    }
    *self = instance;
    return TOKPERF_OK;
}

static void describe_common(const struct template_instance *instance,
                            struct tokperf_endpoint_info *info)
{
    info->flags = TOKPERF_ENDPOINT_STREAMS | TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                  TOKPERF_ENDPOINT_TOKENIZES_INPUT;
    info->stream_framing = instance->stream_framing;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    snprintf(info->title, sizeof info->title, "LLM Metrics"); /* and no path: the URL is it */
}

static tokperf_status describe_template(const void *self, struct tokperf_endpoint_info *info,
                                        struct tokperf_error *error)
{
    (void)error;
    describe_common(self, info);
    info->inputs = TOKPERF_INPUT_TEXT | TOKPERF_INPUT_IMAGE | TOKPERF_INPUT_AUDIO |
                   TOKPERF_INPUT_VIDEO | TOKPERF_INPUT_RAW;
    return TOKPERF_OK;
}

static tokperf_status describe_raw(const void *self, struct tokperf_endpoint_info *info,
                                   struct tokperf_error *error)
{
    (void)error;
    describe_common(self, info);
    info->inputs = TOKPERF_INPUT_RAW;
    return TOKPERF_OK;
}

static const struct tokperf_endpoint_vtable template_vtable = {
    .struct_size = sizeof template_vtable,
    .create = create,
    .destroy = destroy,
    .state_bytes = sizeof(struct template_state),
    .scratch_bytes = sizeof(struct template_scratch),
    .describe = describe_template,
    .format = template_format,
    .begin = template_begin,
    .event = template_event,
    .finish = template_finish,
};

static const struct tokperf_endpoint_vtable raw_vtable = {
    .struct_size = sizeof raw_vtable,
    .create = create,
    .destroy = destroy,
    .state_bytes = sizeof(struct template_state),
    .scratch_bytes = sizeof(struct template_scratch),
    .describe = describe_raw,
    .format = template_format_raw,
    .begin = template_begin,
    .event = template_event,
    .finish = template_finish,
};

static const struct tokperf_component template_component = {
    .struct_size = sizeof template_component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "template",
    .summary = "Request bodies from a template, answers of any shape",
    .options = template_options,
    .vtable = &template_vtable,
};

static const struct tokperf_component raw_component = {
    .struct_size = sizeof raw_component,
    .kind = TOKPERF_KIND_ENDPOINT,
    .name = "raw",
    .summary = "Request bodies of the dataset as they stand, answers of any shape",
    .options = raw_options,
    .vtable = &raw_vtable,
};

static const struct tokperf_component *const components[] = {&template_component, &raw_component,
                                                             NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                                TOKPERF_SERVICE_FILE, NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.template",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Requests in a shape that the user gives, answers of any shape",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
