/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage object under the names that servers give its members. Where a server states one count
 * under two names, the larger counts, so that their order does not matter.
 */
#include "openai.h"

struct usage_name {
    const char *name;
    size_t len;    /* of the name */
    size_t offset; /* into struct tokperf_usage */
    double scale;  /* of the number stated to the number kept */
};

#define SCALED(text, member, scale)                                           \
    {                                                                         \
        text, sizeof(text) - 1, offsetof(struct tokperf_usage, member), scale \
    }
#define COUNT(text, member) SCALED(text, member, 1.0)

/* Members of the usage object itself. */
static const struct usage_name flat_names[] = {
    COUNT("prompt_tokens", prompt_tokens),
    COUNT("input_tokens", prompt_tokens),
    COUNT("completion_tokens", completion_tokens),
    COUNT("output_tokens", completion_tokens),
    COUNT("total_tokens", total_tokens),
    COUNT("reasoning_tokens", reasoning_tokens), /* SGLang, xAI */
    COUNT("cached_tokens", prompt_cache_read_tokens),
    COUNT("cache_read_input_tokens", prompt_cache_read_tokens),
    COUNT("cache_creation_input_tokens", prompt_cache_write_tokens),
    COUNT("prompt_cache_hit_tokens", prompt_cache_read_tokens), /* DeepSeek */
    COUNT("prompt_cache_miss_tokens", prompt_cache_miss_tokens),
    COUNT("toolUsePromptTokenCount", tool_use_prompt_tokens), /* Gemini */
    SCALED("prompt_audio_seconds", prompt_audio_ms, 1000.0),  /* Mistral */
    {NULL, 0, 0, 0},
};

/* Members of prompt_tokens_details and input_tokens_details. */
static const struct usage_name prompt_names[] = {
    COUNT("cached_tokens", prompt_cache_read_tokens),
    COUNT("cache_write_tokens", prompt_cache_write_tokens), /* OpenRouter */
    COUNT("audio_tokens", prompt_audio_tokens),
    {NULL, 0, 0, 0},
};

/* Members of completion_tokens_details and output_tokens_details. */
static const struct usage_name completion_names[] = {
    COUNT("reasoning_tokens", reasoning_tokens),
    COUNT("audio_tokens", completion_audio_tokens),
    COUNT("accepted_prediction_tokens", accepted_prediction_tokens),
    COUNT("rejected_prediction_tokens", rejected_prediction_tokens),
    {NULL, 0, 0, 0},
};

/* A count above that is no count; it also keeps sums far from overflow. */
static const double max_count = 1e15;

/* Reads the number that was just scanned into its member. */
static bool keep_number(const struct openai *self, const struct tokperf_json *scan,
                        const struct usage_name *row, struct tokperf_usage *usage)
{
    double number;
    if (self->json->to_double(scan->text, &number) != TOKPERF_OK)
        return false;
    number *= row->scale;
    if (!(number >= 0) || number > max_count)
        return false;
    const int64_t value = (int64_t)(number + 0.5);
    char *place = (char *)usage + row->offset;
    int64_t known;
    memcpy(&known, place, sizeof known);
    if (value > known)
        memcpy(place, &value, sizeof value);
    return true;
}

static const struct usage_name *find_name(const struct openai *self,
                                          const struct tokperf_json *scan,
                                          const struct usage_name *names)
{
    for (; names->name != NULL; names++)
        if (json_is(self->json, scan, names->name, names->len))
            return names;
    return NULL;
}

/* Reads one member's value. Returns whether something was kept. */
static bool read_member(const struct openai *self, struct tokperf_json *scan,
                        const struct usage_name *names, struct tokperf_usage *usage)
{
    const struct usage_name *row = find_name(self, scan, names);
    if (row == NULL) {
        self->json->skip(scan, NULL);
        return false;
    }
    const uint32_t token = self->json->next(scan);
    if (token == TOKPERF_JSON_NUMBER)
        return keep_number(self, scan, row, usage);
    json_drain(self->json, scan, token);
    return false;
}

static bool read_details(const struct openai *self, struct tokperf_json *scan,
                         const struct usage_name *names, struct tokperf_usage *usage)
{
    bool kept = false;
    const uint32_t token = self->json->next(scan);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) {
        json_drain(self->json, scan, token);
        return false;
    }
    while (self->json->next(scan) == TOKPERF_JSON_KEY)
        kept |= read_member(self, scan, names, usage);
    return kept;
}

void openai_read_usage(const struct openai *self, struct tokperf_json *scan,
                       const struct tokperf_emit *emit)
{
    struct tokperf_usage usage;
    memset(&usage, 0xff, sizeof usage); /* every count -1: not stated */
    uint32_t token = self->json->next(scan);
    if (token != TOKPERF_JSON_OBJECT_BEGIN) { /* null in every chunk but the last */
        json_drain(self->json, scan, token);
        return;
    }
    bool kept = false;
    while ((token = self->json->next(scan)) == TOKPERF_JSON_KEY) {
        if (JSON_IS(self->json, scan, "prompt_tokens_details") ||
            JSON_IS(self->json, scan, "input_tokens_details"))
            kept |= read_details(self, scan, prompt_names, &usage);
        else if (JSON_IS(self->json, scan, "completion_tokens_details") ||
                 JSON_IS(self->json, scan, "output_tokens_details"))
            kept |= read_details(self, scan, completion_names, &usage);
        else
            kept |= read_member(self, scan, flat_names, &usage);
    }
    if (kept && token == TOKPERF_JSON_OBJECT_END)
        emit->usage(emit->context, &usage);
}
