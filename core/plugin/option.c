/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of options: whether they keep the contract, and their values from settings and defaults.
 */
#include <plugin/option.h>

#include <base/error.h>
#include <base/text.h>
#include <plugin/descriptor.h>
#include <string.h>

enum { CHECK_ARENA_BYTES = 1024 * 1024, MAX_CHOICES = 256 };

static tokperf_status check_choices(const struct tokperf_option *row, struct tokperf_error *error)
{
    bool wanted = row->type == TOKPERF_OPTION_ENUM;
    if (wanted && (row->choices == NULL || row->choices[0] == NULL))
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s is an enum without choices", row->key);
    if (!wanted && row->choices != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s has choices but is no enum", row->key);
    for (size_t i = 0; wanted && row->choices[i] != NULL; i++)
        if (i == MAX_CHOICES)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "option %s has more than %d choices; end the list with NULL", row->key,
                            MAX_CHOICES);
    return TOKPERF_OK;
}

static tokperf_status check_range(const struct tokperf_option *row, struct tokperf_error *error)
{
    if ((row->flags & TOKPERF_OPTION_RANGE) == 0)
        return TOKPERF_OK;
    bool is_number = row->type == TOKPERF_OPTION_INT || row->type == TOKPERF_OPTION_DOUBLE ||
                     row->type == TOKPERF_OPTION_DURATION || row->type == TOKPERF_OPTION_BYTES;
    if (!is_number || !(row->minimum <= row->maximum))
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s has a range that holds no value",
                        row->key);
    return TOKPERF_OK;
}

static tokperf_status check_default(const struct tokperf_option *row, struct tokperf_error *error)
{
    if (row->default_value == NULL)
        return TOKPERF_OK;
    if ((row->flags & TOKPERF_OPTION_REQUIRED) != 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s is required and has a default",
                        row->key);
    struct tkp_arena arena;
    struct tokperf_value value = {0};
    tkp_arena_init(&arena, CHECK_ARENA_BYTES);
    tokperf_status status = tkp_option_read(row, row->default_value, &arena, &value, error);
    tkp_arena_finish(&arena);
    return status == TOKPERF_OK ? status : tkp_error_prefix(error, "the default of option");
}

static tokperf_status check_row(const struct tokperf_option *row, size_t index,
                                struct tokperf_error *error)
{
    if (row->struct_size < sizeof *row)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "option %zu has struct_size %u, at least %zu is needed", index,
                        row->struct_size, sizeof *row);
    if (row->key == NULL || !tkp_descriptor_is_name(row->key))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "the key of option %zu, '%.63s', is not made of a-z, 0-9 and _", index,
                        row->key != NULL ? row->key : "");
    if (tkp_option_type_name(row->type) == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s has the unknown type %u", row->key,
                        row->type);
    if (row->help == NULL || row->help[0] == '\0')
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s has no help", row->key);
    if ((row->flags & TOKPERF_OPTION_REPEATABLE) != 0 && row->type != TOKPERF_OPTION_LIST)
        return tkp_fail(error, TOKPERF_E_INVALID, "option %s is repeatable but no list", row->key);
    tokperf_status status = check_choices(row, error);
    if (status == TOKPERF_OK)
        status = check_range(row, error);
    return status == TOKPERF_OK ? check_default(row, error) : status;
}

tokperf_status tkp_option_check_rows(const struct tokperf_option *const *rows,
                                     struct tokperf_error *error)
{
    for (size_t i = 0; rows != NULL && rows[i] != NULL; i++) {
        if (i == TKP_DESCRIPTOR_MAX_OPTIONS)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "there are more than %d options; end the list with NULL",
                            TKP_DESCRIPTOR_MAX_OPTIONS);
        tokperf_status status = check_row(rows[i], i, error);
        if (status != TOKPERF_OK)
            return status;
        for (size_t j = 0; j < i; j++)
            if (strcmp(rows[j]->key, rows[i]->key) == 0)
                return tkp_fail(error, TOKPERF_E_INVALID, "option %s is there twice", rows[i]->key);
    }
    return TOKPERF_OK;
}

