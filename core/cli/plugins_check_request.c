/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads request.json with the pull scanner. Every object is read the same way: its members are
 * given, one by one, to a function that knows their keys.
 */
#include <cli/plugins_check_request.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <string.h>

enum { MAX_ITEMS = 256 };

struct reader {
    struct tkp_arena *arena;
    struct tokperf_error *error;
};

struct member {
    struct tokperf_span key, value; /* key plain; value raw JSON */
};

typedef tokperf_status (*member_fn)(struct reader *r, const struct member *m, void *context);

static tokperf_status bad(const struct reader *r, const struct member *m, const char *what)
{
    return tkp_fail(r->error, TOKPERF_E_INVALID, "'%.*s': %s", (int)m->key.len, m->key.data, what);
}

/* Plain text of a string's raw JSON. */
static tokperf_status to_text(struct reader *r, const struct member *m, struct tokperf_span *out)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, m->value.data, m->value.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_STRING)
        return bad(r, m, "expected a string");
    char *text = tkp_arena_alloc(r->arena, 3 * scan.text.len + 1);
    uint64_t len = 0;
    if (text == NULL ||
        tkp_json_unescape(scan.text, text, 3 * scan.text.len + 1, &len) != TOKPERF_OK)
        return bad(r, m, "the string is too long");
    *out = (struct tokperf_span){text, len};
    return TOKPERF_OK;
}

static tokperf_status to_int(struct reader *r, const struct member *m, int64_t *out)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, m->value.data, m->value.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_NUMBER ||
        tkp_json_to_int(scan.text, out) != TOKPERF_OK)
        return bad(r, m, "expected a whole number");
    return TOKPERF_OK;
}

static tokperf_status to_flag(struct reader *r, const struct member *m, uint32_t bit,
                              uint32_t *flags)
{
    if (tkp_span_is(m->value, "true"))
        *flags |= bit;
    else if (!tkp_span_is(m->value, "false"))
        return bad(r, m, "expected true or false");
    return TOKPERF_OK;
}

static tokperf_status to_choice(struct reader *r, const struct member *m,
                                const char *const *choices, uint32_t *out)
{
    struct tokperf_span text = {NULL, 0};
    tokperf_status status = to_text(r, m, &text);
    for (uint32_t i = 0; status == TOKPERF_OK && choices[i] != NULL; i++)
        if (tkp_span_is(text, choices[i])) {
            *out = i + 1;
            return TOKPERF_OK;
        }
    return status != TOKPERF_OK ? status : bad(r, m, "not one of the words of sdk/fixtures.md");
}

static tokperf_status read_object(struct reader *r, struct tokperf_span raw, member_fn take,
                                  void *context)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, raw.data, raw.len);
    uint32_t token = tkp_json_next(&scan);
    if (token != TOKPERF_JSON_OBJECT_BEGIN)
        return tkp_fail(r->error, TOKPERF_E_INVALID, "expected an object");
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        struct member m = {scan.text, {NULL, 0}};
        if (scan.escaped != 0)
            return tkp_fail(r->error, TOKPERF_E_INVALID, "a key has a backslash");
        if (tkp_json_skip(&scan, &m.value) != TOKPERF_OK)
            break;
        tokperf_status status = take(r, &m, context);
        if (status != TOKPERF_OK)
            return status;
    }
    if (token == TOKPERF_JSON_OBJECT_END && tkp_json_next(&scan) == TOKPERF_JSON_END)
        return TOKPERF_OK;
    return tkp_fail(r->error, TOKPERF_E_PARSE, "at byte %llu: %s",
                    (unsigned long long)scan.error_offset, tkp_json_error_text(&scan));
}

/* The raw items of an array. */
static tokperf_status read_array(struct reader *r, const struct member *m,
                                 struct tokperf_span items[MAX_ITEMS], uint32_t *count)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, m->value.data, m->value.len);
    *count = 0;
    if (tkp_json_next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return bad(r, m, "expected an array");
    struct tokperf_span item;
    while (tkp_json_skip(&scan, &item) == TOKPERF_OK) {
        if (*count == MAX_ITEMS)
            return bad(r, m, "the array has more than 256 items");
        items[(*count)++] = item;
    }
    return TOKPERF_OK;
}

struct extras {
    struct tokperf_member *members;
    uint32_t count;
};

static tokperf_status take_extra(struct reader *r, const struct member *m, void *context)
{
    struct extras *e = context;
    if (e->count == MAX_ITEMS)
        return bad(r, m, "there are more than 256 members");
    e->members[e->count++] = (struct tokperf_member){m->key, m->value};
    return TOKPERF_OK;
}

static tokperf_status read_extra(struct reader *r, const struct member *m,
                                 const struct tokperf_member **out, uint32_t *count)
{
    struct extras e = {tkp_arena_alloc(r->arena, MAX_ITEMS * sizeof *e.members), 0};
    if (e.members == NULL)
        return bad(r, m, "out of memory");
    tokperf_status status = read_object(r, m->value, take_extra, &e);
    *out = e.members;
    *count = e.count;
    return status;
}

