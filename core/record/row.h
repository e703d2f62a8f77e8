/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finished request: everything that is known about one attempt at one turn when it ended. A
 * worker fills one, the record log keeps it, every metric is computed from it. Times are monotonic
 * ns; 0 means that it did not get there.
 */
#ifndef TKP_RECORD_ROW_H
#define TKP_RECORD_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/endpoint.h>

/* Outcome of one request: exactly one; metrics.md is the contract. The X-macro gives the names. */
#define TKP_OUTCOMES(X)               \
    X(OK, "ok")                       \
    X(HTTP_ERROR, "http_error")       \
    X(CONNECT_ERROR, "connect_error") \
    X(TLS_ERROR, "tls_error")         \
    X(NO_RESPONSE, "no_response")     \
    X(TIMEOUT, "timeout")             \
    X(TRUNCATED, "truncated")         \
    X(STREAM_ERROR, "stream_error")   \
    X(PARSE_ERROR, "parse_error")     \
    X(EMPTY, "empty")                 \
    X(CLIENT_ERROR, "client_error")   \
    X(CANCELLED, "cancelled")
enum tkp_outcome {
    TKP_OUTCOME_NONE = 0,
#define TKP_OUTCOME_ENUM(id, name) TKP_OUTCOME_##id,
    TKP_OUTCOMES(TKP_OUTCOME_ENUM)
#undef TKP_OUTCOME_ENUM
        TKP_OUTCOME_COUNT
};
const char *tkp_outcome_name(enum tkp_outcome outcome); /* "none" for TKP_OUTCOME_NONE */
bool tkp_outcome_is_error(enum tkp_outcome outcome);    /* neither ok nor cancelled */

/* Where the UUID of a request stands in the stream TKP_RNG_REQUEST_ID of the run's id seed: that is
 * how X-Request-ID is made at send and found again in the report. With TKP_TURN_OF_CONVERSATION it
 * is the conversation's X-Correlation-ID. */
enum { TKP_TURN_OF_CONVERSATION = 0xffff };
static inline uint64_t tkp_request_id_index(uint64_t draw, uint32_t turn)
{
    return draw << 16 | (turn & 0xffff);
}

enum tkp_row_flags {
    TKP_ROW_STREAM_ASKED = 1u << 0,      /* streaming was asked for */
    TKP_ROW_STREAMED = 1u << 1,          /* the answer was a stream */
    TKP_ROW_REUSED = 1u << 2,            /* on a connection that had carried a request before */
    TKP_ROW_FIRST_OF_SLOT = 1u << 3,     /* first request of its slot: for the steady window */
    TKP_ROW_FINISH_TRUNCATED = 1u << 4,  /* finish_reason did not fit */
    TKP_ROW_MESSAGE_TRUNCATED = 1u << 5, /* error message did not fit */
    TKP_ROW_LAST_TURN = 1u << 6,         /* its conversation ended with it */
    TKP_ROW_UNSTAMPED = 1u << 7,         /* a read had no stamp of the run's receive clock, so no
                                            arrival time of the answer is known */
    TKP_ROW_LIVE_HISTORY = 1u << 8,      /* its conversation's prompts hold the live answers */
    TKP_ROW_TEXT_LOST = 1u << 9,         /* its text was to be kept, and there was no room */
    TKP_ROW_RAW_LOST = 1u << 10,         /* likewise of what --export-level raw keeps */
    TKP_ROW_RETRY_AFTER = 1u << 11       /* the answer has a Retry-After */
};

enum { TKP_ROW_FINISH_BYTES = 24, TKP_ROW_TYPE_BYTES = 64, TKP_ROW_MESSAGE_BYTES = 256 };

/* counted_output of a row whose texts nobody has counted yet. */
enum { TKP_ROW_COUNT_PENDING = -2 };

/* What went wrong, in words. Apart from the row, as few rows have one; whoever owns the row says
 * where it lies. NUL-terminated, cut at UTF-8 boundaries. */
struct tkp_row_error {
    char type[TKP_ROW_TYPE_BYTES]; /* more exact than the outcome: "first_byte", ... */
    char message[TKP_ROW_MESSAGE_BYTES];
    struct tkp_row_error_pool *lender; /* of a pool's empty one, which is not written to */
    struct tkp_row_error *next;        /* in the pool */
};

struct tkp_row {
    uint64_t ordinal;     /* conversation number in the phase */
    uint64_t draw;        /* conversation number in the run: x_correlation_id derives from it */
    uint64_t dataset_row; /* conversation of the dataset */
    uint64_t prompt_hash;
    uint32_t phase, worker, url_index, turn_index;
    uint32_t outcome; /* enum tkp_outcome */
    uint32_t flags;   /* enum tkp_row_flags */
    int32_t http_status;
    uint32_t retries;

    uint64_t intended_ns, ready_ns, start_ns;
    uint64_t connect_start_ns, connect_end_ns; /* of this request, TLS included; 0 when reused */
    uint64_t
        tls_start_ns; /* of its TLS handshake, which ends with the connect; 0: there was none */
    uint64_t send_start_ns, send_end_ns, first_byte_ns;
    uint64_t first_token_ns, second_token_ns, first_output_token_ns, last_token_ns;
    uint64_t end_ns;
    uint64_t last_byte_ns;  /* arrival of the answer's last bytes; HTTP trace only, else 0 */
    uint64_t read_delay_ns; /* kernel clock: the longest that bytes of the answer waited for their
                               read; 0 with the process clock */

    uint64_t sent_bytes, received_bytes; /* on the wire, heads included */
    uint64_t text_bytes;                 /* output text, unescaped upper bound, all kinds */
    uint64_t kept_bytes;                 /* of its texts that the log keeps behind it */
    uint64_t retry_after_s;              /* of an error's Retry-After, where it is a number */
    uint32_t write_count, read_count;    /* calls that moved them; HTTP trace only, else 0 */
    uint32_t chunk_count;                /* content chunks */
    uint32_t coalesced_count;            /* chunks that shared a read with the one before */
    int64_t input_tokens_asked, output_tokens_asked; /* -1: not asked for */
    int64_t first_chunk_tokens; /* server count after the first content chunk, or -1 */
    struct tokperf_usage usage; /* the last one; -1 where absent */
    /* Counted by the tokenizer, -1: not counted. Input: of the texts that the dataset gives, known
     * before the request; with the answers, output and reasoning, they come from tokens.tkr. */
    int64_t counted_input, counted_output, counted_reasoning;

    char finish_reason[TKP_ROW_FINISH_BYTES]; /* NUL-terminated, cut at UTF-8 boundaries */
    struct tkp_row_error *error;              /* NULL: empty */
};

static inline const char *tkp_row_error_type(const struct tkp_row *row)
{
    return row->error ? row->error->type : "";
}

static inline const char *tkp_row_error_message(const struct tkp_row *row)
{
    return row->error ? row->error->message : "";
}

#endif
