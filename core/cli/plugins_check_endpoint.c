/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints without fixtures: a sane description, requests that render the same twice, responses
 * that no server should send. A hostile response must end in TOKPERF_OK or TOKPERF_E_PARSE, the
 * same way however the network cuts it.
 */
#include <cli/plugins_check_endpoint.h>

#include <base/json_scan.h>
#include <base/rng.h>
#include <base/text.h>
#include <cli/plugins_check_replay.h>
#include <cli/plugins_check_request.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_STATE_BYTES = 16 * 1024 * 1024,
    RANDOM_ROUNDS = 64,
    RANDOM_BYTES = 600,
    DEEP_BYTES = 100 * 1000,
    SPLITS = 16
};
static const uint64_t random_stream = 2000; /* above the core's own streams, base/rng.h */

static bool is_framing(uint32_t framing)
{
    return framing >= TOKPERF_FRAMING_WHOLE && framing <= TOKPERF_FRAMING_BYTES;
}

static bool is_path(const char *path, size_t capacity)
{
    return memchr(path, 0, capacity) != NULL && (path[0] == '\0' || path[0] == '/');
}

bool tkp_check_describe(struct tkp_check *check, const struct tokperf_endpoint_vtable *vtable,
                        const void *self, struct tokperf_endpoint_info *info)
{
    struct tokperf_endpoint_info again = {0};
    struct tokperf_error error = {0};
    uint32_t before = check->step_findings;
    memset(info, 0, sizeof *info);
    if (vtable->describe(self, info, &error) != TOKPERF_OK ||
        vtable->describe(self, &again, &error) != TOKPERF_OK) {
        error.message[sizeof error.message - 1] = '\0';
        tkp_check_finding(check, "describe() fails: %s", error.message);
        return false;
    }
    if (memcmp(info, &again, sizeof again) != 0)
        tkp_check_finding(check, "describe() gives two answers for one instance");
    if (!is_path(info->path, sizeof info->path))
        tkp_check_finding(check, "path is neither empty nor begins with /, or has no end");
    if (!is_path(info->stream_path, sizeof info->stream_path))
        tkp_check_finding(check, "stream_path is neither empty nor begins with /, or has no end");
    if (memchr(info->title, 0, sizeof info->title) == NULL || info->title[0] == '\0')
        tkp_check_finding(check, "title is empty or has no end");
    if (!is_framing(info->whole_framing))
        tkp_check_finding(check, "whole_framing is %u, not one of TOKPERF_FRAMING_*",
                          info->whole_framing);
    if ((info->flags & TOKPERF_ENDPOINT_STREAMS) != 0 && !is_framing(info->stream_framing))
        tkp_check_finding(check, "stream_framing is %u, not one of TOKPERF_FRAMING_*",
                          info->stream_framing);
    if (info->inputs == 0)
        tkp_check_finding(check, "inputs is empty: it can send nothing");
    for (size_t i = 0; i < sizeof info->reserved / sizeof info->reserved[0]; i++)
        if (info->reserved[i] != 0) {
            tkp_check_finding(check, "describe() writes into the reserved members");
            break;
        }
    if (vtable->state_bytes > MAX_STATE_BYTES || vtable->scratch_bytes > MAX_STATE_BYTES)
        tkp_check_finding(check, "state or scratch is larger than 16 MiB");
    return check->step_findings == before;
}

