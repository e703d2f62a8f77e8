/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the controller of a run and its collectors say to each other: the kind of the control frame
 * and a JSON object as its payload (docs/bus.md, "Collectors and gates"). Readers refuse wrong
 * types, missing members, and what is longer than its bound; members that they do not know are
 * skipped. Pure. [any]
 */
#ifndef TKP_TELEMETRY_MESSAGE_H
#define TKP_TELEMETRY_MESSAGE_H

#include <base/buffer.h>
#include <telemetry/gate.h>

enum { TKP_COLLECTOR_PROTOCOL = 1 }; /* version of the messages */

enum tkp_message_kind {
    TKP_MESSAGE_REGISTER = 64, /* collector: version, capabilities */
    TKP_MESSAGE_READY = 65,
    TKP_MESSAGE_FAILED = 66,       /* error, if it says why */
    TKP_MESSAGE_DISABLED = 67,     /* error: why there is nothing to collect, likewise */
    TKP_MESSAGE_LEAVE = 68,        /* it stops; nothing more comes */
    TKP_MESSAGE_BASELINE_ACK = 69, /* phase_id, kind, success xor error */
    TKP_MESSAGE_RESULT = 70,       /* domain; error: there is none */
    TKP_MESSAGE_BASELINE = 80,     /* controller: phase_id, phase, kind, timeout_ms */
    TKP_MESSAGE_FINISH = 81        /* timeout_ms: for the results that are owed */
};

enum {
    TKP_MESSAGE_MAX_BYTES = 16 * 1024, /* of a payload */
    TKP_PHASE_NAME_BYTES = 128         /* with its NUL; longer names are cut */
};

/* Of any kind; what the kind does not have is zero. Texts are cut at their bounds. */
struct tkp_message {
    enum tkp_message_kind kind;
    uint32_t version;
    uint32_t capabilities;   /* those that are known here */
    struct tkp_gate_ack ack; /* also phase_id and kind of a request, and error of any kind */
    char phase[TKP_PHASE_NAME_BYTES];
    enum tkp_domain domain;
    uint32_t timeout_ms;
};

void tkp_message_write(const struct tkp_message *message, struct tkp_buffer *out);
/* TOKPERF_E_UNSUPPORTED: a kind that is not known here, to be skipped. TOKPERF_E_PARSE: says what
 * is wrong. *message has its kind in either case but the first. */
tokperf_status tkp_message_parse(uint32_t kind, struct tokperf_span payload,
                                 struct tkp_message *message,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

/* The line that a collector reads from its standard input: who it is and where the run is. */
struct tkp_collector_config {
    uint32_t version;                     /* TKP_COLLECTOR_PROTOCOL */
    char service[TKP_SERVICE_NAME_BYTES]; /* its name on the control socket */
    char control[128], events[128];       /* addresses; events: "" without a publisher */
    char benchmark_id[TKP_PHASE_ID_BYTES];
    char artifact_dir[4096];
};
enum { TKP_COLLECTOR_LINE_BYTES = 32 * 1024 };
/* With the line feed. */
void tkp_collector_config_write(const struct tkp_collector_config *config, struct tkp_buffer *out);
tokperf_status tkp_collector_config_parse(struct tokperf_span line,
                                          struct tkp_collector_config *config,
                                          struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
