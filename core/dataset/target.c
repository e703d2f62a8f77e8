/* SPDX-License-Identifier: Apache-2.0 */
/* The request sink. What a plugin gives goes into a request head as it is, so it is checked here.
 */
#include <dataset/target.h>

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

static void refuse(struct tkp_target *target, const char *problem)
{
    if (target->problem == NULL)
        target->problem = problem;
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
    struct tkp_target *target = context;
    if (is_token(method))
        replace(&target->method, method);
    else
        refuse(target, "the method is no HTTP token");
}

static void set_path(void *context, struct tokperf_span path)
{
    struct tkp_target *target = context;
    bool plain = path.len > 0 && path.data[0] == '/';
    for (uint64_t i = 0; plain && i < path.len; i++)
        plain = path.data[i] > ' ' && path.data[i] < 0x7f;
    if (plain)
        replace(&target->path, path);
    else
        refuse(target, "the path does not begin with / or has a space or control byte");
}

static void add_header(void *context, struct tokperf_span name, struct tokperf_span value)
{
    struct tkp_target *target = context;
    if (!is_token(name) || !is_field_value(value)) {
        refuse(target, "a header's name is no HTTP token or its value has a control byte");
        return;
    }
    tkp_buffer_append(&target->headers, name.data, name.len);
    tkp_buffer_append(&target->headers, ": ", 2);
    tkp_buffer_append(&target->headers, value.data, value.len);
    tkp_buffer_append(&target->headers, "\r\n", 2);
}

static void set_content_type(void *context, struct tokperf_span type)
{
    struct tkp_target *target = context;
    if (is_field_value(type) && type.len > 0)
        replace(&target->content_type, type);
    else
        refuse(target, "the content type is empty or has a control byte");
}

static void append_body(void *context, const char *data, uint64_t len)
{
    struct tkp_target *target = context;
    tkp_buffer_append(&target->body, data, len);
}

static void append_hole(void *context, uint32_t kind)
{
    struct tkp_target *target = context;
    uint32_t width = tkp_hole_width(kind);
    if (width == 0) {
        refuse(target, "a hole is of an unknown kind");
        return;
    }
    if (target->holes.hole_count == TKP_RENDERED_MAX_HOLES) {
        refuse(target, "there are more than 8 holes");
        return;
    }
    target->holes.holes[target->holes.hole_count].offset = target->body.len;
    target->holes.holes[target->holes.hole_count].kind = kind;
    target->holes.hole_count++;
    char *place = tkp_buffer_reserve(&target->body, width);
    if (place == NULL)
        return; /* the buffer has failed and says so in the end */
    memset(place, '0', width);
    tkp_buffer_advance(&target->body, width);
}

void tkp_target_init(struct tkp_target *target)
{
    *target = (struct tkp_target){
        .sink = {.struct_size = sizeof target->sink,
                 .context = target,
                 .method = set_method,
                 .path = set_path,
                 .header = add_header,
                 .content_type = set_content_type,
                 .body = append_body,
                 .hole = append_hole},
    };
    tkp_buffer_init(&target->method, TKP_MAX_METHOD_BYTES);
    tkp_buffer_init(&target->path, TKP_MAX_PATH_BYTES);
    tkp_buffer_init(&target->content_type, TKP_MAX_TYPE_BYTES);
    tkp_buffer_init(&target->headers, TKP_MAX_HEADERS_BYTES);
    tkp_buffer_init(&target->body, TKP_MAX_BODY_BYTES);
}

void tkp_target_finish(struct tkp_target *target)
{
    tkp_buffer_finish(&target->method);
    tkp_buffer_finish(&target->path);
    tkp_buffer_finish(&target->content_type);
    tkp_buffer_finish(&target->headers);
    tkp_buffer_finish(&target->body);
}

void tkp_target_clear(struct tkp_target *target)
{
    tkp_buffer_clear(&target->method);
    tkp_buffer_clear(&target->path);
    tkp_buffer_clear(&target->content_type);
    tkp_buffer_clear(&target->headers);
    tkp_buffer_clear(&target->body);
    target->holes.hole_count = 0;
    target->problem = NULL;
}

static struct tokperf_span or_default(const struct tkp_buffer *buffer, const char *text)
{
    return buffer->len > 0 ? tkp_buffer_span(buffer) : tkp_span(text);
}

tokperf_status tkp_target_take(struct tkp_target *target, struct tkp_rendered *rendered,
                               struct tokperf_error *error)
{
    if (target->problem != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "the endpoint plugin's request is not usable: %s",
                        target->problem);
    if (target->body.failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the request body is longer than %d MiB or than the memory there is",
                        TKP_MAX_BODY_BYTES >> 20);
    if (target->method.failed || target->path.failed || target->content_type.failed ||
        target->headers.failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the endpoint plugin's method, path, content type or headers are longer "
                        "than %d, %d, %d and %d bytes",
                        (int)TKP_MAX_METHOD_BYTES, (int)TKP_MAX_PATH_BYTES, (int)TKP_MAX_TYPE_BYTES,
                        (int)TKP_MAX_HEADERS_BYTES);
    *rendered = target->holes;
    rendered->method = or_default(&target->method, "POST");
    rendered->path = tkp_buffer_span(&target->path);
    rendered->content_type = or_default(&target->content_type, "application/json");
    rendered->headers = tkp_buffer_span(&target->headers);
    rendered->body = tkp_buffer_span(&target->body);
    rendered->prompt_hash = tkp_hash_bytes(rendered->body.data, rendered->body.len);
    return TOKPERF_OK;
}
