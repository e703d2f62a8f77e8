/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the record log: LEB128 varints (7 bits a byte, lowest first, the high bit says that
 * more follow; at most 10 bytes), and the zigzag map of signed onto small unsigned numbers. [any]
 */
#ifndef TKP_RECORD_VARINT_H
#define TKP_RECORD_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TKP_VARINT_MAX_BYTES = 10 };

/* Bytes that are read one after the other. The first failure sets bad; every read after it is 0. */
struct tkp_cursor {
    const unsigned char *at, *end;
    bool bad;
};

/* Writes at most TKP_VARINT_MAX_BYTES and returns the byte behind them. */
static inline unsigned char *tkp_varint_put(unsigned char *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *out++ = (unsigned char)value;
    return out;
}

/* The low 7 bits of each byte of a word, moved together. */
static inline uint64_t tkp_varint_pack(uint64_t word)
{
    word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (word & UINT64_C(0x000000000fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* Byte by byte: of any length, and near the end of the bytes. Out of line, as it is rare. */
__attribute__((noinline, unused)) static uint64_t tkp_varint_get_slowly(struct tkp_cursor *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; in->at < in->end && shift <= 63; shift += 7) {
        unsigned char byte = *in->at++;
        if (shift == 63 && byte > 1)
            break; /* beyond 64 bits */
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    in->bad = true;
    in->at = in->end;
    return 0;
}

/* All of it at once, if it has no more than 8 bytes; 1 byte is the most frequent length. */
static inline uint64_t tkp_varint_get(struct tkp_cursor *in)
{
    if (in->end - in->at < 8)
        return tkp_varint_get_slowly(in);
    if (*in->at < 0x80)
        return *in->at++;
    uint64_t word, stops;
    memcpy(&word, in->at, sizeof word);
    stops = ~word & UINT64_C(0x8080808080808080);
    if (!stops)
        return tkp_varint_get_slowly(in);
    in->at += __builtin_ctzll(stops) / 8 + 1;
    return tkp_varint_pack(word & (stops ^ (stops - 1)));
}

/* 0, -1, 1, -2 ... to 0, 1, 2, 3 ... */
static inline uint64_t tkp_zigzag(uint64_t two_complement)
{
    return two_complement << 1 ^ (0 - (two_complement >> 63));
}

static inline uint64_t tkp_zigzag_undo(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

/* Copies len bytes out of in, or zeroes where there are not as many. */
static inline void tkp_cursor_copy(struct tkp_cursor *in, void *out, size_t len)
{
    if ((size_t)(in->end - in->at) < len) {
        memset(out, 0, len);
        in->bad = true;
        in->at = in->end;
        return;
    }
    memcpy(out, in->at, len);
    in->at += len;
}

#endif
