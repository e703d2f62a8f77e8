/* SPDX-License-Identifier: Apache-2.0 */
/* The request parser. A line ends with CRLF or a lone LF (RFC 9112 2.2). The head is parsed again
 * on each call once it is whole, so that the slices are right after the buffer has moved. */
#include "http_request.h"

#include <string.h>
#include <strings.h>

enum { CHUNK_LINE_BYTES_MAX = 4096 };

/* What the head lines say about the body. */
struct framing {
    bool has_length;
    bool chunked;
    bool expects_continue;
    size_t length;
};

static enum tkp_mock_parse bad(struct tkp_mock_http_request *request, int status,
                               const char *trouble)
{
    request->status = status;
    request->trouble = trouble;
    return TKP_MOCK_PARSE_BAD;
}

static bool same(struct tkp_mock_slice slice, const char *text)
{
    return slice.len == strlen(text) && strncasecmp(slice.data, text, slice.len) == 0;
}

/* The characters of a method or header name (RFC 9110 5.6.2). */
static bool is_token(struct tkp_mock_slice slice)
{
    for (size_t i = 0; i < slice.len; i++) {
        unsigned char c = (unsigned char)slice.data[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return slice.len > 0;
}

static struct tkp_mock_slice trim(struct tkp_mock_slice slice)
{
    while (slice.len > 0 && (slice.data[0] == ' ' || slice.data[0] == '\t')) {
        slice.data++;
        slice.len--;
    }
    while (slice.len > 0 &&
           (slice.data[slice.len - 1] == ' ' || slice.data[slice.len - 1] == '\t')) {
        slice.len--;
    }
    return slice;
}

/* Cuts the next line off rest; false when its end is not there yet. */
static bool take_line(struct tkp_mock_slice *rest, struct tkp_mock_slice *line)
{
    const char *newline = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    if (newline == NULL) {
        return false;
    }
    size_t len = (size_t)(newline - rest->data);
    *line = (struct tkp_mock_slice){rest->data, len - (len > 0 && rest->data[len - 1] == '\r')};
    rest->data += len + 1;
    rest->len -= len + 1;
    return true;
}

/* True when a comma-separated list names the token. */
static bool list_has(struct tkp_mock_slice list, const char *token)
{
    while (list.len > 0) {
        const char *comma = memchr(list.data, ',', list.len);
        size_t len = comma == NULL ? list.len : (size_t)(comma - list.data);
        if (same(trim((struct tkp_mock_slice){list.data, len}), token)) {
            return true;
        }
        len += comma != NULL;
        list.data += len;
        list.len -= len;
    }
    return false;
}

static enum tkp_mock_parse parse_request_line(struct tkp_mock_slice line,
                                              struct tkp_mock_http_request *request)
{
    const char *space = line.len == 0 ? NULL : memchr(line.data, ' ', line.len);
    if (space == NULL) {
        return bad(request, 400, "The request line is not METHOD TARGET VERSION.");
    }
    request->method = (struct tkp_mock_slice){line.data, (size_t)(space - line.data)};
    const char *end = line.data + line.len;
    const char *target = space + 1;
    const char *second = memchr(target, ' ', (size_t)(end - target));
    if (second == NULL || !is_token(request->method)) {
        return bad(request, 400, "The request line is not METHOD TARGET VERSION.");
    }
    struct tkp_mock_slice version = {second + 1, (size_t)(end - second) - 1};
    if (version.len != 8 || memcmp(version.data, "HTTP/1.", 7) != 0 ||
        (version.data[7] != '0' && version.data[7] != '1')) {
        return bad(request, 505, "The version is not HTTP/1.0 or HTTP/1.1.");
    }
    request->http10 = version.data[7] == '0';
    request->keep_alive = !request->http10;
    size_t len = (size_t)(second - target);
    if (len > 7 && strncasecmp(target, "http://", 7) == 0) { /* absolute form, from proxies */
        const char *slash = memchr(target + 7, '/', len - 7);
        len = slash == NULL ? 0 : (size_t)(second - slash);
        target = slash;
    }
    if (len == 0 || target[0] != '/') {
        return bad(request, 400, "The request target does not begin with a slash.");
    }
    const char *query = memchr(target, '?', len);
    request->path = (struct tkp_mock_slice){target, query == NULL ? len : (size_t)(query - target)};
    return TKP_MOCK_PARSE_DONE;
}

static enum tkp_mock_parse parse_length(struct tkp_mock_slice value, struct framing *framing,
                                        struct tkp_mock_http_request *request)
{
    size_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return bad(request, 400, "Content-Length is not a number.");
        }
        length = length * 10 + (size_t)(value.data[i] - '0');
        if (length > TKP_MOCK_BODY_BYTES_MAX) {
            return bad(request, 413, "The body is larger than 64 MiB.");
        }
    }
    if (value.len == 0 || (framing->has_length && framing->length != length)) {
        return bad(request, 400, "Content-Length is empty or contradicts itself.");
    }
    framing->has_length = true;
    framing->length = length;
    return TKP_MOCK_PARSE_DONE;
}

