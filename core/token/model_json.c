/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a model of type BPE: its options, its vocabulary, its merges. */
#include <token/model_file.h>

#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/byte_alphabet.h>
#include <token/member.h>

enum { MAX_TOKEN_BYTES = 64 << 10 };

enum member {
    TYPE,
    VOCAB,
    MERGES,
    DROPOUT,
    UNK_TOKEN,
    WORD_PREFIX,
    WORD_SUFFIX,
    FUSE_UNK,
    BYTE_FALLBACK,
    IGNORE_MERGES,
    MEMBERS
};
static const char *const member_names[MEMBERS + 1] = {"type",
                                                      "vocab",
                                                      "merges",
                                                      "dropout",
                                                      "unk_token",
                                                      "continuing_subword_prefix",
                                                      "end_of_word_suffix",
                                                      "fuse_unk",
                                                      "byte_fallback",
                                                      "ignore_merges",
                                                      NULL};

struct reading {
    struct tkp_model *model;
    struct tokperf_error *error;
    char *text, *bytes; /* of the longest string of the model: unescaped; its bytes */
    size_t capacity;
};

static tokperf_status malformed(struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "the model is malformed: %s; get the model's own file again", what);
}

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the tokenizer's model");
}

/* The text of a string: in the file itself, or unescaped in r->text until the next call. */
static struct tokperf_span text_of(struct reading *r, struct tokperf_span raw, uint32_t escaped)
{
    uint64_t len = 0;
    if (!escaped)
        return raw;
    if (tkp_json_unescape(raw, r->text, r->capacity, &len))
        return (struct tokperf_span){NULL, 0};
    return (struct tokperf_span){r->text, len};
}

/* What a name in the file stands for: the bytes that it spells, or its own. len 0: no bytes. */
static struct tokperf_span spelled(struct reading *r, struct tokperf_span name)
{
    if (!r->model->byte_level)
        return name;
    return (struct tokperf_span){r->bytes, tkp_byte_alphabet_decode(name.data, name.len, r->bytes)};
}

struct extent {
    uint32_t count, bytes;
    int64_t id_end;
};

/* How large the vocabulary is. */
static tokperf_status measure(struct reading *r, struct tokperf_span vocab, struct extent *extent)
{
    struct tokperf_json scan;
    uint32_t token;
    tkp_json_open(&scan, vocab.data, vocab.len);
    (void)tkp_json_next(&scan);
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        int64_t id = 0;
        size_t len = scan.text.len;
        if (len > MAX_TOKEN_BYTES)
            return malformed(r->error, "a token is longer than 64 KiB");
        if (len > r->capacity)
            r->capacity = len;
        if (tkp_json_next(&scan) != TOKPERF_JSON_NUMBER || tkp_json_to_int(scan.text, &id) ||
            id < 0 || id >= TKP_VOCABULARY_MAX_IDS)
            return malformed(r->error, "a token's id is no number below 1048575");
        extent->count++;
        extent->bytes += (uint32_t)len;
        if (id >= extent->id_end)
            extent->id_end = id + 1;
    }
    return token == TOKPERF_JSON_OBJECT_END ? TOKPERF_OK
                                            : malformed(r->error, "'vocab' is cut off");
}

static tokperf_status read_vocab(struct reading *r, struct tokperf_span vocab)
{
    struct tkp_vocabulary *v = &r->model->vocabulary, *unspelled = &r->model->unspelled;
    struct extent extent = {0, 0, 0};
    tokperf_status status = measure(r, vocab, &extent);
    if (status != TOKPERF_OK)
        return status;
    r->capacity = 3 * r->capacity + 1;
    r->text = malloc(r->capacity);
    r->bytes = malloc(r->capacity);
    if (!r->text || !r->bytes ||
        !tkp_vocabulary_init(v, extent.count, (uint32_t)extent.id_end, extent.bytes))
        return no_memory(r->error);
    struct tokperf_json scan;
    tkp_json_open(&scan, vocab.data, vocab.len);
    (void)tkp_json_next(&scan);
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        struct tokperf_span name = text_of(r, scan.text, scan.escaped);
        struct tokperf_span token = spelled(r, name);
        int64_t id = 0;
        (void)tkp_json_next(&scan);
        (void)tkp_json_to_int(scan.text, &id);
        if (name.len == 0) /* the empty text is a token of some files, and never made */
            continue;
        if (token.len == 0 && !unspelled->slots &&
            !tkp_vocabulary_init(unspelled, extent.count, (uint32_t)extent.id_end, extent.bytes))
            return no_memory(r->error);
        if (token.len ? !tkp_vocabulary_add(v, (uint32_t)id, token.data, token.len)
                      : !tkp_vocabulary_add(unspelled, (uint32_t)id, name.data, name.len))
            return malformed(r->error, "'vocab' has a token or an id twice");
    }
    return TOKPERF_OK;
}

