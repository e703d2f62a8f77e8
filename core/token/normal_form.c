/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalization forms by UAX 15. Text that is in the form already is recognised by the quick check
 * and copied as it is; only the pieces between two boundaries that fail it are decomposed, put into
 * canonical order and, for NFC and NFKC, composed. Belongs to the thread that owns the scratch.
 */
#include <token/normal_form.h>

#include <base/utf8.h>
#include <stdlib.h>
#include <token/unicode.h>
#include <token/unicode_data.h>

enum { RANKS = 64, FIRST_CAPACITY_MARKS = 16 };

/* Hangul syllables are arithmetic (The Unicode Standard, 3.12). */
enum {
    HANGUL_S = 0xac00,
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11a7,
    HANGUL_LS = 19,
    HANGUL_VS = 21,
    HANGUL_TS = 28,
    HANGUL_SYLLABLES = HANGUL_LS * HANGUL_VS * HANGUL_TS,
};

/* A code point that waits for what follows. The first may be a starter, the others are marks. */
struct tkp_normal_mark {
    uint32_t code_point;
    uint8_t rank;
};

struct run {
    struct tkp_normal_scratch *scratch;
    struct tkp_buffer *out;
    bool composes, compatible;
    bool failed;
};

static bool form_composes(enum tkp_normal_form form)
{
    return form == TKP_NORMAL_NFC || form == TKP_NORMAL_NFKC;
}

static bool form_is_compatible(enum tkp_normal_form form)
{
    return form == TKP_NORMAL_NFKC || form == TKP_NORMAL_NFKD;
}

void tkp_normal_scratch_finish(struct tkp_normal_scratch *scratch)
{
    free(scratch->marks);
    free(scratch->sorted);
    *scratch = (struct tkp_normal_scratch){0};
}

/* Whether the form may change this code point or what is before it. */
static bool is_suspect(enum tkp_normal_form form, unsigned flags)
{
    if (form_is_compatible(form) && (flags & TKP_NORMAL_COMPATIBLE))
        return true;
    if (!form_composes(form))
        return flags & TKP_NORMAL_CANONICAL;
    if (flags & TKP_NORMAL_BACKWARD)
        return true;
    return (flags & TKP_NORMAL_CANONICAL) && !(flags & TKP_NORMAL_RECOMPOSES);
}