/* Requests in the form of request.json: with what the SDK offers most and least. */
static const char *const requests[] = {
    "{\"turns\": [{\"text\": \"Hello\"}]}",
    "{\"turns\": [{\"text\": \"Hello\", \"max_tokens\": 7}], \"stream\": true}",
    "{\"turns\": [{\"text\": \"\"}], \"stream\": true, \"per_chunk_usage\": true, "
    "\"legacy_max_tokens\": true}",
    "{\"turns\": [{\"text\": \"quote \\\" backslash \\\\ line \\n tab \\t nul \\u0000 \\u00e4 "
    "\\ud83d\\ude00\"}]}",
    "{\"turns\": [{\"role\": \"system\", \"text\": \"Be brief\", \"is_answer\": true}, {\"text\": "
    "\"a\"}, {\"role\": \"assistant\", \"text\": \"b\", \"is_answer\": true}, {\"text\": \"c\"}]}",
    "{\"turns\": [{\"text\": \"x\", \"extra\": {\"top\": 1}}], \"extra\": {\"model\": \"other\", "
    "\"stream\": false, \"nested\": {\"a\": [1, null]}}}",
    "{\"turns\": [{\"raw_payload\": {\"anything\": true}}]}",
    "{\"turns\": [{\"text\": \"a\"}, {\"role\": \"assistant\", \"is_answer\": true, "
    "\"tool_calls\": "
    "[{\"id\": \"1\"}]}, {\"text\": \"b\", \"tools\": [{\"type\": \"function\"}]}]}",
    "{\"turns\": [{\"contents\": [{\"type\": \"text\", \"value\": \"see\"}, {\"type\": \"image\", "
    "\"value\": \"data:image/png;base64,AAAA\"}, {\"type\": \"audio\", \"value\": "
    "\"wav,AAAA\"}]}]}",
};
enum { REQUEST_COUNT = sizeof requests / sizeof requests[0] };

static bool is_json(struct tokperf_span text)
{
    struct tokperf_json scan;
    uint32_t token;
    tkp_json_open(&scan, text.data, text.len);
    while ((token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR)
        continue;
    return token == TOKPERF_JSON_END;
}

static bool same_rendering(const struct tkp_check_rendered *a, const struct tkp_check_rendered *b)
{
    return tkp_span_equal(tkp_buffer_span(&a->body), tkp_buffer_span(&b->body)) &&
           tkp_span_equal(tkp_buffer_span(&a->headers), tkp_buffer_span(&b->headers)) &&
           strcmp(a->path, b->path) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->content_type, b->content_type) == 0;
}

static void check_rendering(struct tkp_check *check, const char *request,
                            const struct tkp_check_rendered *first,
                            const struct tkp_check_rendered *second)
{
    bool has_json =
        first->content_type[0] == '\0' || strncmp(first->content_type, "application/json", 16) == 0;
    if (first->broken_rule != NULL)
        tkp_check_finding(check, "%s, for the request %.100s", first->broken_rule, request);
    if (!same_rendering(first, second))
        tkp_check_finding(check, "it renders differently the second time, for the request %.100s",
                          request);
    if (has_json && first->body.len > 0 && !is_json(tkp_buffer_span(&first->body)))
        tkp_check_finding(check, "the body is not JSON, for the request %.100s: %.200s", request,
                          tkp_buffer_text(&first->body));
}

static void check_format_of(struct tkp_check_subject *s, const char *text)
{
    const struct tokperf_endpoint_vtable *vtable = s->component->vtable;
    struct tkp_check_request request;
    struct tkp_check_rendered first;
    struct tkp_check_rendered second;
    struct tokperf_error error = {0};
    if (tkp_check_request_parse(tkp_span(text), &s->arena, &request, &error) != TOKPERF_OK) {
        tkp_check_finding(s->check, "a request of this check is wrong: %s", error.message);
        return;
    }
    tkp_check_rendered_init(&first);
    tkp_check_rendered_init(&second);
    tokperf_status status = vtable->format(s->self, &request.request, &first.sink, &error);
    error.message[sizeof error.message - 1] = '\0';
    if (status != TOKPERF_OK && error.message[0] == '\0')
        tkp_check_finding(s->check, "format() refuses without a sentence the request %.100s", text);
    if (status == TOKPERF_OK &&
        vtable->format(s->self, &request.request, &second.sink, &error) != TOKPERF_OK)
        tkp_check_finding(s->check, "format() fails the second time for the request %.100s", text);
    else if (status == TOKPERF_OK)
        check_rendering(s->check, text, &first, &second);
    tkp_check_rendered_finish(&first);
    tkp_check_rendered_finish(&second);
}

