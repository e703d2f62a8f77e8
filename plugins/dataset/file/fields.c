/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of a row's members: what is not known is an error, never ignored. */
#include "fields.h"

#include "closest.h"

static const char *const names[FIELD_COUNT] = {
    [FIELD_TYPE] = "type",
    [FIELD_SESSION_ID] = "session_id",
    [FIELD_TURNS] = "turns",
    [FIELD_TEXT] = "text",
    [FIELD_TEXTS] = "texts",
    [FIELD_IMAGE] = "image",
    [FIELD_IMAGES] = "images",
    [FIELD_AUDIO] = "audio",
    [FIELD_AUDIOS] = "audios",
    [FIELD_VIDEO] = "video",
    [FIELD_VIDEOS] = "videos",
    [FIELD_ROLE] = "role",
    [FIELD_OUTPUT_LENGTH] = "output_length",
    [FIELD_DELAY] = "delay",
    [FIELD_EXTRA] = "extra",
    [FIELD_PAYLOADS] = "payloads",
    [FIELD_DATA] = "data",
};

/* Fields that other tools know and this one cannot honour. */
static const struct {
    const char *name, *advice;
} unsupported[] = {
    {"timestamp", "a fixed schedule cannot be replayed yet; remove it and set the load with "
                  "--request-rate or --concurrency"},
    {"image_uuids", "images are sent without ids; remove it"},
};

const char *field_name(enum field field)
{
    return names[field];
}

static tokperf_status fail_unknown(struct reading *reading, const struct members *members,
                                   uint32_t allowed, const char *what)
{
    const char *at = members->key.data - 1;
    const int shown = members->key.len > 64 ? 64 : (int)members->key.len;
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
        if (members_key_is(reading, members, unsupported[i].name))
            return reading_fail(reading, TOKPERF_E_UNSUPPORTED, at, "'%s': %s", unsupported[i].name,
                                unsupported[i].advice);
    const char *known[FIELD_COUNT + 1];
    size_t count = 0;
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if ((allowed & FIELD_BIT(i)) != 0)
            known[count++] = names[i];
    known[count] = NULL;
    const char *closest = closest_name(members->key, known);
    if (closest != NULL)
        return reading_fail(reading, TOKPERF_E_INVALID, at,
                            "%s has no field '%.*s'; did you mean '%s'?", what, shown,
                            members->key.data, closest);
    return reading_fail(reading, TOKPERF_E_INVALID, at,
                        "%s has no field '%.*s'; members for the request body go into \"extra\"",
                        what, shown, members->key.data);
}

static bool is_null(struct tokperf_span raw)
{
    return raw.len == 4 && raw.data[0] == 'n';
}

tokperf_status fields_read(struct reading *reading, struct tokperf_span object, uint32_t allowed,
                           const char *what, struct fields *fields)
{
    *fields = (struct fields){.object = object};
    if (object.len == 0 || object.data[0] != '{')
        return reading_fail(reading, TOKPERF_E_INVALID, object.data, "%s is an object; this is %s",
                            what, reading_kind_of(object));
    uint32_t seen = 0;
    struct members members;
    members_open(reading, &members, object);
    while (members_next(reading, &members)) {
        uint32_t field = 0;
        while (field < FIELD_COUNT && !((allowed & FIELD_BIT(field)) != 0 &&
                                        members_key_is(reading, &members, names[field])))
            field++;
        if (field == FIELD_COUNT)
            return fail_unknown(reading, &members, allowed, what);
        if ((seen & FIELD_BIT(field)) != 0)
            return reading_fail(reading, TOKPERF_E_INVALID, members.key.data - 1,
                                "'%s' is there twice", names[field]);
        seen |= FIELD_BIT(field);
        if (!is_null(members.raw))
            fields->raw[field] = members.raw;
    }
    return TOKPERF_OK;
}

tokperf_status fields_read_string(struct reading *reading, const struct fields *fields,
                                  enum field field, struct tokperf_span *text)
{
    const struct tokperf_span raw = fields->raw[field];
    if (raw.data[0] != '"')
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data, "'%s' is a string, not %s",
                            names[field], reading_kind_of(raw));
    if (raw.len == 2)
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data, "'%s' is empty", names[field]);
    *text = reading_unquote(reading, raw);
    return text->data == NULL ? reading_no_memory(reading) : TOKPERF_OK;
}
