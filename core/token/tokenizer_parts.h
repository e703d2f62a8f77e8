/* SPDX-License-Identifier: Apache-2.0 */
/* What a tokenizer is made of, private to tokenizer*.c and encoder*.c. */
#ifndef TKP_TOKEN_TOKENIZER_PARTS_H
#define TKP_TOKEN_TOKENIZER_PARTS_H

#include <token/added_tokens.h>
#include <token/model.h>
#include <token/normalizer.h>
#include <token/splitter.h>
#include <token/tokenizer.h>

enum { TKP_TOKENIZER_NOTICE_BYTES = 512 };

struct tkp_tokenizer {
    struct tkp_model model;
    struct tkp_normalizer *normalizer; /* NULL: none */
    struct tkp_splitter splitter;
    struct tkp_added_tokens added;
    tkp_scan *single;   /* the scanner that does all the splitting, or NULL */
    bool counts_pieces; /* builtin: no model */
    const char *kind;   /* static */
    char notice[TKP_TOKENIZER_NOTICE_BYTES];
};

/* Reads a tokenizer.json. On failure the parts so far remain for destroy. */
tokperf_status tkp_tokenizer_read_json(struct tkp_tokenizer *t, struct tokperf_span content,
                                       struct tokperf_error *error);

#endif