static size_t row_count(const struct tokperf_option *const *rows)
{
    size_t count = 0;
    while (rows != NULL && rows[count] != NULL)
        count++;
    return count;
}

static bool is_for(const struct tkp_plugin_setting *setting, const struct tkp_option_input *input)
{
    return strcmp(setting->component, input->name) == 0 ||
           (input->full_id != NULL && strcmp(setting->component, input->full_id) == 0);
}

static tokperf_status unknown_key(const struct tokperf_option *const *rows,
                                  const struct tkp_plugin_setting *setting,
                                  struct tokperf_error *error)
{
    const char *keys[TKP_DESCRIPTOR_MAX_OPTIONS + 1];
    size_t count = row_count(rows);
    for (size_t i = 0; i < count; i++)
        keys[i] = rows[i]->key;
    keys[count] = NULL;
    const char *closest = tkp_text_closest(setting->key, keys);
    if (closest != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s has no option %s; did you mean '%s'?",
                        setting->origin, setting->component, setting->key, closest);
    if (count == 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s has no option %s; it has no options",
                        setting->origin, setting->component, setting->key);
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: %s has no option %s; see tokperf plugins show %s", setting->origin,
                    setting->component, setting->key, setting->component);
}

static tokperf_status check_keys(const struct tokperf_option *const *rows,
                                 const struct tkp_option_input *input, struct tokperf_error *error)
{
    size_t count = row_count(rows);
    for (uint32_t s = 0; s < input->setting_count; s++) {
        const struct tkp_plugin_setting *setting = &input->settings[s];
        size_t i = 0;
        while (i < count && strcmp(rows[i]->key, setting->key) != 0)
            i++;
        if (i == count && is_for(setting, input))
            return unknown_key(rows, setting, error);
    }
    return TOKPERF_OK;
}

static tokperf_status fill_value(const struct tokperf_option *row,
                                 const struct tkp_option_input *input, struct tkp_arena *arena,
                                 struct tokperf_value *value, struct tokperf_error *error)
{
    value->type = row->type;
    for (uint32_t s = 0; s < input->setting_count; s++) {
        const struct tkp_plugin_setting *setting = &input->settings[s];
        if (strcmp(setting->key, row->key) != 0 || !is_for(setting, input))
            continue;
        if (tkp_option_read(row, setting->value, arena, value, error) != TOKPERF_OK)
            return tkp_error_prefix(error, "%s: %s", setting->origin, input->name);
    }
    if (value->is_set != 0)
        return TOKPERF_OK;
    if (row->default_value != NULL)
        return tkp_option_read(row, row->default_value, arena, value, error);
    if ((row->flags & TOKPERF_OPTION_REQUIRED) != 0)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s needs the option %s (%s); give it with --set %s.%s=VALUE", input->name,
                        row->key, row->help, input->name, row->key);
    return TOKPERF_OK;
}

tokperf_status tkp_option_resolve(const struct tokperf_option *const *rows,
                                  const struct tkp_option_input *input, struct tkp_arena *arena,
                                  const struct tokperf_config **config, struct tokperf_error *error)
{
    tokperf_status status = check_keys(rows, input, error);
    if (status != TOKPERF_OK)
        return status;
    size_t count = row_count(rows);
    struct tokperf_config *made = tkp_arena_alloc(arena, sizeof *made);
    struct tokperf_value *values = tkp_arena_alloc(arena, count * sizeof *values);
    const struct tokperf_value **order = tkp_arena_alloc(arena, (count + 1) * sizeof *order);
    const char *name = tkp_arena_copy(arena, input->name, strlen(input->name));
    if (made == NULL || values == NULL || order == NULL || name == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the options of %s", input->name);
    for (size_t i = 0; i < count; i++) {
        status = fill_value(rows[i], input, arena, &values[i], error);
        if (status != TOKPERF_OK)
            return status;
        order[i] = &values[i];
    }
    *made = (struct tokperf_config){sizeof *made, (uint32_t)count, order, tkp_span(name)};
    *config = made;
    return TOKPERF_OK;
}
