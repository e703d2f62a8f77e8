/* SPDX-License-Identifier: Apache-2.0 */
/* Status line and header fields of a response: what they say about framing, reuse and content. */
#include <worker/http_fields.h>

#include <base/text.h>
#include <string.h>
#include <worker/row_text.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* tchar of RFC 9110, 5.6.2: digits, letters and !#$%&'*+-.^_`|~, a bit for each of 128 bytes. */
static bool is_token_byte(unsigned char c)
{
    static const uint64_t bits[4] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};
    return bits[c >> 6] >> (c & 63) & 1;
}

const char *tkp_http_fields_status(struct tkp_http_response *r, struct tokperf_span line)
{
    const char *p = line.data;
    if (line.len < 12 || memcmp(p, "HTTP/", 5) != 0)
        return "the answer does not begin with an HTTP status line";
    if (p[5] != '1' || p[6] != '.' || !is_digit(p[7]) || p[8] != ' ')
        return "the status line names another version than HTTP/1.0 or HTTP/1.1";
    if (!is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) || p[9] == '0' ||
        (line.len > 12 && p[12] != ' '))
        return "the status line has no status code of three digits";
    r->minor = (uint8_t)(p[7] - '0');
    r->status = (uint32_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
    return NULL;
}

/* The part of a list up to its first comma, trimmed; what is left stays in *list. */
static struct tokperf_span take_element(struct tokperf_span *list)
{
    const char *comma = list->len ? memchr(list->data, ',', list->len) : NULL;
    uint64_t len = comma ? (uint64_t)(comma - list->data) : list->len;
    struct tokperf_span element = {list->data, len};
    uint64_t used = comma ? len + 1 : len;
    list->data += used;
    list->len -= used;
    return tkp_span_trim(element);
}

static const char *read_length(struct tokperf_span digits, uint64_t *length)
{
    if (!digits.len)
        return "Content-Length is empty";
    *length = 0;
    for (uint64_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.data[i]))
            return "Content-Length is not a number";
        uint64_t digit = (uint64_t)(digits.data[i] - '0');
        if (*length > (UINT64_MAX - digit) / 10)
            return "Content-Length is too large";
        *length = *length * 10 + digit;
    }
    return NULL;
}

/* The same length said again, by a proxy for instance, is that length (RFC 9110, 8.6). */
static const char *set_length(struct tkp_http_response *r, struct tokperf_span value)
{
    do {
        uint64_t length;
        const char *why = read_length(take_element(&value), &length);
        if (!why && r->has_length && r->length_bytes != length)
            why = "Content-Length is given twice, with two values";
        if (why)
            return why;
        r->has_length = true;
        r->length_bytes = length;
    } while (value.len);
    return NULL;
}

/* Only chunked is understood: no other coding was offered in the request. */
static const char *set_encoding(struct tkp_http_response *r, struct tokperf_span value)
{
    if (!tkp_span_is_nocase(value, "chunked") || r->has_encoding)
        return "Transfer-Encoding is something else than chunked";
    r->has_encoding = true;
    r->chunked = true;
    return NULL;
}

static void set_connection(struct tkp_http_response *r, struct tokperf_span value)
{
    while (value.len) {
        struct tokperf_span option = take_element(&value);
        if (tkp_span_is_nocase(option, "close"))
            r->says_close = true;
        else if (tkp_span_is_nocase(option, "keep-alive"))
            r->says_keep_alive = true;
    }
}

static void set_note(struct tkp_http_response *r, struct tokperf_span value)
{
    char *note = tkp_row_note(r->noted);
    if (note)
        tkp_text_copy(note, TKP_ROW_MESSAGE_BYTES, value);
}

