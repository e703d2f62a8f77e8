/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads and bodies as lists of parts for one send() or sendmsg(). */
#include <worker/message.h>

#include <base/error.h>
#include <base/rng.h>
#include <base/text.h>
#include <base/version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MAX_HEAD_BYTES = 256 * 1024,
    MAX_JOINED_BODY_BYTES = 4096 /* copying less is cheaper than a second part for sendmsg() */
};

/* The core's own: they say where a message ends or whether its connection stays (RFC 9112). */
static const char *const framing_names[] = {"content-length", "transfer-encoding", "connection",
                                            "keep-alive",     "proxy-connection",  "te",
                                            "trailer",        "upgrade",           "expect"};

static tokperf_status check_header(const struct tkp_header *header, struct tokperf_error *error)
{
    struct tokperf_span name = tkp_span(header->name);
    for (size_t i = 0; i < sizeof framing_names / sizeof framing_names[0]; i++)
        if (tkp_span_is_nocase(name, framing_names[i]))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "header '%s' frames the request and is set by tokperf itself; leave "
                            "it out",
                            header->name);
    if (!name.len || strpbrk(header->name, "\r\n: ") || strpbrk(header->value, "\r\n"))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "header '%s' has an empty name, or a line break, colon or space where none "
                        "may be",
                        header->name);
    return TOKPERF_OK;
}

static bool user_has(const struct tkp_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->header_count; i++)
        if (tkp_span_is_nocase(tkp_span(plan->headers[i].name), name))
            return true;
    return false;
}

static const char *accept_of(uint32_t framing)
{
    if (framing == TOKPERF_FRAMING_SSE)
        return "text/event-stream";
    if (framing == TOKPERF_FRAMING_NDJSON)
        return "application/x-ndjson";
    return framing == TOKPERF_FRAMING_BYTES ? "*/*" : "application/json";
}

static void make_fixed(struct tkp_buffer *fixed, const struct tkp_plan *plan,
                       const struct tkp_url *url, uint32_t framing)
{
    tkp_buffer_init(fixed, MAX_HEAD_BYTES);
    if (!user_has(plan, "host"))
        tkp_buffer_printf(fixed, "Host: %s\r\n", url->host_port);
    if (!user_has(plan, "user-agent"))
        tkp_buffer_puts(fixed, "User-Agent: tokperf/" TKP_VERSION "\r\n");
    if (!user_has(plan, "accept"))
        tkp_buffer_printf(fixed, "Accept: %s\r\n", accept_of(framing));
    for (uint32_t i = 0; i < plan->header_count; i++)
        tkp_buffer_printf(fixed, "%s: %s\r\n", plan->headers[i].name, plan->headers[i].value);
    if (plan->reuse == TKP_REUSE_NEVER)
        tkp_buffer_puts(fixed, "Connection: close\r\n");
}

static tokperf_status make_all(struct tkp_message *m, const struct tkp_plan *plan, uint32_t framing,
                               struct tokperf_error *error)
{
    for (uint32_t i = 0; i < plan->header_count; i++) {
        tokperf_status status = check_header(&plan->headers[i], error);
        if (status != TOKPERF_OK)
            return status;
    }
    for (uint32_t i = 0; i < m->target_count; i++) {
        make_fixed(&m->fixed[i], plan, m->targets[i].url, framing);
        if (m->fixed[i].failed)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "the headers of a request exceed 256 KiB; give fewer or shorter ones");
    }
    return TOKPERF_OK;
}

tokperf_status tkp_message_init(struct tkp_message *m, const struct tkp_worker_shared *shared,
                                uint32_t framing, struct tokperf_error *error)
{
    const struct tkp_plan *plan = shared->plan;
    const char *session = plan->session_header ? plan->session_header : "X-Correlation-ID";
    *m = (struct tkp_message){.targets = shared->targets,
                              .target_count = plan->url_count,
                              .run_seed = shared->run_seed,
                              .has_request_id = user_has(plan, "x-request-id"),
                              .has_session = user_has(plan, session),
                              .has_affinity = user_has(plan, "x-session-affinity"),
                              .has_content_type = user_has(plan, "content-type")};
    tkp_buffer_init(&m->head, MAX_HEAD_BYTES);
    tkp_buffer_init(&m->session_line, MAX_HEAD_BYTES);
    tkp_buffer_printf(&m->session_line, "%s: ", session);
    m->fixed = m->session_line.failed ? NULL : calloc(m->target_count, sizeof *m->fixed);
    if (!m->fixed)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for request heads");
    tokperf_status status = make_all(m, plan, framing, error);
    if (status != TOKPERF_OK)
        tkp_message_finish(m);
    return status;
}

void tkp_message_finish(struct tkp_message *m)
{
    for (uint32_t i = 0; m->fixed && i < m->target_count; i++)
        tkp_buffer_finish(&m->fixed[i]);
    free(m->fixed);
    tkp_buffer_finish(&m->head);
    tkp_buffer_finish(&m->session_line);
    *m = (struct tkp_message){0};
}

static void append_span(struct tkp_buffer *b, struct tokperf_span span)
{
    if (span.len)
        tkp_buffer_append(b, span.data, span.len);
}

static void append_id(struct tkp_buffer *b, struct tokperf_span name, const char id[37])
{
    append_span(b, name);
    tkp_buffer_append(b, id, 36);
    tkp_buffer_append(b, "\r\n", 2);
}

static void append_length(struct tkp_buffer *b, uint64_t length)
{
    char digits[24], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + length % 10);
        length /= 10;
    } while (length);
    tkp_buffer_puts(b, "Content-Length: ");
    tkp_buffer_append(b, at, (size_t)(digits + sizeof digits - at));
    tkp_buffer_append(b, "\r\n", 2);
}

