/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the "normalizer" of a tokenizer.json into steps. Main thread, at load time. */
#include <token/normalizer_steps.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/text.h>
#include <stdlib.h>

enum { MAX_TEXT_BYTES = 4096 };

/* The members that a component may have; a member that is absent has token 0. */
struct value {
    uint32_t token; /* TOKPERF_JSON_STRING, _TRUE, ... */
    uint32_t escaped;
    struct tokperf_span raw; /* of a string: between its quotes; of a container: all of it */
};
enum member {
    MEMBER_TYPE,
    MEMBER_NORMALIZERS,
    MEMBER_PREPEND,
    MEMBER_PATTERN,
    MEMBER_CONTENT,
    MEMBER_STRIP_LEFT,
    MEMBER_STRIP_RIGHT,
    MEMBER_CLEAN_TEXT,
    MEMBER_IDEOGRAPHS,
    MEMBER_STRIP_ACCENTS,
    MEMBER_LOWERCASE,
    MEMBER_STRING,
    MEMBER_REGEX,
    MEMBERS
};
static const char *const member_names[MEMBERS] = {
    "type",          "normalizers", "prepend",
    "pattern",       "content",     "strip_left",
    "strip_right",   "clean_text",  "handle_chinese_chars",
    "strip_accents", "lowercase",   "String",
    "Regex"};

static tokperf_status malformed(struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "the normalizer is malformed: %s; get the model's own file again", what);
}

static struct value read_value(struct tokperf_json *scan)
{
    struct tokperf_json before = *scan;
    uint32_t token = tkp_json_next(scan);
    struct value value = {token, scan->escaped, scan->text};
    if (token == TOKPERF_JSON_OBJECT_BEGIN || token == TOKPERF_JSON_ARRAY_BEGIN) {
        *scan = before;
        if (tkp_json_skip(scan, &value.raw))
            value.token = TOKPERF_JSON_ERROR;
    }
    return value;
}

/* Reads an object's members. *unknown is one that no component has: it may change the text. */
static tokperf_status read_members(struct tokperf_span json, struct value members[MEMBERS],
                                   struct tokperf_span *unknown, struct tokperf_error *error)
{
    struct value other;
    struct tokperf_json scan;
    tkp_json_open(&scan, json.data, json.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return malformed(error, "it is not an object");
    uint32_t token;
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        size_t i = 0;
        while (i < MEMBERS && !tkp_json_equals(scan.text, scan.escaped, tkp_span(member_names[i])))
            i++;
        if (i == MEMBERS)
            *unknown = scan.text;
        *(i < MEMBERS ? &members[i] : &other) = read_value(&scan);
    }
    return token == TOKPERF_JSON_OBJECT_END ? TOKPERF_OK : malformed(error, "it is cut off");
}

/* A copy of a string's text. */
static tokperf_status copy_text(struct value value, const char *what, struct tokperf_span *out,
                                struct tokperf_error *error)
{
    if (value.token != TOKPERF_JSON_STRING || value.raw.len > MAX_TEXT_BYTES)
        return malformed(error, what);
    uint64_t capacity = 3 * value.raw.len + 1, len = 0;
    char *text = malloc(capacity);
    if (!text)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a normalizer");
    if (tkp_json_unescape(value.raw, text, capacity, &len)) {
        free(text);
        return malformed(error, what);
    }
    *out = (struct tokperf_span){text, len};
    return TOKPERF_OK;
}

/* A component by its "type", and how its members are read. */
struct component {
    const char *type;
    tokperf_status (*parse)(struct tkp_normalizer *normalizer, const struct component *component,
                            const struct value members[MEMBERS], struct tokperf_error *error);
    enum tkp_step_kind kind;
    enum tkp_normal_form form;
};