/* The marker that the endpoint says it carries. */
static void check_salt(struct tkp_check_subject *s)
{
    static const uint32_t places[] = {TOKPERF_REQUEST_SALT_PREFIX, TOKPERF_REQUEST_SALT_SUFFIX,
                                      TOKPERF_REQUEST_SALT_PREFIX | TOKPERF_REQUEST_SALT_SYSTEM,
                                      TOKPERF_REQUEST_SALT_SUFFIX | TOKPERF_REQUEST_SALT_SYSTEM};
    const struct tokperf_endpoint_vtable *vtable = s->component->vtable;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct tkp_check_request request;
        struct tkp_check_rendered rendered;
        struct tokperf_error error = {0};
        if (tkp_check_request_parse(tkp_span(requests[0]), &s->arena, &request, &error) !=
            TOKPERF_OK)
            return; /* which check_format_of() has said */
        request.request.flags |= places[i];
        tkp_check_rendered_init(&rendered);
        if (vtable->format(s->self, &request.request, &rendered.sink, &error) != TOKPERF_OK ||
            strstr(tkp_buffer_text(&rendered.body), "[rid:0000000000000000]") == NULL)
            tkp_check_finding(s->check,
                              "it says that it carries the salt, and with the flags "
                              "0x%x the body has no [rid:, salt hole and ]",
                              places[i]);
        tkp_check_rendered_finish(&rendered);
    }
}

/* One response, whole and cut; whatever it says must not depend on the cuts. */
static void check_response(struct tkp_check_subject *s, struct tkp_check_player *player,
                           struct tkp_check_response response, const char *name)
{
    struct tkp_check_emissions whole;
    struct tkp_check_emissions cut;
    bool joins = response.framing == TOKPERF_FRAMING_BYTES;
    tkp_check_emissions_init(&whole, joins);
    tkp_check_emissions_init(&cut, joins);
    const char *wrong = tkp_check_play(player, &response, &whole);
    uint64_t step = response.bytes.len / SPLITS + 1;
    for (uint64_t at = 1; wrong == NULL && at < response.bytes.len; at += step) {
        tkp_check_alive(s->check);
        response.first_bytes = at;
        wrong = tkp_check_play(player, &response, &cut);
        if (wrong == NULL &&
            !tkp_span_equal(tkp_buffer_span(&whole.lines), tkp_buffer_span(&cut.lines)))
            wrong = "it says something else when the bytes come in two pieces";
    }
    if (wrong != NULL)
        tkp_check_finding(s->check, "%s: %s", name, wrong);
    tkp_check_emissions_finish(&whole);
    tkp_check_emissions_finish(&cut);
}

static const struct {
    const char *name, *bytes;
    uint32_t len;
} hostile[] = {
#define HOSTILE(name, text)          \
    {                                \
        name, text, sizeof(text) - 1 \
    }
    HOSTILE("an empty response", ""),
    HOSTILE("a NUL", "\0"),
    HOSTILE("line ends", "\r\n\r\n\n\n\r\r"),
    HOSTILE("half an object", "{\"choices\":[{\"delta\":{\"content\":\"a"),
    HOSTILE("half an event", "data: {\"choices\":[{\"del"),
    HOSTILE("an event of nothing", "data:\n\ndata\n\n: x\n\nevent: e\n\n"),
    HOSTILE("wrong types", "data: {\"choices\":{\"delta\":[1]},\"usage\":\"x\",\"error\":7}\n\n"),
    HOSTILE("null everywhere", "data: {\"choices\":[null],\"usage\":null,\"error\":null}\n\n"),
    HOSTILE("a bare value", "data: 12\n\ndata: \"x\"\n\ndata: null\n\ndata: []\n\n"),
    HOSTILE("numbers", "data: {\"usage\":{\"prompt_tokens\":1e999,\"completion_tokens\":-9}}\n\n"),
    HOSTILE("bad escapes", "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud800\\u12\"}}]}\n\n"),
    HOSTILE("bytes that are not UTF-8", "data: {\"choices\":[{\"text\":\"\xff\xfe\xc0\"}]}\n\n"),
    HOSTILE("HTML", "<html><body>502 Bad Gateway</body></html>"),
    HOSTILE("an error", "{\"error\":{\"message\":\"no\",\"type\":\"x\",\"code\":null}}"),
    HOSTILE("the end twice", "data: [DONE]\n\ndata: [DONE]\n\n"),
};
enum { HOSTILE_COUNT = sizeof hostile / sizeof hostile[0] };

