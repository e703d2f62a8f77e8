/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collectors of a run: their processes, the control socket that they speak on, and what is
 * known of them (services.h), of the gates (gate.h) and of their results (completion.h). Nothing
 * here waits for a collector: who waits polls tkp_collectors_fd(), looks, and asks whether it still
 * has to. docs/bus.md, "Collectors and gates", is the specification. [main]
 */
#ifndef TKP_TELEMETRY_COLLECTORS_H
#define TKP_TELEMETRY_COLLECTORS_H

#include <bus/bus.h>
#include <telemetry/completion.h>
#include <telemetry/gate.h>

enum {
    TKP_COLLECTORS_READY_MS = 10000,   /* from its line of configuration to `ready` */
    TKP_COLLECTORS_RESULTS_MS = 10000, /* from `finish` to the results */
    TKP_COLLECTORS_END_MS = 2000       /* to end when asked, then again before it is killed */
};

struct tkp_collectors;

/* Whether the commands can be started, and names of the programs that they name. Starts nothing. */
tokperf_status tkp_collectors_check(const char *const *commands, uint32_t count,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* Starts one process a command, before there are threads and sockets. TOKPERF_E_INVALID: a command
 * that names no program. One that the system does not start is a warning, and failed. commands:
 * borrowed. */
tokperf_status tkp_collectors_start(const char *const *commands, uint32_t count,
                                    struct tkp_collectors **collectors,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;

/* What the collectors are told. bus NULL: there is none, and all of them have failed. */
struct tkp_collectors_run {
    struct tkp_bus *bus;
    const char *control, *events; /* addresses; events may be "" */
    const char *benchmark_id, *artifact_dir;
};
/* Opens the control socket and gives each its line. A failure is a warning, and theirs. */
void tkp_collectors_open(struct tkp_collectors *collectors, const struct tkp_collectors_run *run);

/* Readable when one of them has said something or has ended; level-triggered for poll(). */
int tkp_collectors_fd(const struct tkp_collectors *collectors);
/* Takes notice of that, without waiting, but for the last words of one that has just ended. */
void tkp_collectors_look(struct tkp_collectors *collectors);

/* Whether one of them is neither ready nor over. At its deadline it has failed. */
bool tkp_collectors_are_starting(struct tkp_collectors *collectors);
void tkp_collectors_begin_gate(struct tkp_collectors *collectors, const char *phase_id,
                               const char *phase, enum tkp_gate_kind kind, uint64_t timeout_ns);
bool tkp_collectors_gate_waits(struct tkp_collectors *collectors);
void tkp_collectors_give_up_gate(struct tkp_collectors *collectors, const char *why);
/* Asks for the results. Again: with less time. */
void tkp_collectors_begin_finish(struct tkp_collectors *collectors, uint64_t timeout_ns);
bool tkp_collectors_finish_waits(struct tkp_collectors *collectors);
/* Ends their processes, bounded; those that had to be killed are warnings. */
void tkp_collectors_end(struct tkp_collectors *collectors);
/* The same, and frees; accepts NULL. Before the bus is destroyed. */
void tkp_collectors_destroy(struct tkp_collectors *collectors);

const struct tkp_services *tkp_collectors_services(const struct tkp_collectors *collectors);
const char *tkp_collectors_command(const struct tkp_collectors *collectors, uint32_t service);
const struct tkp_gate *tkp_collectors_gate(const struct tkp_collectors *collectors);
const struct tkp_completion *tkp_collectors_completion(const struct tkp_collectors *collectors);

#endif
