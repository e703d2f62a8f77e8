/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that a server reports inside an answer with status 200. Shapes seen: {"error": {"message",
 * "type", "code"}} (OpenAI, vLLM, llama.cpp, OpenRouter), {"error": "text", "error_type": "text"}
 * (TGI), {"object": "error", "message", "type", "code"} (older vLLM and FastChat).
 */
#include "openai.h"

static void read_error_object(const struct openai *self, struct tokperf_json *scan,
                              struct openai_error *found)
{
    while (self->json->next(scan) == TOKPERF_JSON_KEY) {
        if (JSON_IS(self->json, scan, "message"))
            found->message = json_read_scalar(self->json, scan);
        else if (JSON_IS(self->json, scan, "type"))
            found->type = json_read_scalar(self->json, scan);
        else if (JSON_IS(self->json, scan, "code"))
            found->code = json_read_scalar(self->json, scan);
        else
            self->json->skip(scan, NULL);
    }
}

void openai_read_error(const struct openai *self, struct tokperf_json *scan,
                       struct openai_error *found)
{
    const uint32_t token = self->json->next(scan);
    if (token == TOKPERF_JSON_OBJECT_BEGIN) {
        found->present = true;
        read_error_object(self, scan, found);
        return;
    }
    if (token == TOKPERF_JSON_STRING) {
        if (scan->text.len > 0) {
            found->present = true;
            found->message = scan->text;
        }
        return;
    }
    if (token == TOKPERF_JSON_TRUE || token == TOKPERF_JSON_ARRAY_BEGIN)
        found->present = true;
    json_drain(self->json, scan, token);
}

void openai_emit_error(const struct openai *self, struct openai_scratch *scratch,
                       const struct openai_error *found, const struct tokperf_emit *emit)
{
    emit->error(emit->context, json_plain(self->json, found->code, scratch->code),
                json_plain(self->json, found->type, scratch->type),
                json_plain(self->json, found->message, scratch->message));
}
