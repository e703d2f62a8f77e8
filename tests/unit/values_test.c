/* SPDX-License-Identifier: Apache-2.0 */
/* Every per-request metric from fixed stamps, to the nanosecond. */
#include <metrics/slo.h>
#include <metrics/values.h>

#include <near.h>
#include <metric_rows.h>

static struct tkp_values compute(const struct tkp_metric_context *context,
                                 const struct tkp_row *row)
{
    struct tkp_values values;
    tkp_values_compute(context, row, &values);
    return values;
}

/* NAN: the metric must be absent. */
static void check(const struct tkp_values *values, enum tkp_metric_id id, double expected)
{
    if (isnan(expected) ? values->has[id] : !values->has[id] || values->value[id] != expected)
        fail_msg("%s: has %d, value %.17g, expected %.17g", tkp_metric_def(id)->tag,
                 values->has[id], values->value[id], expected);
}

#define CHECK(values, id, expected) check(&(values), TKP_METRIC_##id, expected)

/* intended 1 ms, ready 1.5 ms, start 1.7 ms; first content at 200 ms, second at 210 ms, first
 * output at 250 ms, last at 1200.000003 ms; the end follows 5 ms later. */
static struct tkp_row full_row(void)
{
    struct tkp_row row = metric_row(1, 200, 1200);
    row.ready_ns += 500000;
    row.start_ns += 700000;
    row.second_token_ns = ROW_BASE_NS + 210 * MS;
    row.first_output_token_ns = ROW_BASE_NS + 250 * MS;
    row.last_token_ns += 3;
    row.end_ns = row.last_token_ns + 5 * MS;
    row.chunk_count = 40;
    row.usage.prompt_tokens = 550;
    row.usage.completion_tokens = 101;
    row.usage.reasoning_tokens = 21;
    row.output_tokens_asked = 100;
    return row;
}

static void a_streamed_answer(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = full_row();
    struct tkp_values v = compute(&context, &row);
    double latency = 1198300003, ttft = 198300000;
    CHECK(v, TIME_TO_FIRST_TOKEN, ttft);
    CHECK(v, TIME_TO_FIRST_OUTPUT_TOKEN, 248300000);
    CHECK(v, TIME_TO_SECOND_TOKEN, 10000000);
    CHECK(v, REQUEST_LATENCY, latency); /* to the last content, not to the end */
    CHECK(v, DECODE_DURATION, latency - ttft);
    CHECK(v, INTER_TOKEN_LATENCY, 1000000003.0 / 100);
    CHECK(v, INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK, NAN);
    CHECK(v, OUTPUT_TOKEN_THROUGHPUT_PER_USER, 1e9 / (1000000003.0 / 100));
    CHECK(v, E2E_OUTPUT_TOKEN_THROUGHPUT, 101 * 1e9 / latency);
    CHECK(v, PREFILL_THROUGHPUT_PER_USER, 550 * 1e9 / ttft);
    CHECK(v, CREDIT_TO_START_LATENCY, 700000);
    CHECK(v, CAP_WAIT, 500000);
    CHECK(v, CLIENT_LAG, 200000);
    CHECK(v, EFFECTIVE_LATENCY, latency + 700000);
    CHECK(v, INPUT_SEQUENCE_LENGTH, 550);
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, 101);
    CHECK(v, OUTPUT_TOKEN_COUNT, 80);
    CHECK(v, REASONING_TOKEN_COUNT, 21);
    CHECK(v, REQUESTED_OSL, 100);
    CHECK(v, OSL_MISMATCH_DIFF_PCT, 1);
    CHECK(v, USAGE_PROMPT_TOKENS, 550);
    CHECK(v, USAGE_COMPLETION_TOKENS, 101);
    CHECK(v, USAGE_REASONING_TOKENS, 21);
    CHECK(v, USAGE_TOTAL_TOKENS, NAN);
    CHECK(v, INTER_CHUNK_LATENCY, NAN); /* a list, never here */
}

