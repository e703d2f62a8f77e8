/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What YAML nodes mean: scalars by the core schema (YAML 1.2.2, section 10.3), and the messages
 * about a node.
 */
#include <config/yaml.h>

#include <base/error.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOWN_BYTES = 320 /* a list of keys that is longer is not read */ };

const char *tkp_yaml_kind_name(const struct tkp_yaml_node *node)
{
    switch (node->kind) {
    case TKP_YAML_MAP:
        return "a mapping";
    case TKP_YAML_SEQ:
        return "a list";
    case TKP_YAML_SCALAR:
        break;
    }
    return tkp_yaml_is_null(node) ? "nothing" : "text";
}

tokperf_status tkp_yaml_fail(const struct tkp_yaml *yaml, const struct tkp_yaml_node *node,
                             struct tokperf_error *error, const char *format, ...)
{
    char sentence[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return tkp_fail(error, TOKPERF_E_INVALID, "%s:%u:%u: %s", yaml->name, node->line, node->column,
                    sentence);
}

/* "; known are a, b", where they are few enough to be read. */
static const char *list_known(const char *const *known, char *list, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; known[i]; i++) {
        int len =
            snprintf(list + used, capacity - used, "%s%s", i ? ", " : "; known are ", known[i]);
        if (len < 0 || (size_t)len >= capacity - used)
            return "";
        used += (size_t)len;
    }
    return used ? list : "";
}

tokperf_status tkp_yaml_unknown_key(const struct tkp_yaml *yaml, const struct tkp_yaml_node *member,
                                    const char *where, const char *const *known,
                                    struct tokperf_error *error)
{
    char list[KNOWN_BYTES];
    const char *closest = tkp_text_closest(member->key, known);
    return tkp_fail(error, TOKPERF_E_INVALID, "%s:%u:%u: unknown key '%s'%s%s%s%s%s", yaml->name,
                    member->key_line, member->key_column, member->key, *where ? " in " : "", where,
                    closest ? "; did you mean '" : list_known(known, list, sizeof list),
                    closest ? closest : "", closest ? "'?" : "");
}

tokperf_status tkp_yaml_check_keys(const struct tkp_yaml *yaml, const struct tkp_yaml_node *map,
                                   const char *where, const char *const *known,
                                   struct tokperf_error *error)
{
    for (const struct tkp_yaml_node *n = map->first; n; n = n->next) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], n->key) != 0)
            i++;
        if (!known[i])
            return tkp_yaml_unknown_key(yaml, n, where, known, error);
    }
    return TOKPERF_OK;
}

static bool is_plain(const struct tkp_yaml_node *node)
{
    return node->kind == TKP_YAML_SCALAR && !node->is_quoted;
}

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

bool tkp_yaml_is_null(const struct tkp_yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_plain(node) && is_one_of(node->text, nulls);
}

bool tkp_yaml_to_bool(const struct tkp_yaml_node *node, bool *value)
{
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (!is_plain(node))
        return false;
    *value = is_one_of(node->text, trues);
    return *value || is_one_of(node->text, falses);
}

/* Digits of base 8 or 16 behind 0o or 0x. */
static bool based_to_int(const char *digits, unsigned base, int64_t *value)
{
    uint64_t sum = 0;
    if (!*digits)
        return false;
    for (const char *p = digits; *p; p++) {
        static const char known[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = strchr(known, *p);
        unsigned digit = at ? (unsigned)(at - known) % 16 : 16;
        if (digit >= base || sum > (uint64_t)(INT64_MAX - digit) / base)
            return false;
        sum = sum * base + digit;
    }
    *value = (int64_t)sum;
    return true;
}

bool tkp_yaml_to_int(const struct tkp_yaml_node *node, int64_t *value)
{
    if (!is_plain(node))
        return false;
    if (strncmp(node->text, "0o", 2) == 0)
        return based_to_int(node->text + 2, 8, value);
    if (strncmp(node->text, "0x", 2) == 0)
        return based_to_int(node->text + 2, 16, value);
    const char *text = node->text + (node->text[0] == '+' ? 1 : 0);
    if (text[0] == '+' || (text != node->text && text[0] == '-'))
        return false;
    return tkp_text_to_int(text, value);
}

bool tkp_yaml_to_double(const struct tkp_yaml_node *node, double *value)
{
    int64_t integer;
    if (!is_plain(node))
        return false;
    if (tkp_yaml_to_int(node, &integer)) {
        *value = (double)integer;
        return true;
    }
    return tkp_text_to_double(node->text, value);
}
