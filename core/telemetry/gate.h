/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline gates of a run, one after the other: before a phase's first request and after its
 * last response every collector of baselines is asked for a reference sample, and the run goes on
 * once all of them have answered, are over, or the timeout has passed. Pure; time is the caller's.
 * [main]
 */
#ifndef TKP_TELEMETRY_GATE_H
#define TKP_TELEMETRY_GATE_H

#include <telemetry/services.h>

enum { TKP_PHASE_ID_BYTES = 37 }; /* a UUID with its NUL */
enum tkp_gate_kind { TKP_GATE_START = 1, TKP_GATE_END };
enum { TKP_GATES_MAX = 128 }; /* that are remembered, for late answers: two of 64 phases */

enum tkp_gate_answer {
    TKP_ANSWER_NONE = 0, /* it was not asked */
    TKP_ANSWER_WAITING,
    TKP_ANSWER_SUCCESS,
    TKP_ANSWER_FAILURE,
    TKP_ANSWER_OVER,   /* the service failed, was disabled, stopped or died meanwhile */
    TKP_ANSWER_TIMEOUT /* of the gate */
};

/* What an acknowledgement says. Valid with success or with an error, never with both or neither. */
struct tkp_gate_ack {
    char phase_id[TKP_PHASE_ID_BYTES];
    enum tkp_gate_kind kind;
    bool success;
    char error[TKP_SERVICE_REASON_BYTES]; /* "": none */
};

/* What became of an acknowledgement. */
enum tkp_ack_fate {
    TKP_ACK_TAKEN = 1,
    TKP_ACK_CONTRADICTORY, /* success and error at once, or neither: taken as a failure */
    TKP_ACK_DUPLICATE,     /* of a service that has answered: ignored, as the ones below */
    TKP_ACK_LATE,          /* its gate is over */
    TKP_ACK_UNKNOWN        /* no such gate, or the service was not asked there */
};

struct tkp_gate {
    char phase_id[TKP_PHASE_ID_BYTES];
    enum tkp_gate_kind kind;
    uint64_t begin_ns, deadline_ns, end_ns; /* end: 0 while it waits */
    uint32_t asked, waiting, succeeded;     /* services */
    enum tkp_gate_answer answers[TKP_SERVICES_MAX];
    char errors[TKP_SERVICES_MAX][TKP_SERVICE_REASON_BYTES];
};

struct tkp_gates {
    struct tkp_gate current; /* the last one */
    struct {                 /* those that are over, the newest replacing the oldest */
        char phase_id[TKP_PHASE_ID_BYTES];
        enum tkp_gate_kind kind;
        uint32_t asked, answered; /* bit 1 << service */
    } past[TKP_GATES_MAX];
    uint32_t past_count;
    uint64_t duplicates, late, unknown; /* acknowledgements that were ignored */
};

const char *tkp_gate_kind_name(enum tkp_gate_kind kind); /* "start", "end" */

/* Asks every ready collector of baselines; whom: current.answers. With nobody to ask the gate is
 * over at once. */
void tkp_gates_open(struct tkp_gates *gates, const struct tkp_services *services,
                    const char *phase_id, enum tkp_gate_kind kind, uint64_t now_ns,
                    uint64_t timeout_ns);
enum tkp_ack_fate tkp_gates_acknowledge(struct tkp_gates *gates, uint32_t service,
                                        const struct tkp_gate_ack *ack, uint64_t now_ns);
/* An answer of the service that cannot be read: the gate that waits for it has its failure. */
void tkp_gates_garbled(struct tkp_gates *gates, uint32_t service, const char *why, uint64_t now_ns);
/* The service is over: no gate waits for it. */
void tkp_gates_unregister(struct tkp_gates *gates, const struct tkp_services *services,
                          uint32_t service, uint64_t now_ns);
/* Whether the gate waits still; at its deadline it does not: who has not answered timed out. */
bool tkp_gates_wait(struct tkp_gates *gates, uint64_t now_ns);
/* Ends the gate now, as a timeout would. */
void tkp_gates_give_up(struct tkp_gates *gates, const char *why, uint64_t now_ns);

#endif
