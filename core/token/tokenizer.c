/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a tokenizer of any kind, told apart by what the path holds. Main thread. */
#include <token/tokenizer_parts.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <token/model_file.h>

static tokperf_status read_ranks(struct tkp_tokenizer *t, struct tokperf_span content,
                                 struct tokperf_error *error)
{
    t->splitter.byte_level = true;
    tokperf_status status = tkp_model_read_ranks(&t->model, content, &t->single, &t->kind, error);
    if (status == TOKPERF_OK)
        t->splitter.steps[t->splitter.len++] = (struct tkp_split_step){
            .kind = TKP_SPLIT_SCAN, .scan = t->single, .component = t->kind};
    return status;
}

/* The first character that is no white space: { begins JSON, letters and digits a token in base64.
 */
static char first_character(struct tokperf_span content)
{
    for (uint64_t i = 0; i < content.len; i++)
        if (!strchr(" \t\r\n", content.data[i]))
            return content.data[i];
    return '\0';
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

tokperf_status tkp_tokenizer_parse(const char *name, struct tokperf_span content,
                                   struct tkp_tokenizer **out, struct tokperf_error *error)
{
    tokperf_status status;
    struct tkp_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a tokenizer");
    char first = first_character(content);
    if (!tkp_text_is_utf8(content.data, content.len))
        status = tkp_fail(error, TOKPERF_E_PARSE,
                          "it is not text in UTF-8 (a SentencePiece model has a tokenizer.json "
                          "beside it in most repositories; take that)");
    else if (first == '{')
        status = tkp_tokenizer_read_json(t, content, error);
    else if (is_base64(first))
        status = read_ranks(t, content, error);
    else
        status = tkp_fail(error, TOKPERF_E_PARSE,
                          "it is neither a tokenizer.json nor a file of tiktoken ranks");
    if (status != TOKPERF_OK) {
        /* the file is the user's: what is not supported in it is wrong with it */
        if (status == TOKPERF_E_UNSUPPORTED)
            status = TOKPERF_E_INVALID;
        (void)tkp_error_prefix(error, "tokenizer '%s'", name);
        if (error)
            error->status = status;
        tkp_tokenizer_destroy(t);
        return status;
    }
    t->single = tkp_splitter_single(&t->splitter);
    *out = t;
    return TOKPERF_OK;
}

static tokperf_status load_builtin(struct tkp_tokenizer **out, struct tokperf_error *error)
{
    struct tkp_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a tokenizer");
    t->counts_pieces = true;
    t->kind = "builtin";
    t->single = tkp_scan_gpt2;
    t->splitter.steps[t->splitter.len++] = (struct tkp_split_step){
        .kind = TKP_SPLIT_SCAN, .scan = tkp_scan_gpt2, .component = "GPT-2's pattern"};
    *out = t;
    return TOKPERF_OK;
}

tokperf_status tkp_tokenizer_load(const char *path, struct tkp_tokenizer **out,
                                  struct tokperf_error *error)
{
    struct stat info;
    char inside[PATH_MAX];
    if (strcmp(path, "builtin") == 0)
        return load_builtin(out, error);
    if (stat(path, &info) != 0)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                        "there is no tokenizer at '%s': nothing is downloaded; take tokenizer.json "
                        "from the model's repository and give its path, or 'builtin'",
                        path);
    if (S_ISDIR(info.st_mode)) {
        if (!tkp_files_join(inside, sizeof inside, path, "tokenizer.json") || stat(inside, &info))
            return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                            "the directory '%s' has no tokenizer.json; take it from the model's "
                            "repository",
                            path);
        path = inside;
    }
    struct tkp_buffer content;
    tkp_buffer_init(&content, TKP_TOKENIZER_MAX_FILE_BYTES);
    tokperf_status status = tkp_files_read(path, TKP_TOKENIZER_MAX_FILE_BYTES, 0, &content, error);
    if (status == TOKPERF_OK)
        status = tkp_tokenizer_parse(path, tkp_buffer_span(&content), out, error);
    tkp_buffer_finish(&content);
    return status;
}

void tkp_tokenizer_destroy(struct tkp_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    tkp_model_finish(&tokenizer->model);
    tkp_normalizer_destroy(tokenizer->normalizer);
    tkp_splitter_finish(&tokenizer->splitter);
    tkp_added_tokens_finish(&tokenizer->added);
    free(tokenizer);
}

const char *tkp_tokenizer_notice(const struct tkp_tokenizer *tokenizer)
{
    return tokenizer->notice[0] ? tokenizer->notice : NULL;
}

bool tkp_tokenizer_has_ids(const struct tkp_tokenizer *tokenizer)
{
    return !tokenizer->counts_pieces;
}

void tkp_tokenizer_describe(const struct tkp_tokenizer *tokenizer, struct tkp_buffer *out)
{
    const struct tkp_model *m = &tokenizer->model;
    tkp_buffer_printf(out, "kind: %s\n", tokenizer->kind);
    if (tokenizer->counts_pieces) {
        tkp_buffer_puts(out, "model: none; one token for each piece of GPT-2's pattern\n");
        return;
    }
    tkp_buffer_printf(out, "model: BPE, %s%s\n", m->byte_level ? "byte-level" : "characters",
                      m->has_byte_tokens ? " with byte fallback" : "");
    tkp_buffer_printf(out, "vocabulary: %u tokens, ids below %u\n",
                      m->vocabulary.count + m->unspelled.count, m->vocabulary.id_end);
    tkp_buffer_printf(out, "merges: %u%s\n", m->merges.count,
                      m->ignore_merges ? ", ignored for pieces that are tokens" : "");
    tkp_buffer_printf(out, "added tokens: %u, %u of them special\n", tokenizer->added.count,
                      tokenizer->added.special_count);
    tkp_buffer_puts(out, "normalizer: ");
    tkp_normalizer_describe(tokenizer->normalizer, out);
    tkp_buffer_puts(out, "\npre-tokenizer: ");
    tkp_splitter_describe(&tokenizer->splitter, out);
    tkp_buffer_printf(out, "\nmemory: %.1f MiB\n",
                      (double)tkp_model_memory_bytes(m) / (1024 * 1024));
    tkp_buffer_puts(out, "chat template: not rendered; counts are those of the text alone\n");
}
