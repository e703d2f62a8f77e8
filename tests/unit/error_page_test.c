/* SPDX-License-Identifier: Apache-2.0 */
/* What error pages say. The first two are the pages of nginx 1.22 and haproxy 2.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <worker/error_page.h>

static const struct page_case {
    const char *body, *text;
} cases[] = {
    {"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
     "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n"
     "</body>\r\n</html>\r\n",
     "502 Bad Gateway 502 Bad Gateway nginx/1.22.1"},
    {"<html><body><h1>503 Service Unavailable</h1>\n"
     "No server is available to handle this request.\n</body></html>\n\n",
     "503 Service Unavailable No server is available to handle this request."},
    {"\n  <!DOCTYPE html><!-- <b>not</b> this -->a<br>b", "a b"},
    {"<p>a</p><style>p { color: red }</style><SCRIPT x='y'>if (a < b) c();</Script >b", "a b"},
    {"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code> <Message>later</Message></Error>",
     "SlowDown later"},
    {"<p>a < b &amp; c</p>", "a < b &amp; c"},
    {"<p>one <b>two", "one two"},
    {"<p>one <b", "one"},
    {"<p>one<script>never ended", "one"},
    {"<p>one<!-- never ended", "one"},
    {"<html></html>", ""},
    {"<", ""},
    {"< p>no tag", ""},
    {"Bad <b>Gateway</b>", ""},
    {"{\"a\":\"<b>\"}", ""},
    {" ", ""},
    {"", ""},
};

/* Each body stands at the end of its memory, so that a sanitizer sees a read beyond it. */
static size_t read_exactly(const char *body, char *out, size_t capacity)
{
    size_t size = strlen(body);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, body, size);
    size_t len = tkp_error_page_read((struct tokperf_span){copy, size}, out, capacity);
    free(copy);
    return len;
}

static void says_what_stands_between_tags(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256] = {0};
        size_t len = read_exactly(cases[i].body, text, sizeof text - 1);
        assert_int_equal(len, strlen(text));
        assert_string_equal(text, cases[i].text);
    }
}

static void keeps_to_its_room(void **state)
{
    (void)state;
    static const char whole[] = "502 Bad Gateway 502 Bad Gateway nginx/1.22.1";
    for (size_t capacity = 0; capacity < sizeof whole; capacity++) {
        char text[sizeof whole];
        memset(text, '#', sizeof text);
        size_t len = read_exactly(cases[0].body, text, capacity);
        assert_true(len <= capacity && len + 1 >= (capacity ? capacity : 1));
        assert_memory_equal(text, whole, len);
        assert_int_equal(text[capacity], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_stands_between_tags),
        cmocka_unit_test(keeps_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
