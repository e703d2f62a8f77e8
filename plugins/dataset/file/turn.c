/* SPDX-License-Identifier: Apache-2.0 */
/* What a turn says: role, contents, output length, delay, extra members of the body. */
#include "turn.h"

#include "contents.h"

/* The random stream of output lengths. */
enum { STREAM_OUTPUT = 1 };

/* Members of one "extra": they are compared with each other. */
enum { MAX_EXTRA = 1024 };

/* Milliseconds; longer waits are slips. */
static const double max_delay_ms = 1e9;

static bool has_member(const struct reading *reading, struct tokperf_span key)
{
    for (uint64_t i = 0; i < reading->member_count; i++)
        if (reading->members[i].key.len == key.len &&
            memcmp(reading->members[i].key.data, key.data, key.len) == 0)
            return true;
    return false;
}

static tokperf_status add_extra(struct reading *reading, struct tokperf_span raw)
{
    reading->member_count = 0;
    if (raw.len == 0)
        return TOKPERF_OK;
    if (raw.data[0] != '{')
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                            "\"extra\" is an object of body members, not %s", reading_kind_of(raw));
    struct members members;
    members_open(reading, &members, raw);
    while (members_next(reading, &members)) {
        const struct tokperf_span quoted = {members.key.data - 1, members.key.len + 2};
        const struct tokperf_span key = reading_unquote(reading, quoted);
        void *array = reading->members;
        const bool grown =
            key.data != NULL && reading_grow(&array, reading->member_count,
                                             &reading->member_capacity, sizeof *reading->members);
        reading->members = array;
        if (!grown)
            return reading_no_memory(reading);
        if (reading->member_count == MAX_EXTRA)
            return reading_fail(reading, TOKPERF_E_LIMIT, quoted.data,
                                "\"extra\" has more than %d members", (int)MAX_EXTRA);
        if (has_member(reading, key))
            return reading_fail(reading, TOKPERF_E_INVALID, quoted.data, "'%.*s' is there twice",
                                key.len > 64 ? 64 : (int)key.len, key.data);
        reading->members[reading->member_count++] = (struct tokperf_member){key, members.raw};
    }
    return TOKPERF_OK;
}

static tokperf_status read_delay(struct reading *reading, struct tokperf_span raw, uint64_t index,
                                 struct tokperf_turn *turn)
{
    double ms;
    if (raw.len == 0)
        return TOKPERF_OK;
    if (reading->services->json->to_double(raw, &ms) != TOKPERF_OK || !(ms >= 0) ||
        ms > max_delay_ms)
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                            "\"delay\" is a number of milliseconds from 0 to 1000000000");
    if (index == 0 && ms > 0)
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                            "\"delay\" waits after the previous answer; the first turn has none");
    turn->delay_ns = (int64_t)(ms * 1e6);
    return TOKPERF_OK;
}

/* The row's own, else around --osl where that is set. */
static tokperf_status read_output_length(struct reading *reading, struct tokperf_span raw,
                                         uint64_t index, struct tokperf_turn *turn)
{
    const struct tokperf_dataset_request *request = reading->request;
    if (raw.len > 0) {
        if (reading->services->json->to_int(raw, &turn->max_tokens) != TOKPERF_OK ||
            turn->max_tokens < 1 || turn->max_tokens > INT32_MAX)
            return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                                "\"output_length\" is a whole number of tokens, at least 1");
        return TOKPERF_OK;
    }
    if (!(request->output_tokens_mean >= 0))
        return TOKPERF_OK;
    double tokens = request->output_tokens_mean;
    if (request->output_tokens_stddev > 0)
        tokens += request->output_tokens_stddev *
                  reading->services->rng->normal(request->seed, STREAM_OUTPUT,
                                                 (reading->conversations << 16) + index);
    if (tokens > INT32_MAX)
        tokens = INT32_MAX;
    turn->max_tokens = tokens >= 1 ? (int64_t)(tokens + 0.5) : 1;
    return TOKPERF_OK;
}

static bool is_context(struct tokperf_span role)
{
    static const char *const roles[] = {"system", "developer", "assistant"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (role.len == strlen(roles[i]) && memcmp(role.data, roles[i], role.len) == 0)
            return true;
    return false;
}

/* Fields that say how to send a turn are a mistake on one that is not sent. */
static tokperf_status check_context(struct reading *reading, const struct fields *fields)
{
    static const enum field sending[] = {FIELD_OUTPUT_LENGTH, FIELD_DELAY, FIELD_EXTRA};
    for (size_t i = 0; i < sizeof sending / sizeof sending[0]; i++)
        if (fields->raw[sending[i]].len > 0)
            return reading_fail(reading, TOKPERF_E_INVALID, fields->raw[sending[i]].data,
                                "'%s' belongs to a turn that is sent; one with this role is "
                                "context for the turns behind it",
                                field_name(sending[i]));
    return TOKPERF_OK;
}

tokperf_status turn_build(struct reading *reading, const struct fields *fields, uint64_t index,
                          struct tokperf_turn *turn)
{
    *turn = (struct tokperf_turn){
        .struct_size = sizeof *turn, .max_tokens = -1, .input_tokens = -1, .delay_ns = -1};
    tokperf_status status = reading_begin_text(reading, fields->object.len);
    if (status == TOKPERF_OK && fields->raw[FIELD_ROLE].len > 0)
        status = fields_read_string(reading, fields, FIELD_ROLE, &turn->role);
    if (status == TOKPERF_OK)
        status = contents_read(reading, fields);
    if (status != TOKPERF_OK)
        return status;
    turn->contents = reading->content_list;
    turn->content_count = (uint32_t)reading->content_count;
    turn->is_answer = is_context(turn->role) ? 1 : 0;
    if (turn->is_answer)
        return check_context(reading, fields);
    status = read_delay(reading, fields->raw[FIELD_DELAY], index, turn);
    if (status == TOKPERF_OK)
        status = read_output_length(reading, fields->raw[FIELD_OUTPUT_LENGTH], index, turn);
    if (status == TOKPERF_OK)
        status = add_extra(reading, fields->raw[FIELD_EXTRA]);
    turn->extra = reading->members;
    turn->extra_count = (uint32_t)reading->member_count;
    return status;
}

tokperf_status turn_send(struct reading *reading, const struct tokperf_turn *turn, const char *at)
{
    const tokperf_status status = reading->sink->turn(reading->sink->context, turn);
    if (status != TOKPERF_OK)
        return reading_fail(reading, status, at, "this turn was refused");
    return TOKPERF_OK;
}
