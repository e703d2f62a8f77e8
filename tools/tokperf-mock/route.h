/* SPDX-License-Identifier: Apache-2.0 */
/* Which request gets which response. */
#ifndef TKP_MOCK_ROUTE_H
#define TKP_MOCK_ROUTE_H

#include "connection.h"
#include "http_request.h"

/* Answers a whole request. Its slices point into connection->in, which is not changed here. */
void tkp_mock_route_request(struct tkp_mock_connection *connection,
                            const struct tkp_mock_http_request *request);
/* Answers with an error object; `extra` as in struct tkp_mock_head, param may be NULL. */
void tkp_mock_route_error(struct tkp_mock_connection *connection, int status, const char *message,
                          const char *param, const char *extra);

#endif
