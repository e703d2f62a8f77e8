/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token counts that are exact: the identifiers that a model's own tokenizer gives. A tokenizer is
 * loaded once on the main thread, is immutable and shared; each thread counts with an encoder of
 * its own.
 *
 *     tkp_tokenizer_load(path, &tokenizer, error);
 *     tkp_encoder_create(tokenizer, &encoder, error);
 *     tkp_encoder_count(encoder, text, &count, error);
 *
 * Exact means: what Hugging Face tokenizers 0.23 gives for encode(text, add_special_tokens=False),
 * for a file of ranks what tiktoken gives for encode_ordinary(text). Tokens that a template would
 * put around the text are not counted; literal special tokens in it are found as the file says.
 * Bytes that are not UTF-8: each maximal invalid part is one U+FFFD, as in a lossy decoding.
 */
#ifndef TKP_TOKEN_TOKENIZER_H
#define TKP_TOKEN_TOKENIZER_H

#include <base/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum {
    TKP_TOKENIZER_MAX_FILE_BYTES = 256 << 20, /* Gemma's file has 17 to 33 MB */
    TKP_TOKEN_MAX_TEXT_BYTES = 64 << 20,      /* of one text; longer: TOKPERF_E_LIMIT */
};

struct tkp_tokenizer;
struct tkp_encoder;

/* path: a tokenizer.json, a file of tiktoken ranks (told apart by content), a directory that holds
 * a tokenizer.json, or "builtin": one token for each piece of GPT-2's pattern, which is no model's
 * count. What cannot be done exactly is TOKPERF_E_INVALID, with the component's name. [main] */
tokperf_status tkp_tokenizer_load(const char *path, struct tkp_tokenizer **out,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same from the content of a file; name is for messages. Keeps nothing of content. */
tokperf_status tkp_tokenizer_parse(const char *name, struct tokperf_span content,
                                   struct tkp_tokenizer **out,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_tokenizer_destroy(struct tkp_tokenizer *tokenizer); /* behind its encoders; NULL is fine */

/* A sentence that the user should read once, such as that a pattern runs on PCRE2; or NULL. */
const char *tkp_tokenizer_notice(const struct tkp_tokenizer *tokenizer);
/* Whether identifiers mean something: not for builtin. */
bool tkp_tokenizer_has_ids(const struct tkp_tokenizer *tokenizer);
/* Appends a line for each fact: kind, vocabulary, merges, added tokens, normalizer, splitter. */
void tkp_tokenizer_describe(const struct tkp_tokenizer *tokenizer, struct tkp_buffer *out);

/* One thread's memory: scratch that grows to the longest text of late, and a cache of pieces of
 * fixed size. */
tokperf_status tkp_encoder_create(const struct tkp_tokenizer *tokenizer, struct tkp_encoder **out,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_encoder_destroy(struct tkp_encoder *encoder); /* accepts NULL */
/* Empties the cache of pieces, for measurements. */
void tkp_encoder_forget(struct tkp_encoder *encoder);

/* What the splitter made: a piece of the normalized text, and its tokens. An added token is a piece
 * of its own. */
struct tkp_piece {
    size_t text_offset, text_bytes; /* in encoding.text */
    size_t first_id, id_count;      /* in encoding.ids */
};
/* Valid until the encoder's next call. */
struct tkp_encoding {
    const uint32_t *ids;
    size_t count;
    const struct tkp_piece *pieces; /* with pieces asked for only */
    size_t piece_count;
    const char *text; /* the pieces' texts, one behind the other */
};

/* A text that fails (too long, no memory, a pattern's limit) fails alone. */
tokperf_status tkp_encoder_count(struct tkp_encoder *encoder, struct tokperf_span text,
                                 uint64_t *count, struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_encoder_encode(struct tkp_encoder *encoder, struct tokperf_span text,
                                  bool with_pieces, struct tkp_encoding *encoding,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
