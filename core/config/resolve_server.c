/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's part about the server itself: its cache, its profiler, markers in prompts. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <string.h>

static tokperf_status check_path(const struct tkp_setting *path, struct tokperf_error *error)
{
    bool good = path->text[0] == '/' && !strstr(path->text, "://");
    for (const char *p = path->text; good && *p; p++)
        good = (unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f && *p != '#';
    if (good)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: '%s' is not a path of the server; it begins with '/' and has no scheme, "
                    "host, space or '#', for instance /reset_prefix_cache",
                    path->origin, path->text);
}

/* Whether a group of options is wanted: its switch says so, or one of the others was given. */
static tokperf_status is_wanted(const struct tkp_settings *settings, enum tkp_option_id id,
                                const enum tkp_option_id *others, bool *wanted,
                                struct tokperf_error *error)
{
    const struct tkp_setting *own = tkp_settings_given(settings, id);
    *wanted = own && own->boolean;
    for (; *others != TKP_OPT_COUNT; others++) {
        const struct tkp_setting *s = tkp_settings_given(settings, *others);
        if (s && own && !own->boolean)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s is switched off; leave it out",
                            s->origin, tkp_options_row(id)->flag);
        *wanted |= s != NULL;
    }
    return TOKPERF_OK;
}

static tokperf_status resolve_reset(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    static const enum tkp_option_id others[] = {TKP_OPT_RESET_KV_CACHE_TIMEOUT,
                                                TKP_OPT_RESET_KV_CACHE_PATH, TKP_OPT_COUNT};
    struct tkp_server_control *reset = &plan->reset_kv_cache;
    reset->timeout_ns = tkp_settings_ns(settings, TKP_OPT_RESET_KV_CACHE_TIMEOUT);
    reset->path = tkp_settings_text(settings, TKP_OPT_RESET_KV_CACHE_PATH);
    tokperf_status status =
        is_wanted(settings, TKP_OPT_RESET_KV_CACHE, others, &reset->enabled, error);
    if (status || !reset->enabled)
        return status;
    return check_path(tkp_settings_get(settings, TKP_OPT_RESET_KV_CACHE_PATH), error);
}

static tokperf_status resolve_profiler(const struct tkp_settings *settings, struct tkp_plan *plan,
                                       struct tokperf_error *error)
{
    static const enum tkp_option_id others[] = {TKP_OPT_SERVER_PROFILER_TIMEOUT,
                                                TKP_OPT_SERVER_PROFILER_START_PATH,
                                                TKP_OPT_SERVER_PROFILER_STOP_PATH, TKP_OPT_COUNT};
    struct tkp_server_control *profiler = &plan->server_profiler;
    profiler->timeout_ns = tkp_settings_ns(settings, TKP_OPT_SERVER_PROFILER_TIMEOUT);
    profiler->path = tkp_settings_text(settings, TKP_OPT_SERVER_PROFILER_START_PATH);
    profiler->stop_path = tkp_settings_text(settings, TKP_OPT_SERVER_PROFILER_STOP_PATH);
    tokperf_status status =
        is_wanted(settings, TKP_OPT_SERVER_PROFILER, others, &profiler->enabled, error);
    if (!status && profiler->enabled)
        status = check_path(tkp_settings_get(settings, TKP_OPT_SERVER_PROFILER_START_PATH), error);
    if (!status && profiler->enabled)
        status = check_path(tkp_settings_get(settings, TKP_OPT_SERVER_PROFILER_STOP_PATH), error);
    return status;
}

tokperf_status tkp_resolve_server(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    plan->cache_bust = (enum tkp_cache_bust)(tkp_settings_choice(settings, TKP_OPT_CACHE_BUST) +
                                             TKP_CACHE_BUST_NONE);
    tokperf_status status = resolve_reset(settings, plan, error);
    return status ? status : resolve_profiler(settings, plan, error);
}
