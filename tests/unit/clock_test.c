/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: order, the offset between them, deadlines that saturate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/clock.h>

static void monotonic_does_not_go_back(void **state)
{
    (void)state;
    uint64_t last_ns = tkp_clock_now_ns();
    for (int i = 0; i < 10000; i++) {
        uint64_t now_ns = tkp_clock_now_ns();
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

static void offset_maps_one_clock_to_the_other(void **state)
{
    (void)state;
    uint64_t offset_ns = (uint64_t)tkp_clock_realtime_offset_ns();
    uint64_t before_ns = tkp_clock_now_ns() + offset_ns;
    uint64_t wall_ns = tkp_clock_realtime_ns();
    uint64_t after_ns = tkp_clock_now_ns() + offset_ns;
    assert_true(wall_ns > before_ns - TKP_NS_PER_S && wall_ns < after_ns + TKP_NS_PER_S);
    assert_true(wall_ns > UINT64_C(1700000000) * TKP_NS_PER_S); /* after November 2023 */
}

static void deadlines_saturate(void **state)
{
    (void)state;
    static const struct {
        uint64_t start_ns, delay_ns, want_ns;
    } cases[] = {
        {5, 6, 11},
        {0, TKP_NEVER_NS, TKP_NEVER_NS},
        {1, TKP_NEVER_NS, TKP_NEVER_NS},
        {1, TKP_NEVER_NS - 1, TKP_NEVER_NS},
        {1, TKP_NEVER_NS - 2, TKP_NEVER_NS - 1},
        {TKP_NEVER_NS, 0, TKP_NEVER_NS},
        {TKP_NEVER_NS, 1, TKP_NEVER_NS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(tkp_clock_after_ns(cases[i].start_ns, cases[i].delay_ns) == cases[i].want_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_does_not_go_back),
        cmocka_unit_test(offset_maps_one_clock_to_the_other),
        cmocka_unit_test(deadlines_saturate),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
