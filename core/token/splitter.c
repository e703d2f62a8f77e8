/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the "pre_tokenizer" of a tokenizer.json into a chain of splits. Main thread, at load time.
 */
#include <token/splitter.h>

#include <base/error.h>
#include <base/text.h>
#include <stdlib.h>
#include <string.h>
#include <token/member.h>

enum { MAX_PREFIXES = 2 };

static tokperf_status malformed(struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "the pre_tokenizer is malformed: %s; get the model's own file again", what);
}

static tokperf_status add_step(struct tkp_splitter *s, struct tkp_split_step step,
                               struct tokperf_error *error)
{
    if (s->len < TKP_SPLITTER_MAX) {
        s->steps[s->len++] = step;
        return TOKPERF_OK;
    }
    tkp_pattern_destroy(step.pattern);
    free(step.literal);
    return tkp_fail(error, TOKPERF_E_LIMIT, "the pre_tokenizer has more than %d steps",
                    TKP_SPLITTER_MAX);
}

static tokperf_status add_scan(struct tkp_splitter *s, const char *component, tkp_scan *scan,
                               enum tkp_split_behavior behavior, bool invert,
                               struct tokperf_error *error)
{
    return add_step(s,
                    (struct tkp_split_step){.kind = TKP_SPLIT_SCAN,
                                            .behavior = behavior,
                                            .invert = invert,
                                            .scan = scan,
                                            .component = component},
                    error);
}

static tokperf_status parse_behavior(struct tkp_member value, enum tkp_split_behavior *out,
                                     struct tokperf_error *error)
{
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (tkp_member_is(value, names[i])) {
            *out = (enum tkp_split_behavior)i;
            return TOKPERF_OK;
        }
    }
    return malformed(error, "its 'behavior' is none of Isolated, Removed, MergedWithPrevious, "
                            "MergedWithNext, Contiguous");
}

static tokperf_status parse_byte_level(struct tkp_splitter *s, struct tokperf_span json,
                                       struct tokperf_error *error)
{
    bool prefix_space, use_regex;
    if (!tkp_member_bool(tkp_member_get(json, "add_prefix_space"), true, &prefix_space) ||
        !tkp_member_bool(tkp_member_get(json, "use_regex"), true, &use_regex))
        return malformed(error, "ByteLevel's 'add_prefix_space' or 'use_regex' is no boolean");
    tokperf_status status = TOKPERF_OK;
    s->byte_level = true;
    if (prefix_space) {
        char *space = strdup(" ");
        if (!space)
            return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a pre_tokenizer");
        status = add_step(s,
                          (struct tkp_split_step){.kind = TKP_SPLIT_PREFIX_SPACE,
                                                  .literal = space,
                                                  .literal_len = 1,
                                                  .component = "ByteLevel"},
                          error);
    }
    if (status == TOKPERF_OK && use_regex)
        status = add_scan(s, "ByteLevel", tkp_scan_gpt2, TKP_SPLIT_ISOLATED, false, error);
    return status;
}

/* {"Regex": "..."} or {"String": "..."} */
static tokperf_status parse_pattern(struct tkp_split_step *step, struct tokperf_span json,
                                    struct tokperf_error *error)
{
    struct tkp_member regex = tkp_member_get(json, "Regex");
    struct tkp_member literal = tkp_member_get(json, "String");
    size_t len = 0;
    char *text = tkp_member_text(regex.token ? regex : literal, &len);
    if (!text || !len) {
        free(text);
        return malformed(error, "Split has no 'pattern' with a Regex or a String");
    }
    if (!regex.token) {
        step->kind = TKP_SPLIT_LITERAL;
        step->literal = text;
        step->literal_len = len;
        return TOKPERF_OK;
    }
    struct tokperf_span pattern = {text, len};
    step->scan = tkp_pattern_known(pattern);
    step->kind = step->scan ? TKP_SPLIT_SCAN : TKP_SPLIT_REGEX;
    tokperf_status status =
        step->scan ? TOKPERF_OK : tkp_pattern_create(pattern, &step->pattern, error);
    free(text);
    return status;
}

static tokperf_status parse_split(struct tkp_splitter *s, struct tokperf_span json,
                                  struct tokperf_error *error)
{
    struct tkp_split_step step = {.component = "Split"};
    tokperf_status status = parse_behavior(tkp_member_get(json, "behavior"), &step.behavior, error);
    if (status == TOKPERF_OK &&
        !tkp_member_bool(tkp_member_get(json, "invert"), false, &step.invert))
        status = malformed(error, "Split's 'invert' is no boolean");
    if (status == TOKPERF_OK)
        status = parse_pattern(&step, tkp_member_get(json, "pattern").raw, error);
    return status == TOKPERF_OK ? add_step(s, step, error) : status;
}

