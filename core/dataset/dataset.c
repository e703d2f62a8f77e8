/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's dataset from its making to its end. [main] for create, destroy and inputs.json; any
 * thread reads in between.
 */
#include <dataset/dataset.h>

#include <base/error.h>
#include <base/rng.h>
#include <base/text.h>
#include <dataset/renderer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tokperf_dataset_request make_request(const struct tkp_plan *plan)
{
    return (struct tokperf_dataset_request){
        .struct_size = sizeof(struct tokperf_dataset_request),
        .seed = plan->seed,
        /* A file has as many conversations as it has. */
        .entries = plan->input_file == NULL ? plan->dataset_entries : 0,
        .input_tokens_mean = plan->isl_mean,
        .input_tokens_stddev = plan->isl_stddev,
        .output_tokens_mean = plan->osl_mean,
        .output_tokens_stddev = plan->osl_stddev,
        .path = tkp_span(plan->input_file != NULL ? plan->input_file : ""),
        .format = tkp_span(plan->input_format != NULL ? plan->input_format : ""),
        .turns_mean = plan->turns_mean,
        .turns_stddev = plan->turns_stddev,
        .turn_delay_mean_ms = plan->turn_delay_mean_ms,
        .turn_delay_stddev_ms = plan->turn_delay_stddev_ms,
        .prefix_pool = plan->prefix_pool,
        .prefix_tokens = plan->prefix_tokens,
        .system_tokens = plan->system_tokens,
        .context_tokens = plan->context_tokens,
    };
}

/* The store's reason is the better one; the plugin knows the place in its file. */
static tokperf_status merge_failures(const struct tkp_store *store, struct tokperf_error *error)
{
    struct tokperf_error place = *error;
    *error = store->failure;
    size_t used = strlen(error->message);
    if (place.message[0] != '\0')
        snprintf(error->message + used, sizeof error->message - used, " (%.500s)", place.message);
    return error->status;
}

static tokperf_status produce(struct tkp_dataset *dataset, const struct tkp_instance *source,
                              struct tokperf_error *error)
{
    const struct tokperf_dataset_vtable *vtable = source->vtable;
    struct tokperf_dataset_request request = make_request(dataset->plan);
    struct tokperf_dataset_sink sink = tkp_store_sink(&dataset->store);
    struct tokperf_error local = {0};
    tkp_crash_note = source->plugin_id;
    tokperf_status status = vtable->produce(source->self, &request, &sink, &local);
    tkp_crash_note = NULL;
    if (dataset->store.failure.status != TOKPERF_OK)
        status = merge_failures(&dataset->store, &local);
    else if (status != TOKPERF_OK && local.message[0] == '\0')
        tkp_fail(&local, status, "the dataset \"%s\" failed without a reason (%s)", source->name,
                 tkp_status_name(status));
    if (status == TOKPERF_OK)
        return tkp_store_complete(&dataset->store, error);
    if (error != NULL)
        *error = local;
    return status;
}

static bool keep_span(struct tkp_arena *arena, struct tokperf_span *span)
{
    *span = tkp_arena_span(arena, *span);
    return span->data != NULL || span->len == 0;
}

static const struct tkp_rendered *keep(struct tkp_arena *arena, const struct tkp_rendered *rendered)
{
    struct tkp_rendered *kept = tkp_arena_alloc(arena, sizeof *kept);
    if (kept == NULL)
        return NULL;
    *kept = *rendered;
    bool copied = keep_span(arena, &kept->method) && keep_span(arena, &kept->path) &&
                  keep_span(arena, &kept->content_type) && keep_span(arena, &kept->headers) &&
                  keep_span(arena, &kept->body);
    return copied ? kept : NULL;
}

