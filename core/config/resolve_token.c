/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's part about counting tokens. The tokenizer itself is read when the run is set up.
 * [main]
 */
#include <config/resolve_parts.h>

#include <base/error.h>

tokperf_status tkp_resolve_token(const struct tkp_settings *settings, struct tkp_plan *plan,
                                 struct tokperf_error *error)
{
    static const enum tkp_option_id dependent[] = {TKP_OPT_TOKENIZER_THREADS,
                                                   TKP_OPT_DRAIN_TIMEOUT};
    plan->tokenizer = tkp_settings_text(settings, TKP_OPT_TOKENIZER);
    plan->tokenizer_threads = -1;
    if (tkp_settings_given(settings, TKP_OPT_TOKENIZER_THREADS))
        plan->tokenizer_threads =
            (int32_t)tkp_settings_integer(settings, TKP_OPT_TOKENIZER_THREADS);
    plan->drain_timeout_ns = tkp_settings_ns(settings, TKP_OPT_DRAIN_TIMEOUT);
    for (size_t i = 0; !plan->tokenizer && i < sizeof dependent / sizeof dependent[0]; i++) {
        const struct tkp_setting *s = tkp_settings_given(settings, dependent[i]);
        if (s)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: there is nothing to count without --tokenizer", s->origin);
    }
    return TOKPERF_OK;
}
