/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "normalizer" of a tokenizer.json: a chain of steps that each text passes before it is split.
 * Immutable once made, shared by threads; each thread has its own scratch. Text is well-formed
 * UTF-8.
 */
#ifndef TKP_TOKEN_NORMALIZER_H
#define TKP_TOKEN_NORMALIZER_H

#include <base/buffer.h>
#include <token/normal_form.h>
#include <tokperf/base.h>

struct tkp_normalizer;

/* json: the value of "normalizer", checked to be JSON. *out is NULL, and nothing has to be done to
 * a text, where it is null or a chain of no steps. Fails with TOKPERF_E_UNSUPPORTED and a sentence
 * that names the component for what cannot be done exactly, and TOKPERF_E_INVALID for a malformed
 * one. */
tokperf_status tkp_normalizer_create(struct tkp_normalizer **out, struct tokperf_span json,
                                     struct tokperf_error *error);
void tkp_normalizer_destroy(struct tkp_normalizer *normalizer); /* accepts NULL */

struct tkp_normalizer_scratch {
    struct tkp_buffer from, to; /* the text before and after a step */
    struct tkp_normal_scratch marks;
};
/* max_bytes bounds each of the two buffers: a normalized text may be longer than the text. */
void tkp_normalizer_scratch_init(struct tkp_normalizer_scratch *scratch, size_t max_bytes);
void tkp_normalizer_scratch_finish(struct tkp_normalizer_scratch *scratch);

/* *out is the text itself where no step changes it, else inside the scratch until its next use.
 * False without memory or past the scratch's bound. normalizer may be NULL. */
bool tkp_normalizer_apply(const struct tkp_normalizer *normalizer,
                          struct tkp_normalizer_scratch *scratch, struct tokperf_span text,
                          struct tokperf_span *out);
/* Writes what the chain does, in the file's words: "NFC", "Prepend + Replace"; "none" for NULL. */
void tkp_normalizer_describe(const struct tkp_normalizer *normalizer, struct tkp_buffer *out);

#endif
