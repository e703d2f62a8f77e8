/* SPDX-License-Identifier: Apache-2.0 */
/* See hopeless.h. */
#include <run/hopeless.h>

#include <base/buffer.h>
#include <inttypes.h>

enum {
    URLS_MAX_BYTES = 64 * 1024,
    MIN_SAMPLES = 10 /* of errors before a run is called hopeless: max(concurrency, 10) */
};

static uint64_t patience(const struct tkp_phase_plan *phase)
{
    return phase->concurrency > MIN_SAMPLES ? phase->concurrency : MIN_SAMPLES;
}

/* "http://a:1, http://b:2"; the caller's buffer. */
static const char *name_urls(const struct tkp_run *run, struct tkp_buffer *out)
{
    for (uint32_t i = 0; i < run->plan->url_count; i++)
        tkp_buffer_printf(out, "%s%s", i ? ", " : "", run->urls[i].text);
    return tkp_buffer_text(out);
}

static void say_nobody_is_there(const struct tkp_run *run, uint64_t refused, uint64_t tls_errors)
{
    struct tkp_buffer urls;
    const char *why =
        tls_errors ? "does TLS fail? The failed requests say why" : "is the server running?";
    tkp_buffer_init(&urls, URLS_MAX_BYTES);
    tkp_log(TKP_LOG_ERROR, "%" PRIu64 " connections in a row to %s failed: %s", refused,
            name_urls(run, &urls), why);
    tkp_buffer_finish(&urls);
}

static bool is_nobody_there(const struct tkp_run *run, const struct tkp_phase_plan *phase)
{
    uint64_t refused = 0, tls_errors = 0;
    for (uint32_t i = 0; i < run->plan->workers; i++) {
        const struct tkp_worker_stats *stats = tkp_workers_stats(run->workers, i);
        refused += tkp_gauge_get(&stats->connect_errors_in_row);
        tls_errors += tkp_gauge_get(&stats->tls_errors);
    }
    if (refused < patience(phase))
        return false;
    say_nobody_is_there(run, refused, tls_errors);
    return true;
}

bool tkp_run_is_hopeless(const struct tkp_run *run, const struct tkp_phase_plan *phase,
                         const struct tkp_live_figures *figures)
{
    double threshold = run->plan->failed_request_threshold;
    uint64_t done = figures->ok + figures->errors;
    if (is_nobody_there(run, phase))
        return true;
    if (done < patience(phase) || (double)figures->errors <= threshold * (double)done)
        return false;
    tkp_log(TKP_LOG_ERROR,
            "%" PRIu64 " of %" PRIu64 " requests failed, more than --failed-request-threshold %g: "
            "the run ends here",
            figures->errors, done, threshold);
    return true;
}
