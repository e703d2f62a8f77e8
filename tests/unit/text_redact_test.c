/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: which names hold them, and URLs without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void secret_names(void **state)
{
    (void)state;
    static const char *const secret[] = {
        "authorization",
        "Authorization",
        "Proxy-Authorization",
        "x-api-key",
        "API-Key",
        "api_key",
        "apiKey",
        "cookie",
        "Set-Cookie",
        "HF_TOKEN",
        "access-token",
        "client_secret",
        "db_password",
        "passwd",
        "token",
        "key",
        "sig",
        "X-Amz-Signature",
        "x-goog-api-key",
        "X-Amz-Credential",
        "ocp-apim-subscription-key",
        "X-Functions-Key",
        "aeg-sas-key",
        "X-Amz-Security-Token",
    };
    static const char *const open[] = {
        "content-type", "max_tokens", "tokenizer",   "model", "user-agent",
        "x-request-id", "keyboard",   "accept",      "stop",  "",
        "monkey",       "tokens",     "traceparent",
    };
    for (size_t i = 0; i < COUNT(secret); i++)
        if (!tkp_text_is_secret_name(tkp_span(secret[i])))
            fail_msg("'%s' is not seen as a secret", secret[i]);
    for (size_t i = 0; i < COUNT(open); i++)
        if (tkp_text_is_secret_name(tkp_span(open[i])))
            fail_msg("'%s' is taken for a secret", open[i]);
    char name[400];
    memset(name, 'x', sizeof name);
    memcpy(name + sizeof name - 6, "_token", 6);
    assert_true(tkp_text_is_secret_name((struct tokperf_span){name, sizeof name}));
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *want;
    } cases[] = {
        {"http://host:8000/v1", "http://host:8000/v1"},
        {"http://user:pw@host/v1", "http://<redacted>@host/v1"},
        {"http://user@host", "http://<redacted>@host"},
        {"http://a@b@host/x", "http://<redacted>@host/x"},
        {"user:pw@host/v1", "<redacted>@host/v1"},
        {"http://host/v1/@me", "http://host/v1/@me"},
        {"http://host:80/v1/@me", "http://host:80/v1/@me"},
        {"http://[::1]:80/@me", "http://[::1]:80/@me"},
        {"http://u:p/w?d@host/v1", "http://<redacted>@host/v1"},
        {"http://h/?api_key=abc", "http://h/?api_key=<redacted>"},
        {"http://h/?a=1&API-KEY=abc&b=2", "http://h/?a=1&API-KEY=<redacted>&b=2"},
        {"http://h/?token=x;b=2#f", "http://h/?token=<redacted>;b=2#f"},
        {"http://h/?api%5Fkey=abc", "http://h/?api%5Fkey=<redacted>"},
        {"http://h/?sig=a=b", "http://h/?sig=<redacted>"},
        {"http://h/?key", "http://h/?key"},
        {"http://h?key=v", "http://h?key=<redacted>"},
        {"http://h/?", "http://h/?"},
        {"http://h/?a=1&", "http://h/?a=1&"},
        {"unix:/run/x.sock", "unix:/run/x.sock"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[200];
        assert_int_equal(tkp_text_redact_url(out, sizeof out, cases[i].url), strlen(cases[i].want));
        assert_string_equal(out, cases[i].want);
        for (size_t capacity = 1; capacity < 20; capacity++) {
            assert_int_equal(tkp_text_redact_url(out, capacity, cases[i].url),
                             strlen(cases[i].want));
            assert_memory_equal(out, cases[i].want, strlen(out));
            assert_true(strlen(out) < capacity);
        }
    }
    assert_int_equal(tkp_text_redact_url(NULL, 0, "abc"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_names),
        cmocka_unit_test(urls),
    };
    return cmocka_run_group_tests_name("text_redact", tests, NULL, NULL);
}
