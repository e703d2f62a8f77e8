/* SPDX-License-Identifier: Apache-2.0 */
/* The APIs beside OpenAI's chat and completions: embeddings, Ollama's, Text Generation Inference's.
 * Pure: options, plan and request in, bytes out. */
#ifndef TKP_MOCK_DIALECT_H
#define TKP_MOCK_DIALECT_H

#include "render.h"

/* Whether an API is one of those here. */
bool tkp_mock_dialect_has(enum tkp_mock_api api);
/* Whether its streams are lines of JSON, not events. */
bool tkp_mock_dialect_is_lines(enum tkp_mock_api api);

/* As the functions of render.h, for those APIs. */
void tkp_mock_dialect_prefix(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out);
size_t tkp_mock_dialect_chunk(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                              uint64_t index, struct tkp_mock_buffer *out);
/* The last object of a stream, with the counts. */
void tkp_mock_dialect_finish(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                             struct tkp_mock_buffer *out);
size_t tkp_mock_dialect_whole(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out);
/* An error in the middle of an answer. */
void tkp_mock_dialect_error(enum tkp_mock_api api, const char *message,
                            struct tkp_mock_buffer *out);

#endif
