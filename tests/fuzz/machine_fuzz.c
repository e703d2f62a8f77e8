/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as /proc/stat and /proc/loadavg: numbers within their meaning, or nothing changed. */
#include <run/machine.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tokperf_span text = {(const char *)data, size};
    struct tkp_machine machine = {7, 6, 5, 4};
    bool stat = tkp_machine_parse_stat(text, &machine);
    bool load = tkp_machine_parse_load(text, &machine);
    if (stat ? machine.steal_ticks > machine.cpu_ticks || machine.cpus > size
             : machine.cpu_ticks != 7 || machine.steal_ticks != 6 || machine.cpus != 5)
        abort();
    if (load ? machine.load_milli % 10 != 0 : machine.load_milli != 4)
        abort();
    return 0;
}