/* One chunk is not one token: chunks of 1, 3 and 5 tokens of a server with 10 ms per token. */
static void tokens_per_chunk_do_not_matter(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    for (uint64_t size = 1; size <= 5; size += 2) {
        const uint64_t tokens = 1 + 15 * size; /* the first chunk has one */
        struct tkp_row row = metric_row(0, 100, 100 + 10 * (tokens - 1));
        uint64_t chunks[16];
        double gaps[16];
        row.chunk_count = 16;
        row.usage.completion_tokens = (int64_t)tokens;
        row.usage.prompt_tokens = 1;
        for (uint64_t i = 0; i < 16; i++)
            chunks[i] = row.first_token_ns + i * size * 10 * MS;
        struct tkp_values v = compute(&context, &row);
        CHECK(v, INTER_TOKEN_LATENCY, 10e6);
        assert_int_equal(tkp_chunk_gaps(&row, chunks, gaps, 16), 15);
        for (int i = 0; i < 15; i++)
            assert_near(gaps[i], (double)size * 10e6, 0);
    }
}

static void per_chunk_usage(void **state)
{
    (void)state;
    static const struct {
        int64_t first;
        double itl, after_first;
    } cases[] = {
        {-1, 1e9 / 99, NAN},      {0, 1e9 / 99, NAN}, {1, 1e9 / 99, 1e9 / 99},
        {20, 1e9 / 80, 1e9 / 80}, {99, 1e9, 1e9},     {100, 1e9 / 99, NAN},
        {101, 1e9 / 99, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_metric_context context = server_tokens();
        struct tkp_row row = metric_row(0, 100, 1100);
        row.usage.prompt_tokens = 1;
        row.usage.completion_tokens = 100;
        row.first_chunk_tokens = cases[i].first;
        context.per_chunk_usage = true;
        struct tkp_values v = compute(&context, &row);
        CHECK(v, INTER_TOKEN_LATENCY, cases[i].itl);
        CHECK(v, INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK, cases[i].after_first);
        context.per_chunk_usage = false;
        v = compute(&context, &row);
        CHECK(v, INTER_TOKEN_LATENCY, 1e9 / 99);
        CHECK(v, INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK, cases[i].after_first);
    }
}

/* Role chunk at 1 ms, then empty ones, then content at 200 ms: the worker stamps content only, so
 * the first byte does not enter. */
static void ttft_is_the_first_content(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = metric_row(0, 200, 300);
    row.first_byte_ns = ROW_BASE_NS + 1 * MS;
    struct tkp_values v = compute(&context, &row);
    CHECK(v, TIME_TO_FIRST_TOKEN, 200e6);
}

static void without_a_stream(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = metric_row(0, 90, 90);
    row.end_ns = ROW_BASE_NS + 100 * MS;
    row.flags = TKP_ROW_STREAM_ASKED; /* answered whole */
    row.usage.prompt_tokens = 10;
    row.usage.completion_tokens = 20;
    struct tkp_values v = compute(&context, &row);
    CHECK(v, REQUEST_LATENCY, 100e6);
    CHECK(v, TIME_TO_FIRST_TOKEN, NAN);
    CHECK(v, TIME_TO_FIRST_OUTPUT_TOKEN, NAN);
    CHECK(v, INTER_TOKEN_LATENCY, NAN);
    CHECK(v, DECODE_DURATION, NAN);
    CHECK(v, PREFILL_THROUGHPUT_PER_USER, NAN);
    CHECK(v, E2E_OUTPUT_TOKEN_THROUGHPUT, 200);
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, 20);
    context.osl_source = TKP_TOKENS_CHUNKS; /* one chunk of a whole answer says nothing */
    row.chunk_count = 1;
    v = compute(&context, &row);
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, NAN);
    assert_true(tkp_values_lack_tokens(&context, &row));
}

static void one_token_has_no_inter_token_latency(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = metric_row(0, 100, 100);
    row.usage.prompt_tokens = 1;
    row.usage.completion_tokens = 1;
    struct tkp_values v = compute(&context, &row);
    CHECK(v, INTER_TOKEN_LATENCY, NAN);
    CHECK(v, OUTPUT_TOKEN_THROUGHPUT_PER_USER, NAN);
    row.usage.completion_tokens = 5; /* all in one chunk: no time between them */
    v = compute(&context, &row);
    CHECK(v, INTER_TOKEN_LATENCY, 0);
    CHECK(v, OUTPUT_TOKEN_THROUGHPUT_PER_USER, NAN); /* never infinite */
}

