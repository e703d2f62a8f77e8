/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a tokenizer.json. What plays no part in counting tokens of a text (the decoder, and the
 * post-processor, which puts a template around it) is left alone. Main thread.
 */
#include <token/tokenizer_parts.h>

#include <base/error.h>
#include <stdio.h>
#include <token/member.h>
#include <token/model_file.h>

enum member {
    VERSION,
    TRUNCATION,
    PADDING,
    ADDED_TOKENS,
    NORMALIZER,
    PRE_TOKENIZER,
    POST_PROCESSOR,
    DECODER,
    MODEL,
    MEMBERS
};
static const char *const member_names[MEMBERS + 1] = {
    "version",       "truncation",     "padding", "added_tokens", "normalizer",
    "pre_tokenizer", "post_processor", "decoder", "model",        NULL};

static tokperf_status check(const struct tkp_member values[MEMBERS], struct tokperf_error *error)
{
    if (tkp_member_is_null(values[MODEL]))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "it is no tokenizer.json: it has no 'model'; take the file of that name "
                        "from the model's repository");
    if (!tkp_member_is_null(values[TRUNCATION]))
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "it has 'truncation', which would cut counts off; set it to null");
    if (!tkp_member_is_null(values[PADDING]))
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "it has 'padding', which would add to counts; set it to null");
    if (!tkp_member_is_null(values[ADDED_TOKENS]) &&
        values[ADDED_TOKENS].token != TOKPERF_JSON_ARRAY_BEGIN)
        return tkp_fail(error, TOKPERF_E_INVALID, "its 'added_tokens' is no list");
    return TOKPERF_OK;
}

static tokperf_status top_level(struct tokperf_span content, struct tkp_member values[MEMBERS],
                                struct tokperf_error *error)
{
    struct tokperf_span other;
    if (tkp_member_read(content, member_names, values, &other))
        return check(values, error);
    if (other.data)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "it has a member '%.*s', which this version of tokperf does not know",
                        TKP_MEMBER_SHOWN(other));
    struct tokperf_json scan;
    tkp_json_open(&scan, content.data, content.len);
    (void)tkp_json_skip(&scan, NULL);
    return tkp_fail(error, TOKPERF_E_PARSE, "it is not valid JSON: %s at byte %llu",
                    tkp_json_error_text(&scan), (unsigned long long)scan.error_offset);
}

tokperf_status tkp_tokenizer_read_json(struct tkp_tokenizer *t, struct tokperf_span content,
                                       struct tokperf_error *error)
{
    static const struct tokperf_span null = {"null", 4};
    struct tkp_member values[MEMBERS];
    tokperf_status status = top_level(content, values, error);
    if (status != TOKPERF_OK)
        return status;
    t->kind = "tokenizer.json";
    struct tkp_member *normalizer = &values[NORMALIZER], *splitter = &values[PRE_TOKENIZER];
    status = tkp_normalizer_create(&t->normalizer,
                                   tkp_member_is_null(*normalizer) ? null : normalizer->raw, error);
    if (status == TOKPERF_OK)
        status = tkp_splitter_init(&t->splitter,
                                   tkp_member_is_null(*splitter) ? null : splitter->raw, error);
    if (status == TOKPERF_OK)
        status = tkp_model_read_json(&t->model, values[MODEL].raw, t->splitter.byte_level, error);
    if (status == TOKPERF_OK)
        status = tkp_added_tokens_init(&t->added,
                                       tkp_member_is_null(values[ADDED_TOKENS])
                                           ? (struct tokperf_span){NULL, 0}
                                           : values[ADDED_TOKENS].raw,
                                       &t->model, t->normalizer, error);
    if (status == TOKPERF_OK && tkp_splitter_has_regex(&t->splitter))
        (void)snprintf(t->notice, sizeof t->notice,
                       "the tokenizer's pattern has no scanner of its own and runs on PCRE2%s",
                       tkp_splitter_has_old_class(&t->splitter)
                           ? ", whose tables of a category or script in it are older: characters "
                             "of the last years may be split otherwise"
                           : ", which is slower");
    return status;
}
