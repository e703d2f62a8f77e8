/* SPDX-License-Identifier: Apache-2.0 */
/* Lower case, stripping, replacing and Bert's cleaning. Runs on whatever thread counts tokens. */
#include <token/fold.h>

#include <base/utf8.h>
#include <string.h>
#include <token/unicode.h>
#include <token/unicode_data.h>

enum { DOTTED_I = 0x130, DOT_ABOVE = 0x307, REPLACEMENT = 0xfffd };

static void append_code_point(struct tkp_buffer *out, uint32_t code_point)
{
    char bytes[4];
    tkp_buffer_append(out, bytes, tkp_utf8_encode(code_point, bytes));
}

static uint32_t lowercase_of(uint32_t code_point)
{
    size_t low = 0, high = tkp_lowercase_ranges_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct tkp_lowercase_range *range = &tkp_lowercase_ranges[middle];
        if (code_point < range->first)
            high = middle;
        else if (code_point > range->last)
            low = middle + 1;
        else if ((code_point - range->first) % range->step)
            return code_point;
        else
            return code_point + (uint32_t)range->delta;
    }
    return code_point;
}

void tkp_fold_lowercase(struct tokperf_span text, struct tkp_buffer *out)
{
    for (size_t at = 0, step; at < text.len; at += step) {
        uint32_t code_point = tkp_unicode_decode(text.data + at, &step);
        if (code_point == DOTTED_I) {
            append_code_point(out, 'i');
            append_code_point(out, DOT_ABOVE);
        } else {
            append_code_point(out, lowercase_of(code_point));
        }
    }
}

void tkp_fold_remove(struct tokperf_span text, uint32_t classes, struct tkp_buffer *out)
{
    for (size_t at = 0, step; at < text.len; at += step) {
        if (!tkp_unicode_is(tkp_unicode_decode(text.data + at, &step), classes))
            tkp_buffer_append(out, text.data + at, step);
    }
}

/* The length of the code point that ends at text[len]; len > 0. */
static size_t step_back(const char *text, size_t len)
{
    size_t step = 1;
    while (step < len && ((unsigned char)text[len - step] & 0xc0) == 0x80)
        step++;
    return step;
}

struct tokperf_span tkp_fold_strip(struct tokperf_span text, bool left, bool right)
{
    size_t step;
    while (left && text.len &&
           tkp_unicode_is(tkp_unicode_decode(text.data, &step), TKP_CLASS_SPACE)) {
        text.data += step;
        text.len -= step;
    }
    while (right && text.len) {
        size_t back = step_back(text.data, text.len);
        uint32_t last = tkp_unicode_decode(text.data + text.len - back, &step);
        if (!tkp_unicode_is(last, TKP_CLASS_SPACE))
            break;
        text.len -= back;
    }
    return text;
}

void tkp_fold_replace(struct tokperf_span text, struct tokperf_span pattern,
                      struct tokperf_span content, struct tkp_buffer *out)
{
    const char *at = text.data, *end = text.data + text.len;
    for (;;) {
        const char *found = memmem(at, (size_t)(end - at), pattern.data, pattern.len);
        if (!found)
            break;
        tkp_buffer_append(out, at, (size_t)(found - at));
        tkp_buffer_append(out, content.data, content.len);
        at = found + pattern.len;
    }
    tkp_buffer_append(out, at, (size_t)(end - at));
}

void tkp_fold_replace_runs(struct tokperf_span text, uint32_t classes, uint32_t only,
                           size_t min_run, struct tokperf_span content, struct tkp_buffer *out)
{
    size_t begin = 0, count = 0; /* of the run that ends at `at` */
    for (size_t at = 0, step = 0; at <= text.len; at += step) {
        uint32_t code_point = at < text.len ? tkp_unicode_decode(text.data + at, &step) : 0;
        bool inside =
            at < text.len && tkp_unicode_is(code_point, classes) && (!only || only == code_point);
        if (inside) {
            begin = count++ ? begin : at;
            continue;
        }
        if (count >= min_run)
            tkp_buffer_append(out, content.data, content.len);
        else if (count)
            tkp_buffer_append(out, text.data + begin, at - begin);
        count = 0;
        if (at == text.len)
            break;
        tkp_buffer_append(out, text.data + at, step);
    }
}

static bool is_kept_control(uint32_t code_point)
{
    return code_point == '\t' || code_point == '\n' || code_point == '\r';
}

void tkp_fold_clean(struct tokperf_span text, struct tkp_buffer *out)
{
    for (size_t at = 0, step; at < text.len; at += step) {
        uint32_t code_point = tkp_unicode_decode(text.data + at, &step);
        uint32_t classes = tkp_unicode_class(code_point);
        bool control = (classes & TKP_CLASS_BERT_CONTROL) && !is_kept_control(code_point);
        if (!code_point || code_point == REPLACEMENT || control)
            continue;
        if (classes & TKP_CLASS_SPACE)
            tkp_buffer_append(out, " ", 1);
        else
            tkp_buffer_append(out, text.data + at, step);
    }
}

/* The reference's ranges, with its slip: U+2B820 to U+2B91F are not among them. */
static bool is_bert_ideograph(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b81f) ||
           (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x2f800 && c <= 0x2fa1f);
}

void tkp_fold_space_ideographs(struct tokperf_span text, struct tkp_buffer *out)
{
    for (size_t at = 0, step; at < text.len; at += step) {
        bool spaced = is_bert_ideograph(tkp_unicode_decode(text.data + at, &step));
        if (spaced)
            tkp_buffer_append(out, " ", 1);
        tkp_buffer_append(out, text.data + at, step);
        if (spaced)
            tkp_buffer_append(out, " ", 1);
    }
}
