/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template plugin's queries: the first line is one, the rest a JSON text that it is asked of.
 * Whatever is found lies inside of the text.
 */
#include "../../plugins/endpoint/template/query.h"

#include <plugin/host.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/host.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *context, struct tokperf_span found)
{
    const struct tokperf_span *whole = context;
    if (found.len == 0 || found.data < whole->data ||
        found.data + found.len > whole->data + whole->len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct query query;
    struct tkp_host host;
    struct tokperf_error error = {0};
    struct tokperf_json scan;
    struct tokperf_span whole;
    tkp_host_init(&host);
    const struct tokperf_json_v1 *json = host.api.service(&host.api, TOKPERF_SERVICE_JSON);
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    const uint64_t len = line != NULL ? (uint64_t)(line - data) : size;
    const struct tokperf_span text = {(const char *)data, len};
    if (query_compile(&query, json, text, &error) != TOKPERF_OK) {
        if (error.message[0] == '\0')
            abort();
        return 0;
    }
    if (line == NULL)
        return 0;
    char *exact = malloc(size - len);
    if (exact == NULL)
        return 0;
    memcpy(exact, line + 1, size - len - 1);
    json->open(&scan, exact, size - len - 1);
    if (json->skip(&scan, &whole) == TOKPERF_OK && json->next(&scan) == TOKPERF_JSON_END)
        query_ask(&query, json, whole, look, &whole);
    free(exact);
    return 0;
}