/* The two names of a merge: "left right", or ["left", "right"]. */
static bool read_pair(struct tkp_member item, struct tkp_member pair[2])
{
    struct tokperf_json scan;
    if (item.token == TOKPERF_JSON_STRING) {
        const char *space = memchr(item.raw.data, ' ', item.raw.len);
        if (!space)
            return false;
        size_t len = (size_t)(space - item.raw.data);
        pair[0] = pair[1] = item;
        pair[0].raw.len = len;
        pair[1].raw = (struct tokperf_span){space + 1, item.raw.len - len - 1};
        return !memchr(space + 1, ' ', pair[1].raw.len);
    }
    tkp_json_open(&scan, item.raw.data, item.raw.len);
    if (item.token != TOKPERF_JSON_ARRAY_BEGIN || tkp_json_next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return false;
    pair[0] = tkp_member_take(&scan);
    pair[1] = tkp_member_take(&scan);
    return pair[0].token == TOKPERF_JSON_STRING && pair[1].token == TOKPERF_JSON_STRING &&
           tkp_json_next(&scan) == TOKPERF_JSON_ARRAY_END;
}

static bool is_byte_token(struct tokperf_span token)
{
    return token.len == 6 && memcmp(token.data, "<0x", 3) == 0;
}

/* One merge, as "left right" of the tokens' bytes in joined. */
static tokperf_status add_merge(struct reading *r, struct tkp_member pair[2], char *joined,
                                size_t room)
{
    struct tkp_model *m = r->model;
    uint32_t ids[2];
    size_t len = 0;
    for (int i = 0; i < 2; i++) {
        struct tokperf_span token = pair[i].raw.len > r->capacity / 3
                                        ? (struct tokperf_span){NULL, 0}
                                        : spelled(r, text_of(r, pair[i].raw, pair[i].escaped));
        ids[i] = token.len ? tkp_vocabulary_find(&m->vocabulary, token.data, token.len) : TKP_NO_ID;
        if (!joined || !token.data || ids[i] == TKP_NO_ID || token.len > room - len)
            return malformed(r->error, "a merge has a part that is no token");
        if (m->has_byte_tokens && is_byte_token(token))
            return tkp_fail(r->error, TOKPERF_E_UNSUPPORTED,
                            "the model merges tokens of byte_fallback, which is not supported");
        memcpy(joined + len, token.data, token.len);
        len += token.len;
    }
    uint32_t merged = tkp_vocabulary_find(&m->vocabulary, joined, len);
    if (merged == TKP_NO_ID)
        return malformed(r->error, "a merge makes what is no token");
    return tkp_merges_add(&m->merges, ids[0], ids[1], merged)
               ? TOKPERF_OK
               : malformed(r->error, "there are more than 16777214 merges");
}

static tokperf_status read_merges(struct reading *r, struct tkp_member merges)
{
    struct tokperf_json scan;
    if (merges.token != TOKPERF_JSON_ARRAY_BEGIN)
        return malformed(r->error, "it has no list 'merges'");
    /* each has at least three characters, two quotes and a comma */
    size_t most = merges.raw.len / 6 + 1, count = 0;
    tkp_json_open(&scan, merges.raw.data, merges.raw.len);
    (void)tkp_json_next(&scan);
    for (uint32_t depth = scan.depth, token; scan.depth >= depth && count <= most; count++) {
        token = tkp_json_next(&scan);
        if (token == TOKPERF_JSON_ARRAY_BEGIN)
            while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_STRING)
                ;
        if (token <= TOKPERF_JSON_ERROR)
            return malformed(r->error, "'merges' is cut off");
    }
    if (count >= TKP_MERGES_MAX || !tkp_merges_init(&r->model->merges, (uint32_t)count))
        return no_memory(r->error);
    size_t room = 2 * r->capacity;
    char *joined = malloc(room);
    tokperf_status status = joined ? TOKPERF_OK : no_memory(r->error);
    tkp_json_open(&scan, merges.raw.data, merges.raw.len);
    (void)tkp_json_next(&scan);
    while (status == TOKPERF_OK) {
        struct tkp_member pair[2], item = tkp_member_take(&scan);
        if (item.token == TOKPERF_JSON_ARRAY_END)
            break;
        status = read_pair(item, pair)
                     ? add_merge(r, pair, joined, room)
                     : malformed(r->error, "an entry of 'merges' is no pair of texts");
    }
    free(joined);
    return status;
}