/* Of a 2xx: what it is when it is nothing that was asked for. A coding wins over a type. */
static void note_content(struct tkp_http_response *r, const char *what, struct tokperf_span value)
{
    size_t len = strlen(what);
    char *note = r->status >= 200 && r->status < 300 ? tkp_row_note(r->noted) : NULL;
    if (!note)
        return;
    memcpy(note, what, len); /* shorter than the room by far */
    tkp_text_copy(note + len, TKP_ROW_MESSAGE_BYTES - len, value);
}

/* None was offered in the request. */
static void set_coding(struct tkp_http_response *r, struct tokperf_span value)
{
    if (!value.len || tkp_span_is_nocase(value, "identity"))
        return;
    r->is_coded = true;
    note_content(r, "its content coding is ", value);
}

static void set_content(struct tkp_http_response *r, struct tokperf_span value)
{
    const char *semicolon = value.len ? memchr(value.data, ';', value.len) : NULL;
    if (semicolon)
        value.len = (uint64_t)(semicolon - value.data);
    value = tkp_span_trim(value);
    if (!value.len)
        r->content = TKP_HTTP_CONTENT_NONE;
    else if (tkp_span_is_nocase(value, "text/event-stream"))
        r->content = TKP_HTTP_CONTENT_EVENT_STREAM;
    else if (tkp_span_is_nocase(value, "application/json"))
        r->content = TKP_HTTP_CONTENT_JSON;
    else if (tkp_span_is_nocase(value, "application/x-ndjson") ||
             tkp_span_is_nocase(value, "application/jsonl"))
        r->content = TKP_HTTP_CONTENT_NDJSON;
    else
        r->content = TKP_HTTP_CONTENT_OTHER;
    if (r->content == TKP_HTTP_CONTENT_OTHER && !r->is_coded)
        note_content(r, "its content type is ", value);
}

/* A field by its name's length first: most are none of ours. */
static const char *set_field(struct tkp_http_response *r, struct tokperf_span name,
                             struct tokperf_span value)
{
    r->field_frames = false;
    switch (name.len) {
    case 8:
        if (r->status >= 300 && r->status < 400 && tkp_span_is_nocase(name, "location"))
            set_note(r, value);
        break;
    case 10:
        if (tkp_span_is_nocase(name, "connection")) {
            r->field_frames = true;
            set_connection(r, value);
        }
        break;
    case 11:
        if (r->status >= 400 && tkp_span_is_nocase(name, "retry-after"))
            set_note(r, value);
        break;
    case 12:
        if (tkp_span_is_nocase(name, "content-type"))
            set_content(r, value);
        break;
    case 14:
        if (tkp_span_is_nocase(name, "content-length")) {
            r->field_frames = true;
            return set_length(r, value);
        }
        break;
    case 16:
        if (tkp_span_is_nocase(name, "content-encoding"))
            set_coding(r, value);
        break;
    case 17:
        if (tkp_span_is_nocase(name, "transfer-encoding")) {
            r->field_frames = true;
            return set_encoding(r, value);
        }
        break;
    }
    return NULL;
}

/* RFC 9112, 5.2: a folded line continues the value before; harmless unless that one frames. */
static const char *continue_field(const struct tkp_http_response *r)
{
    if (!r->field_seen)
        return "the first header line begins with a space";
    return r->field_frames ? "a header that frames the message is folded" : NULL;
}

const char *tkp_http_fields_line(struct tkp_http_response *r, struct tokperf_span line)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return continue_field(r);
    uint64_t colon = 0;
    while (colon < line.len && is_token_byte((unsigned char)line.data[colon]))
        colon++;
    if (colon == line.len || line.data[colon] != ':' || colon == 0)
        return "a header line has no name followed by a colon";
    struct tokperf_span name = {line.data, colon};
    struct tokperf_span value = {line.data + colon + 1, line.len - colon - 1};
    if (value.len && (memchr(value.data, '\0', value.len) || memchr(value.data, '\r', value.len)))
        return "a header value holds a NUL or a carriage return";
    r->field_seen = true;
    return set_field(r, name, tkp_span_trim(value));
}
