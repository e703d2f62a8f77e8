/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of an exact number of tokens: of words, as many as it takes by the run's tokenizer; without
 * one a word stands for a token. A pure function of what is asked. One thread.
 */
#ifndef SYNTHETIC_EXACT_H
#define SYNTHETIC_EXACT_H

#include "prompt.h"

struct synthetic_writer {
    const struct tokperf_host *host;
    const struct tokperf_rng_v1 *rng;
    const struct tokperf_tokenizer_v1 *tokenizer; /* NULL: count words */
    char *text;                                   /* what was written; grows to the longest */
    uint64_t text_capacity;
};

/* Writes lead (may be empty; not inside writer->text), a space, and words, so that all of it has
 * `tokens` tokens, of which lead has lead_tokens. prompt->word_count is ignored. *text is valid
 * until the next call. */
tokperf_status synthetic_write(struct synthetic_writer *writer,
                               const struct synthetic_prompt *prompt, struct tokperf_span lead,
                               uint64_t lead_tokens, uint64_t tokens, struct tokperf_span *text,
                               struct tokperf_error *error);

#endif
