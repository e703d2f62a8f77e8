/* SPDX-License-Identifier: Apache-2.0 */
/* Writes texts into the fixed fields of a row, without the run's secrets, cut at UTF-8 boundaries.
 */
#include <worker/row_text.h>

#include <base/json_scan.h>
#include <base/secrets.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>
#include <worker/error_page.h>
#include <worker/row_error.h>

void tkp_row_set_message(struct tkp_row *row, struct tokperf_span message)
{
    bool written = message.len || tkp_row_error_message(row)[0];
    struct tkp_row_error *error = written ? tkp_row_error_write(row) : NULL;
    row->flags &= ~(uint32_t)TKP_ROW_MESSAGE_TRUNCATED;
    if (written && (!error || !tkp_secrets_copy(error->message, sizeof error->message, message)))
        row->flags |= TKP_ROW_MESSAGE_TRUNCATED;
}

void tkp_row_set_finish_reason(struct tkp_row *row, struct tokperf_span reason)
{
    row->flags &= ~(uint32_t)TKP_ROW_FINISH_TRUNCATED;
    if (!tkp_secrets_copy(row->finish_reason, sizeof row->finish_reason, reason))
        row->flags |= TKP_ROW_FINISH_TRUNCATED;
}

static void set_type(struct tkp_row *row, struct tokperf_span type)
{
    bool written = type.len || tkp_row_error_type(row)[0];
    struct tkp_row_error *error = written ? tkp_row_error_write(row) : NULL;
    if (error)
        (void)tkp_secrets_copy(error->type, sizeof error->type, type);
}

char *tkp_row_note(struct tkp_row *row)
{
    struct tkp_row_error *error = row ? tkp_row_error_write(row) : NULL;
    return error ? error->message : NULL;
}

void tkp_row_end(struct tkp_row *row, enum tkp_outcome outcome, struct tokperf_span type,
                 struct tokperf_span message)
{
    if (row->outcome != TKP_OUTCOME_NONE)
        return;
    row->outcome = outcome;
    set_type(row, type);
    tkp_row_set_message(row, message);
}

void tkp_row_end_text(struct tkp_row *row, enum tkp_outcome outcome, const char *type,
                      const char *message)
{
    tkp_row_end(row, outcome, tkp_span(type), tkp_span(message));
}

/* What was found in an error body, still escaped. */
struct found {
    struct tokperf_span message, type;
};

static bool is_key(const struct tokperf_json *scan, const char *key)
{
    return tkp_json_equals(scan->text, scan->escaped, tkp_span(key)) != 0;
}

/* Which member of `found` a key of this object fills, or NULL. */
static struct tokperf_span *member_of(struct found *found, const struct tokperf_json *scan,
                                      bool inner)
{
    if (is_key(scan, "message") || (!inner && (is_key(scan, "detail") || is_key(scan, "error"))))
        return &found->message;
    return is_key(scan, "type") ? &found->type : NULL;
}

/* Reads {"error": {"message", "type"}}, {"error": text}, {"message": text} or {"detail": text}:
 * OpenAI, Ollama and TGI, FastAPI. The object has begun; false at an error of the JSON. */
static bool find_members(struct tokperf_json *scan, struct found *found, bool inner)
{
    uint32_t token;
    while ((token = tkp_json_next(scan)) == TOKPERF_JSON_KEY) {
        struct tokperf_span *member = member_of(found, scan, inner);
        bool nests = !inner && is_key(scan, "error");
        struct tokperf_json ahead = *scan;
        token = tkp_json_next(&ahead);
        if (token == TOKPERF_JSON_OBJECT_BEGIN && nests) {
            *scan = ahead;
            *found = (struct found){0};
            if (!find_members(scan, found, true))
                return false;
        } else {
            if (token == TOKPERF_JSON_STRING && member && !member->len)
                *member = ahead.text;
            if (tkp_json_skip(scan, NULL) != TOKPERF_OK)
                return false;
        }
    }
    return token == TOKPERF_JSON_OBJECT_END;
}

static struct tokperf_span unescaped(struct tokperf_span text, char *out, size_t capacity)
{
    uint64_t len = 0;
    uint64_t most = capacity / 3; /* unescaping needs at most three times the room */
    if (text.len > most)
        text.len = most;
    while (text.len && tkp_json_unescape(text, out, capacity, &len) != TOKPERF_OK)
        text.len--; /* cut inside an escape */
    return (struct tokperf_span){out, text.len ? len : 0};
}

static bool set_from_json(struct tkp_row *row, struct tokperf_span body)
{
    struct tokperf_json scan;
    struct found found = {0};
    char text[3 * (TKP_ROW_MESSAGE_BYTES + 8)];
    tkp_json_open(&scan, body.data, body.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN || !find_members(&scan, &found, false) ||
        !found.message.len)
        return false;
    struct tokperf_span message = unescaped(found.message, text, sizeof text);
    tkp_row_set_message(row, message);
    if (found.type.len) {
        struct tokperf_span type = unescaped(found.type, text, sizeof text);
        set_type(row, type);
    }
    return true;
}

/* Of a page what it says, else the bytes as they stand. */
static void set_from_text(struct tkp_row *row, struct tokperf_span body)
{
    char text[16 * TKP_ROW_MESSAGE_BYTES];
    size_t len = tkp_error_page_read(body, text, sizeof text);
    tkp_row_set_message(row, len ? (struct tokperf_span){text, len} : body);
}

void tkp_row_set_http_error(struct tkp_row *row, struct tokperf_span body, const char *note)
{
    char text[2 * TKP_ROW_MESSAGE_BYTES];
    bool redirect = row->http_status >= 300 && row->http_status < 400;
    if (redirect && note[0]) {
        char shown[2 * TKP_ROW_MESSAGE_BYTES];
        tkp_text_redact_url(shown, sizeof shown, note);
        snprintf(text, sizeof text, "redirected to %.400s, which is not followed", shown);
        tkp_row_set_message(row, tkp_span(text));
        return;
    }
    if (!body.len || !set_from_json(row, body))
        set_from_text(row, body);
    if (note[0]) {
        const char *message = tkp_row_error_message(row);
        snprintf(text, sizeof text, "Retry-After: %s%s%s", note, message[0] ? "; " : "", message);
        tkp_row_set_message(row, tkp_span(text));
    }
}
