/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file dataset on hostile files. The first byte picks the format (0: found out). What comes
 * through the sink is read byte by byte, so that a sanitizer sees a span that is not there.
 */
#include <plugin/host.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/dataset.h>

const struct tokperf_plugin *file_plugin(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tokperf_span content;
static const struct tokperf_host *real_host;

static tokperf_status read_file(const struct tokperf_host *host, const char *path,
                                uint64_t max_bytes, struct tokperf_span *out,
                                struct tokperf_error *error)
{
    (void)host;
    (void)path;
    (void)max_bytes;
    (void)error;
    *out = content;
    return TOKPERF_OK;
}

static void release_file(const struct tokperf_host *host, struct tokperf_span span)
{
    (void)host;
    (void)span;
}

static const struct tokperf_file_v1 file_service = {sizeof file_service, 0, read_file,
                                                    release_file};

static const void *service(const struct tokperf_host *host, const char *id)
{
    (void)host;
    if (strcmp(id, TOKPERF_SERVICE_FILE) == 0)
        return &file_service;
    if (strcmp(id, TOKPERF_SERVICE_CANCELLED) == 0)
        return NULL;
    return real_host->service(real_host, id);
}

static void touch(struct tokperf_span text)
{
    uint32_t sum = 0;
    for (uint64_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.data[i];
    if (sum == UINT32_MAX)
        abort();
}

static tokperf_status on_conversation(void *context, struct tokperf_span id)
{
    (void)context;
    touch(id);
    return TOKPERF_OK;
}

static tokperf_status on_turn(void *context, const struct tokperf_turn *turn)
{
    (void)context;
    touch(turn->role);
    touch(turn->raw_payload);
    for (uint32_t i = 0; i < turn->content_count; i++) {
        touch(turn->contents[i]->value);
        touch(turn->contents[i]->name);
    }
    for (uint32_t i = 0; i < turn->extra_count; i++) {
        touch(turn->extra[i].key);
        touch(turn->extra[i].json);
    }
    return TOKPERF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"", "single_turn", "multi_turn", "raw_payload",
                                          "inputs_json"};
    const struct tokperf_dataset_vtable *vtable = file_plugin()->components[0]->vtable;
    const struct tokperf_config config = {.struct_size = sizeof config};
    const struct tokperf_dataset_sink sink = {sizeof sink, 0, NULL, on_conversation, on_turn};
    struct tkp_host real;
    const struct tokperf_host host = {.struct_size = sizeof host, .service = service};
    struct tokperf_error error;
    void *self = NULL;
    if (size == 0)
        return 0;
    const char *format = formats[data[0] % (sizeof formats / sizeof formats[0])];
    char *bytes = malloc(size); /* with the NUL that file/1 puts behind a file */
    if (bytes == NULL)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    bytes[size - 1] = '\0';
    content = (struct tokperf_span){bytes, size - 1};
    tkp_host_init(&real);
    real_host = &real.api;
    if (vtable->create(&host, &config, &self, &error) == TOKPERF_OK) {
        const struct tokperf_dataset_request request = {
            .struct_size = sizeof request,
            .output_tokens_mean = 10,
            .output_tokens_stddev = 3,
            .path = TOKPERF_SPAN("fuzz.jsonl"),
            .format = {format, strlen(format)},
        };
        vtable->produce(self, &request, &sink, &error);
        vtable->destroy(self);
    }
    free(bytes);
    return 0;
}
