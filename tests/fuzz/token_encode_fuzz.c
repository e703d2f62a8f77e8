/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text for two tokenizers of tests/data/token: the pieces cover what they should, a
 * count from the cache of pieces equals one without, and byte-level tokens spell the text.
 */
#include <base/buffer.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/tokenizer.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOKENIZERS = 2 };
static struct tkp_encoder *encoders[TOKENIZERS];

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "token_encode: %s\n", what);
    abort();
}

static void load_all(void)
{
    static const char *const names[TOKENIZERS] = {TKP_TEST_DATA "/token/byte_level.json",
                                                  TKP_TEST_DATA "/token/characters.json"};
    for (int i = 0; i < TOKENIZERS; i++) {
        struct tokperf_error error = {0};
        struct tkp_tokenizer *tokenizer = NULL;
        require(tkp_tokenizer_load(names[i], &tokenizer, &error) == TOKPERF_OK, error.message);
        require(tkp_encoder_create(tokenizer, &encoders[i], &error) == TOKPERF_OK, error.message);
    }
}

static void check_pieces(const struct tkp_encoding *e)
{
    size_t ids = 0, bytes = 0;
    for (size_t i = 0; i < e->piece_count; i++) {
        const struct tkp_piece *piece = &e->pieces[i];
        require(piece->first_id == ids && piece->text_offset == bytes, "the pieces have gaps");
        require(piece->text_bytes > 0, "an empty piece");
        require(piece->id_count <= piece->text_bytes, "more tokens than bytes");
        ids += piece->id_count;
        bytes += piece->text_bytes;
    }
    require(ids == e->count, "the pieces' tokens are not all");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokperf_span text = {(const char *)data, size};
    if (!encoders[0])
        load_all();
    for (int i = 0; i < TOKENIZERS; i++) {
        struct tokperf_error error = {0};
        struct tkp_encoding encoding;
        uint64_t cached = 0, fresh = 0;
        require(tkp_encoder_encode(encoders[i], text, true, &encoding, &error) == TOKPERF_OK,
                error.message);
        check_pieces(&encoding);
        size_t count = encoding.count;
        require(tkp_encoder_count(encoders[i], text, &cached, &error) == TOKPERF_OK, "count");
        tkp_encoder_forget(encoders[i]);
        require(tkp_encoder_count(encoders[i], text, &fresh, &error) == TOKPERF_OK, "count");
        require(cached == count && fresh == count, "the cache changes a count");
    }
    return 0;
}
