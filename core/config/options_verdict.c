/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows: the limits of the verdict. Data only. docs/metrics.md says what each means. */
#include <config/options.h>

#define LIMIT(id_, name_, flag_, unit_, fallback_, maximum_, help_)                               \
    {                                                                                             \
        .id = id_, .group = TKP_GROUP_VERDICT, .type = TKP_TYPE_NUMBER, .path = "verdict." name_, \
        .flag = "--verdict-" flag_, .unit = unit_, .fallback = fallback_, .minimum = 0,           \
        .maximum = maximum_, .help = help_                                                        \
    }

static const struct tkp_option rows[] = {
    {.id = TKP_OPT_STRICT,
     .group = TKP_GROUP_VERDICT,
     .type = TKP_TYPE_BOOLEAN,
     .path = "runtime.strict",
     .flag = "--strict",
     .fallback = "false",
     .help = "Exit 1 unless the verdict is valid."},
    LIMIT(TKP_OPT_CLIENT_LAG_SUSPECT_MS, "client_lag_suspect_ms", "client-lag-suspect-ms", "ms",
          "1", 1e6, "Suspect when the client's own lateness at p99 is over this and the share."),
    LIMIT(TKP_OPT_CLIENT_LAG_SUSPECT_PCT, "client_lag_suspect_pct", "client-lag-suspect-pct", "%",
          "1", 1e6,
          "The share of the median time to first token (request latency when not "
          "streaming) that goes with it."),
    LIMIT(TKP_OPT_CLIENT_LAG_INVALID_MS, "client_lag_invalid_ms", "client-lag-invalid-ms", "ms",
          "10", 1e6, "Invalid when the client's own lateness at p99 is over this and the share."),
    LIMIT(TKP_OPT_CLIENT_LAG_INVALID_PCT, "client_lag_invalid_pct", "client-lag-invalid-pct", "%",
          "10", 1e6, "The share of the median that goes with it."),
    LIMIT(TKP_OPT_RATE_SUSPECT_PCT, "rate_suspect_pct", "rate-suspect-pct", "%", "1", 100,
          "Suspect when the achieved rate is this far below the offered one."),
    LIMIT(TKP_OPT_RATE_INVALID_PCT, "rate_invalid_pct", "rate-invalid-pct", "%", "5", 100,
          "Invalid when the achieved rate is this far below the offered one."),
    LIMIT(TKP_OPT_ERROR_SUSPECT_PCT, "error_suspect_pct", "error-suspect-pct", "%", "1", 100,
          "Suspect above this share of failed requests."),
    LIMIT(TKP_OPT_ERROR_INVALID_PCT, "error_invalid_pct", "error-invalid-pct", "%", "10", 100,
          "Invalid above this share of failed requests."),
    LIMIT(TKP_OPT_DURATION_GAP_PCT, "duration_gap_pct", "duration-gap-pct", "%", "5", 1e6,
          "Suspect when wall and benchmark duration are this far apart."),
    LIMIT(TKP_OPT_RETRY_PCT, "retry_pct", "retry-pct", "%", "0.1", 100,
          "Suspect above this share of retried requests."),
    LIMIT(TKP_OPT_OSL_MISMATCH_PCT, "osl_mismatch_pct", "osl-mismatch-pct", "%", "5", 1e6,
          "Suspect above this share of answers whose length is not the one asked for."),
    LIMIT(TKP_OPT_STEAL_SUSPECT_PCT, "steal_suspect_pct", "steal-suspect-pct", "%", "1", 100,
          "Suspect when the hypervisor took more than this share of the machine's CPU time."),
    LIMIT(TKP_OPT_STEAL_INVALID_PCT, "steal_invalid_pct", "steal-invalid-pct", "%", "5", 100,
          "Invalid when the hypervisor took more than this share of the machine's CPU time."),
    {.id = TKP_OPT_HOST_ROOT,
     .group = TKP_GROUP_VERDICT,
     .type = TKP_TYPE_TEXT,
     .path = "verdict.host_root",
     .flag = "--verdict-host-root",
     .value = "DIR",
     .fallback = "/",
     .help =
         "Where proc and sys are found that tell of CPU steal, load, governors and limits: in a "
         "container, the place where the host's are mounted."},
};

const struct tkp_option_rows tkp_options_verdict = {rows, sizeof rows / sizeof rows[0]};
