/* SPDX-License-Identifier: Apache-2.0 */
/* Applies a chain of steps to a text. The chain is constant; the scratch belongs to one thread. */
#include <token/normalizer.h>

#include <base/error.h>
#include <stdlib.h>
#include <token/fold.h>
#include <token/normalizer_steps.h>
#include <token/unicode.h>

tokperf_status tkp_normalizer_create(struct tkp_normalizer **out, struct tokperf_span json,
                                     struct tokperf_error *error)
{
    *out = NULL;
    struct tkp_normalizer *normalizer = calloc(1, sizeof *normalizer);
    if (!normalizer)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a normalizer");
    tokperf_status status = tkp_normalizer_parse(normalizer, json, error);
    if (status || !normalizer->len) {
        tkp_normalizer_destroy(normalizer);
        return status;
    }
    *out = normalizer;
    return TOKPERF_OK;
}

static void free_span(struct tokperf_span span)
{
    free((void *)(uintptr_t)span.data);
}

void tkp_normalizer_destroy(struct tkp_normalizer *normalizer)
{
    if (!normalizer)
        return;
    for (size_t i = 0; i < normalizer->len; i++) {
        free_span(normalizer->steps[i].pattern);
        free_span(normalizer->steps[i].content);
    }
    free(normalizer);
}

void tkp_normalizer_scratch_init(struct tkp_normalizer_scratch *scratch, size_t max_bytes)
{
    *scratch = (struct tkp_normalizer_scratch){0};
    tkp_buffer_init(&scratch->from, max_bytes);
    tkp_buffer_init(&scratch->to, max_bytes);
}

void tkp_normalizer_scratch_finish(struct tkp_normalizer_scratch *scratch)
{
    tkp_buffer_finish(&scratch->from);
    tkp_buffer_finish(&scratch->to);
    tkp_normal_scratch_finish(&scratch->marks);
}

static void append_form(enum tkp_normal_form form, struct tkp_normal_scratch *marks,
                        struct tokperf_span text, struct tkp_buffer *out)
{
    if (!tkp_normal_append(form, marks, text.data, text.len, out))
        out->failed = true;
}

/* Whether the step leaves the text as it is, where that is cheap to know. */
static bool is_idle(const struct tkp_step *step, struct tokperf_span text)
{
    if (!text.len)
        return true;
    if (step->kind == TKP_STEP_FORM)
        return tkp_normal_prefix(step->form, text.data, text.len) == text.len;
    if (step->kind == TKP_STEP_REPLACE)
        return !memmem(text.data, text.len, step->pattern.data, step->pattern.len);
    return false;
}

/* Appends the text after the step to out. */
static void run_step(const struct tkp_step *step, struct tkp_normal_scratch *marks,
                     struct tokperf_span text, struct tkp_buffer *out)
{
    switch (step->kind) {
    case TKP_STEP_FORM:
        append_form(step->form, marks, text, out);
        return;
    case TKP_STEP_LOWERCASE:
        tkp_fold_lowercase(text, out);
        return;
    case TKP_STEP_STRIP_ACCENTS:
        tkp_fold_remove(text, TKP_CLASS_ACCENT, out);
        return;
    case TKP_STEP_BERT_ACCENTS:
        tkp_fold_remove(text, TKP_CLASS_BERT_ACCENT, out);
        return;
    case TKP_STEP_STRIP:
        text = tkp_fold_strip(text, step->left, step->right);
        tkp_buffer_append(out, text.data, text.len);
        return;
    case TKP_STEP_PREPEND:
        tkp_buffer_append(out, step->content.data, step->content.len);
        tkp_buffer_append(out, text.data, text.len);
        return;
    case TKP_STEP_REPLACE:
        tkp_fold_replace(text, step->pattern, step->content, out);
        return;
    case TKP_STEP_REPLACE_WHITE_SPACE:
        tkp_fold_replace_runs(text, TKP_CLASS_SPACE, 0, 1, step->content, out);
        return;
    case TKP_STEP_REPLACE_SPACES:
        tkp_fold_replace_runs(text, TKP_CLASS_SPACE, ' ', 2, step->content, out);
        return;
    case TKP_STEP_CLEAN:
        tkp_fold_clean(text, out);
        return;
    case TKP_STEP_SPACE_IDEOGRAPHS:
        tkp_fold_space_ideographs(text, out);
        return;
    }
}

bool tkp_normalizer_apply(const struct tkp_normalizer *normalizer,
                          struct tkp_normalizer_scratch *scratch, struct tokperf_span text,
                          struct tokperf_span *out)
{
    for (size_t i = 0; normalizer && i < normalizer->len; i++) {
        const struct tkp_step *step = &normalizer->steps[i];
        if (is_idle(step, text))
            continue;
        tkp_buffer_clear(&scratch->to);
        run_step(step, &scratch->marks, text, &scratch->to);
        if (scratch->to.failed)
            return false;
        struct tkp_buffer spare = scratch->from;
        scratch->from = scratch->to;
        scratch->to = spare;
        text = tkp_buffer_span(&scratch->from);
    }
    *out = text;
    return true;
}

void tkp_normalizer_describe(const struct tkp_normalizer *normalizer, struct tkp_buffer *out)
{
    if (!normalizer)
        tkp_buffer_puts(out, "none");
    for (size_t i = 0; normalizer && i < normalizer->len; i++) {
        const char *component = normalizer->steps[i].component;
        if (i && component == normalizer->steps[i - 1].component &&
            strcmp(component, "BertNormalizer") == 0)
            continue;
        tkp_buffer_puts(out, i ? " + " : "");
        tkp_buffer_puts(out, component);
    }
}
