/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vectors of an embeddings answer: lists of numbers, or base64 when that was asked for. Each is
 * content without tokens. [worker], allocates nothing.
 */
#include "reader.h"

static void read_vector(struct reader *reader)
{
    struct tokperf_span raw;
    if (reader->self->json->skip(&reader->scan, &raw) != TOKPERF_OK)
        return;
    const bool is_list = raw.data[0] == '[';
    const bool is_text = raw.data[0] == '"' && raw.len > 2;
    if (is_text)
        raw = (struct tokperf_span){raw.data + 1, raw.len - 2};
    if (is_list || is_text)
        reader->emit->text(reader->emit->context, TOKPERF_TEXT_OTHER, raw,
                           is_text ? TOKPERF_ENCODING_JSON : TOKPERF_ENCODING_RAW);
}

void openai_read_embeddings(struct reader *reader)
{
    uint32_t token = next(reader);
    if (token != TOKPERF_JSON_ARRAY_BEGIN) {
        drain(reader, token);
        return;
    }
    while ((token = next(reader)) > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END) {
        if (token != TOKPERF_JSON_OBJECT_BEGIN) {
            drain(reader, token);
            continue;
        }
        while (next(reader) == TOKPERF_JSON_KEY) {
            if (IS(reader, "embedding"))
                read_vector(reader);
            else
                skip(reader);
        }
    }
}
