/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of an HTTP exchange from fixed stamps, to the nanosecond. */
#include <metrics/values.h>

#include <near.h>
#include <metric_rows.h>

static void check(const struct tkp_values *values, enum tkp_metric_id id, double expected)
{
    if (isnan(expected) ? values->has[id] : !values->has[id] || values->value[id] != expected)
        fail_msg("%s: has %d, value %.17g, expected %.17g", tkp_metric_def(id)->tag,
                 values->has[id], values->value[id], expected);
}

#define CHECK(values, id, expected) check(&(values), TKP_METRIC_HTTP_REQ_##id, expected)

static struct tkp_values compute(const struct tkp_row *row)
{
    struct tkp_metric_context context = server_tokens();
    struct tkp_values values;
    context.http_trace = true;
    tkp_values_compute(&context, row, &values);
    return values;
}

/* On a new connection: 7 ns until it is opened, 1000 to connect, 11 until the first byte is sent,
 * 300 to send, 50000 until the answer, 2000001 to receive it. */
static struct tkp_row fresh_row(void)
{
    struct tkp_row row = metric_row(0, 0, 0);
    row.connect_start_ns = row.start_ns + 7;
    row.connect_end_ns = row.connect_start_ns + 1000;
    row.send_start_ns = row.connect_end_ns + 11;
    row.send_end_ns = row.send_start_ns + 300;
    row.first_byte_ns = row.send_end_ns + 50000;
    row.end_ns = row.last_byte_ns = row.first_byte_ns + 2000001;
    row.first_token_ns = row.last_token_ns = row.end_ns;
    row.sent_bytes = 1234;
    row.received_bytes = 56789;
    row.write_count = 2;
    row.read_count = 17;
    return row;
}

static void a_new_connection(void **state)
{
    (void)state;
    struct tkp_row row = fresh_row();
    struct tkp_values v = compute(&row);
    CHECK(v, BLOCKED, 7);
    CHECK(v, DNS_LOOKUP, 0);
    CHECK(v, CONNECTING, 1000);
    CHECK(v, SENDING, 300);
    CHECK(v, WAITING, 50000);
    CHECK(v, RECEIVING, 2000001);
    CHECK(v, DURATION, 300 + 50000 + 2000001);
    CHECK(v, CONNECTION_OVERHEAD, 1007);
    CHECK(v, TOTAL, 1007 + 300 + 50000 + 2000001);
    CHECK(v, CONNECTION_REUSED, 0);
    CHECK(v, DATA_SENT, 1234);
    CHECK(v, DATA_RECEIVED, 56789);
    CHECK(v, CHUNKS_SENT, 2);
    CHECK(v, CHUNKS_RECEIVED, 17);
}

static void a_kept_connection(void **state)
{
    (void)state;
    struct tkp_row row = fresh_row();
    row.flags |= TKP_ROW_REUSED;
    row.connect_start_ns = row.connect_end_ns = 0;
    struct tkp_values v = compute(&row);
    CHECK(v, BLOCKED, 1018);
    CHECK(v, CONNECTING, 0);
    CHECK(v, CONNECTION_OVERHEAD, 1018);
    CHECK(v, TOTAL, 1018 + 300 + 50000 + 2000001); /* no gap is left out */
    CHECK(v, CONNECTION_REUSED, 1);
}

/* The stamp of an arrival is the kernel's, that of a departure is taken when send() returned. */
static void an_answer_before_send_returned(void **state)
{
    (void)state;
    struct tkp_row row = fresh_row();
    row.first_byte_ns = row.send_end_ns - 20;
    struct tkp_values v = compute(&row);
    CHECK(v, WAITING, 0);
    CHECK(v, RECEIVING, 50000 + 2000001 + 20);
}

static void what_is_not_known_is_absent(void **state)
{
    (void)state;
    struct tkp_row row = fresh_row();
    row.first_byte_ns = 0; /* no stamp of the run's clock */
    struct tkp_values v = compute(&row);
    CHECK(v, WAITING, NAN);
    CHECK(v, RECEIVING, NAN);
    CHECK(v, TOTAL, NAN);
    CHECK(v, DURATION, 300 + 50000 + 2000001);
    row = fresh_row();
    row.send_end_ns = 0; /* answered before all of it was sent */
    v = compute(&row);
    CHECK(v, SENDING, NAN);
    CHECK(v, WAITING, NAN);
    CHECK(v, TOTAL, NAN);
    CHECK(v, CONNECTION_OVERHEAD, 1007);
}

static void without_a_trace_there_is_none(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_row row = fresh_row();
    struct tkp_values v;
    tkp_values_compute(&context, &row, &v);
    assert_int_equal(tkp_values_count(&context), TKP_METRIC_HTTP_FIRST);
    for (uint32_t id = TKP_METRIC_HTTP_FIRST; id < TKP_METRIC_COUNT; id++)
        assert_false(v.has[id]);
    context.http_trace = true;
    assert_int_equal(tkp_values_count(&context), TKP_METRIC_COUNT);
    row.outcome = TKP_OUTCOME_TRUNCATED;
    tkp_values_compute(&context, &row, &v);
    CHECK(v, TOTAL, NAN);
    for (uint32_t id = 0; id < TKP_METRIC_COUNT; id++) /* they are the last ones, and all */
        assert_int_equal(tkp_metric_def((enum tkp_metric_id)id)->group == TOKPERF_GROUP_HTTP,
                         id >= TKP_METRIC_HTTP_FIRST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_connection),
        cmocka_unit_test(a_kept_connection),
        cmocka_unit_test(an_answer_before_send_returned),
        cmocka_unit_test(what_is_not_known_is_absent),
        cmocka_unit_test(without_a_trace_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
