/* SPDX-License-Identifier: Apache-2.0 */
/* See gate.h. */
#include <telemetry/gate.h>

#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>

const char *tkp_gate_kind_name(enum tkp_gate_kind kind)
{
    return kind == TKP_GATE_START ? "start" : "end";
}

static void keep_past(struct tkp_gates *gates)
{
    const struct tkp_gate *gate = &gates->current;
    uint32_t place = gates->past_count++ % TKP_GATES_MAX;
    uint32_t asked = 0, answered = 0;
    for (uint32_t i = 0; i < TKP_SERVICES_MAX; i++) {
        enum tkp_gate_answer answer = gate->answers[i];
        asked |= (answer != TKP_ANSWER_NONE ? 1u : 0u) << i;
        answered |= (answer == TKP_ANSWER_SUCCESS || answer == TKP_ANSWER_FAILURE ? 1u : 0u) << i;
    }
    memcpy(gates->past[place].phase_id, gate->phase_id, TKP_PHASE_ID_BYTES);
    gates->past[place].kind = gate->kind;
    gates->past[place].asked = asked;
    gates->past[place].answered = answered;
}

static void settle(struct tkp_gates *gates, uint32_t service, enum tkp_gate_answer answer,
                   const char *error, uint64_t now_ns)
{
    struct tkp_gate *gate = &gates->current;
    gate->answers[service] = answer;
    gate->succeeded += answer == TKP_ANSWER_SUCCESS;
    tkp_text_copy(gate->errors[service], TKP_SERVICE_REASON_BYTES, tkp_span(error));
    if (--gate->waiting == 0) {
        gate->end_ns = now_ns;
        keep_past(gates);
    }
}

static bool waits_for(const struct tkp_gates *gates, uint32_t service)
{
    return gates->current.answers[service] == TKP_ANSWER_WAITING;
}

void tkp_gates_open(struct tkp_gates *gates, const struct tkp_services *services,
                    const char *phase_id, enum tkp_gate_kind kind, uint64_t now_ns,
                    uint64_t timeout_ns)
{
    struct tkp_gate *gate = &gates->current;
    *gate = (struct tkp_gate){
        .kind = kind, .begin_ns = now_ns, .deadline_ns = tkp_clock_after_ns(now_ns, timeout_ns)};
    tkp_text_copy(gate->phase_id, sizeof gate->phase_id, tkp_span(phase_id));
    for (uint32_t i = 0; i < services->count; i++) {
        const struct tkp_service *service = &services->list[i];
        if (service->state != TKP_SERVICE_READY ||
            !(service->capabilities & TKP_CAPABILITY_BASELINE))
            continue;
        gate->answers[i] = TKP_ANSWER_WAITING;
        gate->asked++;
        gate->waiting++;
    }
    if (gate->asked)
        return;
    gate->end_ns = now_ns;
    keep_past(gates);
}

/* Of an acknowledgement that no gate waits for. */
static enum tkp_ack_fate fate_of_ignored(struct tkp_gates *gates, uint32_t service,
                                         const struct tkp_gate_ack *ack)
{
    uint32_t kept = gates->past_count < TKP_GATES_MAX ? gates->past_count : TKP_GATES_MAX;
    const struct tkp_gate *gate = &gates->current;
    bool is_current =
        gate->waiting && gate->kind == ack->kind && strcmp(gate->phase_id, ack->phase_id) == 0;
    if (is_current && (gate->answers[service] == TKP_ANSWER_SUCCESS ||
                       gate->answers[service] == TKP_ANSWER_FAILURE)) {
        gates->duplicates++;
        return TKP_ACK_DUPLICATE;
    }
    for (uint32_t i = 0; i < kept; i++) {
        if (gates->past[i].kind != ack->kind ||
            strcmp(gates->past[i].phase_id, ack->phase_id) != 0 ||
            !(gates->past[i].asked & 1u << service))
            continue;
        bool answered = gates->past[i].answered & 1u << service;
        gates->duplicates += answered;
        gates->late += !answered;
        gates->past[i].answered |= 1u << service;
        return answered ? TKP_ACK_DUPLICATE : TKP_ACK_LATE;
    }
    gates->unknown++;
    return TKP_ACK_UNKNOWN;
}

enum tkp_ack_fate tkp_gates_acknowledge(struct tkp_gates *gates, uint32_t service,
                                        const struct tkp_gate_ack *ack, uint64_t now_ns)
{
    const struct tkp_gate *gate = &gates->current;
    (void)tkp_gates_wait(gates, now_ns); /* what comes behind the deadline is late */
    if (!waits_for(gates, service) || gate->kind != ack->kind ||
        strcmp(gate->phase_id, ack->phase_id) != 0)
        return fate_of_ignored(gates, service, ack);
    bool has_error = ack->error[0] != '\0';
    if (ack->success == has_error) {
        settle(gates, service, TKP_ANSWER_FAILURE,
               has_error ? "its acknowledgement has success and an error at once"
                         : "its acknowledgement has neither success nor an error",
               now_ns);
        return TKP_ACK_CONTRADICTORY;
    }
    settle(gates, service, ack->success ? TKP_ANSWER_SUCCESS : TKP_ANSWER_FAILURE, ack->error,
           now_ns);
    return TKP_ACK_TAKEN;
}

void tkp_gates_garbled(struct tkp_gates *gates, uint32_t service, const char *why, uint64_t now_ns)
{
    if (waits_for(gates, service))
        settle(gates, service, TKP_ANSWER_FAILURE, why, now_ns);
}

void tkp_gates_unregister(struct tkp_gates *gates, const struct tkp_services *services,
                          uint32_t service, uint64_t now_ns)
{
    char why[TKP_SERVICE_REASON_BYTES];
    const struct tkp_service *ended = &services->list[service];
    if (!waits_for(gates, service))
        return;
    snprintf(why, sizeof why, "%s: %.200s", tkp_service_state_name(ended->state), ended->reason);
    settle(gates, service, TKP_ANSWER_OVER, why, now_ns);
}

void tkp_gates_give_up(struct tkp_gates *gates, const char *why, uint64_t now_ns)
{
    for (uint32_t i = 0; i < TKP_SERVICES_MAX; i++)
        if (waits_for(gates, i))
            settle(gates, i, TKP_ANSWER_TIMEOUT, why, now_ns);
}

bool tkp_gates_wait(struct tkp_gates *gates, uint64_t now_ns)
{
    if (gates->current.waiting && now_ns >= gates->current.deadline_ns)
        tkp_gates_give_up(gates, "it did not answer in time", now_ns);
    return gates->current.waiting != 0;
}
