/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding on random merges: the two ways of merging agree with the definition (again and
 * again the leftmost pair of the lowest rank), and cutting at joints changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <token/model.h>

enum { LETTERS = 6, MERGES = 60, TEXT_MAX = 400, ROUNDS = 400, TOKEN_MAX = 64 };

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (uint32_t)(seed >> 33) % n;
}

/* Characters a..f and random merges of tokens that are there. */
static void make_model(struct tkp_model *m)
{
    *m = (struct tkp_model){.unknown_id = TKP_NO_ID};
    for (int i = 0; i < 256; i++)
        m->byte_ids[i] = TKP_NO_ID;
    assert_true(tkp_vocabulary_init(&m->vocabulary, LETTERS + MERGES, LETTERS + MERGES,
                                    (LETTERS + MERGES) * TOKEN_MAX));
    assert_true(tkp_merges_init(&m->merges, MERGES));
    for (uint32_t i = 0; i < LETTERS; i++) {
        char letter = (char)('a' + i);
        assert_true(tkp_vocabulary_add(&m->vocabulary, i, &letter, 1));
    }
    for (uint32_t next = LETTERS; next < LETTERS + MERGES;) {
        uint32_t left = below(next), right = below(next);
        struct tokperf_span a = tkp_vocabulary_get(&m->vocabulary, left);
        struct tokperf_span b = tkp_vocabulary_get(&m->vocabulary, right);
        char joined[2 * TOKEN_MAX];
        if (a.len + b.len > TOKEN_MAX)
            continue;
        memcpy(joined, a.data, a.len);
        memcpy(joined + a.len, b.data, b.len);
        if (tkp_vocabulary_find(&m->vocabulary, joined, a.len + b.len) != TKP_NO_ID)
            continue;
        assert_true(tkp_vocabulary_add(&m->vocabulary, next, joined, a.len + b.len));
        assert_true(tkp_merges_add(&m->merges, left, right, next));
        next++;
    }
    assert_true(tkp_model_prepare(m));
}

static size_t by_definition(const struct tkp_merges *m, uint32_t *symbols, size_t n)
{
    for (;;) {
        uint32_t lowest = TKP_NO_RANK;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t rank = tkp_merges_rank(m, symbols[i], symbols[i + 1]);
            if (rank < lowest) {
                lowest = rank;
                at = i;
            }
        }
        if (lowest == TKP_NO_RANK)
            return n;
        symbols[at] = m->merged[lowest];
        memmove(symbols + at + 1, symbols + at + 2, (n - at - 2) * sizeof *symbols);
        n--;
    }
}

static size_t in_parts(const struct tkp_model *m, struct tkp_bpe_scratch *scratch, const char *text,
                       size_t len, uint32_t *ids)
{
    size_t n = 0;
    for (const char *p = text, *stop; p < text + len; p = stop) {
        stop = tkp_joints_next(&m->joints, p, text + len);
        n += tkp_model_merge(m, scratch, p, (size_t)(stop - p), ids + n);
    }
    return n;
}

static void all_ways_agree(void **state)
{
    (void)state;
    struct tkp_bpe_scratch scratch = {.links = NULL};
    size_t cuts = 0, longs = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct tkp_model m;
        char text[TEXT_MAX];
        uint32_t wanted[TEXT_MAX], whole[TEXT_MAX], parts[TEXT_MAX];
        seed = (uint64_t)round;
        make_model(&m);
        size_t len = 1 + below(TEXT_MAX), letters = 1 + below(LETTERS);
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)('a' + below((uint32_t)letters));
            wanted[i] = (uint32_t)(text[i] - 'a');
        }
        size_t n = by_definition(&m.merges, wanted, len);
        assert_int_equal(tkp_model_merge(&m, &scratch, text, len, whole), n);
        assert_memory_equal(whole, wanted, n * sizeof *wanted);
        assert_int_equal(in_parts(&m, &scratch, text, len, parts), n);
        assert_memory_equal(parts, wanted, n * sizeof *wanted);
        cuts += tkp_joints_next(&m.joints, text, text + len) != text + len;
        longs += len > TKP_BPE_SHORT;
        tkp_model_finish(&m);
    }
    assert_true(cuts > ROUNDS / 20 && longs > ROUNDS / 2);
    tkp_bpe_scratch_finish(&scratch);
}

/* Tokens that begin or end inside of a character join every character that has that part. */
static void joints_see_parts_of_characters(void **state)
{
    (void)state;
    static const char tail[] = {'\xad', 'x', '\0'};
    static const char *const tokens[] = {tail, "y\xe4\xb8", "ab"};
    struct tkp_vocabulary v;
    struct tkp_joints j;
    assert_true(tkp_vocabulary_init(&v, 3, 3, 16));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(tkp_vocabulary_add(&v, i, tokens[i], strlen(tokens[i])));
    assert_true(tkp_joints_init(&j, &v));
    static const struct {
        const char *text;
        size_t first;
    } cases[] = {
        {"abc", 2},
        {"ba", 1},
        {"\xe4\xb8\xad"
         "x",
         4}, /* ends in AD */
        {"\xe4\xb8\xae"
         "x",
         3},
        {"y\xe4\xb8\xad", 4},
        {"y\xe5\xb8\xad", 1},
        {"\xe4\xb8\xad\xe4\xb8\xad", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        const char *stop = tkp_joints_next(&j, text, text + strlen(text));
        assert_int_equal(stop - text, cases[i].first);
    }
    tkp_joints_finish(&j);
    tkp_vocabulary_finish(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_agree),
        cmocka_unit_test(joints_see_parts_of_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
