/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON objects. One table of members for the writer and the reader; a kind says which
 * of them it has, and which it must have.
 */
#include <telemetry/message.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stddef.h>

enum member_type {
    MEMBER_TEXT = 1,
    MEMBER_COUNT, /* uint32_t */
    MEMBER_FLAG,
    MEMBER_GATE_KIND,
    MEMBER_DOMAIN,
    MEMBER_CAPABILITIES
};

struct member {
    const char *key;
    enum member_type type;
    size_t offset, capacity;
    bool is_exact; /* a longer text is an error and not cut */
};

#define MEMBER(key, type, name, exact)                                                             \
    {                                                                                              \
        key, type, offsetof(struct tkp_message, name), sizeof(((struct tkp_message *)NULL)->name), \
            exact                                                                                  \
    }
enum {
    HAS_VERSION = 1u << 0,
    HAS_CAPABILITIES = 1u << 1,
    HAS_PHASE_ID = 1u << 2,
    HAS_PHASE = 1u << 3,
    HAS_GATE_KIND = 1u << 4,
    HAS_SUCCESS = 1u << 5,
    HAS_DOMAIN = 1u << 6,
    HAS_TIMEOUT = 1u << 7,
    HAS_ERROR = 1u << 8
};
/* In the order of the bits above. */
static const struct member members[] = {
    MEMBER("version", MEMBER_COUNT, version, true),
    MEMBER("capabilities", MEMBER_CAPABILITIES, capabilities, true),
    MEMBER("phase_id", MEMBER_TEXT, ack.phase_id, true),
    MEMBER("phase", MEMBER_TEXT, phase, false),
    MEMBER("kind", MEMBER_GATE_KIND, ack.kind, true),
    MEMBER("success", MEMBER_FLAG, ack.success, true),
    MEMBER("domain", MEMBER_DOMAIN, domain, true),
    MEMBER("timeout_ms", MEMBER_COUNT, timeout_ms, true),
    MEMBER("error", MEMBER_TEXT, ack.error, false),
};
enum { MEMBER_COUNT_ALL = sizeof members / sizeof members[0] };

static const struct shape {
    enum tkp_message_kind kind;
    const char *name;
    uint32_t required, optional;
} shapes[] = {
    {TKP_MESSAGE_REGISTER, "register", HAS_VERSION | HAS_CAPABILITIES, 0},
    {TKP_MESSAGE_READY, "ready", 0, 0},
    {TKP_MESSAGE_FAILED, "failed", 0, HAS_ERROR},
    {TKP_MESSAGE_DISABLED, "disabled", 0, HAS_ERROR},
    {TKP_MESSAGE_LEAVE, "leave", 0, 0},
    {TKP_MESSAGE_BASELINE_ACK, "baseline_ack", HAS_PHASE_ID | HAS_GATE_KIND,
     HAS_SUCCESS | HAS_ERROR},
    {TKP_MESSAGE_RESULT, "result", HAS_DOMAIN, HAS_ERROR},
    {TKP_MESSAGE_BASELINE, "baseline", HAS_PHASE_ID | HAS_PHASE | HAS_GATE_KIND | HAS_TIMEOUT, 0},
    {TKP_MESSAGE_FINISH, "finish", HAS_TIMEOUT, 0},
};

static const char baseline_name[] = "baseline_collector", result_prefix[] = "result_producer:";

static const struct shape *shape_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if ((uint32_t)shapes[i].kind == kind)
            return &shapes[i];
    return NULL;
}

static void write_capabilities(struct tokperf_json_writer *w, uint32_t capabilities)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    json->array_begin(w);
    if (capabilities & TKP_CAPABILITY_BASELINE)
        json->string(w, tkp_span(baseline_name));
    for (uint32_t i = 0; i < TKP_DOMAIN_COUNT; i++) {
        struct tkp_buffer name;
        if (!(capabilities & tkp_capability_result((enum tkp_domain)i)))
            continue;
        tkp_buffer_init(&name, sizeof result_prefix + 64);
        tkp_buffer_printf(&name, "%s%s", result_prefix, tkp_domain_name((enum tkp_domain)i));
        json->string(w, tkp_buffer_span(&name));
        tkp_buffer_finish(&name);
    }
    json->array_end(w);
}

