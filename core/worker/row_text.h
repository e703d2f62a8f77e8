/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a row: outcome with its reason, finish reason; cut where they do not fit. [any] */
#ifndef TKP_WORKER_ROW_TEXT_H
#define TKP_WORKER_ROW_TEXT_H

#include <record/row.h>

/* Ends the row's request with an outcome, unless it has one: the first terminal event wins. type is
 * more exact than the outcome, or empty. */
void tkp_row_end(struct tkp_row *row, enum tkp_outcome outcome, struct tokperf_span type,
                 struct tokperf_span message);
/* The same with NUL-terminated texts. */
void tkp_row_end_text(struct tkp_row *row, enum tkp_outcome outcome, const char *type,
                      const char *message);
void tkp_row_set_message(struct tkp_row *row, struct tokperf_span message);
void tkp_row_set_finish_reason(struct tkp_row *row, struct tokperf_span reason);

/* Type and message of an HTTP error from its body: error.message and error.type of JSON where they
 * are, else what a page of HTML says, else the first bytes as they stand. note: Location or
 * Retry-After, or "". */
void tkp_row_set_http_error(struct tkp_row *row, struct tokperf_span body, const char *note);

/* Room of TKP_ROW_MESSAGE_BYTES for a note in the place of the message; NULL without a row, or
 * memory. */
char *tkp_row_note(struct tkp_row *row);
static inline void tkp_row_clear_note(struct tkp_row *row)
{
    if (row && tkp_row_error_message(row)[0])
        row->error->message[0] = '\0'; /* it is the row's own, as something is in it */
}

#endif
