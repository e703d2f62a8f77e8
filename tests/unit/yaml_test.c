/* SPDX-License-Identifier: Apache-2.0 */
/* YAML trees: positions, meaning of scalars, every refusal with its place. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <config/yaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tokperf_status parse(struct tkp_yaml *yaml, const char *text, struct tokperf_error *error)
{
    return tkp_yaml_parse(yaml, "t.yaml", text, strlen(text), error);
}

static void keeps_order_and_positions(void **state)
{
    (void)state;
    struct tkp_yaml yaml;
    struct tokperf_error error;
    assert_int_equal(parse(&yaml, "a: 1\nlist:\n  - x\n  - {k: \"v\"}\n", &error), TOKPERF_OK);
    assert_int_equal(yaml.root->kind, TKP_YAML_MAP);
    assert_int_equal(yaml.root->count, 2);
    const struct tkp_yaml_node *list = tkp_yaml_get(yaml.root, "list");
    assert_int_equal(list->kind, TKP_YAML_SEQ);
    assert_int_equal(list->key_line, 2);
    assert_int_equal(list->first->line, 3);
    assert_int_equal(list->first->column, 5);
    const struct tkp_yaml_node *v = tkp_yaml_get(list->first->next, "k");
    assert_string_equal(v->text, "v");
    assert_true(v->is_quoted);
    assert_int_equal(v->column, 9);
    assert_null(tkp_yaml_get(yaml.root, "absent"));
    assert_null(tkp_yaml_get(NULL, "a"));
    tkp_yaml_close(&yaml);
}

static void refuses_with_position(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a: &x 1\n", "t.yaml:1:4: anchors (&name) are not supported"},
        {"a: *x\n", "t.yaml:1:4: aliases (*name) are not supported"},
        {"a: !!str 1\n", "t.yaml:1:4: tags (!name) are not supported"},
        {"a: &x [1]\n", "t.yaml:1:4: anchors (&name) are not supported"},
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key 'a' is there twice"},
        {"? [x]\n: 1\n", "t.yaml:1:3: a key must be text"},
        {"a: b:\n", "t.yaml:1:5: mapping values are not allowed in this context; put a value that "
                    "ends with ':' or has ': ' into quotes"},
        {"a: 1\n---\nb: 1\n", "t.yaml:2:1: a second document (---) is not supported"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a NUL character in a text is not allowed"},
        {"a: [1\nb: 2\n", "t.yaml:2:2: did not find expected ',' or ']' (while parsing a flow "
                          "sequence)"},
        {"a: @x\n", "t.yaml:1:4: found character that cannot start any token (while scanning for "
                    "the next token)"},
        {"a: \xff\n", "t.yaml:1:1: invalid leading UTF-8 octet (byte 3)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_yaml yaml;
        struct tokperf_error error = {0};
        assert_int_equal(parse(&yaml, rows[i].text, &error), TOKPERF_E_INVALID);
        assert_string_equal(error.message, rows[i].message);
        assert_null(yaml.root);
        tkp_yaml_close(&yaml);
    }
}

static void holds_its_bounds(void **state)
{
    (void)state;
    struct tkp_yaml yaml;
    struct tokperf_error error = {0};
    char deep[80];
    memset(deep, '[', 33);
    deep[33] = '\0';
    assert_int_equal(parse(&yaml, deep, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message, "t.yaml:1:33: more than 32 levels of nesting");
    tkp_yaml_close(&yaml);

    size_t size = TKP_YAML_MAX_BYTES + 1;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, ' ', size);
    assert_int_equal(tkp_yaml_parse(&yaml, "t.yaml", large, size, &error), TOKPERF_E_LIMIT);
    tkp_yaml_close(&yaml);

    for (size_t i = 0; i < size; i++)
        large[i] = ",1"[i % 2];
    large[0] = '[';
    assert_int_equal(tkp_yaml_parse(&yaml, "t.yaml", large, size - 1, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "more than 65536 values in one file"));
    tkp_yaml_close(&yaml);

    size_t used = 0;
    for (int i = 0; i < 1025; i++)
        used += (size_t)snprintf(large + used, size - used, "k%d: 1\n", i);
    assert_int_equal(tkp_yaml_parse(&yaml, "t.yaml", large, used, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message, "t.yaml:1025:8: more than 1024 keys in one mapping");
    tkp_yaml_close(&yaml);
    free(large);
}

static void scalars_follow_the_core_schema(void **state)
{
    (void)state;
    enum meaning { TEXT, NOTHING, BOOLEAN, INTEGER, NUMBER };
    static const struct {
        const char *text;
        enum meaning meaning;
        double value;
    } rows[] = {
        {"", NOTHING, 0},      {"~", NOTHING, 0},     {"null", NOTHING, 0},
        {"'null'", TEXT, 0},   {"true", BOOLEAN, 1},  {"FALSE", BOOLEAN, 0},
        {"yes", TEXT, 0},      {"\"true\"", TEXT, 0}, {"12", INTEGER, 12},
        {"-7", INTEGER, -7},   {"+7", INTEGER, 7},    {"+-7", TEXT, 0},
        {"0x1f", INTEGER, 31}, {"0o17", INTEGER, 15}, {"0o8", TEXT, 0},
        {"0x", TEXT, 0},       {"'12'", TEXT, 0},     {"1.5", NUMBER, 1.5},
        {"1e3", NUMBER, 1000}, {"1_000", TEXT, 0},    {"0xffffffffffffffff", TEXT, 0},
        {".nan", TEXT, 0},     {"12:30", TEXT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "a: %s\n", rows[i].text);
        struct tkp_yaml yaml;
        struct tokperf_error error = {0};
        assert_int_equal(parse(&yaml, text, &error), TOKPERF_OK);
        const struct tkp_yaml_node *node = tkp_yaml_get(yaml.root, "a");
        bool boolean = false;
        int64_t integer = 0;
        double number = 0;
        assert_int_equal(tkp_yaml_is_null(node), rows[i].meaning == NOTHING);
        assert_int_equal(tkp_yaml_to_bool(node, &boolean), rows[i].meaning == BOOLEAN);
        assert_int_equal(tkp_yaml_to_int(node, &integer), rows[i].meaning == INTEGER);
        assert_int_equal(tkp_yaml_to_double(node, &number),
                         rows[i].meaning == INTEGER || rows[i].meaning == NUMBER);
        if (rows[i].meaning == BOOLEAN)
            assert_int_equal(boolean, (int)rows[i].value);
        if (rows[i].meaning == INTEGER)
            assert_int_equal(integer, (int64_t)rows[i].value);
        if (rows[i].meaning == INTEGER || rows[i].meaning == NUMBER)
            assert_true(number == rows[i].value);
        tkp_yaml_close(&yaml);
    }
}

static void unknown_keys_name_the_closest(void **state)
{
    (void)state;
    static const char *const known[] = {"concurrency", "requests", NULL};
    struct tkp_yaml yaml;
    struct tokperf_error error = {0};
    assert_int_equal(parse(&yaml, "requests: 1\nconcurency: 4\n", &error), TOKPERF_OK);
    assert_int_equal(tkp_yaml_check_keys(&yaml, yaml.root, "phases[0]", known, &error),
                     TOKPERF_E_INVALID);
    assert_string_equal(error.message, "t.yaml:2:1: unknown key 'concurency' in phases[0]; did you "
                                       "mean 'concurrency'?");
    tkp_yaml_close(&yaml);
    assert_int_equal(parse(&yaml, "zebra: 1\n", &error), TOKPERF_OK);
    assert_int_equal(tkp_yaml_check_keys(&yaml, yaml.root, "", known, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message,
                        "t.yaml:1:1: unknown key 'zebra'; known are concurrency, requests");
    tkp_yaml_close(&yaml);
}

static void empty_and_absent_files(void **state)
{
    (void)state;
    struct tkp_yaml yaml;
    struct tokperf_error error = {0};
    assert_int_equal(parse(&yaml, "# nothing\n", &error), TOKPERF_OK);
    assert_null(yaml.root);
    tkp_yaml_close(&yaml);
    assert_int_equal(tkp_yaml_open(&yaml, "/nonexistent/a.yaml", &error), TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/a.yaml"));
    tkp_yaml_close(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_positions),
        cmocka_unit_test(refuses_with_position),
        cmocka_unit_test(holds_its_bounds),
        cmocka_unit_test(scalars_follow_the_core_schema),
        cmocka_unit_test(unknown_keys_name_the_closest),
        cmocka_unit_test(empty_and_absent_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
