/* SPDX-License-Identifier: Apache-2.0 */
/* The request sink. What a plugin gives goes into a request head as it is, so it is checked here.
 */
#include <dataset/rendering.h>

#include <base/error.h>
#include <base/text.h>
#include <dataset/hash.h>
#include <string.h>

/* Widths of tokperf/endpoint.h. */
uint32_t tkp_hole_width(uint32_t kind)
{
    switch (kind) {
    case TOKPERF_HOLE_REQUEST_ID:
        return 36;
    case TOKPERF_HOLE_TRACE_PARENT:
        return 55;
    case TOKPERF_HOLE_SALT:
        return 16;
    default: /* a plugin's number */
        return 0;
    }
}

static void refuse(struct tkp_rendering *rendering, const char *problem)
{
    if (rendering->problem == NULL)
        rendering->problem = problem;
}

/* RFC 9110, 5.6.2: what a method and a field name are made of. */
static bool is_token(struct tokperf_span text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.len > 0;
}

/* RFC 9110, 5.5: no control byte but the tab. */
static bool is_field_value(struct tokperf_span text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void replace(struct tkp_buffer *buffer, struct tokperf_span text)
{
    tkp_buffer_clear(buffer);
    tkp_buffer_append(buffer, text.data, text.len);
}

static void set_method(void *context, struct tokperf_span method)
{
    struct tkp_rendering *rendering = context;
    if (is_token(method))
        replace(&rendering->method, method);
    else
        refuse(rendering, "the method is no HTTP token");
}

static void set_path(void *context, struct tokperf_span path)
{
    struct tkp_rendering *rendering = context;
    bool plain = path.len > 0 && path.data[0] == '/';
    for (uint64_t i = 0; plain && i < path.len; i++)
        plain = path.data[i] > ' ' && path.data[i] < 0x7f;
    if (plain)
        replace(&rendering->path, path);
    else
        refuse(rendering, "the path does not begin with / or has a space or control byte");
}

static void add_header(void *context, struct tokperf_span name, struct tokperf_span value)
{
    struct tkp_rendering *rendering = context;
    if (!is_token(name) || !is_field_value(value)) {
        refuse(rendering, "a header's name is no HTTP token or its value has a control byte");
        return;
    }
    tkp_buffer_append(&rendering->headers, name.data, name.len);
    tkp_buffer_append(&rendering->headers, ": ", 2);
    tkp_buffer_append(&rendering->headers, value.data, value.len);
    tkp_buffer_append(&rendering->headers, "\r\n", 2);
}

static void set_content_type(void *context, struct tokperf_span type)
{
    struct tkp_rendering *rendering = context;
    if (is_field_value(type) && type.len > 0)
        replace(&rendering->content_type, type);
    else
        refuse(rendering, "the content type is empty or has a control byte");
}

static void append_body(void *context, const char *data, uint64_t len)
{
    struct tkp_rendering *rendering = context;
    tkp_buffer_append(&rendering->body, data, len);
}

static void append_hole(void *context, uint32_t kind)
{
    struct tkp_rendering *rendering = context;
    uint32_t width = tkp_hole_width(kind);
    if (width == 0) {
        refuse(rendering, "a hole is of an unknown kind");
        return;
    }
    if (rendering->holes.hole_count == TKP_RENDERED_MAX_HOLES) {
        refuse(rendering, "there are more than 8 holes");
        return;
    }
    rendering->holes.holes[rendering->holes.hole_count].offset = rendering->body.len;
    rendering->holes.holes[rendering->holes.hole_count].kind = kind;
    rendering->holes.hole_count++;
    char *place = tkp_buffer_reserve(&rendering->body, width);
    if (place == NULL)
        return; /* the buffer has failed and says so in the end */
    memset(place, '0', width);
    tkp_buffer_advance(&rendering->body, width);
}

void tkp_rendering_init(struct tkp_rendering *rendering)
{
    *rendering = (struct tkp_rendering){
        .sink = {.struct_size = sizeof rendering->sink,
                 .context = rendering,
                 .method = set_method,
                 .path = set_path,
                 .header = add_header,
                 .content_type = set_content_type,
                 .body = append_body,
                 .hole = append_hole},
    };
    tkp_buffer_init(&rendering->method, TKP_MAX_METHOD_BYTES);
    tkp_buffer_init(&rendering->path, TKP_MAX_PATH_BYTES);
    tkp_buffer_init(&rendering->content_type, TKP_MAX_TYPE_BYTES);
    tkp_buffer_init(&rendering->headers, TKP_MAX_HEADERS_BYTES);
    tkp_buffer_init(&rendering->body, TKP_MAX_BODY_BYTES);
}

void tkp_rendering_finish(struct tkp_rendering *rendering)
{
    tkp_buffer_finish(&rendering->method);
    tkp_buffer_finish(&rendering->path);
    tkp_buffer_finish(&rendering->content_type);
    tkp_buffer_finish(&rendering->headers);
    tkp_buffer_finish(&rendering->body);
}

void tkp_rendering_clear(struct tkp_rendering *rendering)
{
    tkp_buffer_clear(&rendering->method);
    tkp_buffer_clear(&rendering->path);
    tkp_buffer_clear(&rendering->content_type);
    tkp_buffer_clear(&rendering->headers);
    tkp_buffer_clear(&rendering->body);
    rendering->holes.hole_count = 0;
    rendering->problem = NULL;
}

static struct tokperf_span or_default(const struct tkp_buffer *buffer, const char *text)
{
    return buffer->len > 0 ? tkp_buffer_span(buffer) : tkp_span(text);
}

tokperf_status tkp_rendering_take(struct tkp_rendering *rendering, struct tkp_rendered *rendered,
                                  struct tokperf_error *error)
{
    if (rendering->problem != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "the endpoint plugin's request is not usable: %s",
                        rendering->problem);
    if (rendering->body.failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the request body is longer than %d MiB or than the memory there is",
                        TKP_MAX_BODY_BYTES >> 20);
    if (rendering->method.failed || rendering->path.failed || rendering->content_type.failed ||
        rendering->headers.failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the endpoint plugin's method, path, content type or headers are longer "
                        "than %d, %d, %d and %d bytes",
                        (int)TKP_MAX_METHOD_BYTES, (int)TKP_MAX_PATH_BYTES, (int)TKP_MAX_TYPE_BYTES,
                        (int)TKP_MAX_HEADERS_BYTES);
    *rendered = rendering->holes;
    rendered->method = or_default(&rendering->method, "POST");
    rendered->path = tkp_buffer_span(&rendering->path);
    rendered->content_type = or_default(&rendering->content_type, "application/json");
    rendered->headers = tkp_buffer_span(&rendering->headers);
    rendered->body = tkp_buffer_span(&rendering->body);
    rendered->prompt_hash = tkp_hash_bytes(rendered->body.data, rendered->body.len);
    return TOKPERF_OK;
}
