/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template plugin's two little languages: what they refuse, with the place, and what queries
 * find. What requests and answers become is in the fixtures.
 */
#include "../template.h"

#include <plugin/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const struct tokperf_plugin *template_plugin(void);

enum { FOUND_BYTES = 512 };

static struct tkp_host host;

static const struct tokperf_json_v1 *json(void)
{
    return host.api.service(&host.api, TOKPERF_SERVICE_JSON);
}

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

/* An instance of "template" with a body. */
static tokperf_status make(const char *body, void **self, struct tokperf_error *error)
{
    const struct tokperf_endpoint_vtable *vtable = template_plugin()->components[0]->vtable;
    const struct tokperf_value field = {.type = TOKPERF_OPTION_STRING};
    const struct tokperf_value framing = {.type = TOKPERF_OPTION_ENUM, .is_set = 1};
    const struct tokperf_value text = {
        .type = TOKPERF_OPTION_STRING, .is_set = 1, .text = span(body)};
    const struct tokperf_value *values[] = {&field, &framing, &text};
    const struct tokperf_config config = {
        .struct_size = sizeof config, .value_count = 3, .values = values};
    return vtable->create(&host.api, &config, self, error);
}

static void destroy(void *self)
{
    ((const struct tokperf_endpoint_vtable *)template_plugin()->components[0]->vtable)
        ->destroy(self);
}

struct refusal {
    const char *text, *part; /* of the sentence */
};

static void refuses_templates(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"{\"a\": {{nothing}}}", "line 1, column 7: nothing is no field of a turn"},
        {"{\n \"a\": {{}}}", "line 2, column 7: the tag is empty"},
        {"{\"a\": {{text", "line 1, column 7: the tag that begins here has no end"},
        {"{\"a\": {{text|upper}}}", "only |tojson"},
        {"{\"a\": \"{{text|tojson}}\"}", "only |tojson outside of quotes"},
        {"{% for t in texts %}", "line 1, column 1: {% is of Jinja"},
        {"{\"a\": [{% for t in texts %}]}", "line 1, column 8: {% is of Jinja"},
        {"{\"a\": \"{{texts}}\"}", "texts is a list and cannot stand between quotes"},
        {"{\"a\": {{turns}}}", "turns has no value of its own"},
        {"{\"a\": {{.}}}", ". is the item of a section"},
        {"{\"a\": [{{#turns}}{{.}}{{/turns}}]}", ". is the item of a section"},
        {"{\"a\": {{-index}}}", "-index belongs into a section"},
        {"{\"a\": [{{#texts}}{{.}}]}",
         "line 1, column 8: a section that begins here is not closed"},
        {"{\"a\": [{{#texts}}{{.}}{{/images}}]}",
         "images closes a section that is not the innermost"},
        {"texts", "template file 'texts'"},
        {"{ {{/texts}} }", "texts closes a section"},
        {"{\"a\": {{#text}}\"b{{/text}}\"}", "has one quote of a JSON string only"},
        {"{\"a\": [{{#texts}}{{.}},{{/texts}}]}", "does not make JSON: byte"},
        {"{\"a\": {{{text}}}}", "does not make JSON"},
        {"{\"a\": \"\xff\"}", "not UTF-8"},
        {"[{{#text}}{{#text}}{{#text}}{{#text}}{{#text}}{{#text}}{{#text}}{{#text}}{{#text}}1",
         "more than 8 sections"},
        {"", "the template is empty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokperf_error error = {0};
        void *self = NULL;
        const tokperf_status status = make(rows[i].text, &self, &error);
        if (status == TOKPERF_OK || strstr(error.message, rows[i].part) == NULL)
            print_error("%s gave: %s\n", rows[i].text, error.message);
        assert_int_equal(status, TOKPERF_E_INVALID);
        assert_non_null(strstr(error.message, rows[i].part));
    }
}

static void refuses_files_that_are_not_safe(void **state)
{
    (void)state;
    char dir[] = "/tmp/tokperf-template-XXXXXX", file[64], link[64];
    struct tokperf_error error = {0};
    void *self = NULL;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/body.json", dir);
    snprintf(link, sizeof link, "%s/link.json", dir);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs("{\"t\": {{text}}}", out);
    fclose(out);
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(make(file, &self, &error), TOKPERF_OK);
    destroy(self);
    assert_int_equal(make(link, &self, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, link));
    assert_int_equal(make(dir, &self, &error), TOKPERF_E_INVALID);
    assert_int_equal(make("/dev/zero", &self, &error), TOKPERF_E_INVALID);
    assert_int_equal(truncate(file, TEXT_MAX_BYTES + 1), 0);
    assert_int_equal(make(file, &self, &error), TOKPERF_E_INVALID);
    unlink(link);
    unlink(file);
    rmdir(dir);
}

static void ignore(void *context, const char *data, uint64_t len)
{
    (void)context;
    (void)data;
    (void)len;
}

