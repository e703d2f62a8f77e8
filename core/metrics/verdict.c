/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: one function per reason, each one sentence with its value and limit. A missing fact
 * (NaN) gives no reason. Pure; any thread.
 */
#include <metrics/verdict_judge.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <metrics/percentile.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REASONS = 32 /* of one phase */, MESSAGE_BYTES = 320 };

/* sdk.md: "A call that takes over 100 ms on a worker is named in the verdict". */
#define PLUGIN_CALL_LIMIT_MS 100.0
/* metrics.md: the server's completion tokens against the tokenizer's. */
#define TOKEN_SOURCES_PCT 10.0

void tkp_judge_say(struct tkp_judge *j, uint32_t severity, const char *code, double value,
                   double limit, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct tokperf_reason reason = {
        .struct_size = sizeof reason,
        .severity = severity,
        .code = tkp_span(code),
        .message = tkp_arena_span(j->arena, tkp_span(text)),
        .has_value = isfinite(value) ? 1 : 0,
        .has_limit = isfinite(limit) ? 1 : 0,
        .value = isfinite(value) ? value : 0,
        .limit = isfinite(limit) ? limit : 0,
        .phase = j->phase,
    };
    j->failed |= !reason.message.data || j->count == j->room;
    if (!j->failed)
        j->reasons[j->count++] = reason;
}

double tkp_judge_ms(double ns)
{
    return ns / (double)TKP_NS_PER_MS;
}

double tkp_judge_share_pct(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

/* What a lateness is measured against. */
static double median_ms(const struct tkp_phase_facts *f)
{
    return tkp_judge_ms(f->streaming ? f->median_ttft_ns : f->median_latency_ns);
}

double tkp_judge_lag_limit_ms(const struct tkp_judge *j, double fixed_ms, double pct)
{
    return fmax(fixed_ms, median_ms(j->facts) * pct / 100);
}

static void judge_results(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    uint64_t completed = f->ok + f->errors;
    double pct = tkp_judge_share_pct(f->errors, completed);
    if (!completed && !f->is_so_far)
        tkp_judge_say(j, TKP_SEVERITY_INVALID, "no_requests", 0, NAN,
                      "No request was completed, so there is nothing to report.");
    bool invalid = pct > j->limits->error_invalid_pct;
    if (invalid || pct > j->limits->error_suspect_pct)
        tkp_judge_say(
            j, invalid ? TKP_SEVERITY_INVALID : TKP_SEVERITY_SUSPECT, "errors", pct,
            invalid ? j->limits->error_invalid_pct : j->limits->error_suspect_pct,
            "%.2f %% of the requests failed (%llu of %llu); the numbers describe the ok ones "
            "alone.",
            pct, (unsigned long long)f->errors, (unsigned long long)completed);
    if (f->client_errors)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "client_error", (double)f->client_errors, 0,
            "%llu requests failed because of this machine (descriptors, ports or memory), not the "
            "server.",
            (unsigned long long)f->client_errors);
}

/* One of the client's own latenesses; all are held against the same limits. */
static void judge_lag(struct tkp_judge *j, const char *code, double lag_ns, const char *what,
                      const char *effect)
{
    const struct tkp_limits *l = j->limits;
    double lag = tkp_judge_ms(lag_ns);
    double suspect = tkp_judge_lag_limit_ms(j, l->client_lag_suspect_ms, l->client_lag_suspect_pct);
    double invalid = tkp_judge_lag_limit_ms(j, l->client_lag_invalid_ms, l->client_lag_invalid_pct);
    double limit = lag > invalid ? invalid : suspect;
    if (lag > invalid || lag > suspect)
        tkp_judge_say(j, lag > invalid ? TKP_SEVERITY_INVALID : TKP_SEVERITY_SUSPECT, code, lag,
                      limit, "%s is %.3f ms against a limit of %.3f ms%s.", what, lag, limit,
                      effect);
}

