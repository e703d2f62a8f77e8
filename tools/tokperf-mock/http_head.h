/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request: request line and header lines (RFC 9112 3 and 5). */
#ifndef TKP_MOCK_HTTP_HEAD_H
#define TKP_MOCK_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http_request.h"

/* What the head lines say about the body. */
struct tkp_mock_body_framing {
    bool has_length;
    bool chunked;
    bool expects_continue;
    size_t length;
};

/* Fills request and framing from a whole head; DONE or BAD. */
enum tkp_mock_parse tkp_mock_http_parse_head(struct tkp_mock_slice head,
                                             struct tkp_mock_body_framing *framing,
                                             struct tkp_mock_http_request *request);
/* Notes why a request is bad; returns TKP_MOCK_PARSE_BAD. */
enum tkp_mock_parse tkp_mock_http_refuse(struct tkp_mock_http_request *request, int status,
                                         const char *trouble);
/* Cuts the next line off rest; false when its end is not there yet. */
bool tkp_mock_http_take_line(struct tkp_mock_slice *rest, struct tkp_mock_slice *line);
/* Without spaces and tabs at both ends. */
struct tkp_mock_slice tkp_mock_http_trim(struct tkp_mock_slice slice);

#endif