static void a_row_without_its_source_has_no_tokens(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = metric_row(0, 100, 200);
    row.chunk_count = 7;
    struct tkp_values v = compute(&context, &row);
    assert_true(tkp_values_lack_tokens(&context, &row));
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, NAN);
    CHECK(v, INPUT_SEQUENCE_LENGTH, NAN);
    CHECK(v, INTER_TOKEN_LATENCY, NAN);
    CHECK(v, TIME_TO_FIRST_TOKEN, 100e6);
    context.isl_source = TKP_TOKENS_NONE;
    context.osl_source = TKP_TOKENS_CHUNKS;
    v = compute(&context, &row);
    assert_false(tkp_values_lack_tokens(&context, &row));
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, 7);
    CHECK(v, INTER_TOKEN_LATENCY, 100e6 / 6);
    CHECK(v, OUTPUT_TOKEN_COUNT, NAN);
    CHECK(v, REQUESTED_OSL, NAN);
}

static void errors_have_only_their_start(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = full_row();
    for (uint32_t outcome = TKP_OUTCOME_OK + 1; outcome < TKP_OUTCOME_COUNT; outcome++) {
        row.outcome = outcome;
        struct tkp_values v = compute(&context, &row);
        for (unsigned id = 0; id < TKP_METRIC_COUNT; id++)
            assert_int_equal(v.has[id], id == TKP_METRIC_CREDIT_TO_START_LATENCY ||
                                            id == TKP_METRIC_CAP_WAIT ||
                                            id == TKP_METRIC_CLIENT_LAG);
        CHECK(v, CLIENT_LAG, 200000);
    }
}

static void coalesced_gaps_are_left_out(void **state)
{
    (void)state;
    struct tkp_row row = metric_row(0, 1, 6);
    const uint64_t chunks[] = {10, 20, 20, 20, 35, 36};
    double gaps[2];
    row.chunk_count = 6;
    assert_int_equal(tkp_chunk_gaps(&row, chunks, gaps, 2), 3);
    assert_near(gaps[0], 10, 0);
    assert_near(gaps[1], 15, 0);
    assert_int_equal(tkp_chunk_gaps(&row, NULL, gaps, 2), 0);
}

/* No arrival is known: what needs one is absent, the rest is there. The end is no arrival. */
static void an_unstamped_answer_has_no_times(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = full_row();
    row.flags |= TKP_ROW_UNSTAMPED;
    row.first_byte_ns = row.first_token_ns = row.second_token_ns = 0;
    row.first_output_token_ns = row.last_token_ns = 0;
    struct tkp_values v = compute(&context, &row);
    CHECK(v, TIME_TO_FIRST_TOKEN, NAN);
    CHECK(v, TIME_TO_SECOND_TOKEN, NAN);
    CHECK(v, REQUEST_LATENCY, NAN);
    CHECK(v, EFFECTIVE_LATENCY, NAN);
    CHECK(v, DECODE_DURATION, NAN);
    CHECK(v, INTER_TOKEN_LATENCY, NAN);
    CHECK(v, READ_DELAY, NAN);
    CHECK(v, OUTPUT_SEQUENCE_LENGTH, 101);
    CHECK(v, CLIENT_LAG, 200000);
    row.flags &= ~(uint32_t)TKP_ROW_STREAMED;
    v = compute(&context, &row);
    CHECK(v, REQUEST_LATENCY, (double)(row.end_ns - row.start_ns));
}

static void the_read_delay_is_the_rows(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = full_row();
    row.read_delay_ns = 4321;
    struct tkp_values v = compute(&context, &row);
    CHECK(v, READ_DELAY, 4321);
    row.outcome = TKP_OUTCOME_TRUNCATED;
    v = compute(&context, &row);
    CHECK(v, READ_DELAY, NAN);
}

