/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic prompts. The first words number the prompt: a bijection of (entry, turn), so that no
 * two prompts of a run are equal and neighbours differ from their first word on, which keeps a
 * server's prefix cache out of the measurement. The other words are drawn.
 */
#include "prompt.h"

#include "words.h"

#include <stdbool.h>

enum {
    NUMBER_WORDS = 4,
    NUMBER_BITS = NUMBER_WORDS * SYNTHETIC_WORD_BITS,
    ENTRY_BITS = 26, /* of the number; the turn is above */
    WORDS_PER_DRAW = 64 / SYNTHETIC_WORD_BITS
};

/* Random streams of this plugin; synthetic.c has those of lengths. */
enum { STREAM_NUMBER = 5, STREAM_WORDS = 6 };

static char *append_word(char *out, uint64_t bits)
{
    for (const char *word = synthetic_words[bits % SYNTHETIC_WORDS]; *word != '\0'; word++)
        *out++ = *word;
    *out++ = ' ';
    return out;
}

/* Odd factors and offsets permute the numbers below 2^NUMBER_BITS; the low digit comes first. */
static uint64_t number_of(const struct tokperf_rng_v1 *rng, const struct synthetic_prompt *prompt)
{
    const uint64_t factor = rng->bits(prompt->seed, STREAM_NUMBER, 0) | 1;
    const uint64_t offset = rng->bits(prompt->seed, STREAM_NUMBER, 1);
    const uint64_t plain = prompt->entry + (prompt->turn << ENTRY_BITS);
    return (plain * factor + offset) & ((UINT64_C(1) << NUMBER_BITS) - 1);
}

uint64_t synthetic_prompt_write(const struct tokperf_rng_v1 *rng,
                                const struct synthetic_prompt *prompt, char *out)
{
    char *end = out;
    const uint64_t number = number_of(rng, prompt);
    const uint64_t seed = rng->bits(prompt->seed, STREAM_WORDS, number) + prompt->variant;
    uint64_t bits = number;
    for (uint64_t i = 0; i < prompt->word_count; i++) {
        if (i >= NUMBER_WORDS && (i - NUMBER_WORDS) % WORDS_PER_DRAW == 0)
            bits = rng->bits(seed, STREAM_WORDS, i);
        bool replaced = prompt->last_word && i + 1 == prompt->word_count;
        end = append_word(end, replaced ? prompt->last_word - 1 : bits);
        bits >>= SYNTHETIC_WORD_BITS;
    }
    return (uint64_t)(end - out) - 1; /* without the last space */
}
