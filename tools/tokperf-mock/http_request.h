/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.x requests out of a byte buffer (RFC 9112): the head, then the body's framing. Pure: no
 * I/O. A request is parsed in place; chunked bodies are joined in place. */
#ifndef TKP_MOCK_HTTP_REQUEST_H
#define TKP_MOCK_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum {
    TKP_MOCK_HEAD_BYTES_MAX = 64 * 1024,
    TKP_MOCK_HEADER_LINES_MAX = 256,
    TKP_MOCK_BODY_BYTES_MAX = 64 * 1024 * 1024,
};

enum tkp_mock_parse {
    TKP_MOCK_PARSE_MORE, /* needs more bytes */
    TKP_MOCK_PARSE_DONE, /* the request is whole */
    TKP_MOCK_PARSE_BAD,  /* answer with `status` and `trouble`, then close */
};

/* Slices point into the buffer given to the parser and live until it changes. */
struct tkp_mock_http_request {
    struct tkp_mock_slice method;
    struct tkp_mock_slice path; /* without query */
    struct tkp_mock_slice authorization;
    struct tkp_mock_slice request_id; /* X-Request-ID */
    struct tkp_mock_slice body;
    bool keep_alive;
    bool http10;
    int status;          /* of the answer to a bad request */
    const char *trouble; /* why it is bad */
};

/* Progress in one request. Zeroed before each. */
struct tkp_mock_http_parser {
    size_t scanned;    /* bytes searched for the end of the head */
    bool started;      /* the request line was seen */
    size_t head_bytes; /* 0 until the head is whole */
    bool chunked;
    bool expects_continue; /* the client waits for 100 Continue; the caller clears it */
    bool in_chunk;         /* in a chunk's data or the line end after it */
    bool trailer;          /* the last chunk was seen */
    size_t content_length; /* or the rest of the current chunk */
    size_t body_bytes;     /* joined so far after the head */
    size_t consumed;       /* bytes of the buffer that belong to what was parsed so far */
};

/* Parses from buffer->data[0]. On DONE, parser->consumed is the request's length in the buffer. */
enum tkp_mock_parse tkp_mock_http_parse(struct tkp_mock_http_parser *parser,
                                        struct tkp_mock_buffer *buffer,
                                        struct tkp_mock_http_request *request);

#endif