static void write_member(struct tokperf_json_writer *w, const struct member *m, const void *place)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    json->key(w, tkp_span(m->key));
    switch (m->type) {
    case MEMBER_TEXT:
        json->string(w, tkp_span(place));
        break;
    case MEMBER_COUNT:
        json->integer(w, *(const uint32_t *)place);
        break;
    case MEMBER_FLAG:
        json->boolean(w, *(const bool *)place);
        break;
    case MEMBER_GATE_KIND:
        json->string(w, tkp_span(tkp_gate_kind_name(*(const enum tkp_gate_kind *)place)));
        break;
    case MEMBER_DOMAIN:
        json->string(w, tkp_span(tkp_domain_name(*(const enum tkp_domain *)place)));
        break;
    case MEMBER_CAPABILITIES:
        write_capabilities(w, *(const uint32_t *)place);
        break;
    }
}

/* Optional members that say nothing are left out. */
static bool is_said(const struct member *m, const void *place)
{
    return m->type == MEMBER_TEXT ? *(const char *)place != '\0'
                                  : m->type != MEMBER_FLAG || *(const bool *)place;
}

void tkp_message_write(const struct tkp_message *message, struct tkp_buffer *out)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    const struct shape *shape = shape_of(message->kind);
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer w;
    json->open(&w, &sink, 0);
    json->object_begin(&w);
    for (uint32_t i = 0; shape && i < MEMBER_COUNT_ALL; i++) {
        const char *place = (const char *)message + members[i].offset;
        if (shape->required & 1u << i || (shape->optional & 1u << i && is_said(&members[i], place)))
            write_member(&w, &members[i], place);
    }
    json->object_end(&w);
}