static tokperf_status render_conversation(struct tkp_dataset *dataset,
                                          struct tkp_renderer *renderer, uint64_t row,
                                          struct tokperf_error *error)
{
    struct tkp_store *store = &dataset->store;
    const struct tkp_stored_conversation *conversation = &store->conversations[row];
    for (uint32_t turn = 0; turn < conversation->api.turn_count; turn++) {
        uint32_t position = tkp_store_position(store, conversation, turn);
        struct tkp_stored_turn *stored = &store->turns[conversation->first + position];
        if (stored->needs_answers)
            continue;
        struct tkp_rendered rendered;
        tokperf_status status = tkp_renderer_render_without(renderer, row, turn, &rendered, error);
        if (status != TOKPERF_OK)
            return status;
        stored->rendered = keep(&dataset->rendered, &rendered);
        if (stored->rendered == NULL)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "the rendered requests do not fit into memory: they take more than "
                            "there is, or more than %zu GiB",
                            TKP_DATASET_MAX_BYTES >> 30);
    }
    return TOKPERF_OK;
}

static tokperf_status render_ahead(struct tkp_dataset *dataset, struct tokperf_error *error)
{
    struct tkp_store *store = &dataset->store;
    struct tkp_renderer *renderer = tkp_renderer_create(dataset);
    if (renderer == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to render the dataset");
    tokperf_status status = TOKPERF_OK;
    bool needs_answers = false;
    for (uint64_t row = 0; row < store->conversation_count && status == TOKPERF_OK; row++) {
        needs_answers |= store->conversations[row].api.needs_answers;
        status = render_conversation(dataset, renderer, row, error);
    }
    tkp_renderer_destroy(renderer);
    if (status == TOKPERF_OK && !needs_answers)
        tkp_store_drop_source(store);
    return status;
}

static uint32_t salt_flags(enum tkp_cache_bust cache_bust)
{
    switch (cache_bust) {
    case TKP_CACHE_BUST_SYSTEM_PREFIX:
        return TOKPERF_REQUEST_SALT_PREFIX | TOKPERF_REQUEST_SALT_SYSTEM;
    case TKP_CACHE_BUST_SYSTEM_SUFFIX:
        return TOKPERF_REQUEST_SALT_SUFFIX | TOKPERF_REQUEST_SALT_SYSTEM;
    case TKP_CACHE_BUST_FIRST_TURN_PREFIX:
        return TOKPERF_REQUEST_SALT_PREFIX;
    case TKP_CACHE_BUST_FIRST_TURN_SUFFIX:
        return TOKPERF_REQUEST_SALT_SUFFIX;
    case TKP_CACHE_BUST_NONE:
        break;
    }
    return 0;
}

static uint32_t request_flags(const struct tkp_plan *plan)
{
    return salt_flags(plan->cache_bust) | (plan->streaming ? TOKPERF_REQUEST_STREAM : 0u) |
           (plan->per_chunk_usage ? TOKPERF_REQUEST_PER_CHUNK_USAGE : 0u) |
           (plan->legacy_max_tokens ? TOKPERF_REQUEST_LEGACY_MAX_TOKENS : 0u);
}

static tokperf_status describe(const struct tkp_dataset *dataset,
                               struct tokperf_endpoint_info *info, struct tokperf_error *error)
{
    const char *name = dataset->endpoint->name;
    *info = (struct tokperf_endpoint_info){0};
    tkp_crash_note = dataset->endpoint->plugin_id;
    tokperf_status status = dataset->vtable->describe(dataset->endpoint->self, info, error);
    tkp_crash_note = NULL;
    if (status != TOKPERF_OK)
        return tkp_error_prefix(error, "endpoint \"%s\"", name);
    if (dataset->plan->streaming && (info->flags & TOKPERF_ENDPOINT_STREAMS) == 0)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "the endpoint \"%s\" cannot stream; leave --streaming out", name);
    return TOKPERF_OK;
}

/* A body that is sent as it is takes nothing of what shapes bodies. Where the user states such a
 * format the configuration is refused earlier; here it was found in the file. */
