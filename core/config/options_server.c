/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows: what the server is asked to do around the load, and what keeps its cache out. Data
 * only. */
#include <config/options.h>

#define SECONDS_MIN 0.001
#define SECONDS_MAX 31536000

static const char *const cache_busts[] = {
    "none", "system_prefix", "system_suffix", "first_turn_prefix", "first_turn_suffix", NULL};

static const struct tkp_option rows[] = {
    {.id = TKP_OPT_CACHE_BUST,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_CHOICE,
     .path = "dataset.prompts.cache_bust.target",
     .path_alias = "dataset.prompts.cache_bust",
     .flag = "--cache-bust",
     .fallback = "none",
     .choices = cache_busts,
     .help = "Put a marker '[rid:...]' that is new for each run and conversation before or behind "
             "the system message, or the first user message, so that no prompt cache of the server "
             "applies across conversations; without a system message it goes to the first user "
             "message."},
    {.id = TKP_OPT_RESET_KV_CACHE,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_BOOLEAN,
     .path = "endpoint.reset_kv_cache.enabled",
     .path_alias = "endpoint.reset_kv_cache",
     .flag = "--reset-kv-cache",
     .fallback = "false",
     .help = "POST to every server before the first phase, so that it forgets cached prompts; the "
             "run is refused when one does not do it."},
    {.id = TKP_OPT_RESET_KV_CACHE_TIMEOUT,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_DURATION,
     .path = "endpoint.reset_kv_cache.timeout_seconds",
     .flag = "--reset-kv-cache-timeout-seconds",
     .fallback = "30",
     .minimum = SECONDS_MIN,
     .maximum = SECONDS_MAX,
     .help = "Longest time for one such request; a server that is busy (409, 423, 429, 503, no "
             "connection) is asked again for up to a minute. Implies --reset-kv-cache."},
    {.id = TKP_OPT_RESET_KV_CACHE_PATH,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.reset_kv_cache.path",
     .flag = "--reset-kv-cache-path",
     .value = "PATH",
     .fallback = "/reset_prefix_cache",
     .help = "Path to post to, from the server's root; SGLang: /flush_cache. Implies "
             "--reset-kv-cache."},
    {.id = TKP_OPT_SERVER_PROFILER,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_BOOLEAN,
     .path = "endpoint.server_profiler.enabled",
     .path_alias = "endpoint.server_profiler",
     .flag = "--server-profiler",
     .fallback = "false",
     .help = "Start the servers' own profiler before profiling's first request and stop it after "
             "the last answer, also of an interrupted run; the run ends when it does not start."},
    {.id = TKP_OPT_SERVER_PROFILER_TIMEOUT,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_DURATION,
     .path = "endpoint.server_profiler.timeout_seconds",
     .flag = "--server-profiler-timeout-seconds",
     .fallback = "30",
     .minimum = SECONDS_MIN,
     .maximum = SECONDS_MAX,
     .help = "Longest time for one such request. Implies --server-profiler."},
    {.id = TKP_OPT_SERVER_PROFILER_START_PATH,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.server_profiler.start_path",
     .flag = "--server-profiler-start-path",
     .value = "PATH",
     .fallback = "/start_profile",
     .help = "Path that starts it, from the server's root. Implies --server-profiler."},
    {.id = TKP_OPT_SERVER_PROFILER_STOP_PATH,
     .group = TKP_GROUP_SERVER,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.server_profiler.stop_path",
     .flag = "--server-profiler-stop-path",
     .value = "PATH",
     .fallback = "/stop_profile",
     .help = "Path that stops it, from the server's root. Implies --server-profiler."},
};

const struct tkp_option_rows tkp_options_server = {rows, sizeof rows / sizeof rows[0]};
