/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of synthetic prompts. */
#ifndef SYNTHETIC_WORDS_H
#define SYNTHETIC_WORDS_H

/* A power of two: a word is drawn with 9 bits, and 4 words number a prompt with 36. */
enum { SYNTHETIC_WORD_BITS = 9, SYNTHETIC_WORDS = 1 << SYNTHETIC_WORD_BITS };

extern const char *const synthetic_words[SYNTHETIC_WORDS];

#endif
