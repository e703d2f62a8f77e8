/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text's way: repaired where it is not UTF-8, cut at added tokens, normalized, cut at added
 * tokens that stand in normalized text, split into pieces, encoded (encoder_piece.c). One thread's.
 */
#include <token/encoder_parts.h>

#include <base/error.h>
#include <base/utf8.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 4 << 20 }; /* scratch of a kind that stays from one text to the next */

tokperf_status tkp_encoder_create(const struct tkp_tokenizer *tokenizer, struct tkp_encoder **out,
                                  struct tokperf_error *error)
{
    struct tkp_encoder *e = calloc(1, sizeof *e);
    if (!e || !tkp_piece_cache_init(&e->cache)) {
        free(e);
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a tokenizer's encoder");
    }
    e->tokenizer = tokenizer;
    e->parts_differ = tokenizer->model.ignore_merges && tokenizer->model.has_odd_tokens;
    /* normal forms make a text at most 18 times as long (UAX 15, section 12.3) */
    size_t most = (size_t)18 * TKP_TOKEN_MAX_TEXT_BYTES;
    tkp_buffer_init(&e->piece_text, most);
    tkp_buffer_init(&e->repaired, (size_t)3 * TKP_TOKEN_MAX_TEXT_BYTES);
    tkp_normalizer_scratch_init(&e->normal, most);
    tkp_split_run_init(&e->split, &tokenizer->splitter);
    e->split.emit = tkp_encoder_take_piece;
    e->split.flush = tkp_encoder_flush;
    e->split.context = e;
    *out = e;
    return TOKPERF_OK;
}

void tkp_encoder_destroy(struct tkp_encoder *encoder)
{
    if (!encoder)
        return;
    tkp_split_run_finish(&encoder->split);
    tkp_normalizer_scratch_finish(&encoder->normal);
    tkp_bpe_scratch_finish(&encoder->bpe);
    tkp_buffer_finish(&encoder->piece_text);
    tkp_buffer_finish(&encoder->repaired);
    free(encoder->pieces);
    free(encoder->ids);
    tkp_piece_cache_finish(&encoder->cache);
    free(encoder);
}

void tkp_encoder_forget(struct tkp_encoder *encoder)
{
    tkp_piece_cache_clear(&encoder->cache);
}

static void shrink(struct tkp_buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES)
        tkp_buffer_finish(buffer);
    tkp_buffer_clear(buffer);
}

/* One long text does not keep its memory for ever. */
static void begin(struct tkp_encoder *e, bool keeps_ids, bool keeps_pieces)
{
    e->count = e->piece_count = e->batch_len = 0;
    e->dropped = 0;
    e->keeps_ids = keeps_ids;
    e->keeps_pieces = keeps_pieces;
    e->status = TOKPERF_OK;
    shrink(&e->piece_text);
    shrink(&e->repaired);
    shrink(&e->normal.from);
    shrink(&e->normal.to);
    shrink(&e->split.prefixed[0]);
    shrink(&e->split.prefixed[1]);
    if (e->bpe.capacity * sizeof *e->bpe.heap > KEPT_BYTES)
        tkp_bpe_scratch_finish(&e->bpe);
    if (e->capacity * sizeof *e->ids > KEPT_BYTES) {
        free(e->ids);
        e->ids = NULL;
        e->capacity = 0;
    }
}

/* How many bytes of the text are well-formed from its begin on. */
static size_t well_formed(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint64_t word;
        for (; len - at >= 8; at += 8) {
            memcpy(&word, text + at, 8);
            if (word & 0x8080808080808080u)
                break;
        }
        bool valid = true;
        for (int i = 0; i < 8 && at < len; i++) {
            size_t step = tkp_utf8_step(text + at, len - at, &valid);
            if (!valid)
                return at;
            at += step;
        }
    }
    return at;
}

static struct tokperf_span repair(struct tkp_encoder *e, struct tokperf_span text)
{
    size_t good = well_formed(text.data, text.len);
    if (good == text.len)
        return text;
    for (size_t at = 0; at < text.len;) {
        bool valid;
        tkp_buffer_append(&e->repaired, text.data + at, good);
        at += good;
        if (at == text.len)
            break;
        at += tkp_utf8_step(text.data + at, text.len - at, &valid);
        tkp_buffer_puts(&e->repaired, "\xef\xbf\xbd");
        good = well_formed(text.data + at, text.len - at);
    }
    if (e->repaired.failed)
        e->status = TOKPERF_E_NO_MEMORY;
    return tkp_buffer_span(&e->repaired);
}