static tokperf_status take_content(struct reader *r, const struct member *m, void *context)
{
    static const char *const types[] = {"text", "image", "audio", "video", NULL};
    struct tokperf_content *c = context;
    uint32_t type = 0;
    if (tkp_span_is(m->key, "value"))
        return to_text(r, m, &c->value);
    if (tkp_span_is(m->key, "name"))
        return to_text(r, m, &c->name);
    if (!tkp_span_is(m->key, "type"))
        return bad(r, m, "a content has type, value and name");
    tokperf_status status = to_choice(r, m, types, &type);
    if (status == TOKPERF_OK)
        c->input = 1u << (type - 1); /* TOKPERF_INPUT_TEXT and so on, in the order of the list */
    return status;
}

static tokperf_status read_contents(struct reader *r, const struct member *m,
                                    struct tokperf_turn *turn)
{
    struct tokperf_span items[MAX_ITEMS];
    uint32_t count = 0;
    tokperf_status status = read_array(r, m, items, &count);
    struct tokperf_content *all = tkp_arena_alloc(r->arena, count * sizeof *all);
    const struct tokperf_content **order =
        tkp_arena_alloc(r->arena, (count + 1) * sizeof(const struct tokperf_content *));
    if (all == NULL || order == NULL)
        return bad(r, m, "out of memory");
    for (uint32_t i = 0; status == TOKPERF_OK && i < count; i++) {
        all[i] =
            (struct tokperf_content){.struct_size = sizeof all[i], .input = TOKPERF_INPUT_TEXT};
        order[i] = &all[i];
        status = read_object(r, items[i], take_content, &all[i]);
    }
    turn->contents = order;
    turn->content_count = count;
    return status;
}

static tokperf_status read_text_content(struct reader *r, const struct member *m,
                                        struct tokperf_turn *turn)
{
    struct tokperf_content *c = tkp_arena_alloc(r->arena, sizeof *c);
    const struct tokperf_content **order =
        tkp_arena_alloc(r->arena, sizeof(const struct tokperf_content *));
    if (c == NULL || order == NULL)
        return bad(r, m, "out of memory");
    *c = (struct tokperf_content){.struct_size = sizeof *c, .input = TOKPERF_INPUT_TEXT};
    order[0] = c;
    turn->contents = order;
    turn->content_count = 1;
    return to_text(r, m, &c->value);
}

static tokperf_status take_turn(struct reader *r, const struct member *m, void *context)
{
    struct tokperf_turn *turn = context;
    if (tkp_span_is(m->key, "text"))
        return read_text_content(r, m, turn);
    if (tkp_span_is(m->key, "contents"))
        return read_contents(r, m, turn);
    if (tkp_span_is(m->key, "role"))
        return to_text(r, m, &turn->role);
    if (tkp_span_is(m->key, "model"))
        return to_text(r, m, &turn->model);
    if (tkp_span_is(m->key, "max_tokens"))
        return to_int(r, m, &turn->max_tokens);
    if (tkp_span_is(m->key, "is_answer"))
        return to_flag(r, m, 1, &turn->is_answer);
    if (tkp_span_is(m->key, "extra"))
        return read_extra(r, m, &turn->extra, &turn->extra_count);
    if (tkp_span_is(m->key, "tools"))
        turn->tools = m->value;
    else if (tkp_span_is(m->key, "tool_calls"))
        turn->tool_calls = m->value;
    else if (tkp_span_is(m->key, "raw_payload"))
        turn->raw_payload = m->value;
    else
        return bad(r, m, "a turn has no such member; see sdk/fixtures.md");
    return TOKPERF_OK;
}

static tokperf_status read_turns(struct reader *r, const struct member *m,
                                 struct tokperf_request *request)
{
    struct tokperf_span items[MAX_ITEMS];
    uint32_t count = 0;
    tokperf_status status = read_array(r, m, items, &count);
    if (status == TOKPERF_OK && count == 0)
        return bad(r, m, "at least one turn is needed");
    struct tokperf_turn *all = tkp_arena_alloc(r->arena, count * sizeof *all);
    const struct tokperf_turn **order =
        tkp_arena_alloc(r->arena, (count + 1) * sizeof(const struct tokperf_turn *));
    if (all == NULL || order == NULL)
        return bad(r, m, "out of memory");
    for (uint32_t i = 0; status == TOKPERF_OK && i < count; i++) {
        all[i] = (struct tokperf_turn){
            .struct_size = sizeof all[i], .max_tokens = -1, .input_tokens = -1, .delay_ns = -1};
        order[i] = &all[i];
        status = read_object(r, items[i], take_turn, &all[i]);
    }
    request->turns = order;
    request->turn_count = count;
    return status;
}

