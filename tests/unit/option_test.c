/* SPDX-License-Identifier: Apache-2.0 */
/* Options: rows that break the contract, typed values, and the sentences about wrong ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <plugin/option.h>
#include <string.h>

#define ROW(t, k, ...)                                                                      \
    {                                                                                       \
        .struct_size = sizeof(struct tokperf_option), .type = TOKPERF_OPTION_##t, .key = k, \
        .help = "A help.", __VA_ARGS__                                                      \
    }

static const char *const colors[] = {"red", "green", NULL};
static const struct tokperf_option text = ROW(STRING, "text", .default_value = "some");
static const struct tokperf_option count =
    ROW(INT, "count", .flags = TOKPERF_OPTION_RANGE, .minimum = -2, .maximum = 9, .unit = "tokens");
static const struct tokperf_option ratio = ROW(DOUBLE, "ratio", .default_value = "0.25");
static const struct tokperf_option on = ROW(BOOL, "on", .flags = 0);
static const struct tokperf_option color = ROW(ENUM, "color", .choices = colors);
static const struct tokperf_option wait =
    ROW(DURATION, "wait", .flags = TOKPERF_OPTION_RANGE, .maximum = 60);
static const struct tokperf_option size = ROW(BYTES, "size", .default_value = "64KiB");
static const struct tokperf_option path = ROW(PATH, "path", .flags = 0);
static const struct tokperf_option list = ROW(LIST, "list", .flags = TOKPERF_OPTION_REPEATABLE);
static const struct tokperf_option secret = ROW(INT, "token", .flags = TOKPERF_OPTION_SECRET);
static const struct tokperf_option *const rows[] = {&text, &count, &ratio, &on,     &color, &wait,
                                                    &size, &path,  &list,  &secret, NULL};
enum { TEXT, COUNT, RATIO, ON, COLOR, WAIT, SIZE, PATH, LIST };

static tokperf_status resolve(const struct tokperf_option *const *of, const char *const *pairs,
                              struct tkp_arena *arena, const struct tokperf_config **config,
                              struct tokperf_error *error)
{
    struct tkp_plugin_setting settings[16];
    uint32_t n = 0;
    for (; pairs[2 * n] != NULL; n++)
        settings[n] = (struct tkp_plugin_setting){"acme", pairs[2 * n], pairs[2 * n + 1], "--set"};
    settings[n++] = (struct tkp_plugin_setting){"other", "nonsense", "1", "--set"};
    const struct tkp_option_input input = {settings, n, "acme", "com.acme:acme"};
    return tkp_option_resolve(of, &input, arena, config, error);
}

static void values_arrive_typed_and_defaulted(void **state)
{
    static const char *const pairs[] = {"count", "-2",    "on",   "true", "color", "green",
                                        "wait",  "250ms", "list", "a",    "list",  "b",
                                        "text",  "x",     "text", "last", NULL};
    struct tkp_arena arena;
    struct tokperf_error error = {0};
    const struct tokperf_config *config = NULL;
    (void)state;
    tkp_arena_init(&arena, 0);
    if (resolve(rows, pairs, &arena, &config, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
    const struct tokperf_value *const *v = config->values;
    assert_int_equal(config->value_count, 10);
    assert_string_equal(config->instance_name.data, "acme");
    assert_string_equal(v[TEXT]->text.data, "last");
    assert_int_equal(v[TEXT]->text.len, 4);
    assert_int_equal(v[COUNT]->integer, -2);
    assert_true(v[RATIO]->number == 0.25);
    assert_int_equal(v[ON]->integer, 1);
    assert_int_equal(v[COLOR]->integer, 1);
    assert_string_equal(v[COLOR]->text.data, "green");
    assert_int_equal(v[WAIT]->integer, 250000000);
    assert_int_equal(v[SIZE]->integer, 65536);
    assert_int_equal(v[PATH]->is_set, 0);
    assert_int_equal(v[PATH]->type, TOKPERF_OPTION_PATH);
    assert_int_equal(v[LIST]->item_count, 2);
    assert_string_equal(v[LIST]->items[0].data, "a");
    assert_string_equal(v[LIST]->items[1].data, "b");
    tkp_arena_finish(&arena);
}

static void wrong_settings_get_a_sentence(void **state)
{
    static const struct {
        const char *key, *value, *sentence;
    } cases[] = {
        {"cuont", "1", "--set: acme has no option cuont; did you mean 'count'?"},
        {"zebra", "1", "--set: acme has no option zebra; see tokperf plugins show acme"},
        {"count", "10", "--set: acme: count: '10' is not between -2 and 9 tokens"},
        {"count", "1.5", "--set: acme: count: '1.5' is not a whole number"},
        {"ratio", "nan", "--set: acme: ratio: 'nan' is not a number"},
        {"on", "yes", "--set: acme: on: 'yes' is not true or false"},
        {"color", "gren", "--set: acme: color: 'gren' is not a choice; did you mean 'green'?"},
        {"color", "mauve", "--set: acme: color: 'mauve' is not one of red, green"},
        {"wait", "61", "--set: acme: wait: '61' is not between 0 and 60 s"},
        {"wait", "soon", "--set: acme: wait: 'soon' is not a duration such as 1.5, 250ms or 2m"},
        {"size", "1XB", "--set: acme: size: '1XB' is not a size such as 4096, 64KiB or 1MiB"},
        {"text", "\xff", "--set: acme: text: the value is not UTF-8"},
        {"token", "hunter2", "--set: acme: token: '<redacted>' is not a whole number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const pairs[] = {cases[i].key, cases[i].value, NULL};
        struct tkp_arena arena;
        struct tokperf_error error = {0};
        const struct tokperf_config *config = NULL;
        tkp_arena_init(&arena, 0);
        assert_int_equal(resolve(rows, pairs, &arena, &config, &error), TOKPERF_E_INVALID);
        assert_string_equal(error.message, cases[i].sentence);
        assert_null(config);
        tkp_arena_finish(&arena);
    }
}

static void a_required_one_must_be_given(void **state)
{
    static const struct tokperf_option need = ROW(STRING, "key", .flags = TOKPERF_OPTION_REQUIRED);
    static const struct tokperf_option *const needs[] = {&need, NULL};
    static const char *const nothing[] = {NULL};
    static const char *const given[] = {"key", "", NULL};
    struct tkp_arena arena;
    struct tokperf_error error = {0};
    const struct tokperf_config *config = NULL;
    (void)state;
    tkp_arena_init(&arena, 0);
    assert_int_equal(resolve(needs, nothing, &arena, &config, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message,
                        "acme needs the option key (A help.); give it with --set acme.key=VALUE");
    assert_int_equal(resolve(needs, given, &arena, &config, &error), TOKPERF_OK);
    assert_int_equal(config->values[0]->is_set, 1);
    assert_int_equal(config->values[0]->text.len, 0);
    tkp_arena_finish(&arena);
}

static void rows_must_keep_the_contract(void **state)
{
    static const struct tokperf_option small = {.struct_size = 8};
    static const struct tokperf_option bad_key = ROW(INT, "Key", .flags = 0);
    static const struct tokperf_option no_choices = ROW(ENUM, "e", .flags = 0);
    static const struct tokperf_option stray_choices = ROW(INT, "i", .choices = colors);
    static const struct tokperf_option bad_range =
        ROW(INT, "r", .flags = TOKPERF_OPTION_RANGE, .minimum = 2, .maximum = 1);
    static const struct tokperf_option text_range = ROW(STRING, "s", .flags = TOKPERF_OPTION_RANGE);
    static const struct tokperf_option bad_default = ROW(INT, "d", .default_value = "x");
    static const struct tokperf_option repeats = ROW(INT, "m", .flags = TOKPERF_OPTION_REPEATABLE);
    static const struct tokperf_option both =
        ROW(INT, "b", .flags = TOKPERF_OPTION_REQUIRED, .default_value = "1");
    static const struct tokperf_option no_type = {
        .struct_size = sizeof no_type, .type = 99, .key = "t", .help = "h"};
    static const struct tokperf_option no_help = {
        .struct_size = sizeof no_help, .type = TOKPERF_OPTION_INT, .key = "h"};
    static const struct {
        const struct tokperf_option *row;
        const char *part;
    } cases[] = {
        {&small, "option 0 has struct_size 8, at least"},
        {&bad_key, "the key of option 0, 'Key', is not made of"},
        {&no_choices, "option e is an enum without choices"},
        {&stray_choices, "option i has choices but is no enum"},
        {&bad_range, "option r has a range that holds no value"},
        {&text_range, "option s has a range that holds no value"},
        {&bad_default, "the default of option: d: 'x' is not a whole number"},
        {&repeats, "option m is repeatable but no list"},
        {&both, "option b is required and has a default"},
        {&no_type, "option t has the unknown type 99"},
        {&no_help, "option h has no help"},
    };
    struct tokperf_error error;
    (void)state;
    assert_int_equal(tkp_option_check_rows(rows, &error), TOKPERF_OK);
    assert_int_equal(tkp_option_check_rows(NULL, &error), TOKPERF_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct tokperf_option *const one[] = {cases[i].row, NULL};
        assert_int_not_equal(tkp_option_check_rows(one, &error), TOKPERF_OK);
        if (strstr(error.message, cases[i].part) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", error.message, cases[i].part);
    }
    const struct tokperf_option *const twice[] = {&text, &text, NULL};
    assert_int_equal(tkp_option_check_rows(twice, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message, "option text is there twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_arrive_typed_and_defaulted),
        cmocka_unit_test(wrong_settings_get_a_sentence),
        cmocka_unit_test(a_required_one_must_be_given),
        cmocka_unit_test(rows_must_keep_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
