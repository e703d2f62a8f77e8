/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: well-formed sequences, and the extent of what one U+FFFD replaces (Unicode 15, 3.9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <base/utf8.h>
#include <string.h>

static void one_step(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t step;
        bool valid;
    } cases[] = {
        {"a", 1, true},
        {"\xc2\x80", 2, true},
        {"\xdf\xbf", 2, true},
        {"\xe0\xa0\x80", 3, true},
        {"\xed\x9f\xbf", 3, true},
        {"\xee\x80\x80", 3, true},
        {"\xf0\x90\x80\x80", 4, true},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"\x80", 1, false},             /* a continuation alone */
        {"\xc0\x80", 1, false},         /* overlong */
        {"\xc1\xbf", 1, false},         /* overlong */
        {"\xc2", 1, false},             /* cut */
        {"\xc2\x41", 1, false},         /* the next is no continuation */
        {"\xe0\x9f\xbf", 1, false},     /* overlong */
        {"\xe2\x82", 2, false},         /* cut: both bytes go together */
        {"\xe2\x82\x41", 2, false},     /* the same before a letter */
        {"\xed\xa0\x80", 1, false},     /* a surrogate */
        {"\xf0\x8f\xbf\xbf", 1, false}, /* overlong */
        {"\xf0\x9f\x98", 3, false},     /* cut */
        {"\xf4\x90\x80\x80", 1, false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 1, false}, /* no lead byte */
        {"\xff", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool valid;
        size_t len = strlen(cases[i].bytes);
        assert_int_equal(tkp_utf8_step(cases[i].bytes, len, &valid), cases[i].step);
        assert_int_equal(valid, cases[i].valid);
        assert_int_equal(tkp_text_is_utf8(cases[i].bytes, len), cases[i].valid);
    }
    assert_true(tkp_text_is_utf8("", 0));
    assert_true(tkp_text_is_utf8("12345678\xc3\xa9 and more text", 24));
    assert_false(tkp_text_is_utf8("12345678abcdefg\xc3", 16));
}

static void every_scalar_survives(void **state)
{
    (void)state;
    for (unsigned scalar = 1; scalar < 0x110000; scalar++) {
        char out[4];
        bool valid;
        size_t len = tkp_utf8_encode(scalar, out);
        size_t step = tkp_utf8_step(out, len, &valid);
        if (scalar >= 0xd800 && scalar < 0xe000) {
            assert_false(valid);
            continue;
        }
        if (!valid || step != len)
            fail_msg("U+%04X: %zu bytes, a step of %zu", scalar, len, step);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step),
        cmocka_unit_test(every_scalar_survives),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
