/* SPDX-License-Identifier: Apache-2.0 */
/* Counts every prompt once, between the making of the dataset and its rendering. [main] */
#include <dataset/renderer.h>

/* Adds the tokens of a turn's texts; false when one of them cannot be counted. */
static bool add_texts(const struct tokperf_turn *turn, const struct tkp_text_counter *counter,
                      int64_t *sum)
{
    for (uint32_t i = 0; i < turn->content_count; i++) {
        const struct tokperf_content *content = turn->contents[i];
        uint64_t tokens;
        if (content->input != TOKPERF_INPUT_TEXT || !content->value.len)
            continue;
        if (!counter->count(counter->context, content->value, &tokens))
            return false;
        *sum += (int64_t)tokens;
    }
    return true;
}

uint64_t tkp_dataset_count_prompts(struct tkp_dataset *dataset,
                                   const struct tkp_text_counter *counter)
{
    struct tkp_store *store = &dataset->store;
    uint64_t uncounted = 0;
    for (uint64_t row = 0; row < store->conversation_count; row++) {
        const struct tkp_stored_conversation *conversation = &store->conversations[row];
        bool known = true;
        int64_t sum = 0;
        for (uint32_t i = 0; i < conversation->total_count; i++) {
            struct tkp_stored_turn *stored = &store->turns[conversation->first + i];
            known = known && add_texts(stored->turn, counter, &sum);
            stored->prompt_tokens = known && !stored->turn->raw_payload.len ? sum : -1;
            uncounted += !stored->turn->is_answer && stored->prompt_tokens < 0;
        }
    }
    return uncounted;
}

int64_t tkp_dataset_prompt_tokens(const struct tkp_dataset *dataset, uint64_t row, uint32_t turn)
{
    const struct tkp_store *store = &dataset->store;
    const struct tkp_stored_conversation *conversation = &store->conversations[row];
    return store->turns[conversation->first + tkp_store_position(store, conversation, turn)]
        .prompt_tokens;
}
