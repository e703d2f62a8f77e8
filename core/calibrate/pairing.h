/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's times against the server's: rows of a record log and lines of a stamp log
 * (tokperf-mock --stamp-log) meet at the request id that went over the wire. Both clocks are
 * CLOCK_MONOTONIC of one machine. [main]
 */
#ifndef TKP_CALIBRATE_PAIRING_H
#define TKP_CALIBRATE_PAIRING_H

#include <base/buffer.h>
#include <calibrate/errors.h>
#include <record/row.h>

/* What one step showed. Finish it. */
struct tkp_pairing {
    /* added TTFT, one a request: from the instant at which the request could go to the one at which
     * it went, plus from the server's send of the first chunk to the client's stamp of it. Opening
     * a connection is part of neither. */
    struct tkp_error_list ttft;
    struct tkp_error_list stamp, stamp_one; /* |client's stamp - server's send|; one a request */
    struct tkp_error_list gap, gap_one;     /* error of each gap between chunks; one a request */
    uint64_t requests;                      /* ok and paired */
    uint64_t failed;                        /* rows that are not ok */
    uint64_t unstamped;                     /* ok, but without chunk times */
    uint64_t chunks;
    uint64_t first_intended_ns, last_intended_ns, first_start_ns, last_start_ns; /* of all rows */
    double latency_sum_ns; /* start to end, of the paired requests */
    double service_sum_ns; /* on the server: arrival to the send of the last chunk */
};

/* Lines of a stamp log, sorted by id. `text` must stay as it is. */
struct tkp_stamps {
    struct tkp_stamp_line {
        const char *id;    /* 36 characters */
        const char *times; /* arrival and chunks: " 123 456 ... \n" */
    } * lines;
    uint64_t count;
};
/* TOKPERF_E_PARSE for a text that is no stamp log; a torn last line is left out. */
tokperf_status tkp_stamps_parse(const struct tkp_buffer *text, struct tkp_stamps *stamps,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_stamps_finish(struct tkp_stamps *stamps);

/* Takes one row of a run with this id seed (facts.h). TOKPERF_E_PARSE when an ok row has no line or
 * another number of chunks than it; TOKPERF_E_NO_MEMORY. */
tokperf_status tkp_pairing_row(struct tkp_pairing *pairing, const struct tkp_stamps *stamps,
                               uint64_t seed, const struct tkp_row *row, const uint64_t *chunk_ns,
                               uint32_t chunk_count, struct tokperf_error *error) TOKPERF_MUST_USE;
/* All rows of the log's phase number `phase`. */
tokperf_status tkp_pairing_read(const char *log_path, const char *stamps_path, uint32_t phase,
                                struct tkp_pairing *pairing,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_pairing_finish(struct tkp_pairing *pairing);

#endif
