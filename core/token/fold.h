/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small changes to text that a normalizer is made of, as the reference implementation does them.
 * Each takes well-formed UTF-8 and appends its answer to `out`, whose `failed` says when that went
 * past its bound. No state; any thread.
 */
#ifndef TKP_TOKEN_FOLD_H
#define TKP_TOKEN_FOLD_H

#include <base/buffer.h>
#include <stdint.h>

/* Each code point by itself in lower case (no final sigma); Unicode 17. */
void tkp_fold_lowercase(struct tokperf_span text, struct tkp_buffer *out);
/* Without the code points of these classes (enum tkp_class). */
void tkp_fold_remove(struct tokperf_span text, uint32_t classes, struct tkp_buffer *out);
/* The part of text without white space at its left and right end. Appends nothing. */
struct tokperf_span tkp_fold_strip(struct tokperf_span text, bool left, bool right);
/* Every occurrence of pattern, which is not empty, becomes content. */
void tkp_fold_replace(struct tokperf_span text, struct tokperf_span pattern,
                      struct tokperf_span content, struct tkp_buffer *out);
/* Every run of at least min_run code points that are of the classes, and, where `only` is not 0,
 * are that one, becomes content. */
void tkp_fold_replace_runs(struct tokperf_span text, uint32_t classes, uint32_t only,
                           size_t min_run, struct tokperf_span content, struct tkp_buffer *out);
/* Bert's first step: NUL, U+FFFD and control characters go, white space becomes a space. */
void tkp_fold_clean(struct tokperf_span text, struct tkp_buffer *out);
/* Bert's second step: a space on both sides of each ideograph. */
void tkp_fold_space_ideographs(struct tokperf_span text, struct tkp_buffer *out);

#endif
