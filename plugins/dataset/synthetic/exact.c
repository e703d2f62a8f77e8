/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most words are one token. The number of words is moved by what is missing until it fits or until
 * one word more is too much; then the last word is tried through the whole vocabulary, and then
 * other words.
 */
#include "exact.h"

#include "words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MOVES = 64, MAX_VARIANTS = 16 };

static bool reserve(struct synthetic_writer *w, uint64_t lead_bytes, uint64_t words)
{
    const uint64_t needed = lead_bytes + 1 + words * SYNTHETIC_WORD_BYTES;
    if (needed <= w->text_capacity)
        return true;
    char *text = realloc(w->text, needed);
    if (text == NULL)
        return false;
    w->text = text;
    w->text_capacity = needed;
    return true;
}

/* Writes lead and the prompt's words; its length, 0 without memory. */
static uint64_t write_text(struct synthetic_writer *w, const struct synthetic_prompt *prompt,
                           struct tokperf_span lead)
{
    uint64_t len = 0;
    if (!reserve(w, lead.len, prompt->word_count))
        return 0;
    if (lead.len > 0) {
        memcpy(w->text, lead.data, lead.len);
        w->text[lead.len] = ' ';
        len = lead.len + 1;
    }
    return len + synthetic_prompt_write(w->rng, prompt, w->text + len);
}

static tokperf_status no_memory(struct tokperf_error *error, uint64_t words)
{
    if (error != NULL) {
        error->status = TOKPERF_E_NO_MEMORY;
        snprintf(error->message, sizeof error->message,
                 "no memory for a synthetic prompt of %llu words", (unsigned long long)words);
    }
    return TOKPERF_E_NO_MEMORY;
}

static tokperf_status impossible(struct tokperf_error *error, uint64_t tokens)
{
    if (error != NULL) {
        error->status = TOKPERF_E_UNSUPPORTED;
        snprintf(error->message, sizeof error->message,
                 "the words of the synthetic dataset make no prompt of exactly %llu tokens with "
                 "this tokenizer; try another --isl",
                 (unsigned long long)tokens);
    }
    return TOKPERF_E_UNSUPPORTED;
}

/* Writes the text and counts it. */
static tokperf_status try(struct synthetic_writer *w, const struct synthetic_prompt *prompt,
                          struct tokperf_span lead, struct tokperf_span *text, uint64_t *tokens,
                          struct tokperf_error *error)
{
    *text = (struct tokperf_span){NULL, write_text(w, prompt, lead)};
    if (text->len == 0)
        return no_memory(error, prompt->word_count);
    text->data = w->text;
    return w->tokenizer->count(w->host, *text, tokens, error);
}

/* One word of the vocabulary after the other in the last place, beginning where the entry says:
 * NOT_FOUND when none of them fits. */
static tokperf_status try_last_words(struct synthetic_writer *w, struct synthetic_prompt *prompt,
                                     struct tokperf_span lead, uint64_t wanted,
                                     struct tokperf_span *text, struct tokperf_error *error)
{
    for (uint64_t i = 0; i < SYNTHETIC_WORDS; i++) {
        uint64_t tokens;
        prompt->last_word = (prompt->entry + i) % SYNTHETIC_WORDS + 1;
        tokperf_status status = try(w, prompt, lead, text, &tokens, error);
        if (status != TOKPERF_OK || tokens == wanted)
            return status;
    }
    return TOKPERF_E_NOT_FOUND;
}

/* The number of words is moved by what is missing. NOT_FOUND: it cannot fit. */
static tokperf_status fit(struct synthetic_writer *w, struct synthetic_prompt *p,
                          struct tokperf_span lead, uint64_t wanted, struct tokperf_span *text,
                          struct tokperf_error *error)
{
    uint64_t too_few = 0, got; /* the most words that are too few tokens, so far */
    for (int i = 0; i < MAX_MOVES; i++) {
        tokperf_status status = try(w, p, lead, text, &got, error);
        if (status != TOKPERF_OK || got == wanted)
            return status;
        if (got > wanted && p->word_count <= too_few + 1)
            break; /* one word less is too few */
        if (got < wanted) {
            too_few = p->word_count;
            p->word_count += wanted - got;
        } else {
            const uint64_t over = got - wanted, room = p->word_count - too_few - 1;
            p->word_count -= over < room ? over : room;
        }
    }
    tokperf_status status = try_last_words(w, p, lead, wanted, text, error);
    if (status == TOKPERF_E_NOT_FOUND && p->word_count > 1) { /* a longer word, not one more */
        p->word_count--;
        status = try_last_words(w, p, lead, wanted, text, error);
    }
    return status;
}

tokperf_status synthetic_write(struct synthetic_writer *writer,
                               const struct synthetic_prompt *prompt, struct tokperf_span lead,
                               uint64_t lead_tokens, uint64_t tokens, struct tokperf_span *text,
                               struct tokperf_error *error)
{
    struct synthetic_prompt p = *prompt;
    p.word_count = tokens > lead_tokens ? tokens - lead_tokens : 1;
    p.last_word = 0;
    if (writer->tokenizer == NULL) {
        *text = (struct tokperf_span){NULL, write_text(writer, &p, lead)};
        text->data = writer->text;
        return text->len > 0 ? TOKPERF_OK : no_memory(error, p.word_count);
    }
    for (uint64_t variant = 0; variant < MAX_VARIANTS; variant++) {
        p = *prompt;
        p.variant = variant;
        p.word_count = tokens > lead_tokens ? tokens - lead_tokens : 1;
        tokperf_status status = fit(writer, &p, lead, tokens, text, error);
        if (status != TOKPERF_E_NOT_FOUND)
            return status;
    }
    return impossible(error, tokens);
}
