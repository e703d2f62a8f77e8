/* SPDX-License-Identifier: Apache-2.0 */
/* Spans, copies and the closest name. Numbers are in text_number.c, secrets in text_redact.c. */
#include <base/text.h>

#include <base/utf8.h>
#include <string.h>
#include <strings.h>

enum {
    MIN_WORD_BYTES = 3,  /* of a shorter word every name of its length is close */
    MAX_WORD_BYTES = 128 /* names of options are far shorter; longer words match nothing */
};

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][MAX_WORD_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

bool tkp_span_is(struct tokperf_span span, const char *text)
{
    return tkp_span_equal(span, tkp_span(text));
}

bool tkp_span_equal(struct tokperf_span a, struct tokperf_span b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

bool tkp_span_is_nocase(struct tokperf_span span, const char *text)
{
    struct tokperf_span other = tkp_span(text);
    return span.len == other.len && (!span.len || !strncasecmp(span.data, other.data, span.len));
}

struct tokperf_span tkp_span_trim(struct tokperf_span span)
{
    while (span.len && (span.data[0] == ' ' || span.data[0] == '\t')) {
        span.data++;
        span.len--;
    }
    while (span.len && (span.data[span.len - 1] == ' ' || span.data[span.len - 1] == '\t'))
        span.len--;
    return span;
}

size_t tkp_text_copy(char *out, size_t capacity, struct tokperf_span span)
{
    if (!capacity)
        return span.len;
    size_t len = span.len < capacity ? span.len : capacity - 1;
    if (len)
        memcpy(out, span.data, len);
    out[len] = '\0';
    return span.len;
}

bool tkp_text_is_utf8(const char *data, size_t len)
{
    bool valid = true;
    for (size_t at = 0; at < len && valid;) {
        uint64_t word;
        if (len - at >= sizeof word) {
            memcpy(&word, data + at, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) { /* eight ASCII bytes */
                at += sizeof word;
                continue;
            }
        }
        at += tkp_utf8_step(data + at, len - at, &valid);
    }
    return valid;
}

const char *tkp_text_closest(const char *word, const char *const *names)
{
    size_t len = strlen(word);
    if (len > MAX_WORD_BYTES || len < MIN_WORD_BYTES)
        return NULL;
    unsigned limit = len >= 6 ? (unsigned)(len / 3) : 1;
    const char *closest = NULL;
    for (; *names; names++) {
        size_t name_len = strlen(*names);
        if (name_len > MAX_WORD_BYTES)
            continue;
        unsigned d = distance(word, len, *names, name_len);
        if (d < limit || (d == limit && !closest)) {
            closest = *names;
            if (!d)
                break;
            limit = d;
        }
    }
    return closest;
}
