/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight bytes a step: multiply, rotate, multiply, as xxHash's and MurmurHash3's rounds do, with
 * MurmurHash3's finishing mix. The result is stable: it is written into records.
 */
#include <dataset/hash.h>

#include <string.h>

/* Odd 64-bit constants of xxHash64 (primes 1 and 2). */
static const uint64_t prime_1 = UINT64_C(0x9e3779b185ebca87);
static const uint64_t prime_2 = UINT64_C(0xc2b2ae3d27d4eb4f);

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t absorb(uint64_t hash, uint64_t word)
{
    hash ^= rotate(word * prime_2, 31) * prime_1;
    return rotate(hash, 27) * prime_1 + prime_2;
}

uint64_t tkp_hash_bytes(const char *data, uint64_t len)
{
    uint64_t hash = len * prime_1, word;
    for (; len >= sizeof word; data += sizeof word, len -= sizeof word) {
        memcpy(&word, data, sizeof word);
        hash = absorb(hash, word);
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, data, len);
        hash = absorb(hash, word);
    }
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}