static tokperf_status parse_metaspace(struct tkp_splitter *s, struct tokperf_span json,
                                      struct tokperf_error *error)
{
    struct tkp_split_step step = {.kind = TKP_SPLIT_METASPACE, .component = "Metaspace"};
    struct tkp_member scheme = tkp_member_get(json, "prepend_scheme");
    bool add_prefix, split;
    if (!tkp_member_bool(tkp_member_get(json, "add_prefix_space"), true, &add_prefix) ||
        !tkp_member_bool(tkp_member_get(json, "split"), true, &split))
        return malformed(error, "Metaspace's 'add_prefix_space' or 'split' is no boolean");
    if (tkp_member_is_null(scheme) || tkp_member_is(scheme, "always"))
        step.prepend = TKP_PREPEND_ALWAYS;
    else if (tkp_member_is(scheme, "first"))
        step.prepend = TKP_PREPEND_FIRST;
    else if (tkp_member_is(scheme, "never"))
        step.prepend = TKP_PREPEND_NEVER;
    else
        return malformed(error, "Metaspace's 'prepend_scheme' is none of always, first, never");
    if (!add_prefix && step.prepend != TKP_PREPEND_NEVER)
        return malformed(error, "Metaspace's 'add_prefix_space' contradicts its prepend_scheme");
    step.literal = tkp_member_text(tkp_member_get(json, "replacement"), &step.literal_len);
    if (!step.literal || !step.literal_len) {
        free(step.literal);
        return malformed(error, "Metaspace has no 'replacement'");
    }
    struct tkp_split_step splitting = {.kind = TKP_SPLIT_LITERAL,
                                       .behavior = TKP_SPLIT_MERGED_WITH_NEXT,
                                       .literal = split ? strdup(step.literal) : NULL,
                                       .literal_len = step.literal_len,
                                       .component = "Metaspace"};
    tokperf_status status = add_step(s, step, error);
    if (status == TOKPERF_OK && split)
        status = splitting.literal
                     ? add_step(s, splitting, error)
                     : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a pre_tokenizer");
    else
        free(splitting.literal);
    return status;
}

static tokperf_status parse_digits(struct tkp_splitter *s, struct tokperf_span json,
                                   struct tokperf_error *error)
{
    bool individual;
    if (!tkp_member_bool(tkp_member_get(json, "individual_digits"), false, &individual))
        return malformed(error, "Digits' 'individual_digits' is no boolean");
    return add_scan(s, "Digits", tkp_scan_digit,
                    individual ? TKP_SPLIT_ISOLATED : TKP_SPLIT_CONTIGUOUS, false, error);
}

static tokperf_status parse_punctuation(struct tkp_splitter *s, struct tokperf_span json,
                                        struct tokperf_error *error)
{
    struct tkp_member value = tkp_member_get(json, "behavior");
    enum tkp_split_behavior behavior = TKP_SPLIT_ISOLATED;
    tokperf_status status =
        tkp_member_is_null(value) ? TOKPERF_OK : parse_behavior(value, &behavior, error);
    return status == TOKPERF_OK
               ? add_scan(s, "Punctuation", tkp_scan_punctuation, behavior, false, error)
               : status;
}

static tokperf_status parse_whitespace(struct tkp_splitter *s, struct tokperf_span json,
                                       struct tokperf_error *error)
{
    (void)json;
    return add_scan(s, "Whitespace", tkp_scan_words, TKP_SPLIT_REMOVED, true, error);
}

static tokperf_status parse_whitespace_split(struct tkp_splitter *s, struct tokperf_span json,
                                             struct tokperf_error *error)
{
    (void)json;
    return add_scan(s, "WhitespaceSplit", tkp_scan_space, TKP_SPLIT_REMOVED, false, error);
}

static tokperf_status parse_bert(struct tkp_splitter *s, struct tokperf_span json,
                                 struct tokperf_error *error)
{
    (void)json;
    tokperf_status status =
        add_scan(s, "BertPreTokenizer", tkp_scan_space, TKP_SPLIT_REMOVED, false, error);
    return status == TOKPERF_OK ? add_scan(s, "BertPreTokenizer", tkp_scan_punctuation,
                                           TKP_SPLIT_ISOLATED, false, error)
                                : status;
}

static tokperf_status parse_sequence(struct tkp_splitter *s, struct tokperf_span json,
                                     struct tokperf_error *error);

static const struct {
    const char *type;
    tokperf_status (*parse)(struct tkp_splitter *s, struct tokperf_span json,
                            struct tokperf_error *error);
    const char *members[6]; /* beside "type" */
} components[] = {
    {"ByteLevel", parse_byte_level, {"type", "add_prefix_space", "trim_offsets", "use_regex"}},
    {"Split", parse_split, {"type", "pattern", "behavior", "invert"}},
    {"Sequence", parse_sequence, {"type", "pretokenizers"}},
    {"Metaspace",
     parse_metaspace,
     {"type", "replacement", "add_prefix_space", "prepend_scheme", "split"}},
    {"Digits", parse_digits, {"type", "individual_digits"}},
    {"Punctuation", parse_punctuation, {"type", "behavior"}},
    {"Whitespace", parse_whitespace, {"type"}},
    {"WhitespaceSplit", parse_whitespace_split, {"type"}},
    {"BertPreTokenizer", parse_bert, {"type"}},
};

