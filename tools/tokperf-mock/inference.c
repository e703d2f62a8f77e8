/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the bodies of inference requests. Fields that change nothing here (temperature and the
 * like) are checked as JSON and passed over, as servers do with fields that they do not know. */
#include "inference.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

struct reading {
    struct tkp_mock_json json;
    struct tkp_mock_inference *out;
    enum tkp_mock_api api;
    uint64_t max_completion_tokens;
    bool has_messages;
    bool has_prompt;
    bool has_stream_options;
    const char *param; /* the field being read at top level; faults are blamed on it */
    const char *trouble;
};

static bool is(struct tkp_mock_slice key, const char *name)
{
    return key.len == strlen(name) && memcmp(key.data, name, key.len) == 0;
}

static void blame(struct reading *reading, const char *param, const char *trouble)
{
    if (reading->trouble == NULL) {
        reading->param = param;
        reading->trouble = trouble;
    }
}

static void read_flag(struct reading *reading, const char *name, bool *value)
{
    char next = tkp_mock_json_peek(&reading->json);
    if (next == 't' || next == 'f') {
        (void)tkp_mock_json_bool(&reading->json, value);
    } else if (!tkp_mock_json_null(&reading->json)) {
        tkp_mock_json_skip(&reading->json);
        blame(reading, name, "must be true or false");
    }
}

static void read_count(struct reading *reading, const char *name, uint64_t low, uint64_t *value)
{
    double number = 0;
    char next = tkp_mock_json_peek(&reading->json);
    if (tkp_mock_json_null(&reading->json)) {
        return;
    }
    if (next != '-' && (next < '0' || next > '9')) {
        tkp_mock_json_skip(&reading->json);
        blame(reading, name, "must be a whole number");
    } else if (tkp_mock_json_number(&reading->json, &number)) {
        if (number < (double)low || number > 0x1p53 || number != floor(number)) {
            blame(reading, name,
                  low == 0 ? "must be a whole number, at least 0"
                           : "must be a whole number, at least 1");
        } else {
            *value = (uint64_t)number;
        }
    }
}

static void read_stream_options(struct reading *reading)
{
    struct tkp_mock_json *json = &reading->json;
    struct tkp_mock_slice key;
    if (tkp_mock_json_null(json)) {
        return;
    }
    if (tkp_mock_json_peek(json) != '{') {
        tkp_mock_json_skip(json);
        blame(reading, "stream_options", "must be an object");
        return;
    }
    reading->has_stream_options = true;
    (void)tkp_mock_json_open(json, '{');
    while (tkp_mock_json_member(json, &key)) {
        if (is(key, "include_usage")) {
            read_flag(reading, "stream_options", &reading->out->include_usage);
        } else if (is(key, "continuous_usage_stats")) {
            read_flag(reading, "stream_options", &reading->out->continuous_usage);
        } else {
            tkp_mock_json_skip(json);
        }
    }
}

/* A string's words are tokens. */
static void count_string(struct reading *reading)
{
    uint64_t words = 0;
    if (tkp_mock_json_string(&reading->json, NULL, &words)) {
        reading->out->prompt_tokens += words;
    }
}

/* An array of content parts: {"type": "text", "text": "..."}; other kinds hold no words. */
static void read_parts(struct reading *reading)
{
    struct tkp_mock_json *json = &reading->json;
    struct tkp_mock_slice key;
    (void)tkp_mock_json_open(json, '[');
    while (tkp_mock_json_item(json)) {
        if (tkp_mock_json_peek(json) != '{') {
            tkp_mock_json_skip(json);
            blame(reading, "messages", "has a content part that is not an object");
            continue;
        }
        (void)tkp_mock_json_open(json, '{');
        while (tkp_mock_json_member(json, &key)) {
            if (is(key, "text") && tkp_mock_json_peek(json) == '"') {
                count_string(reading);
            } else {
                tkp_mock_json_skip(json);
            }
        }
    }
}