static void check_deep(struct tkp_check_subject *s, struct tkp_check_player *player,
                       struct tkp_check_response response)
{
    static const char *const openings[] = {"[", "{\"a\":", "\"", "{\"choices\":[", "data: "};
    struct tkp_buffer deep;
    tkp_buffer_init(&deep, (size_t)2 * DEEP_BYTES);
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        tkp_buffer_clear(&deep);
        tkp_buffer_puts(&deep, "data: ");
        while (deep.len < DEEP_BYTES)
            tkp_buffer_puts(&deep, openings[i]);
        tkp_buffer_puts(&deep, "\n\n");
        response.bytes = tkp_buffer_span(&deep);
        check_response(s, player, response, "deep nesting");
    }
    tkp_buffer_finish(&deep);
}

static void check_random(struct tkp_check_subject *s, struct tkp_check_player *player,
                         struct tkp_check_response response)
{
    static const char pieces[] = "data: {}[]\",:\\\n\r \0\x7f\xc3"
                                 "0123456789truefalsnu";
    char bytes[RANDOM_BYTES];
    for (uint64_t round = 0; round < RANDOM_ROUNDS; round++) {
        for (uint64_t i = 0; i < RANDOM_BYTES; i++) {
            uint64_t draw = tkp_rng_bits(1, random_stream + round, i);
            bytes[i] = round % 2 == 0 ? pieces[draw % (sizeof pieces - 1)] : (char)(draw & 0x7f);
        }
        response.bytes = (struct tokperf_span){bytes, RANDOM_BYTES};
        check_response(s, player, response, "random bytes");
    }
}

static void check_hostile(struct tkp_check_subject *s, uint32_t framing)
{
    static const uint32_t ends[] = {TOKPERF_END_COMPLETE, TOKPERF_END_CLOSED, TOKPERF_END_CUT};
    struct tkp_check_player player;
    if (!tkp_check_player_init(&player, s->component->vtable, s->self)) {
        tkp_check_player_finish(&player);
        tkp_check_skip(s->check, "no memory for its state");
        return;
    }
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++)
        for (size_t i = 0; i < HOSTILE_COUNT; i++) {
            const struct tkp_check_response response = {
                .bytes = {hostile[i].bytes, hostile[i].len}, .framing = framing, .end = ends[e]};
            check_response(s, &player, response, hostile[i].name);
        }
    const struct tkp_check_response rest = {.framing = framing, .end = TOKPERF_END_COMPLETE};
    check_deep(s, &player, rest);
    check_random(s, &player, rest);
    tkp_check_player_finish(&player);
}

void tkp_check_endpoint(struct tkp_check_subject *s)
{
    struct tokperf_endpoint_info info;
    struct tokperf_error error;
    const char *name = s->component->name;
    tkp_check_step(s->check, "endpoint %s: describe", name);
    if (tkp_check_create(s->check, s->component, s->config, &s->self, &error) != TOKPERF_OK) {
        tkp_check_finding(s->check, "create fails: %s", error.message);
        return;
    }
    bool sane = tkp_check_describe(s->check, s->component->vtable, s->self, &info);
    tkp_check_step(s->check, "endpoint %s: format", name);
    for (size_t i = 0; i < REQUEST_COUNT; i++)
        check_format_of(s, requests[i]);
    if (sane && (info.flags & TOKPERF_ENDPOINT_CARRIES_SALT) != 0)
        check_salt(s);
    if (sane) {
        tkp_check_step(s->check, "endpoint %s: hostile bytes", name);
        check_hostile(s, info.whole_framing);
        if ((info.flags & TOKPERF_ENDPOINT_STREAMS) != 0 &&
            info.stream_framing != info.whole_framing)
            check_hostile(s, info.stream_framing);
    }
    tkp_check_destroy(s->component, s->self);
}
