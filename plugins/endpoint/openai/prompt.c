/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prompt of a text completion. One turn: its text as a string, or several texts as a list. A
 * conversation: all texts of all turns in one string, an empty line between them, since the API
 * knows no messages.
 */
#include "../unquoted.h"
#include "openai.h"

void openai_append_text(const struct openai *self, const struct tokperf_request_sink *sink,
                        struct tokperf_span text)
{
    const struct tokperf_sink bytes = {sink->context, sink->body};
    unquoted_put(self->writer, &bytes, text);
}

static bool all_texts(const struct tokperf_request *request)
{
    for (uint32_t i = 0; i < request->turn_count; i++)
        for (uint32_t k = 0; k < request->turns[i]->content_count; k++)
            if (request->turns[i]->contents[k]->input != TOKPERF_INPUT_TEXT)
                return false;
    return true;
}

static void write_conversation(const struct openai *self, const struct tokperf_request *request,
                               const struct tokperf_request_sink *sink)
{
    const struct openai_salt salt = openai_find_salt(request);
    bool first = true;
    sink->body(sink->context, "\"", 1);
    for (uint32_t i = 0; i < request->turn_count; i++) {
        const struct tokperf_turn *turn = request->turns[i];
        for (uint32_t k = 0; k < turn->content_count; k++) {
            if (!first)
                sink->body(sink->context, "\\n\\n", 4);
            first = false;
            if (openai_is_salted(&salt, i, k))
                openai_append_salted(self, sink, &salt, turn->contents[k]->value);
            else
                openai_append_text(self, sink, turn->contents[k]->value);
        }
    }
    sink->body(sink->context, "\"", 1);
}

bool openai_write_prompt(const struct openai *self, struct tokperf_json_writer *json,
                         const struct tokperf_request *request,
                         const struct tokperf_request_sink *sink)
{
    const struct tokperf_turn *turn = request->turns[request->turn_count - 1];
    if (!all_texts(request))
        return false;
    if (request->turn_count > 1 || turn->content_count == 0) {
        self->writer->raw(json, TOKPERF_SPAN("")); /* the value itself goes past the writer */
        write_conversation(self, request, sink);
        return true;
    }
    const struct openai_salt salt = openai_find_salt(request);
    if (turn->content_count > 1)
        self->writer->array_begin(json);
    for (uint32_t i = 0; i < turn->content_count; i++) /* several prompts, each with its marker */
        if (salt.found)
            openai_write_salted(self, json, sink, &salt, turn->contents[i]->value);
        else
            self->writer->string(json, turn->contents[i]->value);
    if (turn->content_count > 1)
        self->writer->array_end(json);
    return true;
}