static void read_message(struct reading *reading)
{
    struct tkp_mock_json *json = &reading->json;
    struct tkp_mock_slice key;
    bool has_role = false;
    if (tkp_mock_json_peek(json) != '{') {
        tkp_mock_json_skip(json);
        blame(reading, "messages", "has an item that is not an object");
        return;
    }
    (void)tkp_mock_json_open(json, '{');
    while (tkp_mock_json_member(json, &key)) {
        char next = tkp_mock_json_peek(json);
        has_role = has_role || (is(key, "role") && next == '"');
        if (is(key, "content") && next == '"') {
            count_string(reading);
        } else if (is(key, "content") && next == '[') {
            read_parts(reading);
        } else {
            tkp_mock_json_skip(json);
        }
    }
    if (!has_role) {
        blame(reading, "messages", "has a message without a role");
    }
}

static void read_messages(struct reading *reading)
{
    if (tkp_mock_json_peek(&reading->json) != '[') {
        tkp_mock_json_skip(&reading->json);
        blame(reading, "messages", "must be an array of messages");
        return;
    }
    (void)tkp_mock_json_open(&reading->json, '[');
    while (tkp_mock_json_item(&reading->json)) {
        reading->has_messages = true;
        read_message(reading);
    }
}

/* A string, an array of strings, of token ids, or of arrays of token ids. */
static void read_prompt(struct reading *reading, unsigned nesting)
{
    struct tkp_mock_json *json = &reading->json;
    char next = tkp_mock_json_peek(json);
    reading->has_prompt = true;
    if (next == '"') {
        count_string(reading);
    } else if (next == '[' && nesting < 2) {
        (void)tkp_mock_json_open(json, '[');
        while (tkp_mock_json_item(json)) {
            read_prompt(reading, nesting + 1);
        }
    } else if (nesting > 0 && next >= '0' && next <= '9') {
        tkp_mock_json_skip(json);
        reading->out->prompt_tokens++;
    } else {
        tkp_mock_json_skip(json);
        blame(reading, "prompt", "must be a string or an array of strings or token ids");
    }
}

static void read_model(struct reading *reading)
{
    struct tkp_mock_json *json = &reading->json;
    if (tkp_mock_json_peek(json) != '"') {
        tkp_mock_json_skip(json);
        blame(reading, "model", "must be a string");
    } else if (tkp_mock_json_string(json, &reading->out->model, NULL) &&
               reading->out->model.len > TKP_MOCK_MODEL_BYTES_MAX) {
        blame(reading, "model", "is longer than 512 bytes");
    }
}

/* TGI's parameters and Ollama's options: an object of which the token limit counts here. */
static void read_settings(struct reading *reading, const char *name, const char *limit)
{
    struct tkp_mock_json *json = &reading->json;
    struct tkp_mock_slice key;
    if (tkp_mock_json_null(json)) {
        return;
    }
    if (tkp_mock_json_peek(json) != '{') {
        tkp_mock_json_skip(json);
        blame(reading, name, "must be an object");
        return;
    }
    (void)tkp_mock_json_open(json, '{');
    while (tkp_mock_json_member(json, &key)) {
        if (is(key, limit)) {
            read_count(reading, limit, 1, &reading->out->max_tokens);
        } else {
            tkp_mock_json_skip(json);
        }
    }
}

/* What to embed: a text or a list of texts. */
static void read_input(struct reading *reading)
{
    struct tkp_mock_json *json = &reading->json;
    reading->has_prompt = true;
    if (tkp_mock_json_peek(json) == '[') {
        (void)tkp_mock_json_open(json, '[');
        while (tkp_mock_json_item(json)) {
            read_prompt(reading, 1);
            reading->out->inputs++;
        }
    } else {
        read_prompt(reading, 0);
        reading->out->inputs = 1;
    }
}

/* Members that OpenAI's APIs for text do not have. */
static bool read_member_of_dialect(struct reading *reading, struct tkp_mock_slice key)
{
    switch (reading->api) {
    case TKP_MOCK_API_EMBEDDINGS:
        if (is(key, "input")) {
            read_input(reading);
            return true;
        }
        return false;
    case TKP_MOCK_API_OLLAMA_CHAT:
    case TKP_MOCK_API_OLLAMA_GENERATE:
        if (is(key, "options")) {
            read_settings(reading, "options", "num_predict");
            return true;
        }
        return false;
    case TKP_MOCK_API_TGI:
    case TKP_MOCK_API_TGI_STREAM:
        if (is(key, "inputs")) {
            read_prompt(reading, 0);
        } else if (is(key, "parameters")) {
            read_settings(reading, "parameters", "max_new_tokens");
        } else {
            tkp_mock_json_skip(&reading->json);
        }
        return true;
    case TKP_MOCK_API_COMPLETIONS:
    case TKP_MOCK_API_CHAT:
        break;
    }
    return false;
}

