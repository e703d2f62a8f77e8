/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: aligned and zeroed pieces, the bound, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/arena.h>
#include <string.h>

static void pieces_are_aligned_zeroed_apart(void **state)
{
    (void)state;
    struct tkp_arena a;
    tkp_arena_init(&a, 0);
    unsigned char *last = NULL;
    for (size_t len = 0; len < 3000; len += 7) {
        unsigned char *piece = tkp_arena_alloc(&a, len);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        assert_ptr_not_equal(piece, last);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 0xff, len);
        last = piece;
    }
    tkp_arena_finish(&a);
}

static void large_pieces_keep_the_open_chunk(void **state)
{
    (void)state;
    struct tkp_arena a;
    tkp_arena_init(&a, 0);
    char *first = tkp_arena_alloc(&a, 16);
    char *large = tkp_arena_alloc(&a, 1 << 20);
    char *next = tkp_arena_alloc(&a, 16);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_ptr_equal(next, first + 16);
    tkp_arena_finish(&a);
    tkp_arena_finish(&a);
}

static void the_bound_holds(void **state)
{
    (void)state;
    struct tkp_arena a;
    tkp_arena_init(&a, 64);
    assert_non_null(tkp_arena_alloc(&a, 48));
    assert_null(tkp_arena_alloc(&a, 17));
    assert_non_null(tkp_arena_alloc(&a, 16));
    assert_null(tkp_arena_alloc(&a, 0));
    assert_null(tkp_arena_alloc(&a, SIZE_MAX));
    assert_null(tkp_arena_copy(&a, "x", 1));
    assert_null(tkp_arena_span(&a, TOKPERF_SPAN("x")).data);
    assert_null(tkp_arena_printf(&a, "%d", 1));
    assert_int_equal(a.used_bytes, 64);
    tkp_arena_finish(&a);
}

static void copies_end_with_nul(void **state)
{
    (void)state;
    struct tkp_arena a;
    tkp_arena_init(&a, 0);
    assert_string_equal(tkp_arena_copy(&a, "abcdef", 3), "abc");
    assert_string_equal(tkp_arena_copy(&a, NULL, 0), "");
    struct tokperf_span span = tkp_arena_span(&a, TOKPERF_SPAN("span"));
    assert_int_equal(span.len, 4);
    assert_string_equal(span.data, "span");
    assert_string_equal(tkp_arena_printf(&a, "%s-%d", "n", 5), "n-5");
    tkp_arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_apart),
        cmocka_unit_test(large_pieces_keep_the_open_chunk),
        cmocka_unit_test(the_bound_holds),
        cmocka_unit_test(copies_end_with_nul),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
