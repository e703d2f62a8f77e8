/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.x response, read as its bytes arrive (RFC 9112). The caller hands over what it read and
 * pulls: a complete final head, spans of the body (inside the caller's bytes, nothing is copied),
 * the end. Informational responses are skipped. Strict about everything that decides where a
 * message ends. Owned by one thread.
 *
 *     tkp_http_response_begin(&r, &pool, false, &row);
 *     while ((step = tkp_http_response_next(&r, &at, end, &body)) != TKP_HTTP_MORE) ...
 *     tkp_http_response_finish(&r);
 */
#ifndef TKP_WORKER_HTTP_RESPONSE_H
#define TKP_WORKER_HTTP_RESPONSE_H

#include <record/row.h>
#include <worker/spill.h>

enum {
    TKP_HTTP_MAX_HEAD_BYTES = 64 * 1024,     /* all heads and trailers of one response together */
    TKP_HTTP_MAX_EXTENSION_BYTES = 16 * 1024 /* of one chunk's size line */
};

enum tkp_http_step {
    TKP_HTTP_MORE = 0, /* all given bytes are consumed */
    TKP_HTTP_HEAD,     /* status, content and keep_alive are known */
    TKP_HTTP_BODY,     /* *body holds the next bytes, not empty */
    TKP_HTTP_DONE,     /* complete; *at is behind it. Repeats itself */
    TKP_HTTP_BAD       /* not HTTP: see error. Repeats itself */
};

/* Where it was when the connection ended. */
enum tkp_http_end {
    TKP_HTTP_END_BEFORE_STATUS = 1, /* no complete status line */
    TKP_HTTP_END_IN_HEAD,
    TKP_HTTP_END_SHORT,  /* fewer bytes than Content-Length */
    TKP_HTTP_END_CUT,    /* inside the chunked coding */
    TKP_HTTP_END_CLOSED, /* the body was delimited by the end of the connection: complete */
    TKP_HTTP_END_AFTER   /* it was complete already */
};

enum tkp_http_content {
    TKP_HTTP_CONTENT_NONE = 0, /* no Content-Type */
    TKP_HTTP_CONTENT_EVENT_STREAM,
    TKP_HTTP_CONTENT_NDJSON,
    TKP_HTTP_CONTENT_JSON,
    TKP_HTTP_CONTENT_OTHER
};

struct tkp_http_response {
    /* to read from HEAD on */
    uint32_t status;
    uint8_t content; /* enum tkp_http_content */
    bool keep_alive; /* the connection can carry another request once DONE */
    /* private */
    uint8_t state, minor, digits;
    bool head_request, chunked, has_length, has_encoding, says_close, says_keep_alive, is_coded;
    bool field_seen, field_frames; /* of the field line before: may a folded line follow? */
    uint16_t extension_bytes;
    uint32_t head_bytes;

    /* One sentence without its end, from BAD on. */
    const char *error;
    /* Location of a 3xx, Retry-After of a later status, of a 2xx a content coding or a content type
     * that is none of the above ("its content type is text/html"), in the place of its message;
     * NULL where none is wanted. */
    struct tkp_row *noted;

    /* private */
    uint64_t length_bytes; /* Content-Length, then what is left of the body or chunk */
    struct tkp_spill_pool *pool;
    struct tkp_spill *line; /* a line cut by the end of the bytes */
};

/* At a BODY: whether the body has a length and these are its last bytes. */
static inline bool tkp_http_response_has_all(const struct tkp_http_response *r)
{
    return r->has_length && !r->chunked && !r->length_bytes;
}

/* head_request: the request was HEAD. noted: takes notes (row_text.h), or NULL. */
void tkp_http_response_begin(struct tkp_http_response *r, struct tkp_spill_pool *pool,
                             bool head_request, struct tkp_row *noted);
/* Consumes from *at towards end. */
enum tkp_http_step tkp_http_response_next(struct tkp_http_response *r, char **at, char *end,
                                          struct tokperf_span *body);
/* The connection ended; tells where that was. */
enum tkp_http_end tkp_http_response_end(const struct tkp_http_response *r);
/* Gives back what it holds of the pool; accepts a zeroed one. */
void tkp_http_response_finish(struct tkp_http_response *r);

#endif