static enum tkp_mock_parse parse_header(struct tkp_mock_slice line, struct framing *framing,
                                        struct tkp_mock_http_request *request)
{
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL) {
        return bad(request, 400, "A header line has no colon.");
    }
    struct tkp_mock_slice name = {line.data, (size_t)(colon - line.data)};
    struct tkp_mock_slice value = trim((struct tkp_mock_slice){colon + 1, line.len - name.len - 1});
    if (!is_token(name)) {
        return bad(request, 400, "A header name has characters that are not allowed.");
    }
    if (same(name, "content-length")) {
        return parse_length(value, framing, request);
    }
    if (same(name, "transfer-encoding")) {
        if (!same(value, "chunked") || framing->chunked) {
            return bad(request, 501, "The only transfer coding known is chunked.");
        }
        framing->chunked = true;
    } else if (same(name, "connection")) {
        request->keep_alive =
            list_has(value, "keep-alive") || (request->keep_alive && !list_has(value, "close"));
    } else if (same(name, "expect")) {
        framing->expects_continue = same(value, "100-continue");
    } else if (same(name, "authorization")) {
        request->authorization = value;
    }
    return TKP_MOCK_PARSE_DONE;
}

static enum tkp_mock_parse parse_head(struct tkp_mock_slice head, struct framing *framing,
                                      struct tkp_mock_http_request *request)
{
    struct tkp_mock_slice line = {0};
    size_t lines = 0;
    bool started = false;
    while (take_line(&head, &line)) {
        enum tkp_mock_parse result = TKP_MOCK_PARSE_DONE;
        if (!started) {
            started = line.len > 0; /* empty lines before the request line are passed over */
            result = started ? parse_request_line(line, request) : result;
        } else if (line.len > 0) {
            result = ++lines > TKP_MOCK_HEADER_LINES_MAX
                         ? bad(request, 431, "There are more than 256 header lines.")
                         : parse_header(line, framing, request);
        }
        if (result != TKP_MOCK_PARSE_DONE) {
            return result;
        }
    }
    if (framing->chunked && (framing->has_length || request->http10)) {
        return bad(request, 400, "Transfer-Encoding with Content-Length or HTTP/1.0.");
    }
    return TKP_MOCK_PARSE_DONE;
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
        trim((struct tkp_mock_slice){line.data + digits, line.len - digits});
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
        return line.len == 0 ? TKP_MOCK_PARSE_MORE
                             : bad(request, 400, "A chunk is longer than its size says.");
    }
    size_t size = read_chunk_size(line);
    if (size == SIZE_MAX) {
        return bad(request, 400, "A chunk size is not hexadecimal.");
    }
    if (size > TKP_MOCK_BODY_BYTES_MAX - parser->body_bytes) {
        return bad(request, 413, "The body is larger than 64 MiB.");
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
        if (!take_line(&rest, &line)) {
            return before > CHUNK_LINE_BYTES_MAX
                       ? bad(request, 400, "A line of the chunked body is too long.")
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
    struct framing framing = {0};
    bool first = parser->head_bytes == 0;
    if (first && !find_head(parser, buffer)) {
        return buffer->len > TKP_MOCK_HEAD_BYTES_MAX
                   ? bad(request, 431, "The head is larger than 64 KiB.")
                   : TKP_MOCK_PARSE_MORE;
    }
    if (parser->head_bytes > TKP_MOCK_HEAD_BYTES_MAX) {
        return bad(request, 431, "The head is larger than 64 KiB.");
    }
    *request = (struct tkp_mock_http_request){0};
    struct tkp_mock_slice head = {buffer->data, parser->head_bytes};
    if (parse_head(head, &framing, request) != TKP_MOCK_PARSE_DONE) {
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
