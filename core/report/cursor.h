/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of a run as exporters see them: the record log read once more, each row with its
 * metrics in display units. [main]
 */
#ifndef TKP_REPORT_CURSOR_H
#define TKP_REPORT_CURSOR_H

#include <metrics/values.h>
#include <record/log.h>
#include <tokperf/exporter.h>

struct tkp_cursor;

/* reader may be NULL (there is no log): the cursor then has no records. Borrows all three. */
tokperf_status tkp_cursor_create(struct tkp_log_reader *reader,
                                 const struct tkp_metric_context *context, uint64_t id_seed,
                                 struct tkp_cursor **cursor,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_cursor_destroy(struct tkp_cursor *cursor);
const struct tokperf_cursor *tkp_cursor_api(const struct tkp_cursor *cursor);
void tkp_cursor_rewind(struct tkp_cursor *cursor);

#endif
