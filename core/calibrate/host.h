/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine this is: what a calibration is valid for. [main] */
#ifndef TKP_CALIBRATE_HOST_H
#define TKP_CALIBRATE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct tkp_calibrated_host {
    char cpu_model[128];      /* of the first CPU in /proc/cpuinfo, or the architecture */
    char kernel[128];         /* release */
    char tokperf_version[32]; /* of the program that measured */
    uint64_t cores;           /* that this process may use */
};

void tkp_calibrated_host_read(struct tkp_calibrated_host *host);
bool tkp_calibrated_host_equal(const struct tkp_calibrated_host *a,
                               const struct tkp_calibrated_host *b);

#endif
