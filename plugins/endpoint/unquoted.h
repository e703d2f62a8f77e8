/* SPDX-License-Identifier: Apache-2.0 */
/* Text as it stands between the quotes of a JSON string, so that several become one string; for the
 * endpoint plugins of this tree, each of which links its own copy. [any] */
#ifndef ENDPOINT_UNQUOTED_H
#define ENDPOINT_UNQUOTED_H

#include <tokperf/endpoint.h>

/* Appends the text to sink, escaped, without quotes. */
void unquoted_put(const struct tokperf_json_writer_v1 *writer, const struct tokperf_sink *sink,
                  struct tokperf_span text);

#endif
