/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies what the dataset plugin hands over. [main] The plugin's structs are not trusted further
 * than their sizes: kinds, counts and inputs are checked here, once, for every later reader.
 */
#include <dataset/store.h>

#include <base/error.h>
#include <base/text.h>
#include <dataset/turn_copy.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    MAX_TURNS = 1 << 20,  /* of one conversation */
    MAX_EXTRA = 4096,     /* members of one row: they are compared with each other */
    MAX_SESSION_ID = 256, /* bytes: it becomes a header */
    FIRST_CAPACITY = 256
};

static tokperf_status fail_memory(struct tkp_store *store)
{
    return tkp_fail(&store->failure, TOKPERF_E_LIMIT,
                    "conversation %" PRIu64 " does not fit into memory: the dataset takes more "
                    "than there is, or more than %zu GiB",
                    store->conversation_count, TKP_DATASET_MAX_BYTES >> 30);
}

static bool grow(void **array, uint64_t count, uint64_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    uint64_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

static const char *input_name(uint32_t input)
{
    switch (input) {
    case TOKPERF_INPUT_TEXT:
        return "text";
    case TOKPERF_INPUT_IMAGE:
        return "an image";
    case TOKPERF_INPUT_AUDIO:
        return "audio";
    case TOKPERF_INPUT_VIDEO:
        return "video";
    case TOKPERF_INPUT_TOOLS:
        return "tools";
    case TOKPERF_INPUT_RAW:
        return "a raw payload";
    default: /* a plugin's number */
        return NULL;
    }
}

static tokperf_status check_input(struct tkp_store *store, uint32_t input)
{
    const char *name = input_name(input);
    if (name == NULL)
        return tkp_fail(&store->failure, TOKPERF_E_INTERNAL,
                        "conversation %" PRIu64 " has content of the unknown kind %u",
                        store->conversation_count, (unsigned)input);
    if ((store->inputs & input) == 0)
        return tkp_fail(&store->failure, TOKPERF_E_UNSUPPORTED,
                        "conversation %" PRIu64 " has %s, which the endpoint \"%s\" cannot send; "
                        "use an --endpoint-type that can",
                        store->conversation_count, name, store->endpoint_name);
    return TOKPERF_OK;
}

/* The conversation that turns are added to. */
static struct tkp_stored_conversation *current(const struct tkp_store *store)
{
    return store->conversation_count == 0 ? NULL
                                          : &store->conversations[store->conversation_count - 1];
}

static tokperf_status check_conversation(struct tkp_store *store)
{
    const struct tkp_stored_conversation *conversation = current(store);
    if (conversation != NULL && conversation->api.turn_count == 0)
        return tkp_fail(&store->failure, TOKPERF_E_INVALID,
                        "conversation %" PRIu64 " has no turn to send", store->conversation_count);
    return TOKPERF_OK;
}

static tokperf_status copy_id(struct tkp_store *store, struct tokperf_span id,
                              struct tokperf_span *out)
{
    if (id.len == 0) {
        const char *text =
            tkp_arena_printf(&store->ids, "session_%06" PRIu64, store->conversation_count);
        *out = text != NULL ? tkp_span(text) : (struct tokperf_span){NULL, 0};
        return text != NULL ? TOKPERF_OK : fail_memory(store);
    }
    bool plain = id.len <= MAX_SESSION_ID;
    for (uint64_t i = 0; plain && i < id.len; i++)
        plain = (unsigned char)id.data[i] >= ' ' && id.data[i] != 0x7f;
    if (!plain)
        return tkp_fail(&store->failure, TOKPERF_E_INVALID,
                        "the session id of conversation %" PRIu64
                        " is longer than %d bytes or has a control character",
                        store->conversation_count + 1, (int)MAX_SESSION_ID);
    *out = tkp_arena_span(&store->ids, id);
    return out->data != NULL ? TOKPERF_OK : fail_memory(store);
}

static tokperf_status sink_conversation(void *context, struct tokperf_span session_id)
{
    struct tkp_store *store = context;
    if (store->failure.status != TOKPERF_OK)
        return store->failure.status;
    tokperf_status status = check_conversation(store);
    struct tokperf_span id = {NULL, 0};
    if (status == TOKPERF_OK)
        status = copy_id(store, session_id, &id);
    if (status != TOKPERF_OK)
        return status;
    void *array = store->conversations;
    bool grown = grow(&array, store->conversation_count, &store->conversation_capacity,
                      sizeof *store->conversations);
    store->conversations = array;
    if (!grown)
        return fail_memory(store);
    store->conversations[store->conversation_count++] =
        (struct tkp_stored_conversation){.api = {.session_id = id}, .first = store->turn_count};
    return TOKPERF_OK;
}

static tokperf_status check_extra(struct tkp_store *store, const struct tokperf_turn *turn)
{
    if (turn->extra_count > MAX_EXTRA)
        return tkp_fail(&store->failure, TOKPERF_E_LIMIT,
                        "conversation %" PRIu64 " has more than %d extra members",
                        store->conversation_count, (int)MAX_EXTRA);
    for (uint32_t i = 1; i < turn->extra_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (tkp_span_equal(turn->extra[i].key, turn->extra[k].key))
                return tkp_fail(&store->failure, TOKPERF_E_INVALID,
                                "conversation %" PRIu64 " has the extra member \"%.*s\" twice",
                                store->conversation_count, (int)turn->extra[i].key.len,
                                turn->extra[i].key.data);
    return TOKPERF_OK;
}

static tokperf_status check_turn(struct tkp_store *store, const struct tokperf_turn *turn)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < turn->content_count && status == TOKPERF_OK; i++) {
        if (turn->contents[i]->struct_size < sizeof *turn->contents[i])
            return tkp_fail(&store->failure, TOKPERF_E_ABI,
                            "the dataset's contents are smaller than this version's");
        status = check_input(store, turn->contents[i]->input);
    }
    if (status == TOKPERF_OK && turn->tools.len > 0)
        status = check_input(store, TOKPERF_INPUT_TOOLS);
    if (status == TOKPERF_OK && turn->raw_payload.len > 0)
        status = check_input(store, TOKPERF_INPUT_RAW);
    return status == TOKPERF_OK ? check_extra(store, turn) : status;
}