/* The next free step, or NULL with an error. */
static struct tkp_step *add_step(struct tkp_normalizer *normalizer, enum tkp_step_kind kind,
                                 const struct component *component, struct tokperf_error *error)
{
    if (normalizer->len == TKP_STEPS_MAX) {
        (void)tkp_fail(error, TOKPERF_E_LIMIT, "the normalizer has more than %d steps",
                       TKP_STEPS_MAX);
        return NULL;
    }
    struct tkp_step *step = &normalizer->steps[normalizer->len++];
    *step = (struct tkp_step){.kind = kind, .form = component->form, .component = component->type};
    return step;
}

static tokperf_status parse_plain(struct tkp_normalizer *normalizer,
                                  const struct component *component,
                                  const struct value members[MEMBERS], struct tokperf_error *error)
{
    (void)members;
    return add_step(normalizer, component->kind, component, error) ? TOKPERF_OK : TOKPERF_E_LIMIT;
}

static tokperf_status parse_prepend(struct tkp_normalizer *normalizer,
                                    const struct component *component,
                                    const struct value members[MEMBERS],
                                    struct tokperf_error *error)
{
    struct tkp_step *step = add_step(normalizer, component->kind, component, error);
    if (!step)
        return TOKPERF_E_LIMIT;
    return copy_text(members[MEMBER_PREPEND], "Prepend has no text 'prepend'", &step->content,
                     error);
}

static tokperf_status parse_regex(struct tkp_step *step, struct value regex,
                                  struct tokperf_error *error)
{
    if (tkp_json_equals(regex.raw, regex.escaped, tkp_span("\\s+")))
        step->kind = TKP_STEP_REPLACE_WHITE_SPACE;
    else if (tkp_json_equals(regex.raw, regex.escaped, tkp_span(" {2,}")))
        step->kind = TKP_STEP_REPLACE_SPACES;
    else
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "the normalizer Replace has the pattern '%.*s'; of regular expressions "
                        "tokperf does '\\s+' and ' {2,}'",
                        (int)(regex.raw.len < 100 ? regex.raw.len : 100), regex.raw.data);
    return TOKPERF_OK;
}

static tokperf_status parse_replace(struct tkp_normalizer *normalizer,
                                    const struct component *component,
                                    const struct value members[MEMBERS],
                                    struct tokperf_error *error)
{
    struct tkp_step *step = add_step(normalizer, component->kind, component, error);
    if (!step)
        return TOKPERF_E_LIMIT;
    tokperf_status status =
        copy_text(members[MEMBER_CONTENT], "Replace has no text 'content'", &step->content, error);
    if (status)
        return status;
    struct value pattern[MEMBERS] = {0};
    struct tokperf_span unknown = {0};
    status = read_members(members[MEMBER_PATTERN].raw, pattern, &unknown, error);
    if (status)
        return status;
    if (pattern[MEMBER_REGEX].token == TOKPERF_JSON_STRING)
        return parse_regex(step, pattern[MEMBER_REGEX], error);
    status = copy_text(pattern[MEMBER_STRING], "Replace has no pattern", &step->pattern, error);
    if (!status && !step->pattern.len)
        return malformed(error, "Replace has an empty pattern");
    return status;
}

static tokperf_status parse_strip(struct tkp_normalizer *normalizer,
                                  const struct component *component,
                                  const struct value members[MEMBERS], struct tokperf_error *error)
{
    struct tkp_step *step = add_step(normalizer, component->kind, component, error);
    if (!step)
        return TOKPERF_E_LIMIT;
    step->left = members[MEMBER_STRIP_LEFT].token == TOKPERF_JSON_TRUE;
    step->right = members[MEMBER_STRIP_RIGHT].token == TOKPERF_JSON_TRUE;
    return TOKPERF_OK;
}

