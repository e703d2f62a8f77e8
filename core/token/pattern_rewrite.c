/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the pattern, with the escapes and groups that are known to mean the same. */
#include <token/pattern_rewrite.h>

#include <ctype.h>
#include <string.h>
#include <token/pattern_class.h>

/* White_Space of Unicode; PCRE2's \s has U+180E besides. */
#define WHITE_SPACE                                                                             \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{" \
    "205f}\\x{3000}"

struct rewriting {
    const char *p, *end;
    struct tkp_buffer *out;
    bool in_class, caseless;
    bool has_old_class; /* one that is as PCRE2's tables have it */
    struct tkp_pattern_classes classes;
};

static bool begins(const struct rewriting *r, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(r->end - r->p) >= len && memcmp(r->p, text, len) == 0;
}

/* A class that unicode.h does not have: a general category as it is, a script by its own property,
 * since PCRE2 would take the script's extensions too. */
static void old_class(struct rewriting *r, struct tokperf_span name)
{
    r->has_old_class = true;
    tkp_buffer_append(r->out, r->p, 3);
    tkp_buffer_puts(r->out, name.len > 2 ? "sc:" : "");
    tkp_buffer_append(r->out, name.data, name.len + 1);
}

/* \p{Name} or \P{Name} at r->p. */
static const char *property(struct rewriting *r)
{
    const char *close = memchr(r->p, '}', (size_t)(r->end - r->p));
    size_t len = close ? (size_t)(close - r->p) - 3 : 0;
    if (r->end - r->p < 5 || r->p[2] != '{' || !close || len == 0)
        return "has a \\p without a name in braces";
    struct tokperf_span name = {r->p + 3, len};
    for (size_t i = 0; i < len; i++)
        if (!isalpha((unsigned char)name.data[i]))
            return "has a \\p{...} other than a category or a script";
    bool negated = r->p[1] == 'P';
    size_t before = r->out->len;
    if (!r->in_class)
        tkp_buffer_puts(r->out, negated ? "[^" : "[");
    bool has = tkp_pattern_class_append(&r->classes, name, r->out);
    if (has && negated && r->in_class)
        return "has a \\P in a class";
    if (has && !r->in_class)
        tkp_buffer_puts(r->out, "]");
    if (!has) {
        r->out->len = before;
        old_class(r, name);
    }
    r->p = close + 1;
    return NULL;
}

/* \d or \D at r->p: \p{Nd} or what is not. */
static const char *digit(struct rewriting *r)
{
    const char *p = r->p, *end = r->end;
    const char *class = p[1] == 'd' ? "\\p{Nd}" : "\\P{Nd}";
    r->p = class;
    r->end = class + strlen(class);
    const char *why = property(r);
    r->p = p + 2;
    r->end = end;
    return why;
}

static const char *escape(struct rewriting *r)
{
    if (r->end - r->p < 2)
        return "ends with a backslash";
    char c = r->p[1];
    if (c == 'p' || c == 'P')
        return property(r);
    if (c == 'S' && r->in_class)
        return "has \\S in a class";
    if (c == 's')
        tkp_buffer_puts(r->out, r->in_class ? WHITE_SPACE : "[" WHITE_SPACE "]");
    else if (c == 'S')
        tkp_buffer_puts(r->out, "[^" WHITE_SPACE "]");
    else if (c == 'd' || c == 'D')
        return digit(r);
    else if (c == 'r' || c == 'n' || c == 't' || c == 'f' || ispunct((unsigned char)c))
        tkp_buffer_append(r->out, r->p, 2);
    else if (c == 'u' && r->end - r->p >= 6)
        tkp_buffer_printf(r->out, "\\x{%.4s}", r->p + 2);
    else
        return "has an escape that PCRE2 reads otherwise";
    r->p += c == 'u' ? 6 : 2;
    return NULL;
}

static const char *group(struct rewriting *r)
{
    static const char *const kept[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"};
    if (!begins(r, "(?")) {
        tkp_buffer_append(r->out, r->p++, 1);
        return NULL;
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (!begins(r, kept[i]))
            continue;
        r->caseless |= i == 6;
        tkp_buffer_puts(r->out, kept[i]);
        r->p += strlen(kept[i]);
        return NULL;
    }
    return "has a group of a kind that is not known";
}

/* [ at r->p, up to its first member. */
static const char *open_class(struct rewriting *r)
{
    r->in_class = true;
    tkp_buffer_append(r->out, r->p++, 1);
    if (r->p < r->end && *r->p == '^')
        tkp_buffer_append(r->out, r->p++, 1);
    return r->p < r->end && *r->p == ']' ? "has a class that begins with ]" : NULL;
}

/* {...} at r->p */
static const char *repetition(struct rewriting *r)
{
    const char *close = memchr(r->p, '}', (size_t)(r->end - r->p));
    if (!close || r->end - r->p < 3 || !isdigit((unsigned char)r->p[1]))
        return "has a { that is no repetition from a number on";
    if (close + 1 < r->end && close[1] == '+')
        return "has a + behind a repetition in braces";
    tkp_buffer_append(r->out, r->p, (size_t)(close + 1 - r->p));
    r->p = close + 1;
    return NULL;
}

static const char *step(struct rewriting *r)
{
    char c = *r->p;
    if (c == '\\')
        return escape(r);
    if (r->in_class) {
        if (c == '[' || begins(r, "&&"))
            return "has a class inside of a class";
        r->in_class = c != ']';
    } else if (c == '^' || c == '$') {
        return "has an anchor";
    } else if (c == '(') {
        return group(r);
    } else if (c == '[') {
        return open_class(r);
    } else if (c == '{') {
        return repetition(r);
    }
    tkp_buffer_append(r->out, r->p++, 1);
    return NULL;
}

/* Two letters that some one letter folds to: without case, Oniguruma takes that one for both. */
static bool has_long_fold(struct tokperf_span pattern)
{
    static const char *const pairs[] = {"ss", "ff", "fi", "fl", "st"};
    for (uint64_t i = 0; i + 1 < pattern.len; i++)
        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
            if (tolower((unsigned char)pattern.data[i]) == pairs[k][0] &&
                tolower((unsigned char)pattern.data[i + 1]) == pairs[k][1])
                return true;
    return false;
}

const char *tkp_pattern_rewrite(struct tokperf_span pattern, struct tkp_buffer *out,
                                bool *has_old_class)
{
    struct rewriting r = {.p = pattern.data, .end = pattern.data + pattern.len, .out = out};
    const char *why = NULL;
    while (!why && r.p < r.end)
        why = step(&r);
    if (!why && r.caseless && has_long_fold(pattern))
        why = "has letters without case that some one letter stands for";
    if (!why && out->failed)
        why = "is too long";
    tkp_pattern_classes_finish(&r.classes);
    *has_old_class = r.has_old_class;
    return why;
}
