/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the end of a request and joins its body. The head is parsed again on each call once it is
 * whole, so that the slices are right after the buffer has moved. */
#include "http_request.h"

#include <string.h>

#include "http_head.h"

enum { CHUNK_LINE_BYTES_MAX = 4096 };

/* No request begins with a control character but a line end. A TLS handshake does, and waits. */
static bool is_foreign(const struct tkp_mock_buffer *buffer)
{
    unsigned char begin = buffer->len > 0 ? (unsigned char)buffer->data[0] : ' ';
    return begin < ' ' && begin != '\r' && begin != '\n';
}

/* Finds the empty line that ends the head; sets head_bytes. */
static bool find_head(struct tkp_mock_http_parser *parser, const struct tkp_mock_buffer *buffer)
{
    size_t at = parser->scanned;
    while (at < buffer->len) {
        const char *newline = memchr(buffer->data + at, '\n', buffer->len - at);
        if (newline == NULL) {
            break;
        }
        size_t line_end = (size_t)(newline - buffer->data);
        bool empty = line_end == at || (line_end == at + 1 && buffer->data[at] == '\r');
        at = line_end + 1;
        parser->scanned = at;
        if (!empty) {
            parser->started = true;
        } else if (parser->started) {
            parser->head_bytes = at;
            return true;
        }
    }
    return false;
}

/* The size line of a chunk, extensions ignored; SIZE_MAX when it is not one. */
static size_t read_chunk_size(struct tkp_mock_slice line)
{
    size_t size = 0;
    size_t digits = 0;
    for (; digits < line.len; digits++) {
        unsigned char c = (unsigned char)line.data[digits];
        unsigned char low = c | 0x20;
        if (c >= '0' && c <= '9') {
            size = size * 16 + (size_t)(c - '0');
        } else if (low >= 'a' && low <= 'f') {
            size = size * 16 + (size_t)(low - 'a') + 10;
        } else {
            break;
        }
        if (size > TKP_MOCK_BODY_BYTES_MAX) {
            return size;
        }
    }
    struct tkp_mock_slice rest =
        tkp_mock_http_trim((struct tkp_mock_slice){line.data + digits, line.len - digits});
    return digits == 0 || (rest.len > 0 && rest.data[0] != ';') ? SIZE_MAX : size;
}

/* Handles one line of chunk framing: a size, the line end after data, or a trailer. */
static enum tkp_mock_parse parse_chunk_line(struct tkp_mock_http_parser *parser,
                                            struct tkp_mock_slice line,
                                            struct tkp_mock_http_request *request)
{
    if (parser->trailer) {
        return line.len == 0 ? TKP_MOCK_PARSE_DONE : TKP_MOCK_PARSE_MORE;
    }
    if (parser->in_chunk) { /* the empty line after a chunk's data */
        parser->in_chunk = false;
        return line.len == 0
                   ? TKP_MOCK_PARSE_MORE
                   : tkp_mock_http_refuse(request, 400, "A chunk is longer than its size says.");
    }
    size_t size = read_chunk_size(line);
    if (size == SIZE_MAX) {
        return tkp_mock_http_refuse(request, 400, "A chunk size is not hexadecimal.");
    }
    if (size > TKP_MOCK_BODY_BYTES_MAX - parser->body_bytes) {
        return tkp_mock_http_refuse(request, 413, "The body is larger than 64 MiB.");
    }
    parser->content_length = size;
    parser->trailer = size == 0;
    parser->in_chunk = size != 0;
    return TKP_MOCK_PARSE_MORE;
}

/* Joins what has come of a chunked body after the head, moving each byte once. */
static enum tkp_mock_parse parse_chunked(struct tkp_mock_http_parser *parser,
                                         struct tkp_mock_buffer *buffer,
                                         struct tkp_mock_http_request *request)
{
    for (;;) {
        struct tkp_mock_slice rest = {buffer->data + parser->consumed,
                                      buffer->len - parser->consumed};
        if (parser->content_length > 0) {
            size_t n = rest.len < parser->content_length ? rest.len : parser->content_length;
            memmove(buffer->data + parser->head_bytes + parser->body_bytes, rest.data, n);
            parser->body_bytes += n;
            parser->consumed += n;
            parser->content_length -= n;
            if (parser->content_length > 0) {
                return TKP_MOCK_PARSE_MORE;
            }
            continue;
        }
        struct tkp_mock_slice line = {0};
        size_t before = rest.len;
        if (!tkp_mock_http_take_line(&rest, &line)) {
            return before > CHUNK_LINE_BYTES_MAX
                       ? tkp_mock_http_refuse(request, 400,
                                              "A line of the chunked body is too long.")
                       : TKP_MOCK_PARSE_MORE;
        }
        parser->consumed += before - rest.len;
        enum tkp_mock_parse result = parse_chunk_line(parser, line, request);
        if (result != TKP_MOCK_PARSE_MORE) {
            return result;
        }
    }
}

enum tkp_mock_parse tkp_mock_http_parse(struct tkp_mock_http_parser *parser,
                                        struct tkp_mock_buffer *buffer,
                                        struct tkp_mock_http_request *request)
{
    struct tkp_mock_body_framing framing = {0};
    bool first = parser->head_bytes == 0;
    if (first && is_foreign(buffer)) {
        return tkp_mock_http_refuse(request, 400, "This is not HTTP; TLS is not spoken here.");
    }
    if (first && !find_head(parser, buffer)) {
        return buffer->len > TKP_MOCK_HEAD_BYTES_MAX
                   ? tkp_mock_http_refuse(request, 431, "The head is larger than 64 KiB.")
                   : TKP_MOCK_PARSE_MORE;
    }
    if (parser->head_bytes > TKP_MOCK_HEAD_BYTES_MAX) {
        return tkp_mock_http_refuse(request, 431, "The head is larger than 64 KiB.");
    }
    *request = (struct tkp_mock_http_request){0};
    struct tkp_mock_slice head = {buffer->data, parser->head_bytes};
    if (tkp_mock_http_parse_head(head, &framing, request) != TKP_MOCK_PARSE_DONE) {
        return TKP_MOCK_PARSE_BAD;
    }
    if (first) {
        parser->consumed = parser->head_bytes;
        parser->chunked = framing.chunked;
        parser->expects_continue = framing.expects_continue && !request->http10;
    }
    if (parser->chunked) {
        enum tkp_mock_parse result = parse_chunked(parser, buffer, request);
        request->body = (struct tkp_mock_slice){head.data + head.len, parser->body_bytes};
        return result;
    }
    if (buffer->len - parser->head_bytes < framing.length) {
        return TKP_MOCK_PARSE_MORE;
    }
    parser->consumed = parser->head_bytes + framing.length;
    request->body = (struct tkp_mock_slice){head.data + head.len, framing.length};
    return TKP_MOCK_PARSE_DONE;
}
