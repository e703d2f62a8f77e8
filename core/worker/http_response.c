/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine over a response's bytes: lines of the head, then a body by length, by chunks or
 * until the connection ends. It copies nothing but a line that the end of a read has cut.
 */
#include <worker/http_response.h>

#include <string.h>
#include <worker/http_fields.h>
#include <worker/row_text.h>

enum state {
    STATE_STATUS = 0,
    STATE_FIELDS,
    STATE_LENGTH,     /* length_bytes left */
    STATE_CHUNK_SIZE, /* at the digits */
    STATE_CHUNK_EXTENSION,
    STATE_CHUNK_SIZE_LF,
    STATE_CHUNK_DATA, /* length_bytes left */
    STATE_CHUNK_DATA_CR,
    STATE_CHUNK_DATA_LF,
    STATE_TRAILERS,
    STATE_UNTIL_CLOSE,
    STATE_DONE,
    STATE_BAD
};

void tkp_http_response_begin(struct tkp_http_response *r, struct tkp_spill_pool *pool,
                             bool head_request, struct tkp_row *noted)
{
    *r = (struct tkp_http_response){.pool = pool, .head_request = head_request, .noted = noted};
    tkp_row_clear_note(noted);
}

void tkp_http_response_finish(struct tkp_http_response *r)
{
    tkp_spill_give(r->pool, r->line);
    r->line = NULL;
}

static enum tkp_http_step refuse(struct tkp_http_response *r, const char *why)
{
    r->error = why;
    r->state = STATE_BAD;
    return TKP_HTTP_BAD;
}

