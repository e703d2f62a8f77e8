/* SPDX-License-Identifier: Apache-2.0 */
/* Results by domain with a clock of the test's own: reported, failed, dead, missed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <telemetry/completion.h>

enum { TIMEOUT = 10000, GPU = 0, SCRAPER = 1 };

struct scene {
    struct tkp_services services;
    struct tkp_completion completion;
};

static void make(struct scene *s)
{
    uint32_t index;
    *s = (struct scene){0};
    assert_int_equal(tkp_services_add(&s->services, "gpu", &index), TOKPERF_OK);
    assert_int_equal(tkp_services_add(&s->services, "scraper", &index), TOKPERF_OK);
    tkp_completion_expect(&s->completion, GPU,
                          TKP_CAPABILITY_BASELINE | tkp_capability_result(TKP_DOMAIN_TELEMETRY) |
                              tkp_capability_result(TKP_DOMAIN_PROFILE));
    tkp_completion_expect(&s->completion, SCRAPER,
                          tkp_capability_result(TKP_DOMAIN_SERVER_METRICS));
}

static bool report(struct scene *s, uint32_t service, enum tkp_domain domain, const char *error,
                   uint64_t now_ns)
{
    return tkp_completion_report(&s->completion, service, domain, error, now_ns);
}

static void waits_for_all(void **state)
{
    static struct scene s;
    char names[256];
    (void)state;
    make(&s);
    assert_true(tkp_completion_waits(&s.completion, 1)); /* without a deadline yet */
    assert_true(report(&s, GPU, TKP_DOMAIN_PROFILE, NULL, 2));
    tkp_completion_begin(&s.completion, 100, TIMEOUT);
    assert_int_equal(tkp_completion_name(&s.completion, &s.services, true, names, sizeof names), 2);
    assert_string_equal(names, "telemetry of gpu, server_metrics of scraper");
    assert_true(report(&s, GPU, TKP_DOMAIN_TELEMETRY, "", 101));
    assert_true(tkp_completion_waits(&s.completion, 102));
    assert_true(report(&s, SCRAPER, TKP_DOMAIN_SERVER_METRICS, "no answer", 103));
    assert_false(tkp_completion_waits(&s.completion, 103));
    assert_int_equal(tkp_completion_name(&s.completion, &s.services, false, names, sizeof names),
                     1);
    assert_string_equal(names, "server_metrics of scraper (no answer)");
    assert_string_equal(s.completion.results[SCRAPER][TKP_DOMAIN_SERVER_METRICS].error,
                        "no answer");
}

static void ignores_what_is_not_owed(void **state)
{
    static struct scene s;
    (void)state;
    make(&s);
    assert_false(report(&s, SCRAPER, TKP_DOMAIN_TELEMETRY, NULL, 1));
    assert_true(report(&s, GPU, TKP_DOMAIN_TELEMETRY, NULL, 1));
    assert_false(report(&s, GPU, TKP_DOMAIN_TELEMETRY, "again", 1));
    tkp_completion_begin(&s.completion, 100, TIMEOUT);
    assert_false(report(&s, GPU, TKP_DOMAIN_PROFILE, NULL, 100 + TIMEOUT));
    assert_int_equal(s.completion.ignored, 3);
    assert_int_equal(s.completion.results[GPU][TKP_DOMAIN_TELEMETRY].state, TKP_RESULT_REPORTED);
    assert_int_equal(s.completion.results[GPU][TKP_DOMAIN_PROFILE].state, TKP_RESULT_MISSED);
}

static void gives_up_the_dead(void **state)
{
    static struct scene s;
    (void)state;
    make(&s);
    assert_true(report(&s, GPU, TKP_DOMAIN_TELEMETRY, NULL, 1));
    assert_true(tkp_service_end(&s.services.list[GPU], TKP_SERVICE_DEAD, "signal 9"));
    tkp_completion_unregister(&s.completion, &s.services, GPU);
    assert_int_equal(s.completion.results[GPU][TKP_DOMAIN_TELEMETRY].state, TKP_RESULT_REPORTED);
    assert_int_equal(s.completion.results[GPU][TKP_DOMAIN_PROFILE].state, TKP_RESULT_DEAD);
    assert_string_equal(s.completion.results[GPU][TKP_DOMAIN_PROFILE].error, "dead: signal 9");
    assert_true(tkp_completion_waits(&s.completion, 2));
    assert_true(tkp_service_end(&s.services.list[SCRAPER], TKP_SERVICE_STOPPED, ""));
    tkp_completion_unregister(&s.completion, &s.services, SCRAPER);
    assert_false(tkp_completion_waits(&s.completion, 2));
}

static void the_disabled_owe_nothing(void **state)
{
    static struct scene s;
    char names[256];
    (void)state;
    make(&s);
    assert_true(tkp_service_end(&s.services.list[GPU], TKP_SERVICE_DISABLED, "no GPU"));
    tkp_completion_unregister(&s.completion, &s.services, GPU);
    assert_int_equal(s.completion.results[GPU][TKP_DOMAIN_PROFILE].state, TKP_RESULT_NONE);
    assert_int_equal(tkp_completion_name(&s.completion, &s.services, false, names, sizeof names),
                     0);
}

/* Trap 30: the wait is bounded, what did not come is named, and a later begin does not prolong. */
static void misses_at_the_deadline(void **state)
{
    static struct scene s;
    char names[256], few[20];
    (void)state;
    make(&s);
    tkp_completion_begin(&s.completion, 100, TIMEOUT);
    assert_true(tkp_completion_waits(&s.completion, 100 + TIMEOUT - 1));
    tkp_completion_begin(&s.completion, 200, TIMEOUT);
    assert_false(tkp_completion_waits(&s.completion, 100 + TIMEOUT));
    assert_int_equal(tkp_completion_name(&s.completion, &s.services, false, names, sizeof names),
                     3);
    assert_string_equal(names,
                        "profile of gpu (it did not report in time), telemetry of gpu (it did not "
                        "report in time), server_metrics of scraper (it did not report in "
                        "time)");
    assert_int_equal(tkp_completion_name(&s.completion, &s.services, false, few, sizeof few), 3);
    assert_int_equal(strlen(few), sizeof few - 1);
    make(&s);
    tkp_completion_begin(&s.completion, 100, TIMEOUT);
    tkp_completion_begin(&s.completion, 200, 10); /* a signal shortens it */
    assert_false(tkp_completion_waits(&s.completion, 210));
}

static void owes_nothing_without_producers(void **state)
{
    static struct scene s;
    (void)state;
    tkp_completion_begin(&s.completion, 100, TIMEOUT);
    assert_false(tkp_completion_waits(&s.completion, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_all),          cmocka_unit_test(ignores_what_is_not_owed),
        cmocka_unit_test(gives_up_the_dead),      cmocka_unit_test(the_disabled_owe_nothing),
        cmocka_unit_test(misses_at_the_deadline), cmocka_unit_test(owes_nothing_without_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
