/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of the sample topic: what happened to one request. Each begins with the same id, by
 * which a request is found again in profile_export.jsonl (phase, session_num,
 * turn_index). Times are monotonic ns; 0: it did not get there. Written and read by memcpy:
 * payloads are not aligned.
 */
#ifndef TKP_BUS_SAMPLE_H
#define TKP_BUS_SAMPLE_H

#include <bus/frame.h>
#include <record/row.h>

struct tkp_sample_id {
    uint64_t ordinal; /* session_num: conversation of the phase */
    uint64_t draw;    /* conversation of the run */
    uint32_t phase;   /* index in the plan */
    uint32_t turn;
    uint32_t worker, url_index;
};

struct tkp_sample_issued {
    struct tkp_sample_id id;
    uint64_t start_ns, intended_ns;
};

struct tkp_sample_first_token {
    struct tkp_sample_id id;
    uint64_t time_ns;
};

struct tkp_sample_complete {
    struct tkp_sample_id id;
    uint64_t intended_ns, start_ns, first_token_ns, last_token_ns, end_ns;
    uint64_t sent_bytes, received_bytes;
    int64_t prompt_tokens, completion_tokens; /* the server's; -1: it did not say */
    uint32_t outcome;                         /* enum tkp_outcome */
    int32_t http_status;
    uint32_t chunk_count, retries;
    char finish_reason[TKP_ROW_FINISH_BYTES]; /* NUL-terminated */
};

/* Behind it: type_bytes of the error's type, then message_bytes of its message, UTF-8. */
struct tkp_sample_error {
    struct tkp_sample_id id;
    uint64_t time_ns;
    uint32_t outcome;
    int32_t http_status;
    uint32_t type_bytes, message_bytes;
};

/* Appends frames for a finished request: ERROR unless it is ok or cancelled, then COMPLETE. Returns
 * how many. */
uint32_t tkp_sample_put_row(struct tkp_buffer *out, const struct tkp_row *row);

/* Read payloads that may come from anywhere, of TKP_FRAME_VERSION. TOKPERF_E_PARSE: too short for
 * what it says that it is. Texts borrow from the payload, and may hold any bytes. */
tokperf_status tkp_sample_read_issued(struct tokperf_span payload, struct tkp_sample_issued *issued,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_sample_read_first_token(struct tokperf_span payload,
                                           struct tkp_sample_first_token *first_token,
                                           struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_sample_read_complete(struct tokperf_span payload,
                                        struct tkp_sample_complete *complete,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_sample_read_error(struct tokperf_span payload, struct tkp_sample_error *read,
                                     struct tokperf_span *type, struct tokperf_span *message,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
