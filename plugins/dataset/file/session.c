/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of a file and their ids, which may not repeat: results are told apart by them. */
#include "rows.h"

#include <stdlib.h>

/* An id becomes a header of the request. */
enum { MAX_ID_BYTES = 256 };

static tokperf_status check_id(struct reading *reading, struct tokperf_span id, const char *at)
{
    if (id.len == 0 || id.len > MAX_ID_BYTES)
        return reading_fail(reading, TOKPERF_E_INVALID, at,
                            "\"session_id\" has 1 to %d bytes, this one %llu", (int)MAX_ID_BYTES,
                            (unsigned long long)id.len);
    for (uint64_t i = 0; i < id.len; i++)
        if ((unsigned char)id.data[i] < ' ' || id.data[i] == 0x7f)
            return reading_fail(reading, TOKPERF_E_INVALID, at,
                                "\"session_id\" has a control character");
    return TOKPERF_OK;
}

static tokperf_status remember(struct reading *reading, struct tokperf_span raw_id)
{
    void *array = reading->sessions;
    const bool grown = reading_grow(&array, reading->session_count, &reading->session_capacity,
                                    sizeof *reading->sessions);
    reading->sessions = array;
    if (!grown)
        return reading_no_memory(reading);
    reading->sessions[reading->session_count++].id = raw_id;
    return TOKPERF_OK;
}

tokperf_status session_begin(struct reading *reading, struct tokperf_span raw_id, const char *at)
{
    struct tokperf_span id = {NULL, 0};
    tokperf_status status = TOKPERF_OK;
    if (raw_id.len > 0) {
        if (raw_id.data[0] != '"')
            return reading_fail(reading, TOKPERF_E_INVALID, raw_id.data,
                                "\"session_id\" is a string, not %s", reading_kind_of(raw_id));
        status = reading_begin_text(reading, raw_id.len);
        if (status != TOKPERF_OK)
            return status;
        id = reading_unquote(reading, raw_id);
        if (id.data == NULL)
            return reading_no_memory(reading);
        status = check_id(reading, id, raw_id.data);
        if (status == TOKPERF_OK)
            status = remember(reading, raw_id);
    }
    if (status != TOKPERF_OK)
        return status;
    status = reading->sink->conversation(reading->sink->context, id);
    if (status != TOKPERF_OK)
        return reading_fail(reading, status, at, "this conversation was refused");
    reading->conversations++;
    return TOKPERF_OK;
}

/* By text, equal ones by place. */
static int compare_sessions(const void *a, const void *b)
{
    const struct tokperf_span x = ((const struct session *)a)->id;
    const struct tokperf_span y = ((const struct session *)b)->id;
    const int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    if (order != 0)
        return order;
    if (x.len != y.len)
        return x.len < y.len ? -1 : 1;
    return x.data < y.data ? -1 : x.data > y.data ? 1 : 0;
}

tokperf_status session_check(struct reading *reading)
{
    if (reading->session_count < 2)
        return TOKPERF_OK;
    qsort(reading->sessions, reading->session_count, sizeof *reading->sessions, compare_sessions);
    for (uint64_t i = 1; i < reading->session_count; i++) {
        const struct tokperf_span first = reading->sessions[i - 1].id;
        const struct tokperf_span again = reading->sessions[i].id;
        if (first.len == again.len && memcmp(first.data, again.data, first.len) == 0)
            return reading_fail(reading, TOKPERF_E_INVALID, again.data,
                                "session_id %.*s is that of an earlier row; put the turns of one "
                                "conversation into one multi_turn row",
                                (int)again.len, again.data);
    }
    return TOKPERF_OK;
}

bool session_enough(const struct reading *reading)
{
    const struct file_services *services = reading->services;
    if (services->cancelled != NULL && services->cancelled->cancelled(services->host) != 0)
        return true;
    return reading->request->entries > 0 && reading->conversations >= reading->request->entries;
}
