/* SPDX-License-Identifier: Apache-2.0 */
/* Counting a record log: the same counts however many threads, however often it is broken off. */
#include <count/counter.h>

#include <base/clock.h>
#include <record/block.h>
#include <record/kept_text.h>
#include <record/log.h>
#include <record/token_counts.h>
#include <row_samples.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <row_log.h>

enum { ROWS = 3000, TEXT_BYTES = 4096 };

static const char identity[] = "{\"tokenizer\":\"builtin\"}";
static struct tkp_tokenizer *tokenizer;
static char dir[64], log_path[96], counts_path[96];

/* What row n has: some nothing, some a failure, most an answer, a third of them with reasoning. */
static bool has_text(uint64_t n)
{
    return n % 11 != 3 && n % 13 != 5;
}
static int64_t output_tokens(uint64_t n)
{
    return (int64_t)(n % 97 + 1);
}
static int64_t reasoning_tokens(uint64_t n)
{
    return n % 3 ? 0 : (int64_t)(n % 31 + 1);
}

/* "w w w": one token of the builtin tokenizer for each; a space may be written as an escape. */
static size_t put_words(char *at, uint32_t tag, int64_t words)
{
    size_t len = TKP_KEPT_HEAD_BYTES;
    const char *space = tag & TKP_KEPT_ENCODED ? "\\u0020" : " ";
    for (int64_t i = 0; i < words; i++)
        len += (size_t)snprintf(at + len, TEXT_BYTES - len, "%sw", i ? space : "");
    tkp_kept_put_head(at, tag, (uint32_t)(len - TKP_KEPT_HEAD_BYTES));
    return len;
}

static void add_row(struct row_log *log, uint64_t n)
{
    char texts[TEXT_BYTES];
    struct tkp_row row = sample_row(n);
    row.chunk_count = 0;
    if (n % 11 == 3)
        row.outcome = TKP_OUTCOME_TIMEOUT;
    if (has_text(n)) {
        uint32_t encoded = n % 2 ? TKP_KEPT_ENCODED : 0;
        size_t len = 0;
        if (reasoning_tokens(n))
            len = put_words(texts, TKP_KEPT_REASONING | encoded, reasoning_tokens(n));
        len += put_words(texts + len, TKP_KEPT_OUTPUT | encoded, output_tokens(n));
        row.kept_bytes = len;
    }
    row_log_add_texts(log, &row, NULL, texts);
}

static void write_log(uint64_t rows)
{
    struct row_log log;
    row_log_open(&log, log_path);
    for (uint64_t n = 0; n < rows; n++)
        add_row(&log, n);
    row_log_close(&log, true);
}

