/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to the same result. Short pieces, nearly all, lie in one array that shrinks. Long ones
 * are a linked list with a heap of (rank, place); an entry whose pair has changed since is dropped
 * when it comes up, since a new one was pushed with the change.
 */
#include <token/bpe.h>

#include <stdlib.h>
#include <string.h>

void tkp_bpe_scratch_finish(struct tkp_bpe_scratch *scratch)
{
    free(scratch->links);
    free(scratch->heap);
    *scratch = (struct tkp_bpe_scratch){.links = NULL};
}

size_t tkp_bpe_merge_short(const struct tkp_merges *m, uint32_t *symbols, uint32_t *ranks, size_t n)
{
    while (n > 1) {
        size_t at = 0;
        uint32_t lowest = ranks[0];
        for (size_t i = 1; i + 1 < n; i++) {
            at = ranks[i] < lowest ? i : at;
            lowest = ranks[i] < lowest ? ranks[i] : lowest;
        }
        if (lowest == TKP_NO_RANK)
            break;
        symbols[at] = m->merged[lowest];
        n--;
        if (at + 1 < n)
            tkp_merges_prefetch(m, symbols[at], symbols[at + 2]);
        if (at > 0)
            tkp_merges_prefetch(m, symbols[at - 1], symbols[at]);
        for (size_t i = at + 1; i < n; i++) {
            symbols[i] = symbols[i + 1];
            ranks[i - 1] = ranks[i];
        }
        if (at + 1 < n)
            ranks[at] = tkp_merges_rank(m, symbols[at], symbols[at + 1]);
        if (at > 0)
            ranks[at - 1] = tkp_merges_rank(m, symbols[at - 1], symbols[at]);
    }
    return n;
}

static bool reserve(struct tkp_bpe_scratch *scratch, size_t n)
{
    if (n <= scratch->capacity)
        return true;
    tkp_bpe_scratch_finish(scratch);
    /* Each merge takes an entry and makes two, and there are fewer than n of them: 2 n. */
    scratch->links = malloc(n * sizeof *scratch->links);
    scratch->heap = malloc(2 * n * sizeof *scratch->heap);
    if (!scratch->links || !scratch->heap) {
        tkp_bpe_scratch_finish(scratch);
        return false;
    }
    scratch->capacity = n;
    return true;
}

static void sift_down(uint64_t *heap, size_t len, size_t at)
{
    uint64_t value = heap[at];
    for (size_t child; (child = 2 * at + 1) < len; at = child) {
        if (child + 1 < len && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static void push(uint64_t *heap, size_t *len, uint64_t value)
{
    size_t at = (*len)++;
    for (size_t parent; at > 0 && heap[parent = (at - 1) / 2] > value; at = parent)
        heap[at] = heap[parent];
    heap[at] = value;
}

struct list {
    const struct tkp_merges *merges;
    struct tkp_bpe_link *links;
    uint32_t *symbols; /* TKP_NO_RANK: merged into the one before */
    uint64_t *heap;
    size_t heap_len;
};

static void push_pair(struct list *l, uint32_t left, uint32_t right)
{
    uint32_t rank = tkp_merges_rank(l->merges, l->symbols[left], l->symbols[right]);
    if (rank != TKP_NO_RANK)
        push(l->heap, &l->heap_len, (uint64_t)rank << 32 | left);
}

static void merge_at(struct list *l, uint32_t left, uint32_t right, uint32_t rank)
{
    uint32_t next = l->links[right].next, previous = l->links[left].previous;
    l->symbols[left] = l->merges->merged[rank];
    l->symbols[right] = TKP_NO_RANK;
    l->links[left].next = next;
    if (next != TKP_NO_RANK) {
        l->links[next].previous = left;
        push_pair(l, left, next);
    }
    if (previous != TKP_NO_RANK)
        push_pair(l, previous, left);
}

static void merge_list(struct list *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        l->links[i].previous = i ? (uint32_t)i - 1 : TKP_NO_RANK;
        l->links[i].next = i + 1 < n ? (uint32_t)i + 1 : TKP_NO_RANK;
        uint32_t rank =
            i + 1 < n ? tkp_merges_rank(l->merges, l->symbols[i], l->symbols[i + 1]) : TKP_NO_RANK;
        if (rank != TKP_NO_RANK)
            l->heap[l->heap_len++] = (uint64_t)rank << 32 | i;
    }
    for (size_t i = l->heap_len / 2; i-- > 0;)
        sift_down(l->heap, l->heap_len, i);
    while (l->heap_len > 0) {
        uint32_t rank = (uint32_t)(l->heap[0] >> 32), left = (uint32_t)l->heap[0];
        l->heap[0] = l->heap[--l->heap_len];
        if (l->heap_len > 0)
            sift_down(l->heap, l->heap_len, 0);
        uint32_t right = l->symbols[left] == TKP_NO_RANK ? TKP_NO_RANK : l->links[left].next;
        if (right != TKP_NO_RANK &&
            tkp_merges_rank(l->merges, l->symbols[left], l->symbols[right]) == rank)
            merge_at(l, left, right, rank);
    }
}

size_t tkp_bpe_merge(const struct tkp_merges *merges, struct tkp_bpe_scratch *scratch,
                     uint32_t *symbols, size_t n)
{
    if (n <= TKP_BPE_SHORT) {
        uint32_t ranks[TKP_BPE_SHORT];
        for (size_t i = 0; i + 1 < n; i++)
            ranks[i] = tkp_merges_rank(merges, symbols[i], symbols[i + 1]);
        return tkp_bpe_merge_short(merges, symbols, ranks, n);
    }
    if (!reserve(scratch, n))
        return SIZE_MAX;
    struct list l = {
        .merges = merges, .links = scratch->links, .symbols = symbols, .heap = scratch->heap};
    merge_list(&l, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (symbols[i] != TKP_NO_RANK)
            symbols[kept++] = symbols[i];
    return kept;
}
