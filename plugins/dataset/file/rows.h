/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of a dataset file, from its bytes to the sink. */
#ifndef FILE_ROWS_H
#define FILE_ROWS_H

#include "reading.h"

enum format {
    FORMAT_NONE,
    FORMAT_SINGLE_TURN, /* JSONL: each line one prompt */
    FORMAT_MULTI_TURN,  /* JSONL: each line a conversation */
    FORMAT_RAW_PAYLOAD, /* JSONL: each line a request body, sent as it stands */
    FORMAT_INPUTS_JSON  /* one document: {"data": [{"session_id", "payloads": [bodies]}]} */
};

/* A line of JSONL may have that many bytes. */
enum { MAX_LINE_BYTES = 16 << 20 };

/* The format of that name; an unknown one is an error with the closest. */
tokperf_status format_of_name(struct tokperf_span name, enum format *format,
                              struct tokperf_error *error);
/* Tells the format by the first object's members. */
tokperf_status format_detect(struct reading *reading, enum format *format);

/* Reads all rows of a format that is lines. */
tokperf_status rows_read(struct reading *reading, enum format format);
/* Reads an inputs.json document. */
tokperf_status inputs_read(struct reading *reading);

/* Begins a conversation; `raw_id` is a JSON string or empty, `at` the place of the row. */
tokperf_status session_begin(struct reading *reading, struct tokperf_span raw_id, const char *at);
/* Fails if two conversations have the same id. Once, at the end. */
tokperf_status session_check(struct reading *reading);
/* The last conversation that was asked for has been made, or the run is being ended. */
bool session_enough(const struct reading *reading);
/* Sends a whole request body as a turn. */
tokperf_status raw_send(struct reading *reading, struct tokperf_span body);

#endif
