/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a text through the chain of splits. Each step hands its pieces to the next one while it
 * goes, so that nothing is stored; the behaviours that join pieces hold one back.
 */
#include <token/splitter.h>

#include <string.h>

struct range {
    const char *begin, *end;
};

static void feed(struct tkp_split_run *run, size_t step, const char *begin, const char *end);

/* The next stretch at p: a match, or what lies before one. NULL when a pattern failed. */
static const char *next_stretch(struct tkp_split_run *run, const struct tkp_split_step *step,
                                struct range text, const char *p, bool *is_match)
{
    const char *found = NULL, *found_end = NULL;
    if (step->kind == TKP_SPLIT_SCAN)
        return step->scan(p, text.end, is_match);
    if (step->kind == TKP_SPLIT_LITERAL) {
        found = memmem(p, (size_t)(text.end - p), step->literal, step->literal_len);
        found_end = found ? found + step->literal_len : NULL;
    } else {
        run->status = tkp_pattern_find(step->pattern, &run->pattern, text.begin, text.end, p,
                                       &found, &found_end);
        if (run->status != TOKPERF_OK)
            return NULL;
    }
    *is_match = found == p;
    return !found ? text.end : found == p ? found_end : found;
}

/* A piece that a behaviour holds back, because what follows may join it. */
struct held {
    struct range piece; /* begin NULL: none */
    bool was_match;
};

static void release(struct tkp_split_run *run, size_t step, struct held *held)
{
    if (held->piece.begin)
        feed(run, step + 1, held->piece.begin, held->piece.end);
    held->piece.begin = NULL;
}

/* Whether the stretch behind the held one joins it. */
static bool joins(enum tkp_split_behavior behavior, const struct held *held, bool is_match)
{
    if (!held->piece.begin)
        return false;
    switch (behavior) {
    case TKP_SPLIT_MERGED_WITH_PREVIOUS:
        return is_match && !held->was_match;
    case TKP_SPLIT_MERGED_WITH_NEXT:
        return !is_match && held->was_match;
    case TKP_SPLIT_CONTIGUOUS:
        return is_match == held->was_match;
    case TKP_SPLIT_ISOLATED:
    case TKP_SPLIT_REMOVED:
        break;
    }
    return false;
}

static void split(struct tkp_split_run *run, size_t index, struct range text)
{
    const struct tkp_split_step *step = &run->splitter->steps[index];
    struct held held = {.piece = {NULL, NULL}};
    for (const char *p = text.begin, *stop; p < text.end; p = stop) {
        bool is_match = false;
        stop = next_stretch(run, step, text, p, &is_match);
        if (!stop)
            return;
        is_match ^= step->invert;
        if (step->behavior == TKP_SPLIT_ISOLATED) {
            feed(run, index + 1, p, stop);
            continue;
        }
        if (step->behavior == TKP_SPLIT_REMOVED) {
            if (!is_match)
                feed(run, index + 1, p, stop);
            continue;
        }
        if (joins(step->behavior, &held, is_match)) {
            held.piece.end = stop;
        } else {
            release(run, index, &held);
            held.piece = (struct range){p, stop};
        }
        held.was_match = is_match;
    }
    release(run, index, &held);
}

/* Spaces become the replacement. */
static void append_replaced(struct tkp_buffer *out, const struct tkp_split_step *step,
                            struct range text)
{
    for (const char *p = text.begin; p < text.end;) {
        const char *space = memchr(p, ' ', (size_t)(text.end - p));
        tkp_buffer_append(out, p, (size_t)((space ? space : text.end) - p));
        if (!space)
            return;
        tkp_buffer_append(out, step->literal, step->literal_len);
        p = space + 1;
    }
}

/* Steps that write a text of their own. The pieces of the one before must have been used. */
static void prefix(struct tkp_split_run *run, size_t index, struct range text)
{
    const struct tkp_split_step *step = &run->splitter->steps[index];
    struct tkp_buffer *out = &run->prefixed[run->depth];
    bool has_spaces = step->kind == TKP_SPLIT_METASPACE;
    size_t len = (size_t)(text.end - text.begin);
    bool starts = len >= step->literal_len && !memcmp(text.begin, step->literal, step->literal_len);
    starts |= has_spaces && *text.begin == ' ';
    bool wanted = step->prepend == TKP_PREPEND_ALWAYS ||
                  (step->prepend == TKP_PREPEND_FIRST && text.begin == run->first);
    run->flush(run->context);
    tkp_buffer_clear(out);
    if (wanted && !starts)
        tkp_buffer_append(out, step->literal, step->literal_len);
    if (has_spaces)
        append_replaced(out, step, text);
    else
        tkp_buffer_append(out, text.begin, len);
    if (out->failed) {
        run->status = TOKPERF_E_NO_MEMORY;
        return;
    }
    const char *limit = run->limit, *first = run->first;
    run->limit = out->data + out->len;
    run->first = text.begin == first ? out->data : NULL;
    run->depth++;
    feed(run, index + 1, out->data, run->limit);
    run->flush(run->context);
    run->depth--;
    run->limit = limit;
    run->first = first;
}

static void feed(struct tkp_split_run *run, size_t step, const char *begin, const char *end)
{
    if (run->status != TOKPERF_OK || begin == end)
        return;
    if (step == run->splitter->len) {
        run->emit(run->context, begin, end, run->limit);
        return;
    }
    enum tkp_split_kind kind = run->splitter->steps[step].kind;
    if (kind == TKP_SPLIT_PREFIX_SPACE || kind == TKP_SPLIT_METASPACE)
        prefix(run, step, (struct range){begin, end});
    else
        split(run, step, (struct range){begin, end});
}

void tkp_split_run_init(struct tkp_split_run *run, const struct tkp_splitter *splitter)
{
    *run = (struct tkp_split_run){.splitter = splitter};
    for (size_t i = 0; i < sizeof run->prefixed / sizeof *run->prefixed; i++)
        tkp_buffer_init(&run->prefixed[i], (size_t)1 << 30);
}

void tkp_split_run_finish(struct tkp_split_run *run)
{
    tkp_pattern_scratch_finish(&run->pattern);
    for (size_t i = 0; i < sizeof run->prefixed / sizeof *run->prefixed; i++)
        tkp_buffer_finish(&run->prefixed[i]);
}

tokperf_status tkp_split_text(struct tkp_split_run *run, struct tokperf_span text, bool is_first)
{
    run->status = TOKPERF_OK;
    if (!text.data)
        return TOKPERF_OK;
    run->limit = text.data + text.len;
    run->first = is_first ? text.data : NULL;
    run->depth = 0;
    feed(run, 0, text.data, run->limit);
    return run->status;
}
