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
        if (OPENAI_IS(self, scan, "message"))
            found->message = openai_read_scalar(self, scan);
        else if (OPENAI_IS(self, scan, "type"))
            found->type = openai_read_scalar(self, scan);
        else if (OPENAI_IS(self, scan, "code"))
            found->code = openai_read_scalar(self, scan);
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
    openai_drain(self, scan, token);
}

/* Unescapes at most OPENAI_ERROR_TEXT_BYTES of text, cut between escapes. */
static struct tokperf_span plain(const struct openai *self, struct tokperf_span text, char *out)
{
    uint64_t len = 0;
    while (len < text.len) {
        uint64_t step = 1;
        if (text.data[len] == '\\')
            step = len + 1 < text.len && text.data[len + 1] == 'u' ? 6 : 2;
        if (len + step > OPENAI_ERROR_TEXT_BYTES || len + step > text.len)
            break;
        len += step;
    }
    text.len = len;
    uint64_t written = 0;
    if (text.len == 0 || self->json->unescape(text, out, sizeof((struct openai_scratch *)0)->code,
                                              &written) != TOKPERF_OK)
        return (struct tokperf_span){NULL, 0};
    return (struct tokperf_span){out, written};
}

void openai_emit_error(const struct openai *self, struct openai_scratch *scratch,
                       const struct openai_error *found, const struct tokperf_emit *emit)
{
    emit->error(emit->context, plain(self, found->code, scratch->code),
                plain(self, found->type, scratch->type),
                plain(self, found->message, scratch->message));
}