/* A path of the plugin's own follows the URL's, as the run's path does. */
static void append_path(struct tkp_buffer *b, const struct tkp_target *target,
                        struct tokperf_span path)
{
    if (!path.len) {
        tkp_buffer_puts(b, target->path);
        return;
    }
    tkp_buffer_append(b, target->url->prefix, tkp_url_prefix_len(target->url, path));
    tkp_buffer_append(b, path.data, path.len);
}

/* The conversation's id, under two names: some routers look for the second one. */
static void append_session(struct tkp_message *m, const struct tkp_message_key *key)
{
    char id[37];
    if (m->has_session && m->has_affinity)
        return;
    tkp_rng_uuid(m->run_seed, TKP_RNG_REQUEST_ID,
                 tkp_request_id_index(key->draw, TKP_TURN_OF_CONVERSATION), id);
    if (!m->has_session)
        append_id(&m->head, tkp_buffer_span(&m->session_line), id);
    if (!m->has_affinity)
        append_id(&m->head, TOKPERF_SPAN("X-Session-Affinity: "), id);
}

static void make_head(struct tkp_message *m, const struct tkp_message_key *key,
                      const struct tkp_rendered *rendered, const char request_id[37])
{
    struct tkp_buffer *b = &m->head;
    tkp_buffer_clear(b);
    append_span(b, rendered->method);
    tkp_buffer_append(b, " ", 1);
    append_path(b, &m->targets[key->target], rendered->path);
    tkp_buffer_puts(b, " HTTP/1.1\r\n");
    append_span(b, tkp_buffer_span(&m->fixed[key->target]));
    if (rendered->content_type.len && !m->has_content_type) {
        tkp_buffer_puts(b, "Content-Type: ");
        append_span(b, rendered->content_type);
        tkp_buffer_append(b, "\r\n", 2);
    }
    if (!m->has_request_id)
        append_id(b, TOKPERF_SPAN("X-Request-ID: "), request_id);
    append_session(m, key);
    append_length(b, rendered->body.len);
    append_span(b, rendered->headers);
    tkp_buffer_append(b, "\r\n", 2);
}

/* traceparent: version 00, trace id of the conversation, span id of the request, sampled (W3C Trace
 * Context, 3.2). */
static void fill_hole(const struct tkp_message *m, const struct tkp_message_key *key, uint32_t kind,
                      const char request_id[37], char out[64])
{
    uint64_t conversation = tkp_request_id_index(key->draw, TKP_TURN_OF_CONVERSATION);
    uint64_t request = tkp_request_id_index(key->draw, key->turn);
    uint64_t seed = m->run_seed;
    if (kind == TOKPERF_HOLE_REQUEST_ID)
        memcpy(out, request_id, 36);
    else if (kind == TOKPERF_HOLE_TRACE_PARENT)
        snprintf(out, 64, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
                 tkp_rng_bits(seed, TKP_RNG_REQUEST_ID, conversation) | 1,
                 tkp_rng_bits(seed, TKP_RNG_SALT, conversation),
                 tkp_rng_bits(seed, TKP_RNG_REQUEST_ID, request) | 1);
    else
        snprintf(out, 64, "%016" PRIx64, tkp_message_salt(seed, key->draw));
}

static void add_part(struct tkp_message *m, const char *data, uint64_t len)
{
    if (!len)
        return;
    struct iovec *part = &m->parts[m->part_count++];
    memcpy(&part->iov_base, &data, sizeof data); /* not const, but sendmsg() only reads it */
    part->iov_len = len;
    m->total_bytes += len;
}

bool tkp_message_make(struct tkp_message *m, const struct tkp_message_key *key,
                      const struct tkp_rendered *rendered)
{
    char request_id[37];
    tkp_rng_uuid(m->run_seed, TKP_RNG_REQUEST_ID, tkp_request_id_index(key->draw, key->turn),
                 request_id);
    make_head(m, key, rendered, request_id);
    if (m->head.failed)
        return false;
    m->part_count = 0;
    m->total_bytes = 0;
    if (!rendered->hole_count && rendered->body.len <= MAX_JOINED_BODY_BYTES &&
        rendered->body.len <= MAX_HEAD_BYTES - m->head.len) {
        append_span(&m->head, rendered->body);
        add_part(m, m->head.data, m->head.len);
        return !m->head.failed; /* without memory */
    }
    add_part(m, m->head.data, m->head.len);
    uint64_t done = 0;
    for (uint32_t i = 0; i < rendered->hole_count; i++) {
        uint64_t offset = rendered->holes[i].offset;
        add_part(m, rendered->body.data + done, offset - done);
        fill_hole(m, key, rendered->holes[i].kind, request_id, m->fillings[i]);
        add_part(m, m->fillings[i], tkp_hole_width(rendered->holes[i].kind));
        done = offset + tkp_hole_width(rendered->holes[i].kind);
    }
    add_part(m, rendered->body.data + done, rendered->body.len - done);
    return true;
}

ssize_t tkp_message_send(const struct tkp_message *m, int fd, uint64_t sent_bytes)
{
    if (m->part_count == 1)
        return send(fd, (char *)m->parts[0].iov_base + sent_bytes, m->parts[0].iov_len - sent_bytes,
                    MSG_NOSIGNAL);
    struct iovec rest[TKP_MESSAGE_MAX_PARTS];
    struct msghdr message = {.msg_iov = rest};
    uint64_t skip = sent_bytes;
    for (uint32_t i = 0; i < m->part_count; i++) {
        if (skip >= m->parts[i].iov_len) {
            skip -= m->parts[i].iov_len;
            continue;
        }
        rest[message.msg_iovlen++] =
            (struct iovec){(char *)m->parts[i].iov_base + skip, m->parts[i].iov_len - skip};
        skip = 0;
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
