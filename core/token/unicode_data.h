/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of normalization and lower case, private to core/token. Made by
 * tools/unicode/generate.mjs. Both follow the reference implementation: normalization knows Unicode
 * 9 (later characters are inert), lower case Unicode 17. Constant data: any thread.
 */
#ifndef TKP_TOKEN_UNICODE_DATA_H
#define TKP_TOKEN_UNICODE_DATA_H

#include <stddef.h>
#include <stdint.h>

enum tkp_normal_flag {
    TKP_NORMAL_CANONICAL = 1,  /* has a canonical decomposition */
    TKP_NORMAL_COMPATIBLE = 2, /* has a compatibility decomposition */
    TKP_NORMAL_RECOMPOSES = 4, /* its canonical decomposition composes to itself again */
    TKP_NORMAL_BACKWARD = 8,   /* may compose with what is before it */
    TKP_NORMAL_FORWARD = 16,   /* may compose with what is after it */
    TKP_NORMAL_SECOND = 32,    /* the compatibility decomposition follows the canonical one */
};

/* What normalization knows of a code point. */
struct tkp_normal_entry {
    uint16_t offset; /* of its decomposition in the pool: a length byte, then UTF-8 */
    uint8_t rank;    /* 0: a starter; else the place of its combining class among all classes */
    uint8_t flags;   /* enum tkp_normal_flag; Hangul syllables have flags but no offset */
};

struct tkp_normal_pair {
    uint32_t first, second, composite; /* code points */
};

/* Every step-th code point from first to last becomes itself plus delta. */
struct tkp_lowercase_range {
    uint32_t first, last, step;
    int32_t delta;
};

#define TKP_NORMAL_SHIFT 7
extern const uint8_t tkp_normal_blocks[0x110000 >> TKP_NORMAL_SHIFT];
extern const uint16_t tkp_normal_kinds[];
extern const struct tkp_normal_entry tkp_normal_entries[];
extern const uint8_t tkp_normal_pool[];
extern const struct tkp_normal_pair tkp_normal_pairs[]; /* sorted by first, then second */
extern const size_t tkp_normal_pairs_len;
extern const struct tkp_lowercase_range tkp_lowercase_ranges[]; /* sorted by first */
extern const size_t tkp_lowercase_ranges_len;

static inline const struct tkp_normal_entry *tkp_normal_entry_of(uint32_t code_point)
{
    uint32_t block = tkp_normal_blocks[code_point >> TKP_NORMAL_SHIFT];
    uint32_t low = code_point & ((1u << TKP_NORMAL_SHIFT) - 1);
    return &tkp_normal_entries[tkp_normal_kinds[(block << TKP_NORMAL_SHIFT) + low]];
}

#endif
