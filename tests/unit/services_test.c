/* SPDX-License-Identifier: Apache-2.0 */
/* What a service may do in which state, and what stays of it when it is over. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <telemetry/services.h>

static struct tkp_service *add(struct tkp_services *services, const char *name)
{
    uint32_t index;
    assert_int_equal(tkp_services_add(services, name, &index), TOKPERF_OK);
    return &services->list[index];
}

/* Steps: g register, r ready, f d s x the ends; capital: it must be refused. */
static void goes_through_states(void **state)
{
    static const struct {
        const char *steps;
        enum tkp_service_state end;
        bool is_registered;
    } rows[] = {
        {"", TKP_SERVICE_STARTING, false},     {"g", TKP_SERVICE_STARTING, true},
        {"gr", TKP_SERVICE_READY, true},       {"R", TKP_SERVICE_STARTING, false},
        {"gG", TKP_SERVICE_STARTING, true},    {"grR", TKP_SERVICE_READY, true},
        {"f", TKP_SERVICE_FAILED, false},      {"gf", TKP_SERVICE_FAILED, false},
        {"d", TKP_SERVICE_DISABLED, false},    {"grd", TKP_SERVICE_DISABLED, false},
        {"grs", TKP_SERVICE_STOPPED, false},   {"grx", TKP_SERVICE_DEAD, false},
        {"grsX", TKP_SERVICE_STOPPED, false},  {"fX", TKP_SERVICE_FAILED, false},
        {"dGRX", TKP_SERVICE_DISABLED, false}, {"xF", TKP_SERVICE_DEAD, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_services services = {0};
        struct tkp_service *service = add(&services, "nvml");
        for (const char *step = rows[i].steps; *step; step++) {
            static const char ends[] = "fdsx";
            char lower = (char)(*step | 0x20);
            const char *end = strchr(ends, lower);
            bool good;
            if (end)
                good = tkp_service_end(
                    service, (enum tkp_service_state)(TKP_SERVICE_FAILED + (end - ends)), "why");
            else if (lower == 'g')
                good = tkp_service_register(service, TKP_CAPABILITY_BASELINE) == TOKPERF_OK;
            else
                good = tkp_service_ready(service) == TOKPERF_OK;
            assert_int_equal(good, *step == lower);
        }
        print_message("%s\n", rows[i].steps);
        assert_int_equal(service->state, rows[i].end);
        assert_int_equal(service->is_registered, rows[i].is_registered);
        assert_int_equal(tkp_service_is_over(service), rows[i].end > TKP_SERVICE_READY);
        assert_int_equal(tkp_services_are_settled(&services), rows[i].end != TKP_SERVICE_STARTING);
        assert_string_equal(service->reason, tkp_service_is_over(service) ? "why" : "");
    }
}

/* Trap 35: everybody is waited for, whoever is ready already. */
static void is_settled_with_the_last(void **state)
{
    struct tkp_services services = {0};
    struct tkp_service *a = add(&services, "a"), *b = add(&services, "b");
    (void)state;
    assert_int_equal(tkp_service_register(a, 0), TOKPERF_OK);
    assert_int_equal(tkp_service_ready(a), TOKPERF_OK);
    assert_false(tkp_services_are_settled(&services));
    assert_int_equal(tkp_service_register(b, 0), TOKPERF_OK);
    assert_false(tkp_services_are_settled(&services));
    assert_true(tkp_service_end(b, TKP_SERVICE_FAILED, "no device"));
    assert_true(tkp_services_are_settled(&services));
}

static void is_bounded(void **state)
{
    struct tkp_services services = {0};
    char name[TKP_SERVICE_NAME_BYTES + 1], reason[TKP_SERVICE_REASON_BYTES + 10];
    uint32_t index;
    (void)state;
    for (int i = 0; i < TKP_SERVICES_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        add(&services, name);
    }
    assert_int_equal(tkp_services_add(&services, "more", &index), TOKPERF_E_LIMIT);
    services.count = 1;
    assert_int_equal(tkp_services_add(&services, "s0", &index), TOKPERF_E_EXISTS);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(tkp_services_add(&services, name, &index), TOKPERF_E_LIMIT);
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    assert_true(tkp_service_end(&services.list[0], TKP_SERVICE_DEAD, reason));
    assert_int_equal(strlen(services.list[0].reason), TKP_SERVICE_REASON_BYTES - 1);
    assert_true(tkp_services_find(&services, "s0", &index));
    assert_false(tkp_services_find(&services, "s1", &index));
}

static void has_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TKP_DOMAIN_COUNT; i++) {
        enum tkp_domain domain;
        const char *name = tkp_domain_name((enum tkp_domain)i);
        assert_true(tkp_domain_find((struct tokperf_span){name, strlen(name)}, &domain));
        assert_int_equal(domain, i);
    }
    for (int i = TKP_SERVICE_STARTING; i <= TKP_SERVICE_DEAD; i++)
        assert_true(strlen(tkp_service_state_name((enum tkp_service_state)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_through_states),
        cmocka_unit_test(is_settled_with_the_last),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(has_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
