/* SPDX-License-Identifier: Apache-2.0 */
/* Reads "added_tokens" and gives each the identifier that the reference would. Main thread. */
#include <token/added_tokens.h>

#include <base/error.h>
#include <stdlib.h>
#include <string.h>
#include <token/added_trie.h>
#include <token/member.h>

enum { MAX_TOKENS = 1 << 15, MAX_NORMALIZED_BYTES = 1 << 16 };

static tokperf_status malformed(struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "the added_tokens are malformed: %s; get the model's own file again", what);
}

static tokperf_status read_token(struct tokperf_span json, struct tkp_added_token *token,
                                 struct tokperf_error *error)
{
    static const char *const names[] = {"id",     "content",    "single_word", "lstrip",
                                        "rstrip", "normalized", "special",     NULL};
    struct tkp_member values[7];
    struct tokperf_span other;
    if (!tkp_member_read(json, names, values, &other))
        return other.data ? tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                                     "an added token has a member '%.*s', which this version of "
                                     "tokperf does not know",
                                     TKP_MEMBER_SHOWN(other))
                          : malformed(error, "an entry is no object");
    if (values[0].token != TOKPERF_JSON_NUMBER)
        return malformed(error, "an entry has no 'id'");
    size_t len = 0;
    token->content = tkp_member_text(values[1], &len);
    token->len = (uint32_t)len;
    if (!token->content)
        return malformed(error, "an entry has no 'content'");
    if (!tkp_member_bool(values[2], false, &token->single_word) ||
        !tkp_member_bool(values[3], false, &token->lstrip) ||
        !tkp_member_bool(values[4], false, &token->rstrip) ||
        !tkp_member_bool(values[6], false, &token->special) ||
        !tkp_member_bool(values[5], !token->special, &token->normalized))
        return malformed(error, "a flag of an entry is no boolean");
    return TOKPERF_OK;
}

/* The identifier of an earlier added token of that content, or TKP_NO_ID; *max is the highest. */
static uint32_t earlier(const struct tkp_added_tokens *added, const struct tkp_added_token *token,
                        int64_t *max)
{
    uint32_t id = TKP_NO_ID;
    for (uint32_t i = 0; i < added->count; i++) {
        const struct tkp_added_token *other = &added->tokens[i];
        if (other->id > *max)
            *max = other->id;
        if (other->len == token->len && memcmp(other->content, token->content, token->len) == 0)
            id = other->id;
    }
    return id;
}

/* The reference takes no identifier from here: a token of the vocabulary keeps its own, the others
 * are numbered behind. */
static tokperf_status give_id(const struct tkp_added_tokens *added, struct tkp_added_token *token,
                              const struct tkp_model *model, struct tokperf_error *error)
{
    int64_t size = (int64_t)model->vocabulary.count + model->unspelled.count;
    int64_t max = -1;
    uint32_t known = tkp_model_token_id(model, token->content, token->len);
    if (earlier(added, token, &max) != TKP_NO_ID)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "the added token '%s' is there twice",
                        token->content);
    token->id = known != TKP_NO_ID ? known : (uint32_t)(max >= size ? max + 1 : size);
    return TOKPERF_OK;
}

/* What is looked for of a "normalized" token is its content, normalized. */
static tokperf_status normalize(struct tkp_added_token *token,
                                const struct tkp_normalizer *normalizer,
                                struct tokperf_error *error)
{
    struct tkp_normalizer_scratch scratch;
    struct tokperf_span text;
    tkp_normalizer_scratch_init(&scratch, MAX_NORMALIZED_BYTES);
    bool done = tkp_normalizer_apply(normalizer, &scratch,
                                     (struct tokperf_span){token->content, token->len}, &text);
    char *content = done ? malloc(text.len + 1) : NULL;
    if (content) {
        memcpy(content, text.data, text.len);
        content[text.len] = '\0';
        free(token->content);
        token->content = content;
        token->len = (uint32_t)text.len;
    }
    tkp_normalizer_scratch_finish(&scratch);
    if (!content)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for added tokens");
    return token->len ? TOKPERF_OK
                      : tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                                 "the normalizer leaves nothing of an added token");
}

static tokperf_status add(struct tkp_added_tokens *added, struct tokperf_span json,
                          const struct tkp_model *model, struct tokperf_error *error)
{
    struct tkp_added_token token = {.content = NULL};
    tokperf_status status = read_token(json, &token, error);
    bool is_empty = status == TOKPERF_OK && token.len == 0; /* the reference leaves it out */
    if (status == TOKPERF_OK && !is_empty)
        status = give_id(added, &token, model, error);
    if (status != TOKPERF_OK || is_empty) {
        free(token.content);
        return status;
    }
    added->special_count += token.special;
    added->tokens[added->count++] = token;
    return TOKPERF_OK;
}

/* Special tokens come first, so that of two equal texts theirs counts, as in the reference. */
static tokperf_status fill_sets(struct tkp_added_tokens *added,
                                const struct tkp_normalizer *normalizer,
                                struct tokperf_error *error)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < added->count; i++) {
            struct tkp_added_token *token = &added->tokens[i];
            if (token->special != (round == 0))
                continue;
            tokperf_status status =
                token->normalized ? normalize(token, normalizer, error) : TOKPERF_OK;
            if (status != TOKPERF_OK)
                return status;
            struct tkp_added_set *set = token->normalized ? &added->normalized : &added->raw;
            if (!tkp_added_trie_put(set, token->content, token->len, i))
                return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for added tokens");
        }
    }
    return TOKPERF_OK;
}

static size_t count_entries(struct tokperf_span json)
{
    struct tokperf_json scan;
    size_t n = 0;
    tkp_json_open(&scan, json.data, json.len);
    (void)tkp_json_next(&scan);
    while (tkp_member_take(&scan).token == TOKPERF_JSON_OBJECT_BEGIN)
        n++;
    return n;
}

tokperf_status tkp_added_tokens_init(struct tkp_added_tokens *added, struct tokperf_span json,
                                     const struct tkp_model *model,
                                     const struct tkp_normalizer *normalizer,
                                     struct tokperf_error *error)
{
    *added = (struct tkp_added_tokens){.count = 0};
    size_t n = json.data ? count_entries(json) : 0;
    if (n > MAX_TOKENS)
        return malformed(error, "there are more than 32768");
    added->tokens = calloc(n + 1, sizeof *added->tokens);
    if (!added->tokens)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for added tokens");
    tokperf_status status = TOKPERF_OK;
    struct tokperf_json scan;
    tkp_json_open(&scan, json.data, json.len);
    if (json.data)
        (void)tkp_json_next(&scan);
    for (size_t i = 0; status == TOKPERF_OK && i < n; i++)
        status = add(added, tkp_member_take(&scan).raw, model, error);
    if (status == TOKPERF_OK && json.data && tkp_json_next(&scan) != TOKPERF_JSON_ARRAY_END)
        status = malformed(error, "an entry is no object");
    if (status == TOKPERF_OK)
        status = fill_sets(added, normalizer, error);
    if (status != TOKPERF_OK)
        tkp_added_tokens_finish(added);
    return status;
}
