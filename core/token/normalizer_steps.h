/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a normalizer, private to normalizer*.c. */
#ifndef TKP_TOKEN_NORMALIZER_STEPS_H
#define TKP_TOKEN_NORMALIZER_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <token/normal_form.h>
#include <tokperf/base.h>

enum tkp_step_kind {
    TKP_STEP_FORM = 1,
    TKP_STEP_LOWERCASE,
    TKP_STEP_STRIP_ACCENTS,
    TKP_STEP_STRIP,
    TKP_STEP_PREPEND,
    TKP_STEP_REPLACE,
    TKP_STEP_REPLACE_WHITE_SPACE, /* the regular expression \s+ */
    TKP_STEP_REPLACE_SPACES,      /* the regular expression " {2,}" */
    TKP_STEP_CLEAN,
    TKP_STEP_SPACE_IDEOGRAPHS,
    TKP_STEP_BERT_ACCENTS,
};

struct tkp_step {
    enum tkp_step_kind kind;
    enum tkp_normal_form form;
    bool left, right;            /* STRIP */
    struct tokperf_span pattern; /* REPLACE: not empty; heap */
    struct tokperf_span content; /* REPLACE*, PREPEND; heap */
    const char *component;       /* its type in the file; static. Bert's steps share one */
};

enum { TKP_STEPS_MAX = 32 };

struct tkp_normalizer {
    struct tkp_step steps[TKP_STEPS_MAX];
    size_t len;
};

/* Appends the steps of one component's JSON; the scanner bounds how deep sequences nest. On failure
 * the steps so far remain for destroy. */
tokperf_status tkp_normalizer_parse(struct tkp_normalizer *normalizer, struct tokperf_span json,
                                    struct tokperf_error *error);

#endif
