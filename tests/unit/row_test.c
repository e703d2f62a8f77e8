/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as bytes: every field survives, at every extreme; what is not a row is refused. */
#include <record/row_codec.h>

#include <row_samples.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* Encodes and decodes; both must agree to the byte, padding included (there is none). */
static size_t round_trip(const struct tkp_row *row, uint64_t base_ns, bool has_times)
{
    unsigned char bytes[TKP_ROW_MAX_BYTES];
    unsigned char *end = tkp_row_encode(bytes, row, base_ns, has_times);
    assert_true(end <= bytes + sizeof bytes);
    struct tkp_row back;
    memset(&back, 0x5a, sizeof back);
    uint32_t times = 77;
    struct tkp_cursor in = {bytes, end, false};
    struct tkp_row_error error;
    memset(&error, 0x5a, sizeof error);
    assert_true(tkp_row_decode(&in, base_ns, &back, &error, &times));
    assert_ptr_equal(in.at, end);
    assert_memory_equal(&back, row, offsetof(struct tkp_row, error));
    assert_string_equal(tkp_row_error_type(&back), tkp_row_error_type(row));
    assert_string_equal(tkp_row_error_message(&back), tkp_row_error_message(row));
    uint32_t kept =
        row->chunk_count < TKP_ROW_MAX_CHUNK_TIMES ? row->chunk_count : TKP_ROW_MAX_CHUNK_TIMES;
    assert_int_equal(times, has_times ? kept : 0);
    return (size_t)(end - bytes);
}

/* A row whose every byte of numbers is `byte`, with texts of the greatest length. */
static struct tkp_row filled_row(int byte)
{
    static struct tkp_row_error longest;
    struct tkp_row row;
    memset(&row, byte, sizeof row);
    memset(row.finish_reason, 'f', sizeof row.finish_reason);
    memset(longest.type, 't', sizeof longest.type - 1);
    memset(longest.message, 'm', sizeof longest.message - 1);
    row.finish_reason[sizeof row.finish_reason - 1] = '\0';
    row.error = &longest;
    return row;
}

static void test_extremes(void **state)
{
    (void)state;
    static const int bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    static const uint64_t bases_ns[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        for (size_t k = 0; k < sizeof bases_ns / sizeof bases_ns[0]; k++) {
            struct tkp_row row = filled_row(bytes[i]);
            round_trip(&row, bases_ns[k], true);
            round_trip(&row, bases_ns[k], false);
        }
    struct tkp_row zero = {0};
    round_trip(&zero, 0, false);
}

/* Each number alone differs from the rest: a field that the codec forgot or swapped is seen. */
static void test_each_field(void **state)
{
    (void)state;
    size_t numbers_end = offsetof(struct tkp_row, finish_reason);
    for (size_t at = 0; at < numbers_end; at++) {
        struct tkp_row row = sample_row(9);
        ((unsigned char *)&row)[at] ^= 0xa5;
        round_trip(&row, 0, true);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        struct tkp_row row = {0};
        for (size_t at = 0; at < offsetof(struct tkp_row, finish_reason); at += 8) {
            uint64_t bits = tkp_rng_bits(1, n, at);
            bits >>= tkp_rng_below(2, n, at, 64);
            memcpy((char *)&row + at, &bits, sizeof bits);
        }
        struct tkp_row_error error = {0};
        row.error = &error;
        memset(error.type, 'x', tkp_rng_below(3, n, 0, sizeof error.type));
        round_trip(&row, tkp_rng_bits(4, n, 0), n % 2);
    }
}

static void test_text_without_end(void **state)
{
    (void)state;
    struct tkp_row row = sample_row(1);
    struct tkp_row_error error, its;
    memset(error.type, 'x', sizeof error.type);
    error.message[0] = '\0';
    row.error = &error;
    unsigned char bytes[TKP_ROW_MAX_BYTES];
    struct tkp_cursor in = {bytes, tkp_row_encode(bytes, &row, 0, false), false};
    struct tkp_row back;
    uint32_t times;
    assert_true(tkp_row_decode(&in, 0, &back, &its, &times));
    assert_int_equal(strlen(back.error->type), sizeof error.type - 1);
}

static void test_truncated(void **state)
{
    (void)state;
    struct tkp_row row = filled_row(0x7f), back;
    struct tkp_row_error error;
    unsigned char bytes[TKP_ROW_MAX_BYTES];
    size_t len = (size_t)(tkp_row_encode(bytes, &row, 0, true) - bytes);
    for (size_t cut = 0; cut < len; cut++) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        struct tkp_cursor in = {exact, exact + cut, false};
        uint32_t times;
        assert_false(tkp_row_decode(&in, 0, &back, &error, &times));
        if (cut >= 10) { /* the same with a length that agrees */
            uint16_t stated = (uint16_t)(cut - 2);
            memcpy(exact, &stated, sizeof stated);
            in = (struct tkp_cursor){exact, exact + cut, false};
            assert_false(tkp_row_decode(&in, 0, &back, &error, &times));
        }
        free(exact);
    }
}

