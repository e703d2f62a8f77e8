/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. uint64 nanoseconds of CLOCK_MONOTONIC everywhere; the wall clock appears only as the run's
 * anchor. [any]
 */
#ifndef TKP_BASE_CLOCK_H
#define TKP_BASE_CLOCK_H

#include <stdint.h>

#define TKP_NS_PER_US UINT64_C(1000)
#define TKP_NS_PER_MS UINT64_C(1000000)
#define TKP_NS_PER_S  UINT64_C(1000000000)
#define TKP_NEVER_NS  UINT64_MAX /* a deadline that does not come */

uint64_t tkp_clock_now_ns(void);
uint64_t tkp_clock_realtime_ns(void);
/* realtime minus monotonic, read as the tightest of several tries. */
int64_t tkp_clock_realtime_offset_ns(void);
/* deadline arithmetic that saturates at TKP_NEVER_NS. */
uint64_t tkp_clock_after_ns(uint64_t start_ns, uint64_t delay_ns);

#endif