static void judge_lags(struct tkp_judge *j)
{
    judge_lag(j, "client_lag", j->facts->client_lag_p99_ns,
              "The client itself started requests late: p99 of client_lag", "");
    judge_lag(j, "loop_lag", j->facts->loop_lag_p99_ns,
              "An event loop of the client was busy too long at a time: p99 of its turns",
              ", so reads and sends may be late");
    judge_lag(j, "read_delay", j->facts->read_delay_p99_ns,
              "The client read late what had arrived: p99",
              ", so chunks may have merged, and the server may have waited for the client");
}

static void judge_rate(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    if (!f->open_loop || f->cap_wait_max_ns > 0 || !(f->offered_rate_per_s > 0))
        return;
    double below = 100 * (f->offered_rate_per_s - f->achieved_rate_per_s) / f->offered_rate_per_s;
    bool invalid = below > j->limits->rate_invalid_pct;
    if (invalid || below > j->limits->rate_suspect_pct)
        tkp_judge_say(
            j, invalid ? TKP_SEVERITY_INVALID : TKP_SEVERITY_SUSPECT, "rate", below,
            invalid ? j->limits->rate_invalid_pct : j->limits->rate_suspect_pct,
            "The client started %.3f requests/sec where the schedule asked for %.3f: %.2f %% less.",
            f->achieved_rate_per_s, f->offered_rate_per_s, below);
}

/* What was never sent was not measured either: the greatest waits are missing. */
static void judge_not_sent(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double pct = tkp_judge_share_pct(f->not_sent, f->not_sent + f->arrivals);
    bool invalid = pct > j->limits->rate_invalid_pct;
    if (f->not_sent)
        tkp_judge_say(
            j, invalid ? TKP_SEVERITY_INVALID : TKP_SEVERITY_SUSPECT, "not_sent", pct,
            invalid ? j->limits->rate_invalid_pct : 0,
            "%llu conversations (%.2f %%) were due and were never sent because --concurrency held "
            "them back until the end: the longest waits are missing from the numbers.",
            (unsigned long long)f->not_sent, pct);
}

/* A share of 1 - p of unfinished requests may all belong above percentile p. */
static void judge_censoring(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    const struct tkp_percentile *lowest = NULL;
    const uint64_t started = f->ok + f->cancelled;
    double pct = tkp_judge_share_pct(f->cancelled, started), limit = NAN;
    if (!f->cancelled)
        return;
    for (uint32_t i = TKP_PERCENTILE_COUNT; i-- > 0;) {
        uint64_t above = 1000 - tkp_percentiles[i].per_mille;
        if (f->cancelled * 1000 < above * started)
            break;
        lowest = &tkp_percentiles[i];
        limit = (double)above / 10;
    }
    if (lowest)
        tkp_judge_say(j, TKP_SEVERITY_SUSPECT, "censored", pct, limit,
                      "%llu requests (%.2f %%) were still in flight at the end and were cancelled: "
                      "percentiles from %s on are censored.",
                      (unsigned long long)f->cancelled, pct, lowest->name);
    else
        tkp_judge_say(j, TKP_SEVERITY_NOTE, "cancelled", pct, NAN,
                      "%llu requests (%.3f %%) were still in flight at the end and were cancelled.",
                      (unsigned long long)f->cancelled, pct);
}

static void judge_duration(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double gap = 100 * fabs(f->wall_duration_s - f->benchmark_duration_s) / f->benchmark_duration_s;
    if (isfinite(gap) && gap > j->limits->duration_gap_pct)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "duration_gap", gap, j->limits->duration_gap_pct,
            "wall_duration (%.3f s) and benchmark_duration (%.3f s) are %.1f %% apart: throughput "
            "counts only the time of ok requests; see the *_wall metrics.",
            f->wall_duration_s, f->benchmark_duration_s, gap);
}

