/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end: a collector's process. It reads its line of configuration from the standard input,
 * connects, registers, and then answers what the run asks until the standard input ends. One thread
 * of the collector's process, from open to close.
 */
#ifndef TKP_TELEMETRY_COLLECTOR_CLIENT_H
#define TKP_TELEMETRY_COLLECTOR_CLIENT_H

#include <telemetry/message.h>

struct tkp_collector_client;

/* Waits up to timeout_ms for the line and registers. TOKPERF_E_CANCELLED: the run ended before it
 * came; TOKPERF_E_TIMEOUT, TOKPERF_E_PARSE. */
tokperf_status tkp_collector_client_open(uint32_t capabilities, uint32_t timeout_ms,
                                         struct tkp_collector_client **client,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;
const struct tkp_collector_config *
tkp_collector_client_config(const struct tkp_collector_client *client);
/* Any message of tkp_message_kind that a collector sends. */
tokperf_status tkp_collector_client_send(struct tkp_collector_client *client,
                                         const struct tkp_message *message,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;
/* READY, LEAVE; or FAILED, DISABLED with why. */
tokperf_status tkp_collector_client_say(struct tkp_collector_client *client,
                                        enum tkp_message_kind kind, const char *why,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* The answer to a BASELINE: error NULL or "" is success. */
tokperf_status tkp_collector_client_acknowledge(struct tkp_collector_client *client,
                                                const struct tkp_message *request, const char *why,
                                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* The result of a domain is written; why: it is not. */
tokperf_status tkp_collector_client_report(struct tkp_collector_client *client,
                                           enum tkp_domain domain, const char *why,
                                           struct tokperf_error *error) TOKPERF_MUST_USE;
/* Waits up to timeout_ms for what the run says. TOKPERF_E_TIMEOUT; TOKPERF_E_CANCELLED: the run
 * wants the collector to end, or is gone; TOKPERF_E_PARSE: a message that cannot be read: go on. */
tokperf_status tkp_collector_client_next(struct tkp_collector_client *client, uint32_t timeout_ms,
                                         struct tkp_message *message,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;
/* Sends what waits for at most 1 s. Accepts NULL. */
void tkp_collector_client_close(struct tkp_collector_client *client);

#endif
