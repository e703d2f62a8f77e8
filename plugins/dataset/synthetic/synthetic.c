/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dataset "synthetic": conversations of common words, exactly N tokens by the run's tokenizer (N
 * words without one), lengths drawn from a normal distribution and never below one. Every value is
 * a pure function of (seed, entry, turn).
 */
#include "exact.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/dataset.h>

/* Random streams, one a use; prompt.c has those of words. */
enum { STREAM_INPUT = 1, STREAM_OUTPUT = 2, STREAM_TURNS = 3, STREAM_DELAY = 4, STREAM_PREFIX = 7 };

/* Bounds of what one prompt and one conversation may be: 16 Mi words are 128 MiB of text. */
static const uint64_t max_words = UINT64_C(1) << 24;
static const uint64_t max_turns = SYNTHETIC_TURN_CONTEXT;
static const uint64_t turns_room = 1024; /* of the numbers of random draws */
static const uint64_t max_prefixes = UINT64_C(1) << 20;
static const uint64_t max_entries = UINT64_C(1) << 26; /* prompt.c numbers no more */

struct synthetic {
    const struct tokperf_host *host;
    const struct tokperf_rng_v1 *rng;
    const struct tokperf_cancelled_v1 *cancelled;
    const struct tokperf_tokenizer_v1 *tokenizer; /* or NULL */
};

