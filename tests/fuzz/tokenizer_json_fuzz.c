/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a tokenizer.json or a file of ranks: they are refused with a sentence, or make a
 * tokenizer that describes itself, and whose two ways to count a text agree.
 */
#include <base/buffer.h>
#include <base/text.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/tokenizer.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "tokenizer_json: %s\n", what);
    abort();
}

static void check_text(struct tkp_encoder *encoder, struct tokperf_span text)
{
    struct tokperf_error error = {0};
    struct tkp_encoding encoding;
    uint64_t count = 0;
    tokperf_status counted = tkp_encoder_count(encoder, text, &count, &error);
    tokperf_status encoded = tkp_encoder_encode(encoder, text, true, &encoding, &error);
    require(counted == encoded, "a text can be counted and not encoded");
    if (encoded != TOKPERF_OK)
        return;
    require(encoding.count == count, "two counts of one text");
    size_t ids = 0;
    for (size_t i = 0; i < encoding.piece_count; i++)
        ids += encoding.pieces[i].id_count;
    require(ids == count, "the pieces' tokens are not all");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"", "hello world ab ba", "  \n\t",
                                        "\xe4\xb8\xad\xcc\x81<|end|>\xff cat", "12345 don't aaaa"};
    struct tokperf_error error = {0};
    struct tkp_tokenizer *tokenizer = NULL;
    struct tkp_encoder *encoder = NULL;
    struct tokperf_span content = {(const char *)data, size};
    if (tkp_tokenizer_parse("fuzz", content, &tokenizer, &error) != TOKPERF_OK) {
        require(error.message[0] != '\0' && !tokenizer, "refused without a sentence");
        return 0;
    }
    struct tkp_buffer out;
    tkp_buffer_init(&out, 1 << 20);
    tkp_tokenizer_describe(tokenizer, &out);
    require(out.len > 0, "it does not describe itself");
    tkp_buffer_finish(&out);
    if (tkp_encoder_create(tokenizer, &encoder, &error) == TOKPERF_OK)
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            check_text(encoder, tkp_span(texts[i]));
    tkp_encoder_destroy(encoder);
    tkp_tokenizer_destroy(tokenizer);
    return 0;
}