static tokperf_status take_request(struct reader *r, const struct member *m, void *context)
{
    static const char *const framings[] = {"whole", "sse", "ndjson", "bytes", NULL};
    static const char *const ends[] = {"complete", "closed", "cut", NULL};
    struct tkp_check_request *out = context;
    struct tokperf_request *request = &out->request;
    if (tkp_span_is(m->key, "turns"))
        return read_turns(r, m, request);
    if (tkp_span_is(m->key, "model"))
        return to_text(r, m, &request->model);
    if (tkp_span_is(m->key, "stream"))
        return to_flag(r, m, TOKPERF_REQUEST_STREAM, &request->flags);
    if (tkp_span_is(m->key, "per_chunk_usage"))
        return to_flag(r, m, TOKPERF_REQUEST_PER_CHUNK_USAGE, &request->flags);
    if (tkp_span_is(m->key, "legacy_max_tokens"))
        return to_flag(r, m, TOKPERF_REQUEST_LEGACY_MAX_TOKENS, &request->flags);
    if (tkp_span_is(m->key, "extra"))
        return read_extra(r, m, &request->extra, &request->extra_count);
    if (tkp_span_is(m->key, "options"))
        return read_extra(r, m, &out->options, &out->option_count);
    if (tkp_span_is(m->key, "framing"))
        return to_choice(r, m, framings, &out->framing);
    if (tkp_span_is(m->key, "end"))
        return to_choice(r, m, ends, &out->end);
    if (tkp_span_is(m->key, "component")) {
        struct tokperf_span name = {NULL, 0};
        tokperf_status status = to_text(r, m, &name);
        out->component = name.data; /* arena texts end with a NUL */
        return status;
    }
    return bad(r, m, "a request has no such member; see sdk/fixtures.md");
}

const char *tkp_check_request_text(struct tokperf_span json, struct tkp_arena *arena)
{
    struct tokperf_json scan;
    uint64_t len = 0;
    tkp_json_open(&scan, json.data, json.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_STRING)
        return tkp_arena_copy(arena, json.data, json.len);
    char *text = tkp_arena_alloc(arena, 3 * scan.text.len + 1);
    if (text == NULL ||
        tkp_json_unescape(scan.text, text, 3 * scan.text.len + 1, &len) != TOKPERF_OK)
        return NULL;
    return text; /* arena memory is zeroed: it ends with a NUL */
}

tokperf_status tkp_check_request_parse(struct tokperf_span json, struct tkp_arena *arena,
                                       struct tkp_check_request *out, struct tokperf_error *error)
{
    struct reader r = {arena, error};
    *out = (struct tkp_check_request){.end = TOKPERF_END_COMPLETE};
    out->request.struct_size = sizeof out->request;
    out->request.model = TOKPERF_SPAN("test-model");
    tokperf_status status = read_object(&r, json, take_request, out);
    if (status == TOKPERF_OK && out->request.turn_count == 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "\"turns\" is missing");
    return status;
}

static void canonical_string(const struct tokperf_json *scan, struct tokperf_json_writer *w,
                             bool is_key)
{
    struct tkp_buffer plain;
    uint64_t len = 0;
    tkp_buffer_init(&plain, 3 * scan->text.len + 1);
    char *room = tkp_buffer_reserve(&plain, 3 * scan->text.len);
    if (room != NULL && tkp_json_unescape(scan->text, room, 3 * scan->text.len, &len) == TOKPERF_OK)
        tkp_buffer_advance(&plain, len);
    if (is_key)
        tkp_json_writer_service.key(w, tkp_buffer_span(&plain));
    else
        tkp_json_writer_service.string(w, tkp_buffer_span(&plain));
    tkp_buffer_finish(&plain);
}

static void canonical_token(uint32_t token, const struct tokperf_json *scan,
                            struct tokperf_json_writer *w)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    if (token == TOKPERF_JSON_OBJECT_BEGIN)
        json->object_begin(w);
    else if (token == TOKPERF_JSON_OBJECT_END)
        json->object_end(w);
    else if (token == TOKPERF_JSON_ARRAY_BEGIN)
        json->array_begin(w);
    else if (token == TOKPERF_JSON_ARRAY_END)
        json->array_end(w);
    else if (token == TOKPERF_JSON_KEY || token == TOKPERF_JSON_STRING)
        canonical_string(scan, w, token == TOKPERF_JSON_KEY);
    else if (token == TOKPERF_JSON_NUMBER)
        json->raw(w, scan->text);
    else if (token == TOKPERF_JSON_NULL)
        json->null(w);
    else
        json->boolean(w, token == TOKPERF_JSON_TRUE);
}

bool tkp_check_canonical(struct tokperf_span json, struct tkp_buffer *out)
{
    struct tokperf_json scan;
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    uint32_t token;
    tkp_json_open(&scan, json.data, json.len);
    tkp_json_writer_service.open(&w, &sink, 0);
    while ((token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR)
        canonical_token(token, &scan, &w);
    return token == TOKPERF_JSON_END && !out->failed;
}
