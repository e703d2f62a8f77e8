/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and framing of HTTP/1.1 responses. */
#ifndef TKP_MOCK_HTTP_RESPONSE_H
#define TKP_MOCK_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

enum tkp_mock_framing {
    TKP_MOCK_FRAMING_CHUNKED,
    TKP_MOCK_FRAMING_LENGTH,
    TKP_MOCK_FRAMING_CLOSE, /* the body ends with the connection */
};

struct tkp_mock_head {
    int status;
    const char *content_type;
    const char *extra; /* whole header lines with their CRLF, or "" */
    enum tkp_mock_framing framing;
    size_t body_bytes; /* for TKP_MOCK_FRAMING_LENGTH */
    bool keep_alive;
    bool http10; /* of the request: keeping the connection must then be said */
};

void tkp_mock_http_add_head(struct tkp_mock_buffer *out, const struct tkp_mock_head *head);
/* Appends body bytes as one chunk when chunked, as they are otherwise. Returns how far data[0] is
 * from the start of what was appended. Nothing is appended for no bytes. */
size_t tkp_mock_http_add_body(struct tkp_mock_buffer *out, enum tkp_mock_framing framing,
                              struct tkp_mock_slice data);
/* The last chunk when chunked. */
void tkp_mock_http_add_end(struct tkp_mock_buffer *out, enum tkp_mock_framing framing);

#endif
