/* SPDX-License-Identifier: Apache-2.0 */
/* JSONL: single_turn, multi_turn and raw_payload rows. Empty lines are passed over. */
#include "rows.h"

#include "turn.h"

typedef tokperf_status (*row_fn)(struct reading *reading, struct tokperf_span row);

/* "type" may name the format; anything else is a row of another file. */
static tokperf_status check_type(struct reading *reading, const struct fields *fields,
                                 const char *format)
{
    const struct tokperf_span raw = fields->raw[FIELD_TYPE];
    if (raw.len == 0)
        return TOKPERF_OK;
    const size_t len = strlen(format);
    if (raw.len == len + 2 && raw.data[0] == '"' && memcmp(raw.data + 1, format, len) == 0)
        return TOKPERF_OK;
    return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                        "'type' is not '%s', as which the row is read", format);
}

static tokperf_status read_single_turn(struct reading *reading, struct tokperf_span row)
{
    struct fields fields;
    const uint32_t allowed = FIELDS_OF_TURN | FIELD_BIT(FIELD_TYPE) | FIELD_BIT(FIELD_SESSION_ID);
    tokperf_status status = fields_read(reading, row, allowed, "a single_turn row", &fields);
    if (status == TOKPERF_OK)
        status = check_type(reading, &fields, "single_turn");
    if (status == TOKPERF_OK)
        status = session_begin(reading, fields.raw[FIELD_SESSION_ID], row.data);
    struct tokperf_turn turn;
    if (status == TOKPERF_OK)
        status = turn_build(reading, &fields, 0, &turn);
    if (status != TOKPERF_OK)
        return status;
    if (turn.is_answer)
        return reading_fail(reading, TOKPERF_E_INVALID, fields.raw[FIELD_ROLE].data,
                            "a single_turn row is sent, which one with this role cannot be; use "
                            "multi_turn rows for context");
    return turn_send(reading, &turn, row.data);
}

static bool is_system(struct tokperf_span role)
{
    return (role.len == 6 && memcmp(role.data, "system", 6) == 0) ||
           (role.len == 9 && memcmp(role.data, "developer", 9) == 0);
}

/* *sent counts the turns that are sent; *begun says that something other than a system message
 * came. */
static tokperf_status read_turn(struct reading *reading, struct tokperf_span element,
                                uint64_t *sent, bool *begun)
{
    struct fields fields;
    struct tokperf_turn turn;
    const uint32_t allowed = FIELDS_OF_TURN | FIELD_BIT(FIELD_TYPE);
    tokperf_status status = fields_read(reading, element, allowed, "a turn", &fields);
    if (status == TOKPERF_OK)
        status = check_type(reading, &fields, "single_turn");
    if (status == TOKPERF_OK)
        status = turn_build(reading, &fields, *sent, &turn);
    if (status != TOKPERF_OK)
        return status;
    if (is_system(turn.role) && *begun)
        return reading_fail(reading, TOKPERF_E_INVALID, fields.raw[FIELD_ROLE].data,
                            "system messages come first in a conversation");
    *begun = *begun || !is_system(turn.role);
    *sent += turn.is_answer ? 0 : 1;
    return turn_send(reading, &turn, element.data);
}

static tokperf_status read_multi_turn(struct reading *reading, struct tokperf_span row)
{
    struct fields fields;
    const uint32_t allowed =
        FIELD_BIT(FIELD_TYPE) | FIELD_BIT(FIELD_SESSION_ID) | FIELD_BIT(FIELD_TURNS);
    tokperf_status status = fields_read(reading, row, allowed, "a multi_turn row", &fields);
    if (status == TOKPERF_OK)
        status = check_type(reading, &fields, "multi_turn");
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_span turns = fields.raw[FIELD_TURNS];
    if (turns.len == 0 || turns.data[0] != '[')
        return reading_fail(reading, TOKPERF_E_INVALID, turns.len == 0 ? row.data : turns.data,
                            "a multi_turn row needs \"turns\": [turns]");
    status = session_begin(reading, fields.raw[FIELD_SESSION_ID], row.data);
    struct tokperf_json scan;
    struct tokperf_span element;
    uint64_t sent = 0;
    bool begun = false;
    elements_open(reading, &scan, turns);
    while (status == TOKPERF_OK && elements_next(reading, &scan, &element))
        status = read_turn(reading, element, &sent, &begun);
    if (status == TOKPERF_OK && sent == 0)
        return reading_fail(reading, TOKPERF_E_INVALID, turns.data,
                            "no turn of this conversation is sent; at least one needs role user");
    return status;
}

tokperf_status raw_send(struct reading *reading, struct tokperf_span body)
{
    if (body.data[0] != '{')
        return reading_fail(reading, TOKPERF_E_INVALID, body.data,
                            "a request body is an object; this is %s", reading_kind_of(body));
    const struct tokperf_turn turn = {
        .struct_size = sizeof turn,
        .raw_payload = body,
        .max_tokens = -1,
        .input_tokens = -1,
        .delay_ns = -1,
    };
    return turn_send(reading, &turn, body.data);
}

static tokperf_status read_raw_payload(struct reading *reading, struct tokperf_span row)
{
    const tokperf_status status = session_begin(reading, (struct tokperf_span){NULL, 0}, row.data);
    return status == TOKPERF_OK ? raw_send(reading, row) : status;
}

/* Checks the grammar of the line once, so that what follows can rely on it. */
static tokperf_status read_line(struct reading *reading, struct tokperf_span line, row_fn read_row)
{
    const struct tokperf_json_v1 *json = reading->services->json;
    struct tokperf_json scan;
    struct tokperf_span row;
    if (line.len > MAX_LINE_BYTES)
        return reading_fail(reading, TOKPERF_E_LIMIT, line.data, "the line is longer than %d MiB",
                            (int)MAX_LINE_BYTES >> 20);
    json->open(&scan, line.data, line.len);
    if (json->skip(&scan, &row) != TOKPERF_OK || json->next(&scan) != TOKPERF_JSON_END)
        return reading_fail_json(reading, &scan);
    return read_row(reading, row);
}

static bool is_blank(struct tokperf_span line)
{
    for (uint64_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

tokperf_status rows_read(struct reading *reading, enum format format)
{
    const row_fn read_row = format == FORMAT_SINGLE_TURN  ? read_single_turn
                            : format == FORMAT_MULTI_TURN ? read_multi_turn
                                                          : read_raw_payload;
    const char *p = reading->content.data;
    const char *end = p + reading->content.len;
    tokperf_status status = TOKPERF_OK;
    while (p < end && status == TOKPERF_OK && !session_enough(reading)) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *line_end = newline != NULL ? newline : end;
        const struct tokperf_span line = {p, (uint64_t)(line_end - p)};
        if (!is_blank(line))
            status = read_line(reading, line, read_row);
        p = newline != NULL ? newline + 1 : end;
    }
    return status;
}