/* How many bytes at the front are ASCII, which every form leaves as it is. */
static size_t ascii_run(const char *text, size_t len)
{
    size_t at = 0;
    uint64_t word;
    for (; len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (at < len && (unsigned char)text[at] < 0x80)
        at++;
    return at;
}

size_t tkp_normal_prefix(enum tkp_normal_form form, const char *text, size_t len)
{
    size_t boundary = 0, at = 0;
    unsigned last_rank = 0;
    while (at < len) {
        size_t step = ascii_run(text + at, len - at);
        if (step) {
            at += step;
            boundary = at - 1;
            last_rank = 0;
            continue;
        }
        uint32_t code_point = tkp_unicode_decode(text + at, &step);
        const struct tkp_normal_entry *entry = tkp_normal_entry_of(code_point);
        if (is_suspect(form, entry->flags) || (entry->rank && entry->rank < last_rank))
            return boundary;
        if (!entry->rank)
            boundary = at;
        last_rank = entry->rank;
        at += step;
    }
    return len;
}

/* The end of the piece that begins at `at`: the next starter that nothing before it changes. */
static size_t piece_end(enum tkp_normal_form form, const char *text, size_t at, size_t len)
{
    size_t step;
    (void)tkp_unicode_decode(text + at, &step);
    for (at += step; at < len; at += step) {
        const struct tkp_normal_entry *entry =
            tkp_normal_entry_of(tkp_unicode_decode(text + at, &step));
        if (!entry->rank && !is_suspect(form, entry->flags))
            break;
    }
    return at;
}

static uint32_t compose_hangul(uint32_t first, uint32_t second)
{
    if (first - HANGUL_L < HANGUL_LS && second - HANGUL_V < HANGUL_VS)
        return HANGUL_S + ((first - HANGUL_L) * HANGUL_VS + second - HANGUL_V) * HANGUL_TS;
    uint32_t syllable = first - HANGUL_S;
    if (syllable < HANGUL_SYLLABLES && syllable % HANGUL_TS == 0 && second > HANGUL_T &&
        second < HANGUL_T + HANGUL_TS)
        return first + second - HANGUL_T;
    return 0;
}

/* The code point that the two compose to, or 0. */
static uint32_t compose(uint32_t first, uint32_t second)
{
    if (!(tkp_normal_entry_of(first)->flags & TKP_NORMAL_FORWARD) ||
        !(tkp_normal_entry_of(second)->flags & TKP_NORMAL_BACKWARD))
        return 0;
    uint32_t hangul = compose_hangul(first, second);
    if (hangul)
        return hangul;
    size_t low = 0, high = tkp_normal_pairs_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct tkp_normal_pair *pair = &tkp_normal_pairs[middle];
        if (pair->first == first && pair->second == second)
            return pair->composite;
        if (pair->first < first || (pair->first == first && pair->second < second))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Canonical order: by rank, equal ranks as they came. The first stays where it is when a starter.
 */
static void sort_marks(struct tkp_normal_scratch *scratch)
{
    bool sorted = true;
    for (size_t i = 1; i < scratch->len; i++)
        sorted = sorted && scratch->marks[i - 1].rank <= scratch->marks[i].rank;
    if (sorted)
        return;
    size_t place[RANKS + 1] = {0};
    for (size_t i = 0; i < scratch->len; i++)
        place[scratch->marks[i].rank % RANKS + 1]++;
    for (size_t rank = 1; rank <= RANKS; rank++)
        place[rank] += place[rank - 1];
    for (size_t i = 0; i < scratch->len; i++)
        scratch->sorted[place[scratch->marks[i].rank % RANKS]++] = scratch->marks[i];
    struct tkp_normal_mark *marks = scratch->marks;
    scratch->marks = scratch->sorted;
    scratch->sorted = marks;
}

/* Composes the marks with the starter before them (UAX 15, D117): one between them of the same rank
 * or a higher one is in the way. */
static void compose_marks(struct tkp_normal_scratch *scratch)
{
    struct tkp_normal_mark *marks = scratch->marks;
    if (!scratch->len || marks[0].rank)
        return;
    size_t kept = 1;
    for (size_t i = 1; i < scratch->len; i++) {
        bool blocked = kept > 1 && marks[kept - 1].rank >= marks[i].rank;
        uint32_t composite = blocked ? 0 : compose(marks[0].code_point, marks[i].code_point);
        if (composite)
            marks[0].code_point = composite;
        else
            marks[kept++] = marks[i];
    }
    scratch->len = kept;
}

static void settle(struct run *run)
{
    sort_marks(run->scratch);
    if (run->composes)
        compose_marks(run->scratch);
}

static void flush(struct run *run)
{
    struct tkp_normal_scratch *scratch = run->scratch;
    for (size_t i = 0; i < scratch->len; i++) {
        char bytes[4];
        tkp_buffer_append(run->out, bytes, tkp_utf8_encode(scratch->marks[i].code_point, bytes));
    }
    scratch->len = 0;
}

static bool grow(struct tkp_normal_scratch *scratch)
{
    size_t capacity = scratch->capacity ? 2 * scratch->capacity : FIRST_CAPACITY_MARKS;
    size_t bytes = capacity * sizeof *scratch->marks;
    struct tkp_normal_mark *marks = realloc(scratch->marks, bytes);
    if (!marks)
        return false;
    scratch->marks = marks;
    struct tkp_normal_mark *sorted = realloc(scratch->sorted, bytes);
    if (!sorted)
        return false;
    scratch->sorted = sorted;
    scratch->capacity = capacity;
    return true;
}

/* One decomposed code point. */
static void push(struct run *run, uint32_t code_point)
{
    struct tkp_normal_scratch *scratch = run->scratch;
    uint8_t rank = tkp_normal_entry_of(code_point)->rank;
    if (!rank && scratch->len) {
        settle(run);
        uint32_t composite = run->composes && scratch->len == 1 && !scratch->marks[0].rank
                                 ? compose(scratch->marks[0].code_point, code_point)
                                 : 0;
        if (composite) {
            scratch->marks[0].code_point = composite;
            return;
        }
        flush(run);
    }
    if (scratch->len == scratch->capacity && !grow(scratch)) {
        run->failed = true;
        return;
    }
    scratch->marks[scratch->len++] = (struct tkp_normal_mark){code_point, rank};
}

static void push_hangul(struct run *run, uint32_t syllable)
{
    push(run, HANGUL_L + syllable / (HANGUL_VS * HANGUL_TS));
    push(run, HANGUL_V + syllable / HANGUL_TS % HANGUL_VS);
    if (syllable % HANGUL_TS)
        push(run, HANGUL_T + syllable % HANGUL_TS);
}

static void decompose(struct run *run, uint32_t code_point)
{
    if (code_point - HANGUL_S < HANGUL_SYLLABLES) {
        push_hangul(run, code_point - HANGUL_S);
        return;
    }
    const struct tkp_normal_entry *entry = tkp_normal_entry_of(code_point);
    bool compatible = run->compatible && (entry->flags & TKP_NORMAL_COMPATIBLE);
    if (!compatible && !(entry->flags & TKP_NORMAL_CANONICAL)) {
        push(run, code_point);
        return;
    }
    const uint8_t *found = tkp_normal_pool + entry->offset;
    if (compatible && (entry->flags & TKP_NORMAL_SECOND))
        found += 1 + *found;
    const char *text = (const char *)found + 1;
    size_t step;
    for (size_t at = 0; at < *found; at += step)
        push(run, tkp_unicode_decode(text + at, &step));
}

bool tkp_normal_append(enum tkp_normal_form form, struct tkp_normal_scratch *scratch,
                       const char *text, size_t len, struct tkp_buffer *out)
{
    struct run run = {.scratch = scratch,
                      .out = out,
                      .composes = form_composes(form),
                      .compatible = form_is_compatible(form)};
    scratch->len = 0;
    for (size_t at = 0; at < len && !run.failed && !out->failed;) {
        size_t normal = tkp_normal_prefix(form, text + at, len - at);
        tkp_buffer_append(out, text + at, normal);
        at += normal;
        size_t end = at < len ? piece_end(form, text, at, len) : len;
        for (size_t step; at < end; at += step)
            decompose(&run, tkp_unicode_decode(text + at, &step));
        settle(&run);
        flush(&run);
    }
    return !run.failed && !out->failed;
}
