/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one sentence, always ended, cut where it does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/error.h>
#include <errno.h>
#include <string.h>

static void fail_fills_and_returns(void **state)
{
    (void)state;
    struct tokperf_error error;
    memset(&error, 0xff, sizeof error);
    assert_int_equal(tkp_fail(&error, TOKPERF_E_INVALID, "bad value '%s' in %d", "x", 7),
                     TOKPERF_E_INVALID);
    assert_int_equal(error.status, TOKPERF_E_INVALID);
    assert_int_equal(error.reserved, 0);
    assert_string_equal(error.message, "bad value 'x' in 7");
}

static void errno_text_follows(void **state)
{
    (void)state;
    struct tokperf_error error;
    assert_int_equal(tkp_fail_errno(&error, TOKPERF_E_NOT_FOUND, ENOENT, "cannot open '%s'", "f"),
                     TOKPERF_E_NOT_FOUND);
    assert_string_equal(error.message, "cannot open 'f': No such file or directory");
}

static void prefix_goes_before(void **state)
{
    (void)state;
    struct tokperf_error error;
    tkp_fail(&error, TOKPERF_E_PARSE, "a colon is missing");
    assert_int_equal(tkp_error_prefix(&error, "%s:%d", "plan.yaml", 3), TOKPERF_E_PARSE);
    assert_string_equal(error.message, "plan.yaml:3: a colon is missing");
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct tokperf_error error;
    char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tkp_fail_errno(&error, TOKPERF_E_IO, EIO, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    tkp_error_prefix(&error, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    tkp_fail(&error, TOKPERF_E_IO, "short");
    tkp_error_prefix(&error, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void null_errors_are_allowed(void **state)
{
    (void)state;
    assert_int_equal(tkp_fail(NULL, TOKPERF_E_IO, "x"), TOKPERF_E_IO);
    assert_int_equal(tkp_fail_errno(NULL, TOKPERF_E_IO, EIO, "x"), TOKPERF_E_IO);
    assert_int_equal(tkp_error_prefix(NULL, "x"), TOKPERF_E_INTERNAL);
}

static void every_status_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(tkp_status_name(TOKPERF_OK), "ok");
    assert_string_equal(tkp_status_name(TOKPERF_E_NOT_FOUND), "not_found");
    assert_string_equal(tkp_status_name(9999), "unknown");
    for (tokperf_status i = TOKPERF_OK; i <= TOKPERF_E_INTERNAL; i++)
        for (tokperf_status j = TOKPERF_OK; j < i; j++)
            assert_string_not_equal(tkp_status_name(i), tkp_status_name(j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_and_returns),  cmocka_unit_test(errno_text_follows),
        cmocka_unit_test(prefix_goes_before),      cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(null_errors_are_allowed), cmocka_unit_test(every_status_has_its_name),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
