/* SPDX-License-Identifier: Apache-2.0 */
/* What an inference request asks for: the body of a chat or completions call, read and checked. */
#ifndef TKP_MOCK_INFERENCE_H
#define TKP_MOCK_INFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum { TKP_MOCK_MODEL_BYTES_MAX = 512 };

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
};

/* Reads the body of a chat (messages) or completions (prompt) request. False: answer with status
 * 400 and the sentence in error; *param names the field at fault, or is NULL. */
bool tkp_mock_inference_read(struct tkp_mock_inference *inference, bool chat, const char *body,
                             size_t body_bytes, char *error, size_t error_bytes, const char **param)
    __attribute__((warn_unused_result));

#endif
