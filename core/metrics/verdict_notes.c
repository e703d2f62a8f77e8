/* SPDX-License-Identifier: Apache-2.0 */
/* What a verdict says beside its reasons: it does not change the status. Pure; any thread. */
#include <metrics/verdict_judge.h>

#include <math.h>
#include <string.h>

/* Above it a worker has no room for bursts: what comes together waits. */
#define WORKER_CPU_LIMIT_PCT 90.0
/* Above it most chunks are not alone: a stream of clumps. */
#define CLUMPED_PCT 50.0

/* Whether the list "a, b" has a governor that holds the frequency down. */
static bool saves_power(const char *governors)
{
    return governors && strstr(governors, "powersave");
}

void tkp_note_governor(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    if (saves_power(f->governors))
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "governor", NAN, NAN,
            "The CPU frequency governor is '%s', which may slow the client down; 'performance' "
            "does not.",
            f->governors);
}

void tkp_note_machine(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double worker_pct = 100 * f->worker_cpu_share;
    if (f->cpus && f->load_milli > 1000 * f->cpus)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "load", (double)f->load_milli / 1000, (double)f->cpus,
            "The machine's load average was %.2f on %llu CPUs: something else may have kept the "
            "client from its CPU.",
            (double)f->load_milli / 1000, (unsigned long long)f->cpus);
    if (worker_pct > WORKER_CPU_LIMIT_PCT)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "worker_cpu", worker_pct, WORKER_CPU_LIMIT_PCT,
            "The busiest worker used %.1f %% of a CPU: this client was close to its limit.",
            worker_pct);
}

/* What came together although the client read at once was sent, or passed on, together. */
static void note_coalesced(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    const struct tkp_limits *l = j->limits;
    double pct = tkp_judge_share_pct(f->coalesced_chunks, f->chunks);
    double late_ms = tkp_judge_ms(fmax(f->read_delay_p99_ns, f->loop_lag_p99_ns));
    bool late =
        late_ms > tkp_judge_lag_limit_ms(j, l->client_lag_suspect_ms, l->client_lag_suspect_pct);
    if (f->coalesced_chunks)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "coalesced", pct, NAN,
            "%.2f %% of the chunks came in one read with the chunk before; their gaps are left out "
            "of inter_chunk_latency.%s",
            pct,
            pct > CLUMPED_PCT && !late
                ? " The client was not late: the server, or a proxy that buffers, sends them in "
                  "clumps, and the time to first token contains the wait for one."
                : "");
}

void tkp_note_load(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    if (f->prompts_distinct_is_floor)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "prompt_reuse", (double)f->prompts_distinct, NAN,
            "%llu prompts were sent, at least %llu of them different; counting stopped there.",
            (unsigned long long)f->prompts_sent, (unsigned long long)f->prompts_distinct);
    else if (f->prompts_sent > f->prompts_distinct)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "prompt_reuse", (double)f->prompts_distinct, NAN,
            "Prompts were sent more than once (%llu sent, %llu different), so a prefix cache may "
            "have answered part of them.",
            (unsigned long long)f->prompts_sent, (unsigned long long)f->prompts_distinct);
    if (f->cached_tokens)
        tkp_judge_say(j, TKP_SEVERITY_NOTE, "cached_tokens",
                      tkp_judge_share_pct(f->cached_tokens, f->prompt_tokens), NAN,
                      "The server took %.2f %% of the prompt tokens from its cache.",
                      tkp_judge_share_pct(f->cached_tokens, f->prompt_tokens));
    note_coalesced(j);
    if (f->unsent_turns)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "unsent_turns", (double)f->unsent_turns, NAN,
            "%llu turns were not sent because an earlier turn of their conversation failed.",
            (unsigned long long)f->unsent_turns);
}

/* The plan, then what came of it, against what `tokperf calibrate` found. */
void tkp_note_calibration(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    const char *code = "past_calibration";
    double events_per_s = (double)f->chunks / f->wall_duration_s;
    if (f->calibrated_requests_per_s > 0 && f->planned_rate_per_s > f->calibrated_requests_per_s)
        tkp_judge_say(j, TKP_SEVERITY_NOTE, code, f->planned_rate_per_s,
                      f->calibrated_requests_per_s,
                      "The plan asked for %.6g requests/sec; this machine is calibrated for %.6g.",
                      f->planned_rate_per_s, f->calibrated_requests_per_s);
    if (f->calibrated_streams > 0 && f->planned_streams > f->calibrated_streams)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, code, f->planned_streams, f->calibrated_streams,
            "The plan had up to %.0f streams at a time; this machine is calibrated for %.0f.",
            f->planned_streams, f->calibrated_streams);
    if (f->calibrated_events_per_s > 0 && events_per_s > f->calibrated_events_per_s)
        tkp_judge_say(j, TKP_SEVERITY_NOTE, code, events_per_s, f->calibrated_events_per_s,
                      "%.6g chunks came per second; this machine is calibrated for %.6g.",
                      events_per_s, f->calibrated_events_per_s);
}

void tkp_note_clock(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    if (f->unstamped_reads)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "unstamped_reads", (double)f->unstamped_reads, NAN,
            "%llu reads came without a usable stamp of the kernel: their requests have no arrival "
            "times and no metric that needs them.",
            (unsigned long long)f->unstamped_reads);
    if (f->clock_steps)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "clock_step", (double)f->clock_steps, NAN,
            "The wall clock was stepped %llu times; what arrived just before a step may be off by "
            "it.",
            (unsigned long long)f->clock_steps);
}

void tkp_note_tls(struct tkp_judge *j)
{
    if (j->facts->tls_not_verified)
        tkp_judge_say(
            j, TKP_SEVERITY_NOTE, "tls_not_verified", NAN, NAN,
            "The certificates of https servers were not verified (--insecure): who answered is not "
            "known.");
}

void tkp_note_collectors(struct tkp_judge *j)
{
    if (j->facts->results_missing)
        tkp_judge_say(j, TKP_SEVERITY_NOTE, "results_missing", (double)j->facts->results_missing,
                      NAN, "Results of collectors are missing: %s.",
                      j->facts->results_missing_names);
}
