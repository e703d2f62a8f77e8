/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a piece of text: its bytes as two words where it is short, and a hash. Private to
 * core/token. Pure functions.
 */
#ifndef TKP_TOKEN_PIECE_KEY_H
#define TKP_TOKEN_PIECE_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TKP_PIECE_SHORT_BYTES = 16 }; /* a piece of at most so many bytes is its two words */

struct tkp_piece_words {
    uint64_t low, high; /* the bytes, zeros behind them */
};

/* Multiplication to 128 bits, folded; the constants are those of splitmix64 and of the golden
 * ratio. */
static inline uint64_t tkp_piece_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xbf58476d1ce4e5b9u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* len <= 16. `readable` says how many bytes may be read at data, at least len. */
static inline struct tkp_piece_words tkp_piece_words_of(const char *data, size_t len,
                                                        size_t readable)
{
    struct tkp_piece_words w = {0, 0};
    if (readable < 16) {
        unsigned char bytes[16] = {0};
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)data[i];
        memcpy(&w.low, bytes, 8);
        memcpy(&w.high, bytes + 8, 8);
        return w;
    }
    memcpy(&w.low, data, 8);
    memcpy(&w.high, data + 8, 8);
    if (len <= 8) {
        w.high = 0;
        w.low = len == 0 ? 0 : w.low & (UINT64_MAX >> (64 - 8 * len));
    } else {
        w.high &= UINT64_MAX >> (128 - 8 * len);
    }
    return w;
}

static inline uint64_t tkp_piece_hash_words(struct tkp_piece_words w, size_t len)
{
    return tkp_piece_mix(w.low, w.high + 0x94d049bb133111ebu * len);
}

/* Of any length; for a short piece the same as of its words. */
static inline uint64_t tkp_piece_hash(const char *data, size_t len)
{
    uint64_t hash = len > TKP_PIECE_SHORT_BYTES ? len : 0;
    while (len > TKP_PIECE_SHORT_BYTES) {
        uint64_t low, high;
        memcpy(&low, data, 8);
        memcpy(&high, data + 8, 8);
        hash = tkp_piece_mix(hash ^ low, high);
        data += 16;
        len -= 16;
    }
    return hash ^ tkp_piece_hash_words(tkp_piece_words_of(data, len, len), len);
}

#endif