static tokperf_status unsupported(struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "the model's %s is not supported; its counts would not be exact", what);
}

static bool is_empty_text(struct tkp_member value)
{
    return tkp_member_is_null(value) || tkp_member_is(value, "");
}

static tokperf_status read_options(struct reading *r, const struct tkp_member values[MEMBERS])
{
    double dropout = 0;
    bool fallback;
    struct tkp_model *m = r->model;
    if (!tkp_member_is_null(values[DROPOUT]) &&
        (values[DROPOUT].token != TOKPERF_JSON_NUMBER ||
         tkp_json_to_double(values[DROPOUT].raw, &dropout) || dropout > 0))
        return unsupported(r->error, "dropout");
    if (!is_empty_text(values[WORD_PREFIX]))
        return unsupported(r->error, "continuing_subword_prefix");
    if (!is_empty_text(values[WORD_SUFFIX]))
        return unsupported(r->error, "end_of_word_suffix");
    if (!tkp_member_bool(values[FUSE_UNK], false, &m->fuse_unknown) ||
        !tkp_member_bool(values[BYTE_FALLBACK], false, &fallback) ||
        !tkp_member_bool(values[IGNORE_MERGES], false, &m->ignore_merges))
        return malformed(r->error, "one of its flags is no boolean");
    m->has_byte_tokens = fallback && !m->byte_level;
    return TOKPERF_OK;
}

/* The symbols of bytes. Call when the vocabulary is read. */
static tokperf_status find_bytes(struct reading *r)
{
    struct tkp_model *m = r->model;
    bool any_missing = false;
    for (int i = 0; i < 256; i++) {
        char name[8] = {(char)i};
        int len = m->byte_level ? 1 : snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        m->byte_ids[i] = tkp_vocabulary_find(&m->vocabulary, name, (size_t)len);
        any_missing |= m->byte_ids[i] == TKP_NO_ID;
    }
    if (any_missing && m->byte_level && m->unknown_id != TKP_NO_ID)
        return unsupported(r->error, "unk_token with a byte that is no token");
    return TOKPERF_OK;
}

static tokperf_status read_unknown(struct reading *r, struct tkp_member value)
{
    size_t len = 0;
    if (tkp_member_is_null(value))
        return TOKPERF_OK;
    char *name = tkp_member_text(value, &len);
    if (!name)
        return malformed(r->error, "'unk_token' is no text");
    r->model->unknown_id = tkp_model_token_id(r->model, name, len);
    free(name);
    return r->model->unknown_id == TKP_NO_ID ? malformed(r->error, "'unk_token' is no token")
                                             : TOKPERF_OK;
}

static tokperf_status read_model(struct reading *r, const struct tkp_member values[MEMBERS])
{
    tokperf_status status = read_options(r, values);
    if (status == TOKPERF_OK && values[VOCAB].token != TOKPERF_JSON_OBJECT_BEGIN)
        status = malformed(r->error, "it has no object 'vocab'");
    if (status == TOKPERF_OK)
        status = read_vocab(r, values[VOCAB].raw);
    if (status == TOKPERF_OK)
        status = read_unknown(r, values[UNK_TOKEN]);
    if (status == TOKPERF_OK)
        status = find_bytes(r);
    if (status == TOKPERF_OK)
        status = read_merges(r, values[MERGES]);
    if (status == TOKPERF_OK && !tkp_model_prepare(r->model))
        status = no_memory(r->error);
    return status;
}

tokperf_status tkp_model_read_json(struct tkp_model *model, struct tokperf_span json,
                                   bool byte_level, struct tokperf_error *error)
{
    struct tkp_member values[MEMBERS];
    struct tokperf_span other;
    struct reading r = {.model = model, .error = error};
    *model = (struct tkp_model){.byte_level = byte_level, .unknown_id = TKP_NO_ID};
    bool is_read = tkp_member_read(json, member_names, values, &other);
    struct tkp_member type = tkp_member_get(json, "type");
    if (!tkp_member_is_null(type) && !tkp_member_is(type, "BPE"))
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "the model '%.*s' is not supported: BPE alone is, where counts are exact",
                        TKP_MEMBER_SHOWN(type.raw));
    if (!is_read)
        return other.data ? tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                                     "the model has a member '%.*s', which this version of tokperf "
                                     "does not know",
                                     TKP_MEMBER_SHOWN(other))
                          : malformed(error, "it is no object");
    tokperf_status status = read_model(&r, values);
    free(r.text);
    free(r.bytes);
    if (status != TOKPERF_OK)
        tkp_model_finish(model);
    return status;
}
