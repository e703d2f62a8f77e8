/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers by hashing (seed, stream, index). No state. */
#include <base/rng.h>

#include <base/clock.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* 2^64 / golden ratio: the increment of splitmix64 (Steele, Lea, Flood 2014). */
#define GAMMA UINT64_C(0x9e3779b97f4a7c15)
/* Streams above are second draws for the same index. */
#define SECOND_DRAW (UINT64_C(1) << 63)

__extension__ typedef unsigned __int128 uint128;

/* Stafford's variant 13 of the MurmurHash3 finaliser, as in splitmix64; a bijection. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t key_of(uint64_t seed, uint64_t stream)
{
    return mix(mix(seed + GAMMA) ^
               (stream + 1) * UINT64_C(0xd1342543de82ef95)); /* odd: LCG, L'Ecuyer */
}

static double to_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* A balanced Feistel network over 2 * half bits, a bijection for any round function (Luby and
 * Rackoff 1988). Eight rounds, because halves of few bits mix little in each. */
static uint64_t feistel(uint64_t key, unsigned half, uint64_t value)
{
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t left = value >> half, right = value & mask;
    for (uint64_t round = 1; round <= 8; round++) {
        uint64_t next = left ^ (mix(key + round * GAMMA + right) & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

uint64_t tkp_rng_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t key = key_of(seed, stream);
    return mix(mix(index * GAMMA + key) ^ (key << 32 | key >> 32));
}

double tkp_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return to_unit(tkp_rng_bits(seed, stream, index));
}

double tkp_rng_exponential(uint64_t seed, uint64_t stream, uint64_t index)
{
    return -log1p(-tkp_rng_uniform(seed, stream, index));
}

double tkp_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    /* Box and Muller 1958; 1 - u is in (0, 1], so that the logarithm is finite. */
    double radius = sqrt(2 * tkp_rng_exponential(seed, stream, index));
    double turn = tkp_rng_uniform(seed, stream ^ SECOND_DRAW, index);
    return radius * cos(2 * 3.14159265358979323846 * turn);
}

uint64_t tkp_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    /* Lemire 2019: the high half of the product, rejecting the low halves that are too many. */
    uint64_t bits = tkp_rng_bits(seed, stream, index);
    uint128 product = (uint128)bits * bound;
    uint64_t reject_below = (0 - bound) % bound;
    for (uint64_t state = bits; (uint64_t)product < reject_below;) {
        state += GAMMA;
        product = (uint128)mix(state ^ SECOND_DRAW) * bound;
    }
    return (uint64_t)(product >> 64);
}

uint64_t tkp_rng_permute(uint64_t seed, uint64_t stream, uint64_t position, uint64_t size)
{
    if (size < 2)
        return 0;
    unsigned bits = 64 - (unsigned)__builtin_clzll(size - 1);
    unsigned half = (bits + 1) / 2;
    uint64_t key = key_of(seed, stream);
    /* Cycle walking (Black and Rogaway 2002): the domain is below 4 * size, so about 2 steps. */
    do
        position = feistel(key, half, position);
    while (position >= size);
    return position;
}

uint64_t tkp_rng_fresh_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        return seed;
    /* A kernel or sandbox without getrandom: time and process tell runs apart. */
    return mix(tkp_clock_realtime_ns() ^ mix(tkp_clock_now_ns() + (uint64_t)getpid() * GAMMA));
}

/* The lowest 4 * digits bits, at most 32, as hexadecimal digits: all at once, a byte for each. */
static inline void put_hex(char *out, uint64_t bits, unsigned digits)
{
    uint64_t x = (bits << (32 - 4 * digits)) & UINT32_MAX; /* the first digit is on top */
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    x = __builtin_bswap64(x);
    memcpy(out, &x, digits);
}

void tkp_rng_uuid(uint64_t seed, uint64_t stream, uint64_t index, char out[37])
{
    uint64_t high = tkp_rng_bits(seed, stream, index);
    uint64_t low = tkp_rng_bits(seed, stream ^ SECOND_DRAW, index);
    high = (high & ~UINT64_C(0xf000)) | 0x4000;             /* version 4, RFC 9562 5.4 */
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62; /* variant, RFC 9562 4.1 */
    put_hex(out, high >> 32, 8);
    put_hex(out + 9, high >> 16, 4);
    put_hex(out + 14, high, 4);
    put_hex(out + 19, low >> 48, 4);
    put_hex(out + 24, low >> 32, 4);
    put_hex(out + 28, low, 8);
    out[8] = out[13] = out[18] = out[23] = '-';
    out[36] = '\0';
}
