/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, images, audios and videos of a row, one or many of each. */
#include "contents.h"

#include <stdlib.h>

static bool begins_with(struct tokperf_span text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* Media travel as URLs or inside the request; a path would need the file's bytes. */
static tokperf_status check_media(struct reading *reading, uint32_t input,
                                  struct tokperf_span value, const char *at)
{
    if (input == TOKPERF_INPUT_TEXT)
        return TOKPERF_OK;
    if (input == TOKPERF_INPUT_AUDIO) {
        const char *comma = value.len == 0 ? NULL : memchr(value.data, ',', value.len);
        if (comma == NULL || comma == value.data || comma == value.data + value.len - 1)
            return reading_fail(reading, TOKPERF_E_INVALID, at,
                                "audio is written \"format,base64\", for example \"wav,UklGR...\"");
        return TOKPERF_OK;
    }
    if (begins_with(value, "http://") || begins_with(value, "https://") ||
        begins_with(value, "data:"))
        return TOKPERF_OK;
    return reading_fail(
        reading, TOKPERF_E_INVALID, at,
        "an image or video is an http, https or data URL; local files are not read");
}

static tokperf_status add_value(struct reading *reading, uint32_t input, struct tokperf_span raw,
                                struct tokperf_span name)
{
    if (raw.data[0] != '"')
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data, "a string is expected, not %s",
                            reading_kind_of(raw));
    const struct tokperf_span value = reading_unquote(reading, raw);
    if (value.data == NULL)
        return reading_no_memory(reading);
    const tokperf_status status = check_media(reading, input, value, raw.data);
    if (status != TOKPERF_OK)
        return status;
    void *contents = reading->contents;
    const bool grown = reading_grow(&contents, reading->content_count, &reading->content_capacity,
                                    sizeof *reading->contents);
    reading->contents = contents;
    if (!grown)
        return reading_no_memory(reading);
    reading->contents[reading->content_count++] =
        (struct tokperf_content){sizeof(struct tokperf_content), input, value, name};
    return TOKPERF_OK;
}

/* {"name": "query", "contents": ["..."]} */
static tokperf_status add_named(struct reading *reading, uint32_t input, struct tokperf_span raw)
{
    struct tokperf_span name = {NULL, 0}, list = {NULL, 0};
    struct members members;
    members_open(reading, &members, raw);
    while (members_next(reading, &members)) {
        if (members_key_is(reading, &members, "name") && members.raw.data[0] == '"')
            name = reading_unquote(reading, members.raw);
        else if (members_key_is(reading, &members, "contents") && members.raw.data[0] == '[')
            list = members.raw;
        else
            return reading_fail(reading, TOKPERF_E_INVALID, members.key.data - 1,
                                "a named list is {\"name\": string, \"contents\": [strings]}");
    }
    if (list.len == 0)
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                            "a named list needs \"contents\": [strings]");
    struct tokperf_json scan;
    struct tokperf_span element;
    tokperf_status status = TOKPERF_OK;
    elements_open(reading, &scan, list);
    while (status == TOKPERF_OK && elements_next(reading, &scan, &element))
        status = add_value(reading, input, element, name);
    return status;
}

static tokperf_status add_list(struct reading *reading, uint32_t input, struct tokperf_span raw,
                               enum field field)
{
    if (raw.data[0] != '[')
        return reading_fail(reading, TOKPERF_E_INVALID, raw.data,
                            "'%s' is an array of strings, not %s", field_name(field),
                            reading_kind_of(raw));
    struct tokperf_json scan;
    struct tokperf_span element;
    tokperf_status status = TOKPERF_OK;
    elements_open(reading, &scan, raw);
    while (status == TOKPERF_OK && elements_next(reading, &scan, &element)) {
        if (element.data[0] == '{')
            status = add_named(reading, input, element);
        else
            status = add_value(reading, input, element, (struct tokperf_span){NULL, 0});
    }
    return status;
}

/* The singular field, or its plural behind it. */
static tokperf_status add_field(struct reading *reading, const struct fields *fields,
                                enum field singular, uint32_t input)
{
    const enum field plural = singular + 1;
    const struct tokperf_span one = fields->raw[singular], many = fields->raw[plural];
    if (one.len > 0 && many.len > 0)
        return reading_fail(reading, TOKPERF_E_INVALID, many.data,
                            "'%s' and '%s' cannot both be there", field_name(singular),
                            field_name(plural));
    if (one.len > 0 && one.data[0] == '[' && input != TOKPERF_INPUT_TEXT)
        return add_list(reading, input, one, singular);
    if (one.len > 0)
        return add_value(reading, input, one, (struct tokperf_span){NULL, 0});
    return many.len > 0 ? add_list(reading, input, many, plural) : TOKPERF_OK;
}

tokperf_status contents_read(struct reading *reading, const struct fields *fields)
{
    static const struct {
        enum field singular;
        uint32_t input;
    } kinds[] = {{FIELD_TEXT, TOKPERF_INPUT_TEXT},
                 {FIELD_IMAGE, TOKPERF_INPUT_IMAGE},
                 {FIELD_AUDIO, TOKPERF_INPUT_AUDIO},
                 {FIELD_VIDEO, TOKPERF_INPUT_VIDEO}};
    reading->content_count = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const tokperf_status status = add_field(reading, fields, kinds[i].singular, kinds[i].input);
        if (status != TOKPERF_OK)
            return status;
    }
    if (reading->content_count == 0)
        return reading_fail(reading, TOKPERF_E_INVALID, fields->object.data,
                            "there is no text, image, audio or video to send");
    const size_t bytes = reading->content_count * sizeof(const struct tokperf_content *);
    const struct tokperf_content **list = realloc(reading->content_list, bytes);
    if (list == NULL)
        return reading_no_memory(reading);
    reading->content_list = list;
    for (uint64_t i = 0; i < reading->content_count; i++)
        reading->content_list[i] = &reading->contents[i];
    return TOKPERF_OK;
}
