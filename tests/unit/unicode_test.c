/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of code points: one of each, the borders of ranges, and where versions of Unicode differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf8.h>
#include <token/unicode.h>

static void one_of_each(void **state)
{
    (void)state;
    static const struct {
        uint32_t code_point, classes, not_classes;
    } cases[] = {
        {'A', TKP_CLASS_LU | TKP_CLASS_WORD, TKP_CLASS_LL},
        {'z', TKP_CLASS_LL, TKP_CLASS_LU},
        {0x1c5, TKP_CLASS_LT, TKP_CLASS_LU | TKP_CLASS_LL},
        {0x2b0, TKP_CLASS_LM, TKP_CLASS_LO},
        {0x4e00, TKP_CLASS_LO | TKP_CLASS_HAN, TKP_CLASS_HIRAGANA},
        {0x3042, TKP_CLASS_LO | TKP_CLASS_HIRAGANA, TKP_CLASS_KATAKANA},
        {0x30a2, TKP_CLASS_LO | TKP_CLASS_KATAKANA, TKP_CLASS_HAN},
        {0x301, TKP_CLASS_MARK | TKP_CLASS_ACCENT | TKP_CLASS_BERT_ACCENT, TKP_CLASS_LETTER},
        {0x488, TKP_CLASS_MARK | TKP_CLASS_ACCENT, TKP_CLASS_BERT_ACCENT}, /* enclosing */
        {'7', TKP_CLASS_ND | TKP_CLASS_WORD | TKP_CLASS_DIGITS, TKP_CLASS_NL | TKP_CLASS_NO},
        {0x2160, TKP_CLASS_NL | TKP_CLASS_DIGITS, TKP_CLASS_ND},
        {0xbd, TKP_CLASS_NO | TKP_CLASS_DIGITS, TKP_CLASS_ND | TKP_CLASS_WORD},
        {'!', TKP_CLASS_PUNCT | TKP_CLASS_SPLIT_PUNCT, TKP_CLASS_SYMBOL},
        {'$', TKP_CLASS_SYMBOL | TKP_CLASS_SPLIT_PUNCT, TKP_CLASS_PUNCT},
        {'_', TKP_CLASS_PUNCT | TKP_CLASS_WORD, TKP_CLASS_LETTER},
        {0x20ac, TKP_CLASS_SYMBOL, TKP_CLASS_SPLIT_PUNCT},
        {0x85, TKP_CLASS_SPACE | TKP_CLASS_BERT_CONTROL, TKP_CLASS_WORD},
        {0x200b, TKP_CLASS_BERT_CONTROL, TKP_CLASS_SPACE}, /* zero width space is none */
        {0x200d, TKP_CLASS_WORD, TKP_CLASS_SPACE},         /* joins words */
        {0xe000, TKP_CLASS_BERT_CONTROL, TKP_CLASS_WORD},  /* private use */
        {0x10ffff, 0, ~0u},
        {0x378, 0, ~0u},                                                   /* unassigned */
        {0x1c89, TKP_CLASS_LU, TKP_CLASS_LL},                              /* of Unicode 16 */
        {0x897, TKP_CLASS_MARK, TKP_CLASS_ACCENT | TKP_CLASS_BERT_ACCENT}, /* of Unicode 16 */
        {0x61d, TKP_CLASS_PUNCT, TKP_CLASS_SPLIT_PUNCT},                   /* of Unicode 14 */
        {0x11de0, TKP_CLASS_DIGITS, TKP_CLASS_NUMBER},                     /* of Unicode 17 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t classes = tkp_unicode_class(cases[i].code_point);
        if ((classes & cases[i].classes) != cases[i].classes || (classes & cases[i].not_classes))
            fail_msg("U+%04X has the classes %#x", (unsigned)cases[i].code_point,
                     (unsigned)classes);
    }
}

/* Counts of Unicode 16 (DerivedGeneralCategory.txt, PropList.txt). */
static void as_many_as_there_are(void **state)
{
    (void)state;
    static const struct {
        uint32_t classes, count;
    } cases[] = {
        {TKP_CLASS_LU, 1858},   {TKP_CLASS_LL, 2258},   {TKP_CLASS_LT, 31},  {TKP_CLASS_LM, 404},
        {TKP_CLASS_LO, 136477}, {TKP_CLASS_ND, 760},    {TKP_CLASS_NL, 236}, {TKP_CLASS_NO, 915},
        {TKP_CLASS_SPACE, 25},  {TKP_CLASS_MARK, 2501},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t count = 0;
        for (uint32_t c = 0; c < 0x110000; c++)
            count += tkp_unicode_is(c, cases[i].classes);
        if (count != cases[i].count)
            fail_msg("class %#x has %u code points", (unsigned)cases[i].classes, (unsigned)count);
    }
}

static void every_scalar_is_decoded(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        size_t step = 0, len = tkp_utf8_encode(c, bytes);
        assert_int_equal(tkp_unicode_decode(bytes, &step), c);
        assert_int_equal(step, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_each),
        cmocka_unit_test(as_many_as_there_are),
        cmocka_unit_test(every_scalar_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