static void judge_tokens(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double pct = tkp_judge_share_pct(f->osl_mismatched, f->osl_checked);
    if (pct > j->limits->osl_mismatch_pct)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "osl_mismatch", pct, j->limits->osl_mismatch_pct,
            "%.2f %% of the answers do not have the length asked for with --osl; if the server "
            "knows them, set ignore_eos and min_tokens with --extra-inputs.",
            pct);
    double off = fabs((double)f->server_completion - (double)f->counted_completion);
    double off_pct = f->counted_completion ? off / (double)f->counted_completion * 100 : 0;
    if (off_pct > TOKEN_SOURCES_PCT)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "token_sources", off_pct, TOKEN_SOURCES_PCT,
            "the server counted %llu completion tokens, the tokenizer %llu, %.1f %% apart: is it "
            "the "
            "model's own tokenizer?",
            (unsigned long long)f->server_completion, (unsigned long long)f->counted_completion,
            off_pct);
    if (f->tokens_pending)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "tokens_not_counted", (double)f->tokens_pending, 0,
            "%llu answers wait to be counted and are missing from every token metric; 'tokperf "
            "report DIR --tokenizer PATH' counts them.",
            (unsigned long long)f->tokens_pending);
    else if (f->no_token_count)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "tokens_not_counted", (double)f->no_token_count, 0,
            "%llu ok requests have no token count from the run's source and are missing from every "
            "token metric.",
            (unsigned long long)f->no_token_count);
    if (f->not_streamed)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "not_streamed", (double)f->not_streamed, 0,
            "%llu answers came whole although streaming was asked for: they have no TTFT and no "
            "inter token latency.",
            (unsigned long long)f->not_streamed);
}

static void judge_client(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double retry_pct = tkp_judge_share_pct(f->retries, f->ok + f->errors + f->cancelled);
    double call_ms = tkp_judge_ms(f->plugin_call_max_ns);
    if (retry_pct > j->limits->retry_pct)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "retries", retry_pct, j->limits->retry_pct,
            "%llu requests (%.3f %%) were sent again because their kept connection was stale; the "
            "server closes idle connections early.",
            (unsigned long long)f->retries, retry_pct);
    if (f->record_waits)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "record_waits", (double)f->record_waits, 0,
            "%llu finished requests waited %.3f s in total for room in the record buffers and held "
            "their slots.",
            (unsigned long long)f->record_waits, f->record_wait_s);
    if (call_ms > PLUGIN_CALL_LIMIT_MS)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "plugin_call", call_ms, PLUGIN_CALL_LIMIT_MS,
            "A call into the endpoint plugin took %.1f ms on a worker, which delayed everything "
            "else there.",
            call_ms);
}

static void judge_record(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    if (f->log_not_written)
        tkp_judge_say(
            j, TKP_SEVERITY_INVALID, "log_not_written", NAN, NAN,
            "The record log could not be written in full, so requests are missing from the exact "
            "numbers.");
    if (f->log_damaged)
        tkp_judge_say(j, TKP_SEVERITY_INVALID, "log_damaged", NAN, NAN,
                      "The record log is damaged: what stands behind the damage is missing.");
    if (f->log_torn)
        tkp_judge_say(
            j, TKP_SEVERITY_SUSPECT, "log_torn", NAN, NAN,
            "The record log has no proper end: the run was killed, and up to its last second is "
            "missing.");
    if (f->interrupted)
        tkp_judge_say(j, TKP_SEVERITY_SUSPECT, "interrupted", NAN, NAN,
                      "The run was interrupted before its plan was done.");
    if (f->interrupted_late)
        tkp_judge_say(j, TKP_SEVERITY_NOTE, "interrupted", NAN, NAN,
                      "The run was interrupted while its results were made: they are whole.");
    if (f->ended_early)
        tkp_judge_say(
            j, TKP_SEVERITY_INVALID, "ended_early", NAN, NAN,
            "Too many requests or connections failed, so the run ended before its plan was done.");
}

