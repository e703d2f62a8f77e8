/* SPDX-License-Identifier: Apache-2.0 */
/* Target URLs: what they mean, what is refused, and paths below them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <config/url.h>
#include <stdio.h>
#include <string.h>

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tkp_url_scheme scheme;
        const char *normal, *host, *host_port, *prefix, *user_info;
        uint16_t port;
    } rows[] = {
        {"http://h", TKP_URL_HTTP, "http://h", "h", "h", "", NULL, 80},
        {"HTTP://Host:8000/", TKP_URL_HTTP, "http://host:8000", "host", "host:8000", "", NULL,
         8000},
        {"localhost:8000/v1/", TKP_URL_HTTP, "http://localhost:8000/v1", "localhost",
         "localhost:8000", "/v1", NULL, 8000},
        {"10.0.0.1", TKP_URL_HTTP, "http://10.0.0.1", "10.0.0.1", "10.0.0.1", "", NULL, 80},
        {"http://h:80", TKP_URL_HTTP, "http://h", "h", "h", "", NULL, 80},
        {"https://h/a//", TKP_URL_HTTPS, "https://h/a", "h", "h", "/a", NULL, 443},
        {"http://[::1]:9/p", TKP_URL_HTTP, "http://[::1]:9/p", "::1", "[::1]:9", "/p", NULL, 9},
        {"[fe80::1]", TKP_URL_HTTP, "http://[fe80::1]", "fe80::1", "[fe80::1]", "", NULL, 80},
        {"http://u:p%3Aw@h:1/x", TKP_URL_HTTP, "http://h:1/x", "h", "h:1", "/x", "u:p:w", 1},
        {"http://a@b:c@h", TKP_URL_HTTP, "http://h", "h", "h", "", "a@b:c", 80},
        {"unix:/run/s.sock", TKP_URL_UNIX, "unix:/run/s.sock", "localhost", "localhost", "", NULL,
         0},
        {"unix:///run/s", TKP_URL_UNIX, "unix:/run/s", "localhost", "localhost", "", NULL, 0},
        {"mock:", TKP_URL_MOCK, "mock:", "127.0.0.1", "127.0.0.1", "", NULL, 0},
        {"mock:?ttft=20&itl=5&fast", TKP_URL_MOCK, "mock:?ttft=20&itl=5&fast", "127.0.0.1",
         "127.0.0.1", "", NULL, 0},
        {"mock:8000", TKP_URL_HTTP, "http://mock:8000", "mock", "mock:8000", "", NULL, 8000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_url url;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        assert_int_equal(tkp_url_parse(rows[i].text, &arena, &url, &error), TOKPERF_OK);
        assert_int_equal(url.scheme, rows[i].scheme);
        assert_string_equal(url.text, rows[i].normal);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.host_port, rows[i].host_port);
        assert_string_equal(url.prefix, rows[i].prefix);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.user_info != NULL, rows[i].user_info != NULL);
        if (rows[i].user_info)
            assert_string_equal(url.user_info, rows[i].user_info);
        tkp_arena_finish(&arena);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "has no host"},
        {"http://", "has no host"},
        {"http://:80", "has no host"},
        {"http://h:0", "has a port that is not 1..65535"},
        {"http://h:65536", "has a port that is not 1..65535"},
        {"http://h:8x", "has a port that is not 1..65535"},
        {"http://h:", "has a port that is not 1..65535"},
        {"http://h h", "has a host that is no name, IPv4 or [IPv6] address"},
        {"http://h\xc3\xa9", "has a host that is no name, IPv4 or [IPv6] address"},
        {"http://::1/", "has a host that is no name, IPv4 or [IPv6] address"},
        {"http://[]", "has no host"},
        {"http://h/a b", "has a byte in its path that must be percent-encoded"},
        {"http://h/a\r\nX: y", "has a byte in its path that must be percent-encoded"},
        {"http://h/?q=1", "has a query or fragment, which belongs into --endpoint"},
        {"ftp://h", "has a scheme that is not http or https"},
        {"unix:", "has no absolute path"},
        {"unix:relative", "has no absolute path"},
        {"unix://host/p", "has no absolute path"},
        {"http://secret:pw%zz@h", "has a wrong percent escape or control byte before the '@'"},
        {"http://a%0d:b@h", "has a wrong percent escape or control byte before the '@'"},
        {"mock:/x", "is not mock: or mock:?name=value"},
        {"mock:?", "is not mock: or mock:?name=value"},
        {"mock:?-x=1", "is not mock: or mock:?name=value"},
        {"mock:?a=1&", "is not mock: or mock:?name=value"},
        {"mock:?a=$(x)", "is not mock: or mock:?name=value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_url url;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        tokperf_status status = tkp_url_parse(rows[i].text, &arena, &url, &error);
        if (!status || !strstr(error.message, rows[i].part))
            print_error("'%s' gave: %s\n", rows[i].text, error.message);
        assert_int_equal(status, TOKPERF_E_INVALID);
        assert_non_null(strstr(error.message, rows[i].part));
        assert_null(strstr(error.message, "secret"));
        tkp_arena_finish(&arena);
    }
}

static void bounds_lengths(void **state)
{
    (void)state;
    char text[8192] = "unix:/";
    struct tkp_arena arena;
    struct tkp_url url;
    struct tokperf_error error = {0};
    tkp_arena_init(&arena, 0);
    memset(text + 6, 'a', 107);
    assert_int_equal(tkp_url_parse(text, &arena, &url, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "107 bytes"));
    text[6 + 106] = '\0'; /* "/" and 106 are the 107 that fit */
    assert_int_equal(tkp_url_parse(text, &arena, &url, &error), TOKPERF_OK);
    memset(text, 'a', 5000);
    assert_int_equal(tkp_url_parse(text, &arena, &url, &error), TOKPERF_E_INVALID);
    tkp_arena_finish(&arena);
}

