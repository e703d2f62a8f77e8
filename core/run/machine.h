/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine says about itself below ROOT/proc and ROOT/sys: CPU time that the hypervisor
 * took, load, frequency governors. For the verdict: it is read at the ends of a phase, never while
 * requests run. [main]
 */
#ifndef TKP_RUN_MACHINE_H
#define TKP_RUN_MACHINE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <tokperf/base.h>

struct tkp_machine {
    uint64_t cpu_ticks;   /* CPU time since boot, all CPUs and states; 0: not known */
    uint64_t steal_ticks; /* of that, what the hypervisor gave to others */
    uint64_t cpus;        /* online */
    uint64_t load_milli;  /* load average of the last minute, thousandths */
};

/* The content of /proc/stat and of /proc/loadavg; false, and nothing changed, when it is none. */
bool tkp_machine_parse_stat(struct tokperf_span text, struct tkp_machine *machine);
bool tkp_machine_parse_load(struct tokperf_span text, struct tkp_machine *machine);

/* Reads both. What cannot be read stays 0; the error is about /proc/stat. */
tokperf_status tkp_machine_read(const char *root, struct tkp_machine *machine,
                                struct tokperf_error *error) TOKPERF_MUST_USE;

/* CPUs as the kernel's masks have them, up to 8192. */
enum { TKP_MACHINE_CPU_SETS = 8 };
struct tkp_machine_cpus {
    cpu_set_t sets[TKP_MACHINE_CPU_SETS];
};
/* Those on which this process may run; none when the kernel does not say. */
void tkp_machine_allowed(struct tkp_machine_cpus *cpus);
/* Writes the frequency governors of these CPUs, each once, with ", " between; "" where the kernel
 * has none (a virtual machine), cut at what fits. */
void tkp_machine_governors(const char *root, const struct tkp_machine_cpus *cpus, char *out,
                           size_t capacity);

#endif