static tokperf_status sink_turn(void *context, const struct tokperf_turn *turn)
{
    struct tkp_store *store = context;
    struct tkp_stored_conversation *conversation = current(store);
    if (store->failure.status != TOKPERF_OK)
        return store->failure.status;
    if (turn->struct_size < sizeof *turn)
        return tkp_fail(&store->failure, TOKPERF_E_ABI,
                        "the dataset's turns are smaller than this version's");
    if (conversation == NULL)
        return tkp_fail(&store->failure, TOKPERF_E_STATE,
                        "the dataset added a turn before it began a conversation");
    if (conversation->total_count == MAX_TURNS)
        return tkp_fail(&store->failure, TOKPERF_E_LIMIT,
                        "conversation %" PRIu64 " has more than %d turns",
                        store->conversation_count, (int)MAX_TURNS);
    tokperf_status status = check_turn(store, turn);
    if (status != TOKPERF_OK)
        return status;
    void *array = store->turns;
    bool grown = grow(&array, store->turn_count, &store->turn_capacity, sizeof *store->turns);
    store->turns = array;
    const struct tokperf_turn *copy = grown ? tkp_turn_copy(&store->source, turn) : NULL;
    if (copy == NULL)
        return fail_memory(store);
    store->turns[store->turn_count++] = (struct tkp_stored_turn){
        .turn = copy,
        .delay_ns = copy->delay_ns > 0 ? (uint64_t)copy->delay_ns : 0,
        .prompt_tokens = -1,
    };
    conversation->total_count++;
    conversation->api.turn_count += turn->is_answer ? 0 : 1;
    if (conversation->total_count > store->max_total_count)
        store->max_total_count = conversation->total_count;
    if (turn->extra_count > store->max_extra_count)
        store->max_extra_count = turn->extra_count;
    return TOKPERF_OK;
}

void tkp_store_init(struct tkp_store *store, const char *endpoint_name, uint32_t inputs)
{
    *store = (struct tkp_store){.endpoint_name = endpoint_name, .inputs = inputs};
    tkp_arena_init(&store->ids, TKP_DATASET_MAX_BYTES);
    tkp_arena_init(&store->source, TKP_DATASET_MAX_BYTES);
}

void tkp_store_finish(struct tkp_store *store)
{
    tkp_arena_finish(&store->ids);
    tkp_arena_finish(&store->source);
    free(store->conversations);
    free(store->turns);
    free(store->sent);
    *store = (struct tkp_store){0};
}

struct tokperf_dataset_sink tkp_store_sink(struct tkp_store *store)
{
    return (struct tokperf_dataset_sink){
        .struct_size = sizeof(struct tokperf_dataset_sink),
        .context = store,
        .conversation = sink_conversation,
        .turn = sink_turn,
    };
}

/* A sent turn needs live answers when an earlier one has no recorded answer behind it. */
static void link_turns(struct tkp_store *store, struct tkp_stored_conversation *conversation)
{
    struct tkp_stored_turn *turns = &store->turns[conversation->first];
    bool live = false;
    conversation->first_sent = store->sent_count;
    for (uint32_t i = 0; i < conversation->total_count; i++) {
        if (turns[i].turn->is_answer)
            continue;
        store->sent[store->sent_count++] = i;
        turns[i].needs_answers = live && turns[i].turn->raw_payload.len == 0;
        turns[i].has_answer = i + 1 < conversation->total_count && turns[i + 1].turn->is_answer;
        conversation->api.needs_answers |= turns[i].needs_answers;
        live |= !turns[i].has_answer;
    }
}

tokperf_status tkp_store_complete(struct tkp_store *store, struct tokperf_error *error)
{
    if (store->failure.status == TOKPERF_OK && store->conversation_count == 0)
        tkp_fail(&store->failure, TOKPERF_E_INVALID, "the dataset has no conversation");
    if (store->failure.status == TOKPERF_OK)
        check_conversation(store);
    if (store->failure.status == TOKPERF_OK) {
        store->sent = calloc(store->turn_count, sizeof *store->sent);
        if (store->sent == NULL)
            fail_memory(store);
    }
    if (store->failure.status != TOKPERF_OK) {
        if (error != NULL)
            *error = store->failure;
        return store->failure.status;
    }
    for (uint64_t i = 0; i < store->conversation_count; i++)
        link_turns(store, &store->conversations[i]);
    return TOKPERF_OK;
}

uint32_t tkp_store_position(const struct tkp_store *store,
                            const struct tkp_stored_conversation *conversation, uint32_t turn)
{
    return store->sent[conversation->first_sent + turn];
}

void tkp_store_drop_source(struct tkp_store *store)
{
    for (uint64_t i = 0; i < store->turn_count; i++)
        store->turns[i].turn = NULL;
    tkp_arena_finish(&store->source);
    tkp_arena_init(&store->source, TKP_DATASET_MAX_BYTES);
}
