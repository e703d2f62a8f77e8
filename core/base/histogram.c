/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histogram. Page 0 counts the values 0..1023 one by one; page p > 0 covers
 * [2^(9+p), 2^(10+p)) in 1024 steps of 2^(p-1), so that a bucket's width is at most 2^-10 of its
 * lower bound. Behind its buckets a page keeps their sum, so that reading skips whole pages.
 */
#include <base/histogram.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS = 1 << TKP_HISTOGRAM_PRECISION_BITS,
    PAGE_WORDS = STEPS + 1, /* the last is the page's total */
    USED_PAGES = 65 - TKP_HISTOGRAM_PRECISION_BITS
};

struct place {
    unsigned page, step;
};

static struct place place_of(uint64_t value)
{
    if (value < STEPS)
        return (struct place){0, (unsigned)value};
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    unsigned shift = top - TKP_HISTOGRAM_PRECISION_BITS;
    return (struct place){shift + 1, (unsigned)(value >> shift) & (STEPS - 1)};
}

/* The first value of a bucket, and by *width how many it holds. */
static uint64_t bounds_of(struct place place, uint64_t *width)
{
    if (!place.page) {
        *width = 1;
        return place.step;
    }
    *width = UINT64_C(1) << (place.page - 1);
    return ((uint64_t)STEPS + place.step) << (place.page - 1);
}

/* The end of a bucket; the last one's is UINT64_MAX instead of 2^64. */
static uint64_t end_of(uint64_t low, uint64_t width)
{
    return width > UINT64_MAX - low ? UINT64_MAX : low + width;
}

static uint64_t *page_at(struct tkp_histogram *h, unsigned page)
{
    if (!h->pages[page])
        h->pages[page] = calloc(PAGE_WORDS, sizeof *h->pages[page]);
    return h->pages[page];
}

/* Finds the bucket of a rank below count; *below counts the values in the buckets before it. */
static struct place find_rank(const struct tkp_histogram *h, uint64_t rank, uint64_t *below)
{
    uint64_t passed = 0;
    struct place place = {0, 0};
    for (; place.page < USED_PAGES; place.page++) {
        const uint64_t *page = h->pages[place.page];
        if (page && rank < passed + page[STEPS])
            break;
        passed += page ? page[STEPS] : 0;
    }
    const uint64_t *page = h->pages[place.page];
    while (page && place.step < STEPS - 1 && rank >= passed + page[place.step])
        passed += page[place.step++];
    *below = passed;
    return place;
}

/* The middle of the rank's bucket, within what was seen. */
static double value_at(const struct tkp_histogram *h, uint64_t rank)
{
    uint64_t below, width;
    uint64_t low = bounds_of(find_rank(h, rank, &below), &width);
    double middle = (double)low + (double)(width - 1) / 2;
    return fmin(fmax(middle, (double)h->min), (double)h->max);
}

void tkp_histogram_init(struct tkp_histogram *h)
{
    *h = (struct tkp_histogram){.min = UINT64_MAX};
}

void tkp_histogram_finish(struct tkp_histogram *h)
{
    for (unsigned i = 0; i < TKP_HISTOGRAM_PAGES; i++)
        free(h->pages[i]);
    tkp_histogram_init(h);
}

void tkp_histogram_clear(struct tkp_histogram *h)
{
    struct tkp_histogram empty = {.min = UINT64_MAX};
    for (unsigned i = 0; i < TKP_HISTOGRAM_PAGES; i++) {
        empty.pages[i] = h->pages[i];
        if (h->pages[i])
            memset(h->pages[i], 0, PAGE_WORDS * sizeof *h->pages[i]);
    }
    *h = empty;
}

bool tkp_histogram_count(struct tkp_histogram *h, uint64_t value)
{
    struct place place = place_of(value);
    uint64_t *page = page_at(h, place.page);
    if (!page) {
        h->lost++;
        return false;
    }
    page[place.step]++;
    page[STEPS]++;
    h->count++;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    return true;
}

double tkp_histogram_quantile(const struct tkp_histogram *h, double fraction)
{
    if (!h->count)
        return 0;
    double position = fmin(fmax(fraction, 0), 1) * (double)(h->count - 1);
    uint64_t rank = (uint64_t)position;
    double rest = position - (double)rank;
    double value = value_at(h, rank);
    if (rest > 0 && rank + 1 < h->count)
        value += rest * (value_at(h, rank + 1) - value);
    return value;
}

bool tkp_histogram_rank_bucket(const struct tkp_histogram *h, uint64_t rank, uint64_t *low,
                               uint64_t *high, uint64_t *below)
{
    if (rank >= h->count)
        return false;
    uint64_t width;
    *low = bounds_of(find_rank(h, rank, below), &width);
    *high = end_of(*low, width);
    return true;
}

void tkp_histogram_split(const struct tkp_histogram *h, const uint64_t *edges, uint32_t count,
                         uint64_t *counts)
{
    uint32_t at = 0;
    memset(counts, 0, count * sizeof *counts);
    for (struct place place = {0, 0}; place.page < USED_PAGES; place.page++) {
        const uint64_t *page = h->pages[place.page];
        uint64_t left = page ? page[STEPS] : 0, width;
        for (place.step = 0; left && place.step < STEPS; place.step++) {
            if (!page[place.step])
                continue;
            left -= page[place.step];
            uint64_t low = bounds_of(place, &width);
            while (at + 1 < count && low >= edges[at + 1])
                at++;
            counts[at] += page[place.step];
        }
    }
}

void tkp_histogram_bucket(uint64_t value, uint64_t *low, uint64_t *high)
{
    uint64_t width;
    *low = bounds_of(place_of(value), &width);
    *high = end_of(*low, width);
}
