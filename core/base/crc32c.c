/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C, reflected, initial value and final exclusive-or all ones (RFC 3720 appendix B.4). */
#include <base/crc32c.h>

#include <string.h>

/* The remainders of the 16 nibbles under the reflected polynomial 0x82f63b78. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t portable(uint32_t crc, const unsigned char *p, size_t len)
{
    for (; len; len--) {
        crc ^= *p++;
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_sse42(uint32_t crc, const unsigned char *p,
                                                           size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len; len--)
        crc = _mm_crc32_u8(crc, *p++);
    return crc;
}
#endif

uint32_t tkp_crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_sse42(~crc, data, len);
#endif
    return ~portable(~crc, data, len);
}