static void joins_paths(void **state)
{
    (void)state;
    static const struct {
        const char *url, *path, *joined;
    } rows[] = {
        {"h", "/v1/chat/completions", "/v1/chat/completions"},
        {"h", "v1/models", "/v1/models"},
        {"h/v1", "/v1/chat/completions", "/v1/chat/completions"},
        {"h/v1/", "/v1/models", "/v1/models"},
        {"h/openai/v1", "/v1/models", "/openai/v1/models"},
        {"h/v1", "/v1", "/v1"},
        {"h/v1", "/v10/x", "/v1/v10/x"},
        {"h/xv1", "/v1/x", "/xv1/v1/x"},
        {"h/a", "", "/a"},
        {"h", "", "/"},
        {"h/a", "/b?c=d", "/a/b?c=d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_url url;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        assert_int_equal(tkp_url_parse(rows[i].url, &arena, &url, &error), TOKPERF_OK);
        assert_string_equal(tkp_url_path(&url, rows[i].path, &arena), rows[i].joined);
        tkp_arena_finish(&arena);
    }
}

static void drops_a_path_that_the_url_has(void **state)
{
    (void)state;
    static const struct {
        const char *url, *path, *prefix;
    } rows[] = {
        {"h/v1/chat/completions", "/v1/chat/completions", ""},
        {"h/v1/chat/completions/", "/v1/chat/completions/", ""},
        {"h/openai/v1/chat/completions", "/v1/chat/completions", "/openai"},
        {"h/openai/v1/chat/completions", "v1/chat/completions", "/openai"},
        {"h/xv1/chat", "v1/chat", "/xv1/chat"},
        {"h/xv1/chat", "/v1/chat", "/xv1/chat"},
        {"h/v1", "/v1/chat/completions", "/v1"},
        {"h/a/b", "", "/a/b"},
        {"h/a/b", "/", "/a/b"},
        {"h", "/a", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tkp_url url;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        assert_int_equal(tkp_url_parse(rows[i].url, &arena, &url, &error), TOKPERF_OK);
        assert_true(tkp_url_drop_path(&url, rows[i].path, &arena));
        assert_string_equal(url.prefix, rows[i].prefix);
        tkp_arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(bounds_lengths),
        cmocka_unit_test(joins_paths),
        cmocka_unit_test(drops_a_path_that_the_url_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