/* Takes a line, without its CRLF or LF (RFC 9112, 2.2). false: more bytes are needed, or BAD. */
static bool take_line(struct tkp_http_response *r, char **at, char *end, struct tokperf_span *line)
{
    size_t available = (size_t)(end - *at);
    char *lf = available ? memchr(*at, '\n', available) : NULL;
    size_t used = lf ? (size_t)(lf - *at) + 1 : available;
    if (used > TKP_HTTP_MAX_HEAD_BYTES - r->head_bytes) {
        refuse(r, "the headers are longer than 64 KiB");
        return false;
    }
    r->head_bytes += (uint32_t)used;
    bool cut_before = r->line && r->line->len;
    if ((!lf || cut_before) && used && !tkp_spill_append(r->pool, &r->line, *at, used)) {
        refuse(r, "there is no memory for its headers");
        return false;
    }
    *line = (struct tokperf_span){*at, used};
    *at += used;
    if (!lf)
        return false;
    if (cut_before)
        *line = (struct tokperf_span){r->line->data, r->line->len};
    line->len--;
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* The line taken was used: its memory goes back. */
static void drop_line(struct tkp_http_response *r)
{
    tkp_spill_give(r->pool, r->line);
    r->line = NULL;
}

static enum tkp_http_step read_status(struct tkp_http_response *r, char **at, char *end)
{
    struct tokperf_span line;
    /* Bytes that are no status line are refused before a line end that may never come. */
    if (!r->line && *at < end && **at != 'H')
        return refuse(r, "the answer does not begin with an HTTP status line");
    if (!take_line(r, at, end, &line))
        return r->state == STATE_BAD ? TKP_HTTP_BAD : TKP_HTTP_MORE;
    const char *why = tkp_http_fields_status(r, line);
    drop_line(r);
    if (why)
        return refuse(r, why);
    r->state = STATE_FIELDS;
    return TKP_HTTP_MORE;
}

/* What an informational response said does not count for the final one (RFC 9110, 15.2). */
static enum tkp_http_step skip_informational(struct tkp_http_response *r)
{
    if (r->status == 101)
        return refuse(r, "it switches protocols, which was not asked for");
    r->chunked = r->has_length = r->has_encoding = r->is_coded = false;
    r->says_close = r->says_keep_alive = r->field_seen = r->field_frames = false;
    r->length_bytes = 0;
    r->content = TKP_HTTP_CONTENT_NONE;
    tkp_row_clear_note(r->noted);
    r->state = STATE_STATUS;
    return TKP_HTTP_MORE;
}

/* Message body length by RFC 9112, 6.3, and persistence by 9.3. */
static enum tkp_http_step end_head(struct tkp_http_response *r)
{
    if (r->status < 200)
        return skip_informational(r);
    r->keep_alive = !r->says_close && (r->minor >= 1 || r->says_keep_alive);
    if (r->has_encoding && (r->has_length || r->minor == 0))
        r->keep_alive = false;
    if (r->head_request || r->status == 204 || r->status == 304) {
        r->state = STATE_DONE;
    } else if (r->chunked) {
        r->state = STATE_CHUNK_SIZE;
        r->length_bytes = 0;
    } else if (r->has_length) {
        r->state = r->length_bytes ? STATE_LENGTH : STATE_DONE;
    } else {
        r->state = STATE_UNTIL_CLOSE;
        r->keep_alive = false;
    }
    return TKP_HTTP_HEAD;
}

static enum tkp_http_step read_field(struct tkp_http_response *r, char **at, char *end)
{
    struct tokperf_span line;
    if (!take_line(r, at, end, &line))
        return r->state == STATE_BAD ? TKP_HTTP_BAD : TKP_HTTP_MORE;
    const char *why = line.len ? tkp_http_fields_line(r, line) : NULL;
    bool last = line.len == 0;
    drop_line(r);
    if (why)
        return refuse(r, why);
    return last ? end_head(r) : TKP_HTTP_MORE;
}

/* Trailer fields say nothing that is measured; they are passed over. */
static enum tkp_http_step read_trailer(struct tkp_http_response *r, char **at, char *end)
{
    struct tokperf_span line;
    if (!take_line(r, at, end, &line))
        return r->state == STATE_BAD ? TKP_HTTP_BAD : TKP_HTTP_MORE;
    if (!line.len)
        r->state = STATE_DONE;
    drop_line(r);
    return TKP_HTTP_MORE;
}

static enum tkp_http_step take_body(struct tkp_http_response *r, char **at, char *end,
                                    struct tokperf_span *body)
{
    uint64_t available = (uint64_t)(end - *at);
    uint64_t len = available;
    if (r->state != STATE_UNTIL_CLOSE) {
        if (len > r->length_bytes)
            len = r->length_bytes;
        r->length_bytes -= len;
        if (!r->length_bytes)
            r->state = r->state == STATE_LENGTH ? STATE_DONE : STATE_CHUNK_DATA_CR;
    }
    *body = (struct tokperf_span){*at, len};
    *at += len;
    return TKP_HTTP_BODY;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum tkp_http_step end_chunk_size(struct tkp_http_response *r)
{
    r->state = r->length_bytes ? STATE_CHUNK_DATA : STATE_TRAILERS;
    r->digits = 0;
    r->extension_bytes = 0;
    return TKP_HTTP_MORE;
}

static enum tkp_http_step read_chunk_size(struct tkp_http_response *r, char **at, char *end)
{
    for (; *at < end; ++*at) {
        char c = **at;
        int value = hex_value(c);
        if (value < 0) {
            if (!r->digits)
                return refuse(r, "a chunk has no size in hexadecimal digits");
            if (c != '\r' && c != ';' && c != ' ' && c != '\t')
                return refuse(r, "a chunk size is followed by something else than CRLF or ';'");
            ++*at;
            r->state = c == '\r' ? STATE_CHUNK_SIZE_LF : STATE_CHUNK_EXTENSION;
            return TKP_HTTP_MORE;
        }
        if (r->length_bytes >> 60)
            return refuse(r, "a chunk size is too large");
        r->length_bytes = r->length_bytes << 4 | (uint64_t)value;
        r->digits = 1;
    }
    return TKP_HTTP_MORE;
}

/* Extensions (RFC 9112, 7.1.1) are passed over. */
static enum tkp_http_step skip_extension(struct tkp_http_response *r, char **at, char *end)
{
    for (; *at < end; ++*at) {
        unsigned char c = (unsigned char)**at;
        if (c == '\r') {
            ++*at;
            r->state = STATE_CHUNK_SIZE_LF;
            return TKP_HTTP_MORE;
        }
        if ((c < ' ' && c != '\t') || ++r->extension_bytes > TKP_HTTP_MAX_EXTENSION_BYTES)
            return refuse(r, "a chunk extension holds a control byte or exceeds 16 KiB");
    }
    return TKP_HTTP_MORE;
}

static enum tkp_http_step expect_byte(struct tkp_http_response *r, char **at, char byte,
                                      enum state next)
{
    if (**at != byte)
        return refuse(r, "a chunk does not end with CRLF");
    ++*at;
    r->state = (uint8_t)next;
    return TKP_HTTP_MORE;
}

/* One step of the machine; bytes are there. MORE means: go on if bytes are left. */
static enum tkp_http_step step(struct tkp_http_response *r, char **at, char *end,
                               struct tokperf_span *body)
{
    switch ((enum state)r->state) {
    case STATE_STATUS:
        return read_status(r, at, end);
    case STATE_FIELDS:
        return read_field(r, at, end);
    case STATE_LENGTH:
    case STATE_CHUNK_DATA:
    case STATE_UNTIL_CLOSE:
        return take_body(r, at, end, body);
    case STATE_CHUNK_SIZE:
        return read_chunk_size(r, at, end);
    case STATE_CHUNK_EXTENSION:
        return skip_extension(r, at, end);
    case STATE_CHUNK_SIZE_LF:
        if (**at != '\n')
            return refuse(r, "a chunk size does not end with CRLF");
        ++*at;
        return end_chunk_size(r);
    case STATE_CHUNK_DATA_CR:
        return expect_byte(r, at, '\r', STATE_CHUNK_DATA_LF);
    case STATE_CHUNK_DATA_LF:
        return expect_byte(r, at, '\n', STATE_CHUNK_SIZE);
    case STATE_TRAILERS:
        return read_trailer(r, at, end);
    case STATE_DONE:
        return TKP_HTTP_DONE;
    case STATE_BAD:
        break;
    }
    return TKP_HTTP_BAD;
}

enum tkp_http_step tkp_http_response_next(struct tkp_http_response *r, char **at, char *end,
                                          struct tokperf_span *body)
{
    for (;;) {
        if (r->state == STATE_DONE)
            return TKP_HTTP_DONE;
        if (r->state == STATE_BAD)
            return TKP_HTTP_BAD;
        if (*at == end)
            return TKP_HTTP_MORE;
        enum tkp_http_step result = step(r, at, end, body);
        if (result != TKP_HTTP_MORE)
            return result;
    }
}

enum tkp_http_end tkp_http_response_end(const struct tkp_http_response *r)
{
    switch ((enum state)r->state) {
    case STATE_STATUS:
        /* an informational response before it does not answer the request */
        return TKP_HTTP_END_BEFORE_STATUS;
    case STATE_FIELDS:
        return TKP_HTTP_END_IN_HEAD;
    case STATE_LENGTH:
        return TKP_HTTP_END_SHORT;
    case STATE_UNTIL_CLOSE:
        return TKP_HTTP_END_CLOSED;
    case STATE_DONE:
        return TKP_HTTP_END_AFTER;
    case STATE_CHUNK_SIZE:
    case STATE_CHUNK_EXTENSION:
    case STATE_CHUNK_SIZE_LF:
    case STATE_CHUNK_DATA:
    case STATE_CHUNK_DATA_CR:
    case STATE_CHUNK_DATA_LF:
    case STATE_TRAILERS:
    case STATE_BAD:
        break;
    }
    return TKP_HTTP_END_CUT;
}
