/* SPDX-License-Identifier: Apache-2.0 */
/* Writes response heads and chunk framing. */
#include "http_response.h"

#include <stdint.h>
#include <string.h>

#define ADD(out, literal) tkp_mock_buffer_add(out, literal, sizeof(literal) - 1)

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}

void tkp_mock_http_add_head(struct tkp_mock_buffer *out, const struct tkp_mock_head *head)
{
    ADD(out, "HTTP/1.1 ");
    tkp_mock_buffer_add_u64(out, (uint64_t)head->status);
    ADD(out, " ");
    tkp_mock_buffer_add_text(out, reason_of(head->status));
    ADD(out, "\r\nserver: tokperf-mock\r\ncontent-type: ");
    tkp_mock_buffer_add_text(out, head->content_type);
    ADD(out, "\r\n");
    tkp_mock_buffer_add_text(out, head->extra);
    if (head->framing == TKP_MOCK_FRAMING_CHUNKED) {
        ADD(out, "transfer-encoding: chunked\r\n");
    } else if (head->framing == TKP_MOCK_FRAMING_LENGTH) {
        ADD(out, "content-length: ");
        tkp_mock_buffer_add_u64(out, head->body_bytes);
        ADD(out, "\r\n");
    }
    if (!head->keep_alive) {
        ADD(out, "connection: close\r\n");
    } else if (head->http10) {
        ADD(out, "connection: keep-alive\r\n");
    }
    ADD(out, "\r\n");
}

size_t tkp_mock_http_add_body(struct tkp_mock_buffer *out, enum tkp_mock_framing framing,
                              struct tkp_mock_slice data)
{
    size_t before = out->len;
    if (data.len == 0) {
        return 0;
    }
    if (framing != TKP_MOCK_FRAMING_CHUNKED) {
        tkp_mock_buffer_add(out, data.data, data.len);
        return 0;
    }
    tkp_mock_buffer_add_hex(out, data.len);
    ADD(out, "\r\n");
    size_t shift = out->len - before;
    tkp_mock_buffer_add(out, data.data, data.len);
    ADD(out, "\r\n");
    return shift;
}

void tkp_mock_http_add_end(struct tkp_mock_buffer *out, enum tkp_mock_framing framing)
{
    if (framing == TKP_MOCK_FRAMING_CHUNKED) {
        ADD(out, "0\r\n\r\n");
    }
}
