/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marker that keeps a server's prompt cache out: which text of a conversation carries it, and
 * that text with the marker's hole. A text with a hole goes past the JSON writer into the sink.
 */
#include "openai.h"

static bool is_role(const struct tokperf_turn *turn, struct tokperf_span role)
{
    return turn->role.len == role.len && memcmp(turn->role.data, role.data, role.len) == 0;
}

static bool is_system(const struct tokperf_turn *turn)
{
    return turn->role.len > 0 &&
           (is_role(turn, TOKPERF_SPAN("system")) || is_role(turn, TOKPERF_SPAN("developer")));
}

static bool is_user(const struct tokperf_turn *turn)
{
    return turn->role.len == 0 || is_role(turn, TOKPERF_SPAN("user"));
}

/* The first text of a turn, or its last. False: it has none. */
static bool find_text(const struct tokperf_turn *turn, bool last, uint32_t *content)
{
    bool found = false;
    for (uint32_t i = 0; i < turn->content_count && !(found && !last); i++) {
        if (turn->contents[i]->input != TOKPERF_INPUT_TEXT)
            continue;
        *content = i;
        found = true;
    }
    return found;
}

struct openai_salt openai_find_salt(const struct tokperf_request *request)
{
    struct openai_salt salt = {.prefix = (request->flags & TOKPERF_REQUEST_SALT_PREFIX) != 0,
                               .suffix = (request->flags & TOKPERF_REQUEST_SALT_SUFFIX) != 0};
    const bool system = (request->flags & TOKPERF_REQUEST_SALT_SYSTEM) != 0;
    if (!salt.prefix && !salt.suffix)
        return salt;
    for (uint32_t pass = system ? 0 : 1; pass < 2; pass++)
        for (uint32_t i = 0; i < request->turn_count; i++) {
            const struct tokperf_turn *turn = request->turns[i];
            if (!(pass == 0 ? is_system(turn) : is_user(turn)) ||
                !find_text(turn, salt.suffix, &salt.content))
                continue;
            salt.turn = i;
            salt.found = true;
            return salt;
        }
    return salt;
}

bool openai_is_salted(const struct openai_salt *salt, uint32_t turn, uint32_t content)
{
    return salt->found && salt->turn == turn && salt->content == content;
}

void openai_append_salted(const struct openai *self, const struct tokperf_request_sink *sink,
                          const struct openai_salt *salt, struct tokperf_span text)
{
    if (salt->prefix) {
        sink->body(sink->context, "[rid:", 5);
        sink->hole(sink->context, TOKPERF_HOLE_SALT);
        sink->body(sink->context, "]\\n\\n", 5);
    }
    openai_append_text(self, sink, text);
    if (salt->suffix) {
        sink->body(sink->context, "\\n\\n[rid:", 9);
        sink->hole(sink->context, TOKPERF_HOLE_SALT);
        sink->body(sink->context, "]", 1);
    }
}

void openai_write_salted(const struct openai *self, struct tokperf_json_writer *json,
                         const struct tokperf_request_sink *sink, const struct openai_salt *salt,
                         struct tokperf_span text)
{
    self->writer->raw(json, TOKPERF_SPAN("")); /* the value itself goes past the writer */
    sink->body(sink->context, "\"", 1);
    openai_append_salted(self, sink, salt, text);
    sink->body(sink->context, "\"", 1);
}
