/* SPDX-License-Identifier: Apache-2.0 */
/* See model.h. The order of tests for an unknown character is the reference's. */
#include <token/model.h>

#include <base/utf8.h>
#include <stdlib.h>
#include <string.h>
#include <token/byte_alphabet.h>
#include <token/unicode.h>

static uint32_t character_id(const struct tkp_model *m, const char *p, uint32_t code_point,
                             size_t len)
{
    if (code_point < TKP_MODEL_BASIC)
        return m->basic_ids[code_point];
    return tkp_vocabulary_find(&m->vocabulary, p, len);
}

/* Whether all bytes of a character are tokens; else it is unknown as a whole. */
static bool has_bytes(const struct tkp_model *m, const char *p, size_t len)
{
    bool has = m->has_byte_tokens;
    for (size_t i = 0; has && i < len; i++)
        has = m->byte_ids[(unsigned char)p[i]] != TKP_NO_ID;
    return has;
}

static size_t byte_symbols(const struct tkp_model *m, const char *p, size_t len, uint32_t *ids)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (m->byte_ids[(unsigned char)p[i]] != TKP_NO_ID)
            ids[n++] = m->byte_ids[(unsigned char)p[i]];
    return n;
}

static size_t character_symbols(const struct tkp_model *m, const char *p, size_t len, uint32_t *ids)
{
    size_t n = 0, step;
    bool unknown = false; /* one that is not written yet */
    for (const char *end = p + len; p < end; p += step) {
        uint32_t code_point = tkp_unicode_decode(p, &step);
        uint32_t id = character_id(m, p, code_point, step);
        if (id == TKP_NO_ID && has_bytes(m, p, step)) {
            n += byte_symbols(m, p, step, ids + n);
            continue;
        }
        if (unknown && (id != TKP_NO_ID || !m->fuse_unknown)) {
            ids[n++] = m->unknown_id;
            unknown = false;
        }
        if (id != TKP_NO_ID)
            ids[n++] = id;
        else
            unknown = m->unknown_id != TKP_NO_ID;
    }
    if (unknown)
        ids[n++] = m->unknown_id;
    return n;
}

/* Byte level, with the ranks of pairs of bytes from their own table. */
static size_t merge_bytes(const struct tkp_model *m, const char *text, size_t len, uint32_t *ids)
{
    uint32_t ranks[TKP_BPE_SHORT];
    const unsigned char *bytes = (const unsigned char *)text;
    ids[0] = m->byte_ids[bytes[0]];
    for (size_t i = 1; i < len; i++) {
        ids[i] = m->byte_ids[bytes[i]];
        ranks[i - 1] = m->byte_ranks[bytes[i - 1]][bytes[i]];
    }
    return tkp_bpe_merge_short(&m->merges, ids, ranks, len);
}

size_t tkp_model_merge(const struct tkp_model *model, struct tkp_bpe_scratch *scratch,
                       const char *text, size_t len, uint32_t *ids)
{
    if (model->byte_ranks && len <= TKP_BPE_SHORT)
        return merge_bytes(model, text, len, ids);
    size_t n = model->byte_level ? byte_symbols(model, text, len, ids)
                                 : character_symbols(model, text, len, ids);
    return n > 1 ? tkp_bpe_merge(&model->merges, scratch, ids, n) : n;
}

/* None where some byte is no token: what has no symbol has no pairs. */
static bool fill_byte_ranks(struct tkp_model *m)
{
    for (int i = 0; i < 256; i++)
        if (m->byte_ids[i] == TKP_NO_ID)
            return true;
    m->byte_ranks = malloc(256 * sizeof *m->byte_ranks);
    for (int i = 0; m->byte_ranks && i < 256 * 256; i++)
        m->byte_ranks[i / 256][i % 256] =
            tkp_merges_rank(&m->merges, m->byte_ids[i / 256], m->byte_ids[i % 256]);
    return m->byte_ranks != NULL;
}