/* Bert's normalizer in the reference's order; accents go with lower case unless said otherwise. */
static tokperf_status parse_bert(struct tkp_normalizer *normalizer,
                                 const struct component *component,
                                 const struct value members[MEMBERS], struct tokperf_error *error)
{
    bool lowercase = members[MEMBER_LOWERCASE].token == TOKPERF_JSON_TRUE;
    uint32_t accents = members[MEMBER_STRIP_ACCENTS].token;
    bool strips = accents == TOKPERF_JSON_TRUE || (accents != TOKPERF_JSON_FALSE && lowercase);
    const struct {
        bool wanted;
        enum tkp_step_kind kind;
    } steps[] = {
        {members[MEMBER_CLEAN_TEXT].token == TOKPERF_JSON_TRUE, TKP_STEP_CLEAN},
        {members[MEMBER_IDEOGRAPHS].token == TOKPERF_JSON_TRUE, TKP_STEP_SPACE_IDEOGRAPHS},
        {strips, TKP_STEP_FORM},
        {strips, TKP_STEP_BERT_ACCENTS},
        {lowercase, TKP_STEP_LOWERCASE},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].wanted && !add_step(normalizer, steps[i].kind, component, error))
            return TOKPERF_E_LIMIT;
    }
    return TOKPERF_OK;
}

static tokperf_status parse_sequence(struct tkp_normalizer *normalizer,
                                     const struct component *component,
                                     const struct value members[MEMBERS],
                                     struct tokperf_error *error)
{
    (void)component;
    if (members[MEMBER_NORMALIZERS].token != TOKPERF_JSON_ARRAY_BEGIN)
        return malformed(error, "Sequence has no array 'normalizers'");
    struct tokperf_span all = members[MEMBER_NORMALIZERS].raw, one;
    struct tokperf_json scan;
    tkp_json_open(&scan, all.data, all.len);
    (void)tkp_json_next(&scan);
    tokperf_status status;
    while (!(status = tkp_json_skip(&scan, &one))) {
        status = tkp_normalizer_parse(normalizer, one, error);
        if (status)
            return status;
    }
    return status == TOKPERF_E_STATE ? TOKPERF_OK : malformed(error, "Sequence is cut off");
}

static const struct component components[] = {
    {"NFC", parse_plain, TKP_STEP_FORM, TKP_NORMAL_NFC},
    {"NFD", parse_plain, TKP_STEP_FORM, TKP_NORMAL_NFD},
    {"NFKC", parse_plain, TKP_STEP_FORM, TKP_NORMAL_NFKC},
    {"NFKD", parse_plain, TKP_STEP_FORM, TKP_NORMAL_NFKD},
    {"Lowercase", parse_plain, TKP_STEP_LOWERCASE, 0},
    {"StripAccents", parse_plain, TKP_STEP_STRIP_ACCENTS, 0},
    {"Prepend", parse_prepend, TKP_STEP_PREPEND, 0},
    {"Replace", parse_replace, TKP_STEP_REPLACE, 0},
    {"Strip", parse_strip, TKP_STEP_STRIP, 0},
    {"BertNormalizer", parse_bert, 0, TKP_NORMAL_NFD},
    {"Sequence", parse_sequence, 0, 0},
};

/* How many bytes of a name from the file a message shows. */
static int shown(struct tokperf_span text)
{
    return (int)(text.len < 64 ? text.len : 64);
}

tokperf_status tkp_normalizer_parse(struct tkp_normalizer *normalizer, struct tokperf_span json,
                                    struct tokperf_error *error)
{
    if (tkp_span_is(tkp_span_trim(json), "null"))
        return TOKPERF_OK;
    struct value members[MEMBERS] = {0};
    struct tokperf_span unknown = {0};
    tokperf_status status = read_members(json, members, &unknown, error);
    if (status)
        return status;
    if (members[MEMBER_TYPE].token != TOKPERF_JSON_STRING)
        return malformed(error, "it has no text 'type'");
    struct tokperf_span type = members[MEMBER_TYPE].raw;
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++) {
        if (!tkp_span_is(type, components[i].type))
            continue;
        if (unknown.len)
            return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                            "the normalizer '%.*s' has a member '%.*s' that tokperf does not know",
                            shown(type), type.data, shown(unknown), unknown.data);
        return components[i].parse(normalizer, &components[i], members, error);
    }
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "the normalizer '%.*s' is not one that tokperf does exactly", shown(type),
                    type.data);
}
