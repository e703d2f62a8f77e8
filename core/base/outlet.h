/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to whoever reads what is printed: a pipe, a terminal or a socket whose reader may stand
 * still for as long as it likes. The descriptor is used as it is: others have it too, and it goes
 * on blocking for them. What is no such thing (a file, a device) is simply written to. [any]
 */
#ifndef TKP_BASE_OUTLET_H
#define TKP_BASE_OUTLET_H

#include <base/atomic.h>
#include <stddef.h>
#include <tokperf/base.h>

/* Writes what the reader takes within wait_ms, and returns how much that was: 0 where it takes
 * nothing or is gone. Up to PIPE_BUF bytes go into a pipe whole or not at all. */
size_t tkp_outlet_try(int fd, const char *data, size_t len, uint32_t wait_ms);
/* Writes all of it, however long the reader takes. TOKPERF_E_CANCELLED: `stop` (NULL: none) is up,
 * and the reader took nothing for TKP_OUTLET_LAST_MS; TOKPERF_E_IO: it cannot be written. */
enum { TKP_OUTLET_LAST_MS = 2000 };
tokperf_status tkp_outlet_write(int fd, const char *data, size_t len, const struct tkp_flag *stop,
                                struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
