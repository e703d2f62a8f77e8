/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C against the vectors of RFC 3720 appendix B.4 and the check value of the CRC catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/crc32c.h>
#include <string.h>

static void published_vectors(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (unsigned char i = 0; i < 32; i++) {
        up[i] = i;
        down[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(tkp_crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(tkp_crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(tkp_crc32c(0, up, 32), 0x46dd794e);
    assert_int_equal(tkp_crc32c(0, down, 32), 0x113fdb5c);
    assert_int_equal(tkp_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(tkp_crc32c(0, "", 0), 0);
}

/* The definition, a bit at a time: what both the SSE4.2 and the table form must equal. */
static uint32_t bit_by_bit(const unsigned char *data, size_t len)
{
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static void any_length_split_anywhere(void **state)
{
    (void)state;
    unsigned char data[100];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof data; len++) {
        uint32_t want = bit_by_bit(data, len);
        for (size_t cut = 0; cut <= len; cut++)
            assert_int_equal(tkp_crc32c(tkp_crc32c(0, data, cut), data + cut, len - cut), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(any_length_split_anywhere),
    };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
