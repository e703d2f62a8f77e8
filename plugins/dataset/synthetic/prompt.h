/* SPDX-License-Identifier: Apache-2.0 */
/* The text of one synthetic prompt: a pure function of (seed, entry, turn, word count). */
#ifndef SYNTHETIC_PROMPT_H
#define SYNTHETIC_PROMPT_H

#include <tokperf/host.h>

struct synthetic_prompt {
    uint64_t seed;
    uint64_t entry; /* conversation */
    uint64_t turn;
    uint64_t word_count; /* >= 1 */
    uint64_t variant;    /* other words behind those that number the prompt */
    uint64_t last_word;  /* replaces the last one when not 0: 1 to SYNTHETIC_WORDS */
};

/* The turn of texts that are no turn's prompt, so that they have numbers of their own. */
enum {
    SYNTHETIC_TURN_CONTEXT = 1021, /* the conversation's own context message */
    SYNTHETIC_TURN_PREFIX = 1022,  /* entry: which of the pool */
    SYNTHETIC_TURN_SHARED = 1023   /* the system message */
};

/* The longest word and a space. */
enum { SYNTHETIC_WORD_BYTES = 16 };

/* Writes it to out, which holds word_count * SYNTHETIC_WORD_BYTES bytes. Returns its length. */
uint64_t synthetic_prompt_write(const struct tokperf_rng_v1 *rng,
                                const struct synthetic_prompt *prompt, char *out);

#endif
