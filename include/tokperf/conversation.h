/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK: a conversation, as datasets produce it and endpoints render it.
 */
#ifndef TOKPERF_CONVERSATION_H
#define TOKPERF_CONVERSATION_H

#include <tokperf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Inputs, as a set of bits. */
enum {
    TOKPERF_INPUT_TEXT = 1u << 0,
    TOKPERF_INPUT_IMAGE = 1u << 1,
    TOKPERF_INPUT_AUDIO = 1u << 2,
    TOKPERF_INPUT_VIDEO = 1u << 3,
    TOKPERF_INPUT_TOOLS = 1u << 4,
    TOKPERF_INPUT_RAW = 1u << 5
};

/* One piece of a message. */
struct tokperf_content {
    uint32_t struct_size;
    uint32_t input;            /* TOKPERF_INPUT_TEXT, _IMAGE, _AUDIO or _VIDEO */
    struct tokperf_span value; /* UTF-8 text, URL or data URL; audio: "format,base64" */
    struct tokperf_span name;  /* of a named text list ("query", "passages"), or empty */
};

/* A top-level member for the request body: key (plain UTF-8) and its JSON value as it stands. */
struct tokperf_member {
    struct tokperf_span key;
    struct tokperf_span json;
};

/* One message of a conversation. Absent texts are empty spans, absent numbers -1. */
struct tokperf_turn {
    uint32_t struct_size;
    uint32_t content_count;
    const struct tokperf_content *const *contents;
    struct tokperf_span role;        /* "user" when empty */
    struct tokperf_span model;       /* overrides the run's model */
    struct tokperf_span tools;       /* JSON array, as it stands */
    struct tokperf_span tool_calls;  /* JSON array of an assistant's calls (live answers) */
    struct tokperf_span raw_payload; /* the whole request body, sent verbatim */
    int64_t max_tokens;              /* output tokens asked for, or -1 */
    int64_t input_tokens;            /* input tokens this turn was made for, or -1 */
    int64_t delay_ns;                /* wait after the previous answer, or -1: none */
    uint32_t extra_count;            /* body members of the dataset row; they win over everything */
    uint32_t is_answer; /* 1: recorded or live answer, context only, never sent alone */
    const struct tokperf_member *extra;
};

#ifdef __cplusplus
}
#endif
#endif