static void sources_are_chosen_once(void **state)
{
    (void)state;
    static const struct {
        bool use_server, streaming, prompt, completion;
        enum tkp_token_source isl, osl;
    } cases[] = {
        {false, true, true, true, TKP_TOKENS_SERVER, TKP_TOKENS_SERVER},
        {false, true, false, false, TKP_TOKENS_NONE, TKP_TOKENS_CHUNKS},
        {false, true, true, false, TKP_TOKENS_SERVER, TKP_TOKENS_CHUNKS},
        {false, false, false, false, TKP_TOKENS_NONE, TKP_TOKENS_NONE},
        {false, false, false, true, TKP_TOKENS_NONE, TKP_TOKENS_SERVER},
        {true, true, false, false, TKP_TOKENS_SERVER, TKP_TOKENS_SERVER},
        {true, false, false, false, TKP_TOKENS_SERVER, TKP_TOKENS_SERVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_row row = metric_row(0, 1, 2);
        struct tkp_token_presence presence = {false, false};
        enum tkp_token_source isl, osl;
        row.usage.prompt_tokens = cases[i].prompt ? 5 : -1;
        row.usage.completion_tokens = cases[i].completion ? 5 : -1;
        tkp_token_presence_add(&presence, &row);
        row.outcome = TKP_OUTCOME_TRUNCATED; /* what an error states does not count */
        row.usage.prompt_tokens = row.usage.completion_tokens = 9;
        tkp_token_presence_add(&presence, &row);
        tkp_token_sources_choose(cases[i].use_server, false, cases[i].streaming, &presence, &isl,
                                 &osl);
        assert_int_equal(isl, cases[i].isl);
        assert_int_equal(osl, cases[i].osl);
        tkp_token_sources_choose(cases[i].use_server, true, cases[i].streaming, &presence, &isl,
                                 &osl);
        assert_int_equal(isl, cases[i].use_server ? TKP_TOKENS_SERVER : TKP_TOKENS_TOKENIZER);
        assert_int_equal(osl, isl);
    }
    assert_string_equal(tkp_token_source_name(TKP_TOKENS_SERVER), "server");
    assert_string_equal(tkp_token_source_name(TKP_TOKENS_TOKENIZER), "tokenizer");
    assert_string_equal(tkp_token_source_name(TKP_TOKENS_CHUNKS), "chunks");
    assert_string_equal(tkp_token_source_name(TKP_TOKENS_NONE), "");
}

static void slos_compare_what_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        double threshold;
        bool met, missing;
    } cases[] = {
        {"time_to_first_token", 198.3, true, false},
        {"time_to_first_token", 198.299999, false, false},
        {"output_token_throughput_per_user", 99.99, true, false},
        {"output_token_throughput_per_user", 100.01, false, false},
        {"usage_total_tokens", 1e9, false, true},
    };
    struct tkp_row row = full_row();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_metric_context context = server_tokens();
        struct tkp_slo slo = {cases[i].tag, cases[i].threshold};
        context.slos = &slo;
        context.slo_count = 1;
        struct tkp_values v = compute(&context, &row);
        bool missing;
        assert_int_equal(tkp_slos_met(&context, &v, &missing), cases[i].met);
        assert_int_equal(missing, cases[i].missing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_answer),
        cmocka_unit_test(tokens_per_chunk_do_not_matter),
        cmocka_unit_test(per_chunk_usage),
        cmocka_unit_test(ttft_is_the_first_content),
        cmocka_unit_test(without_a_stream),
        cmocka_unit_test(one_token_has_no_inter_token_latency),
        cmocka_unit_test(a_row_without_its_source_has_no_tokens),
        cmocka_unit_test(errors_have_only_their_start),
        cmocka_unit_test(coalesced_gaps_are_left_out),
        cmocka_unit_test(an_unstamped_answer_has_no_times),
        cmocka_unit_test(the_read_delay_is_the_rows),
        cmocka_unit_test(sources_are_chosen_once),
        cmocka_unit_test(slos_compare_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