static void split(struct tkp_encoder *e, const char *p, const char *end, bool is_first)
{
    tkp_scan *scan = e->tokenizer->single;
    if (!scan) {
        tokperf_status status =
            tkp_split_text(&e->split, (struct tokperf_span){p, (size_t)(end - p)}, is_first);
        if (e->status == TOKPERF_OK)
            e->status = status;
        return;
    }
    bool is_match;
    for (const char *stop; p < end; p = stop) {
        stop = scan(p, end, &is_match);
        tkp_encoder_take_piece(e, p, stop, end);
    }
}

/* What is left of normalized text between added tokens. */
static void encode_normalized(struct tkp_encoder *e, struct tokperf_span text, bool is_first)
{
    const struct tkp_added_tokens *added = &e->tokenizer->added;
    const char *end = text.data + text.len, *from = text.data, *taken = text.data;
    struct tkp_added_match match;
    while (e->status == TOKPERF_OK &&
           tkp_added_next(added, &added->normalized, text.data, end, taken, &from, &match)) {
        if (taken < match.begin)
            split(e, taken, match.begin, is_first && taken == text.data);
        tkp_encoder_take_token(e, match.id, match.begin, match.end);
        taken = match.end;
    }
    if (taken < end)
        split(e, taken, end, is_first && taken == text.data);
    tkp_encoder_flush(e); /* the text is about to go */
}

/* What lies between added tokens. */
static void encode_between(struct tkp_encoder *e, const char *begin, const char *end, bool is_first)
{
    struct tokperf_span text = {begin, (size_t)(end - begin)}, normalized;
    if (begin >= end || e->status != TOKPERF_OK)
        return;
    if (!tkp_normalizer_apply(e->tokenizer->normalizer, &e->normal, text, &normalized))
        e->status = TOKPERF_E_NO_MEMORY;
    else if (normalized.len)
        encode_normalized(e, normalized, is_first);
}

static tokperf_status encode_text(struct tkp_encoder *e, struct tokperf_span text,
                                  struct tokperf_error *error)
{
    if (text.len > TKP_TOKEN_MAX_TEXT_BYTES)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "a text of %llu bytes is longer than what is counted (%d)",
                        (unsigned long long)text.len, TKP_TOKEN_MAX_TEXT_BYTES);
    const struct tkp_added_tokens *added = &e->tokenizer->added;
    text = repair(e, text);
    const char *end = text.data + text.len, *from = text.data, *taken = text.data;
    struct tkp_added_match match;
    while (text.len && e->status == TOKPERF_OK &&
           tkp_added_next(added, &added->raw, text.data, end, taken, &from, &match)) {
        encode_between(e, taken, match.begin, taken == text.data);
        tkp_encoder_take_token(e, match.id, match.begin, match.end);
        taken = match.end;
    }
    encode_between(e, taken, end, taken == text.data);
    if (e->status == TOKPERF_E_LIMIT)
        return tkp_fail(error, e->status, "the tokenizer's pattern takes too long on this text");
    return e->status == TOKPERF_OK
               ? TOKPERF_OK
               : tkp_fail(error, e->status, "no memory to count the tokens of a text");
}

tokperf_status tkp_encoder_count(struct tkp_encoder *encoder, struct tokperf_span text,
                                 uint64_t *count, struct tokperf_error *error)
{
    begin(encoder, false, false);
    tokperf_status status = encode_text(encoder, text, error);
    *count = encoder->dropped + encoder->count;
    return status;
}

tokperf_status tkp_encoder_encode(struct tkp_encoder *encoder, struct tokperf_span text,
                                  bool with_pieces, struct tkp_encoding *encoding,
                                  struct tokperf_error *error)
{
    begin(encoder, true, with_pieces || encoder->tokenizer->counts_pieces);
    tokperf_status status = encode_text(encoder, text, error);
    *encoding = (struct tkp_encoding){.ids = encoder->ids,
                                      .count = encoder->count,
                                      .pieces = encoder->pieces,
                                      .piece_count = encoder->piece_count,
                                      .text = tkp_buffer_text(&encoder->piece_text)};
    return status;
}