/* A text with a NUL byte is none. What is cut ends at a whole character. */
static bool read_text(const struct tokperf_json *scan, size_t capacity, bool is_exact, char *out)
{
    char text[TKP_MESSAGE_MAX_BYTES * 3];
    uint64_t len;
    if (tkp_json_unescape(scan->text, text, sizeof text, &len) != TOKPERF_OK ||
        memchr(text, '\0', len) || (len >= capacity && is_exact))
        return false;
    if (len >= capacity)
        for (len = capacity - 1; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
    tkp_text_copy(out, capacity, (struct tokperf_span){text, len});
    return true;
}

static bool read_count(const struct tokperf_json *scan, uint32_t *out)
{
    int64_t value;
    if (tkp_json_to_int(scan->text, &value) != TOKPERF_OK || value < 0 || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* Those that are not known here are skipped. */
static bool read_capabilities(struct tokperf_json *scan, uint32_t *out)
{
    char text[64];
    *out = 0;
    for (;;) {
        uint32_t token = tkp_json_next(scan);
        enum tkp_domain domain;
        if (token == TOKPERF_JSON_ARRAY_END)
            return true;
        if (token != TOKPERF_JSON_STRING || !read_text(scan, sizeof text, false, text))
            return false;
        size_t prefix = sizeof result_prefix - 1;
        if (strcmp(text, baseline_name) == 0)
            *out |= TKP_CAPABILITY_BASELINE;
        else if (strncmp(text, result_prefix, prefix) == 0 &&
                 tkp_domain_find(tkp_span(text + prefix), &domain))
            *out |= tkp_capability_result(domain);
    }
}

static bool read_gate_kind(const struct tokperf_json *scan, enum tkp_gate_kind *kind)
{
    bool is_start = tkp_json_equals(scan->text, scan->escaped, TOKPERF_SPAN("start"));
    *kind = is_start ? TKP_GATE_START : TKP_GATE_END;
    return is_start || tkp_json_equals(scan->text, scan->escaped, TOKPERF_SPAN("end"));
}

static bool read_member(struct tokperf_json *scan, const struct member *m, void *place)
{
    uint32_t token = tkp_json_next(scan);
    switch (m->type) {
    case MEMBER_TEXT:
        return token == TOKPERF_JSON_STRING && read_text(scan, m->capacity, m->is_exact, place);
    case MEMBER_COUNT:
        return token == TOKPERF_JSON_NUMBER && read_count(scan, place);
    case MEMBER_FLAG:
        *(bool *)place = token == TOKPERF_JSON_TRUE;
        return token == TOKPERF_JSON_TRUE || token == TOKPERF_JSON_FALSE;
    case MEMBER_GATE_KIND:
        return token == TOKPERF_JSON_STRING && read_gate_kind(scan, place);
    case MEMBER_DOMAIN:
        return token == TOKPERF_JSON_STRING && tkp_domain_find(scan->text, place);
    case MEMBER_CAPABILITIES:
        return token == TOKPERF_JSON_ARRAY_BEGIN && read_capabilities(scan, place);
    }
    return false;
}

/* The bit of the key, or 0: to be skipped. A key twice: the last one counts. */
static uint32_t find_member(const struct tokperf_json *scan, const struct shape *shape)
{
    for (uint32_t i = 0; i < MEMBER_COUNT_ALL; i++)
        if ((shape->required | shape->optional) & 1u << i &&
            tkp_json_equals(scan->text, scan->escaped, tkp_span(members[i].key)))
            return 1u << i;
    return 0;
}

/* Returns the bits of the members that came, or UINT32_MAX with *bad at what is wrong. */
static uint32_t read_object(struct tokperf_json *scan, const struct shape *shape,
                            struct tkp_message *message, const char **bad)
{
    uint32_t came = 0;
    *bad = NULL;
    if (tkp_json_next(scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return UINT32_MAX;
    for (;;) {
        uint32_t token = tkp_json_next(scan);
        if (token == TOKPERF_JSON_OBJECT_END)
            return tkp_json_next(scan) == TOKPERF_JSON_END ? came : UINT32_MAX;
        if (token != TOKPERF_JSON_KEY)
            return UINT32_MAX;
        uint32_t bit = find_member(scan, shape);
        if (!bit && tkp_json_skip(scan, NULL) != TOKPERF_OK)
            return UINT32_MAX;
        if (!bit)
            continue;
        const struct member *m = &members[__builtin_ctz(bit)];
        if (!read_member(scan, m, (char *)message + m->offset)) {
            *bad = m->key;
            return UINT32_MAX;
        }
        came |= bit;
    }
}

tokperf_status tkp_message_parse(uint32_t kind, struct tokperf_span payload,
                                 struct tkp_message *message, struct tokperf_error *error)
{
    const struct shape *shape = shape_of(kind);
    const char *bad;
    *message = (struct tkp_message){0};
    if (!shape)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "a message of the unknown kind %u", kind);
    message->kind = shape->kind;
    if (payload.len > TKP_MESSAGE_MAX_BYTES)
        return tkp_fail(error, TOKPERF_E_PARSE, "its message '%s' is longer than %d bytes",
                        shape->name, TKP_MESSAGE_MAX_BYTES);
    struct tokperf_json scan;
    tkp_json_open(&scan, payload.data, payload.len);
    uint32_t came = read_object(&scan, shape, message, &bad);
    if (came == UINT32_MAX && bad)
        return tkp_fail(error, TOKPERF_E_PARSE, "its message '%s' has another '%s' than expected",
                        shape->name, bad);
    if (came == UINT32_MAX)
        return tkp_fail(error, TOKPERF_E_PARSE, "its message '%s' is no JSON object", shape->name);
    uint32_t lacking = shape->required & ~came;
    if (lacking)
        return tkp_fail(error, TOKPERF_E_PARSE, "its message '%s' has no '%s'", shape->name,
                        members[__builtin_ctz(lacking)].key);
    return TOKPERF_OK;
}
