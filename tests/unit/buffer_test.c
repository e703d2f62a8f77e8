/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: growth up to the maximum, failure that sticks, the NUL behind the content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buffer.h>
#include <string.h>

static void content_is_text(void **state)
{
    (void)state;
    struct tkp_buffer b;
    tkp_buffer_init(&b, 1000);
    assert_string_equal(tkp_buffer_text(&b), "");
    assert_int_equal(tkp_buffer_span(&b).len, 0);
    tkp_buffer_append(&b, NULL, 0);
    tkp_buffer_puts(&b, "one ");
    tkp_buffer_printf(&b, "%d %s", 2, "three");
    assert_string_equal(tkp_buffer_text(&b), "one 2 three");
    assert_int_equal(tkp_buffer_span(&b).len, 11);
    assert_false(b.failed);
    tkp_buffer_finish(&b);
    tkp_buffer_finish(&b);
}

static void grows_to_its_maximum_exactly(void **state)
{
    (void)state;
    static const size_t maxima[] = {0, 1, 255, 256, 257, 1000, 4096};
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        struct tkp_buffer b;
        tkp_buffer_init(&b, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            tkp_buffer_append(&b, "x", 1);
        assert_false(b.failed);
        assert_int_equal(b.len, maxima[i]);
        assert_int_equal(strlen(tkp_buffer_text(&b)), maxima[i]);
        assert_true(b.capacity <= maxima[i] + 1);
        tkp_buffer_append(&b, "y", 1);
        assert_true(b.failed);
        assert_int_equal(b.len, maxima[i]);
        tkp_buffer_finish(&b);
    }
}

static void failure_sticks_until_cleared(void **state)
{
    (void)state;
    struct tkp_buffer b;
    tkp_buffer_init(&b, 4);
    tkp_buffer_puts(&b, "abc");
    tkp_buffer_puts(&b, "de");
    tkp_buffer_puts(&b, "f"); /* would fit, but something before it is missing */
    assert_true(b.failed);
    assert_string_equal(tkp_buffer_text(&b), "abc");
    assert_null(tkp_buffer_reserve(&b, 1));
    tkp_buffer_clear(&b);
    assert_false(b.failed);
    assert_string_equal(tkp_buffer_text(&b), "");
    tkp_buffer_printf(&b, "%s", "12345");
    assert_true(b.failed);
    assert_int_equal(b.len, 0);
    tkp_buffer_finish(&b);
}

static void huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    struct tkp_buffer b;
    tkp_buffer_init(&b, SIZE_MAX - 1);
    tkp_buffer_puts(&b, "x");
    assert_null(tkp_buffer_reserve(&b, SIZE_MAX - 1));
    assert_true(b.failed);
    assert_string_equal(tkp_buffer_text(&b), "x");
    tkp_buffer_finish(&b);
}

static void reserve_advance_consume(void **state)
{
    (void)state;
    struct tkp_buffer b;
    tkp_buffer_init(&b, 1000);
    char *room = tkp_buffer_reserve(&b, 6);
    assert_non_null(room);
    memcpy(room, "abcdef", 6);
    tkp_buffer_advance(&b, 6);
    assert_string_equal(tkp_buffer_text(&b), "abcdef");
    tkp_buffer_consume(&b, 2);
    assert_string_equal(tkp_buffer_text(&b), "cdef");
    tkp_buffer_consume(&b, 99);
    assert_string_equal(tkp_buffer_text(&b), "");
    tkp_buffer_finish(&b);
}

static void sink_appends(void **state)
{
    (void)state;
    struct tkp_buffer b;
    tkp_buffer_init(&b, 1000);
    struct tokperf_sink sink = tkp_buffer_sink(&b);
    sink.write(sink.context, "ab", 2);
    sink.write(sink.context, "c", 1);
    assert_string_equal(tkp_buffer_text(&b), "abc");
    tkp_buffer_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_text),
        cmocka_unit_test(grows_to_its_maximum_exactly),
        cmocka_unit_test(failure_sticks_until_cleared),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(reserve_advance_consume),
        cmocka_unit_test(sink_appends),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
