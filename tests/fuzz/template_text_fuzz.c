/* SPDX-License-Identifier: Apache-2.0 */
/* The template plugin on hostile templates: what is taken must render to JSON. */
#include <plugin/host.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/endpoint.h>

const struct tokperf_plugin *template_plugin(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rendered {
    char data[64 * 1024]; /* a longer one is not looked at */
    uint64_t len;
};

static void take(void *context, const char *data, uint64_t len)
{
    struct rendered *rendered = context;
    if (rendered->len + len <= sizeof rendered->data)
        memcpy(rendered->data + rendered->len, data, len);
    rendered->len += len;
}

static void render(const struct tokperf_endpoint_vtable *vtable, const void *self,
                   const struct tokperf_json_v1 *json)
{
    static struct rendered rendered;
    const struct tokperf_content content = {.struct_size = sizeof content,
                                            .input = TOKPERF_INPUT_TEXT,
                                            .value = TOKPERF_SPAN("a \"b\"\n")};
    const struct tokperf_content *contents[] = {&content, &content};
    const struct tokperf_turn turn = {
        .struct_size = sizeof turn, .content_count = 2, .contents = contents, .max_tokens = 4};
    const struct tokperf_turn *turns[] = {&turn, &turn};
    const struct tokperf_request request = {
        .struct_size = sizeof request, .turn_count = 2, .turns = turns, .model = TOKPERF_SPAN("m")};
    const struct tokperf_request_sink sink = {
        .struct_size = sizeof sink, .context = &rendered, .body = take};
    struct tokperf_error error;
    struct tokperf_json scan;
    rendered.len = 0;
    if (vtable->format(self, &request, &sink, &error) != TOKPERF_OK ||
        rendered.len > sizeof rendered.data)
        return;
    /* Verbatim tags can break it for other texts than those that it was tried with. */
    json->open(&scan, rendered.data, rendered.len);
    while (json->next(&scan) > TOKPERF_JSON_ERROR)
        continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tokperf_endpoint_vtable *vtable = template_plugin()->components[0]->vtable;
    struct tkp_host host;
    struct tokperf_error error = {0};
    void *self = NULL;
    char *text = malloc(size + 2);
    tkp_host_init(&host);
    if (text == NULL)
        return 0;
    text[0] = '['; /* never a file's name */
    if (size > 0)
        memcpy(text + 1, data, size);
    text[size + 1] = '\0';
    const uint64_t skip = size > 0 && (data[0] == '{' || data[0] == '[') ? 1 : 0;
    const struct tokperf_value field = {.type = TOKPERF_OPTION_STRING};
    const struct tokperf_value framing = {.type = TOKPERF_OPTION_ENUM, .is_set = 1};
    const struct tokperf_value body = {
        .type = TOKPERF_OPTION_STRING, .is_set = 1, .text = {text + skip, size + 1 - skip}};
    const struct tokperf_value *values[] = {&field, &framing, &body};
    const struct tokperf_config config = {
        .struct_size = sizeof config, .value_count = 3, .values = values};
    if (vtable->create(&host.api, &config, &self, &error) == TOKPERF_OK) {
        render(vtable, self, host.api.service(&host.api, TOKPERF_SERVICE_JSON));
        vtable->destroy(self);
    } else if (error.message[0] == '\0') {
        abort();
    }
    free(text);
    return 0;
}
