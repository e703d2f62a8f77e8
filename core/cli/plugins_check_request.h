/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture's request.json: what to ask an endpoint to render. sdk/fixtures.md. [check child] */
#ifndef TKP_CLI_PLUGINS_CHECK_REQUEST_H
#define TKP_CLI_PLUGINS_CHECK_REQUEST_H

#include <base/arena.h>
#include <base/buffer.h>
#include <stdbool.h>
#include <tokperf/endpoint.h>

struct tkp_check_request {
    const char *component;                /* NULL: the module's only endpoint */
    uint32_t framing;                     /* 0: what describe() says */
    uint32_t end;                         /* TOKPERF_END_* */
    const struct tokperf_member *options; /* of the endpoint: plain key, raw JSON value */
    uint32_t option_count;
    struct tokperf_request request;
};

/* Everything lives in arena. The sentence names the member. */
tokperf_status tkp_check_request_parse(struct tokperf_span json, struct tkp_arena *arena,
                                       struct tkp_check_request *out,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
/* The text of a string, or another value as it stands; NULL without memory. */
const char *tkp_check_request_text(struct tokperf_span json, struct tkp_arena *arena);
/* The same JSON value in one way of writing: no space, strings as the writer escapes them. */
bool tkp_check_canonical(struct tokperf_span json, struct tkp_buffer *out);

#endif