static void refuses_members_that_it_has(void **state)
{
    (void)state;
    static const struct {
        const char *body, *key, *part; /* NULL: taken */
    } rows[] = {
        {"{\"a\": 1}", "a", "has a member 'a' already"},
        {"{\"a\": 1}", "b", NULL},
        {"{}", "b", NULL},
        {"[1]", "b", "no object"},
        {"{ {{#image}}\"a\": 1{{/image}} }", "b", "members in every request"},
    };
    const struct tokperf_endpoint_vtable *vtable = template_plugin()->components[0]->vtable;
    const struct tokperf_turn turn = {.struct_size = sizeof turn, .max_tokens = -1};
    const struct tokperf_turn *turns[] = {&turn};
    const struct tokperf_request_sink sink = {.struct_size = sizeof sink, .body = ignore};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokperf_error error = {0};
        void *self = NULL;
        const struct tokperf_member extra = {span(rows[i].key), span("1")};
        const struct tokperf_request request = {.struct_size = sizeof request,
                                                .turn_count = 1,
                                                .extra_count = 1,
                                                .turns = turns,
                                                .extra = &extra};
        assert_int_equal(make(rows[i].body, &self, &error), TOKPERF_OK);
        assert_int_equal(vtable->format(self, &request, &sink, &error),
                         rows[i].part == NULL ? TOKPERF_OK : TOKPERF_E_INVALID);
        if (rows[i].part != NULL)
            assert_non_null(strstr(error.message, rows[i].part));
        destroy(self);
    }
}

static void refuses_queries(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"", "position 1: a name is missing"},
        {"a.", "position 3: a name is missing"},
        {"a.[0]", "position 3: a name is expected"},
        {"a[", "position 3: the [ has no ]"},
        {"a[0", "position 4: a ] is expected"},
        {"a[x]", "position 3: a number, * or ]"},
        {"a[-]", "position 4: a number"},
        {"a[1:2]", "position 4: a ] is expected"},
        {"a[?b]", "position 3"},
        {"a | b", "position 3: this is not known here"},
        {"a b", "position 3: this is not known here"},
        {"length(a)", "position 7: this is not known here"},
        {"{a: b}", "position 1: a name is expected"},
        {"*.a", "position 1: a name is expected"},
        {"@", "position 1"},
        {"\"a", "the quoted name has no end"},
        {"\"a\\x\"", "the quoted name is no JSON string"},
        {"a[9999999999]", "the index is too large"},
        {"a||", "position 4: a name is missing"},
        {"a||b||c||d||e||f||g||h||i", "more than 8 alternatives"},
    };
    struct query query;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokperf_error error = {0};
        const tokperf_status status = query_compile(&query, json(), span(rows[i].text), &error);
        if (status == TOKPERF_OK || strstr(error.message, rows[i].part) == NULL)
            print_error("%s gave: %s\n", rows[i].text, error.message);
        assert_int_equal(status, TOKPERF_E_INVALID);
        assert_non_null(strstr(error.message, rows[i].part));
    }
}

static void collect(void *context, struct tokperf_span found)
{
    char *text = context;
    const size_t len = strlen(text);
    snprintf(text + len, FOUND_BYTES - len, "%.*s|", (int)found.len, found.data);
}

static void finds(void **state)
{
    (void)state;
    static const char document[] =
        "{\"a\": {\"b\": [1, {\"c\": \"x\"}, null, [2, [3]]], \"n\": null, \"e\": \"\", \"l\": []},"
        " \"o d\": {\"\\u00e4\": true}, \"f\": false, \"z\": 0, \"a\": 9}";
    static const struct {
        const char *query, *found;
    } rows[] = {
        {"a.b[0]", "1|"},
        {" a . b [ -1 ] [ 0 ] ", "2|"},
        {"a.b[-4]", "1|"},
        {"a.b[-5]", ""},
        {"a.b[4]", ""},
        {"a.b[2]", ""},
        {"a.b[*].c", "\"x\"|"},
        {"a.b[*]", "1|{\"c\": \"x\"}|[2, [3]]|"},
        {"a.b[]", "1|{\"c\": \"x\"}|2|[3]|"},
        {"a.b[][]", "1|{\"c\": \"x\"}|2|3|"},
        {"a.b[*][]", "1|{\"c\": \"x\"}|2|[3]|"},
        {"a.b[*][1]", "[3]|"},
        {"\"o d\".\"\\u00e4\"", "true|"},
        {"\"o d\".\"ä\"", "true|"},
        {"f", "false|"},
        {"f || z", "0|"},
        {"a.n || a.e || a.l || nothing[*] || a.l[*] || a.b[0]", "1|"},
        {"nothing || a.e", "\"\"|"},
        {"z || a.b", "0|"},
        {"a[0]", ""},
        {"z.a", ""},
        {"z[*]", ""},
    };
    struct query query;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokperf_error error = {0};
        char found[FOUND_BYTES] = "";
        assert_int_equal(query_compile(&query, json(), span(rows[i].query), &error), TOKPERF_OK);
        query_ask(&query, json(), span(document), collect, found);
        if (strcmp(found, rows[i].found) != 0)
            print_error("%s\n", rows[i].query);
        assert_string_equal(found, rows[i].found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_templates),
        cmocka_unit_test(refuses_files_that_are_not_safe),
        cmocka_unit_test(refuses_members_that_it_has),
        cmocka_unit_test(refuses_queries),
        cmocka_unit_test(finds),
    };
    tkp_host_init(&host);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
