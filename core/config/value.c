/* SPDX-License-Identifier: Apache-2.0 */
/* One value of an option: from its text to its type. No state. [any] */
#include <config/value.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* JSON inside a configuration file stays within TKP_YAML_MAX_DEPTH. */
enum { SHOWN_BYTES = 200, MAX_JSON_DEPTH = 24 };

/* "origin: 'value' reason", or without the value where that could be a secret. */
static tokperf_status fail(const struct tkp_option *option, const struct tkp_setting *setting,
                           struct tokperf_error *error, const char *reason)
{
    if (option->flags & TKP_OPTION_SECRET)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: the value %s", setting->origin, reason);
    char shown[SHOWN_BYTES];
    tkp_text_copy(shown, sizeof shown, tkp_span(setting->text));
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' %s", setting->origin, shown, reason);
}

static tokperf_status out_of_range(const struct tkp_option *option,
                                   const struct tkp_setting *setting, struct tokperf_error *error)
{
    char low[32], high[32], reason[128];
    tkp_text_from_double(low, sizeof low, option->minimum);
    tkp_text_from_double(high, sizeof high, option->maximum);
    snprintf(reason, sizeof reason, "is out of range: expected %s..%s%s%s", low, high,
             option->type == TKP_TYPE_DURATION ? " s"
             : option->unit                    ? " "
                                               : "",
             option->unit ? option->unit : "");
    return fail(option, setting, error, reason);
}

static bool has_range(const struct tkp_option *option)
{
    return option->maximum > option->minimum;
}

static bool is_within(const struct tkp_option *option, double value)
{
    return !has_range(option) || (value >= option->minimum && value <= option->maximum);
}

/* What to say about a number that is none: lists are AIPerf's sweeps. */
static tokperf_status not_a_number(const struct tkp_option *option,
                                   const struct tkp_setting *setting, const char *expected,
                                   struct tokperf_error *error)
{
    if (strchr(setting->text, ','))
        return fail(option, setting, error,
                    "is a list: sweeps are not supported, run once for each value");
    char reason[128];
    snprintf(reason, sizeof reason, "is not %s", expected);
    return fail(option, setting, error, reason);
}

static tokperf_status read_integer(const struct tkp_option *option, struct tkp_setting *setting,
                                   struct tokperf_error *error)
{
    double number;
    if (!tkp_text_to_int(setting->text, &setting->integer)) {
        if (!strpbrk(setting->text, ".eE") && tkp_text_to_double(setting->text, &number))
            return out_of_range(option, setting, error);
        return not_a_number(option, setting, "a whole number", error);
    }
    return is_within(option, (double)setting->integer) ? TOKPERF_OK
                                                       : out_of_range(option, setting, error);
}

static tokperf_status read_number(const struct tkp_option *option, struct tkp_setting *setting,
                                  struct tokperf_error *error)
{
    if (!tkp_text_to_double(setting->text, &setting->number))
        return not_a_number(option, setting, "a number", error);
    return is_within(option, setting->number) ? TOKPERF_OK : out_of_range(option, setting, error);
}

static tokperf_status read_duration(const struct tkp_option *option, struct tkp_setting *setting,
                                    struct tokperf_error *error)
{
    if (option->flags & TKP_OPTION_INFINITE && strcasecmp(setting->text, "inf") == 0) {
        setting->duration_ns = TKP_NEVER_NS;
        return TOKPERF_OK;
    }
    double negative;
    if (!tkp_text_to_duration(setting->text, &setting->duration_ns)) {
        if (tkp_text_to_double(setting->text, &negative))
            return out_of_range(option, setting, error);
        return not_a_number(option, setting,
                            "a duration: expected seconds, or a number with ms, s, m or h", error);
    }
    double seconds = (double)setting->duration_ns / (double)TKP_NS_PER_S;
    return is_within(option, seconds) ? TOKPERF_OK : out_of_range(option, setting, error);
}

static tokperf_status read_boolean(const struct tkp_option *option, struct tkp_setting *setting,
                                   struct tokperf_error *error)
{
    setting->boolean = strcasecmp(setting->text, "true") == 0;
    if (!setting->boolean && strcasecmp(setting->text, "false") != 0)
        return fail(option, setting, error, "is neither true nor false");
    return TOKPERF_OK;
}

static tokperf_status read_choice(const struct tkp_option *option, struct tkp_setting *setting,
                                  struct tokperf_error *error)
{
    char reason[256] = "is not one of ";
    size_t used = strlen(reason);
    for (uint32_t i = 0; option->choices[i]; i++) {
        setting->choice = i;
        if (strcasecmp(setting->text, option->choices[i]) == 0)
            return TOKPERF_OK;
        int n = snprintf(reason + used, sizeof reason - used, "%s%s", i ? ", " : "",
                         option->choices[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    const char *closest = tkp_text_closest(setting->text, option->choices);
    if (closest && used < sizeof reason)
        snprintf(reason + used, sizeof reason - used, "; did you mean '%s'?", closest);
    return fail(option, setting, error, reason);
}

static tokperf_status read_text(const struct tkp_option *option, const struct tkp_setting *setting,
                                struct tokperf_error *error)
{
    if (!setting->text[0] && !(option->flags & TKP_OPTION_MAP))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs a value, found an empty one",
                        setting->origin);
    if (!tkp_text_is_utf8(setting->text, strlen(setting->text)))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: the value is not UTF-8", setting->origin);
    for (const char *p = setting->text; *p && option->id != TKP_OPT_SET; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: the value has a control character (byte 0x%02x)%s",
                            setting->origin, (unsigned char)*p,
                            option->id == TKP_OPT_HEADERS ? "; a header is one line" : "");
    return TOKPERF_OK;
}

static tokperf_status read_json(const struct tkp_option *option, const struct tkp_setting *setting,
                                struct tokperf_error *error)
{
    struct tokperf_json scan;
    uint32_t token;
    tkp_json_open(&scan, setting->text, strlen(setting->text));
    do {
        token = tkp_json_next(&scan);
        if (scan.depth > MAX_JSON_DEPTH)
            return fail(option, setting, error, "is nested deeper than 24 levels");
    } while (token > TOKPERF_JSON_ERROR);
    return token == TOKPERF_JSON_END ? TOKPERF_OK : fail(option, setting, error, "is not JSON");
}

tokperf_status tkp_value_read(const struct tkp_option *option, struct tkp_setting *setting,
                              struct tokperf_error *error)
{
    switch (option->type) {
    case TKP_TYPE_TEXT:
        return read_text(option, setting, error);
    case TKP_TYPE_INTEGER:
        return read_integer(option, setting, error);
    case TKP_TYPE_NUMBER:
        return read_number(option, setting, error);
    case TKP_TYPE_BOOLEAN:
        return read_boolean(option, setting, error);
    case TKP_TYPE_CHOICE:
        return read_choice(option, setting, error);
    case TKP_TYPE_DURATION:
        return read_duration(option, setting, error);
    case TKP_TYPE_JSON:
        return read_json(option, setting, error);
    }
    return tkp_fail(error, TOKPERF_E_INTERNAL, "%s: an option without type", setting->origin);
}
