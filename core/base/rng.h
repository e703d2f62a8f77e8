/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter-based random numbers: each draw is a pure function of (seed, stream, index), so that one
 * worker or sixty-four issue the same load. Not for secrets. [any]
 */
#ifndef TKP_BASE_RNG_H
#define TKP_BASE_RNG_H

#include <stdint.h>

/* Streams: one constant per use, so that two uses never share numbers. */
enum tkp_rng_stream {
    TKP_RNG_ARRIVAL = 1,
    TKP_RNG_SAMPLING = 2,
    TKP_RNG_DATASET = 3, /* plugins draw from streams at and above 1000 */
    TKP_RNG_REQUEST_ID = 4,
    TKP_RNG_SALT = 5,
    TKP_RNG_MODEL = 6,
    TKP_RNG_PHASE_ID = 7
};

uint64_t tkp_rng_bits(uint64_t seed, uint64_t stream, uint64_t index);
double tkp_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);     /* [0, 1) */
double tkp_rng_exponential(uint64_t seed, uint64_t stream, uint64_t index); /* mean 1 */
double tkp_rng_normal(uint64_t seed, uint64_t stream, uint64_t index);      /* mean 0, std 1 */
/* Unbiased in [0, bound), bound > 0. */
uint64_t tkp_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound);
/* position -> element of a pseudo-random permutation of [0, size): a keyed bijection, O(1). */
uint64_t tkp_rng_permute(uint64_t seed, uint64_t stream, uint64_t position, uint64_t size);
/* A seed from the system's entropy. */
uint64_t tkp_rng_fresh_seed(void);
/* 36 characters and a NUL of a version 4 UUID from 128 drawn bits. */
void tkp_rng_uuid(uint64_t seed, uint64_t stream, uint64_t index, char out[37]);

#endif
