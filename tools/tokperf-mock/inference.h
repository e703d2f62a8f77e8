/* SPDX-License-Identifier: Apache-2.0 */
/* What an inference request asks for: the body of a call, read and checked. */
#ifndef TKP_MOCK_INFERENCE_H
#define TKP_MOCK_INFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum { TKP_MOCK_MODEL_BYTES_MAX = 512 };

/* The APIs that infer. */
enum tkp_mock_api {
    TKP_MOCK_API_COMPLETIONS,
    TKP_MOCK_API_CHAT,
    TKP_MOCK_API_EMBEDDINGS,
    TKP_MOCK_API_OLLAMA_CHAT, /* streams unless told not to, as the next one */
    TKP_MOCK_API_OLLAMA_GENERATE,
    TKP_MOCK_API_TGI,       /* /generate of Text Generation Inference */
    TKP_MOCK_API_TGI_STREAM /* its /generate_stream */
};

struct tkp_mock_inference {
    struct tkp_mock_slice
        model; /* raw JSON between the quotes, inside the body; empty: not given */
    bool stream;
    bool include_usage;
    bool continuous_usage;
    bool ignore_eos;
    uint64_t max_tokens; /* 0: no limit given */
    uint64_t min_tokens;
    uint64_t prompt_tokens; /* words, or the number of token ids */
    uint64_t inputs;        /* texts to embed */
};

/* Reads the body of a request to an API. False: answer with status 400 and the
 * sentence in error; *param names the field at fault, or is NULL. */
bool tkp_mock_inference_read(struct tkp_mock_inference *inference, enum tkp_mock_api api,
                             const char *body, size_t body_bytes, char *error, size_t error_bytes,
                             const char **param) __attribute__((warn_unused_result));

#endif