/* One produce() at work. */
struct producer {
    const struct synthetic *self;
    const struct tokperf_dataset_request *request;
    const struct tokperf_dataset_sink *sink;
    struct synthetic_writer writer;
    struct tokperf_span *prefixes; /* the pool */
    struct tokperf_span system;    /* the shared system message, or empty */
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

/* Adds a message of one text to the current conversation. */
static tokperf_status add_turn(struct producer *producer, struct tokperf_span text,
                               struct tokperf_turn *turn)
{
    const struct tokperf_content content = {
        .struct_size = sizeof content,
        .input = TOKPERF_INPUT_TEXT,
        .value = text,
    };
    const struct tokperf_content *const contents[] = {&content};
    turn->struct_size = sizeof *turn;
    turn->content_count = 1;
    turn->contents = contents;
    return producer->sink->turn(producer->sink->context, turn);
}

/* What precedes the first turn: context, never sent alone. */
static tokperf_status produce_context(struct producer *producer, uint64_t entry,
                                      struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    struct tokperf_turn turn = {
        .max_tokens = -1, .input_tokens = -1, .delay_ns = -1, .is_answer = 1};
    tokperf_status status = TOKPERF_OK;
    if (producer->system.len > 0) {
        turn.role = TOKPERF_SPAN("system");
        status = add_turn(producer, producer->system, &turn);
    }
    if (status != TOKPERF_OK || request->context_tokens == 0)
        return status;
    const struct synthetic_prompt prompt = {
        .seed = request->seed, .entry = entry, .turn = SYNTHETIC_TURN_CONTEXT};
    struct tokperf_span text;
    status = synthetic_write(&producer->writer, &prompt, (struct tokperf_span){NULL, 0}, 0,
                             request->context_tokens, &text, error);
    turn.role = TOKPERF_SPAN("user");
    return status == TOKPERF_OK ? add_turn(producer, text, &turn) : status;
}

/* The pool's text that the entry's first prompt begins with; empty without a pool. */
static struct tokperf_span prefix_of(const struct producer *producer, uint64_t entry)
{
    const struct tokperf_dataset_request *request = producer->request;
    if (request->prefix_pool == 0)
        return (struct tokperf_span){NULL, 0};
    return producer->prefixes[producer->self->rng->bits(request->seed, STREAM_PREFIX, entry) %
                              request->prefix_pool];
}

static tokperf_status produce_turn(struct producer *producer, uint64_t entry, uint64_t turn_index,
                                   struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    const uint64_t index = entry * turns_room + turn_index;
    const uint64_t own = draw_count(producer, STREAM_INPUT, index, request->input_tokens_mean,
                                    request->input_tokens_stddev, max_words);
    const struct tokperf_span prefix =
        turn_index == 0 ? prefix_of(producer, entry) : (struct tokperf_span){NULL, 0};
    const uint64_t lead = prefix.len > 0 ? request->prefix_tokens : 0;
    const uint64_t before = turn_index == 0 ? request->system_tokens + request->context_tokens : 0;
    const struct synthetic_prompt prompt = {
        .seed = request->seed, .entry = entry, .turn = turn_index};
    struct tokperf_span text;
    tokperf_status status =
        synthetic_write(&producer->writer, &prompt, prefix, lead, lead + own, &text, error);
    if (status != TOKPERF_OK)
        return status;
    struct tokperf_turn turn = {
        .max_tokens = -1,
        .input_tokens = (int64_t)(before + lead + own),
        .delay_ns = turn_index == 0 ? -1 : draw_delay_ns(producer, index),
    };
    if (request->output_tokens_mean >= 0)
        turn.max_tokens =
            (int64_t)draw_count(producer, STREAM_OUTPUT, index, request->output_tokens_mean,
                                request->output_tokens_stddev, INT32_MAX);
    return add_turn(producer, text, &turn);
}

static tokperf_status produce_entry(struct producer *producer, uint64_t entry,
                                    struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    const uint64_t turns = draw_count(producer, STREAM_TURNS, entry, request->turns_mean,
                                      request->turns_stddev, max_turns);
    tokperf_status status =
        producer->sink->conversation(producer->sink->context, (struct tokperf_span){NULL, 0});
    if (status == TOKPERF_OK)
        status = produce_context(producer, entry, error);
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
    if (request->prefix_pool > max_prefixes || request->prefix_tokens > max_words ||
        request->system_tokens > max_words || request->context_tokens > max_words ||
        (request->prefix_pool > 0 && request->prefix_tokens == 0))
        return fail(error, TOKPERF_E_INVALID,
                    "prefix prompts are at most 1048576, of 1 to 16777216 tokens each");
    if (!(request->input_tokens_mean >= 1) || request->input_tokens_mean > (double)max_words)
        return fail(error, TOKPERF_E_INVALID, "--isl is not between 1 and 16777216");
    return TOKPERF_OK;
}

/* A text that is kept for all conversations. */
static tokperf_status keep_text(struct producer *producer, const struct synthetic_prompt *prompt,
                                uint64_t tokens, struct tokperf_span *kept,
                                struct tokperf_error *error)
{
    struct tokperf_span text;
    tokperf_status status = synthetic_write(
        &producer->writer, prompt, (struct tokperf_span){NULL, 0}, 0, tokens, &text, error);
    if (status != TOKPERF_OK)
        return status;
    char *copy = malloc(text.len);
    if (copy == NULL)
        return fail(error, TOKPERF_E_NO_MEMORY, "no memory for the prefix prompts");
    memcpy(copy, text.data, text.len);
    *kept = (struct tokperf_span){copy, text.len};
    return TOKPERF_OK;
}

static tokperf_status make_shared(struct producer *producer, struct tokperf_error *error)
{
    const struct tokperf_dataset_request *request = producer->request;
    struct synthetic_prompt prompt = {.seed = request->seed, .turn = SYNTHETIC_TURN_SHARED};
    tokperf_status status = TOKPERF_OK;
    if (request->system_tokens > 0)
        status = keep_text(producer, &prompt, request->system_tokens, &producer->system, error);
    if (status != TOKPERF_OK || request->prefix_pool == 0)
        return status;
    producer->prefixes = calloc(request->prefix_pool, sizeof *producer->prefixes);
    if (producer->prefixes == NULL)
        return fail(error, TOKPERF_E_NO_MEMORY, "no memory for the prefix prompts");
    prompt.turn = SYNTHETIC_TURN_PREFIX;
    for (; prompt.entry < request->prefix_pool && status == TOKPERF_OK; prompt.entry++)
        status = keep_text(producer, &prompt, request->prefix_tokens,
                           &producer->prefixes[prompt.entry], error);
    return status;
}

static void free_producer(struct producer *producer)
{
    for (uint64_t i = 0; producer->prefixes != NULL && i < producer->request->prefix_pool; i++)
        free((void *)(uintptr_t)producer->prefixes[i].data);
    free(producer->prefixes);
    free((void *)(uintptr_t)producer->system.data);
    free(producer->writer.text);
}

static tokperf_status produce(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error)
{
    struct producer producer = {.self = self, .request = request, .sink = sink};
    producer.writer = (struct synthetic_writer){.host = producer.self->host,
                                                .rng = producer.self->rng,
                                                .tokenizer = producer.self->tokenizer};
    tokperf_status status = check(request, error);
    if (status == TOKPERF_OK)
        status = make_shared(&producer, error);
    for (uint64_t entry = 0; entry < request->entries && status == TOKPERF_OK; entry++) {
        status = produce_entry(&producer, entry, error);
        if (producer.self->cancelled != NULL &&
            producer.self->cancelled->cancelled(producer.self->host) != 0)
            status = fail(error, TOKPERF_E_CANCELLED, "the dataset was interrupted");
    }
    free_producer(&producer);
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
    synthetic->tokenizer = host->service(host, TOKPERF_SERVICE_TOKENIZER);
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
