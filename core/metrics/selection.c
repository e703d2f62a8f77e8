/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order statistics by narrowing. A part is a half-open range of keys that holds at least one wanted
 * rank that is not known yet; parts are disjoint and ascending. One thread.
 */
#include <metrics/selection.h>

#include <stdlib.h>
#include <string.h>

struct part {
    uint64_t low, high;    /* keys: low <= key < high */
    uint64_t below, count; /* values before the part, values in it */
    uint64_t seen;         /* of this reading */
    double min, max;       /* of this reading */
    double *kept;          /* keeping: count values */
    uint32_t *steps;       /* splitting: how many fell into each of STEPS equal ranges */
};

struct tkp_selection {
    uint64_t ranks[TKP_SELECTION_MAX_RANKS];
    double values[TKP_SELECTION_MAX_RANKS];
    bool known[TKP_SELECTION_MAX_RANKS];
    struct part parts[TKP_SELECTION_MAX_RANKS];
    uint64_t lows[TKP_SELECTION_MAX_RANKS]; /* of the parts, close together for the search */
    uint32_t rank_count, part_count;
    bool is_reading, whole_keys;
};

static uint64_t step_width(const struct part *part)
{
    return (part->high - part->low - 1) / TKP_SELECTION_STEPS + 1;
}

static void free_part(struct part *part)
{
    free(part->kept);
    free(part->steps);
    part->kept = NULL;
    part->steps = NULL;
}

static void clear_parts(struct tkp_selection *s)
{
    for (uint32_t i = 0; i < s->part_count; i++)
        free_part(&s->parts[i]);
    s->part_count = 0;
}

static bool is_in(const struct part *part, uint64_t rank)
{
    return rank >= part->below && rank - part->below < part->count;
}

/* Adds the part unless it is the last one already, or holds nothing but one whole number. */
static void push_part(struct tkp_selection *s, const struct part *part, uint32_t rank_index)
{
    if (s->whole_keys && part->high - part->low == 1) {
        s->values[rank_index] = (double)part->low;
        s->known[rank_index] = true;
        return;
    }
    if (!s->part_count || s->parts[s->part_count - 1].low != part->low)
        s->parts[s->part_count++] = *part;
}

/* How many values the histogram holds in the bucket that starts at low and holds `rank`. */
static uint64_t count_in_bucket(const struct tkp_histogram *h, uint64_t rank, uint64_t low,
                                uint64_t below)
{
    uint64_t inside = rank, outside = h->count; /* the last rank inside lies in [inside, outside) */
    while (outside - inside > 1) {
        uint64_t middle = inside + (outside - inside) / 2, its_low, its_high, its_below;
        if (tkp_histogram_rank_bucket(h, middle, &its_low, &its_high, &its_below) && its_low == low)
            inside = middle;
        else
            outside = middle;
    }
    return inside + 1 - below;
}

/* Gives each part what it needs for a reading: room for its values, or steps. */
static bool begin_reading(struct tkp_selection *s)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < s->part_count; i++)
        values += s->parts[i].count;
    for (uint32_t i = 0; i < s->part_count; i++) {
        struct part *part = &s->parts[i];
        part->seen = 0;
        s->lows[i] = part->low;
        if (values <= TKP_SELECTION_KEEP)
            part->kept = malloc(part->count * sizeof *part->kept);
        else
            part->steps = calloc(TKP_SELECTION_STEPS, sizeof *part->steps);
        if (!part->kept && !part->steps)
            return false;
    }
    s->is_reading = true;
    return true;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The values of all ranks of a part whose values were kept, or are all the same. */
static void resolve(struct tkp_selection *s, struct part *part)
{
    if (part->kept)
        qsort(part->kept, part->seen, sizeof *part->kept, compare);
    for (uint32_t i = 0; i < s->rank_count; i++) {
        if (!is_in(part, s->ranks[i]) || s->known[i])
            continue;
        uint64_t at = s->ranks[i] - part->below;
        s->values[i] = part->kept ? part->kept[at] : part->min;
        s->known[i] = true;
    }
}

