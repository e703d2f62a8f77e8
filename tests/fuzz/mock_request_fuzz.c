/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what tokperf-mock reads from its clients: HTTP requests given in pieces, and their bodies
 * as inference requests. The first byte chooses the size of the pieces. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "http_request.h"
#include "inference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_body(const struct tkp_mock_http_request *request)
{
    struct tkp_mock_inference inference;
    const char *param;
    char error[256];
    for (int chat = 0; chat < 2; chat++) {
        if (tkp_mock_inference_read(&inference, chat, request->body.data, request->body.len, error,
                                    sizeof error, &param) &&
            inference.prompt_tokens > request->body.len) {
            abort(); /* more words than bytes */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_mock_http_parser parser = {0};
    struct tkp_mock_http_request request = {0};
    struct tkp_mock_buffer buffer;
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] % 64 + 1;
    tkp_mock_buffer_init(&buffer, 1 << 20);
    for (size_t at = 1; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        tkp_mock_buffer_add(&buffer, (const char *)data + at, len);
        enum tkp_mock_parse result = tkp_mock_http_parse(&parser, &buffer, &request);
        if (result == TKP_MOCK_PARSE_BAD) {
            break;
        }
        if (result == TKP_MOCK_PARSE_DONE) {
            if (parser.consumed > buffer.len || request.body.len > parser.consumed) {
                abort();
            }
            read_body(&request);
            tkp_mock_buffer_drop(&buffer, parser.consumed);
            parser = (struct tkp_mock_http_parser){0};
        }
    }
    tkp_mock_buffer_finish(&buffer);
    return 0;
}
