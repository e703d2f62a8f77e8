/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of tokperf-mock: one table gives parser, ranges and help. */
#ifndef TKP_MOCK_OPTIONS_H
#define TKP_MOCK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "faults.h"

/* In the order of the choices of --sse. */
enum tkp_mock_dialect {
    TKP_MOCK_DIALECT_LF,
    TKP_MOCK_DIALECT_CRLF,
    TKP_MOCK_DIALECT_CR,
    TKP_MOCK_DIALECT_NOSPACE,
    TKP_MOCK_DIALECT_MULTILINE,
    TKP_MOCK_DIALECT_COMMENTS,
    TKP_MOCK_DIALECT_EVENTS,
    TKP_MOCK_DIALECT_BOM,
    TKP_MOCK_DIALECT_MIXED,
};

/* In the order of the choices of --reasoning-field. */
enum tkp_mock_reasoning_field {
    TKP_MOCK_REASONING_FIELD_CONTENT, /* reasoning_content */
    TKP_MOCK_REASONING_FIELD_PLAIN,   /* reasoning */
    TKP_MOCK_REASONING_FIELD_BOTH,
};

enum {
    TKP_MOCK_MODELS_MAX = 32,     /* names that --model may give */
    TKP_MOCK_TOKENS_MAX = 131072, /* of one answer: bounds its bytes */
    TKP_MOCK_OSL_DEFAULT = 32,    /* tokens, when neither --osl nor the request says */
};

/* Texts point into argv. */
struct tkp_mock_options {
    const char *host;
    uint64_t port;
    uint64_t threads;
    double ttft_ms;
    double itl_ms;
    double ttft_jitter; /* coefficients of variation */
    double itl_jitter;
    bool fast;
    uint64_t osl_tokens; /* 0: the request's limit, or TKP_MOCK_OSL_DEFAULT */
    uint64_t tokens_per_chunk;
    uint64_t reasoning_tokens;
    uint64_t reasoning_field; /* enum tkp_mock_reasoning_field */
    uint64_t tool_calls;
    bool tool_calls_only;
    uint64_t seed;
    const char *api_key; /* NULL: none is asked for */
    const char *models[TKP_MOCK_MODELS_MAX];
    uint64_t model_count;
    uint64_t models_delay_ms;
    bool stamp;
    const char *stamp_log; /* NULL: none */
    double fault_rates[TKP_MOCK_FAULT_COUNT];
    uint64_t dialect; /* enum tkp_mock_dialect */
    bool one_byte_writes;
    bool no_done;
    bool close_delimited;
    bool content_length;
    bool informational;
    uint64_t requests_per_connection; /* 0: without limit */
    bool exit_with_stdin;
    bool help;
};

/* Fills options from argv[1..]; false with one sentence in error. */
bool tkp_mock_options_parse(struct tkp_mock_options *options, int argc, char *const argv[],
                            char *error, size_t error_bytes) __attribute__((warn_unused_result));
void tkp_mock_options_print_help(FILE *out);

#endif