/* Times are counted in ticks, and one may have been full just after the phase began. */
static void judge_steal(struct tkp_judge *j)
{
    const struct tkp_phase_facts *f = j->facts;
    double pct = tkp_judge_share_pct(f->steal_ticks, f->cpu_ticks);
    double sure = tkp_judge_share_pct(f->steal_ticks ? f->steal_ticks - 1 : 0, f->cpu_ticks);
    bool invalid = sure > j->limits->steal_invalid_pct;
    if (invalid || sure > j->limits->steal_suspect_pct)
        tkp_judge_say(
            j, invalid ? TKP_SEVERITY_INVALID : TKP_SEVERITY_SUSPECT, "cpu_steal", pct,
            invalid ? j->limits->steal_invalid_pct : j->limits->steal_suspect_pct,
            "The hypervisor gave %.2f %% of this machine's CPU time to others, so the client was "
            "stopped at times without seeing it.",
            pct);
}

/* Copies the reasons into the arena, the gravest first, in the order of judging otherwise. */
static bool publish(struct tkp_judge *j, struct tkp_verdict *verdict)
{
    static const char *const names[] = {[TKP_SEVERITY_NOTE] = "valid",
                                        [TKP_SEVERITY_SUSPECT] = "suspect",
                                        [TKP_SEVERITY_INVALID] = "invalid"};
    struct tokperf_reason *items = tkp_arena_alloc(j->arena, j->count * sizeof *items);
    const struct tokperf_reason **pointers = tkp_arena_alloc(j->arena, j->count * sizeof(void *));
    uint32_t at = 0;
    if (!items || !pointers)
        return false;
    for (uint32_t severity = TKP_SEVERITY_INVALID + 1; severity-- > TKP_SEVERITY_NOTE;)
        for (uint32_t i = 0; i < j->count; i++)
            if (j->reasons[i].severity == severity) {
                items[at] = j->reasons[i];
                pointers[at] = &items[at];
                at++;
            }
    *verdict = (struct tkp_verdict){
        .status = names[at ? items[0].severity : TKP_SEVERITY_NOTE],
        .reason_count = at,
        .reasons = pointers,
    };
    return true;
}

/* The functions that look at the phase. Those about the run look at the first one's facts, in their
 * place among the others. */
static void judge_phase(struct tkp_judge *j, bool is_first)
{
    const struct tokperf_span phase = j->phase, run = {"", 0};
    judge_results(j);
    judge_lags(j);
    judge_rate(j);
    judge_not_sent(j);
    judge_censoring(j);
    judge_duration(j);
    judge_tokens(j);
    judge_client(j);
    j->phase = run;
    if (is_first)
        judge_record(j);
    j->phase = phase;
    judge_steal(j);
    j->phase = run;
    if (is_first)
        tkp_note_governor(j);
    j->phase = phase;
    tkp_note_machine(j);
    tkp_note_load(j);
    tkp_note_clock(j);
    tkp_note_calibration(j);
    j->phase = run;
    if (is_first)
        tkp_note_tls(j);
    if (is_first)
        tkp_note_collectors(j);
}

tokperf_status tkp_verdict_judge_phases(const struct tkp_judged_phase *phases, uint32_t count,
                                        const struct tkp_limits *limits, struct tkp_arena *arena,
                                        struct tkp_verdict *verdict, struct tokperf_error *error)
{
    struct tkp_judge j = {.limits = limits, .arena = arena, .room = MAX_REASONS * count};
    j.reasons = tkp_arena_alloc(arena, j.room * sizeof *j.reasons);
    j.failed = !j.reasons;
    for (uint32_t i = 0; i < count && !j.failed; i++) {
        j.facts = &phases[i].facts;
        j.phase = tkp_span(phases[i].name);
        judge_phase(&j, i == 0);
    }
    if (j.failed || !publish(&j, verdict))
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the verdict of the run");
    return TOKPERF_OK;
}

tokperf_status tkp_verdict_judge(const struct tkp_phase_facts *facts,
                                 const struct tkp_limits *limits, struct tkp_arena *arena,
                                 struct tkp_verdict *verdict, struct tokperf_error *error)
{
    const struct tkp_judged_phase only = {.facts = *facts, .name = ""};
    return tkp_verdict_judge_phases(&only, 1, limits, arena, verdict, error);
}