static bool fill_tables(struct tkp_model *m)
{
    if (m->byte_level)
        return fill_byte_ranks(m);
    m->basic_ids = malloc(TKP_MODEL_BASIC * sizeof *m->basic_ids);
    if (!m->basic_ids)
        return false;
    for (unsigned c = 0; c < TKP_MODEL_BASIC; c++) {
        char text[4];
        bool is_scalar = c < 0xd800 || c > 0xdfff;
        size_t len = is_scalar ? tkp_utf8_encode(c, text) : 0;
        m->basic_ids[c] = is_scalar ? tkp_vocabulary_find(&m->vocabulary, text, len) : TKP_NO_ID;
    }
    return true;
}

/* A token of well-formed text only: others can be made of bytes alone and are never looked up. */
static bool is_text(const struct tokperf_span token)
{
    bool valid = true;
    for (size_t at = 0; valid && at < token.len;)
        at += tkp_utf8_step(token.data + at, token.len - at, &valid);
    return valid;
}

static bool fill_whole(struct tkp_model *m)
{
    struct tkp_bpe_scratch scratch = {.links = NULL};
    uint32_t *ids = malloc(((size_t)m->vocabulary.longest_bytes + 1) * sizeof *ids);
    m->whole = calloc(m->vocabulary.id_end / 64 + 1, sizeof *m->whole);
    bool done = ids && m->whole;
    for (uint32_t id = 0; done && id < m->vocabulary.id_end; id++) {
        struct tokperf_span token = tkp_vocabulary_get(&m->vocabulary, id);
        if (!token.len || (!m->byte_level && !is_text(token)))
            continue;
        size_t n = tkp_model_merge(m, &scratch, token.data, token.len, ids);
        done = n != SIZE_MAX;
        if (n == 1 && ids[0] == id)
            m->whole[id >> 6] |= (uint64_t)1 << (id & 63);
        else
            m->has_odd_tokens = true;
    }
    tkp_bpe_scratch_finish(&scratch);
    free(ids);
    return done;
}

/* Whether some character is neither a token nor bytes that are. */
static bool has_unknown(const struct tkp_model *m)
{
    if (!m->has_byte_tokens)
        return true;
    for (unsigned i = 0; i < 256; i++) {
        char byte = (char)i;
        bool never = i == 0xc0 || i == 0xc1 || i > 0xf4; /* in no well-formed text */
        if (m->byte_ids[i] == TKP_NO_ID && !never &&
            (i >= 0x80 || tkp_vocabulary_find(&m->vocabulary, &byte, 1) == TKP_NO_ID))
            return true;
    }
    return false;
}

bool tkp_model_prepare(struct tkp_model *model)
{
    /* what is unknown fuses across a cut */
    model->may_cut = model->byte_level || !model->fuse_unknown || model->unknown_id == TKP_NO_ID ||
                     !has_unknown(model);
    return fill_tables(model) && tkp_joints_init(&model->joints, &model->vocabulary) &&
           fill_whole(model);
}

void tkp_model_finish(struct tkp_model *model)
{
    tkp_vocabulary_finish(&model->vocabulary);
    tkp_vocabulary_finish(&model->unspelled);
    tkp_merges_finish(&model->merges);
    tkp_joints_finish(&model->joints);
    free(model->byte_ranks);
    free(model->basic_ids);
    free(model->whole);
    *model = (struct tkp_model){.unknown_id = TKP_NO_ID};
}

uint32_t tkp_model_token_id(const struct tkp_model *model, const char *name, size_t len)
{
    char bytes[4096];
    if (!model->byte_level)
        return tkp_vocabulary_find(&model->vocabulary, name, len);
    size_t n = len <= sizeof bytes ? tkp_byte_alphabet_decode(name, len, bytes) : 0;
    uint32_t id = n ? tkp_vocabulary_find(&model->vocabulary, bytes, n) : TKP_NO_ID;
    return id == TKP_NO_ID && model->unspelled.slots
               ? tkp_vocabulary_find(&model->unspelled, name, len)
               : id;
}

size_t tkp_model_memory_bytes(const struct tkp_model *model)
{
    return tkp_vocabulary_memory_bytes(&model->vocabulary) +
           tkp_merges_memory_bytes(&model->merges) + ((size_t)1 << (TKP_JOINTS_BITS - 3)) +
           (model->basic_ids ? TKP_MODEL_BASIC * sizeof *model->basic_ids : 0) +
           model->vocabulary.id_end / 8;
}
