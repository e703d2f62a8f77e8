/* SPDX-License-Identifier: Apache-2.0 */
/* Client's times against a made-up stamp log, and the verdict on a step. */
#include <calibrate/step.h>

#include <base/rng.h>
#include <inttypes.h>
#include <near.h>
#include <stdio.h>
#include <string.h>

enum { SEED = 7, CHUNKS = 3, BASE_NS = 1000000 };

/* A request on a kept connection: could go at `at`, went 10 ns later; chunk i was sent at
 * at + 1000 * (i + 1) and stamped late[i] ns later. */
struct made {
    uint64_t draw, at;
    uint64_t late[CHUNKS];
};

static struct tkp_row row_of(const struct made *m)
{
    struct tkp_row row;
    memset(&row, 0, sizeof row);
    row.outcome = TKP_OUTCOME_OK;
    row.flags = TKP_ROW_REUSED;
    row.draw = m->draw;
    row.intended_ns = row.ready_ns = m->at;
    row.start_ns = m->at + 4;
    row.send_start_ns = m->at + 10;
    row.end_ns = m->at + 5000;
    return row;
}

static void put_line(struct tkp_buffer *log, const struct made *m)
{
    char id[37];
    tkp_rng_uuid(SEED, TKP_RNG_REQUEST_ID, tkp_request_id_index(m->draw, 0), id);
    tkp_buffer_printf(log, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", id, m->at + 100,
                      m->at + 1000, m->at + 2000, m->at + 3000);
}

static tokperf_status pair(struct tkp_pairing *p, const struct tkp_stamps *stamps,
                           const struct made *m, struct tkp_row *row, uint32_t chunks)
{
    uint64_t came[CHUNKS];
    struct tokperf_error error = {0};
    for (uint64_t i = 0; i < CHUNKS; i++)
        came[i] = m->at + 1000 * (i + 1) + m->late[i];
    return tkp_pairing_row(p, stamps, SEED, row, came, chunks, &error);
}

static const struct made some[] = {
    {0, BASE_NS, {5, 7, 4}},
    {1, BASE_NS + 1000000, {100, 100, 100}},
    {9, BASE_NS + 2000000, {1, 2, 3}},
};
enum { SOME = sizeof some / sizeof *some };

/* In another order than the rows, as a server finishes them. */
static void open_log(struct tkp_buffer *text, struct tkp_stamps *stamps)
{
    struct tokperf_error error = {0};
    tkp_buffer_init(text, 1 << 20);
    tkp_buffer_puts(text, "- 12 13\n"); /* without an id: a probe */
    for (int i = SOME; i-- > 0;)
        put_line(text, &some[i]);
    tkp_buffer_puts(text, "00000000-0000-4000-8000-0000000"); /* torn */
    assert_int_equal(tkp_stamps_parse(text, stamps, &error), TOKPERF_OK);
    assert_int_equal(stamps->count, SOME);
}

static void rows_meet_their_lines(void **state)
{
    (void)state;
    struct tkp_buffer text;
    struct tkp_stamps stamps;
    struct tkp_pairing p = {.requests = 0};
    open_log(&text, &stamps);
    for (int i = 0; i < SOME; i++) {
        struct tkp_row row = row_of(&some[i]);
        assert_int_equal(pair(&p, &stamps, &some[i], &row, CHUNKS), TOKPERF_OK);
    }
    assert_int_equal(p.requests, SOME);
    assert_int_equal(p.chunks, SOME * CHUNKS);
    static const double ttft[] = {15, 110, 11}, gaps[] = {2, 3, 0, 0, 1, 1};
    assert_int_equal(p.ttft.count, SOME);
    for (int i = 0; i < SOME; i++)
        assert_near(p.ttft.values_ns[i], ttft[i], 0);
    assert_int_equal(p.gap.count, sizeof gaps / sizeof *gaps);
    for (size_t i = 0; i < p.gap.count; i++)
        assert_near(p.gap.values_ns[i], gaps[i], 0);
    assert_int_equal(p.stamp.count, SOME * CHUNKS);
    assert_int_equal(p.stamp_one.count, SOME); /* one a request */
    assert_int_equal(p.gap_one.count, SOME);
    assert_near(p.service_sum_ns, SOME * 2900.0, 0);
    assert_near(p.latency_sum_ns, SOME * 4996.0, 0);
    tkp_pairing_finish(&p);
    tkp_stamps_finish(&stamps);
    tkp_buffer_finish(&text);
}

static void opening_a_connection_is_no_error(void **state)
{
    (void)state;
    struct tkp_buffer text;
    struct tkp_stamps stamps;
    struct tkp_pairing p = {.requests = 0};
    struct tkp_row row = row_of(&some[0]);
    open_log(&text, &stamps);
    row.flags = 0;
    row.send_start_ns += 500000;
    assert_int_equal(pair(&p, &stamps, &some[0], &row, CHUNKS), TOKPERF_OK);
    assert_near(p.ttft.values_ns[0], 4 + 5, 0);
    tkp_pairing_finish(&p);
    tkp_stamps_finish(&stamps);
    tkp_buffer_finish(&text);
}

