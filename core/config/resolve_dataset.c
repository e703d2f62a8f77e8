/* SPDX-License-Identifier: Apache-2.0 */
/* The dataset's part of the plan. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <string.h>

/* Options that shape made-up conversations only. */
static const enum tkp_option_id synthetic_only[] = {
    TKP_OPT_ENTRIES,       TKP_OPT_ISL_MEAN,        TKP_OPT_ISL_STDDEV,        TKP_OPT_TURNS_MEAN,
    TKP_OPT_TURNS_STDDEV,  TKP_OPT_TURN_DELAY_MEAN, TKP_OPT_TURN_DELAY_STDDEV, TKP_OPT_PREFIX_POOL,
    TKP_OPT_PREFIX_LENGTH, TKP_OPT_SYSTEM_LENGTH,   TKP_OPT_CONTEXT_LENGTH};

static tokperf_status check_file(const struct tkp_settings *settings,
                                 const struct tkp_setting *file, struct tokperf_error *error)
{
    const struct tkp_setting *type = tkp_settings_given(settings, TKP_OPT_DATASET);
    if (type && strcmp(type->text, "synthetic") == 0)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' reads no file: leave out one of it and the input file",
                        type->origin, type->text);
    for (size_t i = 0; i < sizeof synthetic_only / sizeof synthetic_only[0]; i++) {
        const struct tkp_setting *s = tkp_settings_given(settings, synthetic_only[i]);
        if (s)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: applies to synthetic conversations only, not to the input file %s",
                            s->origin, file->text);
    }
    return TOKPERF_OK;
}

static tokperf_status check_no_file(const struct tkp_settings *settings,
                                    struct tokperf_error *error)
{
    const struct tkp_setting *type = tkp_settings_given(settings, TKP_OPT_DATASET);
    const struct tkp_setting *format = tkp_settings_given(settings, TKP_OPT_INPUT_FORMAT);
    if (type && strcmp(type->text, "file") == 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' needs --input-file", type->origin,
                        type->text);
    if (format)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --input-file", format->origin);
    return TOKPERF_OK;
}

static tokperf_status resolve_source(const struct tkp_settings *settings, struct tkp_plan *plan,
                                     struct tokperf_error *error)
{
    const struct tkp_setting *file = tkp_settings_given(settings, TKP_OPT_INPUT_FILE);
    const struct tkp_setting *format = tkp_settings_given(settings, TKP_OPT_INPUT_FORMAT);
    const struct tkp_setting *type = tkp_settings_given(settings, TKP_OPT_DATASET);
    tokperf_status status =
        file ? check_file(settings, file, error) : check_no_file(settings, error);
    if (status)
        return status;
    plan->input_file = file ? file->text : NULL;
    plan->input_file_origin = file ? file->origin : NULL;
    plan->dataset_origin = type ? type->origin : plan->input_file_origin;
    plan->dataset = type ? type->text : file ? "file" : "synthetic";
    if (format)
        plan->input_format = tkp_options_row(TKP_OPT_INPUT_FORMAT)->choices[format->choice];
    return TOKPERF_OK;
}

/* Bodies that are sent as they are take nothing of what shapes a body. */
static tokperf_status check_verbatim(const struct tkp_settings *settings,
                                     const struct tkp_plan *plan, struct tokperf_error *error)
{
    static const enum tkp_option_id shaping[] = {TKP_OPT_OSL_MEAN, TKP_OPT_EXTRA,
                                                 TKP_OPT_USE_LEGACY_MAX_TOKENS,
                                                 TKP_OPT_PER_CHUNK_USAGE, TKP_OPT_CACHE_BUST};
    if (!plan->input_format || (strcmp(plan->input_format, "raw_payload") != 0 &&
                                strcmp(plan->input_format, "inputs_json") != 0))
        return TOKPERF_OK;
    for (size_t i = 0; i < sizeof shaping / sizeof shaping[0]; i++) {
        const struct tkp_setting *s = tkp_settings_given(settings, shaping[i]);
        bool off = s && tkp_options_row(shaping[i])->type == TKP_TYPE_BOOLEAN && !s->boolean;
        if (shaping[i] == TKP_OPT_EXTRA && !plan->extra_count)
            continue; /* options of the endpoint only: resolve_template.c */
        if (s && !off)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: the bodies of format %s are sent as they are; leave it out",
                            s->origin, plan->input_format);
    }
    return TOKPERF_OK;
}