/* One component. What has become bytes is split no further: the model's alphabet is not text. */
static tokperf_status parse_component(struct tkp_splitter *s, struct tokperf_span json,
                                      struct tokperf_error *error)
{
    struct tkp_member type = tkp_member_get(json, "type");
    if (type.token != TOKPERF_JSON_STRING)
        return malformed(error, "a component has no 'type'");
    for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
        if (!tkp_member_is(type, components[i].type))
            continue;
        struct tokperf_span other = tkp_member_other(json, components[i].members);
        if (other.data)
            return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                            "the pre_tokenizer %s has a member '%.*s', which this version of "
                            "tokperf does not know",
                            components[i].type, TKP_MEMBER_SHOWN(other));
        if (s->byte_level)
            return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                            "the pre_tokenizer %s comes behind ByteLevel, which is not supported",
                            components[i].type);
        return components[i].parse(s, json, error);
    }
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "the pre_tokenizer '%.*s' is not supported; its counts would not be exact",
                    TKP_MEMBER_SHOWN(type.raw));
}

static tokperf_status parse_sequence(struct tkp_splitter *s, struct tokperf_span json,
                                     struct tokperf_error *error)
{
    struct tkp_member list = tkp_member_get(json, "pretokenizers");
    struct tokperf_json scan;
    tkp_json_open(&scan, list.raw.data, list.raw.len);
    if (list.token != TOKPERF_JSON_ARRAY_BEGIN || tkp_json_next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return malformed(error, "Sequence has no list 'pretokenizers'");
    tokperf_status status = TOKPERF_OK;
    for (struct tkp_member item; status == TOKPERF_OK;) {
        item = tkp_member_take(&scan);
        if (item.token == TOKPERF_JSON_ARRAY_END)
            break;
        status = item.token == TOKPERF_JSON_OBJECT_BEGIN
                     ? parse_component(s, item.raw, error)
                     : malformed(error, "Sequence has an entry that is no object");
    }
    return status;
}

tokperf_status tkp_splitter_init(struct tkp_splitter *splitter, struct tokperf_span json,
                                 struct tokperf_error *error)
{
    struct tkp_member whole = tkp_member_whole(json);
    *splitter = (struct tkp_splitter){.len = 0};
    if (whole.token == TOKPERF_JSON_NULL)
        return TOKPERF_OK;
    tokperf_status status = whole.token == TOKPERF_JSON_OBJECT_BEGIN
                                ? parse_component(splitter, json, error)
                                : malformed(error, "it is no object");
    size_t prefixes = 0;
    for (size_t i = 0; i < splitter->len; i++)
        prefixes += splitter->steps[i].kind == TKP_SPLIT_PREFIX_SPACE ||
                    splitter->steps[i].kind == TKP_SPLIT_METASPACE;
    if (status == TOKPERF_OK && prefixes > MAX_PREFIXES)
        status = tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                          "the pre_tokenizer puts a space before its pieces more than twice");
    if (status != TOKPERF_OK)
        tkp_splitter_finish(splitter);
    return status;
}

void tkp_splitter_finish(struct tkp_splitter *splitter)
{
    for (size_t i = 0; i < splitter->len; i++) {
        tkp_pattern_destroy(splitter->steps[i].pattern);
        free(splitter->steps[i].literal);
    }
    *splitter = (struct tkp_splitter){.len = 0};
}

tkp_scan *tkp_splitter_single(const struct tkp_splitter *splitter)
{
    const struct tkp_split_step *step = splitter->steps;
    bool single =
        splitter->len == 1 && step->kind == TKP_SPLIT_SCAN && step->behavior == TKP_SPLIT_ISOLATED;
    return single ? step->scan : NULL;
}

bool tkp_splitter_has_regex(const struct tkp_splitter *splitter)
{
    for (size_t i = 0; i < splitter->len; i++)
        if (splitter->steps[i].kind == TKP_SPLIT_REGEX)
            return true;
    return false;
}

bool tkp_splitter_has_old_class(const struct tkp_splitter *splitter)
{
    for (size_t i = 0; i < splitter->len; i++)
        if (splitter->steps[i].kind == TKP_SPLIT_REGEX &&
            tkp_pattern_has_old_class(splitter->steps[i].pattern))
            return true;
    return false;
}

void tkp_splitter_describe(const struct tkp_splitter *splitter, struct tkp_buffer *out)
{
    const char *last = NULL;
    for (size_t i = 0; i < splitter->len; i++) {
        const struct tkp_split_step *step = &splitter->steps[i];
        if (last && last == step->component && strcmp(last, "Split") != 0)
            continue;
        tkp_buffer_printf(out, "%s%s%s", last ? " + " : "", step->component,
                          step->kind == TKP_SPLIT_REGEX ? " (PCRE2)"
                          : step->kind == TKP_SPLIT_SCAN && !strcmp(step->component, "Split")
                              ? " (scanner)"
                              : "");
        last = step->component;
    }
    if (splitter->byte_level && (!last || strcmp(last, "ByteLevel") != 0))
        tkp_buffer_printf(out, "%sByteLevel", last ? " + " : "");
    if (!last && !splitter->byte_level)
        tkp_buffer_puts(out, "none");
}
