/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange of requests and answers over a connection. Runs on the connection's loop. */
#ifndef TKP_MOCK_EXCHANGE_H
#define TKP_MOCK_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "connection.h"
#include "http_response.h"

/* epoll reported these events. The connection may be closed on return. */
void tkp_mock_exchange_on_events(struct tkp_mock_connection *connection, uint32_t events);
/* Its timer is due (and no longer armed). The connection may be closed on return. */
void tkp_mock_exchange_on_timer(struct tkp_mock_connection *connection);

/* For routes, each once for a request. Sends a plain response, whole; body is copied. */
void tkp_mock_exchange_reply(struct tkp_mock_connection *connection,
                             const struct tkp_mock_head *head, struct tkp_mock_slice body);
/* Starts the inference answer in connection->answer. */
void tkp_mock_exchange_infer(struct tkp_mock_connection *connection);
/* Ends the connection without a byte, by a reset or a plain close. */
void tkp_mock_exchange_drop(struct tkp_mock_connection *connection, bool with_reset);

#endif
