/* SPDX-License-Identifier: Apache-2.0 */
/* From kept runs to two texts, output and reasoning, and their tokens. */
#include <count/kept_count.h>

#include <base/json_scan.h>
#include <record/kept_text.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_TEXT_BYTES = 64 * 1024 };

tokperf_status tkp_kept_counter_init(struct tkp_kept_counter *counter,
                                     const struct tkp_tokenizer *tokenizer,
                                     struct tokperf_error *error)
{
    *counter = (struct tkp_kept_counter){0};
    return tkp_encoder_create(tokenizer, &counter->encoder, error);
}

void tkp_kept_counter_finish(struct tkp_kept_counter *counter)
{
    tkp_encoder_destroy(counter->encoder);
    free(counter->text);
    *counter = (struct tkp_kept_counter){0};
}

static bool reserve(struct tkp_kept_counter *c, uint64_t more)
{
    if (c->capacity - c->len >= more)
        return true;
    uint64_t capacity = c->capacity ? c->capacity : FIRST_TEXT_BYTES;
    while (capacity - c->len < more)
        capacity *= 2;
    char *text = realloc(c->text, capacity);
    if (!text)
        return false;
    c->text = text;
    c->capacity = capacity;
    return true;
}

/* What an escape stands for is never longer than the escape; an unpaired surrogate becomes U+FFFD.
 */
static bool append(struct tkp_kept_counter *c, const struct tkp_kept_run *run)
{
    uint64_t most = run->tag & TKP_KEPT_ENCODED ? 3 * run->bytes.len : run->bytes.len;
    uint64_t len = run->bytes.len;
    if (!reserve(c, most))
        return false;
    if (!(run->tag & TKP_KEPT_ENCODED))
        memcpy(c->text + c->len, run->bytes.data, len);
    else if (tkp_json_unescape(run->bytes, c->text + c->len, most, &len) != TOKPERF_OK)
        return false;
    c->len += len;
    return true;
}

static bool is_of(uint32_t tag, bool reasoning)
{
    tag &= ~(uint32_t)TKP_KEPT_ENCODED;
    if (reasoning)
        return tag == TKP_KEPT_REASONING;
    return tag == TKP_KEPT_OUTPUT || tag == TKP_KEPT_TOOL_CALL;
}

static int64_t count_kind(struct tkp_kept_counter *c, struct tokperf_span texts, bool reasoning)
{
    struct tkp_kept_run run;
    struct tokperf_error error;
    uint64_t tokens;
    c->len = 0;
    while (tkp_kept_next(&texts, &run))
        if (is_of(run.tag, reasoning) && run.bytes.len && !append(c, &run))
            return -1;
    if (!c->len)
        return 0;
    struct tokperf_span text = {c->text, c->len};
    return tkp_encoder_count(c->encoder, text, &tokens, &error) == TOKPERF_OK ? (int64_t)tokens
                                                                              : -1;
}

struct tkp_token_count tkp_kept_count(struct tkp_kept_counter *counter, struct tokperf_span texts)
{
    struct tkp_token_count count = {count_kind(counter, texts, false),
                                    count_kind(counter, texts, true)};
    if (count.output < 0 || count.reasoning < 0)
        count.output = count.reasoning = -1;
    return count;
}