/* A pool needs a length, a length a pool. */
static tokperf_status check_prefix(const struct tkp_settings *settings, const struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    const struct tkp_setting *pool = tkp_settings_given(settings, TKP_OPT_PREFIX_POOL);
    const struct tkp_setting *length = tkp_settings_given(settings, TKP_OPT_PREFIX_LENGTH);
    if (plan->prefix_pool && !plan->prefix_tokens)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --prefix-prompt-length", pool->origin);
    if (plan->prefix_tokens && !plan->prefix_pool)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --num-prefix-prompts", length->origin);
    return TOKPERF_OK;
}

/* A wait between turns needs a second turn. */
static tokperf_status check_delay(const struct tkp_settings *settings, const struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    static const enum tkp_option_id delays[] = {TKP_OPT_TURN_DELAY_MEAN, TKP_OPT_TURN_DELAY_STDDEV};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        const struct tkp_setting *s = tkp_settings_given(settings, delays[i]);
        if (s && s->number > 0 && plan->turns_mean <= 1 && plan->turns_stddev <= 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: conversations of one turn have no wait between turns; add "
                            "--conversation-turn-mean",
                            s->origin);
    }
    return TOKPERF_OK;
}

static tokperf_status resolve_osl(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    const struct tkp_setting *mean = tkp_settings_given(settings, TKP_OPT_OSL_MEAN);
    const struct tkp_setting *stddev = tkp_settings_given(settings, TKP_OPT_OSL_STDDEV);
    if (stddev && !mean)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --osl", stddev->origin);
    plan->osl_mean = mean ? mean->number : -1;
    plan->osl_stddev = tkp_settings_number(settings, TKP_OPT_OSL_STDDEV);
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_dataset(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    tokperf_status status = resolve_source(settings, plan, error);
    if (status)
        return status;
    plan->sampling = (enum tkp_sampling)(tkp_settings_choice(settings, TKP_OPT_SAMPLING) +
                                         TKP_SAMPLING_SEQUENTIAL);
    plan->dataset_entries = (uint64_t)tkp_settings_integer(settings, TKP_OPT_ENTRIES);
    plan->isl_mean = tkp_settings_number(settings, TKP_OPT_ISL_MEAN);
    plan->isl_stddev = tkp_settings_number(settings, TKP_OPT_ISL_STDDEV);
    plan->prefix_pool = (uint64_t)tkp_settings_integer(settings, TKP_OPT_PREFIX_POOL);
    plan->prefix_tokens = (uint64_t)tkp_settings_integer(settings, TKP_OPT_PREFIX_LENGTH);
    plan->system_tokens = (uint64_t)tkp_settings_integer(settings, TKP_OPT_SYSTEM_LENGTH);
    plan->context_tokens = (uint64_t)tkp_settings_integer(settings, TKP_OPT_CONTEXT_LENGTH);
    plan->turns_mean = tkp_settings_number(settings, TKP_OPT_TURNS_MEAN);
    plan->turns_stddev = tkp_settings_number(settings, TKP_OPT_TURNS_STDDEV);
    plan->turn_delay_mean_ms = tkp_settings_number(settings, TKP_OPT_TURN_DELAY_MEAN);
    plan->turn_delay_stddev_ms = tkp_settings_number(settings, TKP_OPT_TURN_DELAY_STDDEV);
    status = check_verbatim(settings, plan, error);
    if (!status)
        status = check_prefix(settings, plan, error);
    if (!status)
        status = check_delay(settings, plan, error);
    return status ? status : resolve_osl(settings, plan, error);
}
