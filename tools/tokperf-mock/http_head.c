/* SPDX-License-Identifier: Apache-2.0 */
/* Parses request heads. A line ends with CRLF or a lone LF (RFC 9112 2.2). */
#include "http_head.h"

#include <string.h>
#include <strings.h>

enum tkp_mock_parse tkp_mock_http_refuse(struct tkp_mock_http_request *request, int status,
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

struct tkp_mock_slice tkp_mock_http_trim(struct tkp_mock_slice slice)
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

bool tkp_mock_http_take_line(struct tkp_mock_slice *rest, struct tkp_mock_slice *line)
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
        if (same(tkp_mock_http_trim((struct tkp_mock_slice){list.data, len}), token)) {
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
        return tkp_mock_http_refuse(request, 400, "The request line is not METHOD TARGET VERSION.");
    }
    request->method = (struct tkp_mock_slice){line.data, (size_t)(space - line.data)};
    const char *end = line.data + line.len;
    const char *target = space + 1;
    const char *second = memchr(target, ' ', (size_t)(end - target));
    if (second == NULL || !is_token(request->method)) {
        return tkp_mock_http_refuse(request, 400, "The request line is not METHOD TARGET VERSION.");
    }
    struct tkp_mock_slice version = {second + 1, (size_t)(end - second) - 1};
    if (version.len != 8 || memcmp(version.data, "HTTP/1.", 7) != 0 ||
        (version.data[7] != '0' && version.data[7] != '1')) {
        return tkp_mock_http_refuse(request, 505, "The version is not HTTP/1.0 or HTTP/1.1.");
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
        return tkp_mock_http_refuse(request, 400,
                                    "The request target does not begin with a slash.");
    }
    const char *query = memchr(target, '?', len);
    request->path = (struct tkp_mock_slice){target, query == NULL ? len : (size_t)(query - target)};
    return TKP_MOCK_PARSE_DONE;
}

static enum tkp_mock_parse parse_length(struct tkp_mock_slice value,
                                        struct tkp_mock_body_framing *framing,
                                        struct tkp_mock_http_request *request)
{
    size_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return tkp_mock_http_refuse(request, 400, "Content-Length is not a number.");
        }
        length = length * 10 + (size_t)(value.data[i] - '0');
        if (length > TKP_MOCK_BODY_BYTES_MAX) {
            return tkp_mock_http_refuse(request, 413, "The body is larger than 64 MiB.");
        }
    }
    if (value.len == 0 || (framing->has_length && framing->length != length)) {
        return tkp_mock_http_refuse(request, 400, "Content-Length is empty or contradicts itself.");
    }
    framing->has_length = true;
    framing->length = length;
    return TKP_MOCK_PARSE_DONE;
}

static enum tkp_mock_parse parse_header(struct tkp_mock_slice line,
                                        struct tkp_mock_body_framing *framing,
                                        struct tkp_mock_http_request *request)
{
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL) {
        return tkp_mock_http_refuse(request, 400, "A header line has no colon.");
    }
    struct tkp_mock_slice name = {line.data, (size_t)(colon - line.data)};
    struct tkp_mock_slice value =
        tkp_mock_http_trim((struct tkp_mock_slice){colon + 1, line.len - name.len - 1});
    if (!is_token(name)) {
        return tkp_mock_http_refuse(request, 400,
                                    "A header name has characters that are not allowed.");
    }
    if (same(name, "content-length")) {
        return parse_length(value, framing, request);
    }
    if (same(name, "transfer-encoding")) {
        if (!same(value, "chunked") || framing->chunked) {
            return tkp_mock_http_refuse(request, 501, "The only transfer coding known is chunked.");
        }
        framing->chunked = true;
    } else if (same(name, "connection")) {
        request->keep_alive =
            list_has(value, "keep-alive") || (request->keep_alive && !list_has(value, "close"));
    } else if (same(name, "expect")) {
        framing->expects_continue = same(value, "100-continue");
    } else if (same(name, "authorization")) {
        request->authorization = value;
    } else if (same(name, "x-request-id")) {
        request->request_id = value;
    }
    return TKP_MOCK_PARSE_DONE;
}

enum tkp_mock_parse tkp_mock_http_parse_head(struct tkp_mock_slice head,
                                             struct tkp_mock_body_framing *framing,
                                             struct tkp_mock_http_request *request)
{
    struct tkp_mock_slice line = {0};
    size_t lines = 0;
    bool started = false;
    while (tkp_mock_http_take_line(&head, &line)) {
        enum tkp_mock_parse result = TKP_MOCK_PARSE_DONE;
        if (!started) {
            started = line.len > 0; /* empty lines before the request line are passed over */
            result = started ? parse_request_line(line, request) : result;
        } else if (line.len > 0) {
            result =
                ++lines > TKP_MOCK_HEADER_LINES_MAX
                    ? tkp_mock_http_refuse(request, 431, "There are more than 256 header lines.")
                    : parse_header(line, framing, request);
        }
        if (result != TKP_MOCK_PARSE_DONE) {
            return result;
        }
    }
    if (framing->chunked && (framing->has_length || request->http10)) {
        return tkp_mock_http_refuse(request, 400,
                                    "Transfer-Encoding with Content-Length or HTTP/1.0.");
    }
    return TKP_MOCK_PARSE_DONE;
}
