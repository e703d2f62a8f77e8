/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of text says of a snapshot, whose document is far too long for one. [any] */
#ifndef TKP_BUS_SNAPSHOT_LINE_H
#define TKP_BUS_SNAPSHOT_LINE_H

#include <base/buffer.h>

/* Calls put for each figure that the document has, in order: the state, and of the phase that
 * runs (once none does, of the one that is reported) its name and kind, the counts, the rate, the
 * latencies and the verdict so far. value is a JSON value that is neither object nor array. */
typedef void tkp_snapshot_figure(void *context, const char *key, struct tokperf_span value);
void tkp_snapshot_line_figures(struct tokperf_span document, tkp_snapshot_figure *put,
                               void *context);

#endif
