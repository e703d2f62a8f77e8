/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the next CR or LF, 16 bytes at a time where the processor has SSE2, else 8. [any] */
#ifndef TKP_WORKER_LINE_END_H
#define TKP_WORKER_LINE_END_H

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Whether one of the 8 bytes is `byte` (Mycroft's test for a zero byte). */
static inline uint64_t tkp_line_end_has_byte(uint64_t word, unsigned char byte)
{
    uint64_t x = word ^ UINT64_C(0x0101010101010101) * byte;
    return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}

/* The first CR or LF in [at, end), or end. */
static inline char *tkp_line_end_find(char *at, char *end)
{
#if defined(__SSE2__)
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        int mask =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf)));
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
#else
    for (uint64_t word; end - at >= 8; at += 8) {
        memcpy(&word, at, sizeof word);
        if (tkp_line_end_has_byte(word, '\r') | tkp_line_end_has_byte(word, '\n'))
            break;
    }
#endif
    while (at < end && *at != '\r' && *at != '\n')
        at++;
    return at;
}

#endif
