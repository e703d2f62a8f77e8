/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of a finished request as the record log keeps them: runs, each {u8 tag, u32 length, bytes},
 * little endian, in the order in which they came. Neighbouring pieces of one tag are one run. Pure
 * functions over the caller's memory. [any]
 */
#ifndef TKP_RECORD_KEPT_TEXT_H
#define TKP_RECORD_KEPT_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum tkp_kept_tag {
    TKP_KEPT_OUTPUT = 1,    /* what the model said */
    TKP_KEPT_REASONING = 2, /* what it thought */
    TKP_KEPT_TOOL_CALL = 3, /* names and arguments of its tool calls */
    /* of --export-level raw: what was sent and what came, without the run's secrets */
    TKP_KEPT_RAW = 8, /* u8 enum tkp_kept_raw_flags, u8 content and u8 framing of the answer */
    TKP_KEPT_REQUEST_HEAD = 9, /* request line and headers */
    TKP_KEPT_REQUEST_BODY = 10,
    TKP_KEPT_ANSWER = 11,        /* its body, without the framing of HTTP */
    TKP_KEPT_ANSWER_PIECES = 12, /* struct tkp_kept_piece for each read; absent without stamps */
    TKP_KEPT_ENCODED = 0x80 /* added to one of the above: the bytes between the quotes of a JSON
                               string */
};
enum tkp_kept_raw_flags {
    TKP_KEPT_RAW_REQUEST_CUT = 1, /* the request is longer than what is kept of it */
    TKP_KEPT_RAW_ANSWER_CUT = 2
};
/* Bytes of an answer that were read together. */
struct tkp_kept_piece {
    uint64_t time_ns;   /* monotonic */
    uint64_t end_bytes; /* of the answer, where they end */
};
enum {
    TKP_KEPT_HEAD_BYTES = 5,
    TKP_KEPT_MAX_BYTES = 64 * 1024 * 1024 /* of one request's texts, heads included */
};

/* Writes the head of a run of len bytes to at. */
void tkp_kept_put_head(char *at, uint32_t tag, uint32_t len);

struct tkp_kept_run {
    uint32_t tag; /* enum tkp_kept_tag */
    struct tokperf_span bytes;
};
/* Takes the next run off the front of *texts; false at the end, or where the rest is no run. */
bool tkp_kept_next(struct tokperf_span *texts, struct tkp_kept_run *run);

#endif
