/* SPDX-License-Identifier: Apache-2.0 */
/* Rows share one empty error until something is written, and give back what they took. */
#include <worker/row_error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <worker/row_text.h>

enum { ROWS = 100 }; /* several slabs */

static void rows_without_texts_take_nothing(void **state)
{
    (void)state;
    struct tkp_row_error_pool pool;
    tkp_row_error_pool_init(&pool);
    struct tkp_row row = {.error = &pool.empty};
    tkp_row_end_text(&row, TKP_OUTCOME_OK, "", "");
    tkp_row_clear_note(&row);
    assert_ptr_equal(row.error, &pool.empty);
    assert_null(pool.slabs);
    tkp_row_error_give(&pool, &row);
    assert_null(pool.free);
    tkp_row_error_pool_finish(&pool);
}

static void each_row_has_its_own(void **state)
{
    (void)state;
    struct tkp_row_error_pool pool;
    struct tkp_row rows[ROWS];
    char message[16];
    tkp_row_error_pool_init(&pool);
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct tkp_row){.error = &pool.empty};
        (void)snprintf(message, sizeof message, "row %d", i);
        tkp_row_end_text(&rows[i], TKP_OUTCOME_TIMEOUT, "idle", message);
    }
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(message, sizeof message, "row %d", i);
        assert_string_equal(tkp_row_error_message(&rows[i]), message);
        assert_string_equal(tkp_row_error_type(&rows[i]), "idle");
    }
    assert_string_equal(pool.empty.message, "");
    tkp_row_error_pool_finish(&pool);
}

static void what_is_given_back_is_taken_empty(void **state)
{
    (void)state;
    struct tkp_row_error_pool pool;
    tkp_row_error_pool_init(&pool);
    struct tkp_row first = {.error = &pool.empty}, second = {.error = &pool.empty};
    tkp_row_end_text(&first, TKP_OUTCOME_TIMEOUT, "idle", "too late");
    const struct tkp_row_error *taken = first.error;
    tkp_row_error_give(&pool, &first);
    assert_string_equal(tkp_row_error_message(&first), "");
    char *note = tkp_row_note(&second);
    assert_ptr_equal(second.error, taken);
    assert_string_equal(note, "");
    assert_string_equal(tkp_row_error_type(&second), "");
    tkp_row_error_pool_finish(&pool);
}

/* What an answer's head had noted is gone with a good end; without a row nothing is noted. */
static void a_good_end_clears_a_note(void **state)
{
    (void)state;
    struct tkp_row_error_pool pool;
    tkp_row_error_pool_init(&pool);
    struct tkp_row row = {.error = &pool.empty};
    memcpy(tkp_row_note(&row), "soon", 5);
    tkp_row_end_text(&row, TKP_OUTCOME_OK, "", "");
    assert_string_equal(tkp_row_error_message(&row), "");
    assert_null(tkp_row_note(NULL));
    tkp_row_error_pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_without_texts_take_nothing),
        cmocka_unit_test(each_row_has_its_own),
        cmocka_unit_test(what_is_given_back_is_taken_empty),
        cmocka_unit_test(a_good_end_clears_a_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
