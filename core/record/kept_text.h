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
    TKP_KEPT_ENCODED = 0x80 /* added to one of the above: the bytes between the quotes of a JSON
                               string */
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
