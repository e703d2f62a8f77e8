/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spelling of bytes in the files of byte-level models, from GPT-2: printable bytes of Latin-1
 * are themselves, the others the code points from 256 on, in order. Pure functions.
 */
#ifndef TKP_TOKEN_BYTE_ALPHABET_H
#define TKP_TOKEN_BYTE_ALPHABET_H

#include <stddef.h>

/* Decodes a well-formed text into at most len bytes. Returns their number, 0 where some character
 * spells no byte. */
size_t tkp_byte_alphabet_decode(const char *text, size_t len, char *bytes);

#endif
