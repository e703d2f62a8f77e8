/* SPDX-License-Identifier: Apache-2.0 */
/* The drain of a run that ended before its answers were counted. */
#include <cli/report_tokens.h>

#include <base/buffer.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <base/thread.h>
#include <count/counter.h>
#include <count/identity.h>
#include <inttypes.h>
#include <report/rundir.h>
#include <string.h>

enum { IDENTITY_MAX_BYTES = 256 };

struct paths {
    char log[TKP_RUNDIR_PATH_BYTES], counts[TKP_RUNDIR_PATH_BYTES];
};

/* Prompts were counted when the run was made: another tokenizer would mix counts. */
static tokperf_status check_identity(const struct tkp_run_facts *facts, const char *path,
                                     struct tokperf_error *error)
{
    struct tkp_buffer identity;
    if (!facts->tokenizer[0])
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "--tokenizer: the run was made without one, so that neither its prompts "
                        "were counted nor its answers kept; give it to 'tokperf profile'");
    tkp_buffer_init(&identity, IDENTITY_MAX_BYTES);
    tokperf_status status = tkp_count_identity(path, &identity, error);
    if (status == TOKPERF_OK && strcmp(tkp_buffer_text(&identity), facts->tokenizer) != 0)
        status = tkp_fail(error, TOKPERF_E_INVALID,
                          "--tokenizer: '%s' is not the tokenizer of the run (length or checksum "
                          "differ); config.yaml names that one",
                          path);
    tkp_buffer_finish(&identity);
    return status;
}

static tokperf_status count_rest(const struct paths *paths, const struct tkp_tokenizer *tokenizer,
                                 const char *identity, struct tokperf_error *error)
{
    struct tkp_counter_options options = {.log_path = paths->log,
                                          .counts_path = paths->counts,
                                          .tokenizer = tokenizer,
                                          .identity = identity,
                                          .resume = true};
    struct tkp_counter *counter;
    struct tkp_counter_progress progress;
    tokperf_status status = tkp_counter_start(&options, &counter, error);
    if (status != TOKPERF_OK)
        return status;
    enum tkp_counter_end end =
        tkp_counter_drain(counter, tkp_thread_cpu_count(), TKP_NEVER_NS, NULL, &progress, error);
    tkp_counter_close(counter);
    if (end == TKP_COUNTER_FAILED)
        return error->status;
    if (progress.failed)
        tkp_log(TKP_LOG_WARNING, "%" PRIu64 " answers could not be counted", progress.failed);
    return TOKPERF_OK;
}

static tokperf_status count_with(const struct paths *paths, const struct tkp_run_facts *facts,
                                 const char *path, struct tokperf_error *error)
{
    struct tkp_tokenizer *tokenizer = NULL;
    tokperf_status status = check_identity(facts, path, error);
    if (status == TOKPERF_OK)
        status = tkp_tokenizer_load(path, &tokenizer, error);
    if (status != TOKPERF_OK && status != TOKPERF_E_NO_MEMORY)
        return error->status = TOKPERF_E_INVALID; /* the user's file is the user's to correct */
    if (status == TOKPERF_OK)
        status = count_rest(paths, tokenizer, facts->tokenizer, error);
    tkp_tokenizer_destroy(tokenizer);
    return status;
}

tokperf_status tkp_report_tokens(const char *dir, const struct tkp_run_facts *facts,
                                 const char *tokenizer, struct tkp_token_counts **counts,
                                 struct tokperf_error *error)
{
    struct paths paths;
    *counts = NULL;
    if (!tkp_files_join(paths.log, sizeof paths.log, dir, "records.tkr") ||
        !tkp_files_join(paths.counts, sizeof paths.counts, dir, "tokens.tkr"))
        return tkp_fail(error, TOKPERF_E_INVALID, "the path '%s' is too long", dir);
    if (tokenizer) {
        tokperf_status status = count_with(&paths, facts, tokenizer, error);
        if (status != TOKPERF_OK)
            return status;
    }
    if (!facts->tokenizer[0])
        return TOKPERF_OK;
    tokperf_status status = tkp_token_counts_open(paths.counts, counts, error);
    if (status == TOKPERF_OK &&
        strcmp(tkp_token_counts_tokenizer(*counts), facts->tokenizer) != 0) {
        tkp_log(TKP_LOG_WARNING, "'%s' is not of this run and is left aside", paths.counts);
        tkp_token_counts_close(*counts);
        *counts = NULL;
    }
    if (status == TOKPERF_E_NOT_FOUND || status == TOKPERF_E_PARSE)
        return TOKPERF_OK; /* nothing was counted, or the file is damaged at its front: pending */
    return status;
}