/* Replaces a split part by those of its steps that hold wanted ranks. */
static void narrow(struct tkp_selection *s, const struct part *part)
{
    uint64_t width = step_width(part), below = part->below;
    uint32_t step = 0;
    for (uint32_t i = 0; i < s->rank_count; i++) {
        if (!is_in(part, s->ranks[i]) || s->known[i])
            continue;
        while (step + 1 < TKP_SELECTION_STEPS && s->ranks[i] >= below + part->steps[step])
            below += part->steps[step++];
        uint64_t low = part->low + step * width;
        uint64_t high = part->high - low < width ? part->high : low + width;
        struct part next = {.low = low, .high = high, .below = below, .count = part->steps[step]};
        push_part(s, &next, i);
    }
}

static void end_reading(struct tkp_selection *s)
{
    struct part old[TKP_SELECTION_MAX_RANKS];
    uint32_t old_count = s->part_count;
    memcpy(old, s->parts, sizeof old);
    s->part_count = 0;
    s->is_reading = false;
    for (uint32_t i = 0; i < old_count; i++) {
        struct part *part = &old[i];
        /* Another stream than the first reading's leaves its ranks unknown. */
        bool complete = part->seen == part->count;
        bool settled = part->kept || part->min >= part->max || part->high - part->low == 1;
        if (complete && settled)
            resolve(s, part);
        else if (complete)
            narrow(s, part);
        free_part(part);
    }
}

struct tkp_selection *tkp_selection_create(const struct tkp_histogram *histogram,
                                           const uint64_t *ranks, uint32_t rank_count,
                                           bool whole_keys)
{
    struct tkp_selection *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->whole_keys = whole_keys;
    s->rank_count = rank_count;
    memcpy(s->ranks, ranks, rank_count * sizeof *ranks);
    for (uint32_t i = 0; i < rank_count; i++) {
        struct part part = {0};
        const struct part *last = s->part_count ? &s->parts[s->part_count - 1] : NULL;
        if (last && is_in(last, ranks[i]))
            continue;
        if (!tkp_histogram_rank_bucket(histogram, ranks[i], &part.low, &part.high, &part.below))
            continue;
        part.count = count_in_bucket(histogram, ranks[i], part.low, part.below);
        push_part(s, &part, i);
    }
    return s;
}

void tkp_selection_destroy(struct tkp_selection *s)
{
    if (!s)
        return;
    clear_parts(s);
    free(s);
}

bool tkp_selection_is_reading(const struct tkp_selection *s)
{
    return s->is_reading;
}

void tkp_selection_add(struct tkp_selection *s, uint64_t key, double value)
{
    uint32_t from = 0, len = s->part_count; /* the part, if any, lies in [from, from + len) */
    while (len > 1) {                       /* without branches that depend on the key */
        uint32_t half = len / 2;
        from += s->lows[from + half] <= key ? half : 0;
        len -= half;
    }
    struct part *part = &s->parts[from];
    if (!len || key < part->low || key >= part->high)
        return;
    if (part->kept && part->seen < part->count)
        part->kept[part->seen] = value;
    if (part->steps)
        part->steps[(key - part->low) / step_width(part)]++;
    part->min = part->seen && part->min < value ? part->min : value;
    part->max = part->seen && part->max > value ? part->max : value;
    part->seen++;
}

bool tkp_selection_needs_reading(struct tkp_selection *s, bool *failed)
{
    if (s->is_reading)
        end_reading(s);
    if (!s->part_count)
        return false;
    if (begin_reading(s))
        return true;
    clear_parts(s);
    *failed = true;
    return false;
}

bool tkp_selection_value(const struct tkp_selection *s, uint64_t rank, double *value)
{
    for (uint32_t i = 0; i < s->rank_count; i++) {
        if (s->ranks[i] != rank)
            continue;
        *value = s->values[i];
        return s->known[i];
    }
    return false;
}
