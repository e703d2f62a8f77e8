/* SPDX-License-Identifier: Apache-2.0 */
/* The request of a slot as libcurl's options: the same bytes that the native transport sends. */
#include <worker/curl_parts.h>

#include <base/text.h>
#include <string.h>

enum { MAX_LINE_BYTES = 256 * 1024 };

static bool is_field(struct tokperf_span line, const char *name)
{
    size_t len = strlen(name);
    return line.len > len && line.data[len] == ':' &&
           tkp_span_is_nocase((struct tokperf_span){line.data, len}, name);
}

static bool append_header(struct tkp_curl_transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer)
        t->headers = longer;
    return longer != NULL;
}

/* libcurl wants "Name;" for an empty value: "Name:" takes a header away. */
static bool add_line(struct tkp_curl_transfer *t, struct tokperf_span line)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct tkp_buffer text;
    if (!colon)
        return true;
    size_t name_len = (size_t)(colon - line.data);
    struct tokperf_span value =
        tkp_span_trim((struct tokperf_span){colon + 1, line.len - name_len - 1});
    tkp_buffer_init(&text, MAX_LINE_BYTES);
    tkp_buffer_append(&text, line.data, value.len ? line.len : name_len);
    if (!value.len)
        tkp_buffer_puts(&text, ";");
    bool good = !text.failed && append_header(t, tkp_buffer_text(&text));
    tkp_buffer_finish(&text);
    return good;
}

/* The lines of the head but those that libcurl makes itself, or that HTTP/2 has no use for. */
static bool set_headers(struct tkp_curl_transfer *t, struct tokperf_span lines)
{
    bool is_http2 = t->multi->curl->w->shared->plan->http_version != TKP_HTTP_VERSION_1_1;
    bool good = append_header(t, "Expect:"), has_type = false, has_accept = false;
    while (good && lines.len) {
        const char *end = memchr(lines.data, '\n', lines.len);
        struct tokperf_span line = {lines.data, (uint64_t)(end - lines.data)};
        lines.len -= line.len + 1;
        lines.data = end + 1;
        line.len -= line.len && line.data[line.len - 1] == '\r';
        has_type |= is_field(line, "Content-Type");
        has_accept |= is_field(line, "Accept");
        if (!is_field(line, "Content-Length") && (!is_http2 || !is_field(line, "Connection")))
            good = add_line(t, line);
    }
    if (good && !has_type)
        good = append_header(t, "Content-Type:");
    if (good && !has_accept)
        good = append_header(t, "Accept:");
    return good && curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static bool set_url(struct tkp_curl_transfer *t, struct tokperf_span path)
{
    const struct tkp_url *url = t->multi->curl->w->shared->targets[t->slot->event.url_index].url;
    struct tkp_buffer text;
    tkp_buffer_init(&text, MAX_LINE_BYTES);
    tkp_buffer_puts(&text, url->scheme == TKP_URL_HTTPS ? "https://" : "http://");
    tkp_buffer_puts(&text, url->host_port);
    tkp_buffer_append(&text, path.data, path.len);
    bool good = !text.failed &&
                curl_easy_setopt(t->easy, CURLOPT_URL, tkp_buffer_text(&text)) == CURLE_OK &&
                curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH,
                                 url->scheme == TKP_URL_UNIX ? url->unix_path : NULL) == CURLE_OK;
    tkp_buffer_finish(&text);
    return good;
}

/* Without holes libcurl reads the rendered body where it lies. */
static const char *body_of(struct tkp_curl_transfer *t, const struct tkp_message *m,
                           const struct tkp_rendered *rendered)
{
    if (!rendered->body.len)
        return "";
    if (!rendered->hole_count)
        return rendered->body.data;
    for (uint32_t i = 1; i < m->part_count; i++)
        tkp_buffer_append(&t->body, m->parts[i].iov_base, m->parts[i].iov_len);
    return t->body.failed ? NULL : t->body.data;
}

static bool set_body(struct tkp_curl_transfer *t, struct tokperf_span method, const char *body)
{
    char name[32];
    bool is_get = tkp_span_is(method, "GET") && !t->body_bytes;
    bool is_head = tkp_span_is(method, "HEAD");
    if (!body || method.len >= sizeof name)
        return false;
    tkp_text_copy(name, sizeof name, method);
    CURL *e = t->easy;
    if (curl_easy_setopt(e, CURLOPT_NOBODY, 0L) != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK)
        return false;
    if (is_head)
        return curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (is_get)
        return curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body_bytes) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
           (tkp_span_is(method, "POST") ||
            curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, name) == CURLE_OK);
}

bool tkp_curl_request_set(struct tkp_curl_transfer *t)
{
    struct tkp_worker *w = t->multi->curl->w;
    const struct tkp_slot *slot = t->slot;
    struct tkp_message_key key = {slot->event.url_index, slot->turn, slot->event.draw};
    struct tkp_message *m = &w->message;
    if (!tkp_message_make(m, &key, slot->rendered))
        return false;
    t->body_bytes = slot->rendered->body.len;
    t->head_bytes = m->total_bytes - t->body_bytes;
    /* "POST /path HTTP/1.1\r\nName: value\r\n...\r\n" and an empty line */
    struct tokperf_span head = {m->head.data, t->head_bytes - 2};
    const char *line_end = memchr(head.data, '\r', head.len);
    const char *from = memchr(head.data, ' ', head.len);
    const char *to = line_end - strlen(" HTTP/1.1");
    struct tokperf_span path = {from + 1, (uint64_t)(to - from - 1)};
    head.len -= (uint64_t)(line_end + 2 - head.data);
    head.data = line_end + 2;
    return set_url(t, path) && set_headers(t, head) &&
           set_body(t, slot->rendered->method, body_of(t, m, slot->rendered));
}
