/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.json, as a run writes it: the request bodies of every conversation, sent again verbatim.
 */
#include "fields.h"
#include "rows.h"

static tokperf_status read_conversation(struct reading *reading, struct tokperf_span element)
{
    struct fields fields;
    const uint32_t allowed = FIELD_BIT(FIELD_SESSION_ID) | FIELD_BIT(FIELD_PAYLOADS);
    tokperf_status status = fields_read(reading, element, allowed, "an entry of \"data\"", &fields);
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_span payloads = fields.raw[FIELD_PAYLOADS];
    if (payloads.len < 3 || payloads.data[0] != '[')
        return reading_fail(reading, TOKPERF_E_INVALID,
                            payloads.len == 0 ? element.data : payloads.data,
                            "an entry of \"data\" needs \"payloads\": [request bodies]");
    status = session_begin(reading, fields.raw[FIELD_SESSION_ID], element.data);
    struct tokperf_json scan;
    struct tokperf_span body;
    uint64_t count = 0;
    elements_open(reading, &scan, payloads);
    for (; status == TOKPERF_OK && elements_next(reading, &scan, &body); count++)
        status = raw_send(reading, body);
    if (status == TOKPERF_OK && count == 0)
        return reading_fail(reading, TOKPERF_E_INVALID, payloads.data, "\"payloads\" is empty");
    return status;
}

tokperf_status inputs_read(struct reading *reading)
{
    const struct tokperf_json_v1 *json = reading->services->json;
    struct tokperf_json scan;
    struct tokperf_span document, element;
    json->open(&scan, reading->content.data, reading->content.len);
    if (json->skip(&scan, &document) != TOKPERF_OK || json->next(&scan) != TOKPERF_JSON_END)
        return reading_fail_json(reading, &scan);
    struct fields fields;
    tokperf_status status =
        fields_read(reading, document, FIELD_BIT(FIELD_DATA), "an inputs_json document", &fields);
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_span data = fields.raw[FIELD_DATA];
    if (data.len == 0 || data.data[0] != '[')
        return reading_fail(reading, TOKPERF_E_INVALID, data.len == 0 ? document.data : data.data,
                            "an inputs_json document needs \"data\": [conversations]");
    elements_open(reading, &scan, data);
    while (status == TOKPERF_OK && !session_enough(reading) &&
           elements_next(reading, &scan, &element))
        status = read_conversation(reading, element);
    return status;
}
