/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of proxies: what they mean and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <config/proxy.h>
#include <string.h>

static void parses(void **state)
{
    static const struct {
        const char *text;
        enum tkp_proxy_kind kind;
        const char *normal, *host, *user_info;
        uint16_t port;
        bool resolves;
    } rows[] = {
        {"http://h:3128", TKP_PROXY_HTTP, "http://h:3128", "h", NULL, 3128, true},
        {"HTTP://h:80/", TKP_PROXY_HTTP, "http://h:80", "h", NULL, 80, true},
        {"http://u:p%3Aw@h:1", TKP_PROXY_HTTP, "http://h:1", "h", "u:p:w", 1, true},
        {"socks4://10.0.0.1:1080", TKP_PROXY_SOCKS4, "socks4://10.0.0.1:1080", "10.0.0.1", NULL,
         1080, false},
        {"socks4a://h:1", TKP_PROXY_SOCKS4A, "socks4a://h:1", "h", NULL, 1, true},
        {"socks5://[::1]:9", TKP_PROXY_SOCKS5, "socks5://[::1]:9", "::1", NULL, 9, false},
        {"socks5h://a@b@h:1", TKP_PROXY_SOCKS5H, "socks5h://h:1", "h", "a@b", 1, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_proxy proxy;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        print_message("%s\n", rows[i].text);
        assert_int_equal(tkp_proxy_parse(rows[i].text, &arena, &proxy, &error), TOKPERF_OK);
        assert_int_equal(proxy.kind, rows[i].kind);
        assert_string_equal(proxy.text, rows[i].normal);
        assert_string_equal(proxy.url.host, rows[i].host);
        assert_int_equal(proxy.url.port, rows[i].port);
        assert_int_equal(tkp_proxy_resolves_names(&proxy), rows[i].resolves);
        if (rows[i].user_info)
            assert_string_equal(proxy.url.user_info, rows[i].user_info);
        else
            assert_null(proxy.url.user_info);
        tkp_arena_finish(&arena);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"h:3128", "no scheme"},
        {"://h:3128", "no scheme"},
        {"https://h:3128", "no scheme"},
        {"socks://h:3128", "no scheme"},
        {"http://h", "no port"},
        {"http://[::1]", "no port"},
        {"http://u:geheim@h", "no port"},
        {"http://u:geheim@h:0", "no URL"},
        {"http://u:geheim@h:65536", "no URL"},
        {"http://u:geheim@:1", "no URL"},
        {"http://u:ge%zzheim@h:1", "no URL"},
        {"http://u:geheim@h:1/path", "a path"},
        {"http://h:1?q", "no URL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_proxy proxy;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        print_message("%s\n", rows[i].text);
        assert_int_equal(tkp_proxy_parse(rows[i].text, &arena, &proxy, &error), TOKPERF_E_INVALID);
        assert_non_null(strstr(error.message, rows[i].says));
        assert_non_null(strstr(error.message, "socks5h://host:1080"));
        assert_null(strstr(error.message, "heim"));
        tkp_arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
