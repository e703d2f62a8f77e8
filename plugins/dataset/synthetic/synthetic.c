/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dataset "synthetic": conversations of common words, N words for N tokens, lengths drawn from a
 * normal distribution and never below one. Every value is a pure function of (seed, entry, turn).
 */
#include "prompt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <tokperf/dataset.h>

/* Random streams, one a use; prompt.c has those of words. */
enum { STREAM_INPUT = 1, STREAM_OUTPUT = 2, STREAM_TURNS = 3, STREAM_DELAY = 4 };

/* Bounds of what one prompt and one conversation may be: 16 Mi words are 128 MiB of text. */
static const uint64_t max_words = UINT64_C(1) << 24;
static const uint64_t max_turns = 1024;
static const uint64_t max_entries = UINT64_C(1) << 26; /* prompt.c numbers no more */

struct synthetic {
    const struct tokperf_host *host;
    const struct tokperf_rng_v1 *rng;
    const struct tokperf_cancelled_v1 *cancelled;
};

/* One produce() at work. */
struct producer {
    const struct synthetic *self;
    const struct tokperf_dataset_request *request;
    const struct tokperf_dataset_sink *sink;
    char *text; /* grows to the longest prompt */
    uint64_t text_capacity;
};

static tokperf_status fail(struct tokperf_error *error, tokperf_status status, const char *sentence)
{
    if (error != NULL) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", sentence);
    }
    return status;
}

/* A whole number around mean, in [1, max]. Without deviation it is the mean, rounded. */
static uint64_t draw_count(const struct producer *producer, uint64_t stream, uint64_t index,
                           double mean, double stddev, uint64_t max)
{
    double value = mean;
    if (stddev > 0)
        value += stddev * producer->self->rng->normal(producer->request->seed, stream, index);
    if (!(value >= 1))
        return 1;
    return value >= (double)max ? max : (uint64_t)(value + 0.5);
}

static int64_t draw_delay_ns(const struct producer *producer, uint64_t index)
{
    const struct tokperf_dataset_request *request = producer->request;
    double ms = request->turn_delay_mean_ms;
    if (request->turn_delay_stddev_ms > 0)
        ms += request->turn_delay_stddev_ms *
              producer->self->rng->normal(request->seed, STREAM_DELAY, index);
    const double longest_ms = 1e9; /* eleven days */
    if (!(ms > 0))
        return 0;
    return (int64_t)((ms < longest_ms ? ms : longest_ms) * 1e6);
}

static bool reserve_text(struct producer *producer, uint64_t word_count)
{
    const uint64_t needed = word_count * SYNTHETIC_WORD_BYTES;
    if (needed <= producer->text_capacity)
        return true;
    char *text = realloc(producer->text, needed);
    if (text == NULL)
        return false;
    producer->text = text;
    producer->text_capacity = needed;
    return true;
}

static tokperf_status produce_turn(struct producer *producer, uint64_t entry, uint64_t turn_index,
                                   struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    const uint64_t index = entry * max_turns + turn_index;
    const uint64_t words = draw_count(producer, STREAM_INPUT, index, request->input_tokens_mean,
                                      request->input_tokens_stddev, max_words);
    if (!reserve_text(producer, words))
        return fail(error, TOKPERF_E_NO_MEMORY, "no memory for a synthetic prompt");
    const struct synthetic_prompt prompt = {request->seed, entry, turn_index, words};
    const uint64_t len = synthetic_prompt_write(producer->self->rng, &prompt, producer->text);
    const struct tokperf_content content = {
        .struct_size = sizeof content,
        .input = TOKPERF_INPUT_TEXT,
        .value = {producer->text, len},
    };
    const struct tokperf_content *const contents[] = {&content};
    struct tokperf_turn turn = {
        .struct_size = sizeof turn,
        .content_count = 1,
        .contents = contents,
        .max_tokens = -1,
        .input_tokens = (int64_t)words,
        .delay_ns = turn_index == 0 ? -1 : draw_delay_ns(producer, index),
    };
    if (request->output_tokens_mean >= 0)
        turn.max_tokens =
            (int64_t)draw_count(producer, STREAM_OUTPUT, index, request->output_tokens_mean,
                                request->output_tokens_stddev, INT32_MAX);
    return producer->sink->turn(producer->sink->context, &turn);
}

static tokperf_status produce_entry(struct producer *producer, uint64_t entry,
                                    struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    const uint64_t turns = draw_count(producer, STREAM_TURNS, entry, request->turns_mean,
                                      request->turns_stddev, max_turns);
    tokperf_status status =
        producer->sink->conversation(producer->sink->context, (struct tokperf_span){NULL, 0});
    for (uint64_t turn = 0; turn < turns && status == TOKPERF_OK; turn++)
        status = produce_turn(producer, entry, turn, error);
    return status;
}

static tokperf_status check(const struct tokperf_dataset_request *request,
                            struct tokperf_error *error)
{
    if (request->path.len > 0)
        return fail(error, TOKPERF_E_INVALID,
                    "the synthetic dataset reads no --input-file; use the file dataset");
    if (request->entries == 0)
        return fail(error, TOKPERF_E_INVALID,
                    "the synthetic dataset needs at least one entry (--num-dataset-entries)");
    if (request->entries > max_entries)
        return fail(
            error, TOKPERF_E_LIMIT,
            "--num-dataset-entries is above 67108864, the most prompts that are told apart");
    if (!(request->input_tokens_mean >= 1) || request->input_tokens_mean > (double)max_words)
        return fail(error, TOKPERF_E_INVALID, "--isl is not between 1 and 16777216");
    return TOKPERF_OK;
}

static tokperf_status produce(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error)
{
    struct producer producer = {.self = self, .request = request, .sink = sink};
    tokperf_status status = check(request, error);
    for (uint64_t entry = 0; entry < request->entries && status == TOKPERF_OK; entry++) {
        status = produce_entry(&producer, entry, error);
        if (producer.self->cancelled != NULL &&
            producer.self->cancelled->cancelled(producer.self->host) != 0)
            status = fail(error, TOKPERF_E_CANCELLED, "the dataset was interrupted");
    }
    free(producer.text);
    return status;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct synthetic *synthetic = malloc(sizeof *synthetic);
    if (synthetic == NULL)
        return fail(error, TOKPERF_E_NO_MEMORY, "no memory for the synthetic dataset");
    synthetic->host = host;
    synthetic->rng = host->service(host, TOKPERF_SERVICE_RNG);
    synthetic->cancelled = host->service(host, TOKPERF_SERVICE_CANCELLED);
    *self = synthetic;
    return TOKPERF_OK;
}

static const struct tokperf_dataset_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .produce = produce,
};

static const struct tokperf_component synthetic = {
    .struct_size = sizeof synthetic,
    .kind = TOKPERF_KIND_DATASET,
    .name = "synthetic",
    .summary = "Prompts of common words with drawn lengths",
    .vtable = &vtable,
};

static const struct tokperf_component *const components[] = {&synthetic, NULL};
static const char *const requires_services[] = {TOKPERF_SERVICE_RNG, NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.synthetic",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Synthetic conversations",
    .components = components,
    .requires_services = requires_services,
};

TOKPERF_PLUGIN(plugin)
