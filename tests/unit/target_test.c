/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of targets, without a name server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>
#include <worker/worker.h>

static void resolves_addresses(void **state)
{
    (void)state;
    struct tkp_url url = {.scheme = TKP_URL_HTTP, .text = "t", .host = "127.0.0.3", .port = 81};
    struct tkp_target target;
    const struct tkp_plan plan = {.ip_version = TKP_IP_VERSION_AUTO};
    struct tokperf_error error;
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_OK);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&target.addresses[0];
    assert_int_equal(target.address_count, 1);
    assert_int_equal(target.address_lengths[0], sizeof *v4);
    assert_true(v4->sin_addr.s_addr == htonl(0x7f000003) && v4->sin_port == htons(81));
    assert_string_equal(target.path, "/p");
    url.host = "::1";
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_OK);
    assert_int_equal(target.addresses[0].ss_family, AF_INET6);
}

static void resolves_unix_sockets(void **state)
{
    (void)state;
    char path[200];
    struct tkp_url url = {.scheme = TKP_URL_UNIX, .text = "unix:/tmp/s", .unix_path = "/tmp/s"};
    struct tkp_target target;
    const struct tkp_plan plan = {.ip_version = TKP_IP_VERSION_AUTO};
    struct tokperf_error error;
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_OK);
    const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&target.addresses[0];
    assert_string_equal(un->sun_path, "/tmp/s");
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    url.unix_path = path;
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "at most 107 bytes"));
}

static void names_can_be_given_addresses(void **state)
{
    (void)state;
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(81)};
    struct tkp_resolve_rule rules[2] = {
        {.host = "a host", .port = 80, .count = 1, .lengths = {1}},
        {.host = "a host", .port = 81, .count = 2, .lengths = {sizeof there, sizeof there}}};
    rules[1].addresses[0].ss_family = AF_INET6;
    struct tkp_plan plan = {
        .resolve_rules = rules, .resolve_rule_count = 2, .ip_version = TKP_IP_VERSION_AUTO};
    struct tkp_url url = {.scheme = TKP_URL_HTTPS, .text = "t", .host = "a host", .port = 81};
    struct tkp_target target;
    struct tokperf_error error;
    memcpy(&rules[1].addresses[1], &there, sizeof there);
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_OK);
    assert_int_equal(target.address_count, 2);
    assert_memory_equal(&target.addresses[1], &there, sizeof there);
    for (int i = 0; i < 2; i++) {
        plan.ip_version = i ? TKP_IP_VERSION_6 : TKP_IP_VERSION_4;
        assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_OK);
        assert_int_equal(target.addresses[0].ss_family, i ? AF_INET6 : AF_INET);
        assert_int_equal(target.addresses[1].ss_family, i ? AF_INET : AF_INET6);
    }
    url.port = 82;
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_E_NOT_FOUND);
}

static void says_what_is_not_there(void **state)
{
    (void)state;
    struct tkp_url url = {.scheme = TKP_URL_MOCK, .text = "mock:", .host = "x", .port = 443};
    struct tkp_target target;
    const struct tkp_plan plan = {.ip_version = TKP_IP_VERSION_AUTO};
    struct tokperf_error error;
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_E_STATE);
    url.scheme = TKP_URL_HTTP;
    url.host = "no host has blanks";
    assert_int_equal(tkp_target_resolve(&url, "/p", &plan, &target, &error), TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "'no host has blanks'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_addresses),
        cmocka_unit_test(resolves_unix_sockets),
        cmocka_unit_test(names_can_be_given_addresses),
        cmocka_unit_test(says_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