static tokperf_status check_verbatim(const struct tkp_dataset *dataset, struct tokperf_error *error)
{
    const struct tkp_plan *plan = dataset->plan;
    const char *option = plan->extra_count         ? "--extra-inputs"
                         : plan->osl_mean > 0      ? "--osl"
                         : plan->legacy_max_tokens ? "--use-legacy-max-tokens"
                         : plan->per_chunk_usage   ? "--per-chunk-usage"
                                                   : NULL;
    for (uint64_t i = 0; option != NULL && i < dataset->store.turn_count; i++)
        if (dataset->store.turns[i].turn->raw_payload.len > 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: the input file holds request bodies, which are sent as they are; "
                            "leave it out",
                            option);
    return TOKPERF_OK;
}

tokperf_status tkp_dataset_create(const struct tkp_dataset_inputs *inputs,
                                  struct tkp_dataset **dataset, struct tokperf_error *error)
{
    *dataset = NULL;
    struct tkp_dataset *made = calloc(1, sizeof *made);
    if (made == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the dataset");
    made->plan = inputs->plan;
    made->endpoint = inputs->endpoint;
    made->vtable = inputs->endpoint->vtable;
    made->request_flags = request_flags(inputs->plan);
    tkp_arena_init(&made->rendered, TKP_DATASET_MAX_BYTES);
    struct tokperf_endpoint_info info;
    tokperf_status status = describe(made, &info, error);
    tkp_store_init(&made->store, inputs->endpoint->name, info.inputs);
    if (status == TOKPERF_OK)
        status = produce(made, inputs->source, error);
    if (status == TOKPERF_OK)
        status = check_verbatim(made, error);
    if (status != TOKPERF_OK) {
        tkp_dataset_destroy(made);
        return status;
    }
    *dataset = made;
    return TOKPERF_OK;
}

tokperf_status tkp_dataset_render(struct tkp_dataset *dataset, const char *model,
                                  struct tokperf_error *error)
{
    dataset->model = tkp_arena_span(&dataset->store.ids, tkp_span(model));
    return render_ahead(dataset, error);
}

void tkp_dataset_destroy(struct tkp_dataset *dataset)
{
    if (dataset == NULL)
        return;
    tkp_store_finish(&dataset->store);
    tkp_arena_finish(&dataset->rendered);
    free(dataset);
}

uint64_t tkp_dataset_size(const struct tkp_dataset *dataset)
{
    return dataset->store.conversation_count;
}

/* Shuffle: each pass over the rows is another permutation, keyed by the number of the pass. */
uint64_t tkp_dataset_row(const struct tkp_dataset *dataset, uint64_t draw)
{
    uint64_t seed = dataset->plan->seed, size = dataset->store.conversation_count;
    switch (dataset->plan->sampling) {
    case TKP_SAMPLING_SHUFFLE:
        return tkp_rng_permute(tkp_rng_bits(seed, TKP_RNG_SAMPLING, draw / size), TKP_RNG_SAMPLING,
                               draw % size, size);
    case TKP_SAMPLING_RANDOM:
        return tkp_rng_below(seed, TKP_RNG_SAMPLING, draw, size);
    case TKP_SAMPLING_SEQUENTIAL:
        break;
    }
    return draw % size;
}

const struct tkp_conversation *tkp_dataset_conversation(const struct tkp_dataset *dataset,
                                                        uint64_t row)
{
    return &dataset->store.conversations[row].api;
}

static const struct tkp_stored_turn *find_turn(const struct tkp_dataset *dataset, uint64_t row,
                                               uint32_t turn)
{
    const struct tkp_store *store = &dataset->store;
    const struct tkp_stored_conversation *conversation = &store->conversations[row];
    return &store->turns[conversation->first + tkp_store_position(store, conversation, turn)];
}

uint64_t tkp_dataset_delay_ns(const struct tkp_dataset *dataset, uint64_t row, uint32_t turn)
{
    return find_turn(dataset, row, turn)->delay_ns;
}

const struct tkp_rendered *tkp_dataset_rendered(const struct tkp_dataset *dataset, uint64_t row,
                                                uint32_t turn)
{
    return find_turn(dataset, row, turn)->rendered;
}
