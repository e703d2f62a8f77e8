/* SPDX-License-Identifier: Apache-2.0 */
/* States of a session go forward, and each way is one of those that are allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <metrics/session_state.h>
#include <string.h>

/* Row: from; column: to. */
static const char *const allowed[TKP_SESSION_STATE_COUNT] = {
    [TKP_SESSION_INITIALIZE] = ".yyyy",  [TKP_SESSION_LIVE] = "..yyy",
    [TKP_SESSION_DRAINING] = "...yy",    [TKP_SESSION_COMPLETE] = ".....",
    [TKP_SESSION_INTERRUPTED] = ".....",
};

static void every_step(void **state)
{
    (void)state;
    for (unsigned from = 0; from < TKP_SESSION_STATE_COUNT; from++)
        for (unsigned to = 0; to < TKP_SESSION_STATE_COUNT; to++) {
            enum tkp_session_state now = (enum tkp_session_state)from;
            bool can = allowed[from][to] == 'y';
            assert_int_equal(tkp_session_state_advance(&now, (enum tkp_session_state)to), can);
            assert_int_equal(now, can ? to : from);
        }
}

static void the_end_is_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TKP_SESSION_STATE_COUNT; i++)
        assert_int_equal(tkp_session_state_is_final((enum tkp_session_state)i),
                         strchr(allowed[i], 'y') == NULL);
}

static void names_are_found_again(void **state)
{
    (void)state;
    static const char *const names[] = {"initialize", "live", "draining", "complete",
                                        "interrupted"};
    for (unsigned i = 0; i < TKP_SESSION_STATE_COUNT; i++) {
        assert_string_equal(tkp_session_state_name((enum tkp_session_state)i), names[i]);
        assert_int_equal(tkp_session_state_find(tkp_span(names[i])), i);
    }
    assert_int_equal(tkp_session_state_find(tkp_span("liv")), TKP_SESSION_STATE_COUNT);
    assert_int_equal(tkp_session_state_find(tkp_span("")), TKP_SESSION_STATE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step),
        cmocka_unit_test(the_end_is_the_end),
        cmocka_unit_test(names_are_found_again),
    };
    return cmocka_run_group_tests_name("session_state", tests, NULL, NULL);
}
