/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions on PCRE2. Compiled on the main thread, matched by any thread's scratch. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <token/pattern.h>

#include <base/error.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <token/pattern_rewrite.h>

enum {
    MATCH_LIMIT = 10 * 1000 * 1000, /* PCRE2's own default: steps of one match without JIT */
    JIT_STACK_START = 32 << 10,
    JIT_STACK_MOST = 8 << 20, /* bytes; a match that needs more fails */
};

struct tkp_pattern {
    pcre2_code *code;
    bool has_old_class;
};

static tokperf_status refuse(struct tokperf_error *error, struct tokperf_span text, const char *why)
{
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "the pre_tokenizer's Regex '%.*s%s' %s; its counts would not be exact",
                    (int)(text.len < 200 ? text.len : 200), text.data, text.len > 200 ? "..." : "",
                    why);
}

tokperf_status tkp_pattern_create(struct tokperf_span text, struct tkp_pattern **out,
                                  struct tokperf_error *error)
{
    struct tkp_buffer rewritten;
    tkp_buffer_init(&rewritten, TKP_PATTERN_MAX_BYTES);
    bool has_old_class = false;
    const char *why = tkp_pattern_rewrite(text, &rewritten, &has_old_class);
    int code_number = 0;
    size_t offset = 0;
    uint32_t may_be_empty = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    if (!why && context) {
        /* in the reference, a dot stands for all but \n */
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        code = pcre2_compile((PCRE2_SPTR)tkp_buffer_text(&rewritten), rewritten.len,
                             PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code_number, &offset,
                             context);
    }
    pcre2_compile_context_free(context);
    tkp_buffer_finish(&rewritten);
    if (why)
        return refuse(error, text, why);
    if (!code) {
        unsigned char message[200] = "no memory";
        (void)pcre2_get_error_message(code_number, message, sizeof message);
        char sentence[300];
        (void)snprintf(sentence, sizeof sentence, "is not taken by PCRE2 (%s)", message);
        return refuse(error, text, sentence);
    }
    (void)pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &may_be_empty);
    *out = may_be_empty ? NULL : calloc(1, sizeof **out);
    if (!*out) {
        pcre2_code_free(code);
        return may_be_empty ? refuse(error, text, "may match nothing")
                            : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a pattern");
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without JIT the same, slower */
    (*out)->code = code;
    (*out)->has_old_class = has_old_class;
    return TOKPERF_OK;
}

bool tkp_pattern_has_old_class(const struct tkp_pattern *pattern)
{
    return pattern->has_old_class;
}

void tkp_pattern_destroy(struct tkp_pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

static bool prepare(struct tkp_pattern_scratch *scratch)
{
    if (scratch->match_data && scratch->match_context && scratch->jit_stack)
        return true;
    tkp_pattern_scratch_finish(scratch);
    scratch->match_data = pcre2_match_data_create(32, NULL);
    scratch->match_context = pcre2_match_context_create(NULL);
    scratch->jit_stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MOST, NULL);
    if (!scratch->match_data || !scratch->match_context || !scratch->jit_stack)
        return false;
    pcre2_set_match_limit(scratch->match_context, MATCH_LIMIT);
    pcre2_jit_stack_assign(scratch->match_context, NULL, scratch->jit_stack);
    return true;
}

void tkp_pattern_scratch_finish(struct tkp_pattern_scratch *scratch)
{
    pcre2_match_data_free(scratch->match_data);
    pcre2_match_context_free(scratch->match_context);
    pcre2_jit_stack_free(scratch->jit_stack);
    *scratch = (struct tkp_pattern_scratch){NULL, NULL, NULL};
}

tokperf_status tkp_pattern_find(const struct tkp_pattern *pattern,
                                struct tkp_pattern_scratch *scratch, const char *begin,
                                const char *end, const char *from, const char **match_begin,
                                const char **match_end)
{
    *match_begin = NULL;
    if (!prepare(scratch))
        return TOKPERF_E_NO_MEMORY;
    int result =
        pcre2_match(pattern->code, (PCRE2_SPTR)begin, (size_t)(end - begin), (size_t)(from - begin),
                    PCRE2_NO_UTF_CHECK, scratch->match_data, scratch->match_context);
    if (result == PCRE2_ERROR_NOMATCH)
        return TOKPERF_OK;
    if (result < 0)
        return TOKPERF_E_LIMIT;
    const size_t *places = pcre2_get_ovector_pointer(scratch->match_data);
    if (places[1] <= places[0]) /* \K and the like are refused; an empty match would not end */
        return TOKPERF_E_LIMIT;
    *match_begin = begin + places[0];
    *match_end = begin + places[1];
    return TOKPERF_OK;
}
