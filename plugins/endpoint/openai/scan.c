/* SPDX-License-Identifier: Apache-2.0 */
/* Steps over JSON that every reader of an answer takes. */
#include "openai.h"

void openai_drain(const struct openai *self, struct tokperf_json *scan, uint32_t token)
{
    if (token != TOKPERF_JSON_OBJECT_BEGIN && token != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    const uint32_t outside = scan->depth - 1;
    while (scan->depth > outside) {
        const uint32_t next = self->json->next(scan);
        if (next <= TOKPERF_JSON_ERROR)
            return;
    }
}

struct tokperf_span openai_read_string(const struct openai *self, struct tokperf_json *scan)
{
    const uint32_t token = self->json->next(scan);
    if (token == TOKPERF_JSON_STRING)
        return scan->text;
    openai_drain(self, scan, token);
    return (struct tokperf_span){NULL, 0};
}

struct tokperf_span openai_read_scalar(const struct openai *self, struct tokperf_json *scan)
{
    const uint32_t token = self->json->next(scan);
    if (token == TOKPERF_JSON_STRING || token == TOKPERF_JSON_NUMBER)
        return scan->text;
    openai_drain(self, scan, token);
    return (struct tokperf_span){NULL, 0};
}
