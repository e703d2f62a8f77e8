/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "pre_tokenizer" of a tokenizer.json: a chain of splits, each of which splits again what the
 * one before it left. Immutable once made, shared by threads; each thread has its own scratch.
 */
#ifndef TKP_TOKEN_SPLITTER_H
#define TKP_TOKEN_SPLITTER_H

#include <base/buffer.h>
#include <token/pattern.h>
#include <token/scan.h>

enum tkp_split_behavior {
    TKP_SPLIT_ISOLATED,
    TKP_SPLIT_REMOVED,
    TKP_SPLIT_MERGED_WITH_PREVIOUS,
    TKP_SPLIT_MERGED_WITH_NEXT,
    TKP_SPLIT_CONTIGUOUS
};
enum tkp_split_kind {
    TKP_SPLIT_SCAN,         /* a hand-written scanner */
    TKP_SPLIT_REGEX,        /* PCRE2 */
    TKP_SPLIT_LITERAL,      /* a text */
    TKP_SPLIT_PREFIX_SPACE, /* no split: a space before what does not begin with one */
    TKP_SPLIT_METASPACE /* no split: spaces become `literal`, and one comes first by `prepend` */
};
enum tkp_split_prepend { TKP_PREPEND_ALWAYS, TKP_PREPEND_FIRST, TKP_PREPEND_NEVER };

struct tkp_split_step {
    enum tkp_split_kind kind;
    enum tkp_split_behavior behavior;
    bool invert; /* matches and what lies between them change places */
    enum tkp_split_prepend prepend;
    tkp_scan *scan;
    struct tkp_pattern *pattern; /* REGEX; owned */
    char *literal;               /* LITERAL, METASPACE; heap */
    size_t literal_len;
    const char *component; /* its type in the file; static */
};

enum { TKP_SPLITTER_MAX = 16 };
struct tkp_splitter {
    struct tkp_split_step steps[TKP_SPLITTER_MAX];
    size_t len;
    bool byte_level; /* the pieces' bytes are the model's alphabet */
};

/* json: the value of "pre_tokenizer". Fails like tkp_normalizer_create(). */
tokperf_status tkp_splitter_init(struct tkp_splitter *splitter, struct tokperf_span json,
                                 struct tokperf_error *error);
void tkp_splitter_finish(struct tkp_splitter *splitter);
/* The scanner that alone does all the splitting, each match a piece; or NULL. */
tkp_scan *tkp_splitter_single(const struct tkp_splitter *splitter);
/* Whether a pattern runs on PCRE2. */
bool tkp_splitter_has_regex(const struct tkp_splitter *splitter);
/* Whether one has a category or script that is left to PCRE2's older Unicode tables. */
bool tkp_splitter_has_old_class(const struct tkp_splitter *splitter);
void tkp_splitter_describe(const struct tkp_splitter *splitter, struct tkp_buffer *out);

struct tkp_split_run; /* below */
/* Takes a piece, which is not empty; `limit` is the end of the memory that may be read. */
typedef void tkp_split_emit(void *context, const char *begin, const char *end, const char *limit);

struct tkp_split_run {
    const struct tkp_splitter *splitter;
    struct tkp_pattern_scratch pattern; /* one thread's */
    struct tkp_buffer prefixed[2];      /* texts with something put before them */
    tkp_split_emit *emit;
    void (*flush)(void *context); /* what was emitted is about to move */
    void *context;
    const char *limit;
    const char *first;     /* the begin of the whole text where that is this text's, else NULL */
    uint32_t depth;        /* of prefixed in use */
    tokperf_status status; /* OK, E_LIMIT (of a pattern), E_NO_MEMORY */
};
void tkp_split_run_init(struct tkp_split_run *run, const struct tkp_splitter *splitter);
void tkp_split_run_finish(struct tkp_split_run *run);
/* Splits a text that is not empty. is_first: it begins where the user's text begins. */
tokperf_status tkp_split_text(struct tkp_split_run *run, struct tokperf_span text, bool is_first);

#endif
