/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a run: the tokenizer and the prompts before the load, lanes that count answers while it
 * goes, the drain behind it, and the summary from the log with what was counted.
 */
#include <run/parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/thread.h>
#include <count/identity.h>
#include <inttypes.h>
#include <run/interrupt.h>

enum { IDENTITY_MAX_BYTES = 256, LINE_MS = 250 };

/* ---- before the load ---- */

static bool count_prompt(void *context, struct tokperf_span text, uint64_t *tokens)
{
    struct tokperf_error ignored;
    return tkp_encoder_count(context, text, tokens, &ignored) == TOKPERF_OK;
}

void tkp_run_count_prompts(struct tkp_run *run)
{
    if (!run->tokenizer)
        return;
    uint64_t uncounted = tkp_dataset_count_prompts(run->dataset, &run->prompt_counter);
    if (uncounted)
        tkp_log(TKP_LOG_WARNING,
                "%" PRIu64 " prompts cannot be counted (request bodies that are sent as they are "
                "are not taken apart): their requests have no token metrics",
                uncounted);
}

tokperf_status tkp_run_open_tokenizer(struct tkp_run *run, struct tokperf_error *error)
{
    const char *path = run->plan->tokenizer;
    struct tkp_buffer identity;
    if (!path)
        return TOKPERF_OK;
    tkp_buffer_init(&identity, IDENTITY_MAX_BYTES);
    tokperf_status status = tkp_tokenizer_load(path, &run->tokenizer, error);
    if (status == TOKPERF_OK)
        status = tkp_count_identity(path, &identity, error);
    if (status == TOKPERF_OK) {
        run->tokenizer_identity = tkp_arena_printf(&run->arena, "%s", tkp_buffer_text(&identity));
        if (!run->tokenizer_identity)
            status = tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the tokenizer");
    }
    tkp_buffer_finish(&identity);
    if (status != TOKPERF_OK && status != TOKPERF_E_NO_MEMORY) {
        tkp_error_prefix(error, "--tokenizer");
        return error->status = TOKPERF_E_INVALID; /* the user's file is the user's to correct */
    }
    if (status == TOKPERF_OK && tkp_tokenizer_notice(run->tokenizer))
        tkp_log(TKP_LOG_INFO, "%s", tkp_tokenizer_notice(run->tokenizer));
    if (status == TOKPERF_OK)
        status = tkp_encoder_create(run->tokenizer, &run->prompt_encoder, error);
    run->prompt_counter = (struct tkp_text_counter){run->prompt_encoder, count_prompt};
    return status;
}

/* ---- during the load ---- */

static void show_drain(void *context, const struct tkp_counter_progress *progress)
{
    struct tkp_run *run = context;
    uint64_t now_ns = tkp_clock_now_ns();
    tkp_snapshots_look(run->snapshots, progress);
    if (now_ns < run->next_live_ns) /* the recorder has no more use for it */
        return;
    run->next_live_ns = tkp_clock_after_ns(now_ns, LINE_MS * TKP_NS_PER_MS);
    tkp_live_line_count(&run->line, progress->texts);
}

tokperf_status tkp_run_start_counting(struct tkp_run *run, struct tokperf_error *error)
{
    if (!run->tokenizer)
        return TOKPERF_OK;
    if (!tkp_files_join(run->counts_path, sizeof run->counts_path, run->dir.path, "tokens.tkr"))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path of the run directory is too long");
    struct tkp_counter_options options = {
        .log_path = run->log_path,
        .counts_path = run->counts_path,
        .tokenizer = run->tokenizer,
        .identity = run->tokenizer_identity,
        .live_lanes = run->cpus.lanes,
        .cpus = run->cpus.lanes ? run->cpus.lane_cpus : NULL,
        .look = show_drain,
        .look_context = run,
    };
    return tkp_counter_start(&options, &run->counter, error);
}

/* ---- after it ---- */

static void say_pending(const struct tkp_run *run, enum tkp_counter_end end,
                        const struct tkp_counter_progress *progress)
{
    const char *why =
        end == TKP_COUNTER_CANCELLED ? "interrupted" : "out of time (--drain-timeout)";
    tkp_log(TKP_LOG_WARNING,
            "%s: %" PRIu64
            " answers are not counted yet; 'tokperf report %s --tokenizer %s' counts "
            "them",
            why, progress->pending, run->dir.path, run->plan->tokenizer);
}

static void drain(struct tkp_run *run)
{
    struct tkp_counter_progress progress;
    struct tokperf_error error;
    uint64_t until_ns = TKP_NEVER_NS;
    if (run->plan->drain_timeout_ns)
        until_ns = tkp_clock_after_ns(tkp_clock_now_ns(), run->plan->drain_timeout_ns);
    tkp_live_line_init(&run->line, run->plan); /* the load's is gone */
    enum tkp_counter_end end = tkp_counter_drain(run->counter, tkp_thread_cpu_count(), until_ns,
                                                 tkp_interrupt_flag(), &progress, &error);
    tkp_live_line_clear(&run->line);
    if (end == TKP_COUNTER_FAILED)
        tkp_log(TKP_LOG_ERROR, "%s: answers from there on have no token counts", error.message);
    else if (progress.pending)
        say_pending(run, end, &progress);
    if (progress.failed)
        tkp_log(TKP_LOG_WARNING, "%" PRIu64 " answers could not be counted", progress.failed);
    tkp_snapshots_hold(run->snapshots, &progress);
    tkp_counter_close(run->counter);
    run->counter = NULL;
}

/* The summary so far knows no tokens: it is made again, from the log. Until then it is there for
 * who looks. */
static tokperf_status read_again(struct tkp_run *run, struct tkp_log_reader *reader,
                                 struct tokperf_error *error)
{
    struct tkp_summary_inputs inputs = {
        .plan = run->plan, .facts = &run->facts, .artifact_dir = run->dir.path};
    struct tkp_summarizer *counted = NULL, *uncounted = run->summarizer;
    tokperf_status status = tkp_summarizer_create(&inputs, &counted, error);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_read(counted, reader, error);
    if (status != TOKPERF_OK) {
        tkp_summarizer_destroy(counted);
        return status;
    }
    run->summarizer = counted;
    tkp_snapshots_hold(run->snapshots, NULL);
    tkp_summarizer_destroy(uncounted);
    return TOKPERF_OK;
}

tokperf_status tkp_run_count_tokens(struct tkp_run *run, struct tkp_log_reader *reader,
                                    struct tokperf_error *error)
{
    if (!run->counter)
        return TOKPERF_OK;
    drain(run);
    tokperf_status status = tkp_token_counts_open(run->counts_path, &run->counts, error);
    if (status != TOKPERF_OK)
        return status;
    tkp_log_join(reader, run->counts);
    return read_again(run, reader, error);
}

uint64_t tkp_run_counted(const struct tkp_run *run)
{
    struct tkp_counter_progress progress = {0};
    if (run->counter)
        tkp_counter_progress(run->counter, &progress);
    return progress.texts;
}

void tkp_run_close_tokens(struct tkp_run *run)
{
    tkp_counter_close(run->counter);
    tkp_token_counts_close(run->counts);
    tkp_encoder_destroy(run->prompt_encoder);
    tkp_tokenizer_destroy(run->tokenizer);
}