static struct tkp_counter *start(uint32_t lanes, bool resume, const char *who)
{
    struct tkp_counter_options options = {.log_path = log_path,
                                          .counts_path = counts_path,
                                          .tokenizer = tokenizer,
                                          .identity = who,
                                          .live_lanes = lanes,
                                          .resume = resume};
    struct tkp_counter *counter;
    struct tokperf_error error;
    if (tkp_counter_start(&options, &counter, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
    return counter;
}

static enum tkp_counter_end drain(struct tkp_counter *counter, uint32_t threads, uint64_t until_ns,
                                  struct tkp_counter_progress *progress)
{
    struct tokperf_error error;
    return tkp_counter_drain(counter, threads, until_ns, NULL, progress, &error);
}

/* How many entries tokens.tkr has; all of them must be right. */
static uint64_t check_counts(void)
{
    struct tkp_token_counts *counts;
    struct tkp_token_count count;
    struct tokperf_error error;
    uint64_t n = 0;
    assert_int_equal(tkp_token_counts_open(counts_path, &counts, &error), TOKPERF_OK);
    for (; tkp_token_counts_next(counts, &count); n++) {
        assert_int_equal(count.output, has_text(n) ? output_tokens(n) : -1);
        assert_int_equal(count.reasoning, has_text(n) ? reasoning_tokens(n) : -1);
    }
    tkp_token_counts_close(counts);
    return n;
}

static uint64_t texts_of(uint64_t rows)
{
    uint64_t texts = 0;
    for (uint64_t n = 0; n < rows; n++)
        texts += has_text(n);
    return texts;
}

static void test_any_number_of_threads(void **state)
{
    (void)state;
    write_log(ROWS);
    for (uint32_t threads = 1; threads <= 5; threads++) {
        struct tkp_counter_progress progress;
        struct tkp_counter *counter = start(0, false, identity);
        assert_int_equal(drain(counter, threads, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
        tkp_counter_close(counter);
        assert_int_equal(check_counts(), ROWS);
        assert_int_equal(progress.rows, ROWS);
        assert_int_equal(progress.texts, texts_of(ROWS));
        assert_int_equal(progress.failed, 0);
        assert_int_equal(progress.pending, 0);
    }
}

/* The log grows while lanes count; what is left at its end is drained. */
static void test_live(void **state)
{
    (void)state;
    for (uint32_t lanes = 1; lanes <= 3; lanes++) {
        struct row_log log;
        struct tkp_counter_progress progress = {0};
        row_log_open(&log, log_path);
        add_row(&log, 0);
        tkp_log_write_out(log.writer);
        struct tkp_counter *counter = start(lanes, false, identity);
        for (uint64_t n = 1; n < ROWS; n++) {
            add_row(&log, n);
            if (n == ROWS / 2)
                tkp_log_write_out(log.writer);
            while (n == ROWS / 2 && progress.rows < ROWS / 2) /* ctest has a time limit */
                tkp_counter_progress(counter, &progress);
        }
        row_log_close(&log, true);
        assert_int_equal(drain(counter, 2, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
        tkp_counter_close(counter);
        assert_int_equal(check_counts(), ROWS);
        assert_int_equal(progress.texts, texts_of(ROWS));
    }
}

static void test_out_of_time_and_resumed(void **state)
{
    (void)state;
    struct tkp_counter_progress progress;
    write_log(ROWS);
    struct tkp_counter *counter = start(0, false, identity);
    assert_int_equal(drain(counter, 2, 0, &progress), TKP_COUNTER_OUT_OF_TIME);
    assert_int_equal(progress.pending, texts_of(ROWS));
    tkp_counter_close(counter);
    assert_int_equal(check_counts(), 0);

    /* Cut anywhere, as by kill -9, it goes on behind the last whole block. */
    struct stat st;
    counter = start(0, true, identity);
    assert_int_equal(drain(counter, 2, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
    tkp_counter_close(counter);
    assert_int_equal(stat(counts_path, &st), 0);
    for (off_t len = st.st_size - 5; len > 0; len -= st.st_size / 9) {
        assert_int_equal(truncate(counts_path, len), 0);
        counter = start(0, true, identity);
        assert_int_equal(drain(counter, 1, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
        tkp_counter_close(counter);
        assert_int_equal(check_counts(), ROWS);
        assert_int_equal(progress.texts, texts_of(ROWS));
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    struct tkp_counter_progress progress;
    struct tokperf_error error;
    struct tkp_flag cancel = {0};
    tkp_flag_raise(&cancel);
    write_log(ROWS);
    struct tkp_counter *counter = start(0, false, identity);
    assert_int_equal(tkp_counter_drain(counter, 2, TKP_NEVER_NS, &cancel, &progress, &error),
                     TKP_COUNTER_CANCELLED);
    tkp_counter_close(counter);
    assert_int_equal(progress.pending, texts_of(ROWS));
}

/* Counts of another tokenizer are not gone on with. */
static void test_another_tokenizer(void **state)
{
    (void)state;
    struct tkp_counter_progress progress;
    write_log(100);
    struct tkp_counter *counter = start(0, false, "{\"tokenizer\":\"other\"}");
    assert_int_equal(drain(counter, 1, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
    tkp_counter_close(counter);
    counter = start(0, true, identity);
    tkp_counter_progress(counter, &progress);
    assert_int_equal(progress.rows, 0);
    assert_int_equal(drain(counter, 1, TKP_NEVER_NS, &progress), TKP_COUNTER_COMPLETE);
    tkp_counter_close(counter);
    assert_int_equal(check_counts(), 100);
}

static void test_no_room(void **state)
{
    (void)state;
    struct tkp_counter_options options = {.log_path = log_path,
                                          .counts_path = "/dev/full/tokens.tkr",
                                          .tokenizer = tokenizer,
                                          .identity = identity};
    struct tkp_counter *counter;
    struct tokperf_error error;
    write_log(10);
    assert_int_not_equal(tkp_counter_start(&options, &counter, &error), TOKPERF_OK);
    assert_null(counter);
    tkp_counter_close(counter);
}

static int setup(void **state)
{
    (void)state;
    struct tokperf_error error;
    snprintf(dir, sizeof dir, "/tmp/tokperf-counter-%d", (int)getpid());
    snprintf(log_path, sizeof log_path, "%s/records.tkr", dir);
    snprintf(counts_path, sizeof counts_path, "%s/tokens.tkr", dir);
    if (tkp_tokenizer_load("builtin", &tokenizer, &error) != TOKPERF_OK)
        return 1;
    return mkdir(dir, 0700);
}

static int teardown(void **state)
{
    (void)state;
    tkp_tokenizer_destroy(tokenizer);
    unlink(log_path);
    unlink(counts_path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_threads),   cmocka_unit_test(test_live),
        cmocka_unit_test(test_out_of_time_and_resumed), cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_another_tokenizer),       cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
