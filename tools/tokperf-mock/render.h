/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON objects of an answer; those that are not OpenAI's chat or completions are dialect.h's.
 * Pure: options, plan and request in, bytes out. */
#ifndef TKP_MOCK_RENDER_H
#define TKP_MOCK_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "options.h"
#include "plan.h"

enum { TKP_MOCK_STAMP_WIDTH = 20 }; /* digits of the largest uint64, padded with spaces */

/* The facts of one answer. */
struct tkp_mock_reply {
    const struct tkp_mock_options *options;
    struct tkp_mock_plan plan;
    struct tkp_mock_slice model; /* raw JSON, without quotes */
    uint64_t number;             /* of the request; makes the id */
    uint64_t created_s;          /* wall clock */
    uint64_t prompt_tokens;
    uint64_t arrival_ns;  /* the request's last byte was read */
    uint64_t intended_ns; /* of the chunk being rendered */
    enum tkp_mock_api api;
    bool chat;       /* OpenAI's chat */
    uint64_t inputs; /* texts to embed */
    bool include_usage;
    bool continuous_usage;
};

/* What begins every object of a stream, up to the choices; rendered once per stream. */
void tkp_mock_render_prefix(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out);

/* Whole objects; each begins with the prefix. */
void tkp_mock_render_role(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                          struct tkp_mock_buffer *out);
/* Returns where in out the send stamp is to be written, 0 when there is none. */
size_t tkp_mock_render_chunk(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                             uint64_t index, struct tkp_mock_buffer *out);
void tkp_mock_render_finish(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                            struct tkp_mock_buffer *out);
void tkp_mock_render_usage(const struct tkp_mock_reply *reply, struct tkp_mock_slice prefix,
                           struct tkp_mock_buffer *out);

/* The member "stamp", when it is asked for; returns as tkp_mock_render_chunk does. */
size_t tkp_mock_render_stamp(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out);

/* The answer that is not a stream; returns as tkp_mock_render_chunk does. */
size_t tkp_mock_render_whole(const struct tkp_mock_reply *reply, struct tkp_mock_buffer *out);

/* An error object; param may be NULL. message and param are escaped. */
void tkp_mock_render_error(int status, const char *message, const char *param,
                           struct tkp_mock_buffer *out);
/* The list of /v1/models. */
void tkp_mock_render_models(const struct tkp_mock_options *options, uint64_t created_s,
                            struct tkp_mock_buffer *out);

#endif
