/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of one tokenizer on one corpus: tokens_bench PATH CORPUS.jsonl THREADS. Prints a JSON
 * object: loading, then MB per CPU-second with an empty cache of pieces ("cold"), again over the
 * same texts
 * ("warm"), and the CPU of THREADS threads, each with its share of the texts, over that of one.
 */
#include <base/buffer.h>
#include <base/files.h>
#include <base/json_scan.h>
#include <base/text.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <token/tokenizer.h>

enum { MAX_THREADS = 64, MAX_CORPUS_BYTES = 512 << 20 };

static struct tokperf_span *texts;
static size_t text_count;
static uint64_t text_bytes;
static struct tkp_tokenizer *tokenizer;

static int fail(const char *what)
{
    fprintf(stderr, "tokens_bench: %s\n", what);
    return 1;
}

static double cpu_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The peak of this program alone: ru_maxrss would begin with that of the one that started it. */
static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        (void)fclose(file);
    return kib;
}

static bool next_is(struct tokperf_json *scan, uint32_t token)
{
    return tkp_json_next(scan) == token;
}

/* The texts stay in memory for good. */
static bool read_corpus(const char *path, struct tkp_buffer *content)
{
    struct tokperf_error error;
    if (tkp_files_read(path, MAX_CORPUS_BYTES, 0, content, &error) != TOKPERF_OK)
        return false;
    size_t lines = 1;
    for (size_t i = 0; i < content->len; i++)
        lines += content->data[i] == '\n';
    texts = calloc(lines, sizeof *texts);
    for (char *p = content->data, *end = p + content->len; texts && p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        struct tokperf_json scan;
        uint64_t len = 0;
        stop = stop ? stop : end;
        tkp_json_open(&scan, p, (size_t)(stop - p));
        if (next_is(&scan, TOKPERF_JSON_OBJECT_BEGIN) && next_is(&scan, TOKPERF_JSON_KEY) &&
            next_is(&scan, TOKPERF_JSON_STRING)) {
            char *text = malloc(3 * scan.text.len + 1);
            if (!text || tkp_json_unescape(scan.text, text, 3 * scan.text.len + 1, &len))
                return false;
            texts[text_count++] = (struct tokperf_span){text, len};
            text_bytes += len;
        }
        p = stop + 1;
    }
    return text_count > 0;
}

struct share {
    pthread_t thread;
    size_t first, step;
    uint64_t tokens;
    double cpu_s;
    bool failed;
};

static void count(struct tkp_encoder *encoder, struct share *share)
{
    struct tokperf_error error;
    double before = cpu_s(CLOCK_THREAD_CPUTIME_ID);
    share->tokens = 0;
    for (size_t i = share->first; i < text_count; i += share->step) {
        uint64_t tokens = 0;
        share->failed |= tkp_encoder_count(encoder, texts[i], &tokens, &error) != TOKPERF_OK;
        share->tokens += tokens;
    }
    share->cpu_s = cpu_s(CLOCK_THREAD_CPUTIME_ID) - before;
}

static void *run_share(void *argument)
{
    struct share *share = argument;
    struct tokperf_error error;
    struct tkp_encoder *encoder = NULL;
    share->failed = tkp_encoder_create(tokenizer, &encoder, &error) != TOKPERF_OK;
    if (!share->failed)
        count(encoder, share);
    tkp_encoder_destroy(encoder);
    return NULL;
}

static double run_threads(size_t threads)
{
    struct share shares[MAX_THREADS];
    double sum = 0;
    for (size_t i = 0; i < threads; i++) {
        shares[i] = (struct share){.first = i, .step = threads};
        if (pthread_create(&shares[i].thread, NULL, run_share, &shares[i]))
            return 0;
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(shares[i].thread, NULL);
        sum += shares[i].cpu_s;
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct tkp_buffer content;
    struct tokperf_error error;
    struct tkp_encoder *encoder = NULL;
    int64_t threads = 0;
    if (argc != 4 || !tkp_text_to_int(argv[3], &threads) || threads < 1 || threads > MAX_THREADS)
        return fail("usage: tokens_bench TOKENIZER CORPUS.jsonl THREADS");
    double before = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    if (tkp_tokenizer_load(argv[1], &tokenizer, &error) != TOKPERF_OK)
        return fail(error.message);
    double load_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - before;
    long load_kib = peak_kib();
    tkp_buffer_init(&content, MAX_CORPUS_BYTES);
    if (!read_corpus(argv[2], &content))
        return fail("cannot read the corpus");
    if (tkp_encoder_create(tokenizer, &encoder, &error) != TOKPERF_OK)
        return fail(error.message);
    struct share cold = {.step = 1}, warm = {.step = 1};
    count(encoder, &cold);
    count(encoder, &warm);
    tkp_encoder_destroy(encoder);
    double one_s = run_threads(1), many_s = run_threads((size_t)threads),
           mb = (double)text_bytes / 1e6;
    if (cold.failed || warm.failed || one_s <= 0)
        return fail("a text could not be counted");
    printf("{\"load_s\": %.3f, \"load_mib\": %.1f, \"texts\": %zu, \"mb\": %.3f, \"tokens\": %llu, "
           "\"cold_mb_s\": %.2f, \"warm_mb_s\": %.2f, \"threads_cpu\": %.3f}\n",
           load_s, (double)load_kib / 1024, text_count, mb, (unsigned long long)cold.tokens,
           mb / cold.cpu_s, mb / warm.cpu_s, many_s / one_s);
    return 0;
}
