/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the HTTP response parser: the first byte is the size of the pieces that the rest is read
 * in. Reading whole and reading in pieces must give the same body and the same end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <worker/http_response.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct summary {
    uint64_t body_hash, body_bytes;
    uint32_t status, last_step, end;
};

static void feed(struct tkp_http_response *r, char *at, char *end, struct summary *sum)
{
    struct tokperf_span body;
    enum tkp_http_step step;
    while ((step = tkp_http_response_next(r, &at, end, &body)) != TKP_HTTP_MORE) {
        sum->last_step = step;
        if (step == TKP_HTTP_HEAD)
            sum->status = r->status;
        if (step == TKP_HTTP_DONE || step == TKP_HTTP_BAD)
            return;
        for (uint64_t i = 0; step == TKP_HTTP_BODY && i < body.len; i++)
            sum->body_hash = sum->body_hash * 31 + (unsigned char)body.data[i];
        sum->body_bytes += step == TKP_HTTP_BODY ? body.len : 0;
        sum->last_step = step == TKP_HTTP_BODY ? TKP_HTTP_HEAD : step;
    }
}

static struct summary read_in(char *bytes, size_t len, size_t piece)
{
    struct tkp_spill_pool pool;
    struct tkp_http_response r;
    struct summary sum = {0};
    struct tkp_row_error error = {0};
    struct tkp_row row = {.error = &error};
    tkp_spill_pool_init(&pool, 1 << 20);
    tkp_http_response_begin(&r, &pool, false, &row);
    for (size_t at = 0; at < len; at += piece)
        feed(&r, bytes + at, bytes + (piece < len - at ? at + piece : len), &sum);
    sum.end = tkp_http_response_end(&r);
    tkp_http_response_finish(&r);
    tkp_spill_pool_finish(&pool);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *bytes = malloc(size - 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    struct summary whole = read_in(bytes, size - 1, size - 1);
    struct summary pieces = read_in(bytes, size - 1, data[0] ? data[0] : 1);
    if (whole.body_hash != pieces.body_hash || whole.body_bytes != pieces.body_bytes ||
        whole.status != pieces.status || whole.last_step != pieces.last_step ||
        whole.end != pieces.end)
        abort();
    free(bytes);
    return 0;
}
