/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text to one typed value, by the type, range and choices of its row.
 */
#include <plugin/option.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <string.h>

static const char *const type_names[] = {
    [TOKPERF_OPTION_STRING] = "string", [TOKPERF_OPTION_INT] = "int",
    [TOKPERF_OPTION_DOUBLE] = "double", [TOKPERF_OPTION_BOOL] = "bool",
    [TOKPERF_OPTION_ENUM] = "enum",     [TOKPERF_OPTION_DURATION] = "duration",
    [TOKPERF_OPTION_BYTES] = "bytes",   [TOKPERF_OPTION_PATH] = "path",
    [TOKPERF_OPTION_LIST] = "list",
};

const char *tkp_option_type_name(uint32_t type)
{
    return type < sizeof type_names / sizeof type_names[0] ? type_names[type] : NULL;
}

/* What to show of a value: never a secret's. */
static const char *shown(const struct tokperf_option *row, const char *text)
{
    return (row->flags & TOKPERF_OPTION_SECRET) != 0 ? "<redacted>" : text;
}

static tokperf_status not_a(const struct tokperf_option *row, const char *text, const char *what,
                            struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not %s", row->key, shown(row, text),
                    what);
}

static tokperf_status check_range(const struct tokperf_option *row, const char *text, double number,
                                  struct tokperf_error *error)
{
    if ((row->flags & TOKPERF_OPTION_RANGE) == 0 ||
        (number >= row->minimum && number <= row->maximum))
        return TOKPERF_OK;
    char low[32];
    char high[32];
    tkp_text_from_double(low, sizeof low, row->minimum);
    tkp_text_from_double(high, sizeof high, row->maximum);
    const char *unit = row->unit;
    if (unit == NULL)
        unit = row->type == TOKPERF_OPTION_DURATION ? "s" : "";
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not between %s and %s%s%s", row->key,
                    shown(row, text), low, high, unit[0] != '\0' ? " " : "", unit);
}

static tokperf_status read_text(const struct tokperf_option *row, const char *text,
                                struct tkp_arena *arena, struct tokperf_span *out,
                                struct tokperf_error *error)
{
    size_t len = strlen(text);
    if (!tkp_text_is_utf8(text, len))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: the value is not UTF-8", row->key);
    char *copy = tkp_arena_copy(arena, text, len);
    if (copy == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "%s: no memory for the value", row->key);
    *out = (struct tokperf_span){copy, len};
    return TOKPERF_OK;
}

static tokperf_status read_bool(const struct tokperf_option *row, const char *text,
                                struct tokperf_value *value, struct tokperf_error *error)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return not_a(row, text, "true or false", error);
    value->integer = is_true ? 1 : 0;
    return TOKPERF_OK;
}

static tokperf_status read_enum(const struct tokperf_option *row, const char *text,
                                struct tkp_arena *arena, struct tokperf_value *value,
                                struct tokperf_error *error)
{
    for (int64_t i = 0; row->choices[i] != NULL; i++)
        if (strcmp(row->choices[i], text) == 0) {
            value->integer = i;
            return read_text(row, text, arena, &value->text, error);
        }
    const char *closest = tkp_text_closest(text, row->choices);
    if (closest != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not a choice; did you mean '%s'?",
                        row->key, shown(row, text), closest);
    char list[512];
    size_t len = 0;
    list[0] = '\0';
    for (size_t i = 0; row->choices[i] != NULL && len < sizeof list; i++) {
        if (i > 0)
            len += tkp_text_copy(list + len, sizeof list - len, tkp_span(", "));
        if (len < sizeof list)
            len += tkp_text_copy(list + len, sizeof list - len, tkp_span(row->choices[i]));
    }
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not one of %s", row->key,
                    shown(row, text), list);
}

static tokperf_status read_number(const struct tokperf_option *row, const char *text,
                                  struct tokperf_value *value, struct tokperf_error *error)
{
    uint64_t whole = 0;
    double number = 0;
    if (row->type == TOKPERF_OPTION_INT) {
        if (!tkp_text_to_int(text, &value->integer))
            return not_a(row, text, "a whole number", error);
        number = (double)value->integer;
    } else if (row->type == TOKPERF_OPTION_DOUBLE) {
        if (!tkp_text_to_double(text, &value->number))
            return not_a(row, text, "a number", error);
        number = value->number;
    } else if (row->type == TOKPERF_OPTION_DURATION) {
        if (!tkp_text_to_duration(text, &whole) || whole > INT64_MAX)
            return not_a(row, text, "a duration such as 1.5, 250ms or 2m", error);
        value->integer = (int64_t)whole;
        number = (double)whole / (double)TKP_NS_PER_S;
    } else {
        if (!tkp_text_to_bytes(text, &whole) || whole > INT64_MAX)
            return not_a(row, text, "a size such as 4096, 64KiB or 1MiB", error);
        value->integer = (int64_t)whole;
        number = (double)whole;
    }
    return check_range(row, text, number, error);
}

/* Lists are short; each append copies the row of spans. */
static tokperf_status append_item(const struct tokperf_option *row, const char *text,
                                  struct tkp_arena *arena, struct tokperf_value *value,
                                  struct tokperf_error *error)
{
    struct tokperf_span item;
    tokperf_status status = read_text(row, text, arena, &item, error);
    if (status != TOKPERF_OK)
        return status;
    struct tokperf_span *items = tkp_arena_alloc(arena, (value->item_count + 1) * sizeof *items);
    if (items == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "%s: no memory for the list", row->key);
    if (value->item_count > 0)
        memcpy(items, value->items, value->item_count * sizeof *items);
    items[value->item_count] = item;
    value->items = items;
    value->item_count++;
    return TOKPERF_OK;
}

tokperf_status tkp_option_read(const struct tokperf_option *row, const char *text,
                               struct tkp_arena *arena, struct tokperf_value *value,
                               struct tokperf_error *error)
{
    if (row->type != TOKPERF_OPTION_LIST || value->is_set == 0)
        memset(value, 0, sizeof *value);
    value->type = row->type;
    value->is_set = 1;
    switch (row->type) {
    case TOKPERF_OPTION_STRING:
    case TOKPERF_OPTION_PATH:
        return read_text(row, text, arena, &value->text, error);
    case TOKPERF_OPTION_INT:
    case TOKPERF_OPTION_DOUBLE:
    case TOKPERF_OPTION_DURATION:
    case TOKPERF_OPTION_BYTES:
        return read_number(row, text, value, error);
    case TOKPERF_OPTION_BOOL:
        return read_bool(row, text, value, error);
    case TOKPERF_OPTION_ENUM:
        return read_enum(row, text, arena, value, error);
    case TOKPERF_OPTION_LIST:
        return append_item(row, text, arena, value, error);
    default: /* a number from a plugin; tkp_option_check_rows refuses it before */
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: option type %u is unknown", row->key,
                        row->type);
    }
}
