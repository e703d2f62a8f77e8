/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.tkr: what was appended is read, a torn file ends the reading, answers enter the prompts.
 */
#include <record/token_counts.h>

#include <record/log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { ENTRIES = 10000 };

static char path[64];

static struct tkp_token_count sample(uint64_t n)
{
    return (struct tkp_token_count){n % 7 ? (int64_t)(n * 31 % 5000) : -1, n % 3 ? 0 : (int64_t)n};
}

static void write_file(uint32_t count, uint32_t step, bool with_end)
{
    struct tkp_log_writer *writer;
    struct tokperf_error error;
    struct tkp_token_count *counts = calloc(step, sizeof *counts);
    assert_int_equal(tkp_log_create(path, true, &writer, &error), TOKPERF_OK);
    tkp_log_append(writer, TKP_LOG_RUN, "{\"tokenizer\":\"t\"}", 17);
    for (uint32_t done = 0; done < count; done += step) {
        uint32_t more = count - done < step ? count - done : step;
        for (uint32_t i = 0; i < more; i++)
            counts[i] = sample(done + i);
        tkp_token_counts_append(writer, counts, more);
    }
    if (with_end)
        tkp_log_append(writer, TKP_LOG_END, "{}", 2);
    tkp_log_close(writer);
    free(counts);
}

static uint64_t read_all(struct tkp_token_counts *counts)
{
    struct tkp_token_count count;
    uint64_t n = 0;
    for (; tkp_token_counts_next(counts, &count); n++) {
        struct tkp_token_count expected = sample(n);
        assert_int_equal(count.output, expected.output);
        assert_int_equal(count.reasoning, expected.reasoning);
    }
    return n;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t steps[] = {1, 100, ENTRIES};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct tkp_token_counts *counts;
        struct tokperf_error error;
        write_file(ENTRIES, steps[i], i > 0);
        assert_int_equal(tkp_token_counts_open(path, &counts, &error), TOKPERF_OK);
        assert_string_equal(tkp_token_counts_tokenizer(counts), "{\"tokenizer\":\"t\"}");
        assert_int_equal(read_all(counts), ENTRIES);
        tkp_token_counts_rewind(counts);
        assert_int_equal(read_all(counts), ENTRIES);
        tkp_token_counts_close(counts);
    }
}

static void test_cut(void **state)
{
    (void)state;
    struct stat st;
    write_file(300, 100, true);
    assert_int_equal(stat(path, &st), 0);
    for (off_t len = st.st_size - 1; len > 0; len -= 37) {
        struct tkp_token_counts *counts;
        struct tokperf_error error;
        assert_int_equal(truncate(path, len), 0);
        if (tkp_token_counts_open(path, &counts, &error) != TOKPERF_OK) {
            assert_true(len < 16 + 17);
            continue;
        }
        assert_int_equal(read_all(counts) % 100, 0); /* whole blocks only */
        tkp_token_counts_close(counts);
    }
    unlink(path);
    struct tkp_token_counts *counts;
    struct tokperf_error error;
    assert_int_equal(tkp_token_counts_open(path, &counts, &error), TOKPERF_E_NOT_FOUND);
}

/* A number that no answer can have ends the reading: what follows belongs to nobody knows which
 * row. */
static void test_impossible_numbers(void **state)
{
    (void)state;
    static const struct tkp_token_count entries[] = {{5, 0}, {INT64_MAX, 0}, {7, 0}};
    struct tkp_log_writer *writer;
    struct tkp_token_counts *counts;
    struct tkp_token_count count;
    struct tokperf_error error;
    assert_int_equal(tkp_log_create(path, true, &writer, &error), TOKPERF_OK);
    tkp_log_append(writer, TKP_LOG_RUN, "{}", 2);
    tkp_token_counts_append(writer, entries, 3);
    tkp_token_counts_append(writer, entries, 1);
    tkp_log_close(writer);
    assert_int_equal(tkp_token_counts_open(path, &counts, &error), TOKPERF_OK);
    assert_true(tkp_token_counts_next(counts, &count));
    assert_int_equal(count.output, 5);
    assert_false(tkp_token_counts_next(counts, &count));
    assert_false(tkp_token_counts_next(counts, &count));
    tkp_token_counts_rewind(counts);
    assert_true(tkp_token_counts_next(counts, &count));
    tkp_token_counts_close(counts);
}

/* Turns of many conversations, interleaved: each prompt has its own texts and the answers before.
 */
static void test_join(void **state)
{
    (void)state;
    enum { CONVERSATIONS = 1000, TURNS = 4 };
    struct tkp_token_counts *counts;
    struct tokperf_error error;
    write_file(CONVERSATIONS * TURNS, 64, true);
    assert_int_equal(tkp_token_counts_open(path, &counts, &error), TOKPERF_OK);
    int64_t *before = calloc(CONVERSATIONS, sizeof *before);
    for (uint64_t n = 0; n < CONVERSATIONS * TURNS; n++) {
        uint64_t conversation = n % CONVERSATIONS;
        struct tkp_row row = {.draw = conversation * 77,
                              .turn_index = (uint32_t)(n / CONVERSATIONS),
                              .flags = TKP_ROW_LIVE_HISTORY,
                              .counted_input = 10,
                              .counted_output = -1,
                              .counted_reasoning = -1};
        if (row.turn_index == TURNS - 1)
            row.flags |= TKP_ROW_LAST_TURN;
        tkp_token_counts_join(counts, &row);
        assert_int_equal(row.counted_output, sample(n).output);
        int64_t answers = before[conversation];
        assert_int_equal(row.counted_input, answers < 0 ? -1 : 10 + answers);
        before[conversation] =
            answers < 0 || row.counted_output < 0 ? -1 : answers + row.counted_output;
    }
    struct tkp_row uncounted = {.counted_input = 5, .counted_output = -1, .counted_reasoning = -1};
    tkp_token_counts_join(counts, &uncounted);
    assert_int_equal(uncounted.counted_input, 5);
    assert_int_equal(uncounted.counted_output, -1);
    free(before);
    tkp_token_counts_close(counts);
}

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/tokperf-tokens-%d.tkr", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_impossible_numbers),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