/* A later version's field: its bit and its bytes behind the known ones are passed over. */
static void test_later_field(void **state)
{
    (void)state;
    struct tkp_row row = sample_row(3), back;
    struct tkp_row_error error;
    unsigned char bytes[TKP_ROW_MAX_BYTES];
    unsigned char *end = tkp_row_encode(bytes, &row, 0, false);
    memcpy(end, "\x2a\x2b", 2);
    uint16_t len;
    memcpy(&len, bytes, sizeof len);
    len = (uint16_t)(len + 2);
    memcpy(bytes, &len, sizeof len);
    bytes[2 + 7] |= 0x40; /* bit 62 of the mask */
    struct tkp_cursor in = {bytes, end + 2, false};
    uint32_t times;
    assert_true(tkp_row_decode(&in, 0, &back, &error, &times));
    assert_ptr_equal(in.at, end + 2);
    assert_memory_equal(&back, &row, sizeof row);
}

static void test_varint_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
        uint64_t value;
    } cases[] = {
        {"\x00", 1, true, 0},
        {"\x7f", 1, true, 127},
        {"\x80\x01", 2, true, 128},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true, UINT64_MAX},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false, 0},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false, 0},
        {"\x80", 1, false, 0},
        {"", 0, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const unsigned char *at = (const unsigned char *)cases[i].bytes;
        struct tkp_cursor in = {at, at + cases[i].len, false};
        assert_int_equal(tkp_varint_get(&in), cases[i].value);
        assert_int_equal(in.bad, !cases[i].good);
    }
}

/* Every length, alone at the end of its block and with other bytes behind it. */
static void test_varint_lengths(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        const uint64_t top = UINT64_C(1) << bits, values[] = {top, top | top >> 1, 2 * top - 1};
        for (size_t i = 0; i < 3; i++) {
            unsigned char bytes[2 * TKP_VARINT_MAX_BYTES];
            memset(bytes, i == 1 ? 0x00 : 0xff, sizeof bytes);
            const unsigned char *behind = tkp_varint_put(bytes, values[i]);
            struct tkp_cursor alone = {bytes, behind, false};
            struct tkp_cursor inside = {bytes, bytes + sizeof bytes, false};
            assert_true(tkp_varint_get(&alone) == values[i] && alone.at == behind);
            assert_true(tkp_varint_get(&inside) == values[i] && inside.at == behind);
            assert_true(!alone.bad && !inside.bad);
        }
    }
}

/* The documented cost: a row that follows another in its block, and a chunk time at 20 ms. */
static void test_size(void **state)
{
    (void)state;
    struct tkp_row row = sample_row(1000);
    size_t bytes = round_trip(&row, sample_row(999).start_ns, false);
    print_message("a plain row takes %zu bytes\n", bytes);
    assert_in_range(bytes, 40, 150);
    unsigned char gap[TKP_VARINT_MAX_BYTES];
    assert_int_equal(tkp_varint_put(gap, 20000000) - gap, 4);
    assert_int_equal(tkp_varint_put(gap, 2000000) - gap, 3);
}

static void test_outcomes(void **state)
{
    (void)state;
    assert_string_equal(tkp_outcome_name(TKP_OUTCOME_NONE), "none");
    assert_string_equal(tkp_outcome_name(TKP_OUTCOME_OK), "ok");
    assert_string_equal(tkp_outcome_name(TKP_OUTCOME_CANCELLED), "cancelled");
    assert_string_equal(tkp_outcome_name((enum tkp_outcome)99), "none");
    assert_false(tkp_outcome_is_error(TKP_OUTCOME_NONE));
    assert_false(tkp_outcome_is_error(TKP_OUTCOME_OK));
    assert_false(tkp_outcome_is_error(TKP_OUTCOME_CANCELLED));
    for (unsigned i = TKP_OUTCOME_HTTP_ERROR; i < TKP_OUTCOME_CANCELLED; i++)
        assert_true(tkp_outcome_is_error((enum tkp_outcome)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes),      cmocka_unit_test(test_each_field),
        cmocka_unit_test(test_random),        cmocka_unit_test(test_text_without_end),
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_later_field),
        cmocka_unit_test(test_varint_bounds), cmocka_unit_test(test_varint_lengths),
        cmocka_unit_test(test_size),          cmocka_unit_test(test_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