static void what_cannot_be_paired(void **state)
{
    (void)state;
    struct tkp_buffer text;
    struct tkp_stamps stamps;
    struct tkp_pairing p = {.requests = 0};
    struct tkp_row failed = row_of(&some[0]), good = row_of(&some[0]);
    struct made stranger = {77, BASE_NS, {1, 1, 1}};
    struct tkp_row unknown = row_of(&stranger);
    open_log(&text, &stamps);
    failed.outcome = TKP_OUTCOME_TIMEOUT;
    assert_int_equal(pair(&p, &stamps, &some[0], &failed, 0), TOKPERF_OK);
    assert_int_equal(p.failed, 1);
    assert_int_equal(pair(&p, &stamps, &some[0], &good, 0), TOKPERF_OK); /* no stamps kept */
    assert_int_equal(p.unstamped, 1);
    assert_int_equal(p.requests, 0);
    assert_int_equal(pair(&p, &stamps, &some[0], &good, CHUNKS - 1), TOKPERF_E_PARSE);
    assert_int_equal(pair(&p, &stamps, &stranger, &unknown, CHUNKS), TOKPERF_E_PARSE);
    tkp_pairing_finish(&p);
    tkp_stamps_finish(&stamps);
    tkp_buffer_clear(&text);
    tkp_buffer_puts(&text, "no stamps here\n");
    struct tokperf_error error = {0};
    assert_int_equal(tkp_stamps_parse(&text, &stamps, &error), TOKPERF_E_PARSE);
    tkp_stamps_finish(&stamps);
    tkp_buffer_finish(&text);
}

static void figures_say_how_sure_they_are(void **state)
{
    (void)state;
    struct tkp_error_list list = {.count = 0};
    for (int i = 661; i > 0; i--)
        tkp_error_list_add(&list, (i % 2 ? -1 : 1) * i * 1000.0);
    struct tkp_error_figures f = tkp_error_figures(&list, &list);
    assert_int_equal(f.samples, 661);
    assert_false(f.has_bound);
    assert_near(f.p50_us, 331, 1e-9);
    assert_near(f.p99_us, 1 + 660 * 0.99, 1e-9);
    assert_near(f.max_us, 661, 1e-9);
    tkp_error_list_add(&list, 662000);
    f = tkp_error_figures(&list, &list);
    assert_true(f.has_bound);
    assert_near(f.p99_bound_us, 662, 1e-9); /* t = 1: the largest */
    tkp_error_list_finish(&list);
    f = tkp_error_figures(&list, &list);
    assert_int_equal(f.samples, 0);
}

/* n requests whose times are `error_ns` off, started over `length_ns`, asked for over 1 s. */
static void fill(struct tkp_pairing *p, uint64_t n, double error_ns, uint64_t length_ns)
{
    *p = (struct tkp_pairing){.requests = n,
                              .chunks = n,
                              .first_intended_ns = 1,
                              .last_intended_ns = 1000000001,
                              .first_start_ns = 1,
                              .last_start_ns = 1 + length_ns,
                              .latency_sum_ns = (double)n * 4e7,
                              .service_sum_ns = (double)n * 4e7};
    for (uint64_t i = 0; i < n; i++)
        tkp_error_list_add(&p->ttft, error_ns);
}

static void a_step_is_judged(void **state)
{
    (void)state;
    const struct tkp_step_shape rate = {.chunks = 1};
    const struct tkp_step_shape streams = {.streams = true, .chunks = 20, .gap_ms = 2};
    struct tkp_step_result result;
    struct tkp_pairing p;
    const struct {
        uint64_t n, length_ns, failed;
        double error_ns;
        enum tkp_step_outcome outcome;
    } cases[] = {
        {1001, 1000000000, 0, 999999, TKP_STEP_HELD},
        {1001, 1000000000, 0, 1000001, TKP_STEP_ERROR},
        {1001, 1009000000, 0, 10, TKP_STEP_HELD}, /* 0.9 % below */
        {1001, 1020000000, 0, 10, TKP_STEP_SLOW},
        {1001, 1000000000, 20, 10, TKP_STEP_SLOW}, /* 2 % failed */
        {1, 1000000000, 0, 10, TKP_STEP_SLOW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill(&p, cases[i].n, cases[i].error_ns, cases[i].length_ns);
        p.failed = cases[i].failed;
        tkp_step_judge(&rate, 1000, 1, &p, &result);
        assert_int_equal(result.outcome, cases[i].outcome);
        tkp_pairing_finish(&p);
    }
    fill(&p, 1000, 10, 1000000000);
    p.chunks = 20000;
    tkp_step_judge(&streams, 100, 1, &p, &result);
    assert_int_equal(result.outcome, TKP_STEP_HELD);
    assert_near(result.achieved, 50000, 1e-6); /* 100 streams of 20 chunks each 40 ms */
    p.service_sum_ns *= 1.2;                   /* the server is late with its chunks */
    tkp_step_judge(&streams, 100, 1, &p, &result);
    assert_int_equal(result.outcome, TKP_STEP_SLOW);
    tkp_pairing_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_meet_their_lines), cmocka_unit_test(opening_a_connection_is_no_error),
        cmocka_unit_test(what_cannot_be_paired), cmocka_unit_test(figures_say_how_sure_they_are),
        cmocka_unit_test(a_step_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
