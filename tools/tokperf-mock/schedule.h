/* SPDX-License-Identifier: Apache-2.0 */
/* When the chunks of an answer are due: absolute times from the request's arrival. */
#ifndef TKP_MOCK_SCHEDULE_H
#define TKP_MOCK_SCHEDULE_H

#include <stdint.h>

#include "render.h"

/* Due time of chunk 0 (CLOCK_MONOTONIC). */
uint64_t tkp_mock_schedule_first_ns(const struct tkp_mock_reply *reply);
/* Time between chunk index - 1 and chunk index. Without jitter it is the same for all, so that
 * chunk i is due at arrival + ttft + i * itl to the nanosecond. */
uint64_t tkp_mock_schedule_gap_ns(const struct tkp_mock_reply *reply, uint64_t index);
/* Due time of the last chunk, which an answer in one piece waits for. */
uint64_t tkp_mock_schedule_last_ns(const struct tkp_mock_reply *reply);

#endif