static void read_member(struct reading *reading, struct tkp_mock_slice key)
{
    struct tkp_mock_inference *out = reading->out;
    if (read_member_of_dialect(reading, key)) {
        return;
    }
    if (is(key, "model")) {
        read_model(reading);
    } else if (is(key, "messages")) {
        read_messages(reading);
    } else if (is(key, "prompt")) {
        read_prompt(reading, 0);
    } else if (is(key, "stream")) {
        read_flag(reading, "stream", &out->stream);
    } else if (is(key, "stream_options")) {
        read_stream_options(reading);
    } else if (is(key, "max_tokens")) {
        read_count(reading, "max_tokens", 1, &out->max_tokens);
    } else if (is(key, "max_completion_tokens")) {
        read_count(reading, "max_completion_tokens", 1, &reading->max_completion_tokens);
    } else if (is(key, "min_tokens")) {
        read_count(reading, "min_tokens", 0, &out->min_tokens);
    } else if (is(key, "ignore_eos")) {
        read_flag(reading, "ignore_eos", &out->ignore_eos);
    } else if (is(key, "n")) {
        uint64_t n = 1;
        read_count(reading, "n", 1, &n);
        if (n != 1) {
            blame(reading, "n", "must be 1: this server gives one choice");
        }
    } else {
        tkp_mock_json_skip(&reading->json);
    }
}

static const char *prompt_of(enum tkp_mock_api api)
{
    bool tgi = api == TKP_MOCK_API_TGI || api == TKP_MOCK_API_TGI_STREAM;
    return api == TKP_MOCK_API_EMBEDDINGS ? "input" : tgi ? "inputs" : "prompt";
}

static void check(struct reading *reading)
{
    bool chat = reading->api == TKP_MOCK_API_CHAT || reading->api == TKP_MOCK_API_OLLAMA_CHAT;
    if (chat && !reading->has_messages) {
        blame(reading, "messages", "is missing or empty");
    } else if (!chat && !reading->has_prompt) {
        blame(reading, prompt_of(reading->api), "is missing");
    } else if (reading->has_stream_options && !reading->out->stream) {
        blame(reading, "stream_options", "is allowed only when stream is true");
    }
}

bool tkp_mock_inference_read(struct tkp_mock_inference *inference, enum tkp_mock_api api,
                             const char *body, size_t body_bytes, char *error, size_t error_bytes,
                             const char **param)
{
    struct reading reading = {.out = inference, .api = api};
    struct tkp_mock_slice key;
    bool ollama = api == TKP_MOCK_API_OLLAMA_CHAT || api == TKP_MOCK_API_OLLAMA_GENERATE;
    *inference = (struct tkp_mock_inference){.stream = ollama || api == TKP_MOCK_API_TGI_STREAM};
    *param = NULL;
    tkp_mock_json_init(&reading.json, body, body_bytes);
    if (tkp_mock_json_open(&reading.json, '{')) {
        while (tkp_mock_json_member(&reading.json, &key)) {
            read_member(&reading, key);
        }
    }
    if (!tkp_mock_json_at_end(&reading.json)) {
        (void)snprintf(error, error_bytes, "The body is not valid JSON at byte %td: %s.",
                       reading.json.at - reading.json.begin, reading.json.trouble);
        return false;
    }
    check(&reading);
    if (reading.trouble != NULL) {
        *param = reading.param;
        (void)snprintf(error, error_bytes, "'%s' %s.", reading.param, reading.trouble);
        return false;
    }
    if (api == TKP_MOCK_API_EMBEDDINGS) {
        inference->stream = false;
    }
    if (reading.max_completion_tokens != 0) {
        inference->max_tokens = reading.max_completion_tokens;
    }
    return true;
}
