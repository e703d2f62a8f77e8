/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds distinct texts to the counting of a run and measures it: token_queue TOKENIZER DIR TEXTS
 * WORDS LANES. A record log grows as fast as it can be written, LANES threads count meanwhile, and
 * every core drains the rest. Prints a JSON object.
 */
#include <base/clock.h>
#include <base/rng.h>
#include <base/thread.h>
#include <count/counter.h>
#include <inttypes.h>
#include <record/block.h>
#include <record/kept_text.h>
#include <record/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { WORD_BYTES = 12, MAX_WORDS = 100000, BLOCKS = 8 };

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void hand_over(struct tkp_block_channel *channel, struct tkp_log_writer *log)
{
    for (struct tkp_block *block; (block = tkp_block_take(channel));) {
        tkp_log_append(log, block->kind, block->data, block->used_bytes);
        tkp_block_give_back(channel, block);
    }
}

/* Words of 1 to 8 letters, as frequent as letters of English are: texts that no cache has seen. */
static uint64_t make_text(uint64_t n, uint64_t words, char *out)
{
    static const char letters[] = "eeeeeetttttaaaaooooiiiinnnnsssshhhrrrddllucmfwygpbvk";
    uint64_t len = TKP_KEPT_HEAD_BYTES;
    for (uint64_t i = 0; i < words; i++) {
        uint64_t bits = tkp_rng_bits(1, n, i);
        uint64_t word = bits % 8 + 1;
        for (uint64_t k = 0; k < word; k++)
            out[len++] = letters[(bits >> (8 + 6 * k)) % (sizeof letters - 1)];
        out[len++] = ' ';
    }
    tkp_kept_put_head(out, TKP_KEPT_OUTPUT, (uint32_t)(len - TKP_KEPT_HEAD_BYTES));
    return len;
}

static uint64_t feed(struct tkp_log_writer *log, uint64_t texts, uint64_t words)
{
    struct tkp_block_channel *channel = tkp_block_channel_create(0, BLOCKS);
    char *text = malloc(words * WORD_BYTES + TKP_KEPT_HEAD_BYTES);
    uint64_t bytes = 0;
    for (uint64_t n = 0; channel && text && n < texts; n++) {
        struct tkp_row row = {
            .ordinal = n, .draw = n, .outcome = TKP_OUTCOME_OK, .start_ns = 1 + n};
        memset(&row.usage, 0xff, sizeof row.usage);
        row.counted_input = row.counted_output = row.counted_reasoning = -1;
        row.kept_bytes = make_text(n, words, text);
        bytes += row.kept_bytes - TKP_KEPT_HEAD_BYTES;
        while (!tkp_block_put(channel, &row, NULL, text, 0))
            hand_over(channel, log);
    }
    if (channel)
        tkp_block_flush(channel, 0, true);
    hand_over(channel, log);
    tkp_log_append(log, TKP_LOG_END, "{}", 2);
    tkp_log_write_out(log);
    free(text);
    tkp_block_channel_destroy(channel);
    return bytes;
}

static int measure(const struct tkp_counter_options *options, struct tkp_log_writer *log,
                   uint64_t texts, uint64_t words)
{
    struct tkp_counter *counter;
    struct tkp_counter_progress live, done;
    struct tokperf_error error;
    long before_kib = peak_kib();
    if (tkp_counter_start(options, &counter, &error) != TOKPERF_OK) {
        fprintf(stderr, "token_queue: %s\n", error.message);
        return 1;
    }
    uint64_t begin_ns = tkp_clock_now_ns();
    uint64_t bytes = feed(log, texts, words), fed_ns = tkp_clock_now_ns();
    tkp_counter_progress(counter, &live);
    double cpu_fed_s = cpu_s();
    enum tkp_counter_end end =
        tkp_counter_drain(counter, tkp_thread_cpu_count(), TKP_NEVER_NS, NULL, &done, &error);
    uint64_t end_ns = tkp_clock_now_ns();
    double drain_cpu_s = cpu_s() - cpu_fed_s;
    double left = done.texts ? (double)(done.texts - live.texts) / (double)done.texts : 0;
    tkp_counter_close(counter);
    if (end != TKP_COUNTER_COMPLETE || done.texts != texts) {
        fprintf(stderr, "token_queue: %" PRIu64 " of %" PRIu64 " texts were counted\n", done.texts,
                texts);
        return 1;
    }
    printf("{\"texts\":%" PRIu64 ",\"tokens\":%" PRIu64 ",\"mb\":%.1f,\"fed_s\":%.2f,"
           "\"counted_while_fed\":%" PRIu64 ",\"drain_s\":%.2f,\"drain_mb_per_cpu_s\":%.1f,"
           "\"drain_mb_per_s\":%.1f,\"memory_kib_before\":%ld,\"memory_kib_peak\":%ld}\n",
           done.texts, done.tokens, (double)bytes / 1e6, (double)(fed_ns - begin_ns) / 1e9,
           live.texts, (double)(end_ns - fed_ns) / 1e9, left * (double)bytes / 1e6 / drain_cpu_s,
           left * (double)bytes / 1e6 / ((double)(end_ns - fed_ns) / 1e9), before_kib, peak_kib());
    return 0;
}

int main(int argc, char **argv)
{
    char log_path[4096], counts_path[4096];
    struct tokperf_error error;
    struct tkp_tokenizer *tokenizer;
    struct tkp_log_writer *log;
    if (argc != 6) {
        fputs("usage: token_queue TOKENIZER DIR TEXTS WORDS LANES\n", stderr);
        return 2;
    }
    uint64_t words = strtoull(argv[4], NULL, 10);
    snprintf(log_path, sizeof log_path, "%s/records.tkr", argv[2]);
    snprintf(counts_path, sizeof counts_path, "%s/tokens.tkr", argv[2]);
    if (words == 0 || words > MAX_WORDS ||
        tkp_tokenizer_load(argv[1], &tokenizer, &error) != TOKPERF_OK ||
        tkp_log_create(log_path, true, &log, &error) != TOKPERF_OK) {
        fprintf(stderr, "token_queue: %s\n", words ? error.message : "WORDS is not 1 to 100000");
        return 1;
    }
    struct tkp_counter_options options = {
        .log_path = log_path,
        .counts_path = counts_path,
        .tokenizer = tokenizer,
        .identity = "{}",
        .live_lanes = (uint32_t)strtoul(argv[5], NULL, 10),
    };
    int failed = measure(&options, log, strtoull(argv[3], NULL, 10), words);
    tkp_log_close(log);
    tkp_tokenizer_destroy(tokenizer);
    return failed;
}
