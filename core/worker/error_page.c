/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves tags out of a page. It follows no grammar of HTML: whatever is cut or broken ends it. */
#include <worker/error_page.h>

#include <base/text.h>
#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether p, at a '<', begins a tag, a comment or a declaration. */
static bool is_tag(const char *p, const char *end)
{
    return p + 1 < end && (is_letter(p[1]) || p[1] == '/' || p[1] == '!' || p[1] == '?');
}

static bool begins(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - p) >= len && tkp_span_is_nocase((struct tokperf_span){p, len}, word) != 0;
}

/* Behind the next occurrence of a word, or the end. */
static const char *skip_past(const char *p, const char *end, const char *word)
{
    while (p < end && !begins(p, end, word))
        p++;
    return p < end ? p + strlen(word) : end;
}

/* Behind the tag at p, and behind what a script or style holds. */
static const char *skip_tag(const char *p, const char *end)
{
    if (begins(p, end, "<!--"))
        return skip_past(p, end, "-->");
    if (begins(p, end, "<script"))
        p = skip_past(p, end, "</script");
    else if (begins(p, end, "<style"))
        p = skip_past(p, end, "</style");
    return skip_past(p, end, ">");
}

size_t tkp_error_page_read(struct tokperf_span body, char *out, size_t capacity)
{
    const char *p = body.data, *end = body.len ? p + body.len : p;
    size_t len = 0;
    bool gap = false;
    while (p < end && is_space(*p))
        p++;
    if (p == end || *p != '<' || !is_tag(p, end))
        return 0;
    while (p < end) {
        bool tag = *p == '<' && is_tag(p, end);
        if (tag || is_space(*p)) {
            gap = len > 0;
            p = tag ? skip_tag(p, end) : p + 1;
            continue;
        }
        if (len + gap >= capacity)
            break;
        if (gap)
            out[len++] = ' ';
        gap = false;
        out[len++] = *p++;
    }
    return len;
}
